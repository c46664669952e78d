# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called certain is certain: the truth lies in a figure's interval, or the figure does not pass.

Random worlds whose truth is known (simulated_targets.py) go through the arithmetic that samples of Prometheus go
through. CERTAIN_WORLDS sets how many, CERTAIN_FIRST the first seed; a failure names its seed. The run says how many
worlds there were, and of how many the figure passed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import NamedTuple

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import lives, processes
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
WORLDS = int(os.environ.get("CERTAIN_WORLDS", "2000"))
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


@pytest.mark.parametrize("fault", [restarts_are_falls, no_doubles, first_values_are_sure, nothing_is_hidden])
def test_a_planted_fault_is_found(fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    worlds = map(simulate, range(MOST_WORLDS))
    assert any(not answer(world).holds(world.truth) for world in worlds)
