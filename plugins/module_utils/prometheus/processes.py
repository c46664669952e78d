# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process a series comes from, and the series of each process once, however often it is scraped.

Prometheus knows targets; what counts is a process. Two jobs, or a pair of Prometheus, make two targets of one process.
Whether they do is a fact of the targets, told by their addresses and by all that they tell, never by one series alone.
docs/measurement.md lists the evidence. Times are Unix seconds on Prometheus' clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, combinations

from ..results.types import Labels
from .series import Series

#: Start times of one process that differ by less than this are equal: exporters round them.
SAME_START = 1.0
#: Share of one series' samples that must lie between those of the other, for two ways to one process.
INTERLEAVED = 0.9

#: The same for two ways to one address, which nearly always lead to one process.
INTERLEAVED_THERE = 0.5

#: What the counters of a new process hardly reach together before its first scrape.
HIGH = 100.0

#: What a series counts: its metric, the labels that its target does not have (names and values in turn, by name), and
#: a bucket's upper bound. There are thousands, so it is made of as few objects as can be.
Key = tuple[str, tuple[str, ...], str]
#: Job, instance and pod.
Address = tuple[str, str, str]


@dataclass(eq=False)
class Target:
    """One target as Prometheus labels it. scrapes: times and values of `up`."""

    labels: Labels
    scrapes: list[tuple[float, float]] = field(default_factory=list)

    @property
    def pod(self) -> str:
        return self.labels.get("pod", "")

    @property
    def instance(self) -> str:
        return self.labels.get("instance", "")

    @cached_property
    def answered(self) -> list[float]:
        """Times of the scrapes that were answered."""
        return [time for time, value in self.scrapes if value == 1]

    @property
    def first(self) -> float:
        return self.scrapes[0][0] if self.scrapes else float("inf")

    @property
    def last(self) -> float:
        return self.scrapes[-1][0] if self.scrapes else float("-inf")


@dataclass(eq=False)
class Process:
    """What answers at one address: one process, or one after another.

    scrapes: times and values of `up` of all its targets. told: times and values of process_start_time_seconds.
    series: each of its series once. doubles: series left out by their metric, since another target has them too.
    scraped_from: the targets of the first and of the last sample of a series, where the process has several targets.
    shown: times of the samples of a series that more than one target has, in all of them. others: what the other
    targets have of such series.
    """

    targets: list[Target]
    told: list[tuple[float, float]] = field(default_factory=list)
    series: dict[Key, Series] = field(default_factory=dict)
    doubles: dict[str, int] = field(default_factory=dict)
    scraped_from: dict[Key, tuple[Target, Target]] = field(default_factory=dict)
    shown: dict[Key, list[float]] = field(default_factory=dict)
    others: list[tuple[Key, Series]] = field(default_factory=list)

    @cached_property
    def scrapes(self) -> list[tuple[float, float]]:
        if len(self.targets) == 1:
            return self.targets[0].scrapes
        return sorted(scrape for target in self.targets for scrape in target.scrapes)

    @cached_property
    def answered(self) -> list[float]:
        """Times of the scrapes that were answered."""
        return [time for time, value in self.scrapes if value == 1]

    @cached_property
    def scrape_times(self) -> frozenset[float]:
        """Times of all scrapes, answered or not."""
        return frozenset(time for time, _value in self.scrapes)

    def answered_before(self, key: Key) -> list[float]:
        """Times of answered scrapes that would have shown a series before its first sample."""
        if len(self.targets) == 1:
            return self.answered
        target = self.scraped_from[key][0]
        ways = [one for one in self.targets if one is target or one.last < target.first]
        return sorted(time for one in ways for time in one.answered)

    def answered_after(self, key: Key) -> list[float]:
        """Times of answered scrapes that would have shown a series after its last sample."""
        if len(self.targets) == 1:
            return self.answered
        return sorted(time for one in self._ways_after(key) for time in one.answered)

    def _ways_after(self, key: Key) -> list[Target]:
        """The targets whose scrapes would have shown a series after its last sample."""
        target = self.scraped_from[key][1]
        return [one for one in self.targets if one is target or one.first > target.last]

    def answer(self, key: Key, after: float, until: float) -> float | None:
        """The last value of `up` after one time and up to another, of scrapes that would have shown a series.

        None without such a scrape.
        """
        scrapes = self.scrapes
        if key in self.shown:
            if any(after < time <= until for time in self.shown[key]):
                return None
        elif len(self.targets) > 1:
            scrapes = sorted(scrape for one in self._ways_after(key) for scrape in one.scrapes)
        values = [value for time, value in scrapes if after < time <= until]
        return values[-1] if values else None


def own_key(series: Series, target: Mapping[str, str]) -> Key:
    """What a series counts, however it was scraped. Bounds of buckets are compared as numbers."""
    labels = series.labels
    known = target.get
    own = [pair for pair in labels.items() if known(pair[0]) != pair[1] and pair[0] not in ("__name__", "le")]
    own.sort()
    le = labels.get("le")
    return labels.get("__name__", ""), tuple(chain.from_iterable(own)), "" if le is None else bound_text(le)


@cache
def bound_text(le: str) -> str:
    """A bucket's bound in one spelling: Prometheus 3 writes 1.0 where version 2 wrote 1."""
    try:
        return repr(float(le))
    except ValueError:
        return le


class _Targets:
    """Finds the target of a series: the one all of whose labels it has."""

    def __init__(self, up: Iterable[Series]) -> None:
        self._known: dict[Address, list[Target]] = {}
        for one in up:
            labels = {name: value for name, value in one.labels.items() if name != "__name__"}
            self._known.setdefault(one.target, []).append(Target(labels, list(zip(one.times, one.values))))
        for alike in self._known.values():
            alike.sort(key=lambda target: -len(target.labels))

    def of(self, series: Series) -> Target:
        where = series.target
        alike = self._known.get(where)
        if alike is None and where[2]:
            # A target that is of no pod tells of all pods, each by name: the kubelet does.
            alike = [target for target in self._known.get((*where[:2], ""), ()) if target.scrapes] or None
        if alike is None:
            named: Labels = {name: series.labels[name] for name in ("job", "instance", "pod") if name in series.labels}
            alike = self._known[where] = [Target(named)]
        if len(alike) == 1:
            return alike[0]
        labels = series.labels.items()
        return next((target for target in alike if target.labels.items() <= labels), alike[0])

    def __iter__(self) -> Iterator[Target]:
        return (target for alike in self._known.values() for target in alike)


@dataclass(eq=False)
class _Told:
    """What a target tells. more: series that count what another one of it does, with a bound in another spelling."""

    series: dict[Key, Series] = field(default_factory=dict)
    more: list[tuple[Key, Series]] = field(default_factory=list)

    def add(self, key: Key, series: Series) -> None:
        if self.series.setdefault(key, series) is not series:
            self.more.append((key, series))


def processes(
    up: Iterable[Series], starts: Iterable[Series], metrics: Iterable[Sequence[Series]], counters: Collection[str]
) -> list[Process]:
    """The processes behind targets, each with its series.

    up: samples of `up`. starts: of process_start_time_seconds. metrics: the series of each metric.
    counters: names of metrics whose values never fall while a process lives; they tell whether two targets are one.
    """
    targets = _Targets(up)
    told: dict[Target, _Told] = {}
    for series in metrics:
        for one in series:
            target = targets.of(one)
            known = told.get(target)
            if known is None:
                known = told[target] = _Told()
            known.add(own_key(one, target.labels), one)
    started: dict[Target, list[tuple[float, float]]] = {}
    for one in starts:
        started.setdefault(targets.of(one), []).extend(zip(one.times, one.values))
    found = []
    for group in _groups(list(targets), told, started, counters):
        process = Process(group, _one_start(point for target in group for point in started.get(target, ())))
        _gather(process, told)
        found.append(process)
    return found


def _continued(pairs: Sequence[tuple[Series, Series]]) -> bool:
    """Whether the counters of one target go on where those of another ended, too high for a new process."""
    ordered = [sorted(pair, key=lambda series: series.times[0]) for pair in pairs]
    total = sum(before.values[-1] for before, _after in ordered)
    return total > HIGH and all(after.values[0] >= before.values[-1] for before, after in ordered)


def _one_start(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Start times of a process by time; none where it tells two at once, as an exporter for several processes does."""
    told: dict[float, float] = {}
    for time, value in sorted(points):
        if abs(told.setdefault(time, value) - value) > SAME_START:
            return []
    return sorted(told.items())


# -- targets that are one process --------------------------------------------------------------


def _groups(
    targets: Sequence[Target],
    told: Mapping[Target, _Told],
    started: Mapping[Target, list[tuple[float, float]]],
    counters: Collection[str],
) -> list[list[Target]]:
    """Targets by their process."""
    group = {target: [target] for target in targets}
    beside: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        for kind, name in (("pod", target.pod), ("instance", target.instance)):
            if name:
                beside.setdefault((kind, name), []).append(target)
    for alike in beside.values():
        for one, other in combinations(alike, 2):
            if group[one] is not group[other] and _same_process(one, other, told, started, counters):
                together = group[one] + group[other]
                group.update(dict.fromkeys(together, together))
    return list({id(members): members for members in group.values()}.values())


def _same_process(
    one: Target,
    other: Target,
    told: Mapping[Target, _Told],
    started: Mapping[Target, list[tuple[float, float]]],
    counters: Collection[str],
) -> bool:
    """Whether two targets are ways to one process.

    Never those of two pods, nor those that began at different times. With one address they are, unless their counters
    say otherwise and not their start times. With two addresses of one pod only their counters can say so.
    """
    if one.pod and other.pod and one.pod != other.pod:
        return False
    at_one_address = bool(one.instance) and one.instance == other.instance
    if not at_one_address and not one.pod:
        return False
    begun, also_begun = started.get(one), started.get(other)
    if begun and also_begun and _overlap(begun, also_begun):
        if not _agree(begun, also_begun):
            return False
        if at_one_address:
            return True
    looked = fits = 0
    mine, theirs = told.get(one, _Told()).series, told.get(other, _Told()).series
    shared = mine.keys() & theirs.keys()
    pairs = [(mine[key], theirs[key]) for key in [key for key in shared if key[0] in counters] or shared]
    # What rests at the same value in both tells nothing, unless all does.
    moving = [pair for pair in pairs if len({*pair[0].values, *pair[1].values}) > 1]
    for here, there in moving or pairs:
        seen, lie_between = _interleaved(here, there, 1.0 if at_one_address else 0.0)
        looked += seen
        fits += lie_between
    if not looked:
        return at_one_address or _continued(pairs)
    return fits >= (INTERLEAVED_THERE if at_one_address else INTERLEAVED) * looked


def _agree(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> bool:
    """Whether two targets say of a process that it began at the same time."""
    return any(abs(here - there) < SAME_START for _time, here in one for _also, there in other)


def _overlap(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> bool:
    return max(one[0][0], other[0][0]) <= min(one[-1][0], other[-1][0])


def _interleaved(one: Series, other: Series, steps: float) -> tuple[int, int]:
    """How many samples of one have neighbours in the other, and how many of those lie between them.

    steps: how many times the neighbours' difference a value may lie outside them: two clocks differ a little.
    """
    looked = fits = 0
    for time, value in zip(one.times, one.values):
        after = bisect_right(other.times, time)
        if after == 0:
            continue
        before = other.values[after - 1]
        if other.times[after - 1] == time:
            looked += 1
            fits += value == before
        elif after < len(other.times) and before <= other.values[after]:
            # Where the other falls, its process may have begun anew in between.
            looked += 1
            room = steps * (other.values[after] - before)
            fits += before - room <= value <= other.values[after] + room
    return looked, fits


# -- each series once --------------------------------------------------------------------------


def _gather(process: Process, told: Mapping[Target, _Told]) -> None:
    """Give a process each of its series once."""
    known = [(target, told[target]) for target in process.targets if target in told]
    if len(process.targets) == 1 and not any(one.more for _target, one in known):
        for _target, one in known:
            process.series = one.series
        return
    alike: dict[Key, list[tuple[Series, Target]]] = {}
    for target, one in known:
        for key, series in chain(one.series.items(), one.more):
            alike.setdefault(key, []).append((series, target))
    for key, found in alike.items():
        if len(found) == 1:
            (process.series[key], target) = found[0]
            process.scraped_from[key] = target, target
        else:
            _join(process, key, found)


def _join(process: Process, key: Key, found: Sequence[tuple[Series, Target]]) -> None:
    """Make one series of several that tell the same.

    The one with most samples counts; from the others only what lies before its first or after its last sample: one
    job can take over from another.
    """
    (whole, target), *others = sorted(found, key=lambda one: (-len(one[0].times), sorted(one[0].labels.items())))
    points = list(zip(whole.times, whole.values))
    first = last = target
    for one, way in others:
        low, high = points[0][0], points[-1][0]
        before = [point for point in zip(one.times, one.values) if point[0] < low]
        after = [point for point in zip(one.times, one.values) if point[0] > high]
        if len(before) + len(after) < len(one.times):
            process.doubles[key[0]] = process.doubles.get(key[0], 0) + 1
        first, last = way if before else first, way if after else last
        points = before + points + after
    if len(points) > len(whole.times):
        times, values = zip(*points)
        whole = Series(whole.labels, times, "", list(values))
    process.series[key] = whole
    process.scraped_from[key] = first, last
    process.others += [(key, one) for one, _way in others]
    process.shown[key] = sorted({time for one, _way in found for time in one.times})
