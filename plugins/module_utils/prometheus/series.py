# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples of Prometheus as compact series.

Times are Unix seconds on Prometheus' clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..results.types import Labels

Times = tuple[float, ...]
#: Job, instance and pod: which target a series was scraped from.
TargetKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series in the order of time.

    times: shared (the same object) between series that were scraped together, which is what
    lets the arithmetic do its work on times once for a target.
    text: the values as Prometheus wrote them, with blanks between. values: the same as numbers.
    left_out: times of samples that were no numbers.
    """

    labels: Labels
    times: Times
    text: str
    values: list[float]
    left_out: Times = ()

    @property
    def target(self) -> TargetKey:
        """Which target the series was scraped from."""
        get = self.labels.get
        return get("job", ""), get("instance", ""), get("pod", "")


#: What the decoder of JSON makes of texts.
_TEXT = frozenset({str})


class Points(NamedTuple):
    """The samples of a row: their times, and their values as text and as numbers, as in Series."""

    times: Times
    text: str
    values: list[float]


class Pool:
    """Makes series, and one object of equal tuples of times."""

    def __init__(self) -> None:
        # By length, first and last: to compare two tuples takes a third of hashing one.
        self._times: dict[tuple[int, float, float], list[Times]] = {}
        self._ordered: dict[int, bool] = {}

    def slim(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a matrix with its samples as Points; any other object of an answer as it is.

        For a decoder to call as soon as it has made an object. The list of lists that samples are in JSON takes ten
        times their memory, and to touch so much of it for all rows at once takes as long as all else with them.
        """
        pairs = row.get("values")
        if "metric" in row and isinstance(pairs, list):
            # What is wrong with them is found when the row is taken apart.
            with suppress(AttributeError, TypeError, ValueError, OverflowError):
                row["values"] = self.points(pairs)
        return row

    def points(self, pairs: Iterable[Sequence[Any]]) -> Points:
        """The samples of pairs as the API gives them: time and value. Raises TypeError, ValueError and others."""
        times, texts = zip(*pairs)
        return self._points(times, texts)

    def series(self, labels: Labels, times: Sequence[float], texts: Sequence[str]) -> Series:
        """A series of these values, as Prometheus wrote them."""
        return Series(labels, *self._points(times, texts))

    def _points(self, times: Sequence[float], texts: Sequence[str]) -> Points:
        # Many counters rest: one number for all of their samples.
        rests = texts[0] == texts[-1] and texts.count(texts[0]) == len(texts)
        values = [float(texts[0])] * len(texts) if rests else list(map(float, texts))
        return Points(self._shared(tuple(times)), " ".join(texts), values)

    def ordered(self, series: Series) -> bool:
        """Whether the times of a series of this pool grow from each sample to the next."""
        times = series.times
        if id(times) not in self._ordered:
            self._ordered[id(times)] = all(before < after for before, after in pairwise(times))
        return self._ordered[id(times)]

    def _shared(self, times: Times) -> Times:
        alike = self._times.setdefault((len(times), times[0], times[-1]), [])
        for known in alike:
            if known == times:
                return known
        alike.append(tuple(map(float, times)))
        return alike[-1]


def labels_of(row: Mapping[str, Any]) -> Labels:
    """The labels of a row of an answer. Raises KeyError or TypeError where it has none that are texts."""
    found = row["metric"]
    # As quickly as it can be done, for there are thousands of rows.
    if not isinstance(found, dict) or not _TEXT.issuperset(map(type, found.values())):
        raise TypeError("metric")
    return found


class _Names:
    """Hashes labels, whatever their order. Most series of an answer have the same names in the same order."""

    def __init__(self) -> None:
        self._sorted: dict[tuple[str, ...], tuple[str, ...]] = {}

    def hash_of(self, labels: Labels) -> int:
        names = tuple(labels)
        ordered = self._sorted.get(names)
        if ordered is None:
            ordered = self._sorted[names] = tuple(sorted(names))
        values = tuple(labels.values()) if ordered == names else tuple(labels[name] for name in ordered)
        return hash((ordered, values))


class Parsed(NamedTuple):
    """Series of an answer; and why some metrics cannot be worked with, by their names."""

    series: list[Series]
    faults: dict[str, str]


def parse(rows: Iterable[Mapping[str, Any]], pool: Pool | None = None) -> Parsed:
    """Series of the rows of a matrix as the API gives them, in their order of time.

    pool: the one that has made rows slim already.

    A row that is not as the API says is a fault of its metric alone. Raises KeyError, TypeError or AttributeError for
    rows that are of no metric.
    """
    pool = pool or Pool()
    found: list[Series] = []
    faults: dict[str, str] = {}
    # By a hash of their labels, because thousands of sets would cost more than all else here.
    known: dict[int, Series] = {}
    names = _Names()
    for row in rows:
        labels = labels_of(row)
        metric = labels.get("__name__", "")
        if "histograms" in row:
            faults[metric] = "Prometheus has it as a native histogram, of which no classic counts can be read"
            continue
        try:
            points = row["values"]
            one = Series(labels, *(points if isinstance(points, Points) else pool.points(points)))
            ordered = pool.ordered(one)
            if not ordered:
                one = _without_repeats(pool, one)
                ordered = pool.ordered(one)
            if not math.isfinite(one.times[0] + one.times[-1]):
                raise ValueError(one.times)
        except (KeyError, TypeError, ValueError, AttributeError):
            if not metric:
                raise
            faults[metric] = "its samples came in a shape that the API of Prometheus does not have"
            continue
        if not ordered:
            faults[metric] = "its samples came in no order of time, or with two values of one time"
            continue
        other = known.setdefault(names.hash_of(labels), one)
        if other is one or other.labels != labels:
            found.append(one)
        elif (other.times, other.text) != (one.times, one.text):
            faults[metric] = "two of its series came with the same labels"
    return Parsed(found, faults)


def _without_repeats(pool: Pool, series: Series) -> Series:
    """The series without samples that are the one before them again."""
    texts = series.text.split(" ")
    points = list(zip(series.times, texts))
    kept = points[:1] + [point for before, point in pairwise(points) if point != before]
    return pool.series(series.labels, [time for time, _text in kept], [text for _time, text in kept])


def finite(series: Sequence[Series]) -> tuple[list[Series], int]:
    """The series without samples that are no finite numbers, and how many those were.

    A counter or a gauge that is NaN says nothing; a series of nothing else is left out.
    """
    kept: list[Series] = []
    dropped = 0
    for one in series:
        # A sum is finite only when all of it is, and is quick.
        if math.isfinite(sum(one.values)):
            kept.append(one)
            continue
        pairs = [(time, value) for time, value in zip(one.times, one.values) if math.isfinite(value)]
        dropped += len(one.values) - len(pairs)
        if pairs:
            times, values = zip(*pairs)
            others = tuple(time for time, value in zip(one.times, one.values) if not math.isfinite(value))
            kept.append(Series(one.labels, times, "", list(values), others))
    return kept, dropped
