# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a window, read from Prometheus.

Callers use Window, Reader.window, Reader.series and Reader.current. In this
version the values are PromQL's own: `increase` extrapolates to the window's
edges and leaves out the first value of a series that begins inside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import query
from .client import Labels, Points, Prometheus
from .profile import Figure, Profile

#: Steps of a range query; Prometheus allows 11,000.
MOST_STEPS = 10_000
#: A window needs this share of its scrapes.
LEAST_COVERAGE = 0.5


@dataclass(frozen=True)
class Window:
    """A span that figures are worked out for; ``start`` is Unix seconds, ``length`` seconds."""

    name: str
    title: str
    start: float
    length: float

    @property
    def end(self) -> float:
        return round(self.start + self.length, 3)


@dataclass(frozen=True)
class Coverage:
    """How well a component was scraped in a window.

    scrapes: times at which at least one of its pods answered. expected: times in the window.
    silent: pods that did not answer most of the expected scrapes, with how many they did not.
    """

    scrapes: int
    expected: int
    silent: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return min(1.0, self.scrapes / self.expected)


def scrape_rounds(times: Iterable[float], interval: float) -> int:
    """Number of scrape rounds in sample times of several pods.

    Pods are scraped at different moments of each interval, and not to the
    millisecond: times less than three quarters of it apart are one round.
    """
    rounds = 0
    begun = -math.inf
    for time in sorted(times):
        if time - begun >= 0.75 * interval:
            rounds += 1
            begun = time
    return rounds


def coverage(up: Iterable[tuple[Labels, Points]], pods: str, length: float, interval: float) -> Coverage:
    """Coverage of the component whose pods' names match ``pods``, from raw samples of `up`."""
    expected = max(1, math.floor(length / interval))
    answered: list[float] = []
    silent = {}
    for labels, points in up:
        pod = labels.get("pod", "")
        if not re.fullmatch(pods, pod):
            continue
        answered += [time for time, value in points if value == 1]
        failed = sum(value != 1 for _time, value in points)
        if failed > expected / 2:
            silent[pod] = failed
    return Coverage(scrape_rounds(answered, interval), expected, silent)


def shortfall(components: Sequence[str], covered: Mapping[str, Coverage]) -> str:
    """Why the scrapes of a window do not bear a figure of those components; empty when they do."""
    for component in components:
        of = covered[component]
        if of.scrapes < query.LEAST_SCRAPES or of.share < LEAST_COVERAGE:
            return f"{component} was scraped {of.scrapes} times in this window, of {of.expected}"
        for pod, failed in of.silent.items():
            return f"the pod {pod} did not answer {failed} of {of.expected} scrapes in this window"
    return ""


def judge(
    figure: Figure, rows: Sequence[tuple[Labels, float]], short: str, missing: str
) -> tuple[float | None, dict[str, float] | None, str, str]:
    """Value, values by label, state and reason of a figure.

    rows: what its query gave. short: why the scrapes do not bear it, or empty.
    missing: names of its metric when Prometheus has none of them, or empty.
    """
    if not rows:
        none = {} if figure.by else None
        what = "no series with these labels has samples enough in this window"
        if missing:
            what = f"Prometheus has no metric {missing} here"
        if short:
            return None, none, "inconclusive", short
        if figure.absent == "zero":
            return 0.0, none, "pass", ""
        return None, none, figure.absent, what
    values = [value for _labels, value in rows]
    if any(math.isnan(value) for value in values):
        return None, None, "inconclusive", short or "no observations in this window"
    if any(math.isinf(value) for value in values):
        return None, None, "inconclusive", short or "there was nothing to divide by in this window"
    by = {labels.get(figure.by, ""): value for labels, value in rows} if figure.by else None
    value = math.fsum(values)
    if short:
        return value, by, "inconclusive", short
    return value, by, *_against_thresholds(figure, value)


def _against_thresholds(figure: Figure, value: float) -> tuple[str, str]:
    for state in ("fail", "warn"):
        limit = figure.thresholds.get(state)
        if limit is None:
            continue
        if value > limit if figure.direction == "lower" else value < limit:
            side = "above" if figure.direction == "lower" else "below"
            return state, f"{side} the threshold of {query.number(limit)} {figure.unit}"
    return "pass", ""


@dataclass
class Reader:
    """Reads figures of a bound profile.

    interval: seconds between scrapes. skew: seconds to add to this machine's
    clock to get Prometheus' (0 when they agree).
    """

    client: Prometheus
    profile: Profile
    interval: float
    skew: float = 0.0
    names: set[str] = field(default_factory=set)

    def find_names(self, start: float, end: float) -> None:
        """Find out which of the profile's metrics Prometheus has at that time: they choose between sources."""
        self.names = self.client.metric_names(self.profile.filters, start + self.skew, end + self.skew)

    @property
    def frameworks(self) -> list[str]:
        """Naming frameworks of the metrics that were found."""
        sources = [
            source
            for figure in self.profile.figures
            for selection in figure.selections
            for source in selection.sources
            if source.metric in self.names and source.framework
        ]
        return sorted({source.framework for source in sources})

    @property
    def notes(self) -> list[str]:
        """Warnings and infos of Prometheus, without its doubt about counters that tally names without a suffix."""
        known = [
            f'"{source.metric}"'
            for figure in self.profile.figures
            for selection in figure.selections
            for source in selection.sources
            if source.framework == "tally"
        ]
        return [
            note
            for note in self.client.notes
            if "might not be a counter" not in note or not any(metric in note for metric in known)
        ]

    def window(self, window: Window) -> dict[str, Any]:
        """The window with all figures, in the form of the results (docs/architecture.md). Raises LabError."""
        at = round(window.end + self.skew, 3)
        up = self.client.matrix(f"{query.selector('up', self.profile.filters)}[{query.duration(window.length)}]", at)
        covered = {
            name: coverage(up, pods, window.length, self.interval) for name, pods in self.profile.components.items()
        }
        return {
            "name": window.name,
            "title": window.title,
            "start": window.start,
            "end": window.end,
            "figures": [self._figure(figure, window, at, covered) for figure in self.profile.figures],
        }

    def _figure(self, figure: Figure, window: Window, at: float, covered: Mapping[str, Coverage]) -> dict[str, Any]:
        expression = query.instant(figure, self.names, self.profile.filters, window.length, self.interval)
        rows = self.client.vector(expression, at)
        value, by, state, reason = judge(figure, rows, shortfall(figure.components, covered), self._missing(figure))
        result: dict[str, Any] = {
            "id": figure.id,
            "title": figure.title,
            "question": figure.question,
            "unit": figure.unit,
            "direction": figure.direction,
            "key": figure.key,
            "value": value,
            "state": state,
            "reason": reason,
            "query": expression,
            "time": at,
            "coverage": round(min(covered[component].share for component in figure.components), 3),
        }
        if figure.reference:
            result["reference"] = figure.reference
        if by is not None:
            result["by"] = by
        return result

    def _missing(self, figure: Figure) -> str:
        for selection in figure.selections:
            wanted = [source.metric for source in selection.sources]
            if not self.names.intersection(wanted):
                return " or ".join(wanted)
        return ""

    def series(self, start: float, end: float) -> list[dict[str, Any]]:
        """The course of the key figures between two times, for plots; a point without a value is left out.

        Raises LabError.
        """
        step = max(self.interval, math.ceil((end - start) / MOST_STEPS))
        found = []
        for figure in self.profile.figures:
            if not figure.key:
                continue
            expression = query.plot(figure, self.names, self.profile.filters, self.interval)
            for labels, points in self.client.course(expression, start + self.skew, end + self.skew, step):
                found.append(
                    {
                        "figure": figure.id,
                        "title": figure.title,
                        "unit": query.plot_unit(figure),
                        "labels": labels,
                        "query": expression,
                        "step": step,
                        "points": [
                            [round(time - self.skew, 3), value] for time, value in points if math.isfinite(value)
                        ],
                    }
                )
        return found

    def current(self, figures: Sequence[Figure], at: float, deadline: float) -> dict[str, list[float]]:
        """Values of figures over the last scrapes before ``at``, by id, in one request.

        A figure split by a label has one value for each; one that is not known
        has none. Raises LabError when there is no answer in ``deadline`` seconds.
        """
        length = query.LEAST_SCRAPES * self.interval
        up = query.selector("up", self.profile.filters)
        # The only rows without a label `figure`: pods that answered.
        parts = [f"sum by (pod) (max_over_time({up}[{query.duration(length)}])) > 0"]
        for figure in figures:
            expression = query.instant(figure, self.names, self.profile.filters, length, self.interval)
            parts.append(f'label_replace({expression}, "figure", "{figure.id}", "", "")')
        values: dict[str, list[float]] = {figure.id: [] for figure in figures}
        rows = self.client.vector(" or ".join(parts), at + self.skew, deadline)
        pods = [labels.get("pod", "") for labels, _value in rows if "figure" not in labels]
        for labels, value in sorted(rows, key=lambda row: sorted(row[0].items())):
            if "figure" in labels and math.isfinite(value):
                values[labels["figure"]].append(value)
        for figure in figures:
            patterns = [self.profile.components[component] for component in figure.components]
            answered = all(any(re.fullmatch(pattern, pod) for pod in pods) for pattern in patterns)
            if figure.absent == "zero" and not values[figure.id] and answered:
                values[figure.id].append(0.0)
        return values
