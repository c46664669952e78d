# SPDX-License-Identifier: GPL-3.0-or-later
"""How a distribution went over a window: what its buckets grew by, step after step.

A window's quantiles do not tell whether slow observations are spread over it or came in ten seconds of it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import pairwise

from ..results.types import DistributionBucket
from .counted import Counted
from .growth import Course, Ruler, never_falling
from .histograms import bucket_bound

#: Steps of a window at most: a plot has room for no more. A step is that many scrape intervals that they suffice.
MOST_STEPS = 240
#: Decimals of a number of observations: it is a whole number where no step ends between two scrapes.
DECIMALS = 2
#: Bounds of buckets are rounded to so many digits: a source's scale may leave noise in the sixteenth.
DIGITS = 12


def step_length(length: float, interval: float) -> float:
    """Seconds of a step in a window of that length. interval: seconds between scrapes."""
    return interval * max(1, math.ceil(round(length / interval / MOST_STEPS, 6)))


def steps(counted: Counted, ruler: Ruler, bounds: Collection[float]) -> list[DistributionBucket]:
    """The buckets with an observation in the window, the lowest first, with their growth in each step.

    counted: growth of the buckets' series. bounds: those that all histograms have, in the figure's unit; counts are
    cumulative, so they are exact there. The growth of all steps is that of the window, with the same interpolation
    at its edges.
    """
    edges = _edges(ruler)
    # Series that were scraped together have one course; their values are added up before anything is divided.
    alike: dict[tuple[int, float], list[Sequence[float]]] = {}
    courses: dict[int, tuple[Course, Sequence[float]]] = {}
    for piece, source, grown in counted.growths:
        bound = bucket_bound(piece, source)
        if bound not in bounds:
            continue
        courses[id(grown.course)] = grown.course, piece.series.times
        if not grown.value:
            # It grew in no step either: most buckets of most histograms rest.
            continue
        values: Sequence[float] = piece.series.values
        if grown.fell:
            values = never_falling(values)
        alike.setdefault((id(grown.course), bound), []).append(values)
    known = _known([_span(course, times) for course, times in courses.values()], edges)
    places = {key: _places(course, times, edges) for key, (course, times) in courses.items()}
    grown_by: dict[float, list[float]] = {bound: [0.0] * (len(edges) - 1) for bound in bounds}
    for (key, bound), of in alike.items():
        values = of[0] if len(of) == 1 else [sum(column) for column in zip(*of)]
        if courses[key][0].zero is not None:
            values = [0.0, *values]
        at = [values[low] + (values[high] - values[low]) * part for low, high, part in places[key]]
        target = grown_by[bound]
        for step, (before, after) in enumerate(pairwise(at)):
            target[step] += after - before
    return _buckets(grown_by, known)


def _edges(ruler: Ruler) -> list[float]:
    """Where the steps begin and end. The last may be shorter."""
    step = step_length(ruler.length, ruler.lives.interval)
    count = max(1, math.ceil(round(ruler.length / step, 6)))
    return [*(round(ruler.start + number * step, 3) for number in range(count)), ruler.end]


def _span(course: Course, times: Sequence[float]) -> tuple[float, float]:
    """From when to when it is known what a life counted."""
    return times[0] if course.zero is None else course.zero, times[-1]


def _known(spans: Sequence[tuple[float, float]], edges: Sequence[float]) -> list[bool]:
    """Of which steps something is known."""
    return [any(low < after and high > before for low, high in spans) for before, after in pairwise(edges)]


def _places(course: Course, times: Sequence[float], edges: Sequence[float]) -> list[tuple[int, int, float]]:
    """Of each edge the samples before and after it, and where between them it lies, from 0 to 1.

    Beyond the samples nothing is carried on: there both are the first or the last one.
    """
    points = times if course.zero is None else (course.zero, *times)
    found = []
    for edge in edges:
        low = bisect_right(points, edge) - 1
        if low < 0 or low + 1 == len(points):
            low = max(low, 0)
            found.append((low, low, 0.0))
        else:
            found.append((low, low + 1, (edge - points[low]) / (points[low + 1] - points[low])))
    return found


def _buckets(grown_by: dict[float, list[float]], known: Sequence[bool]) -> list[DistributionBucket]:
    """Buckets of cumulative counts."""
    found: list[DistributionBucket] = []
    before = [0.0] * len(known)
    above: float | None = None
    for bound in sorted(grown_by):
        if above is None and not found and bound > 0:
            # Times are not below zero.
            above = 0.0
        # Never falling: a scrape can come between two buckets of one observation.
        reached = list(map(max, before, grown_by[bound]))
        counts = [_count(after - low) if there else None for low, after, there in zip(before, reached, known)]
        to = None if math.isinf(bound) else float(f"{bound:.{DIGITS}g}")
        if any(counts):
            found.append({"above": above, "to": to, "counts": counts})
        above, before = to, reached
    return found


def _count(value: float) -> float:
    """A number of observations; a whole one takes less room in a file."""
    rounded = round(value, DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded
