# SPDX-License-Identifier: GPL-3.0-or-later
"""What a counter counted from scrape to scrape. Times are Unix seconds on Prometheus' clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .growth import never_falling
from .lives import Lives, Piece


class Step(NamedTuple):
    """What a scrape showed to be counted since the one before it."""

    since: float
    time: float
    number: float


class Cumulated(NamedTuple):
    """What a piece has counted by each of some times; the first count is 0."""

    times: Sequence[float]
    counts: Sequence[float]

    def at(self, time: float) -> float:
        """What was counted by a time; between two samples in proportion to time, as at the edge of a window."""
        after = bisect_right(self.times, time)
        if after == 0:
            return 0.0
        if after == len(self.times):
            return self.counts[-1]
        begin, end = self.times[after - 1], self.times[after]
        part = (time - begin) / (end - begin)
        return self.counts[after - 1] + part * (self.counts[after] - self.counts[after - 1])

    def steps(self) -> list[Step]:
        """The steps in which something was counted."""
        points = zip(self.times, self.counts)
        return [
            Step(since, time, after - before) for (since, before), (time, after) in pairwise(points) if after > before
        ]


def cumulated(piece: Piece, lives: Lives) -> Cumulated:
    """What a counter's piece counted: from zero where that is known, else from its first sample on."""
    times, values = list(piece.series.times), piece.series.values
    if sorted(values) != values:
        values = never_falling(values)
    birth = lives.birth(piece)
    if birth.kind == "unknown":
        return Cumulated(times, [value - values[0] for value in values])
    zero = times[0] - lives.interval if birth.zero is None else birth.zero
    if zero >= times[0]:
        return (
            Cumulated(times, values)
            if values[0] == 0
            else Cumulated([times[0] - lives.interval, *times], [0.0, *values])
        )
    return Cumulated([zero, *times], [0.0, *values])


def between(pieces: Sequence[Cumulated], edges: Sequence[float]) -> list[float]:
    """What pieces counted together from each edge to the next."""
    totals = [sum(piece.at(edge) for piece in pieces) for edge in edges]
    return [after - before for before, after in pairwise(totals)]
