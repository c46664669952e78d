# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of all figures of a window, and which of them are steady."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..noise.false_discoveries import discoveries
from ..results.types import Noise
from . import figure_noise
from .counted import Counted
from .figure_noise import Estimate
from .growth import Ruler
from .histograms import Sums
from .lives import Piece
from .profile import Figure, Source
from .step_growth import Grid, step_count

if TYPE_CHECKING:
    from .step_growth import Steps


class WindowNoise:
    """Works out the noise of a window's figures, one after another; what figures share is worked out once."""

    def __init__(self, ruler: Ruler) -> None:
        self._ruler = ruler
        self._steps = step_count(ruler)
        self._grid = Grid(ruler) if figure_noise.can_tell(self._steps) else None
        # With what they are of, which keeps that alive and so its id its own.
        self._grown: dict[int, tuple[Counted, Steps]] = {}
        self._buckets: dict[int, tuple[Sums, list[float], Steps]] = {}
        # Of key figures and of others: what is looked at first is not to be the less certain for what stands behind it.
        self._trends: dict[bool, list[tuple[Noise, float]]] = {True: [], False: []}

    def of_counter(self, figure: Figure, value: float, counts: Sequence[Counted], sums: Sums | None) -> Noise | None:
        """The noise of a figure that was counted; None where there is none to be told.

        counts: what its selections counted. sums: of a quantile or share, the growth of its buckets.
        """
        if self._grid is None:
            return self._too_few()
        step = self._grid.step
        if figure.kind == "quantile" and sums is not None:
            bounds, grown = self._of_buckets(self._grid, counts[0], sums)
            return self._kept(figure, figure_noise.of_quantile(figure.quantile or 0.0, value, bounds, grown, step))
        if figure.kind == "share" and sums is not None:
            bounds, grown = self._of_buckets(self._grid, counts[0], sums)
            below = figure_noise.at_bound(figure.above or 0.0, bounds, grown)
            return self._kept(figure, figure_noise.of_ratio(value, grown[:, -1] - below, grown[:, -1], step, least=1.0))
        if figure.denominator is not None:
            above, below = (self._of_counted(self._grid, counted) for counted in counts)
            least = 0.0 if figure.kind == "mean" else _least(counts[0])
            return self._kept(figure, figure_noise.of_ratio(value, above, below, step, least))
        grown = self._of_counted(self._grid, counts[0])
        per = self._ruler.length if figure.kind == "rate" else 1.0
        if value and grown.sum() > 0:
            # Of time that is not known: the rate is over the time that is.
            per = float(grown.sum()) / value
        return self._kept(figure, figure_noise.of_sum(value, grown, per, step, _least(counts[0])))

    def of_gauge(self, figure: Figure, value: float, pieces: Sequence[tuple[Piece, Source]]) -> Noise | None:
        """The noise of a gauge; None where there is none to be told."""
        if self._grid is None:
            return self._too_few()
        levels = self._grid.levels([(piece, source.scale) for piece, source in pieces])
        return self._kept(figure, figure_noise.of_level(value, levels, figure.take == "last", self._grid.step))

    def judge_steadiness(self) -> None:
        """Say of each figure whether it is steady, when all are there: among many, some look unsteady by chance."""
        for trends in self._trends.values():
            found = discoveries([trend for _noise, trend in trends])
            for (noise, _trend), moved in zip(trends, found):
                noise["steady"] = not moved

    def _too_few(self) -> Noise | None:
        return figure_noise.too_few(self._steps, self._ruler.length / self._steps)

    def _kept(self, figure: Figure, estimate: Estimate | None) -> Noise | None:
        if estimate is None:
            return None
        self._trends[figure.key].append((estimate.noise, estimate.trend))
        return estimate.noise

    def _of_counted(self, grid: Grid, counted: Counted) -> Steps:
        if id(counted) not in self._grown:
            self._grown[id(counted)] = counted, grid.grown(counted.growths)
        return self._grown[id(counted)][1]

    def _of_buckets(self, grid: Grid, counted: Counted, sums: Sums) -> tuple[list[float], Steps]:
        if id(sums) not in self._buckets:
            bounds = sorted(sums.value)
            self._buckets[id(sums)] = sums, bounds, grid.grown_buckets(counted.growths, bounds)
        _sums, bounds, grown = self._buckets[id(sums)]
        return bounds, grown


def _least(counted: Counted) -> float:
    """The standard error of what was counted, at least: one event where it counts events, whose numbers are whole."""
    pieces = [(piece, source) for piece, source, growth in counted.growths if growth.value]
    whole = all(
        piece.series.values[-1].is_integer() and piece.series.values[0].is_integer() for piece, _source in pieces
    )
    return max((source.scale for _piece, source, _growth in counted.growths), default=1.0) if whole else 0.0
