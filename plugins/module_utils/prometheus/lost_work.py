# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflow-seconds that a disturbance cost: what completed in it, against what was to be expected.

A load that keeps N workflows in flight spends N workflow-seconds in each second. At a rate of r completions a second
each of them takes N / r, so that C completions in T seconds are worth C · N / r workflow-seconds of work as it was
before, and the rest of the N · T is lost. What the rate varies by from step to step, disturbance or not, says how well
that sum is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from ..noise.student_t import critical

#: Steps without the disturbance that its uncertainty needs.
FEWEST = 6


class Counts(NamedTuple):
    """Completions in so many seconds, and the least and the most that they may have been; None without an end."""

    seconds: float
    value: float
    least: float
    most: float | None


class Loss(NamedTuple):
    """Workflow-seconds, and between what they lie; None for an end that is not known, for which there is a reason."""

    value: float
    least: float | None
    most: float | None
    reason: str = ""


class Usual(NamedTuple):
    """Completions a second when nothing disturbs, as measured over so many seconds."""

    rate: float
    seconds: float


def loss(
    counts: Counts,
    before: Usual,
    in_flight: float,
    quiet: Sequence[Sequence[float]],
    step: float,
    after: Usual | None = None,
) -> Loss:
    """The workflow-seconds lost, against the rate before.

    quiet: completions in each step without the disturbance, of each time in which the rate was one; a step is so many
    seconds long. after: the rate afterwards. Where it is another one, nobody knows which of the two the rate would have
    been meanwhile, so that the interval holds the loss against either.
    """
    value = _lost(counts.seconds, counts.value, before.rate, in_flight)
    variance = step_variance(quiet)
    if variance is None:
        steps = sum(map(len, quiet))
        return Loss(
            value,
            None,
            None,
            f"its uncertainty is not known: it has {steps} scrape intervals besides, of {FEWEST} that it needs",
        )
    per_second, sure = variance.value / step, critical(variance.freedom)
    least: list[float] = []
    most: list[float] = []
    for usual in (before, after):
        if usual is None or usual.rate <= 0.0:
            continue
        # Of the completions themselves, and of the rate that they are compared with.
        spread = per_second * counts.seconds + (counts.value / usual.rate) ** 2 * per_second / usual.seconds
        margin = sure * math.sqrt(spread) * in_flight / usual.rate
        most.append(_lost(counts.seconds, counts.least, usual.rate, in_flight) + margin)
        if counts.most is not None:
            least.append(_lost(counts.seconds, counts.most, usual.rate, in_flight) - margin)
    if not least:
        return Loss(value, None, max(most), "more may have completed than was scraped")
    return Loss(value, min(least), max(most))


def _lost(seconds: float, completed: float, rate: float, in_flight: float) -> float:
    return in_flight * (seconds - completed / rate)


class Variance(NamedTuple):
    """A variance and its degrees of freedom."""

    value: float
    freedom: int


def step_variance(groups: Sequence[Sequence[float]]) -> Variance | None:
    """The variance by step that sums over many steps have; None where there are too few.

    groups: values in steps side by side, each group with a mean of its own. Steps that are alike their neighbours make
    a sum vary more than independent ones would (Bartlett's weights); that they are unlike is not trusted to help.
    """
    groups = [group for group in groups if len(group) > 1]
    number = sum(map(len, groups))
    freedom = number - len(groups)
    if number < FEWEST or freedom < 1:
        return None
    apart = [[value - fmean(group) for value in group] for group in groups]
    independent = math.fsum(value * value for group in apart for value in group) / freedom
    lags = math.floor(4 * (number / 100) ** (2 / 9))
    together = independent
    for lag in range(1, lags + 1):
        products = math.fsum(value * other for group in apart for value, other in zip(group, group[lag:]))
        together += 2 * (1 - lag / (lags + 1)) * products / freedom
    return Variance(max(independent, together), freedom)
