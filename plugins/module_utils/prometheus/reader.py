# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what figures need from Prometheus: raw samples, the course for plots, and current values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..errors import LabError
from ..http.errors import RequestFailed
from ..results.types import Labels, SeriesResult
from . import query
from .client import Points, Prometheus
from .cross_check import promql, smoothed_id
from .lives import MARGIN, OBSERVED_LEAD, lead_in
from .matchers import full_match, is_bound
from .native_histogram import Natives, base_of, bases, bounds_of, parts_of_natives, with_parts
from .profile import Figure, Profile
from .query import FoundMetrics
from .reading import STARTED, Reading, Samples, Wanted, Window, wanted
from .series import Parsed, Series
from .zero_evidence import has_witness

#: Steps of a range query: more than a plot has room for. Prometheus allows 11,000.
MOST_STEPS = 2_000
#: Statuses of a query that is refused for what it is.
REFUSED = (400, 422)
#: Tells the figures apart in one answer; no label of Prometheus begins so.
FIGURE_LABEL = "__figure__"


@dataclass
class Reader:
    """Reads figures of a bound profile.

    interval: seconds between scrapes. skew: seconds to add to this machine's
    clock to get Prometheus' (0 when they agree). smoothed: whether Prometheus has smoothed range selectors.
    """

    client: Prometheus
    profile: Profile
    interval: float
    skew: float = 0.0
    smoothed: bool = False
    found: FoundMetrics = field(default_factory=FoundMetrics)
    _lacking: list[str] = field(default_factory=list, init=False, repr=False)
    _now: list[Labels] = field(default_factory=list, init=False, repr=False)
    _one_by_one: bool = field(default=False, init=False, repr=False)

    def find(self, start: float, end: float) -> None:
        """Find out what Prometheus has of the profile at that time: it chooses between sources. Raises LabError."""
        with self.client.lacking() as self._lacking:
            asked = [self.profile.filters, *self.profile.observers.values()]
            names = self.client.metric_names(asked, start + self.skew, end + self.skew)
            native = parts_of_natives(self.profile, names)
            self.found = FoundMetrics(frozenset(names | native), *self._ends(names, start, end), native)

    def _ends(self, names: set[str], start: float, end: float) -> tuple[dict[str, float], dict[str, float]]:
        """Smallest and largest finite bucket bounds of the histograms whose unit the profile tells by them."""
        asked = sorted(
            {
                source.unit_metric
                for selection in self.profile.selections
                for source in selection.sources
                if source.smallest_bucket is not None and source.unit_metric in names
            }
        )
        if not asked:
            return {}, {}
        span = query.duration(max(end - start, self.interval))
        bounds: dict[str, list[float]] = {}
        expression = f"group by (__name__, le) (last_over_time({{}}[{span}]))"
        for labels, _value in by_names(self.client, asked, self.profile.filters, expression, end + self.skew):
            try:
                name, bound = labels["__name__"], float(labels["le"])
            except (KeyError, ValueError):
                continue
            if not math.isnan(bound):
                bounds.setdefault(name, []).append(bound)
        finite = {metric: [bound for bound in of if math.isfinite(bound)] for metric, of in bounds.items()}
        return (
            {metric: min(of) for metric, of in bounds.items()},
            {metric: max(of) for metric, of in finite.items() if of},
        )

    @property
    def frameworks(self) -> list[str]:
        """Naming frameworks of the metrics that were found."""
        chosen = [query.choose(selection, self.found) for selection in self.profile.selections]
        return sorted({one.framework for one in chosen if one.framework and one.metric in self.found.names})

    @property
    def notes(self) -> list[str]:
        """Warnings and infos of Prometheus, without its doubt about counters that tally names without a suffix."""
        known = [
            f'"{source.metric}"'
            for selection in self.profile.selections
            for source in selection.sources
            if source.framework == "tally"
        ]
        return [
            note
            for note in self.client.notes
            if "might not be a counter" not in note or not any(metric in note for metric in known)
        ]

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        """The raw samples of windows, one request for each metric and row of windows; and PromQL's own answers.

        Windows with little between them are read together. Raises LabError.
        """
        margin = MARGIN * self.interval
        rows: list[list[Window]] = []
        for window in sorted(windows, key=lambda one: (one.start, one.end)):
            if rows and window.start - max(one.end for one in rows[-1]) <= 4 * margin:
                rows[-1].append(window)
            else:
                rows.append([window])
        return [self._read(row, margin) for row in rows]

    def _read(self, windows: Sequence[Window], margin: float) -> Reading:
        begin = round(windows[0].start + self.skew - lead_in(self.interval), 3)
        end = round(max(window.end for window in windows) + self.skew + margin, 3)

        metrics = {"up": Wanted("", ()), **wanted(self.profile, self.found)}
        if STARTED in self.found.names:
            metrics[STARTED] = Wanted("", ())
        with self.client.lacking() as lacking:
            samples, faults = self._samples(metrics, end - begin, end)
        not_whole = [*self._lacking, *(reason for reason in lacking if reason not in self._lacking)]
        if not_whole:
            faults[""] = f"Prometheus did not answer with all that there is: {'; '.join(not_whole)}"
        # The API also names metrics that had samples only before.
        silent = {metric for metric, of in samples.items() if not of.series and metric not in faults}
        self.found = replace(self.found, names=self.found.names - silent)
        return Reading(
            windows=list(windows),
            interval=self.interval,
            skew=self.skew,
            begin=begin,
            end=end,
            found=self.found,
            up=samples.pop("up"),
            starts=samples.pop(STARTED, Samples("", (), [])),
            metrics=samples,
            answers={window.name: self._answers(window) for window in windows},
            faults=faults,
        )

    def _samples(
        self, metrics: Mapping[str, Wanted], span: float, end: float
    ) -> tuple[dict[str, Samples], dict[str, str]]:
        """The samples of metrics, each with its label matchers, over ``span`` seconds up to ``end``; and their faults.

        Metrics with the same matchers are asked for together: a request costs more than most of the answers. Samples of
        an observer have times of their own, older than its scrapes, so that those before the window are read from
        longer ago.
        """
        groups: dict[Wanted, list[str]] = {}
        # A native histogram has all buckets in each sample: no matcher of a bound can choose among them.
        metrics = {
            metric: one._replace(where=tuple(text for text in one.where if not is_bound(text)))
            if metric in self.found.native
            else one
            for metric, one in metrics.items()
        }
        for metric, one in metrics.items():
            names = groups.setdefault(one, ["up"] if one.observer else [])
            name = base_of(metric) if metric in self.found.native else metric
            if name not in names:
                names.append(name)
        series: dict[str, list[Series]] = {metric: [] for metric in metrics}
        faults: dict[str, str] = {}
        for (observer, where), names in groups.items():
            found = self._together(names, [*where, *self._filters(observer)], self._length(observer, span), end)
            faults.update(found.faults)
            for of_metric in found.series:
                name = of_metric.labels.get("__name__", "")
                if name in series and name not in found.faults:
                    series[name].append(of_metric)
        return {
            metric: Samples(
                f"{self.found.selector(metric, one.where, self._filters(one.observer))}"
                f"[{self._length(one.observer, span)}]",
                one.where,
                series[metric],
            )
            for metric, one in metrics.items()
        }, faults

    def _filters(self, observer: str) -> tuple[str, ...]:
        return self.profile.observers[observer] if observer else self.profile.filters

    @staticmethod
    def _length(observer: str, span: float) -> str:
        return query.duration(span + OBSERVED_LEAD if observer else span)

    def _together(self, names: Sequence[str], matchers: Sequence[str], length: str, end: float) -> Parsed:
        """The samples of metrics in one answer; one by one where that is refused, as for too many samples.

        What is refused of one metric alone is a fault of that one; of `up` it is an error, since all rests on it.
        """
        if len(names) > 1 and not self._one_by_one:
            try:
                return self.client.samples(f"{_selector(names, matchers)}[{length}]", end, self._natives())
            except RequestFailed as error:
                if error.status not in REFUSED:
                    raise
                self._one_by_one = True
        whole = Parsed([], {})
        for name in names:
            try:
                found = self.client.samples(f"{_selector([name], matchers)}[{length}]", end, self._natives())
            except RequestFailed as error:
                if error.status not in REFUSED or name == "up":
                    raise
                whole.faults.update(dict.fromkeys(self._parts(name), error.msg.rstrip(".")))
                continue
            whole.series.extend(found.series)
            whole.faults.update(found.faults)
        return whole

    def _parts(self, name: str) -> list[str]:
        """The metrics that a name of Prometheus stands for: itself, or the parts of a native histogram."""
        return [metric for metric in self.found.native if base_of(metric) == name] or [name]

    def _natives(self) -> Natives:
        """The native histograms that are read."""
        return Natives(frozenset(map(base_of, self.found.native)), bounds_of(self.profile))

    def _answers(self, window: Window) -> dict[str, float] | str:
        """PromQL's own values by figure, or why there are none: a cross-check must not cost what it checks."""
        expressions = {
            figure.id: promql(figure, self.found, self.profile.filters_of(figure), window, self.interval)
            for figure in self.profile.figures
        }
        more: dict[str, str] = {}
        if self.smoothed:
            # Of key figures only: with all, Prometheus would have twice the work.
            more = {
                smoothed_id(figure): promql(
                    figure, self.found, self.profile.filters_of(figure), window, self.interval, True
                )
                for figure in self.profile.figures
                if figure.key and figure.kind != "gauge"
            }
        end = round(window.end + self.skew, 3)
        try:
            try:
                rows = self.client.vector(_together({**expressions, **more}), end)
            except RequestFailed as error:
                if not more or error.status not in REFUSED:
                    raise
                # It does not have them after all.
                self.smoothed = False
                rows = self.client.vector(_together(expressions), end)
        except LabError as error:
            return error.msg
        values: dict[str, list[float]] = {}
        for labels, value in rows:
            values.setdefault(labels.get(FIGURE_LABEL, ""), []).append(value)
        return {figure: math.fsum(of) if all(map(math.isfinite, of)) else math.nan for figure, of in values.items()}

    def series(self, start: float, end: float) -> list[SeriesResult]:
        """The course of the key figures between two times, for plots; a point without a value is left out.

        A distribution has none: its windows have all of it, step after step, worked out from the raw samples.
        Raises LabError.
        """
        shown = {figure.id: figure for figure in self.profile.figures if figure.key and not figure.distribution}
        if not shown:
            return []
        expressions = {
            name: query.plot(figure, self.found, self.profile.filters_of(figure), self.interval)
            for name, figure in shown.items()
        }
        least = {name: self.found.smallest_value(figure) for name, figure in shown.items()}
        step = max(self.interval, math.ceil((end - start) / MOST_STEPS))
        courses: dict[str, list[tuple[Labels, Points]]] = {name: [] for name in shown}
        for labels, points in self.client.course(_together(expressions), start + self.skew, end + self.skew, step):
            # A row of no figure was not asked for.
            courses.get(labels.get(FIGURE_LABEL, ""), []).append((labels, points))
        return [
            {
                "figure": name,
                "title": figure.title,
                "unit": query.plot_unit(figure),
                "labels": {label: value for label, value in labels.items() if label != FIGURE_LABEL},
                "query": expressions[name],
                "step": step,
                # PromQL interpolates inside the smallest bucket, as if it knew more than that.
                "points": [
                    [round(time - self.skew, 3), max(value, least[name])]
                    for time, value in points
                    if math.isfinite(value)
                ],
            }
            for name, figure in shown.items()
            for labels, points in courses[name]
        ]

    def current(self, figures: Sequence[Figure], at: float, deadline: float) -> dict[str, list[float]]:
        """Values of figures over the last scrapes before ``at``, by id.

        A figure split by a label has one value for each; one that is not known
        has none. Raises LabError when there is no answer in ``deadline`` seconds.
        """
        length = query.LEAST_SCRAPES * self.interval
        if not self._now:
            self._look(at, length, deadline)
        up = query.selector("up", self.profile.filters)
        # The only rows without FIGURE_LABEL: pods that answered.
        alive = f"sum by (pod) (max_over_time({up}[{query.duration(length)}])) > 0"
        expressions = {
            figure.id: query.instant(figure, self.found, self.profile.filters_of(figure), length, self.interval)
            for figure in figures
        }
        values: dict[str, list[float]] = {figure.id: [] for figure in figures}
        rows = self.client.vector(_together(expressions, alive), at + self.skew, deadline)
        pods = [labels.get("pod", "") for labels, _value in rows if FIGURE_LABEL not in labels]
        for labels, value in sorted(rows, key=lambda row: sorted(row[0].items())):
            if labels.get(FIGURE_LABEL) in values and math.isfinite(value):
                values[labels[FIGURE_LABEL]].append(value)
        looked = False
        for figure in figures:
            patterns = [self.profile.components[component] for component in figure.components]
            answered = all(any(full_match(pattern, pod) for pod in pods) for pattern in patterns)
            if figure.absent != "zero" or values[figure.id] or not answered:
                continue
            if not looked and not has_witness(figure.selection, self.profile, self._now, patterns):
                # It may have come since.
                self._look(at, length, deadline)
                looked = True
            if has_witness(figure.selection, self.profile, self._now, patterns):
                values[figure.id].append(0.0)
        return values

    def _look(self, at: float, length: float, deadline: float) -> None:
        """See which metrics of the profile have samples just now, of which pods: names are remembered for longer.

        Where such a query is refused all stays as it was found, and nothing is known to be zero. Raises LabError.
        """
        names = {source.metric for selection in self.profile.selections for source in selection.sources}
        names.update(bases(self.profile).values())
        by = ", ".join(["__name__", "pod", *sorted(self.profile.scheme_labels - {"pod"})])
        series = f"{_selector(sorted(names), self.profile.filters)}[{query.duration(length)}]"
        try:
            rows = self.client.vector(f"group by ({by}) (last_over_time({series}))", at + self.skew, deadline)
        except RequestFailed as error:
            if error.status not in REFUSED:
                raise
            return
        self._now, native = with_parts(self.profile, [labels for labels, _value in rows])
        there = frozenset(labels.get("__name__", "") for labels in self._now)
        self.found = replace(self.found, names=there, native=native)


def by_names(
    client: Prometheus, names: Sequence[str], matchers: Sequence[str], expression: str, at: float
) -> list[tuple[Labels, float]]:
    """The rows of an expression over metrics, in which {} stands for their selector.

    One by one where all at once is refused: some systems take exact names only. Raises LabError.
    """
    try:
        return client.vector(expression.format(_selector(names, matchers)), at)
    except RequestFailed as error:
        if error.status not in REFUSED or len(names) == 1:
            raise
    each = [expression.format(_selector([name], matchers)) for name in names]
    return [row for one in each for row in client.vector(one, at)]


def _selector(names: Sequence[str], *matchers: Sequence[str]) -> str:
    """A selector of metrics with all those label matchers."""
    if len(names) == 1:
        return query.selector(names[0], *matchers)
    return query.selector("", [f'__name__=~"{"|".join(names)}"'], *matchers)


def _together(expressions: Mapping[str, str], *others: str) -> str:
    """One query for the values of several figures, by their ids, which FIGURE_LABEL tells apart; and for others."""
    labelled = [
        f'label_replace({expression}, "{FIGURE_LABEL}", "{name}", "", "")' for name, expression in expressions.items()
    ]
    return " or ".join([*others, *labelled])
