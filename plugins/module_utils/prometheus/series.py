# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples of Prometheus as compact series.

Times are Unix seconds on Prometheus' clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..results.types import Labels

Times = tuple[float, ...]
#: Job, instance and pod: which target a series was scraped from.
TargetKey = tuple[str, str, str]


@dataclass(frozen=True)
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
            others = tuple(time for time, value in zip(one.times, one.values) if not math.isfinite(value))
            kept.append(Series(one.labels, times, "", list(values), others))
    return kept, dropped
