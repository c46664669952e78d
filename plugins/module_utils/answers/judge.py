# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a change between two windows of a run, in an answer's words."""

from __future__ import annotations

from functools import cache

from ..formatting import ratio_text, value_text
from ..results.report import Change, FigureRow, Report
from ..results.window_changes import window_changes
from .fact_reading import ChangeVerdict, Judge
from .question import SAME, UNKNOWN

#: Where noise would hide a change by this share, "no change" is no answer.
HIDDEN = 0.5


def judge_of(report: Report) -> Judge:
    """Judges the changes of a run. All figures of two windows are judged together, once for each pair of windows."""

    @cache
    def between(before: int, after: int) -> dict[tuple[str, str], Change | None]:
        rows = report["figures"]
        found = window_changes(rows, report["windows"], before, after)
        return {(row["id"], row["unit"]): change for row, change in zip(rows, found)}

    def judge(row: FigureRow, before: int, after: int) -> ChangeVerdict:
        later = row["readings"][after]
        if after == before + 1:
            # The merged run has the changes of neighbours.
            change = later["change"] if later else None
        else:
            change = between(before, after)[row["id"], row["unit"]]
        if change is None:
            return ChangeVerdict(UNKNOWN, "", "in one of the windows it is only a bound")
        earlier = row["readings"][before]
        size = change_size(change, row["unit"], earlier["value"] if earlier else None)
        if change["verdict"] == "unknown":
            return ChangeVerdict(UNKNOWN, size, change["reason"])
        if change["verdict"] == "none" and _hides(change, earlier["value"] if earlier else None):
            return ChangeVerdict(UNKNOWN, size, "noise would hide a change by half")
        return ChangeVerdict(SAME if change["verdict"] == "none" else change["verdict"], size)

    return judge


def _hides(change: Change, before: float | None) -> bool:
    """Whether what is called no change may be a large one."""
    ends = [abs(end) for end in (change["low"], change["high"]) if end is not None]
    return bool(before) and max(ends, default=0.0) > HIDDEN * abs(before or 0.0)


def change_size(change: Change, unit: str, before: float | None) -> str:
    """How large a change is: ``+45 to +55 %`` beyond noise, ``within ±4 %``, or ``+12 %`` where noise is not known.

    before: the value that it is relative to; where that is 0, the size is in the figure's unit.
    """
    low, high = change["low"], change["high"]
    if change["verdict"] == "unknown" or low is None or high is None:
        return "" if change["ratio"] is None else ratio_text(change["ratio"])
    if not before:
        return f"{value_text(low, unit)} to {value_text(high, unit)} more"
    ends = sorted((low / abs(before), high / abs(before)))
    if change["verdict"] == "none":
        return f"within ±{ratio_text(max(map(abs, ends))).lstrip('+±')}"
    return f"{ratio_text(ends[0])} to {ratio_text(ends[1])}"
