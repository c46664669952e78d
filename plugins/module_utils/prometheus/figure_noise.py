# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a figure's value may be from what it is on average, by how its steps scatter within the window.

That is another thing than the certain interval (``interval``), which says what the samples leave open of what happened
in this window; docs/measurement.md explains both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..noise.freedom import LEAST_STEPS
from ..noise.scatter import HAS_NUMPY, Scatter, scatter
from ..noise.student_t import critical
from ..results.types import Burst, Noise
from .histograms import quantile

try:
    import numpy as np
except ImportError:
    pass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Steps = NDArray[np.float64]

#: The share of all growth up to which the growth of a half is none: steps are interpolated.
ROUNDING = 1e-9
#: It came at once when more than this share of it came in so many steps: an instant can lie across two steps, whose
#: growth is divided where they end between scrapes.
AT_ONCE = 0.5
STEPS_AT_ONCE = 3


class Estimate(NamedTuple):
    """A figure's noise, and the chance (p-value) that a steady window's halves differ as much."""

    noise: Noise
    trend: float


def too_few(steps: int, step: float) -> Noise | None:
    """The noise of a window in so few steps that there is no telling; None where it is for another reason."""
    return {"steps": steps, "step": round(step, 3)} if steps < LEAST_STEPS else None


def can_tell(steps: int) -> bool:
    """Whether so many steps tell of noise at all, and numpy is there to say it."""
    return HAS_NUMPY and steps >= LEAST_STEPS


def of_sum(value: float, grown: Steps, per: float, step: float, least: float) -> Estimate:
    """Of what was counted, or of that over time. per: what the sum of all steps is divided by to be the value.

    least: the standard error of the sum, at least: one event where events are counted.
    """
    found = scatter(grown, least)
    return _estimate(value, found.error / per, found, [2 * part / per for part in _halves(grown)], grown, step)


def of_ratio(value: float, above: Steps, below: Steps, step: float, least: float = 0.0) -> Estimate | None:
    """Of what one thing counted over what another did: of a ratio, a mean or a share.

    Where a step had more of the one it mostly had more of the other too, which is no noise of the ratio: what scatters
    is how much more of the one there was than the ratio says. least: the standard error of the sum above, at least.
    """
    total = float(below.sum())
    if total <= 0:
        return None
    found = scatter(above - value * below, least)
    halves = [one / other if other > 0 else None for one, other in zip(_halves(above), _halves(below))]
    return _estimate(value, found.error / total, found, halves, above, step)


def of_quantile(q: float, value: float, bounds: Sequence[float], grown: Steps, step: float) -> Estimate | None:
    """Of a quantile: of the share of observations at or below it, looked up in the buckets (Woodruff, 1952).

    bounds: the buckets' upper bounds in order, the last +Inf. grown: what each counted in each step, cumulatively.
    """
    sums = grown.sum(axis=0)
    total = float(sums[-1])
    if total <= 0 or q >= 1:
        return None
    found = scatter(_below(value, bounds, grown) - q * grown[:, -1], least=1.0)
    away = critical(found.freedom) * found.error / total
    buckets = dict(zip(bounds, map(float, sums)))
    low = 0.0 if bounds[0] > 0 else None
    if q - away > 0 and (lower := quantile(q - away, buckets)) and lower.bound != "below":
        low = min(lower.value, value)
    # Nobody knows how far those go that are beyond what was seen.
    high = None
    if q + away < 1 and (upper := quantile(q + away, buckets)) and upper.bound != "above":
        high = max(upper.value, value)
    middle = len(grown) // 2
    halves = []
    for part in (grown[:middle], grown[-middle:]):
        half = quantile(q, dict(zip(bounds, map(float, part.sum(axis=0)))))
        halves.append(half.value if half else None)
    noise: Noise = {
        "steps": len(grown),
        "step": round(step, 3),
        "freedom": found.freedom,
        "low": low,
        "high": high,
        "halves": halves,
    }
    return Estimate(noise, found.trend)


def of_level(value: float, levels: Steps, last: bool, step: float) -> Estimate | None:
    """Of a gauge: of its mean, or of its last value, which scatters as single levels of the window's second half do.

    What was reached in the first half, such as a number of pods, is no noise of the last value.
    """
    if np.isnan(levels).any():
        return None
    found = scatter(levels, least=0.0)
    error = float(levels[-(len(levels) // 2) :].std(ddof=1)) if last else found.error / len(levels)
    halves = [2 * part / len(levels) for part in _halves(levels)]
    return _estimate(value, error, found, halves, levels, step, burst=False)


def _estimate(
    value: float,
    error: float,
    found: Scatter,
    halves: Sequence[float | None],
    steps: Steps,
    step: float,
    burst: bool = True,
) -> Estimate:
    away = critical(found.freedom) * error
    noise: Noise = {
        "steps": len(steps),
        "step": round(step, 3),
        "freedom": found.freedom,
        "low": value - away,
        "high": value + away,
        "halves": list(halves),
    }
    if burst and (at_once := _burst(steps, step)):
        noise["burst"] = at_once
    return Estimate(noise, found.trend)


def _halves(steps: Steps) -> tuple[float, float]:
    """The sums of both halves; of an odd number of steps the middle one is in neither, and they are scaled for it."""
    middle = len(steps) // 2
    scale = len(steps) / (2 * middle)
    # A sum of interpolated steps leaves a rest where there was nothing.
    none = ROUNDING * float(np.abs(steps).sum())
    first, second = (scale * float(half.sum()) for half in (steps[:middle], steps[-middle:]))
    return (0.0 if abs(first) <= none else first, 0.0 if abs(second) <= none else second)


def _burst(grown: Steps, step: float) -> Burst | None:
    """Where most of what was counted came at once; None where it did not."""
    total = float(grown.sum())
    if total <= 0:
        return None
    sums = np.convolve(grown, np.ones(STEPS_AT_ONCE), mode="valid")
    at = int(sums.argmax())
    share = float(sums[at]) / total
    if share <= AT_ONCE:
        return None
    return {"start": round(at * step, 3), "length": round(STEPS_AT_ONCE * step, 3), "share": round(min(1.0, share), 4)}


def at_bound(bound: float, bounds: Sequence[float], grown: Steps) -> Steps:
    """How many observations of each step are at or below a bound of the buckets. Raises ValueError for another."""
    place = next((place for place, known in enumerate(bounds) if math.isclose(known, bound, rel_tol=1e-9)), None)
    if place is None:
        raise ValueError(bound)
    return grown[:, place]


def _below(value: float, bounds: Sequence[float], grown: Steps) -> Steps:
    """How many observations of each step are at or below a value, as interpolated inside its bucket."""
    place = int(np.searchsorted(bounds, value))
    if bounds[place] == value or math.isinf(bounds[place]) or place == 0:
        at = place if not math.isinf(bounds[place]) else place - 1
        return grown[:, at]
    low, high = bounds[place - 1], bounds[place]
    along = (value - low) / (high - low)
    return (1 - along) * grown[:, place - 1] + along * grown[:, place]
