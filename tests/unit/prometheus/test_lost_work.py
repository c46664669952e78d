# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow-seconds lost, worked out by hand."""

from __future__ import annotations

import random

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.lost_work import (
    Counts,
    Usual,
    loss,
    step_variance,
)

#: Six intervals that vary by 1 to either side, each unlike its neighbours: 6 / 5 of variance.
UNLIKE = [14.0, 16.0, 14.0, 16.0, 14.0, 16.0]
STEADY = [15.0] * 6


def exact(completed: float) -> Counts:
    return Counts(20.0, completed, completed, completed)


def test_what_did_not_complete_is_lost() -> None:
    # At 3 a second 30 completions take 10 s: for the other 10 s all six stood still.
    assert loss(exact(30.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0) == (60.0, 60.0, 60.0, "")
    # Nothing completed: the whole time is lost.
    assert loss(exact(0.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0).value == 120.0
    # As before: nothing is.
    assert loss(exact(60.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0).value == 0.0
    # More than before is a gain, and said as one.
    assert loss(exact(66.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0).value == pytest.approx(-12.0)


def test_what_the_scrapes_leave_open_is_in_the_interval() -> None:
    found = loss(Counts(20.0, 30.0, 27.0, 33.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0)
    # 6 · (20 - 33 / 3) and 6 · (20 - 27 / 3)
    assert (found.least, found.most) == pytest.approx((54.0, 66.0))
    open_end = loss(Counts(20.0, 30.0, 27.0, None), Usual(3.0, 60.0), 6.0, [STEADY], 5.0)
    assert (open_end.least, open_end.reason) == (None, "more may have completed than was scraped")
    assert open_end.most == pytest.approx(66.0)


def test_what_varies_anyway_is_in_the_interval() -> None:
    found = loss(exact(30.0), Usual(3.0, 30.0), 6.0, [UNLIKE], 5.0)
    # 1.2 in 5 s is 0.24 a second: 0.24 · 20 of the completions, and (30 / 3)² · 0.24 / 30 of the rate; 5 degrees of
    # freedom; a completion is worth 6 / 3 workflow-seconds.
    margin = 2.5706 * (4.8 + 0.8) ** 0.5 * 2.0
    assert found.value == 60.0
    assert (found.least, found.most) == pytest.approx((60.0 - margin, 60.0 + margin), rel=2e-4)


def test_another_rate_afterwards_may_have_been_that_of_meanwhile() -> None:
    slower, faster = Usual(2.5, 60.0), Usual(6.0, 60.0)
    found = loss(exact(30.0), Usual(3.0, 60.0), 6.0, [STEADY, [12.5] * 6], 5.0, slower)
    # 6 · (20 - 30 / 3), and 6 · (20 - 30 / 2.5) at the least.
    assert found == (60.0, pytest.approx(48.0), pytest.approx(60.0), "")
    found = loss(exact(30.0), Usual(3.0, 60.0), 6.0, [STEADY, [30.0] * 6], 5.0, faster)
    assert found == (60.0, pytest.approx(60.0), pytest.approx(90.0), "")
    # A time after it in which nothing completed is nothing to go by.
    assert loss(exact(30.0), Usual(3.0, 60.0), 6.0, [STEADY], 5.0, Usual(0.0, 60.0))[1:3] == (60.0, 60.0)


def test_too_few_intervals_leave_the_uncertainty_unknown() -> None:
    found = loss(exact(30.0), Usual(3.0, 60.0), 6.0, [[15.0, 16.0], [14.0, 15.0, 15.0]], 5.0)
    assert found == (
        60.0,
        None,
        None,
        "its uncertainty is not known: it has 5 scrape intervals besides, of 6 that it needs",
    )


def test_the_variance_of_steps() -> None:
    unlike = step_variance([UNLIKE])
    # That neighbours are unlike each other is not trusted to make a sum surer.
    assert unlike is not None
    assert unlike == (pytest.approx(1.2), 5)
    # Alike: 6 / 5, and of the neighbours 2 · 2/3 · 3 / 5 more; those two apart add up to nothing.
    alike = step_variance([[14.0, 14.0, 14.0, 16.0, 16.0, 16.0]])
    assert alike is not None
    assert alike == (pytest.approx(1.2 + 0.8), 5)
    # Another level after the disturbance is no variance.
    assert step_variance([[10.0] * 4, [20.0] * 4]) == (0.0, 6)
    # A group of one says nothing.
    assert step_variance([[1.0], UNLIKE]) == unlike
    assert step_variance([[1.0, 2.0, 3.0]]) is None
    assert step_variance([]) is None


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """500 rebalancings in which nothing was lost, with completions as random as those of a Poisson process."""
    chance = random.Random(20261201)

    def steps(number: int) -> list[float]:
        # 15 a step: binomial, a little less random than Poisson.
        return [float(sum(chance.random() < 0.1 for _workflow in range(150))) for _step in range(number)]

    outside = 0
    for _round in range(500):
        before, during, after = steps(12), steps(5), steps(12)
        rate = sum(before) / 60.0
        found = loss(Counts(25.0, sum(during), sum(during), sum(during)), Usual(rate, 60.0), 6.0, [before, after], 5.0)
        assert found.least is not None
        assert found.most is not None
        outside += not found.least <= 0.0 <= found.most
    assert outside <= 500 * 0.08
