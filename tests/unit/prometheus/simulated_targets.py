# SPDX-License-Identifier: GPL-3.0-or-later
"""Random pods whose true counts are known, and the samples that a Prometheus would have of them.

A world has pods with one or more lives of a process, each of which counts events in a few series. Pods come, go and
are restarted in place; scrapes fail; Prometheus is away; series are renamed, relabelled, forgotten and shown again;
processes are scraped twice; clocks of nodes are wrong. What happens stays within what docs/measurement.md assumes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

INTERVAL = 5.0
#: Scrape intervals that samples are read for before and after a window.
MARGIN = 2.5
#: Prometheus' discovery tells of a new pod at most this many seconds after it has an address.
DISCOVERY = 5.0
ETERNITY = 1e9

Labels = dict[str, str]


@dataclass(frozen=True)
class Scraped:
    """One series as Prometheus has it; times are seconds from the window's start."""

    labels: Labels
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Counter:
    """Events of one series in one life: ``offset`` of them before the simulation, then rates and bursts.

    spans: (begin, end, events a second). bursts: (time, events).
    """

    labels: Labels
    offset: int
    spans: tuple[tuple[float, float, float], ...]
    bursts: tuple[tuple[float, int], ...]

    def count(self, time: float) -> int:
        """Events up to a time, that time included."""
        steady = sum(math.floor(rate * (min(time, end) - begin)) for begin, end, rate in self.spans if time > begin)
        return self.offset + steady + sum(events for when, events in self.bursts if when <= time)


@dataclass(frozen=True)
class Life:
    """A process from its beginning to its end."""

    begin: float
    end: float
    metric: str
    counters: tuple[Counter, ...]


@dataclass(frozen=True)
class Way:
    """How one scrape job comes to a pod: labels of its target, and the second in each interval."""

    labels: Labels
    offset: float


@dataclass(frozen=True)
class Pod:
    """A pod, from being listed by discovery to being no more.

    relabelled: from when on its series (or its target) have one label more. forgets: seconds after which a series
    that rests is not shown. dip: time of a scrape that tells of a counter one
    less than the one before.
    """

    lives: tuple[Life, ...]
    ways: tuple[Way, ...]
    listed: float
    unlisted: float
    tells_start: bool
    clock: float
    shows_zero: bool
    forgets: float | None
    relabelled: tuple[float, str] | None
    failing: float
    dip: float | None


@dataclass(frozen=True)
class World:
    """What happened, what Prometheus has of it, and the number of events in the window (0, length]."""

    length: float
    metrics: dict[str, list[Scraped]]
    up: list[Scraped]
    starts: list[Scraped]
    truth: int
    pods: tuple[Pod, ...]


def _chance(random_: random.Random, share: float) -> bool:
    return random_.random() < share


def _counter(random_: random.Random, labels: Labels, begin: float, end: float, old: bool) -> Counter:
    """A counter that rests, works steadily, by turns, or in bursts."""
    offset = random_.choice((0, 0, 3, 400, 1_000_000)) if old else 0
    spans: list[tuple[float, float, float]] = []
    bursts: list[tuple[float, int]] = []
    low, high = max(begin, -60.0), min(end, 240.0)
    kind = random_.choice(("rest", "steady", "steady", "turns", "burst", "late"))
    rate = random_.choice((0.05, 0.5, 4.0, 50.0))
    if kind == "steady":
        spans.append((low, high, rate))
    elif kind == "turns":
        at = low
        while at < high:
            until = min(high, at + random_.uniform(5, 40))
            spans.append((at, until, rate))
            at = until + random_.uniform(5, 60)
    elif kind == "burst":
        bursts = [(random_.uniform(low, high), random_.choice((1, 3, 100))) for _burst in range(random_.randint(1, 3))]
    elif kind == "late":
        spans.append((random_.uniform(low, high), high, rate))
    return Counter(labels, offset, tuple(spans), tuple(bursts))


def _lives(random_: random.Random, length: float) -> list[tuple[float, float]]:
    """Begin and end of a pod's processes; a pod that goes has a last end."""
    begin = -random_.uniform(100, 5000) if _chance(random_, 0.6) else random_.uniform(-20, length)
    end = random_.uniform(max(begin, -10) + 1, length + 20) if _chance(random_, 0.2) else ETERNITY
    lives = []
    for _restart in range(2):
        if not _chance(random_, 0.2):
            break
        restart = random_.uniform(max(begin, -10) + 2, length + 12)
        if restart >= end - 2:
            break
        lives.append((begin, restart))
        begin = restart + random_.choice((0.2, 1.0, 4.0, 9.0))
    if begin < end:
        lives.append((begin, end))
    return lives


def _pod(random_: random.Random, number: int, length: float) -> Pod:
    spans = _lives(random_, length)
    services = [{"service": name} for name in ("api", "web")] if _chance(random_, 0.2) else [{}]
    own = [{**one, **more} for one in services for more in random_.choice(([{}], [{"op": "a"}, {"op": "b"}]))]
    rename = _chance(random_, 0.1)
    lives = []
    for index, (begin, end) in enumerate(spans):
        metric = "m2_total" if rename and index else "m_total"
        old = begin < -60
        lives.append(Life(begin, end, metric, tuple(_counter(random_, one, begin, end, old) for one in own)))
    target = {
        "job": "pods",
        "kubernetes_namespace": "ns",
        "pod": f"app-{number}",
        "instance": f"10.0.0.{number}:9090",
    }
    ways = [Way(target, round(random_.uniform(0, INTERVAL), 3))]
    if _chance(random_, 0.12):
        more = random_.choice(
            (
                {"job": "endpoints", "endpoint": "metrics"},
                {"job": "endpoints", "headless": "true"},
                {"prometheus_replica": "b"},
            )
        )
        ways.append(Way({**target, **more}, round(random_.uniform(0, INTERVAL), 3)))
    listed = spans[0][0] + random_.uniform(0, DISCOVERY)
    unlisted = spans[-1][1] + random_.uniform(0, DISCOVERY)
    relabelled = None
    if _chance(random_, 0.05):
        relabelled = (random_.uniform(0, length), random_.choice(("series", "target")))
    return Pod(
        lives=tuple(lives),
        ways=tuple(ways),
        listed=listed,
        unlisted=unlisted,
        tells_start=_chance(random_, 0.5),
        clock=random_.choice((0.0, 0.0, 0.0, 0.0, random_.uniform(-60, 60))),
        shows_zero=_chance(random_, 0.3),
        forgets=20.0 if _chance(random_, 0.04) else None,
        relabelled=relabelled,
        failing=random_.choice((0.0, 0.0, 0.0, 0.03, 0.2)),
        dip=random_.uniform(0, length) if _chance(random_, 0.03) else None,
    )


def _away(random_: random.Random, length: float) -> tuple[float, float]:
    """When Prometheus scrapes nothing; an empty span when it always does."""
    if _chance(random_, 0.12):
        begin = random_.uniform(-20, length)
        return begin, begin + random_.uniform(5, 40)
    if _chance(random_, 0.08):
        return -ETERNITY, random_.uniform(-12, length * 0.6)
    return 0.0, 0.0


def _rounds(random_: random.Random, way: Way, low: float, high: float) -> Iterator[float]:
    number = math.ceil((low - way.offset) / INTERVAL)
    while (time := way.offset + number * INTERVAL) <= high:
        yield round(time + random_.uniform(-0.002, 0.002), 3)
        number += 1


class _Store:
    """The series of one metric."""

    def __init__(self) -> None:
        self.series: dict[tuple[tuple[str, str], ...], Scraped] = {}

    def last(self, labels: Labels) -> float | None:
        one = self.series.get(tuple(sorted(labels.items())))
        return one.values[-1] if one else None

    def add(self, labels: Labels, time: float, value: float) -> None:
        key = tuple(sorted(labels.items()))
        one = self.series.setdefault(key, Scraped(labels))
        one.times.append(time)
        one.values.append(value)


def _scrape(random_: random.Random, pod: Pod, way: Way, time: float, stores: dict[str, _Store]) -> None:
    extra = {"cluster": "x"} if pod.relabelled and time >= pod.relabelled[0] else {}
    target = {**way.labels, **(extra if pod.relabelled and pod.relabelled[1] == "target" else {})}
    life = next((one for one in pod.lives if one.begin + 0.1 <= time < one.end), None)
    if life is None or _chance(random_, pod.failing):
        stores["up"].add(target, time, 0.0)
        return
    stores["up"].add(target, time, 1.0)
    if pod.tells_start:
        stores["start"].add(target, time, round(life.begin + pod.clock, 2))
    for counter in life.counters:
        value = counter.count(time)
        if value == 0 and not pod.shows_zero:
            continue
        if pod.forgets and time - life.begin > pod.forgets and value == counter.count(time - pod.forgets):
            continue
        labels = {**way.labels, **counter.labels, **extra}
        store = stores.setdefault(life.metric, _Store())
        if pod.dip is not None and 0 <= time - pod.dip < INTERVAL and store.last(labels) == value > 100:
            value -= 1
        store.add(labels, time, float(value))


def truth(pods: tuple[Pod, ...], length: float) -> int:
    """Events in (0, length], each once."""
    counted = 0
    for pod in pods:
        for life in pod.lives:
            if life.end <= 0 or life.begin >= length:
                continue
            for counter in life.counters:
                before = counter.count(0.0) if life.begin < 0 else 0
                counted += counter.count(min(length, life.end)) - before
    return counted


def _is_seen(world: World) -> bool:
    """Whether the world is one in which evidence can be had (docs/measurement.md, what is assumed).

    A process lives long enough for a scrape to be tried, and one that does not say when it began counts less when it
    was just restarted than the one before it had counted. One that forgets counters shows each once.
    """
    for pod in world.pods:
        tried = sorted(
            (time, value)
            for one in world.up
            if one.labels["pod"] == pod.ways[0].labels["pod"]
            for time, value in zip(one.times, one.values)
        )
        answered = [time for time, value in tried if value == 1]
        if pod.forgets and any(
            after - before > pod.forgets for before, after in pairwise([max(pod.listed, -20.0), *answered])
        ):
            return False
        for number, life in enumerate(pod.lives):
            if life.end <= 0 or life.begin >= world.length + MARGIN * INTERVAL:
                continue
            if life.begin < world.length and not any(life.begin <= time < life.end for time, _value in tried):
                return False
            if pod.tells_start or number == 0:
                continue
            before = [time for time in answered if time < life.begin]
            after = [time for time in answered if life.begin <= time < life.end]
            if before and after and not _falls(pod.lives[:number], life, before[-1], after[0]):
                return False
    return True


def _falls(old: tuple[Life, ...], new: Life, before: float, after: float) -> bool:
    """Whether most counters that move from one life to the next fall."""
    last = next((life for life in reversed(old) if life.begin <= before < life.end), old[-1])
    if last.metric != new.metric:
        return any(one.count(before) for one in last.counters)
    steps = [(one.count(before), two.count(after)) for one, two in zip(last.counters, new.counters)]
    shown = [(one, two) for one, two in steps if one]
    return sum(two < one for one, two in shown) > sum(two > one for one, two in shown)


def simulate(seed: int) -> World:
    """The world of a seed."""
    random_ = random.Random(seed)
    while not _is_seen(world := _world(random_)):
        pass
    return world


def _world(random_: random.Random) -> World:
    length = random_.choice((30.0, 60.0, 60.0, 120.0))
    pods = tuple(_pod(random_, number + 1, length) for number in range(random_.choice((1, 1, 2, 3))))
    away = _away(random_, length)
    low, high = -MARGIN * INTERVAL, length + MARGIN * INTERVAL
    stores: dict[str, _Store] = {"up": _Store(), "start": _Store(), "m_total": _Store()}
    if _chance(random_, 0.85):
        other = Way({"job": "pods", "kubernetes_namespace": "ns", "pod": "other-1", "instance": "10.0.0.9:9090"}, 1.7)
        for time in _rounds(random_, other, low, high):
            if not away[0] <= time < away[1]:
                stores["up"].add(other.labels, time, 1.0)
    for pod in pods:
        for way in pod.ways:
            for time in _rounds(random_, way, max(low, pod.listed), min(high, pod.unlisted)):
                if not away[0] <= time < away[1]:
                    _scrape(random_, pod, way, time, stores)
    found = {name: [one for one in store.series.values() if one.times] for name, store in stores.items()}
    up, starts = found.pop("up"), found.pop("start")
    return World(length, {name: of for name, of in found.items() if of}, up, starts, truth(pods, length), pods)
