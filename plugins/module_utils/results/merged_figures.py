# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run over its windows: their changes from window to window, and how well their values are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from .report import Extreme, FigureRow, Known, LargestGap, Reading, ReadingPlace, StageWindow, is_number
from .types import FigureResult, StageRecord, WindowResult
from .window_changes import window_changes

#: What says how well a value is known, and how it came about; a reading has those that its figure has.
BESIDE = (
    "interval",
    "bound",
    "observations",
    "samples",
    "largest_gap",
    "resets",
    "new_series",
    "gone_series",
    "unknown_series",
    "double_series",
    "notes",
    "metrics",
    "definition",
    "thresholds",
    "compared",
    "noise",
    "promql",
    "promql_difference",
    "promql_reason",
    "promql_parts",
    "promql_smoothed",
)
#: Reasons that differ only in a number are one.
SERIES_COUNT = re.compile(r"\b\d+ series\b")


def merge_figures(windows: Sequence[WindowResult]) -> list[FigureRow]:
    """One row a figure, with one reading a window (None where the window has no such figure).

    A figure is known by its id and unit: values of different units are never
    set side by side, nor is a change worked out between them.
    """
    rows: dict[tuple[str, str], FigureRow] = {}
    for index, window in enumerate(windows):
        for figure in window["figures"]:
            row = rows.setdefault(
                (figure["id"], figure["unit"]),
                {
                    "id": figure["id"],
                    "title": figure["title"],
                    "unit": figure["unit"],
                    "direction": figure["direction"],
                    "question": figure.get("question", ""),
                    "reference": figure.get("reference", ""),
                    "distribution": figure.get("distribution", ""),
                    "key": False,
                    "readings": [None] * len(windows),
                },
            )
            row["key"] = row["key"] or figure.get("key", False)
            row["readings"][index] = _reading(figure)
    found = list(rows.values())
    for index in range(1, len(windows)):
        for row, change in zip(found, window_changes(found, windows, index - 1, index)):
            after = row["readings"][index]
            if after is not None:
                after["change"] = change
    return found


def _reading(figure: FigureResult) -> Reading:
    fields: Mapping[str, object] = figure
    reading = {
        "value": figure["value"],
        "state": figure["state"],
        "reason": figure["reason"],
        "query": figure["query"],
        "time": figure["time"],
        "coverage": figure.get("coverage"),
        "by": figure.get("by", {}),
        "change": None,
        **{name: fields[name] for name in BESIDE if name in fields},
    }
    return cast("Reading", reading)


# --- how well the values are known ---------------------------------------------------------------


def known_values(
    shown: Mapping[str, StageRecord], windows: Sequence[StageWindow], figures: Sequence[FigureRow]
) -> Known:
    """How well the values are known, over all windows; figures without a value are among the problems."""
    found = [
        (figure, index, reading)
        for figure in figures
        for index, reading in enumerate(figure["readings"])
        if reading is not None and reading["value"] is not None
    ]
    reasons: dict[str, list[ReadingPlace]] = {}
    bounds: list[ReadingPlace] = []
    for figure, index, reading in found:
        place: ReadingPlace = {"figure": figure["id"], "unit": figure["unit"], "window": index}
        reason = reading.get("promql_reason")
        if reason and not _within_bound(reading):
            reasons.setdefault(SERIES_COUNT.sub("series", reason), []).append(place)
        if reading.get("bound"):
            bounds.append(place)
    gap = _extreme(max, ((reading.get("largest_gap"), index) for _figure, index, reading in found))
    return {
        "coverage": _extreme(min, ((reading["coverage"], index) for _figure, index, reading in found)),
        "largest_gap": _largest_gap(gap, shown, windows) if gap else None,
        "cross_checked": sum("promql" in reading for _figure, _index, reading in found),
        "differences": [{"reason": reason, "readings": places} for reason, places in reasons.items()],
        "bounds": bounds,
    }


def _extreme(choose: Callable[[Iterable[float]], float], values: Iterable[tuple[float | None, int]]) -> Extreme | None:
    """The least or greatest value with the windows that have it; None when none is known."""
    known = [(value, index) for value, index in values if value is not None]
    if not known:
        return None
    extreme = choose(value for value, _index in known)
    return {"value": extreme, "windows": sorted({index for value, index in known if value == extreme})}


def _largest_gap(gap: Extreme, shown: Mapping[str, StageRecord], windows: Sequence[StageWindow]) -> LargestGap:
    stage = windows[gap["windows"][0]]["stage"]
    interval = shown[stage]["settings"].get("scrape_interval")
    return {**gap, "scrape_interval": interval if is_number(interval) else None}


def _within_bound(reading: Reading) -> bool:
    """Whether PromQL's answer does not contradict a value that is only a bound."""
    theirs, value = reading.get("promql"), reading["value"]
    if theirs is None or value is None or "bound" not in reading:
        return False
    return theirs <= value if reading["bound"] == "below" else theirs >= value
