# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of all figures of a run from one of its windows to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Union

from ..noise.change import Side, changes
from .change_sides import noise_fault, side
from .other_work import other_work_fault
from .report import Change, FigureRow, Reading, StageWindow
from .types import WindowResult

#: Windows, of which the times and the resources count here.
Windows = Sequence[Union[StageWindow, WindowResult]]


def window_changes(rows: Sequence[FigureRow], windows: Windows, before: int, after: int) -> list[Change | None]:
    """The change of each row's figure from the window at one place to that at another; None where there is none.

    What is looked at first, the key figures, is not to be the less certain for all that stands behind it: they are
    judged together, and the others together.
    """
    found: list[Change | None] = [None] * len(rows)
    for key in (True, False):
        places = [place for place, row in enumerate(rows) if row["key"] == key]
        for place, change in zip(places, _judged([rows[place] for place in places], windows, before, after)):
            found[place] = change
    return found


def _judged(rows: Sequence[FigureRow], windows: Windows, before: int, after: int) -> list[Change | None]:
    """The changes of these figures together."""
    found: list[Change | None] = []
    pairs: list[tuple[Change, tuple[Side, Side]]] = []
    other_work = other_work_fault(windows[before].get("resources"), windows[after].get("resources"))
    for row in rows:
        earlier, later = row["readings"][before], row["readings"][after]
        change = bare_change(earlier, later) if earlier and later else None
        found.append(change)
        if earlier is None or later is None or change is None:
            continue
        change["reason"] = noise_fault(earlier, "earlier") or noise_fault(later, "later") or other_work
        if not change["reason"]:
            pairs.append((change, (side(earlier, windows[before]), side(later, windows[after]))))
    judge_together(pairs)
    return found


def judge_together(
    pairs: Sequence[tuple[Change, tuple[Side, Side]]], names: tuple[str, str] = ("earlier", "later")
) -> None:
    """Give changes that are looked at together their verdicts. names: what reasons call the two windows."""
    for (change, _sides), judged in zip(pairs, changes([sides for _change, sides in pairs], names)):
        change.update({"verdict": judged.verdict, "low": judged.low, "high": judged.high, "reason": judged.reason})


def bare_change(before: Reading, after: Reading) -> Change | None:
    """The change against an earlier window: absolute, and as a ratio unless that would divide by zero.

    None where one of the values is not known or only a bound: two quantiles in the
    same lowest bucket need not be the same.
    """
    old, new = before["value"], after["value"]
    if old is None or new is None or before.get("bound") or after.get("bound"):
        return None
    difference = new - old
    ratio = difference / abs(old) if old else 0.0 if new == 0 else math.inf
    return {
        "absolute": difference,
        # Relative to next to nothing a change is no number.
        "ratio": ratio if math.isfinite(ratio) else None,
        "verdict": "unknown",
        "low": None,
        "high": None,
        "reason": "",
    }
