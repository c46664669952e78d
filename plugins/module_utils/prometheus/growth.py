# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic on raw samples over a window (start, end]; docs/measurement.md explains it.

Nothing is carried on beyond the samples. At an edge of the window the growth between the two
samples on its sides is divided in proportion to time, so that windows side by side add up.
Times are Unix seconds on Prometheus' clock, and the samples reach beyond the window (reader.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .query import ALIVE_SCRAPES
from .scrape_history import ScrapeHistory
from .series import Series, TargetKey, Times


@dataclass(frozen=True)
class Course:
    """How the sample times of a target lie to a window; the same for all its series of these times.

    zero: time of a zero before the first sample, which counts as a sample in what follows.
    first, last: indices of the first and last sample inside the window (last < first: none).
    head, tail: shares of the steps across start and end that lie inside.
    begins: "", "new" or "unknown". ends: "", "gone" or "unknown".
    sure: False when the first value may hold growth from before the window.
    unknown: seconds of the window in which nothing is known. gap: longest time between samples.
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


class Growth(NamedTuple):
    """Growth of a counter in a window; a tuple, because there are thousands.

    value: the growth; it certainly lies between least and most when there was no reset and
    nothing unknown, because both are differences of samples.
    lost: seconds of the window whose counts a reset may have taken along.
    """

    value: float
    least: float
    most: float
    resets: int
    lost: float
    course: Course


class Ruler:
    """Lays a window over sample times; keeps what it found out for each target."""

    def __init__(self, start: float, end: float, history: ScrapeHistory) -> None:
        self.start = start
        self.end = end
        self.history = history
        # With the times themselves, which keeps them alive and so their ids their own.
        self._courses: dict[tuple[int, TargetKey], tuple[Times, Course | None]] = {}

    @property
    def length(self) -> float:
        return round(self.end - self.start, 3)

    def course(self, series: Series) -> Course | None:
        """The course of a series; None when it tells nothing about the window."""
        key = (id(series.times), series.target)
        found = self._courses.get(key)
        if found is None:
            found = self._courses[key] = series.times, self._course(series.times, series.target)
        return found[1]

    def _course(self, times: Times, target: TargetKey) -> Course | None:
        start, end = self.start, self.end
        begins = ends = ""
        zero: float | None = None
        sure = True
        unknown = 0.0
        if times[0] > start:
            begins, zero = self.history.birth(target, times[0])
            if begins == "new" and zero is None:
                zero = max(start, times[0] - self.history.interval)
                sure = times[0] - self.history.interval >= start
            if zero is not None and zero >= end:
                return None
            if begins == "unknown":
                unknown += min(times[0], end) - start
        if times[-1] < end:
            ends = self.history.death(target, times[-1])
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
        gap = max((after - before for before, after in zip(points[low:high], points[low + 1 : high + 1])), default=0.0)
        if begins == "unknown":
            gap = max(gap, times[0] - start)
        if ends == "unknown":
            gap = max(gap, end - times[-1])
        inside = bisect_right(times, end) - bisect_right(times, start)
        return Course(zero, first, last, head, tail, begins, ends, sure, unknown, gap, inside)


def _share(part: float, whole: float) -> float:
    """Part of a time; all times are whole milliseconds, but a float of Unix seconds is not quite so."""
    return round(part * 1000) / round(whole * 1000)


def growth(series: Series, ruler: Ruler) -> Growth | None:
    """Growth of a counter in the window; None when it tells nothing about it."""
    course = ruler.course(series)
    if course is None:
        return None
    values = series.values if course.zero is None else [0.0, *series.values]
    first, last = course.first, course.last
    resets, lost = 0, 0.0
    if sorted(values) != values:
        # Each reset begins at zero again: what was counted before stays counted.
        low = first - 1 if course.head else first
        high = last + 1 if course.tail or first > last else last
        total = 0.0
        whole = [0.0]
        times = series.times if course.zero is None else (course.zero, *series.times)
        for index in range(1, len(values)):
            before, after = values[index - 1], values[index]
            reset = after < before
            total += after if reset else after - before
            whole.append(total)
            if reset and low < index <= high:
                resets += 1
                # From the last scrape of the process before to the beginning of the one after.
                began = ruler.history.began(series.target, times[index - 1], times[index]) or times[index]
                lost += max(0.0, min(began, ruler.end) - max(times[index - 1], ruler.start))
        values = whole
    if first > last:
        step = values[first] - values[last]
        return Growth(step * course.head, 0.0, step, resets, lost, course)
    inner = values[last] - values[first]
    head = values[first] - values[first - 1] if course.head else 0.0
    tail = values[last + 1] - values[last] if course.tail else 0.0
    least = inner if course.sure else values[last] - values[min(first + 1, last)]
    value = inner + head * course.head + tail * course.tail
    return Growth(value, least, inner + head + tail, resets, lost, course)


def alive(series: Series, ruler: Ruler) -> tuple[float | None, bool]:
    """The value of a gauge at the window's end, None when it has none; and whether its target did not answer."""
    index = bisect_right(series.times, ruler.end) - 1
    if index < 0 or ruler.end - series.times[index] > ALIVE_SCRAPES * ruler.history.interval:
        return None, False
    answer = ruler.history.answer(series.target, series.times[index], ruler.end)
    if answer is not None:
        return None, answer != 1
    if index + 1 == len(series.times) and ruler.history.death(series.target, series.times[index]) == "gone":
        return None, False
    return series.values[index], False


def mean_of_sum(series: Sequence[Series], ruler: Ruler) -> float | None:
    """Mean over the window of the sum of gauges; None without a value.

    A sample holds until the next, at most ALIVE_SCRAPES intervals, and not beyond a scrape of its
    target that is without it. Time in which none of the series has a value does not count.
    """
    area = 0.0
    spans: list[tuple[float, float]] = []
    hold = ALIVE_SCRAPES * ruler.history.interval
    for one in series:
        for index, time in enumerate(one.times):
            last = index + 1 == len(one.times)
            until = time + hold if last else min(one.times[index + 1], time + hold)
            if last and ruler.history.death(one.target, time) == "gone":
                until = min(until, time + ruler.history.interval)
            low, high = max(time, ruler.start), min(until, ruler.end)
            if low < high:
                area += one.values[index] * (high - low)
                spans.append((low, high))
    covered = 0.0
    reached = ruler.start
    for low, high in sorted(spans):
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return area / covered if covered > 0 else None
