# SPDX-License-Identifier: GPL-3.0-or-later
"""A change from one window to the next in words: beyond noise, no difference, or not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..formatting import interval_text, ratio_text, value_text
from ..results.report import Change, FigureRow, Reading

#: What the texts mean, in a terminal and elsewhere; shown where there are any.
LEGEND = "After a change, +12 to +18 %: beyond noise; within ±4 %: no more than noise; ?: not known."
NOTE = (
    "A range such as +12 to +18 % is a change beyond noise, with where it lies (19 times in 20); within ±4 % is no "
    "difference beyond noise, and how large it may still be; ? stands after a difference of which it is not known "
    "whether it is noise."
)


def change_words(reading: Reading) -> str:
    """``+12 to +18 %``, ``within ±4.0 %``, ``+6.6 %?``; empty where there is no difference to be told."""
    return change_text(reading["change"], reading["value"])


def change_text(change: Change | None, value: float | None) -> str:
    """The same of a change and the later value."""
    if change is None or value is None:
        return ""
    ratio = change["ratio"]
    before = abs(value - change["absolute"])
    if change["verdict"] == "unknown":
        return "" if ratio is None else f"{ratio_text(ratio)}?"
    if ratio is None or not before:
        return {"none": "no difference"}.get(change["verdict"], change["verdict"])
    low, high = (None if end is None else end / before for end in (change["low"], change["high"]))
    if change["verdict"] == "none":
        margin = max(abs(low or 0.0), abs(high or 0.0))
        return f"within ±{ratio_text(margin).removeprefix('+').removeprefix('±')}" if margin else "no difference"
    if low is None or high is None:
        end = high if low is None else low
        return f"{ratio_text(ratio)}" if end is None else f"beyond {ratio_text(end)}"
    ends = sorted((low, high), key=abs)
    texts = [ratio_text(end) for end in ends]
    if texts[0] == texts[1]:
        return texts[0]
    return f"{texts[0].removesuffix(' %') if texts[1].endswith(' %') else texts[0]} to {texts[1]}"


def change_remark(reading: Reading) -> str:
    """Why it is not known whether a figure changed; empty where it is known, or where results are too old to know."""
    change = reading["change"]
    if change is None or change["verdict"] != "unknown" or "noise" not in reading:
        return ""
    return f"Whether it changed from the window before is not known: {change['reason']}."


def change_amount(reading: Reading, unit: str) -> str:
    """By how much a figure changed beyond noise, in its own unit: ``3.1 to 4.2/s higher``; empty where it did not."""
    return amount_text(reading["change"], unit)


def amount_text(change: Change | None, unit: str) -> str:
    """The same of a change."""
    if change is None or change["verdict"] not in ("higher", "lower"):
        return ""
    low, high = change["low"], change["high"]
    if change["verdict"] == "lower":
        low, high = (None if end is None else -end for end in (high, low))
    if low is not None and low == high:
        return f"{value_text(low, unit)} {change['verdict']}"
    text = interval_text(low, high, unit).removeprefix("between ").replace(" and ", " to ")
    return f"{text} {change['verdict']}".strip()


def steadiness_text(reading: Reading, unit: str) -> str:
    """What a window's halves had, where they differ beyond noise: ``40/s → 44/s``; else empty."""
    noise = reading.get("noise") or {"steps": 0, "step": 0.0}
    first, second = noise.get("halves") or (None, None)
    if noise.get("steady", True) or first is None or second is None:
        return ""
    return f"{value_text(first, unit)} → {value_text(second, unit)}"


def steadiness_remark(reading: Reading, unit: str) -> str:
    """The same in a sentence."""
    halves = steadiness_text(reading, unit)
    return f"Not steady from the window's first half to its second: {halves}." if halves else ""


def changes_note(figures: Iterable[FigureRow]) -> str:
    """What the texts of changes mean; empty where there are none."""
    readings: Sequence[Reading] = [reading for figure in figures for reading in figure["readings"] if reading]
    return NOTE if any(map(change_words, readings)) else ""
