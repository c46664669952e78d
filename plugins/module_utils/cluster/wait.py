# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which the collection waits for a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import LabError
from ..http.errors import TemporaryFailure, Unreachable
from ..task import silent
from .cluster import PATIENCE_IN_WAIT, Cluster

T = TypeVar("T")


@dataclass(frozen=True)
class Look(Generic[T]):
    """What one look at the cluster found.

    done: what was waited for has come.
    value: what was found, done or not.
    text: the state in a few words, shown while it lasts.
    """

    done: bool
    value: T
    text: str = ""


@dataclass(frozen=True)
class Waited(Generic[T]):
    """The last look of a wait, and how long it took in seconds.

    looks: how often the cluster was looked at; 1 means that nothing had to be waited for.
    """

    done: bool
    value: T
    text: str
    seconds: float
    looks: int


@dataclass(frozen=True)
class Waiter:
    """Looks again and again until something has come or the time is over.

    timeout, interval: seconds. repeat: an unchanged state is shown again after so many seconds.
    forgive: errors that may pass while the time lasts, such as a service that is just starting;
    when the time ends with one of them, it is raised.
    """

    timeout: float
    interval: float = 1.0
    repeat: float = 10.0
    show: Callable[[str], None] = silent
    forgive: tuple[type[LabError], ...] = ()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, look: Callable[[float], Look[T]], gone: float = 0.0) -> Waited[T]:
        """Call ``look(seconds waited so far)`` until it is done; it is always called at least once.

        The last call is made when the time is over. What ``look`` raises ends
        the wait, unless it is one of ``forgive``. gone: seconds of the time that are over already.
        """
        begin = self.clock() - gone
        looks = 0
        shown_text, shown_at = "", begin
        while True:
            elapsed = self.clock() - begin
            late = elapsed >= self.timeout
            looks += 1
            try:
                found = look(elapsed)
            except LabError as error:
                if late or not isinstance(error, self.forgive):
                    raise
                text = error.msg.rstrip(".")
            else:
                elapsed = self.clock() - begin
                text = found.text
                if found.done or late:
                    if text and looks > 1:
                        self.show(f"{text} ({elapsed:.0f} s)")
                    return Waited(found.done, found.value, text, elapsed, looks)
            now = self.clock()
            if text and (text != shown_text or now - shown_at >= self.repeat):
                self.show(f"{text} ({now - begin:.0f} s)")
                shown_text, shown_at = text, now
            self.sleep(max(0.0, min(self.interval, begin + self.timeout - self.clock())))


def seconds_since(moment: float | None, now: float) -> float:
    """Seconds of a wait that are over when it counts from a Unix time; none without one, or when it is to come."""
    return 0.0 if moment is None else max(0.0, now - moment)


def wait_for(
    cluster: Cluster, timeout: float, show: Callable[[str], None], look: Callable[[float], Look[T]], gone: float = 0.0
) -> Waited[T]:
    """Wait as Waiter does for something in a cluster, forgiving what may pass: silence and temporary failures."""
    # A request that fails is soon made again by the next look.
    with cluster.patient(PATIENCE_IN_WAIT):
        return Waiter(timeout, show=show, forgive=(Unreachable, TemporaryFailure)).wait(look, gone)
