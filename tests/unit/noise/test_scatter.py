# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a sum of steps may be from its average."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.freedom import LEAST_STEPS, waves
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.scatter import scatter
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.student_t import critical

SUMS = 4000


@pytest.mark.parametrize("steps", [LEAST_STEPS, 13, 24, 60, 120, 600])
def test_independent_steps_scatter_as_their_standard_deviation_says(steps: int) -> None:
    chance = np.random.default_rng(1)
    worlds = chance.normal(50.0, 3.0, (SUMS, steps))
    found = [scatter(world, least=0.0) for world in worlds]
    assert {one.freedom for one in found} == {waves(steps)}
    mean_square = math.sqrt(sum(one.error**2 for one in found) / SUMS)
    assert mean_square == pytest.approx(3.0 * math.sqrt(steps), rel=0.05)
    missed = sum(
        abs(float(world.sum()) - 50.0 * steps) > critical(one.freedom) * one.error for world, one in zip(worlds, found)
    )
    assert missed / SUMS == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(("steps", "most"), [(24, 0.09), (60, 0.08), (240, 0.07)])
def test_steps_that_are_alike_make_wide_intervals(steps: int, most: float) -> None:
    """With a correlation of one half the plain standard deviation misses one time in four, for ever."""
    chance = np.random.default_rng(2)
    shocks = chance.normal(size=(SUMS, steps + 50))
    worlds = np.zeros((SUMS, steps + 50))
    for step in range(1, steps + 50):
        worlds[:, step] = 0.5 * worlds[:, step - 1] + shocks[:, step]
    missed = plainly = 0
    for world in worlds[:, 50:]:
        found = scatter(world, least=0.0)
        missed += abs(float(world.sum())) > critical(found.freedom) * found.error
        plainly += abs(float(world.sum())) > critical(steps - 1) * float(world.std(ddof=1)) * math.sqrt(steps)
    assert missed / SUMS < most
    assert plainly / SUMS > 0.2


def test_a_trend_is_told_and_makes_the_error_larger() -> None:
    steps = np.random.default_rng(3).normal(100.0, 1.0, 24)
    rising = steps + np.linspace(-10, 10, 24)
    assert scatter(steps, 0.0).trend > 0.05
    assert scatter(rising, 0.0).trend < 1e-4
    assert scatter(rising, 0.0).error > 5 * scatter(steps, 0.0).error


@pytest.mark.parametrize("steps", [12, 24, 61])
def test_steady_steps_hardly_ever_look_like_a_trend(steps: int) -> None:
    chance = np.random.default_rng(4)
    found = [scatter(chance.normal(5.0, 1.0, steps), 0.0).trend < 0.05 for _world in range(SUMS)]
    assert sum(found) / SUMS == pytest.approx(0.05, abs=0.02)


def test_steps_that_are_all_the_same() -> None:
    """The arithmetic's own noise is no scatter; of events one more or less is always possible."""
    constant = np.full(24, 1.0 / 3.0)
    assert scatter(constant, least=0.0).error == pytest.approx(0.0, abs=1e-12)
    assert scatter(constant, least=0.0).trend == 1.0
    assert scatter(constant, least=1.0).error == 1.0
    assert scatter(np.zeros(24), least=0.0) == (0.0, 3, 1.0)
