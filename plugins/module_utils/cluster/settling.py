# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until the history shards are in balance, and have been so for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .balance import Balance, read_balance
from .cluster import Cluster
from .wait import Look

#: Seconds after which a pod that became ready has taken its shards: seen were up to ten.
LONG_READY = 30.0


@dataclass
class Settling:
    """Looks until the balance has held for ``stable_for`` seconds, and remembers when it began."""

    cluster: Cluster
    expected: int
    stable_for: float
    missing_hint: str
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    since: float | None = None
    settled_time: float | None = None
    #: Whether a look found the shards out of balance.
    unsettled: bool = False

    def look(self, _elapsed: float) -> Look[Balance]:
        balance = read_balance(self.cluster, self.expected, self.missing_hint)
        # Counted from when the balance was seen: reading it takes time.
        seen = self.clock()
        if not balance.balanced:
            self.since = self.settled_time = None
            self.unsettled = True
        elif self.since is None:
            self.since, self.settled_time = seen, round(self.wall(), 3)
        done = self.since is not None and (
            seen - self.since >= self.stable_for
            # It was in balance at the first look, and nothing has changed for long.
            or (not self.unsettled and self.wall() - max(balance.ready.values()) >= max(LONG_READY, self.stable_for))
        )
        return Look(done, balance, balance.text)
