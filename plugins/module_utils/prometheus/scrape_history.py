# SPDX-License-Identifier: GPL-3.0-or-later
"""When targets were scraped, and what that says of series that begin or end. Times are Unix seconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .series import Series, TargetKey

#: Scrape intervals that samples are read for before and after a window.
MARGIN = 2.5
#: Scrape intervals after which a scrape that did not take place was left out, not late.
LATE = 1.5
#: The first scrapes of a Prometheus that starts lie within one interval; this is a little more.
FIRST_ROUND = 1.05


class ScrapeHistory:
    """When targets were scraped, from samples of `up` and of their processes' start times.

    interval: seconds between scrapes. begin: time from which samples were read.
    """

    def __init__(self, up: Iterable[Series], starts: Iterable[Series], interval: float, begin: float) -> None:
        self.interval = interval
        self._begin = begin
        points: dict[TargetKey, list[tuple[float, float]]] = {}
        for one in up:
            points.setdefault(one.target, []).extend(zip(one.times, one.values))
        self._up: dict[TargetKey, list[tuple[float, float]]] = {target: sorted(of) for target, of in points.items()}
        self._all = sorted((time, target) for target, of in self._up.items() for time, _value in of)
        self._starts: dict[TargetKey, list[tuple[float, float]]] = {}
        for one in starts:
            self._starts.setdefault(one.target, []).extend(zip(one.times, one.values))

    def _others(self, target: TargetKey, after: float, before: float) -> bool:
        """Whether Prometheus scraped another target between two times."""
        low = bisect_right(self._all, (after, ("\uffff",) * 3))
        high = bisect_left(self._all, (before, ("",) * 3))
        return any(one != target for _time, one in self._all[low:high])

    def birth(self, target: TargetKey, first: float) -> tuple[str, float | None]:
        """What is known of a counter before its first sample at ``first``.

        ("new", time): it was zero, or not there, at that time. ("new", None): its target began
        between two rounds of scrapes. ("unknown", None): it may have counted for long.
        """
        up = self._up.get(target, [])
        seen = [time for time, value in up if value == 1 and time < first]
        if seen:
            return "new", seen[-1]
        begun = [value for time, value in self._starts.get(target, ()) if time >= first and value <= first]
        if begun:
            return ("new", begun[0]) if begun[0] >= self._begin else ("unknown", None)
        if up:
            tried = up[0][0]
            if self._others(target, tried - MARGIN * self.interval, tried - FIRST_ROUND * self.interval):
                return "new", None
        return "unknown", None

    def began(self, target: TargetKey, after: float, before: float) -> float | None:
        """When the process of a target began, between two times; None when it does not tell."""
        found = [value for _time, value in self._starts.get(target, ()) if after < value <= before]
        return found[0] if found else None

    def death(self, target: TargetKey, last: float) -> str:
        """What is known of a series after its last sample: "gone", or "unknown" when it may go on.

        A series is gone when its target answered without it, or when Prometheus scraped
        others but not its target any more.
        """
        up = self._up.get(target)
        if not up:
            return "unknown"
        if any(value == 1 and time > last for time, value in up):
            return "gone"
        tried = max(up[-1][0], last)
        return "gone" if self._others(target, tried + LATE * self.interval, float("inf")) else "unknown"

    def answer(self, target: TargetKey, after: float, until: float) -> float | None:
        """The last value of `up` after a time and up to another; None without a scrape."""
        values = [value for time, value in self._up.get(target, ()) if after < time <= until]
        return values[-1] if values else None
