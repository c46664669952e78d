# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a line that a drawing has room for."""

from __future__ import annotations

from collections.abc import Sequence

from .time_axis import Stretch

#: Points of a line: about one for each point (1/72 inch) of the axis' width.
MOST_POINTS = 600


def thinned(stretches: Sequence[Stretch], most: int = MOST_POINTS) -> list[Stretch]:
    """Stretches with about that many points in all; of points close together the lowest and the highest stay."""
    total = sum(map(len, stretches))
    if total <= most:
        return list(stretches)
    # A stretch takes two points at least: of very many, every so manieth is drawn.
    chosen = stretches[:: -(-len(stretches) * 2 // most)] if len(stretches) * 2 > most else stretches
    share = most / total
    return [_extremes(stretch, max(2, int(len(stretch) * share))) for stretch in chosen]


def _extremes(stretch: Stretch, most: int) -> Stretch:
    """The lowest and the highest point of each of ``most / 2`` equal parts of a stretch."""
    if len(stretch) <= most:
        return stretch
    size = -(-len(stretch) * 2 // most)
    found: Stretch = []
    for begin in range(0, len(stretch), size):
        part = stretch[begin : begin + size]
        ends = {min(part, key=_value), max(part, key=_value)}
        found += sorted(ends)
    return found


def _value(point: tuple[float, float]) -> float:
    return point[1]
