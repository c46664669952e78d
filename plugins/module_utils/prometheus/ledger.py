# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a rebalancing: what each pod saw while shards went from one history pod to another, and what it cost.

Pure: it is worked out from samples that figures are worked out from anyway. docs/measurement.md explains the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ..results.types import Labels, Ledger, LedgerEntry, LedgerPod, LedgerWhat, LostWork, WindowResult, Witness
from .counted import count, select
from .growth import Ruler
from .lives import Lives, Piece
from .lost_work import Counts, Usual, loss
from .matchers import full_match
from .profile import Figure, Profile, Selection
from .reading import Reading
from .steps import Cumulated, Step, between, cumulated

#: The figures whose series each kind of entry comes from.
FIGURES: Mapping[LedgerWhat, str] = {
    "shards_acquired": "shards_acquired",
    "shards_released": "shards_closed",
    "requests_refused": "errors_by_type",
    "calls_failed": "call_errors_by_type",
    "errors_to_clients": "errors_by_type",
    "requests_repeated": "load_request_errors",
    "lock_waits": "shard_lock_latency_above_10ms",
    "slow_workflows": "load_end_to_end_largest",
}
SHARDS = "shards_per_pod"
#: Whose completions tell what was lost, the best witness first: a pod that is killed takes its last counts along.
WITNESSES: Mapping[Witness, str] = {"load": "load_completed", "server": "workflow_successes"}

ERROR, OPERATION, ROLE = "error_type", "operation", "service_role"
#: What a history pod answers for a shard that is not its own any more.
REFUSAL = "ShardOwnershipLost"
#: Errors of calls to the history service that only a rebalancing or a pod that is gone explains.
GONE = (REFUSAL, "Unavailable")
#: Clients get these for what they ask, or for a request that was made again, whatever shards do.
USUAL = ("NotFound", "AlreadyStarted", "AlreadyExists", "Canceled", "StickyWorkerUnavailable", "InvalidArgument")

#: A rebalancing is over when nothing of it was seen for so many seconds: a task that a lost shard held up is tried
#: again after ten, and its workflow ends some seconds later.
QUIET = 30.0
#: Steps of the same window that are enough to say how quickly workflows completed before.
ENOUGH = 6
#: Completions that a step without one must have lacked to be a standstill.
STANDSTILL = 5.0


@dataclass(frozen=True)
class LoadBefore:
    """An earlier window of the same load: its name for people, its length in seconds, what completed in it.

    rates: completions per second by witness. slowest: a time in seconds that no workflow took longer than.
    """

    title: str
    seconds: float
    rates: Mapping[Witness, float]
    slowest: float | None = None


@dataclass
class _Row:
    """What one pod counted of one thing."""

    what: LedgerWhat
    pod: str
    detail: str
    steps: list[Step] = field(default_factory=list)


def ledger(
    profile: Profile,
    reading: Reading,
    lives: Lives,
    windows: Sequence[WindowResult],
    in_flight: float | None,
    before: LoadBefore | None = None,
) -> Ledger | None:
    """The ledger of the windows of a reading; None where no shard moved in them.

    windows: with their figures, in the order of time. in_flight: workflows that were kept in flight; None where that
    is not known. before: the window that completions are compared with, where the steps of these windows before the
    first shard moved are too few.
    """
    return _Book(profile, reading, lives, windows).closed(in_flight, before)


def moved(profile: Profile, reading: Reading) -> bool:
    """Whether some sample may show that a shard moved; it costs next to nothing."""
    for name in (SHARDS, FIGURES["shards_acquired"], FIGURES["shards_released"]):
        figure = _figure(profile, name)
        for source in figure.selection.sources if figure else ():
            series, _left_out = reading.numbers(source.metric)
            if any(min(one.values) != max(one.values) for one in series):
                return True
            if len({(one.times[0] // reading.interval, one.times[-1] // reading.interval) for one in series}) > 1:
                # A pod that came or went.
                return True
    return False


def _figure(profile: Profile, name: str) -> Figure | None:
    return next((figure for figure in profile.figures if figure.id == name), None)


def _short(error: str) -> str:
    """An error's name without the package of its type."""
    return error.rpartition("_")[2]


def _usual(labels: Labels) -> bool:
    """Whether an error is one that comes at any time."""
    return any(_short(labels.get(ERROR, "")).endswith(usual) for usual in USUAL)


class _Book:
    """The rows of one reading."""

    def __init__(self, profile: Profile, reading: Reading, lives: Lives, windows: Sequence[WindowResult]) -> None:
        self.profile, self.reading, self.lives, self.windows = profile, reading, lives, windows
        self.start = round(min(window["start"] for window in windows) + reading.skew, 3)
        self.end = round(max(window["end"] for window in windows) + reading.skew, 3)

    def closed(self, in_flight: float | None, before: LoadBefore | None) -> Ledger | None:
        """The whole ledger."""
        rows = [*self._counters("shards_acquired"), *self._counters("shards_released")]
        movement = [step for row in rows for step in row.steps]
        if not movement:
            return None
        rows += [
            *self._counters("requests_refused", lambda labels: _short(labels.get(ERROR, "")) == REFUSAL),
            *self._counters(
                "calls_failed",
                lambda labels: labels.get(ROLE) == "history" and not _usual(labels),
                lambda labels: _short(labels.get(ERROR, "")),
            ),
            *self._counters("errors_to_clients", self._to_clients, lambda labels: _short(labels.get(ERROR, ""))),
            *self._counters("requests_repeated", detail=lambda labels: labels.get(OPERATION, "")),
            *self._above("lock_waits", self._bound("lock_waits")),
        ]
        signs = [
            _sign(step)
            for row in rows
            if row.what in ("requests_refused", "requests_repeated")
            or (row.what == "calls_failed" and row.detail in GONE)
            for step in row.steps
        ]
        span = _spread(movement, signs)
        completions = self._completions()
        own = completions.before(span[0]) if completions else None
        slowest = before.slowest if before else None
        if own is not None and len(own.counts) >= ENOUGH:
            slowest = self._slowest(own.edges[0], own.edges[-1])
        rows += self._above("slow_workflows", slowest)
        signs += self._slow_signs(slowest)
        rate = own.rate if own is not None and len(own.counts) >= ENOUGH else None
        if completions:
            if rate is None and before is not None:
                rate = before.rates.get(completions.witness)
            signs += map(_sign, completions.standstills(rate))
        span = _spread(movement, signs)
        lost = self._lost(span, completions, in_flight, before)
        start, end = completions.around(*span) if completions else span
        none, unknown = self._rest({row.what for row in rows}, slowest)
        return {
            "start": self._here(start),
            "end": self._here(end),
            "over": end + min(QUIET, self.reading.interval) <= self.end,
            "step": self.reading.interval,
            "pods": self._pods(),
            "entries": [self._entry(row) for row in rows],
            "none": none,
            "unknown": unknown,
            "slow_above": slowest,
            "completed": [
                [self._here(time), round(number, 3)] for time, number in zip(completions.edges[1:], completions.counts)
            ]
            if completions
            else [],
            "lost": lost,
        }

    # -- rows -------------------------------------------------------------------------------------

    def _here(self, time: float) -> float:
        """A time of Prometheus' clock on this machine's."""
        return round(time - self.reading.skew, 3)

    def _pieces(self, selection: Selection) -> list[Piece]:
        return [piece for piece, _source in select(selection, self.lives, self.reading).pieces]

    def _cumulated(self, piece: Piece) -> Cumulated:
        return cumulated(piece, self.lives)

    def _in_windows(self, steps: Iterable[Step]) -> list[Step]:
        return [step for step in steps if step.time > self.start and step.since < self.end]

    def _counters(
        self,
        what: LedgerWhat,
        wanted: Callable[[Labels], bool] = lambda _labels: True,
        detail: Callable[[Labels], str] = lambda _labels: "",
    ) -> list[_Row]:
        """A row for each pod and detail whose counters grew in the windows."""
        figure = _figure(self.profile, FIGURES[what])
        rows: dict[tuple[str, str], _Row] = {}
        for piece in self._pieces(figure.selection) if figure else ():
            labels = piece.series.labels
            if not wanted(labels):
                continue
            steps = self._in_windows(self._cumulated(piece).steps())
            if steps:
                key = labels.get("pod", ""), detail(labels)
                rows.setdefault(key, _Row(what, *key)).steps.extend(steps)
        return [rows[key] for key in sorted(rows)]

    def _to_clients(self, labels: Labels) -> bool:
        """Whether an error is one that the frontend gave to a client, and no usual one."""
        pattern = self.profile.components.get("frontend", "")
        return full_match(pattern, labels.get("pod", "")) and not _usual(labels)

    def _bound(self, what: LedgerWhat) -> float | None:
        figure = _figure(self.profile, FIGURES[what])
        return figure.above if figure else None

    def _histograms(self, what: LedgerWhat) -> list[dict[float, Piece]]:
        """The buckets of each process' histograms, by bound in seconds."""
        figure = _figure(self.profile, FIGURES[what])
        found: dict[tuple[object, ...], dict[float, Piece]] = {}
        if figure is None:
            return []
        for piece, source in select(figure.selection, self.lives, self.reading).pieces:
            metric, labels, le = piece.key
            try:
                bound = float(le) * source.scale
            except ValueError:
                continue
            found.setdefault((piece.process, piece.life, metric, labels), {})[bound] = piece
        return list(found.values())

    def _above(self, what: LedgerWhat, bound: float | None) -> list[_Row]:
        """A row for each pod with observations above a bound; none where no bucket ends there."""
        rows: dict[str, _Row] = {}
        for buckets in self._histograms(what) if bound is not None else ():
            at = next((known for known in buckets if math.isclose(known, bound or 0.0, rel_tol=1e-9)), None)
            if at is None or math.inf not in buckets:
                continue
            all_of_them, below = self._cumulated(buckets[math.inf]), self._cumulated(buckets[at])
            steps = [
                Step(since, time, number - (below.at(time) - below.at(since)))
                for since, time, number in all_of_them.steps()
            ]
            steps = self._in_windows(step for step in steps if step.number > 0.5)
            if steps:
                pod = buckets[at].series.labels.get("pod", "")
                rows.setdefault(pod, _Row(what, pod, "")).steps.extend(steps)
        return [rows[pod] for pod in sorted(rows)]

    def _slow_signs(self, slowest: float | None) -> list[_Sign]:
        """When workflows ended that were slower than any before. One was in flight for as long as its bucket says."""
        signs: list[_Sign] = []
        for buckets in self._histograms("slow_workflows") if slowest is not None else ():
            bounds = sorted(bound for bound in buckets if bound >= (slowest or 0.0))
            if slowest not in buckets or math.inf not in buckets:
                continue
            counted = {bound: self._cumulated(buckets[bound]) for bound in bounds}
            for since, time, _number in self._in_windows(counted[math.inf].steps()):
                floors = [
                    low
                    for low, high in pairwise(bounds)
                    if _in_step(counted[high], since, time) - _in_step(counted[low], since, time) > 0.5
                ]
                if floors:
                    signs.append(_Sign(since - max(floors), since, time))
        return signs

    def _slowest(self, start: float, end: float) -> float | None:
        """A bound that no workflow was above between two times; None where none completed, or some were above all."""
        grown: dict[float, float] = {}
        for buckets in self._histograms("slow_workflows"):
            for bound, piece in buckets.items():
                counted = self._cumulated(piece)
                grown[bound] = grown.get(bound, 0.0) + counted.at(end) - counted.at(start)
        total = grown.get(math.inf, 0.0)
        bounds = (bound for bound in sorted(grown) if bound != math.inf and grown[bound] >= total - 1e-6)
        return next(bounds, None) if total > 0 else None

    def _rest(self, seen: set[LedgerWhat], slowest: float | None) -> tuple[list[LedgerWhat], list[LedgerWhat]]:
        """What was looked for and not there, and what is not known: only a figure that is known to be zero is none."""
        none: list[LedgerWhat] = []
        unknown: list[LedgerWhat] = []
        for what, name in FIGURES.items():
            if what in seen:
                continue
            figures = [figure for window in self.windows for figure in window["figures"] if figure["id"] == name]
            known = bool(figures) and all(
                figure["value"] is not None and figure["state"] not in ("inconclusive", "error") for figure in figures
            )
            if what == "slow_workflows":
                known = slowest is not None and any(slowest in buckets for buckets in self._histograms(what))
            (none if known else unknown).append(what)
        return none, unknown

    def _entry(self, row: _Row) -> LedgerEntry:
        seen: dict[float, float] = {}
        for step in row.steps:
            seen[step.time] = seen.get(step.time, 0.0) + step.number
        return {
            "what": row.what,
            "pod": row.pod,
            "detail": row.detail,
            "count": round(math.fsum(seen.values()), 3),
            "seen": [[self._here(time), round(seen[time], 3)] for time in sorted(seen)],
        }

    def _pods(self) -> list[LedgerPod]:
        """The history pods: when they came and went, and how many shards they owned from when on."""
        figure = _figure(self.profile, SHARDS)
        found: dict[str, LedgerPod] = {}
        for piece in self._pieces(figure.selection) if figure else ():
            series = piece.series
            pod = found.setdefault(
                series.labels.get("pod", ""),
                {"pod": series.labels.get("pod", ""), "came": None, "went": None, "shards": []},
            )
            if self.lives.birth(piece).kind == "new" and series.times[0] > self.start:
                pod["came"] = self._here(series.times[0])
            if self.lives.death(piece) == "gone" and series.times[-1] < self.end:
                pod["went"] = self._here(series.times[-1])
            shards = pod["shards"]
            for time, value in zip(series.times, series.values):
                if not shards or shards[-1][1] != value:
                    shards.append([self._here(time), value])
        return sorted(found.values(), key=lambda pod: (pod["shards"][0][0], pod["pod"]))

    # -- completions --------------------------------------------------------------------------------

    def _completions(self) -> _Completions | None:
        """What completed from scrape to scrape, by the best witness that there is; None without one."""
        middle = (self.start + self.end) / 2
        for witness, name in WITNESSES.items():
            figure = _figure(self.profile, name)
            pieces = self._pieces(figure.selection) if figure else []
            if figure is None or not pieces:
                continue
            times = pieces[0].series.times
            if any(piece.series.times != times for piece in pieces):
                # Several pods, which are scraped at times of their own.
                first = self.reading.begin
                steps = int((self.reading.end - first) // self.reading.interval)
                times = tuple(first + number * self.reading.interval for number in range(steps + 1))
            # Before the windows the load may have been another one.
            edges = [time for time in times if abs(time - middle) < self.reading.interval + (self.end - middle)]
            if len(edges) < 2:
                continue
            counts = between([self._cumulated(piece) for piece in pieces], edges)
            return _Completions(witness, figure, edges, counts)
        return None

    def _lost(
        self,
        span: tuple[float, float],
        completions: _Completions | None,
        in_flight: float | None,
        before: LoadBefore | None,
    ) -> LostWork:
        """The sum, or why there is none."""
        if completions is None:
            return _nothing("no completions were counted")
        start, end = completions.around(*span)
        if in_flight is None:
            return _nothing("how many workflows were kept in flight is not known")
        if in_flight <= 0:
            return _nothing("no workflows were kept in flight")
        own = completions.before(start)
        after = completions.after(end)
        if len(own.counts) >= ENOUGH:
            seconds, rate, title = own.seconds, own.rate, ""
        elif before is not None and before.rates.get(completions.witness):
            seconds, rate, title = before.seconds, before.rates[completions.witness], before.title
        else:
            return _nothing(
                f"there is no earlier window of the same load, and of the {ENOUGH} scrape intervals before the first "
                f"shard moved that it needs these windows have {len(own.counts)}"
            )
        if not rate:
            return _nothing("no workflow completed before, so that none was to be expected")
        counted = count(
            select(completions.figure.selection, self.lives, self.reading),
            Ruler(round(start, 3), round(end, 3), self.lives),
            [],
        )
        least = math.fsum(grown.least for _piece, _source, grown in counted.growths)
        most = math.fsum(grown.most for _piece, _source, grown in counted.growths) + counted.more
        found = loss(
            Counts(end - start, completions.between(start, end), least, None if counted.open else most),
            Usual(rate, seconds),
            in_flight,
            [own.counts, after.counts],
            self.reading.interval,
            Usual(after.rate, after.seconds) if len(after.counts) >= ENOUGH else None,
        )
        return {
            "workflow_seconds": round(found.value, 3),
            "interval": [None if one is None else round(one, 3) for one in (found.least, found.most)],
            "reason": found.reason,
            "witness": completions.witness,
            "in_flight": in_flight,
            "completed": round(completions.between(start, end), 3),
            "expected": round(rate * (end - start), 3),
            "before": title,
            "rate_before": round(rate, 4),
            "rate_after": round(after.rate, 4) if len(after.counts) >= ENOUGH else None,
        }


@dataclass(frozen=True)
class _Completions:
    """Completions from each edge to the next, by a witness."""

    witness: Witness
    figure: Figure
    edges: Sequence[float]
    counts: Sequence[float]

    @property
    def seconds(self) -> float:
        return self.edges[-1] - self.edges[0] if self.edges else 0.0

    @property
    def rate(self) -> float:
        return math.fsum(self.counts) / self.seconds if self.seconds > 0 else 0.0

    def before(self, time: float) -> _Completions:
        """The steps that end by a time."""
        last = sum(edge <= time for edge in self.edges)
        return _Completions(self.witness, self.figure, self.edges[:last], self.counts[: max(0, last - 1)])

    def after(self, time: float) -> _Completions:
        """The steps that begin at a time or later."""
        first = sum(edge < time for edge in self.edges)
        return _Completions(self.witness, self.figure, self.edges[first:], self.counts[first:])

    def around(self, start: float, end: float) -> tuple[float, float]:
        """The last edge before a span and the first after it, as far as there are any."""
        return (
            max((edge for edge in self.edges if edge <= start), default=self.edges[0]),
            min((edge for edge in self.edges if edge >= end), default=self.edges[-1]),
        )

    def between(self, start: float, end: float) -> float:
        """Completions between two edges."""
        return math.fsum(
            number for (since, time), number in zip(pairwise(self.edges), self.counts) if since >= start and time <= end
        )

    def standstills(self, rate: float | None) -> list[Step]:
        """Steps without a completion in which some were to be expected."""
        return [
            Step(since, time, 0.0)
            for (since, time), number in zip(pairwise(self.edges), self.counts)
            if rate and number < 0.5 and rate * (time - since) >= STANDSTILL
        ]


class _Sign(NamedTuple):
    """Something that a scrape showed. It is a sign of a rebalancing that goes on at ``at`` or later."""

    at: float
    since: float
    time: float


def _sign(step: Step) -> _Sign:
    return _Sign(step.since - QUIET, step.since, step.time)


def _in_step(counted: Cumulated, since: float, time: float) -> float:
    return counted.at(time) - counted.at(since)


def _spread(movement: Sequence[Step], signs: Sequence[_Sign]) -> tuple[float, float]:
    """From when to when shards moved, and signs of it were seen, none QUIET seconds after the others."""
    start, end = min(step.since for step in movement), max(step.time for step in movement)
    left = list(signs)
    while near := [sign for sign in left if sign.at <= end and sign.time >= start - QUIET]:
        start, end = min(start, *(sign.since for sign in near)), max(end, *(sign.time for sign in near))
        left = [sign for sign in left if sign not in near]
    return start, end


def _nothing(reason: str) -> LostWork:
    return {"workflow_seconds": None, "interval": [None, None], "reason": reason}
