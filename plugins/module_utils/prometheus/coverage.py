# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the components of a figure were scraped in a window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..results.types import Labels
from .matchers import full_match
from .query import LEAST_SCRAPES

#: A window needs this share of its scrapes.
LEAST_COVERAGE = 0.5

Points = Iterable[tuple[float, float]]


@dataclass(frozen=True)
class Coverage:
    """How well a component was scraped in a window.

    scrapes: times at which at least one of its pods answered. expected: times in the window.
    silent: pods that did not answer most of the expected scrapes, with how many they did not. tried: whether a scrape
    was seen at all. of: what the silent ones are.
    """

    scrapes: int
    expected: int
    silent: Mapping[str, int] = field(default_factory=dict)
    tried: bool = True
    of: str = "pod"

    @property
    def share(self) -> float:
        return min(1.0, self.scrapes / self.expected)


def scrape_rounds(times: Iterable[float], interval: float) -> int:
    """Number of scrape rounds in sample times of several pods.

    Pods are scraped at different moments of each interval, and not to the
    millisecond: times less than three quarters of it apart are one round.
    """
    rounds = 0
    begun = -math.inf
    for time in sorted(times):
        if time - begun >= 0.75 * interval:
            rounds += 1
            begun = time
    return rounds


def coverage(up: Iterable[tuple[Labels, Points]], pods: str, length: float, interval: float) -> Coverage:
    """Coverage of the component whose pods' names match ``pods``, from raw samples of `up`."""
    expected = max(1, math.floor(length / interval))
    answered: list[float] = []
    failures: dict[str, int] = {}
    for labels, points in up:
        pod = labels.get("pod", "")
        if not full_match(pods, pod):
            continue
        values = list(points)
        answered += [time for time, value in values if value == 1]
        failed = sum(value != 1 for _time, value in values)
        # One way to a pod is enough.
        failures[pod] = min(failed, failures.get(pod, failed))
    silent = {pod: failed for pod, failed in failures.items() if failed > expected / 2}
    return Coverage(scrape_rounds(answered, interval), expected, silent)


def observed(up: Sequence[tuple[Labels, Points]], length: float, interval: float) -> Coverage:
    """Coverage of an observer, of raw samples of the `up` of its targets; whole where none is seen.

    A Prometheus can have labels by which what it tells is found, and its `up` is not.
    """
    expected = max(1, math.floor(length / interval))
    if not up:
        return Coverage(expected, expected, tried=False)
    answered: list[float] = []
    silent: dict[str, int] = {}
    for labels, points in up:
        values = list(points)
        answered += [time for time, value in values if value == 1]
        failed = sum(value != 1 for _time, value in values)
        if failed > expected / 2:
            silent[labels.get("instance", "")] = failed
    return Coverage(scrape_rounds(answered, interval), expected, silent, of="target")


def shortfall(covered: Mapping[str, Coverage]) -> str:
    """Why the scrapes of a window do not bear a figure of what is covered; empty when they do."""
    for component, of in covered.items():
        if of.scrapes < LEAST_SCRAPES or of.share < LEAST_COVERAGE:
            return f"{component} was scraped {of.scrapes} times in this window, of {of.expected}"
        for pod, failed in of.silent.items():
            return f"the {of.of} {pod} did not answer {failed} of {of.expected} scrapes in this window"
    return ""
