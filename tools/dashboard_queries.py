# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL of the dashboard: the queries of the report's plots, with Grafana's variables in place of values."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import (
    TASK_VARIABLES,
    Figure,
    Profile,
    Selection,
)

#: Placeholders for what Grafana puts into a query. No query contains these numbers otherwise.
QUANTILE, INTERVAL = 0.123456789, 1_000_003.0
#: While the dashboard is built, it is not known which metrics Prometheus has.
NOTHING = query.FoundMetrics()
#: Kinds of figures that have no value without observations.
DIVIDED = ("quantile", "share", "mean", "ratio")


class DashboardQueries:
    """PromQL of a profile's figures, with Grafana's variables in place of the profile's own.

    server_version: of Temporal, empty for a recent one. framework: the server's metric framework.
    """

    def __init__(self, profile: Profile, server_version: str = "", framework: str = "tally") -> None:
        self.variables = (*profile.variables, *TASK_VARIABLES)
        # Variables can be labels, so the placeholders must be valid labels until the query is built.
        stand_ins = {name: f"__{name}__" for name in self.variables}
        own = {name: stand_ins[name] for name in profile.variables}
        bound = profile.bind(stand_ins["namespace"], stand_ins["release"], own, server_version)
        self.profile = replace(bound, figures=tuple(_of_framework(figure, framework) for figure in bound.figures))
        self.filters = self.profile.filters

    def dashboard(self, expression: str, span: str = "$__rate_interval") -> str:
        """A query or text with Grafana's variables in place of the placeholders. span: what a rate is taken over."""
        windows = {query.LEAST_SCRAPES * INTERVAL, query.ALIVE_SCRAPES * INTERVAL}
        for window in windows:
            expression = expression.replace(query.duration(window), span)
        expression = expression.replace(query.number(QUANTILE), "${quantile}")
        for name in self.variables:
            expression = expression.replace(f"__{name}__", f"${{{name}}}")
        return expression

    def course(self, figure: Figure, chosen: bool = True) -> str:
        """The figure over time: as the report plots it, except totals, which are counted in each step.

        chosen: whether a quantile is the one that is chosen above the panels, not the figure's own.
        """
        if figure.kind == "quantile" and chosen:
            figure = replace(figure, quantile=QUANTILE)
        expression = " or ".join(self._course(one) for one in _one_name_each(figure))
        # Samples of an observer are rarer than its scrapes, of which Grafana makes its interval.
        span = query.duration(query.OBSERVED_SPAN) if figure.observer else "$__rate_interval"
        return self.dashboard(self._or_zero(figure, expression), span)

    def _course(self, figure: Figure) -> str:
        if figure.kind == "total":
            return self._counts(figure)
        expression = query.plot(figure, NOTHING, self.profile.filters_of(figure), INTERVAL)
        # Without observations, or with nothing to divide by, PromQL gives NaN or infinity: show no value instead.
        return f"{expression} < +Inf" if figure.kind in DIVIDED else expression

    def heatmap(self, figure: Figure) -> str:
        """Observations per second in each bucket of a histogram."""
        window = query.duration(query.LEAST_SCRAPES * INTERVAL)
        return self.dashboard(f"sum by (le) (rate({self._series(figure)}[{window}]))")

    def between_scrapes(self) -> str:
        """Seconds between two scrapes in the last five minutes, the median over the pods."""
        times = f"timestamp({query.selector('up', self.filters)})[5m:1s]"
        span = f"max_over_time({times}) - min_over_time({times})"
        return self.dashboard(f"quantile(0.5, ({span}) / (changes({times}) > 0))")

    def scrapes(self) -> tuple[str, str]:
        """The number of pods that answer their scrapes, and of those that do not."""
        up = query.selector("up", self.filters)
        return self.dashboard(f"sum({up})"), self.dashboard(f"count({up}) - sum({up})")

    def _series(self, figure: Figure) -> str:
        metric = query.choose(figure.selection, NOTHING).metric
        return query.selector(metric, figure.selection.where, self.profile.filters_of(figure))

    def _counts(self, figure: Figure) -> str:
        """Growth of counters in each step.

        increase() misses the first value of a series: the first failure, or the shards that a new pod has taken when it
        is first scraped. A value counts in full where it is known to have started at zero: one step before, its pod
        answered without it or with a higher one; or the pod is new, and Prometheus was scraping others.
        """
        now, up = self._series(figure), query.selector("up", self.filters)
        before = f"{now} offset $__interval"
        parts = (
            f"({now} - ({before} <= {now}))",
            f"({now} and on (pod) ({up} offset $__interval == 1))",
            f"({now} unless on (pod) (max_over_time({up}[5m] offset $__interval) == 1)"
            f" and on () count({up} offset $__rate_interval))",
        )
        by = f" by ({query.split_by(figure)}) " if figure.by else ""
        return f"sum{by}({' or '.join(parts)})"

    def _or_zero(self, figure: Figure, expression: str) -> str:
        """The query, with zero where the profile says that no series means zero, if the figure's pods were scraped.

        Where there is a series but no value yet, as after its first sample, nothing is known.
        """
        if figure.absent != "zero" or figure.observer:
            # That an observer is scraped does not show that it tells of these pods.
            return expression
        pods = "|".join(self.profile.components[name] for name in figure.components).replace("\\", "\\\\")
        up = query.selector("up", self.filters, [f'pod=~"{pods}"'])
        series = " unless on () ".join(self._series(one) for one in _one_name_each(figure))
        return f"{expression} or (0 * sum({up} == 1) unless on () {series})"


def _one_name_each(figure: Figure) -> list[Figure]:
    """The figure once for each name that its metric can have; a server has one of them.

    Names in other versions of the server are left out, because a metric may have changed its meaning.
    """

    def alternatives(selection: Selection) -> list[Selection]:
        same = [one for one in selection.sources if one.server == selection.sources[0].server]
        return [replace(selection, sources=(one,)) for one in same]

    own = alternatives(figure.selection)
    if figure.denominator is None:
        return [replace(figure, selection=one) for one in own]
    below = alternatives(figure.denominator)
    if figure.kind == "mean":
        # The sum and the number of one histogram.
        return [replace(figure, selection=one, denominator=other) for one, other in zip(own, below)]
    return [replace(figure, selection=one, denominator=other) for one in own for other in below]


def _of_framework(figure: Figure, framework: str) -> Figure:
    """The figure with only the metrics of one of the server's metric frameworks."""

    def of(selection: Selection) -> Selection:
        sources = tuple(one for one in selection.sources if one.framework in (None, framework))
        return replace(selection, sources=sources or selection.sources)

    return replace(
        figure,
        selection=of(figure.selection),
        denominator=None if figure.denominator is None else of(figure.denominator),
    )
