# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called certain is certain: the truth lies in a figure's interval, or the figure does not pass.

Random worlds whose truth is known (simulated_targets.py) go through the arithmetic that samples of Prometheus go
through. CERTAIN_WORLDS sets how many, CERTAIN_FIRST the first seed; a failure names its seed. The run says how many
worlds there were, and of how many the figure passed.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import random
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    counted,
    growth,
    lives,
    processes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.figures import work_out
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile_file import parse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import (
    Reading,
    Samples,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Pool, Series
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.simulated_targets import (
    INTERVAL,
    MARGIN,
    Scraped,
    World,
    simulate,
)

BASE = 1_700_000_000.0
WORLDS = int(os.environ.get("CERTAIN_WORLDS", "1000"))
FIRST = int(os.environ.get("CERTAIN_FIRST", "0"))
#: A figure that hardly ever passes would be certain too.
LEAST_PASSED = 0.5
#: Worlds among which a planted fault must show.
MOST_WORLDS = 20_000
PROFILE = parse(
    """\
schema: temporal_lab.benchmarking/profile/1
title: Worlds
filters: ['kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - id: total
    title: Total
    question: How many events were there?
    unit: "1"
    kind: total
    components: [app]
    absent: inconclusive
    sources: [{metric: m_total}, {metric: m2_total}]
""",
    "worlds.yml",
).bind("ns", "release")


class Answer(NamedTuple):
    """What the arithmetic says of a world; ``most`` is None where it is not known."""

    state: str
    value: float | None
    least: float
    most: float | None

    def holds(self, truth: int) -> bool:
        return self.state != "pass" or (self.least - 1e-6 <= truth and (self.most is None or truth <= self.most + 1e-6))


def series(name: str, of: list[Scraped], pool: Pool) -> Samples:
    """Simulated series as they are read from Prometheus."""
    found = [
        pool.series(
            {"__name__": name, **one.labels},
            [round(BASE + time, 3) for time in one.times],
            [repr(value) for value in one.values],
        )
        for one in of
    ]
    return Samples(name, (), found)


def starts(of: list[Scraped]) -> Samples:
    """Simulated start times: their values are times too."""
    found = [
        Series(
            one.labels, tuple(round(BASE + time, 3) for time in one.times), "", [BASE + value for value in one.values]
        )
        for one in of
    ]
    return Samples("process_start_time_seconds", (), found)


def reading(world: World) -> Reading:
    pool = Pool()
    metrics = {name: series(name, of, pool) for name, of in world.metrics.items()}
    return Reading(
        windows=[Window("w", "w", BASE, world.length)],
        interval=INTERVAL,
        skew=0.0,
        begin=BASE - MARGIN * INTERVAL,
        end=BASE + world.length + MARGIN * INTERVAL,
        found=FoundMetrics(frozenset(metrics)),
        up=series("up", world.up, pool),
        starts=starts(world.starts),
        metrics=metrics,
        answers={},
    )


def answer(world: World) -> Answer:
    of = reading(world)
    figure = work_out(PROFILE, of, of.windows[0], {})["figures"][0]
    least, most = figure.get("interval") or (0.0, None)
    return Answer(figure["state"], figure["value"], least or 0.0, most)


def test_the_truth_lies_in_the_interval_of_what_passes(capsys: pytest.CaptureFixture[str]) -> None:
    wrong, passed = [], 0
    for seed in range(FIRST, FIRST + WORLDS):
        world = simulate(seed)
        found = answer(world)
        passed += found.state == "pass"
        if not found.holds(world.truth):
            wrong.append(f"seed {seed}: {world.truth} events, {found}")
    with capsys.disabled():
        sys.stdout.write(f"\n{WORLDS} worlds from seed {FIRST}: {passed} figures pass, {len(wrong)} wrongly\n")
    assert wrong == []
    assert passed >= LEAST_PASSED * WORLDS


def restarts_are_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PromQL does it: a process begins anew where a value falls, whatever it says of itself."""
    of = lives._restarts

    def fallen(process: processes.Process, counters: Collection[str]) -> list[lives.Restart]:
        return of(replace(process, told=[]), counters)

    monkeypatch.setattr(lives, "_restarts", fallen)


def no_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_same_process", lambda *_given: False)


def first_values_are_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    of = lives.Lives.birth

    def birth(self: lives.Lives, piece: lives.Piece) -> lives.Birth:
        found = of(self, piece)
        return lives.Birth(found.kind, found.zero, float("inf"))

    monkeypatch.setattr(lives.Lives, "birth", birth)


def nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives.Lives, "hidden", lambda *_given: False)
    monkeypatch.setattr(lives.Lives, "came_back", lambda *_given: False)


#: Planted faults, each with the first world to look at: one that shows it, as far as was known when this was written.
FAULTS = [(restarts_are_falls, 6872), (no_doubles, 11), (first_values_are_sure, 227), (nothing_is_hidden, 3789)]


@pytest.mark.parametrize(("fault", "first"), FAULTS)
def test_a_planted_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    worlds = map(simulate, range(first, first + MOST_WORLDS))
    assert any(not answer(world).holds(world.truth) for world in worlds)


# -- mean, share and largest -------------------------------------------------------------------

BOUNDS = {"0.1": 0.1, "1": 1.0, "+Inf": float("inf")}
WAITS = parse(
    """\
schema: temporal_lab.benchmarking/profile/1
title: Waits
filters: ['kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - id: wait
    title: T
    question: q
    unit: s
    kind: distribution
    components: [app]
    absent: inconclusive
    quantiles: [0.5, 0.9]
    above: [0.1, 1]
    sources: [{metric: h_bucket}]
    parts: {mean: {key: true}}
""",
    "waits.yml",
).bind("ns", "release")


def waiting(seed: int) -> tuple[Reading, dict[str, float]]:
    """Waits at random times, some of them long, as they are scraped; and what is true of those in the window.

    Scrapes lie beside the window's edges, so that it is not known on which side a wait was.
    """
    chance = random.Random(seed)
    waits = [
        (chance.uniform(-60, 140), chance.choice((0.05, 0.05, 0.05, 0.5, chance.uniform(1, 50))))
        for _wait in range(int(200 * chance.uniform(0.05, 20)))
    ]
    scrapes = [round(tick + chance.uniform(0, 0.9), 3) for tick in range(-20, 90, 5)]
    times = [BASE + time for time in scrapes]
    labels = {"job": "pods", "pod": "app-1", "instance": "10.0.0.1:9090", "kubernetes_namespace": "ns"}
    pool = Pool()

    def one(name: str, of: Callable[[float], float], **own: str) -> Series:
        values = [repr(sum(of(took) for at, took in waits if at <= time)) for time in scrapes]
        return pool.series({**labels, "__name__": name, **own}, times, values)

    metrics = {
        "h_bucket": [one("h_bucket", functools.partial(operator.ge, bound), le=le) for le, bound in BOUNDS.items()],
        "h_sum": [one("h_sum", float)],
    }
    window = Window("w", "w", round(BASE + chance.uniform(0, 5), 3), round(chance.uniform(20, 60), 3))
    inside = sorted(took for at, took in waits if window.start < BASE + at <= window.end)
    many = max(len(inside), 1)
    truth = {
        "wait_mean": sum(inside) / many,
        "wait_above_100ms": sum(took > 0.1 for took in inside) / many,
        "wait_above_1s": sum(took > 1 for took in inside) / many,
        **{f"wait_p{p}": (inside or [0.0])[max(0, math.ceil(p * many / 100) - 1)] for p in (50, 90)},
        "wait_largest": max(inside, default=0.0),
    }
    of = Reading(
        windows=[window],
        interval=INTERVAL,
        skew=0.0,
        begin=window.start - MARGIN * INTERVAL,
        end=window.end + MARGIN * INTERVAL,
        found=FoundMetrics(frozenset(metrics)),
        up=Samples("up", (), [pool.series({**labels, "__name__": "up"}, times, ["1"] * len(times))]),
        starts=Samples("", (), []),
        metrics={name: Samples(name, (), found) for name, found in metrics.items()},
        answers={},
    )
    return of, truth


def unlikely_waits(seeds: Iterable[int]) -> tuple[int, list[str]]:
    """How many figures of distributions pass, and those whose interval does not hold the truth."""
    looked, wrong = 0, []
    for seed in seeds:
        of, truth = waiting(seed)
        for figure in work_out(WAITS, of, of.windows[0], {})["figures"]:
            if figure["state"] != "pass":
                continue
            looked += 1
            least, most = figure["interval"]
            true = truth[figure["id"]]
            if true < (least or 0.0) - 1e-9 or (most is not None and true > most + 1e-9):
                wrong.append(f"seed {seed}: {figure['id']} is {true}, and is said to be in {least} to {most}")
    return looked, wrong


def test_what_is_true_of_a_distribution_lies_in_its_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    looked, wrong = unlikely_waits(range(FIRST, FIRST + WORLDS // 20))
    with capsys.disabled():
        sys.stdout.write(f"\n{looked} figures of distributions pass, {len(wrong)} wrongly\n")
    assert wrong == []
    assert looked >= WORLDS // 5


def test_the_steps_of_a_distribution_are_its_window_divided() -> None:
    """What a distribution counted step after step adds up to what its figures are of, bucket by bucket."""
    for seed in range(FIRST, FIRST + WORLDS // 20):
        of, _truth = waiting(seed)
        worked = work_out(WAITS, of, of.windows[0], {})
        figures = {figure["id"]: figure for figure in worked["figures"]}
        observations = figures["wait_mean"].get("observations", 0.0)
        (whole,) = worked["distributions"]
        counted_in = {(one["above"], one["to"]): sum(filter(None, one["counts"])) for one in whole["buckets"]}
        rounding = 0.01 * 12 * len(counted_in)
        assert sum(counted_in.values()) == pytest.approx(observations, abs=rounding), seed
        slow = sum(count for (above, _to), count in counted_in.items() if above and above >= 1)
        share = figures["wait_above_1s"]["value"]
        if share is not None:
            assert slow == pytest.approx(share * observations, abs=rounding), seed


def test_an_interval_of_a_distribution_that_is_too_narrow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: what came between an edge and the next scrape is taken for known."""
    of = counted.growth

    def sure(piece: lives.Piece, ruler: growth.Ruler) -> growth.Growth | None:
        found = of(piece, ruler)
        return found and found._replace(least=found.value, most=found.value)

    monkeypatch.setattr(counted, "growth", sure)
    assert unlikely_waits(range(30))[1]
