# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a window, worked out from raw samples; docs/measurement.md explains how.

Pure: reader.py gets a Reading from Prometheus, samples_file.py gets it from a file, and work_out makes the same figures
of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from ..results.stage_file import window_values
from ..results.types import (
    DistributionResult,
    Evidence,
    FigureDetails,
    FigureResult,
    Labels,
    Noise,
    PromqlPart,
    Values,
    WindowResult,
)
from . import distribution_steps, histograms, query
from .counted import Counted, Selected, count, doubt_without_series, select
from .coverage import Coverage, coverage, observed, shortfall
from .cross_check import cross_check, no_answer, promql
from .figure_state import GRAVITY, Judged, compare, judge
from .growth import Ruler, alive, mean_of_sum
from .lives import Lives, Piece
from .matchers import full_match, matches
from .processes import Process, processes
from .profile import COMPONENT, Figure, Profile, Selection, Source
from .promql_parts import PromqlParts
from .query import FoundMetrics
from .reading import Reading, Window
from .resources import with_resources
from .window_noise import WindowNoise
from .zero_evidence import doubt_of_zero


def lives_of(profile: Profile, reading: Reading) -> Lives:
    """The lives of the processes that a reading has samples of; worked out once for a profile."""
    if reading.known_lives is not None and reading.known_lives[0] is profile:
        return reading.known_lives[1]
    counting = [
        source
        for figure in profile.figures
        if figure.kind != "gauge"
        for selection in figure.selections
        for source in selection.sources
    ]
    counters = {source.metric for source in counting}
    # A sum adds up times, which tell nothing of how many events a process counts.
    events = {source.metric for source in counting if not source.buckets}
    metrics = [reading.numbers(metric)[0] for metric in reading.metrics]
    found = processes(reading.up.series, reading.starts.series, metrics, counters)
    told = {metric for observer in profile.observers for metric in profile.told_by(observer)}
    lives = Lives(found, counters, reading.interval, reading.begin, events, told)
    reading.known_lives = profile, lives
    return lives


def work_out(profile: Profile, reading: Reading, window: Window, earlier: Values) -> WindowResult:
    """The window with all figures of a bound profile."""
    return _work_out(profile, reading, window, earlier, lives_of(profile, reading), {})


def _work_out(
    profile: Profile,
    reading: Reading,
    window: Window,
    earlier: Values,
    lives: Lives,
    selected: dict[Selection, Selected],
) -> WindowResult:
    """selected: the pieces of selections in this reading, as far as they are known; those that are looked for go in."""
    start, end = round(window.start + reading.skew, 3), round(window.end + reading.skew, 3)
    at_work = _Window(profile, reading, window, earlier, Ruler(start, end, lives), selected)
    figures = [at_work.figure(figure) for figure in profile.figures]
    at_work.noise.judge_steadiness()
    return with_resources(
        {
            "name": window.name,
            "title": window.title,
            "start": window.start,
            "end": window.end,
            "figures": figures,
            "distributions": at_work.distributions(),
        }
    )


def work_out_all(
    profile: Profile, readings: Sequence[Reading], windows: Sequence[Window], earlier: Values
) -> list[WindowResult]:
    """All windows in the order given; each is compared with those before it, and with ``earlier``."""
    known = dict(earlier)
    done: list[WindowResult] = []
    # What does not depend on a window is worked out once for all windows of a reading.
    shared: list[tuple[Reading, Lives, dict[Selection, Selected]]] = [
        (reading, lives_of(profile, reading), {}) for reading in readings
    ]
    for window in windows:
        reading, lives, selected = next(one for one in shared if window in one[0].windows)
        done.append(_work_out(profile, reading, window, known, lives, selected))
        known.update(window_values(done[-1:]))
    return done


class Whose(NamedTuple):
    """Whose samples a figure rests on: those of its components' own pods, or of the observer that tells of them."""

    observer: str
    components: tuple[str, ...]


def _whose(figure: Figure) -> Whose:
    return Whose(figure.observer, figure.components)


class _Window:
    """One window at work."""

    def __init__(
        self,
        profile: Profile,
        reading: Reading,
        window: Window,
        earlier: Values,
        ruler: Ruler,
        selected: dict[Selection, Selected],
    ) -> None:
        self.profile = profile
        self.reading = reading
        self.window = window
        self.earlier = earlier
        self.ruler = ruler
        self._selected = selected
        # By a selection and whose it is: the components, or the observer that tells of them.
        self._counted: dict[tuple[Selection, Whose], Counted] = {}
        self._summed: dict[tuple[Selection, Whose], histograms.Sums] = {}
        self._doubts: dict[tuple[Selection, Whose], str] = {}
        self._of_pod: dict[str, str] = {}
        self.noise = WindowNoise(ruler)
        self._processes_of: dict[Whose, list[Process]] = {}
        self._promql_parts = PromqlParts(reading, ruler)
        up = [
            (one.labels, [point for point in zip(one.times, one.values) if ruler.start < point[0] <= ruler.end])
            for one in reading.up.series
        ]
        self.covered = {
            name: coverage([one for one in up if one[1]], pods, window.length, reading.interval)
            for name, pods in profile.components.items()
        }
        self.observed = {
            name: observed([one for one in up if one[1] and matches(filters, one[0])], window.length, reading.interval)
            for name, filters in profile.observers.items()
        }

    def figure(self, figure: Figure) -> FigureResult:
        """One figure, as in the results."""
        found = self.reading.found
        sources = self._sources(figure)
        evidence: Evidence = {"metrics": sorted({source.metric for source in sources}), "notes": []}
        wrong = self._wrong(figure, sources)
        if wrong:
            judged = Judged(None, None, "error", wrong)
            checked = no_answer(wrong)
        else:
            rows, unknown = self._gauge(figure, evidence) if figure.kind == "gauge" else self._counter(figure, evidence)
            short = self.reading.not_whole or self._shortfall(figure) or unknown
            judged = judge(figure, rows, short, self._missing(figure), lambda: self._doubt_of_zero(figure))
            noise = self._noise(figure, judged.value)
            if noise is not None:
                evidence["noise"] = noise
            if figure.observer:
                # Of how rarely the observer looks, which says nothing of missing scrapes.
                evidence.pop("largest_gap", None)
            answers = self.reading.answers.get(self.window.name, {})
            explain = partial(self._explain, figure, judged.value or 0.0)
            checked = cross_check(figure, judged.value, judged.reason, evidence, answers, explain)
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
            "query": promql(figure, found, self.profile.filters_of(figure), self.window, self.reading.interval),
            "time": self.ruler.end,
            "coverage": round(min(one.share for one in self._covered(figure).values()), 3),
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

    def distributions(self) -> list[DistributionResult]:
        """The distributions with a key figure, step after step; without those that cannot be worked out."""
        keys = {figure.distribution for figure in self.profile.figures if figure.key and figure.distribution}
        # Each has a quantile, which is made of its buckets.
        shown = {
            figure.distribution: figure
            for figure in self.profile.figures
            if figure.distribution in keys and figure.kind == "quantile"
        }
        return [
            self._distribution(figure) for figure in shown.values() if not self._wrong(figure, self._sources(figure))
        ]

    def _distribution(self, figure: Figure) -> DistributionResult:
        counted = self._count(figure.selection, _whose(figure))
        return {
            "id": figure.distribution,
            "title": figure.title.rpartition(", ")[0],
            "unit": figure.unit,
            "start": self.window.start,
            "step": distribution_steps.step_length(self.ruler.length, self.reading.interval),
            "buckets": distribution_steps.steps(counted, self.ruler, self._sums(figure).value),
        }

    def _wrong(self, figure: Figure, sources: Sequence[Source]) -> str:
        """Why a figure cannot be worked out, whatever was counted; empty when it can."""
        return figure.fault or self.reading.fault(figure) or _wrong_unit(sources, self.reading.found)

    def _covered(self, figure: Figure) -> dict[str, Coverage]:
        """How well those were scraped whose samples a figure rests on."""
        if figure.observer:
            return {figure.observer: self.observed[figure.observer]}
        return {component: self.covered[component] for component in figure.components}

    def _shortfall(self, figure: Figure) -> str:
        """Why the scrapes of a window do not bear a figure; empty when they do."""
        covered = self._covered(figure)
        if figure.observer and not covered[figure.observer].tried and not self._processes(_whose(figure)):
            # The first filter is the job's; the others say of which rows.
            return f"Prometheus has nothing of the {figure.observer} ({self.profile.observers[figure.observer][0]})"
        return shortfall(covered)

    def _label(self, figure: Figure, piece: Piece) -> str:
        """What a piece counts for in a figure that is split; empty in one that is not."""
        labels = piece.series.labels
        if figure.by != COMPONENT:
            return labels.get(figure.by, "") if figure.by else ""
        pod = labels.get("pod", "")
        if pod not in self._of_pod:
            self._of_pod[pod] = self.profile.component_of(pod, list(self.profile.components))
        return self._of_pod[pod]

    # -- kinds ------------------------------------------------------------------

    def _select(self, selection: Selection) -> Selected:
        if selection not in self._selected:
            self._selected[selection] = select(selection, self.ruler.lives, self.reading)
        return self._selected[selection]

    def _sources(self, figure: Figure) -> list[Source]:
        """The sources whose metrics a figure was worked out from, or would have been."""
        found: dict[Source, None] = {}
        for selection in figure.selections:
            used = self._select(selection).sources or [query.choose(selection, self.reading.found)]
            found |= dict.fromkeys(used)
        return list(found)

    def _doubt_of_zero(self, figure: Figure) -> str:
        span = self.ruler.start, self.ruler.end
        processes = self._processes(_whose(figure))
        return doubt_of_zero(figure.selection, self.profile, self.ruler.lives, self.reading.found, processes, span)

    def _count(self, selection: Selection, whose: Whose) -> Counted:
        key = selection, whose
        if key not in self._counted:
            self._counted[key] = count(self._select(selection), self.ruler, self._processes(whose))
        return self._counted[key]

    def _processes(self, whose: Whose) -> list[Process]:
        """The processes of a figure. Many figures have the same."""
        if whose not in self._processes_of:
            self._processes_of[whose] = self._found_processes(whose)
        return self._processes_of[whose]

    def _found_processes(self, whose: Whose) -> list[Process]:
        if whose.observer:
            pieces = self.ruler.lives.pieces
            told = self.profile.told_by(whose.observer)
            return list({piece.process: None for metric in told for piece in pieces.get(metric, ())})
        patterns = [self.profile.components[component] for component in whose.components]
        found = [
            process
            for process in self.ruler.lives.processes
            if any(full_match(pattern, target.pod) for pattern in patterns for target in process.targets)
        ]
        # A port that never answers is no process of its own where another port of its pod does.
        answering = {target.pod for process in found if process.answered for target in process.targets}
        return [one for one in found if one.answered or not {target.pod for target in one.targets} <= answering]

    def _counter(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        counts = [self._count(selection, _whose(figure)) for selection in figure.selections]
        _describe(counts, evidence)
        if not all(one.growths for one in counts):
            return [], self._nothing(figure, counts, evidence)
        few = ""
        if figure.kind == "quantile":
            rows, few = self._quantile(figure, evidence)
        elif figure.kind == "share":
            rows, few = self._share(figure, evidence)
        elif figure.denominator is not None:
            rows = _ratio(figure, counts, evidence)
        else:
            rows = self._grown(figure, counts[0], evidence)
        return rows, next((doubt for doubt in self._doubts_of(figure) if doubt), few)

    def _doubts_of(self, figure: Figure) -> list[str]:
        """Why too much is not known of what each selection of a figure counted. A distribution's figures share it."""
        for selection in figure.selections:
            key = selection, _whose(figure)
            if key not in self._doubts:
                self._doubts[key] = self._count(*key).doubt(self.ruler.length)
        return [self._doubts[selection, _whose(figure)] for selection in figure.selections]

    def _nothing(self, figure: Figure, counts: Sequence[Counted], evidence: Evidence) -> str:
        """Why a figure without growth is not known to be zero; what may have been counted is in its interval."""
        if figure.absent != "zero":
            return ""
        doubts = [*self._doubts_of(figure), doubt_without_series(self._processes(_whose(figure)), self.ruler)]
        if any(one.open or one.more for one in counts):
            evidence["interval"] = [0.0, None if any(one.open for one in counts) else sum(one.more for one in counts)]
        return next((doubt for doubt in doubts if doubt), "")

    def _grown(self, figure: Figure, found: Counted, evidence: Evidence) -> list[tuple[Labels, float]]:
        """Growth, or growth a second over the time in which it is known, by the figure's label."""
        values: dict[str, list[float]] = {}
        least, most = [], []
        whole = self.ruler.length if figure.kind == "rate" else 1.0
        for piece, source, grown in found.growths:
            known = whole - grown.course.unknown if figure.kind == "rate" else 1.0
            label = self._label(figure, piece)
            values.setdefault(label, []).append(source.scale * grown.value / known)
            # In the time that is unknown nothing may have happened.
            least.append(source.scale * grown.least / whole)
            most.append(source.scale * grown.most / whole)
        evidence["interval"] = [math.fsum(least), None if found.open else math.fsum([*most, found.more / whole])]
        return [({figure.by: label} if figure.by else {}, math.fsum(of)) for label, of in values.items()]

    def _sums(self, figure: Figure) -> histograms.Sums:
        """The growth of a figure's buckets over all of its histograms."""
        key = figure.selection, _whose(figure)
        if key not in self._summed:
            self._summed[key] = histograms.summed(histograms.groups(self._count(*key).growths))
        return self._summed[key]

    def _described_sums(self, figure: Figure, evidence: Evidence) -> histograms.Sums:
        """The same, with a note beside the value where they do not have all of the same bounds."""
        sums = self._sums(figure)
        if not sums.same:
            evidence["notes"].append("The processes have different buckets: only the bounds that all have are used.")
        return sums

    def _quantile(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        """The quantile, and why it rests on too few observations."""
        q = figure.quantile or 0.0
        sums = self._described_sums(figure, evidence)
        quantile = histograms.quantile(q, sums.value)
        if quantile is None:
            return [({}, math.nan)], ""
        lower, upper = histograms.certain_bucket(q, sums.least, sums.most)
        evidence["interval"] = [lower, upper]
        evidence["observations"] = quantile.observations
        if quantile.bound and (lower, upper) == (quantile.lower, quantile.upper):
            evidence["bound"] = quantile.bound
            if q < 1:
                which = "at or below the smallest bound" if quantile.bound == "below" else "above the largest bound"
                evidence["notes"].append(f"The quantile is {which} of the histogram's buckets, which is what is shown.")
        return [({}, quantile.value)], histograms.too_few(q, quantile.observations)

    def _share(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        """The share of observations above a bound, and why it cannot be told."""
        above = figure.above or 0.0
        sums = self._described_sums(figure, evidence)
        share = histograms.share_above(above, sums)
        if share is None:
            return [({}, math.nan)], "" if histograms.observations(sums) <= 0 else histograms.no_bound(above, sums)
        evidence["interval"] = [share.least, share.most]
        evidence["observations"] = share.observations
        return [({}, share.value)], ""

    def _gauge(self, figure: Figure, evidence: Evidence) -> tuple[list[tuple[Labels, float]], str]:
        selected = self._select(figure.selection)
        _describe([Counted(doubles=selected.doubles, dropped=selected.dropped)], evidence)
        courses = [course for piece, _source in selected.pieces if (course := self.ruler.course(piece)) is not None]
        evidence["samples"] = sum(course.samples for course in courses)
        evidence["largest_gap"] = _seconds(max((course.gap for course in courses), default=None))
        groups: dict[tuple[str, float], list[Piece]] = {}
        for piece, source in selected.pieces:
            label = self._label(figure, piece)
            groups.setdefault((label, source.scale), []).append(piece)
        rows: list[tuple[Labels, float]] = []
        for (label, scale), group in groups.items():
            labels = {figure.by: label} if figure.by else {}
            if figure.take == "mean":
                mean = mean_of_sum(group, self.ruler)
                if mean is not None:
                    rows.append((labels, scale * mean))
                continue
            values = []
            for piece in group:
                value, silent = alive(piece, self.ruler)
                if value is not None:
                    values.append(value)
                elif silent:
                    pod = piece.series.labels.get("pod") or piece.series.labels.get("instance", "")
                    evidence["notes"].append(f"{pod} did not answer the last scrape: its value is left out.")
            if values:
                rows.append((labels, scale * math.fsum(values)))
        return rows, ""

    def _explain(self, figure: Figure, value: float, theirs: float) -> list[PromqlPart]:
        """The parts of the difference between PromQL's value and ours."""
        selected = [self._select(selection) for selection in figure.selections]
        counts = [self._count(selection, _whose(figure)) for selection in figure.selections]
        return self._promql_parts.of(figure, value, theirs, selected, counts)

    def _noise(self, figure: Figure, value: float | None) -> Noise | None:
        """How far the value may be from what it is on average; None where there is nothing to be said of that."""
        if value is None or figure.observer:
            # An observer's samples are rarer than the steps that noise is told by.
            return None
        if figure.kind == "gauge":
            return self.noise.of_gauge(figure, value, self._select(figure.selection).pieces)
        counts = [self._count(selection, _whose(figure)) for selection in figure.selections]
        return self.noise.of_counter(figure, value, counts, self._summed.get((figure.selection, _whose(figure))))

    def _missing(self, figure: Figure) -> str:
        for selection in figure.selections:
            names = list(dict.fromkeys(source.metric for source in selection.sources))
            if not self.reading.found.names.intersection(names):
                return " or ".join(names)
        return ""


def _ratio(figure: Figure, counts: Sequence[Counted], evidence: Evidence) -> list[tuple[Labels, float]]:
    """What one selection counted over what another did."""
    (value, least, most), (divisor, fewest, largest) = map(_growth, counts)
    if figure.kind == "mean":
        evidence["observations"] = divisor
    if not divisor:
        return [({}, math.nan if value == 0 else math.inf)]
    evidence["interval"] = [
        least / largest if largest else 0.0,
        most / fewest if most is not None and fewest > 0 else None,
    ]
    return [({}, value / divisor)]


def _growth(found: Counted) -> tuple[float, float, float | None]:
    """What was counted, and between what it certainly lies; None is a side without an end."""
    value, least, most = (
        math.fsum(source.scale * getattr(grown, which) for _piece, source, grown in found.growths)
        for which in ("value", "least", "most")
    )
    return value, least, None if found.open else most + found.more


def _describe(counts: Sequence[Counted], evidence: Evidence) -> None:
    """Say beside a value how well it is known."""
    notes = evidence["notes"]
    evidence["samples"] = sum(one.samples for one in counts)
    evidence["largest_gap"] = _seconds(max((one.gap for one in counts if one.gap is not None), default=None))
    evidence["resets"] = sum(one.begun("reset") for one in counts)
    evidence["new_series"] = sum(one.begun("new") for one in counts)
    evidence["gone_series"] = sum(one.unsure("gone") for one in counts)
    evidence["unknown_series"] = sum(one.unsure("unknown") for one in counts)
    evidence["double_series"] = sum(one.doubles for one in counts)
    if evidence["resets"]:
        lost = max(one.lost for one in counts)
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
    dropped = sum(one.dropped for one in counts)
    if dropped:
        notes.append(f"{dropped} samples of the metric were no finite numbers and were left out.")


def _wrong_unit(sources: Sequence[Source], found: FoundMetrics) -> str:
    """Why the values of a metric are not in the unit that the profile says; empty when they seem to be."""
    for source in sources:
        if not found.fits(source):
            return (
                f"the buckets of {source.unit_metric} begin at {query.number(found.smallest[source.unit_metric])} "
                f"where the profile says {query.number(source.smallest_bucket or 0.0)}: its unit is another one"
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
    if figure.distribution:
        details["distribution"] = figure.distribution
    if figure.definition:
        details["definition"] = figure.definition
    if judged.by is not None:
        details["by"] = judged.by
    return details


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
