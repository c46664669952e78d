# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a window, worked out from raw samples; docs/measurement.md explains how.

Pure: reader.py gets a Reading from Prometheus, samples_file.py gets it from a file, and work_out makes the same figures
of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..results.stage_file import window_values
from ..results.types import Evidence, FigureDetails, FigureResult, Labels, Values, WindowResult
from . import histograms, query
from .coverage import coverage, shortfall
from .cross_check import cross_check, no_answer, promql
from .figure_state import GRAVITY, Judged, compare, judge
from .growth import Growth, Ruler, alive, growth, mean_of_sum
from .matchers import matches
from .profile import Figure, Profile, Selection, Source
from .query import FoundMetrics
from .reading import Reading, Window
from .scrape_history import LATE, ScrapeHistory
from .series import Series

#: The growth of every series must be known in this share of the window, but for a scrape that is late.
LEAST_KNOWN = 0.9


@dataclass
class _Sum:
    """Growth of the series of a selection, with all that is to be said about it."""

    series: list[Series] = field(default_factory=list)
    growths: list[tuple[Series, Growth]] = field(default_factory=list)
    doubles: int = 0
    dropped: int = 0

    def count(self, what: str) -> int:
        return sum(one.course.begins == what or one.course.ends == what for _series, one in self.growths)

    @property
    def resets(self) -> int:
        return sum(one.resets for _series, one in self.growths)


def work_out(profile: Profile, reading: Reading, window: Window, earlier: Values) -> WindowResult:
    """The window with all figures of a bound profile."""
    start, end = round(window.start + reading.skew, 3), round(window.end + reading.skew, 3)
    history = ScrapeHistory(reading.up.series, reading.starts.series, reading.interval, reading.begin)
    at_work = _Window(profile, reading, window, earlier, Ruler(start, end, history))
    return {
        "name": window.name,
        "title": window.title,
        "start": window.start,
        "end": window.end,
        "figures": [at_work.figure(figure) for figure in profile.figures],
    }


def work_out_all(
    profile: Profile, readings: Sequence[Reading], windows: Sequence[Window], earlier: Values
) -> list[WindowResult]:
    """All windows in the order given; each is compared with those before it, and with ``earlier``."""
    known = dict(earlier)
    done: list[WindowResult] = []
    for window in windows:
        reading = next(one for one in readings if window in one.windows)
        done.append(work_out(profile, reading, window, known))
        known.update(window_values(done[-1:]))
    return done


class _Window:
    """One window at work."""

    def __init__(self, profile: Profile, reading: Reading, window: Window, earlier: Values, ruler: Ruler) -> None:
        self.profile = profile
        self.reading = reading
        self.window = window
        self.earlier = earlier
        self.ruler = ruler
        self._sums: dict[tuple[str, tuple[str, ...]], _Sum] = {}
        up = [
            (one.labels, [point for point in zip(one.times, one.values) if ruler.start < point[0] <= ruler.end])
            for one in reading.up.series
        ]
        self.covered = {
            name: coverage([one for one in up if one[1]], pods, window.length, reading.interval)
            for name, pods in profile.components.items()
        }

    def figure(self, figure: Figure) -> FigureResult:
        """One figure, as in the results."""
        found = self.reading.found
        sources = [query.choose(selection, found) for selection in figure.selections]
        evidence: Evidence = {"metrics": sorted({source.metric for source in sources}), "notes": []}
        wrong = _wrong_unit(sources, found)
        if wrong:
            judged = Judged(None, None, "error", wrong)
            checked = no_answer(wrong)
        else:
            rows, unknown = self._gauge(figure, evidence) if figure.kind == "gauge" else self._counter(figure, evidence)
            short = shortfall(figure.components, self.covered) or unknown
            judged = judge(figure, rows, short, self._missing(figure))
            answers = self.reading.answers.get(self.window.name, {})
            checked = cross_check(figure, judged.value, judged.reason, evidence, answers)
            evidence["notes"] += [
                f"{source.metric} is the metric of servers {source.server}." for source in sources if source.server
            ]
        judged = self._against_earlier(figure, judged, evidence)
        return {
            "id": figure.id,
            "title": figure.title,
            "question": figure.question,
            "unit": figure.unit,
            "direction": figure.direction,
            "key": figure.key,
            "value": judged.value,
            "state": judged.state,
            "reason": judged.reason,
            "query": promql(figure, found, self.profile.filters, self.window, self.reading.interval),
            "time": self.ruler.end,
            "coverage": round(min(self.covered[component].share for component in figure.components), 3),
            **evidence,
            **checked,
            **_details(figure, judged),
        }

    def _against_earlier(self, figure: Figure, judged: Judged, evidence: Evidence) -> Judged:
        """What a figure is worth beside an earlier window, where its profile compares them."""
        if figure.relative is None or judged.value is None or judged.state == "inconclusive":
            return judged
        state, reason, compared = compare(
            figure,
            figure.relative,
            judged.value,
            self.window.name,
            self.earlier,
            evidence.get("bound", ""),
            self.reading.found.smallest_value(figure),
        )
        if compared:
            evidence["compared"] = compared
        return judged._replace(state=state, reason=reason) if GRAVITY[state] > GRAVITY[judged.state] else judged

    # -- kinds ------------------------------------------------------------------

    def _series(self, selection: Selection) -> tuple[list[Series], int, int]:
        metric = query.choose(selection, self.reading.found).metric
        series, doubles, dropped = self.reading.clean(metric)
        if metric in self.reading.metrics:
            asked = self.reading.metrics[metric].where
            rest = [matcher for matcher in selection.where if matcher not in asked]
            if rest:
                series = [one for one in series if matches(rest, one.labels)]
        return series, doubles, dropped

    def _sum(self, selection: Selection) -> _Sum:
        key = (query.choose(selection, self.reading.found).metric, selection.where)
        if key not in self._sums:
            series, doubles, dropped = self._series(selection)
            growths = [(one, found) for one in series if (found := growth(one, self.ruler)) is not None]
            self._sums[key] = _Sum(series, growths, doubles, dropped)
        return self._sums[key]

    def _scale(self, figure: Figure) -> float:
        scale = query.choose(figure.selection, self.reading.found).scale
        if figure.denominator is not None:
            scale /= query.choose(figure.denominator, self.reading.found).scale
        return scale

    def _counter(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        sums = [self._sum(selection) for selection in figure.selections]
        self._describe(sums, evidence)
        if not all(one.growths for one in sums):
            return [], ""
        scale = self._scale(figure)
        if figure.kind == "quantile":
            rows = self._quantile(figure, sums[0], scale, evidence)
        elif figure.kind == "ratio":
            above, below = (math.fsum(found.value for _series, found in one.growths) for one in sums)
            nothing = math.nan if above == 0 else math.inf
            rows = [({}, scale * above / below if below else nothing)]
        else:
            rows = self._grown(figure, sums[0], scale, evidence)
        return rows, self._doubt([found for one in sums for _series, found in one.growths])

    def _doubt(self, growths: Sequence[Growth]) -> str:
        """Why too much is not known of what was counted in the window; empty when it is little."""
        most = (1 - LEAST_KNOWN) * self.ruler.length
        # Samples that end early may only be late. What a reset took along does not come any more.
        most_late = max(most, LATE * self.reading.interval)
        doubtful = [one for one in growths if one.course.unknown > most_late or one.lost > most]
        if not doubtful:
            return ""
        seconds = max(one.course.unknown + one.lost for one in doubtful)
        return f"what {len(doubtful)} series counted is not known for up to {seconds:.0f} s of this window"

    def _grown(self, figure: Figure, found: _Sum, scale: float, evidence: Evidence) -> list[tuple[Labels, float]]:
        """Growth, or growth a second over the time in which it is known, by the figure's label."""
        values: dict[str, list[float]] = {}
        least, most = [], []
        whole = self.ruler.length if figure.kind == "rate" else 1.0
        for series, one in found.growths:
            known = whole - one.course.unknown if figure.kind == "rate" else 1.0
            values.setdefault(series.labels.get(figure.by, "") if figure.by else "", []).append(one.value / known)
            # In the time that is unknown nothing may have happened.
            least.append(one.least / whole)
            most.append(one.most / whole)
        certain = not (found.resets or found.count("unknown") or found.count("gone"))
        evidence["interval"] = [scale * math.fsum(least), scale * math.fsum(most) if certain else None]
        return [({figure.by: label} if figure.by else {}, scale * math.fsum(of)) for label, of in values.items()]

    def _quantile(self, figure: Figure, found: _Sum, scale: float, evidence: Evidence) -> list[tuple[Labels, float]]:
        buckets, same = histograms.summed((series.labels.get("le", ""), one.value) for series, one in found.growths)
        if not same:
            evidence["notes"].append("The processes have different buckets: only the bounds that all have are used.")
        quantile = histograms.quantile(figure.quantile or 0.0, buckets)
        if quantile is None:
            return [({}, math.nan)]
        evidence["interval"] = [None if side is None else scale * side for side in (quantile.lower, quantile.upper)]
        evidence["observations"] = quantile.observations
        if quantile.bound:
            evidence["bound"] = quantile.bound
            which = "at or below the smallest bound" if quantile.bound == "below" else "above the largest bound"
            evidence["notes"].append(f"The quantile is {which} of the histogram's buckets, which is what is shown.")
        return [({}, scale * quantile.value)]

    def _gauge(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        series, doubles, dropped = self._series(figure.selection)
        self._describe([_Sum([], [], doubles, dropped)], evidence)
        courses = [course for one in series if (course := self.ruler.course(one)) is not None]
        evidence["samples"] = sum(course.samples for course in courses)
        evidence["largest_gap"] = _seconds(max((course.gap for course in courses), default=None))
        scale = self._scale(figure)
        groups: dict[str, list[Series]] = {}
        for one in series:
            groups.setdefault(one.labels.get(figure.by, "") if figure.by else "", []).append(one)
        rows = []
        for label, group in groups.items():
            labels = {figure.by: label} if figure.by else {}
            if figure.take == "mean":
                mean = mean_of_sum(group, self.ruler)
                if mean is not None:
                    rows.append((labels, scale * mean))
                continue
            values = []
            for one in group:
                value, silent = alive(one, self.ruler)
                if value is not None:
                    values.append(value)
                elif silent:
                    pod = one.labels.get("pod") or one.labels.get("instance", "")
                    evidence["notes"].append(f"{pod} did not answer the last scrape: its value is left out.")
            if values:
                rows.append((labels, scale * math.fsum(values)))
        return rows, ""

    # -- what is said beside the value --------------------------------------------

    def _describe(self, sums: Sequence[_Sum], evidence: Evidence) -> None:
        growths = [found for one in sums for _series, found in one.growths]
        notes = evidence["notes"]
        evidence["samples"] = sum(one.course.samples for one in growths)
        evidence["largest_gap"] = _seconds(max((one.course.gap for one in growths), default=None))
        evidence["resets"] = sum(one.resets for one in sums)
        evidence["new_series"] = sum(one.count("new") for one in sums)
        evidence["gone_series"] = sum(one.count("gone") for one in sums)
        evidence["unknown_series"] = sum(one.count("unknown") for one in sums)
        evidence["double_series"] = sum(one.doubles for one in sums)
        if evidence["resets"]:
            lost = max(one.lost for one in growths)
            notes.append(
                f"A counter began again at zero: what it counted in up to {lost:.0f} s since its last scrape before "
                f"that is lost."
            )
        if evidence["gone_series"]:
            notes.append(f"{evidence['gone_series']} series ended; what was counted after the last scrape is lost.")
        if evidence["unknown_series"]:
            notes.append(
                f"{evidence['unknown_series']} series began or ended without it being known what was counted before "
                f"or after."
            )
        if evidence["double_series"]:
            notes.append(f"{evidence['double_series']} series came from a second scrape of the same process: left out.")
        dropped = sum(one.dropped for one in sums)
        if dropped:
            notes.append(f"{dropped} samples of the metric were no finite numbers and were left out.")

    def _missing(self, figure: Figure) -> str:
        for selection in figure.selections:
            names = list(dict.fromkeys(source.metric for source in selection.sources))
            if not self.reading.found.names.intersection(names):
                return " or ".join(names)
        return ""


def _wrong_unit(sources: Sequence[Source], found: FoundMetrics) -> str:
    """Why the values of a metric are not in the unit that the profile says; empty when they seem to be."""
    for source in sources:
        if not found.fits(source):
            return (
                f"the buckets of {source.metric} begin at {query.number(found.smallest[source.metric])} where the "
                f"profile says {query.number(source.smallest_bucket or 0.0)}: its unit is another one"
            )
    return ""


def _details(figure: Figure, judged: Judged) -> FigureDetails:
    """What only some figures have: limits and context of the profile, and values by label."""
    details: FigureDetails = {}
    thresholds: dict[str, Any] = dict(figure.thresholds)
    if figure.relative is not None:
        thresholds["relative"] = {"window": figure.relative.window, **figure.relative.limits}
    if thresholds:
        details["thresholds"] = thresholds
    if figure.reference:
        details["reference"] = figure.reference
    if judged.by is not None:
        details["by"] = judged.by
    return details


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
