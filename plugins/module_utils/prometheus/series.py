# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples of Prometheus as compact series, and series that tell the same thing twice.

Times are Unix seconds on Prometheus' clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..results.types import Labels

Times = tuple[float, ...]
#: Job, instance and pod: which target a series was scraped from.
TargetKey = tuple[str, str, str]

#: Labels that say how a series came to Prometheus, not what it measures.
OF_SCRAPE = ("job", "instance", "endpoint", "service", "container")
#: Share of one series' samples that must lie between those of the other, for two ways to one process.
INTERLEAVED = 0.9


@dataclass(frozen=True)
class Series:
    """Samples of one series in the order of time.

    times: shared (the same object) between series that were scraped together, which is what
    lets the arithmetic do its work on times once for a target.
    text: the values as Prometheus wrote them, with blanks between. values: the same as numbers.
    """

    labels: Labels
    times: Times
    text: str
    values: list[float]

    @cached_property
    def target(self) -> TargetKey:
        """Which target the series was scraped from."""
        get = self.labels.get
        return get("job", ""), get("instance", ""), get("pod", "")


class Pool:
    """Makes series, and one object of equal tuples of times."""

    def __init__(self) -> None:
        # By length, first and last: to compare two tuples takes a third of hashing one.
        self._times: dict[tuple[int, float, float], list[Times]] = {}

    def series(self, labels: Labels, times: Sequence[float], texts: Sequence[str]) -> Series:
        """A series of these values, as Prometheus wrote them."""
        return Series(labels, self._shared(tuple(times)), " ".join(texts), list(map(float, texts)))

    def _shared(self, times: Times) -> Times:
        alike = self._times.setdefault((len(times), times[0], times[-1]), [])
        for known in alike:
            if known == times:
                return known
        alike.append(tuple(map(float, times)))
        return alike[-1]


def parse(rows: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Series of the rows of a matrix as the API gives them. Raises KeyError, TypeError or ValueError for others."""
    pool = Pool()
    found = []
    for row in rows:
        times, texts = zip(*row["values"])
        found.append(pool.series(dict(row["metric"]), times, texts))
    return found


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
            kept.append(Series(one.labels, times, "", list(values)))
    return kept, dropped


def without_doubles(series: Sequence[Series]) -> tuple[list[Series], int]:
    """The series without those of a second scrape of the same process, and how many those were.

    Two series are of one process when all their labels but those of the scrape are equal and
    either the address (`instance`) is the same, or the pod is and the samples of one lie between
    those of the other. The one with more samples stays.
    """
    ways: dict[tuple[str, str], set[tuple[str | None, ...]]] = {}
    for one in series:
        way = tuple(map(one.labels.get, OF_SCRAPE))
        for kind in ("pod", "instance"):
            if one.labels.get(kind):
                ways.setdefault((kind, one.labels[kind]), set()).add(way)
    if all(len(found) == 1 for found in ways.values()):
        return list(series), 0

    groups: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    for one in series:
        key = tuple(sorted(pair for pair in one.labels.items() if pair[0] not in OF_SCRAPE))
        groups.setdefault(key, []).append(one)
    kept: list[Series] = []
    for group in groups.values():
        own: list[Series] = []
        for one in sorted(group, key=lambda one: (-len(one.times), sorted(one.labels.items()))):
            if not any(_same_process(one, other) for other in own):
                own.append(one)
        kept += own
    return kept, len(series) - len(kept)


def _same_process(one: Series, other: Series) -> bool:
    instance = one.labels.get("instance")
    if instance and instance == other.labels.get("instance"):
        return True
    pod = one.labels.get("pod")
    return bool(pod) and pod == other.labels.get("pod") and _interleaved(one, other)


def _interleaved(one: Series, other: Series) -> bool:
    """Whether the values of one lie between those that the other has just before and just after."""
    looked = fits = 0
    for time, value in zip(one.times, one.values):
        after = bisect_right(other.times, time)
        if after == 0:
            continue
        before = other.values[after - 1]
        if other.times[after - 1] == time:
            looked += 1
            fits += value == before
        elif after < len(other.times):
            looked += 1
            low, high = sorted((before, other.values[after]))
            fits += low <= value <= high
    return looked > 0 and fits >= INTERLEAVED * looked
