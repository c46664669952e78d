# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL of a figure; the text made here is what is asked and what the results document.

A figure must be bound (Profile.bind) before. Durations are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .matchers import is_bound
from .native_histogram import SUM, base_of
from .profile import COMPONENT, Figure, Selection, Source

#: A rate needs this many scrapes: fewer leave it without a second sample when one is late.
LEAST_SCRAPES = 4
#: Smallest buckets less than this factor apart can be of one unit: seconds and milliseconds are a thousand apart.
SAME_UNIT = 300.0
#: Of what an observer tells there are samples as rare as its own: seconds in which there surely are several.
OBSERVED_SPAN = 60.0
#: The largest finite bound of a histogram is at most this many times the usual smallest one: 10,000 s for one of 1 ms.
#: So milliseconds whose buckets begin at 0.02 are no seconds, though a bucket of seconds may begin there.
WIDEST = 1e7
#: A pod without a sample for this many scrapes is gone, whether Prometheus marked it as stale or not.
ALIVE_SCRAPES = 3


def duration(seconds: float) -> str:
    """A PromQL duration of that length, exact to the millisecond."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def number(value: float) -> str:
    """A number as PromQL reads it, without a needless fraction."""
    return f"{value:.15g}"


def selector(metric: str, *matchers: Sequence[str]) -> str:
    """An instant selector of a metric with all those label matchers."""
    return f"{metric}{{{','.join(one for group in matchers for one in group)}}}"


@dataclass(frozen=True)
class FoundMetrics:
    """What Prometheus has of a profile.

    names: its metrics. smallest, largest: the smallest bound of each histogram's buckets, and the largest finite one,
    in the histogram's own unit. native: those of names that are parts of histograms which Prometheus has as native
    ones.
    """

    names: frozenset[str] = frozenset()
    smallest: Mapping[str, float] = field(default_factory=dict)
    largest: Mapping[str, float] = field(default_factory=dict)
    native: frozenset[str] = frozenset()

    def selector(self, metric: str, *matchers: Sequence[str]) -> str:
        """A selector of what Prometheus has of a metric: the whole histogram in the place of a part of a native one."""
        if metric not in self.native:
            return selector(metric, *matchers)
        return selector(base_of(metric), *([one for one in group if not is_bound(one)] for group in matchers))

    def fits(self, source: Source) -> bool:
        """Whether the metric has the unit that the source says, as far as its buckets can tell."""
        smallest = self.smallest.get(source.unit_metric)
        if source.smallest_bucket is None or smallest is None:
            return True
        if self.largest.get(source.unit_metric, 0.0) > source.smallest_bucket * WIDEST:
            return False
        return source.smallest_bucket / SAME_UNIT < smallest < source.smallest_bucket * SAME_UNIT

    def smallest_value(self, figure: Figure) -> float:
        """The smallest value that a quantile can be told to have: below it is the smallest bucket, and nothing more.

        In the figure's unit; minus infinity for another kind of figure, or where it is not known.
        """
        if figure.kind != "quantile":
            return -math.inf
        source = choose(figure.selection, self)
        return self.smallest.get(source.metric, -math.inf) * source.scale


def choose(selection: Selection, found: FoundMetrics) -> Source:
    """The first source whose metric is there in its unit, else the first that is there, else the first."""
    there = [source for source in selection.sources if source.metric in found.names]
    return next((source for source in there if found.fits(source)), (there or selection.sources)[0])


def instant(
    figure: Figure,
    found: FoundMetrics,
    filters: Sequence[str],
    length: float,
    interval: float,
    smoothed: bool = False,
) -> str:
    """Query for the figure over a window, to be asked at the window's end.

    ``length`` is the window's, ``interval`` is between scrapes; seconds. smoothed: growth is interpolated at the
    window's edges, which Prometheus can since 3.16; of no effect on a gauge.
    """
    source = choose(figure.selection, found)
    series = selector(source.metric, figure.selection.where, filters)
    span = f"[{duration(length)}]{' smoothed' if smoothed else ''}"
    growth = f"increase({{}}{span})"
    if figure.kind == "quantile":
        expression = _quantile(figure, found, filters, growth)
    elif figure.kind == "share":
        return _share(figure, found, filters, growth)
    elif figure.denominator is not None:
        parts = [_grown(figure, selection, found, filters, growth) for selection in figure.selections]
        expression = " / ".join(parts)
    elif figure.kind == "rate":
        expression = f"{_grown(figure, figure.selection, found, filters, growth)} / {number(length)}"
    elif figure.kind == "total":
        expression = _grown(figure, figure.selection, found, filters, growth)
    elif figure.take == "mean":
        expression = f"avg_over_time({_sum(figure)}({series})[{duration(length)}:{duration(interval)}])"
    else:
        expression = f"{_sum(figure)}({_alive(figure, series, interval)})"
    return _scaled(figure, found, expression)


def plot(figure: Figure, found: FoundMetrics, filters: Sequence[str], interval: float) -> str:
    """Query for the figure's course over time, to be asked as a range with a step of ``interval``.

    The course of a total is its rate: see plot_unit.
    """
    source = choose(figure.selection, found)
    series = selector(source.metric, figure.selection.where, filters)
    span = duration(max(LEAST_SCRAPES * interval, OBSERVED_SPAN if figure.observer else 0.0))
    growth = f"rate({{}}[{span}])"
    if figure.kind == "quantile":
        expression = _quantile(figure, found, filters, growth)
    elif figure.kind == "share":
        return _share(figure, found, filters, growth)
    elif figure.denominator is not None:
        parts = [_grown(figure, selection, found, filters, growth) for selection in figure.selections]
        expression = " / ".join(parts)
    elif figure.kind == "gauge":
        expression = f"{_sum(figure)}({_alive(figure, series, interval)})"
    else:
        expression = _grown(figure, figure.selection, found, filters, growth)
    return _scaled(figure, found, expression)


def plot_unit(figure: Figure) -> str:
    """Unit of the figure's course: that of the figure, and per second for a total."""
    if figure.kind != "total":
        return figure.unit
    return "1/s" if figure.unit == "1" else f"{figure.unit}/s"


def split_by(figure: Figure) -> str:
    """The label that a figure is split by in PromQL, which knows no components; empty for none."""
    return "pod" if figure.by == COMPONENT else figure.by or ""


def _sum(figure: Figure) -> str:
    return f"sum by ({split_by(figure)}) " if figure.by else "sum"


def _grown(figure: Figure, selection: Selection, found: FoundMetrics, filters: Sequence[str], grown: str) -> str:
    """What the series of a selection grew by together. grown: growth of a selector."""
    metric = choose(selection, found).metric
    summed = f"{_sum(figure)}({grown.format(found.selector(metric, selection.where, filters))})"
    if metric not in found.native:
        return summed
    return f"{'histogram_sum' if metric.endswith(SUM) else 'histogram_count'}({summed})"


def _quantile(figure: Figure, found: FoundMetrics, filters: Sequence[str], grown: str) -> str:
    metric = choose(figure.selection, found).metric
    kept = [] if metric in found.native else ["le"]
    if figure.by:
        kept.append(split_by(figure))
    sums = f"sum by ({', '.join(kept)}) " if kept else "sum"
    buckets = grown.format(found.selector(metric, figure.selection.where, filters))
    return f"histogram_quantile({number(figure.quantile or 0.0)}, {sums}({buckets}))"


def _share(figure: Figure, found: FoundMetrics, filters: Sequence[str], grown: str) -> str:
    """The share of observations above the figure's bound, which is one of a bucket. grown: growth of a selector."""
    source = choose(figure.selection, found)
    if source.metric in found.native:
        summed = f"sum({grown.format(found.selector(source.metric, figure.selection.where, filters))})"
        return f"1 - histogram_fraction(-Inf, {number((figure.above or 0.0) / source.scale)}, {summed})"
    parts = [
        grown.format(selector(source.metric, figure.selection.where, filters, [le]))
        for le in (_le((figure.above or 0.0) / source.scale), 'le="+Inf"')
    ]
    return f"1 - sum({parts[0]}) / sum({parts[1]})"


def _le(bound: float) -> str:
    """The matcher of a bucket's upper bound, which a whole number is written in two ways for."""
    text = number(bound)
    return f'le=~"{text}|{text}[.]0"' if text.isdigit() else f'le="{text}"'


def _alive(figure: Figure, series: str, interval: float) -> str:
    # The selector drops series that are marked stale, the range those that merely stopped: without it
    # Prometheus would go on for five minutes with the last value of a pod that is gone.
    span = max(ALIVE_SCRAPES * interval, OBSERVED_SPAN if figure.observer else 0.0)
    return f"{series} and last_over_time({series}[{duration(span)}])"


def _scaled(figure: Figure, found: FoundMetrics, expression: str) -> str:
    """The expression in the figure's unit: sources may count in another."""
    scale = choose(figure.selection, found).scale
    if figure.denominator is not None:
        scale /= choose(figure.denominator, found).scale
    if scale == 1:
        return expression
    return f"{expression} * {number(scale)}"
