# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a window, worked out from raw samples; docs/measurement.md explains how.

Pure: Reader (reader.py) gets a Reading from Prometheus, raw.py gets it from a file, and work_out
makes the same figures of both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from . import histograms, query
from .growth import (
    LATE,
    Growth,
    Ruler,
    Targets,
    alive,
    growth,
    mean_of_sum,
)
from .profile import Figure, Profile, Relative, Selection, Source
from .query import Found
from .series import (
    Labels,
    Series,
    finite,
    without_doubles,
)

#: A window needs this share of its scrapes.
LEAST_COVERAGE = 0.5
#: The growth of every series must be known in this share of the window, but for a scrape that is late.
LEAST_KNOWN = 0.9
#: From this relative difference on PromQL's own answer is explained.
DIFFERENCE = 0.05

Points = Iterable[tuple[float, float]]


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
        values = list(points)
        answered += [time for time, value in values if value == 1]
        failed = sum(value != 1 for _time, value in values)
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


# -- against an earlier window --------------------------------------------------

#: Values of earlier windows: by the window's name and the figure's id.
Earlier = Mapping[str, Mapping[str, Union[float, None]]]


def compare(
    figure: Figure,
    relative: Relative,
    value: float,
    window: str,
    earlier: Earlier,
    bound: str = "",
    least: float = -math.inf,
) -> tuple[str, str, dict[str, Any]]:
    """State, reason and what was compared, of a value against that of an earlier window.

    bound: which way the value is only the end of its quantile's bucket. least: the end of the smallest bucket; an
    earlier value that is not above it is such an end too.
    """
    if window == relative.window:
        return "pass", "", {}
    before = earlier.get(relative.window, {}).get(figure.id)
    compared: dict[str, Any] = {"window": relative.window, "value": before, "ratio": None}
    if before is None:
        return "inconclusive", f"there is no value of the window {relative.window} to compare with", compared
    if before == 0 and value != 0:
        return (
            "inconclusive",
            f"it was zero in the window {relative.window}: there is nothing to compare with",
            compared,
        )
    ratio = compared["ratio"] = value / before if before else 1.0
    found, reason = "pass", ""
    for state in ("fail", "warn"):
        limit = relative.limits.get(state)
        if limit is not None and (ratio > limit if figure.direction == "lower" else ratio < limit):
            side = "more" if figure.direction == "lower" else "less"
            found = state
            reason = f"{side} than {query.number(limit)} times the value of the window {relative.window}"
            break
    # The true ratio may be on one side of this one: what is beyond a limit for certain stays so.
    may_be_more = bound == "above" or before <= least
    may_be_less = bound == "below"
    if may_be_less if (found != "pass") == (figure.direction == "lower") else may_be_more:
        reason = f"one of the values is only the end of a bucket: how it compares with {relative.window} is not known"
        return "inconclusive", reason, compared
    return found, reason, compared


# -- the samples of a window ----------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """The raw samples of one metric: the query that gave them, the matchers of figures in it, and the series."""

    query: str
    where: tuple[str, ...]
    series: list[Series]


@dataclass
class Reading:
    """What was read from Prometheus for windows that lie close together.

    Times of samples, begin and end are on Prometheus' clock, those of windows on this
    machine's; skew is the difference. found: what Prometheus has of the profile. starts: samples of
    process_start_time_seconds. answers: PromQL's own values by window and figure (NaN for what
    is no number), or why there are none.
    """

    windows: list[Window]
    interval: float
    skew: float
    begin: float
    end: float
    found: Found
    up: Samples
    starts: Samples
    metrics: dict[str, Samples]
    answers: dict[str, dict[str, float] | str]
    _clean: dict[str, tuple[list[Series], int, int]] = field(default_factory=dict, repr=False, compare=False)

    def decided(self) -> float:
        """Time from which on it is known of every target whether it is gone or only late; Prometheus' clock.

        A scrape that should have come an interval after the last one may take another until it has failed.
        """
        end = round(max(window.end for window in self.windows) + self.skew, 3)
        last = [one.times[-1] for one in self.up.series if one.times[-1] <= end]
        return max(last, default=0.0) + 2 * self.interval

    def clean(self, metric: str) -> tuple[list[Series], int, int]:
        """Series of a metric, each process once and numbers only; numbers of doubles and of samples left out."""
        if metric not in self._clean:
            series, dropped = finite(self.metrics[metric].series if metric in self.metrics else ())
            kept, doubles = without_doubles(series)
            self._clean[metric] = kept, doubles, dropped
        return self._clean[metric]


def wanted(profile: Profile, found: Found) -> dict[str, tuple[str, ...]]:
    """Metrics to read for a profile, with the label matchers that all figures of a metric share."""
    metrics: dict[str, tuple[str, ...]] = {}
    for selection in profile.selections:
        metric = query.choose(selection, found).metric
        if metric in found.names:
            shared = metrics.get(metric, selection.where)
            metrics[metric] = tuple(matcher for matcher in shared if matcher in selection.where)
    return metrics


# -- the figures of a window ----------------------------------------------------


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


def work_out(profile: Profile, reading: Reading, window: Window, earlier: Earlier) -> dict[str, Any]:
    """The window with all figures of a bound profile, in the form of the results (docs/architecture.md)."""
    start, end = round(window.start + reading.skew, 3), round(window.end + reading.skew, 3)
    targets = Targets(reading.up.series, reading.starts.series, reading.interval, reading.begin)
    at_work = _Window(profile, reading, window, earlier, Ruler(start, end, targets))
    return {
        "name": window.name,
        "title": window.title,
        "start": window.start,
        "end": window.end,
        "figures": [at_work.figure(figure) for figure in profile.figures],
    }


def work_out_all(
    profile: Profile, readings: Sequence[Reading], windows: Sequence[Window], earlier: Earlier
) -> list[dict[str, Any]]:
    """All windows in the order given; each is compared with those before it, and with ``earlier``."""
    known: dict[str, Mapping[str, float | None]] = dict(earlier)
    done = []
    for window in windows:
        reading = next(one for one in readings if window in one.windows)
        done.append(work_out(profile, reading, window, known))
        known[window.name] = {figure["id"]: figure["value"] for figure in done[-1]["figures"]}
    return done


class _Window:
    """One window at work."""

    def __init__(self, profile: Profile, reading: Reading, window: Window, earlier: Earlier, ruler: Ruler) -> None:
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

    def figure(self, figure: Figure) -> dict[str, Any]:
        """One figure, as in the results."""
        sources = [query.choose(selection, self.reading.found) for selection in figure.selections]
        extra: dict[str, Any] = {"metrics": sorted({source.metric for source in sources}), "notes": []}
        wrong = _wrong_unit(sources, self.reading.found)
        value: float | None
        if wrong:
            value, by, state, reason = None, None, "error", wrong
            beside: dict[str, Any] = {"promql": None, "promql_difference": None, "promql_reason": wrong}
        else:
            if figure.kind == "gauge":
                rows, unknown = self._gauge(figure, extra)
            else:
                rows, unknown = self._counter(figure, extra)
            short = shortfall(figure.components, self.covered) or unknown
            value, by, state, reason = judge(figure, rows, short, self._missing(figure))
            beside = self._beside(figure, value, reason, extra)
            extra["notes"] += [
                f"{source.metric} is the metric of servers {source.server}." for source in sources if source.server
            ]
        thresholds: dict[str, Any] = dict(figure.thresholds)
        if figure.relative is not None:
            thresholds["relative"] = {"window": figure.relative.window, **figure.relative.limits}
            if value is not None and state != "inconclusive":
                found, why, compared = compare(
                    figure,
                    figure.relative,
                    value,
                    self.window.name,
                    self.earlier,
                    extra.get("bound", ""),
                    self.reading.found.smallest_value(figure),
                )
                if compared:
                    extra["compared"] = compared
                if GRAVITY[found] > GRAVITY[state]:
                    state, reason = found, why
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
            "query": promql(figure, self.reading.found, self.profile.filters, self.window, self.reading.interval),
            "time": self.ruler.end,
            "coverage": round(min(self.covered[component].share for component in figure.components), 3),
            **extra,
            **beside,
        }
        if thresholds:
            result["thresholds"] = thresholds
        if figure.reference:
            result["reference"] = figure.reference
        if by is not None:
            result["by"] = by
        return result

    # -- kinds ------------------------------------------------------------------

    def _series(self, selection: Selection) -> tuple[list[Series], int, int]:
        metric = query.choose(selection, self.reading.found).metric
        series, doubles, dropped = self.reading.clean(metric)
        if metric in self.reading.metrics:
            asked = self.reading.metrics[metric].where
            rest = [matcher for matcher in selection.where if matcher not in asked]
            if rest:
                series = [one for one in series if query.matches(rest, one.labels)]
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

    def _counter(self, figure: Figure, extra: dict[str, Any]) -> tuple[list[tuple[Labels, float]], str]:
        sums = [self._sum(selection) for selection in figure.selections]
        self._describe(sums, extra)
        if not all(one.growths for one in sums):
            return [], ""
        scale = self._scale(figure)
        if figure.kind == "quantile":
            rows = self._quantile(figure, sums[0], scale, extra)
        elif figure.kind == "ratio":
            above, below = (math.fsum(found.value for _series, found in one.growths) for one in sums)
            nothing = math.nan if above == 0 else math.inf
            rows = [({}, scale * above / below if below else nothing)]
        else:
            rows = self._grown(figure, sums[0], scale, extra)
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
        return f"what {_series(len(doubtful))} counted is not known for up to {seconds:.0f} s of this window"

    def _grown(self, figure: Figure, found: _Sum, scale: float, extra: dict[str, Any]) -> list[tuple[Labels, float]]:
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
        extra["interval"] = [scale * math.fsum(least), scale * math.fsum(most) if certain else None]
        return [({figure.by: label} if figure.by else {}, scale * math.fsum(of)) for label, of in values.items()]

    def _quantile(self, figure: Figure, found: _Sum, scale: float, extra: dict[str, Any]) -> list[tuple[Labels, float]]:
        buckets, same = histograms.summed((series.labels.get("le", ""), one.value) for series, one in found.growths)
        if not same:
            extra["notes"].append("The processes have different buckets: only the bounds that all have are used.")
        quantile = histograms.quantile(figure.quantile or 0.0, buckets)
        if quantile is None:
            return [({}, math.nan)]
        extra["interval"] = [None if side is None else scale * side for side in (quantile.lower, quantile.upper)]
        extra["observations"] = quantile.observations
        if quantile.bound:
            extra["bound"] = quantile.bound
            which = "at or below the smallest bound" if quantile.bound == "below" else "above the largest bound"
            extra["notes"].append(f"The quantile is {which} of the histogram's buckets, which is what is shown.")
        return [({}, scale * quantile.value)]

    def _gauge(self, figure: Figure, extra: dict[str, Any]) -> tuple[list[tuple[Labels, float]], str]:
        series, doubles, dropped = self._series(figure.selection)
        self._describe([_Sum([], [], doubles, dropped)], extra)
        courses = [course for one in series if (course := self.ruler.course(one)) is not None]
        extra["samples"] = sum(course.samples for course in courses)
        extra["largest_gap"] = _seconds(max((course.gap for course in courses), default=None))
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
                    extra["notes"].append(f"{pod} did not answer the last scrape: its value is left out.")
            if values:
                rows.append((labels, scale * math.fsum(values)))
        return rows, ""

    # -- what is said beside the value --------------------------------------------

    def _describe(self, sums: Sequence[_Sum], extra: dict[str, Any]) -> None:
        growths = [found for one in sums for _series, found in one.growths]
        notes = extra["notes"]
        extra["samples"] = sum(one.course.samples for one in growths)
        extra["largest_gap"] = _seconds(max((one.course.gap for one in growths), default=None))
        extra["resets"] = sum(one.resets for one in sums)
        extra["new_series"] = sum(one.count("new") for one in sums)
        extra["gone_series"] = sum(one.count("gone") for one in sums)
        extra["unknown_series"] = sum(one.count("unknown") for one in sums)
        extra["double_series"] = sum(one.doubles for one in sums)
        if extra["resets"]:
            lost = max(one.lost for one in growths)
            notes.append(
                f"A counter began again at zero: what it counted in up to {lost:.0f} s since its last scrape before "
                f"that is lost."
            )
        if extra["gone_series"]:
            notes.append(f"{_series(extra['gone_series'])} ended; what was counted after the last scrape is lost.")
        if extra["unknown_series"]:
            notes.append(
                f"{_series(extra['unknown_series'])} began or ended without it being known what was counted before "
                f"or after."
            )
        if extra["double_series"]:
            notes.append(f"{_series(extra['double_series'])} came from a second scrape of the same process: left out.")
        dropped = sum(one.dropped for one in sums)
        if dropped:
            notes.append(f"{dropped} samples of the metric were no finite numbers and were left out.")

    def _missing(self, figure: Figure) -> str:
        for selection in figure.selections:
            names = list(dict.fromkeys(source.metric for source in selection.sources))
            if not self.reading.found.names.intersection(names):
                return " or ".join(names)
        return ""

    def _beside(self, figure: Figure, value: float | None, reason: str, extra: Mapping[str, Any]) -> dict[str, Any]:
        """PromQL's own value, the difference relative to the figure's, and its reason when it is not small."""
        answers = self.reading.answers.get(self.window.name, {})
        if isinstance(answers, str):
            return {"promql": None, "promql_difference": None, "promql_reason": answers}
        theirs: float | None = answers.get(figure.id)
        if theirs is not None and not math.isfinite(theirs):
            theirs = None
        difference = None
        why = ""
        if value is None and theirs is not None:
            why = f"no value is given here: {reason}"
        elif value is not None and theirs is None:
            if extra.get("new_series"):
                why = f"PromQL has no value: it leaves out the first value of {_series(extra['new_series'])}"
            elif value != 0 or extra["samples"]:
                why = "PromQL has no value: it sees no growth between samples inside the window"
        elif value is not None and theirs is not None:
            if value != 0:
                difference = (theirs - value) / abs(value)
            if theirs != value and (difference is None or abs(difference) > DIFFERENCE):
                why = _why(figure, extra)
        return {"promql": theirs, "promql_difference": difference, "promql_reason": why}


#: A graver state takes the place of one that is less grave.
GRAVITY = {"pass": 0, "warn": 1, "inconclusive": 2, "fail": 3, "error": 4}


def promql(figure: Figure, found: Found, filters: Sequence[str], window: Window, interval: float) -> str:
    """PromQL's own way to the figure, for the cross-check."""
    return query.instant(figure, found, filters, window.length, interval)


def _wrong_unit(sources: Sequence[Source], found: Found) -> str:
    """Why the values of a metric are not in the unit that the profile says; empty when they seem to be."""
    for source in sources:
        if not found.fits(source):
            return (
                f"the buckets of {source.metric} begin at {query.number(found.smallest[source.metric])} where the "
                f"profile says {query.number(source.smallest_bucket or 0.0)}: its unit is another one"
            )
    return ""


def _why(figure: Figure, extra: Mapping[str, Any]) -> str:
    if figure.kind == "gauge":
        return "PromQL takes values at steps, and those of targets that are gone until they are marked so"
    if extra.get("bound") == "below":
        return "PromQL interpolates inside the smallest bucket, as if its observations were spread evenly from zero"
    if extra["new_series"]:
        return f"PromQL leaves out the first value of {_series(extra['new_series'])} that began in the window"
    if extra["double_series"]:
        return f"PromQL counts {_series(extra['double_series'])} twice, from a second scrape of the same process"
    if extra["resets"] or extra["gone_series"] or extra["unknown_series"]:
        return "PromQL carries growth on to the window's edges, also where series began, ended or were reset"
    return (
        "PromQL carries the growth between the samples inside the window on to its edges; the growth there was another"
    )


def _series(count: int) -> str:
    return f"{count} series"


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
