# SPDX-License-Identifier: GPL-3.0-or-later
"""Native histograms as the classic ones that a profile knows: a sample holds all buckets, and here each has its series.

Prometheus has a histogram so that a process shows in that form (``scrape_native_histograms``), and classic ones that it
was told to convert (``convert_classic_histograms_to_nhcb``). Either has the name without ``_bucket``, and in an answer
only buckets with an observation: https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..results.types import Labels
from .profile import Profile

#: What the names of a classic histogram's series end in.
BUCKET, SUM, COUNT = PARTS = ("_bucket", "_sum", "_count")
#: Why a native histogram cannot be worked with.
NO_CLASSIC = "its native histograms came in a shape that the API of Prometheus does not have"


class Native(NamedTuple):
    """A sample. buckets: lower bound, upper bound and observations of those that have any."""

    time: float
    observations: float
    total: str
    buckets: list[tuple[float, float, float]]


def base_of(metric: str) -> str:
    """The name of the native histogram of which a classic metric is a part; empty where it can be none of one."""
    return next((metric.removesuffix(part) for part in PARTS if metric.endswith(part)), "")


def bases(profile: Profile) -> dict[str, str]:
    """The parts of histograms in a profile, each with the name that its native histogram would have."""
    return {
        source.metric: base_of(source.metric)
        for selection in profile.selections
        for source in selection.sources
        if (source.histogram or source.buckets) and base_of(source.metric)
    }


def parts_of_natives(profile: Profile, names: Collection[str]) -> frozenset[str]:
    """The parts of histograms that Prometheus has as a native one and not as a classic one. names: all its metrics."""
    return frozenset(
        metric
        for metric, base in bases(profile).items()
        if base in names and not any(base + part in names for part in PARTS)
    )


def with_parts(profile: Profile, series: Sequence[Labels]) -> tuple[list[Labels], frozenset[str]]:
    """Series by their labels, with those of a profile's classic histograms in the place of native ones; and those.

    A native histogram has none of the labels of buckets.
    """
    native = parts_of_natives(profile, {labels.get("__name__", "") for labels in series})
    parts: dict[str, list[str]] = {}
    for metric in sorted(native):
        parts.setdefault(base_of(metric), []).append(metric)
    found = [
        {**labels, "__name__": name}
        for labels in series
        for name in parts.get(labels.get("__name__", ""), [labels.get("__name__", "")])
    ]
    return found, native


@dataclass(frozen=True)
class Natives:
    """Native histograms that are asked for: their names, and the bounds that shares are of."""

    names: frozenset[str] = frozenset()
    bounds: frozenset[float] = frozenset()

    def classic(self, rows: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
        """Rows of a matrix with classic histograms in the place of these; and faults by the names of their parts.

        A row of another metric stays as it is, also a native histogram.
        """
        others: list[Mapping[str, Any]] = []
        mine: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            name = row["metric"].get("__name__", "") if "histograms" in row else ""
            (mine.setdefault(name, []) if name in self.names else others).append(row)
        faults: dict[str, str] = {}
        for name, of in mine.items():
            try:
                if any("values" in row for row in of):
                    raise ValueError(name)
                others += list(classic(of, self.bounds))
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                faults |= dict.fromkeys((name + part for part in PARTS), NO_CLASSIC)
        return others, faults


NO_NATIVES = Natives()


def bounds_of(profile: Profile) -> frozenset[float]:
    """The bounds that shares of a profile are asked for, in the units of its metrics."""
    return frozenset(
        float(f"{figure.above / source.scale:.12g}")
        for figure in profile.figures
        if figure.above
        for source in figure.selection.sources
    )


def classic(rows: Sequence[Mapping[str, Any]], asked: Collection[float]) -> Iterator[dict[str, Any]]:
    """Rows of a matrix with a classic histogram in the place of each native one of one metric.

    All get the same bounds: those of buckets of any of them, and those asked for, unless observations lie on both sides
    of one in a bucket: there is no telling how many. Raises KeyError, TypeError and ValueError for rows of another
    shape.
    """
    found = [(dict(row["metric"]), [_sample(*pair) for pair in row["histograms"]]) for row in rows]
    buckets = {(low, high) for _labels, samples in found for one in samples for low, high, _count in one.buckets}
    ends = {end for bucket in buckets for end in bucket} | set(asked)
    bounds = sorted(end for end in ends if math.isfinite(end) and not any(low < end < high for low, high in buckets))
    for labels, samples in found:
        yield from _classic(labels, samples, bounds)


def _classic(labels: Labels, samples: Sequence[Native], bounds: Sequence[float]) -> Iterator[dict[str, Any]]:
    base = labels["__name__"]
    columns = [_cumulative(one, bounds) for one in samples]
    for place, le in enumerate([*map(repr, bounds), "+Inf"]):
        values = [[one.time, _text(column[place])] for one, column in zip(samples, columns)]
        yield {"metric": {**labels, "__name__": base + BUCKET, "le": le}, "values": values}
    yield {
        "metric": {**labels, "__name__": base + COUNT},
        "values": [[one.time, _text(one.observations)] for one in samples],
    }
    yield {"metric": {**labels, "__name__": base + SUM}, "values": [[one.time, one.total] for one in samples]}


def _cumulative(one: Native, bounds: Sequence[float]) -> list[float]:
    """How many observations lie at or below each bound, and how many there are."""
    found = []
    below = 0.0
    rest = iter([*((high, count) for _low, high, count in one.buckets), (math.inf, 0.0)])
    high, count = next(rest)
    for bound in bounds:
        while high <= bound:
            below += count
            high, count = next(rest)
        found.append(below)
    return [*found, one.observations]


def _sample(time: Any, histogram: Any) -> Native:
    buckets = [_bucket(*bucket) for bucket in histogram.get("buckets", ())]
    buckets.sort(key=lambda bucket: bucket[1])
    return Native(float(time), float(histogram["count"]), str(float(histogram["sum"])), buckets)


def _bucket(_rule: Any, low: Any, high: Any, count: Any) -> tuple[float, float, float]:
    lower, upper = float(low), float(high)
    # The bucket about zero reaches below it, where times are not; its lower end is no bound.
    return -math.inf if lower == -upper else lower, upper, float(count)


def _text(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
