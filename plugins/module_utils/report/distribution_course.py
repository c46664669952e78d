# SPDX-License-Identifier: GPL-3.0-or-later
"""How a distribution went over a run, step after step: in words, and as the cells of a heat map.

A window's figures do not tell whether slow observations are spread over it, or came in ten seconds of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypedDict

from ..formatting import duration_text, number_text, offset_text, value_text
from ..results.report import MergedDistribution, Report, StageWindow
from ..results.types import DistributionResult
from .columns import columns
from .words import NOTHING, counted

#: Observations in a step from which on a cell is of the next level; below the first it is of the lowest.
LEVELS = (1.0, 10.0, 100.0, 1000.0)
#: Steps whose slowest observation takes this many times what it takes in most steps stand out.
STANDS_OUT = 10.0
#: Times that are named; of more only how many there are.
MOST_TIMES = 3


class Cell(NamedTuple):
    """Steps of a bucket side by side with about as many observations. times in Unix seconds; bounds may be infinite."""

    start: float
    end: float
    above: float
    to: float
    level: int


class CourseView(TypedDict):
    """A distribution over the run in words. windows: letter, name, and how it went."""

    id: str
    title: str
    windows: list[tuple[str, str, str]]


class _Step(NamedTuple):
    """A step. top: the upper bound of the highest bucket that has an observation; None where there is none."""

    start: float
    end: float
    top: float | None


def level(count: float) -> int:
    """The level of a cell with that many observations, from 0."""
    return sum(count >= least for least in LEVELS)


def level_labels() -> list[str]:
    """What each level stands for."""
    ends = [number_text(least) for least in LEVELS]
    return [
        f"less than {ends[0]}",
        *(f"{low} to {high}" for low, high in pairwise(ends)),
        f"{ends[-1]} or more",
    ]


def cells(distribution: MergedDistribution, windows: Sequence[StageWindow]) -> list[Cell]:
    """The cells of all windows; steps without an observation, or of which nothing is known, have none."""
    return [
        cell
        for window, one in zip(windows, distribution["windows"])
        if one is not None
        for cell in _cells(one, window["end"])
    ]


def _cells(one: DistributionResult, end: float) -> list[Cell]:
    found: list[Cell] = []
    for bucket in one["buckets"]:
        above = -math.inf if bucket["above"] is None else bucket["above"]
        to = math.inf if bucket["to"] is None else bucket["to"]
        before: Cell | None = None
        for number, count in enumerate(bucket["counts"]):
            start, stop = _times(one, number, end)
            if not count or stop <= start:
                before = None
                continue
            cell = Cell(start, stop, above, to, level(count))
            if before is not None and before.level == cell.level:
                # One rectangle less in the page.
                cell = cell._replace(start=before.start)
                found.pop()
            found.append(cell)
            before = cell
    return found


def _times(one: DistributionResult, number: int, end: float) -> tuple[float, float]:
    """When a step begins and ends; none goes beyond the window."""
    start = one["start"] + number * one["step"]
    return start, min(start + one["step"], end)


def course_view(report: Report, distribution: MergedDistribution) -> CourseView:
    """How a distribution went in each window that has it."""
    return {
        "id": distribution["id"],
        "title": distribution["title"],
        "windows": [
            (column["letter"], column["name"], _words(report, window, one, distribution["unit"]))
            for column, window, one in zip(columns(report), report["windows"], distribution["windows"])
            if one is not None
        ],
    }


def _words(report: Report, window: StageWindow, one: DistributionResult, unit: str) -> str:
    """How it went in a window, in a sentence without its full stop."""
    steps = _steps(one, window["end"])
    tops = sorted(step.top for step in steps if step.top is not None)
    if not tops:
        return "no observations are known"
    each = f"step of {duration_text(one['step'])}"
    usual = tops[(len(tops) - 1) // 2]
    slow = [step for step in steps if step.top is not None and step.top >= STANDS_OUT * usual and step.top > usual]
    if not slow:
        if tops[0] == tops[-1]:
            return f"{_none(usual, one, unit)} in each {each}"
        return f"{_none(tops[-1], one, unit)}; in the calmest {each} {_none(tops[0], one, unit)}"
    origin = report["started"] or 0.0
    spans = _spans(slow)
    times = [f"{offset_text(start - origin)} to {offset_text(end - origin)}" for start, end in spans]
    when = f"from {' and '.join(filter(None, [', '.join(times[:-1]), times[-1]]))}"
    if len(spans) > MOST_TIMES:
        when = f"in {len(slow)} of {len(steps)} steps all over the window"
    high = max(step.top for step in slow if step.top is not None)
    most = f"up to {value_text(high, unit)}" if math.isfinite(high) else f"more than {_last(one, unit)}"
    return (
        f"{_none(usual, one, unit)} in most steps of {duration_text(one['step'])}; {most} {when} "
        f"({_beyond(one, usual)} above {value_text(usual, unit)})"
    )


def _steps(one: DistributionResult, end: float) -> list[_Step]:
    found = []
    number_of_steps = max((len(bucket["counts"]) for bucket in one["buckets"]), default=0)
    for number in range(number_of_steps):
        tops = [
            math.inf if bucket["to"] is None else bucket["to"] for bucket in one["buckets"] if bucket["counts"][number]
        ]
        found.append(_Step(*_times(one, number, end), max(tops, default=None)))
    return found


def _spans(steps: Sequence[_Step]) -> list[tuple[float, float]]:
    """Steps side by side as one span."""
    spans: list[tuple[float, float]] = []
    for step in steps:
        if spans and step.start <= spans[-1][1] + 0.001:
            spans[-1] = spans[-1][0], step.end
        else:
            spans.append((step.start, step.end))
    return spans


def _none(top: float, one: DistributionResult, unit: str) -> str:
    """What the highest bucket with an observation tells."""
    return f"none above {value_text(top, unit)}" if math.isfinite(top) else f"some above {_last(one, unit)}"


def _last(one: DistributionResult, unit: str) -> str:
    """Where the bucket without an upper end begins."""
    above = [bucket["above"] for bucket in one["buckets"] if bucket["to"] is None and bucket["above"] is not None]
    return value_text(above[0], unit) if above else NOTHING


def _beyond(one: DistributionResult, usual: float) -> str:
    """How many observations took longer than the slowest of most steps."""
    above = [bucket for bucket in one["buckets"] if bucket["above"] is not None and bucket["above"] >= usual]
    number = sum(count for bucket in above for count in bucket["counts"] if count)
    return counted(max(1, round(number)), "observation")
