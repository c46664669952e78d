# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic on raw samples over a window (start, end]; docs/measurement.md explains it.

Nothing is carried on beyond the samples. At an edge of the window the growth between the two
samples on its sides is divided in proportion to time, so that windows side by side add up.
Times are Unix seconds on Prometheus' clock, and the samples reach beyond the window by MARGIN.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from .lives import Birth, Lives, Piece
from .processes import Process
from .query import ALIVE_SCRAPES
from .series import Times


@dataclass(frozen=True)
class Course:
    """How the sample times of a life lie to a window; the same for all its pieces of these times.

    zero: time of a zero before the first sample, which counts as a sample in what follows.
    first, last: indices of the first and last sample inside the window (last < first: none).
    head, tail: shares of the steps across start and end that lie inside.
    begins: "", "new", "reset" or "unknown". ends: "", "gone", "reset" or "unknown".
    sure: False when the first value may hold growth from before the window.
    unknown: seconds of the window in which nothing is known. gap: longest time between samples.
    lost: seconds of the window whose counts a restart took along. open: more may have been counted than was scraped.
    pace: usual seconds from one sample to the next.
    came_back: it was not there for a while although its process answered.
    """

    zero: float | None
    first: int
    last: int
    head: float
    tail: float
    begins: str
    ends: str
    sure: bool
    unknown: float
    gap: float
    samples: int
    lost: float
    open: bool
    came_back: bool
    pace: float


class Growth(NamedTuple):
    """Growth of a piece in a window; a tuple, because there are thousands.

    value: the growth; it certainly lies between least and most when the process neither restarted nor went, and
    nothing is unknown, because both are differences of samples. fell: times that it fell although its process lived on.
    """

    value: float
    least: float
    most: float
    fell: int
    course: Course


class Ruler:
    """Lays a window over sample times; keeps what it found out for each life."""

    def __init__(self, start: float, end: float, lives: Lives) -> None:
        self.start = start
        self.end = end
        self.lives = lives
        # With the times themselves, which keeps them alive and so their ids their own.
        self._courses: dict[tuple[int, Process, int, bool, bool, bool], tuple[Times, Course | None]] = {}

    @property
    def length(self) -> float:
        return round(self.end - self.start, 3)

    def course(self, piece: Piece) -> Course | None:
        """The course of a piece; None when it tells nothing about the window."""
        times = piece.series.times
        key = (id(times), piece.process, piece.life, piece.earlier, piece.later, piece.respelt)
        found = self._courses.get(key)
        if found is None:
            found = self._courses[key] = times, self._course(piece)
        return found[1]

    def _course(self, piece: Piece) -> Course | None:
        start, end, times = self.start, self.end, piece.series.times
        begins = ends = ""
        zero: float | None = None
        sure = True
        unknown = 0.0
        if times[0] > start:
            birth = self.lives.birth(piece)
            begins, zero, sure = birth.kind, *self._zero(birth, times[0])
            if zero is not None and zero >= end:
                return None
            if begins == "unknown":
                unknown += min(times[0], end) - start
        if times[-1] < end:
            ends = self.lives.death(piece)
            if ends == "unknown":
                unknown += end - max(times[-1], start)
        points = times if zero is None else (zero, *times)
        first, last = bisect_left(points, start), bisect_right(points, end) - 1
        if first == len(points) or last < 0 or (len(points) == 1 and unknown > 0) or unknown >= end - start:
            return None
        head = tail = 0.0
        if first > last:
            head = _share(end - start, points[first] - points[last])
        else:
            if first > 0:
                head = _share(points[first] - start, points[first] - points[first - 1])
            if last + 1 < len(points):
                tail = _share(end - points[last], points[last + 1] - points[last])
        low = first - 1 if head else first
        high = last + 1 if tail or first > last else last
        gap = max((after - before for before, after in pairwise(points[low : high + 1])), default=0.0)
        if begins == "unknown":
            gap = max(gap, times[0] - start)
        if ends == "unknown":
            gap = max(gap, end - times[-1])
        inside = bisect_right(times, end) - bisect_right(times, start)
        lost = self.lives.lost(piece, start, end)
        more = bool(ends) or begins in ("reset", "unknown")
        back = self.lives.came_back(piece)
        pace = self.lives.pace(piece)
        return Course(zero, first, last, head, tail, begins, ends, sure, unknown, gap, inside, lost, more, back, pace)

    def unseen(self, piece: Piece) -> float | None:
        """What a piece without a course may have counted in the window all the same; None when it cannot have.

        It was scraped only before the window or only after, and its process ended or began in between. Infinite where
        what it counted was never scraped.
        """
        times = piece.series.times
        if times[-1] <= self.start:
            return float("inf") if self.lives.last_sign(piece) > self.start else None
        if times[0] > self.end:
            birth = self.lives.birth(piece)
            new = birth.kind == "new" and birth.not_before < self.end and not self.lives.appeared(piece)
            return piece.series.values[0] if new or birth.kind == "unknown" else None
        return float("inf")

    def _zero(self, birth: Birth, first: float) -> tuple[float | None, bool]:
        """When a piece was zero, and whether its first value surely is of the window."""
        if birth.kind == "unknown":
            return None, True
        sure = birth.not_before >= self.start
        if birth.zero is None:
            return max(self.start, first - self.lives.interval), sure
        return birth.zero, sure


def _share(part: float, whole: float) -> float:
    """Part of a time; all times are whole milliseconds, but a float of Unix seconds is not quite so."""
    return round(part * 1000) / round(whole * 1000)


def never_falling(values: Sequence[float]) -> list[float]:
    """A counter's values without its falls within one life, which are nothing that was counted."""
    rises = (max(0.0, after - before) for before, after in pairwise(values))
    return list(accumulate(rises, initial=values[0]))


def growth(piece: Piece, ruler: Ruler) -> Growth | None:
    """Growth of a counter's piece in the window; None when it tells nothing about it."""
    course = ruler.course(piece)
    if course is None:
        return None
    values = piece.series.values
    fell = 0
    if sorted(values) != values:
        fell = sum(after < before for before, after in pairwise(values))
        values = never_falling(values)
    if course.zero is not None:
        values = [0.0, *values]
    first, last = course.first, course.last
    if first > last:
        step = values[first] - values[last]
        return Growth(step * course.head, 0.0, step, fell, course)
    inner = values[last] - values[first]
    head = values[first] - values[first - 1] if course.head else 0.0
    tail = values[last + 1] - values[last] if course.tail else 0.0
    # Of the first value nobody knows how much was counted in the window, unless its process began in it.
    least = inner if course.sure else values[last] - values[min(max(first, 1), last)]
    value = inner + head * course.head + tail * course.tail
    return Growth(value, least, inner + head + tail, fell, course)


def alive(piece: Piece, ruler: Ruler) -> tuple[float | None, bool]:
    """The value of a gauge at the window's end, None when it has none; and whether its process did not answer."""
    times = piece.series.times
    index = bisect_right(times, ruler.end) - 1
    if index < 0 or ruler.end - times[index] > ALIVE_SCRAPES * ruler.lives.pace(piece):
        return None, False
    answer = piece.process.answer(piece.key, times[index], ruler.end)
    if answer is not None and (answer != 1 or not ruler.lives.own_times(piece)):
        return None, answer != 1
    if index + 1 == len(times) and ruler.lives.vanished(piece, times[index], ruler.end):
        return None, False
    return piece.series.values[index], False


def mean_of_sum(pieces: Sequence[Piece], ruler: Ruler) -> float | None:
    """Mean over the window of the sum of gauges; None without a value.

    A sample holds until the next, at most ALIVE_SCRAPES intervals, and not beyond a scrape of its
    process that is without it. Time in which none of them has a value does not count.
    """
    area = 0.0
    spans: list[tuple[float, float]] = []
    for piece in pieces:
        times = piece.series.times
        interval = ruler.lives.pace(piece)
        hold = ALIVE_SCRAPES * interval
        for index, time in enumerate(times):
            last = index + 1 == len(times)
            until = time + hold if last else min(times[index + 1], time + hold)
            if last and ruler.lives.vanished(piece, time):
                until = min(until, time + interval)
            low, high = max(time, ruler.start), min(until, ruler.end)
            if low < high:
                area += piece.series.values[index] * (high - low)
                spans.append((low, high))
    covered = 0.0
    reached = ruler.start
    for low, high in sorted(spans):
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return area / covered if covered > 0 else None
