# SPDX-License-Identifier: GPL-3.0-or-later
"""The time axis that all drawings of a report share: long pauses are cut out of it, and each drawing breaks there.

Lengths on the drawing are inches where they are of the figure, and points from its left edge where they are places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Union

from ..formatting import offset_text
from ..results.report import MergedSeries, MergedStage, Report, StageWindow

#: Pause in seconds without any stage that is cut out of the axis, marked by a break.
LONGEST_PAUSE = 300.0
#: Parts of the axis: each is a pair of axes in every drawing, and a run of one day has two or three.
MOST_PARTS = 10
#: Least share of the axis' width that a part between two breaks gets.
LEAST_SHARE = 0.06
#: A distance of more than this many steps between two points is a gap.
GAP_STEPS = 1.6

# Inches; left and right margins are the same in all drawings, so that their axes line up.
WIDTH, LEFT, RIGHT = 9.0, 1.05, 0.15
POINTS_PER_INCH = 72
# Points.
CHARACTER_WIDTH = 5.3
BREAK_WIDTH = 10.0
TICK_ROOM = 44.0

TICK_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
DAY = 86400

#: A point of a series: its time and its value, None where it is known to be missing.
Point = tuple[float, Union[float, None]]
#: Points without a gap between them, all with a value.
Stretch = list[tuple[float, float]]


@dataclass(frozen=True)
class AxisPart:
    """A span of the time axis between two breaks; ``left`` and ``width`` in points."""

    start: float
    end: float
    left: float
    width: float

    def place(self, moment: float) -> float:
        """Where a moment lies on the drawing, in points from its left edge."""
        return self.left + (moment - self.start) / (self.end - self.start) * self.width

    def has(self, moment: float) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment <= self.end


def find_parts(report: Report) -> list[AxisPart]:
    """The spans in which something was recorded; long pauses between them are left out, of many the longest."""
    spans = sorted(_spans(report))
    merged = _merged(spans, LONGEST_PAUSE)
    if len(merged) > MOST_PARTS:
        pauses = sorted((after[0] - before[1] for before, after in pairwise(merged)), reverse=True)
        merged = _merged(merged, pauses[MOST_PARTS - 1])
    merged = [(start, max(end, start + 1.0)) for start, end in merged]
    least = sum(end - start for start, end in merged) * LEAST_SHARE
    shares = [max(end - start, least) for start, end in merged]
    room = (WIDTH - LEFT - RIGHT) * POINTS_PER_INCH - BREAK_WIDTH * (len(merged) - 1)
    parts: list[AxisPart] = []
    left = LEFT * POINTS_PER_INCH
    for (start, end), share in zip(merged, shares):
        width = room * share / sum(shares)
        parts.append(AxisPart(start, end, left, width))
        left += width + BREAK_WIDTH
    return parts


def _merged(spans: Sequence[tuple[float, float]], pause: float) -> list[tuple[float, float]]:
    """Spans in the order of their starts, those with at most such a pause between them as one."""
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start - merged[-1][1] <= pause:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _spans(report: Report) -> Iterator[tuple[float, float]]:
    """Start and end of all that was recorded."""
    for stage in report["stages"]:
        span = shown_span(stage)
        if span:
            yield span
    for window in report["windows"]:
        yield window["start"], window["end"]
    for event in report["events"]:
        yield event["time"], event["time"]
    for series in report["series"]:
        for stretch in find_stretches(series):
            yield stretch[0][0], stretch[-1][0]


def shown_span(stage: MergedStage) -> tuple[float, float] | None:
    """Start and end of the attempt that is shown; None where there is none."""
    for attempt in stage["attempts"]:
        started, finished = attempt["started"], attempt["finished"]
        if attempt["attempt"] == stage["shown_attempt"] and started is not None and finished is not None:
            return started, finished
    return None


def find_stretches(series: MergedSeries) -> Iterator[Stretch]:
    """Points without a gap between them: what lies between two stretches is not known, so not drawn."""
    stretch: Stretch = []
    for time, value in points_of(series):
        gap = stretch and series["step"] and time - stretch[-1][0] > GAP_STEPS * series["step"]
        if stretch and (gap or value is None):
            yield stretch
            stretch = []
        if value is not None:
            stretch.append((time, value))
    if stretch:
        yield stretch


def points_of(series: MergedSeries) -> Iterator[Point]:
    """The points of a series; in JSON they are lists."""
    for time, value in series["points"]:
        if time is not None:
            yield time, value


def find_places(parts: Sequence[AxisPart], window: StageWindow) -> tuple[float, float]:
    """Where a window begins and ends on the drawing, in points."""
    part = next(part for part in parts if part.has(window["start"]) and part.has(window["end"]))
    return part.place(window["start"]), part.place(window["end"])


def find_ticks(parts: Sequence[AxisPart], origin: float) -> list[list[float]]:
    """For each part, round times since the run's start, far enough apart for their labels."""
    found = []
    taken = 0.0
    for part in parts:
        least = TICK_ROOM / part.width * (part.end - part.start)
        step = next((step for step in TICK_STEPS if step >= least), math.ceil(least / DAY) * DAY)
        first = math.ceil((part.start - origin) / step) * step
        ticks = []
        for moment in range(first, math.floor(part.end - origin) + 1, step):
            half = CHARACTER_WIDTH * len(offset_text(moment)) / 2
            place = part.place(origin + moment)
            # Labels at the two sides of a break could cover each other.
            if place - half >= taken:
                ticks.append(origin + moment)
                taken = place + half + 2
        found.append(ticks)
    return found
