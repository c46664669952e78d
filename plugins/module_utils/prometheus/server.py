# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus server is: its version and its clock."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from ..errors import LabError
from ..http.errors import RequestFailed
from .client import Prometheus

#: Clocks closer than this many seconds are taken for equal: measuring them is not more exact.
EQUAL_CLOCKS = 1.0
#: The first version that says what it has.
SAYS_FEATURES = (3, 9)
#: An answer within so many seconds tells the clock exactly enough.
QUICK = 0.1


@dataclass(frozen=True)
class Clock:
    """Unix time that goes on evenly when this machine's clock is set while a task waits."""

    wall: float = field(default_factory=time.time)
    steady: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Unix seconds."""
        return self.wall + time.monotonic() - self.steady

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(seconds)


def prometheus_version(client: Prometheus) -> str | None:
    """Version of Prometheus, None where its build or something that answers in its place does not say."""
    try:
        return client.status("buildinfo").get("version") or None
    except RequestFailed as error:
        if error.status != 404:
            raise
        return None


def has_smoothed(client: Prometheus, version: str | None) -> bool:
    """Whether a server of a version says that it has smoothed range selectors; an older one is not asked."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version or "")
    if numbers is None or (int(numbers[1]), int(numbers[2])) < SAYS_FEATURES:
        return False
    try:
        return client.features().get("promql", {}).get("smoothed") is True
    except LabError:
        # It is a second opinion, and no figure rests on it.
        return False


def clock_skew(client: Prometheus, clock: Clock) -> float:
    """Seconds by which Prometheus' clock is ahead of this machine's, from the first quick one of three answers.

    Where none is quick the quickest counts.
    """
    found = []
    for _answer in range(3):
        before = clock.now()
        theirs = client.now()
        after = clock.now()
        # Somewhere in between the other clock was read: the error is half of that time at the most.
        found.append((after - before, theirs - (before + after) / 2))
        if after - before <= QUICK:
            break
    return min(found)[1]


def skew_notes(skew: float) -> list[str]:
    """A sentence on a clock of Prometheus that is so many seconds ahead of this machine's, when it is."""
    if not skew:
        return []
    side = "ahead of" if skew > 0 else "behind"
    return [f"The clock of Prometheus is {abs(skew):.1f} s {side} this machine's; times were corrected by that."]
