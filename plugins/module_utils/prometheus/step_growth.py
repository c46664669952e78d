# SPDX-License-Identifier: GPL-3.0-or-later
"""What a selection counted in each step of a window: the growth of growth.py, step by step.

Steps are as long as a scrape interval, or a little longer, so that they fill the window. A step between two scrapes is
divided in proportion to time, as at the window's edges, so that the steps add up to the window's growth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from .growth import Growth, Ruler
from .histograms import bucket_bound
from .lives import Piece
from .profile import Source
from .query import ALIVE_SCRAPES
from .series import Times

try:
    import numpy as np
except ImportError:
    pass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Steps = NDArray[np.float64]


def step_count(ruler: Ruler) -> int:
    """How many steps a window has."""
    return max(1, math.floor(ruler.length / ruler.lives.interval + 1e-6))


class Grid:
    """The steps of a window. It keeps how sample times lie to them, which thousands of series share."""

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        self.count = step_count(ruler)
        self.step = ruler.length / self.count
        # Relative to the window's start: Unix seconds have too few digits left for sums of products.
        self.edges = np.linspace(0.0, ruler.length, self.count + 1)
        self._weights: dict[tuple[int, float | None], tuple[Times, Steps]] = {}

    def weights(self, times: Times, zero: float | None) -> Steps:
        """What to multiply values of a series at these times with, to have its growth in each step: (steps, times)."""
        key = id(times), zero
        if key not in self._weights:
            points = np.array(times if zero is None else (zero, *times)) - self.ruler.start
            after = np.clip(np.searchsorted(points, self.edges), 1, max(1, len(points) - 1))
            share = np.zeros((self.count + 1, len(points)))
            if len(points) > 1:
                along = (self.edges - points[after - 1]) / (points[after] - points[after - 1])
                along = np.clip(along, 0.0, 1.0)
                rows = np.arange(self.count + 1)
                share[rows, after - 1] = 1 - along
                share[rows, after] = along
            grown = np.diff(share, axis=0)
            self._weights[key] = times, grown if zero is None else grown[:, 1:]
        return self._weights[key][1]

    def grown(self, growths: Iterable[tuple[Piece, Source, Growth]]) -> Steps:
        """What was counted in each step, in the figure's unit."""
        alike: dict[tuple[int, float | None, float], list[Piece]] = {}
        for piece, source, growth in growths:
            if growth.value:
                key = id(piece.series.times), growth.course.zero, source.scale
                alike.setdefault(key, []).append(piece)
        found = np.zeros(self.count)
        for (_times, zero, scale), pieces in alike.items():
            times = pieces[0].series.times
            found += scale * (self.weights(times, zero) @ _sums(pieces, len(times)))
        return found

    def grown_buckets(self, growths: Iterable[tuple[Piece, Source, Growth]], bounds: Sequence[float]) -> Steps:
        """What the buckets of histograms counted in each step, by upper bound: (steps, bounds)."""
        place = {bound: number for number, bound in enumerate(bounds)}
        alike: dict[tuple[int, float | None, int], list[Piece]] = {}
        for piece, source, growth in growths:
            if growth.value:
                number = place.get(bucket_bound(piece, source))
                if number is not None:
                    key = id(piece.series.times), growth.course.zero, number
                    alike.setdefault(key, []).append(piece)
        columns: dict[tuple[int, float | None], tuple[Times, list[int], list[Steps]]] = {}
        for (times_id, zero, number), pieces in alike.items():
            times = pieces[0].series.times
            _times, numbers, sums = columns.setdefault((times_id, zero), (times, [], []))
            numbers.append(number)
            sums.append(_sums(pieces, len(times)))
        found = np.zeros((self.count, len(bounds)))
        for (_times_id, zero), (times, numbers, sums) in columns.items():
            found[:, numbers] += self.weights(times, zero) @ np.array(sums).T
        return found

    def levels(self, pieces: Sequence[tuple[Piece, float]]) -> Steps:
        """The sum of gauges in the middle of each step, each with its factor; NaN where none of them has a value."""
        middles = (self.edges[:-1] + self.edges[1:]) / 2
        total = np.zeros(self.count)
        known = np.zeros(self.count, dtype=bool)
        interval = self.ruler.lives.interval
        for piece, scale in pieces:
            times = np.array(piece.series.times) - self.ruler.start
            at = np.searchsorted(times, middles, side="right") - 1
            age = middles - times[at]
            there = (at >= 0) & (age <= ALIVE_SCRAPES * interval)
            if self.ruler.lives.vanished(piece, piece.series.times[-1]):
                there &= (at < len(times) - 1) | (age <= interval)
            total += np.where(there, scale * np.array(piece.series.values)[at], 0.0)
            known |= there
        return np.where(known, total, np.nan)


def _sums(pieces: Sequence[Piece], samples: int) -> Steps:
    """The sum of the values of series at each of their times, which they share."""
    flat = chain.from_iterable(piece.series.values for piece in pieces)
    sums: Steps = np.fromiter(flat, float, samples * len(pieces)).reshape(len(pieces), samples).sum(axis=0)
    return sums
