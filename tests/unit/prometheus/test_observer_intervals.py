# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called certain of pods that an observer tells of is certain, as in test_certain_intervals.py.

In a random world a kubelet looks at each pod of its node every 10 to 20 seconds, at moments of the pod's own, and shows
the last look to whoever scrapes it. Pods come and go, scrapes fail, and a pod that has used nothing is not shown.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import lives
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.figures import work_out
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile_file import parse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import (
    Reading,
    Samples,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Pool, Series
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import FigureResult

BASE = 1_700_000_000.0
INTERVAL, LENGTH = 5.0, 120.0
#: When samples of the observer begin, and when they are read.
BEGIN, READ = -42.5, LENGTH + 6.0
WORLDS = int(os.environ.get("CERTAIN_WORLDS", "1000"))
PROFILE = parse(
    """\
schema: temporal_lab.benchmarking/profile/1
title: Worlds
filters: ['job="pods"']
observers: {kubelet: ['job="cadvisor"']}
components: {app: app-.+}
figures:
  - id: cpu
    title: CPU
    question: How much CPU was used?
    unit: s
    kind: total
    observer: kubelet
    components: [app]
    absent: inconclusive
    sources: [{metric: c_total}]
  - id: cores
    title: CPU
    question: How many cores were used?
    unit: cores
    kind: rate
    observer: kubelet
    components: [app]
    absent: inconclusive
    sources: [{metric: c_total}]
""",
    "worlds.yml",
).bind("ns", "release")
NODE = {"job": "cadvisor", "instance": "n"}


@dataclass(frozen=True)
class Pod:
    """A pod that uses so many cores from one second to another, but nothing for its first ``idle`` seconds."""

    name: str
    begin: float
    end: float
    cores: float
    idle: float
    used_before: float

    def used(self, time: float) -> float:
        """CPU-seconds until a time."""
        return self.used_before + self.cores * max(0.0, min(time, self.end) - self.begin - self.idle)


@dataclass(frozen=True)
class World:
    """truth: CPU-seconds in the window."""

    reading: Reading
    truth: float


def simulate(seed: int, steady: bool = False) -> World:
    """A world; a steady one has only pods that were there before the window and after it."""
    chance = random.Random(seed)
    scrapes = [
        (time + chance.uniform(-0.01, 0.01), float(chance.random() > 0.02))
        for time in (BEGIN + 1.0 + INTERVAL * number for number in range(int((READ - BEGIN) / INTERVAL)))
    ]
    pods = []
    for number in range(chance.randint(1, 4)):
        old = steady or chance.random() < 0.6
        begin = -1000.0 if old else chance.uniform(-20.0, 0.9 * LENGTH)
        end = chance.uniform(2 * LENGTH if steady else max(begin, 0.0) + 20.0, 3 * LENGTH)
        idle = 0.0 if old or chance.random() < 0.7 else chance.uniform(0.0, 15.0)
        pods.append(Pod(f"app-{number}", begin, end, chance.uniform(0.01, 2.0), idle, 0.0))
    pool = Pool()
    series = []
    for pod in pods:
        looks = []
        time = max(pod.begin + chance.uniform(0.0, 0.5), BEGIN - chance.uniform(0.0, 20.0))
        while time < min(pod.end, READ):
            looks.append(round(time, 3))
            time += chance.uniform(10.0, 20.0)
        shown = {
            look
            for when, up in scrapes
            if up and when < pod.end
            for look in [max((one for one in looks if one <= when), default=None)]
            if look is not None and look >= BEGIN and pod.used(look) > 0
        }
        if shown:
            times = sorted(shown)
            labels = {"__name__": "c_total", **NODE, "pod": pod.name, "id": f"/{pod.name}"}
            dated = [round(BASE + one, 3) for one in times]
            series.append(pool.series(labels, dated, [repr(pod.used(one)) for one in times]))
    up = [
        Series(
            {"__name__": "up", **NODE},
            tuple(round(BASE + at, 3) for at, _up in scrapes),
            "",
            [up for _at, up in scrapes],
        )
    ]
    reading = Reading(
        windows=[Window("w", "w", BASE, LENGTH)],
        interval=INTERVAL,
        skew=0.0,
        begin=BASE - 12.5,
        end=BASE + LENGTH + 12.5,
        found=FoundMetrics(frozenset({"c_total"})),
        up=Samples("up", (), up),
        starts=Samples("", (), []),
        metrics={"c_total": Samples("c_total", (), series)},
        answers={},
    )
    return World(reading, sum(pod.used(LENGTH) - pod.used(0.0) for pod in pods))


def figures_of(world: World) -> tuple[FigureResult, FigureResult]:
    """CPU-seconds, and cores."""
    total, rate = work_out(PROFILE, world.reading, world.reading.windows[0], {})["figures"]
    return total, rate


def holds(figure: FigureResult, truth: float) -> bool:
    least, most = figure.get("interval") or (0.0, None)
    return figure["state"] != "pass" or ((least or 0.0) - 1e-3 <= truth and (most is None or truth <= most + 1e-3))


def test_the_truth_lies_in_the_interval_of_what_passes() -> None:
    wrong, passed = [], 0
    for seed in range(WORLDS):
        world = simulate(seed)
        figure = figures_of(world)[0]
        passed += figure["state"] == "pass"
        if not holds(figure, world.truth):
            wrong.append(seed)
    assert wrong == []
    assert passed >= 0.5 * WORLDS


def wrong_rates() -> list[int]:
    """Seeds of steady worlds whose cores are not those that were used, to a millionth."""
    wrong = []
    for seed in range(100):
        world = simulate(seed, steady=True)
        value, truth = figures_of(world)[1]["value"], world.truth / LENGTH
        if value is None or abs(value - truth) > 1e-6 * truth:
            wrong.append(seed)
    return wrong


def test_the_cores_of_steady_pods_are_exact_whenever_they_were_looked_at() -> None:
    assert wrong_rates() == []


def test_a_row_that_was_not_looked_at_again_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for gone, as a pod's own series would be, the test above sees it."""
    monkeypatch.setattr(lives.Lives, "own_times", staticmethod(lambda _piece: False))
    assert wrong_rates()
