# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the sum over a window's steps may be from what it is on average, by how its steps scatter.

Steps that follow each other are alike: a slow moment lasts. Their plain standard deviation would take them for
independent and promise too much. So the variance is that of the slowest waves in the steps, which hold what lasts
(equally weighted cosines: Lazarus, Lewis, Stock and Watson, HAR Inference: Recommendations for Practice, Journal of
Business & Economic Statistics 36, 2018, which also gives the number of waves). Few waves make few degrees of freedom,
and Student's t makes intervals wider for that. A bootstrap of blocks was not taken: with 24 steps it has about six
blocks to draw from, its intervals are too narrow, and it gives other figures each time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from .freedom import waves
from .student_t import two_sided

try:
    import numpy as np

    HAS_NUMPY = True
except ImportError:
    HAS_NUMPY = False

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Steps = NDArray[np.float64]


class Scatter(NamedTuple):
    """error: standard error of the sum over all steps. freedom: how many degrees of freedom it has.

    trend: the chance (p-value) that halves of steady steps differ as much as these do.
    """

    error: float
    freedom: int
    trend: float


@cache
def _waves(steps: int) -> tuple[Steps, Steps, Steps]:
    """The slowest waves over so many steps; the slowest that are alike in both halves; and the contrast of the halves.

    Of those alike there are two more: a trend needs them, with so few steps, and a wave that is not so slow makes at
    worst a steady window look as if it were not.
    """
    count = waves(steps)
    middles = (np.arange(steps) + 0.5) / steps
    cosines = np.sqrt(2 / steps) * np.cos(np.pi * np.outer(np.arange(1, 2 * (count + 2) + 1), middles))
    return cosines[:count], cosines[1::2], np.sign(middles - 0.5)


def scatter(steps: Steps, least: float) -> Scatter:
    """How the sum of steps scatters. steps: at least LEAST_STEPS of equal length.

    least: the standard error that the sum has at least, such as one event of a count: that none was seen in a window
    does not say that there never is one.
    """
    slow, even, halves = _waves(len(steps))
    waved = slow @ steps
    alike = even @ steps
    error = max(float(len(steps) * (waved @ waved) / len(waved)) ** 0.5, least)
    # A trend is in the first wave and makes the error larger, rightly; but what tells a trend must be without it.
    without = max(float(len(steps) * (alike @ alike) / len(alike)) ** 0.5, least)
    contrast = abs(float(halves @ steps))
    if contrast <= 1e-9 * float(np.abs(steps).sum()):
        trend = 1.0
    else:
        trend = two_sided(contrast / without if without else float("inf"), len(alike))
    return Scatter(error, len(waved), trend)
