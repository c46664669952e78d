# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantiles of classic histograms, and shares above a bound: buckets are summed over all series first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .growth import Growth
from .lives import Piece
from .processes import Process
from .profile import Source
from .query import SAME_UNIT, number

#: Names of the units that seconds are taken for by mistake, by how many thousands they differ.
UNITS = {1: "milliseconds", 2: "microseconds", 3: "nanoseconds"}


@dataclass(frozen=True)
class Quantile:
    """A quantile with the bucket that its rank is in.

    The true value lies in (lower, upper]; None is a side without an end. ``bound`` says that value is one of these
    sides itself: "below" when the true value is at or below it (the smallest bucket, or the largest observation),
    "above" when it is above it (the bucket to +Inf); else empty, and value is interpolated inside the bucket.
    """

    value: float
    lower: float | None
    upper: float | None
    bound: Literal["", "below", "above"]
    observations: float


#: Growth by upper bound.
Buckets = dict[float, float]


class Sums(NamedTuple):
    """Growth by upper bound over histograms: as worked out, and the least and the most that it certainly was.

    same: whether all of them have the same bounds.
    """

    value: Buckets
    least: Buckets
    most: Buckets
    same: bool


def bucket_bound(piece: Piece, source: Source) -> float:
    """The upper bound of a bucket in the figure's unit; NaN where it has none."""
    try:
        return float(piece.key[2]) * source.scale
    except ValueError:
        return math.nan


def groups(growths: Iterable[tuple[Piece, Source, Growth]]) -> list[dict[float, Growth]]:
    """Growth of buckets by upper bound, in the figure's unit: one histogram for each process and set of labels."""
    found: dict[tuple[Process, int, str, tuple[str, ...]], dict[float, Growth]] = {}
    for piece, source, grown in growths:
        metric, labels, _le = piece.key
        bound = bucket_bound(piece, source)
        if not math.isnan(bound):
            found.setdefault((piece.process, piece.life, metric, labels), {})[bound] = grown
    return list(found.values())


def summed(histograms: Sequence[Mapping[float, Growth]]) -> Sums:
    """Growth over histograms.

    Where they have different buckets only the bounds that all share can be summed: counts are cumulative, so they are
    exact at these. One that did not grow says nothing of bounds; it may have all of its growth below one that it lacks.
    """
    grown = [buckets for buckets in histograms if any(one.value for one in buckets.values())] or histograms
    if not grown:
        return Sums({}, {}, {}, True)
    shared = set.intersection(*(set(buckets) for buckets in grown))
    at = {
        bound: [one for buckets in histograms if (one := buckets.get(bound, buckets.get(math.inf)))] for bound in shared
    }
    return Sums(
        value={bound: math.fsum(one.value for one in of) for bound, of in at.items()},
        least={bound: math.fsum(one.least for one in of) for bound, of in at.items()},
        most={bound: math.fsum(one.most for one in of) for bound, of in at.items()},
        same=all(len(buckets) == len(shared) for buckets in grown),
    )


def quantile(q: float, buckets: Mapping[float, float]) -> Quantile | None:
    """The q-quantile of growths by upper bound; None without observations or without the bucket to +Inf."""
    total = buckets.get(math.inf, 0.0)
    bounds = sorted(bound for bound in buckets if bound != math.inf)
    if not total > 0 or not bounds:
        return None
    rank = q * total
    below = 0.0
    for index, bound in enumerate(bounds):
        # Never falling: a scrape can come between two buckets of one observation.
        count = max(below, buckets[bound])
        if count >= rank:
            if q == 1:
                # The largest observation is somewhere in the last bucket that grew.
                lowest = 0.0 if bound > 0 else None
                return Quantile(bound, bounds[index - 1] if index else lowest, bound, "below", total)
            if index == 0:
                return Quantile(bound, 0.0 if bound > 0 else None, bound, "below", total)
            lower = bounds[index - 1]
            value = lower + (bound - lower) * (rank - below) / (count - below)
            return Quantile(value, lower, bound, "", total)
        below = count
    return Quantile(bounds[-1], bounds[-1], None, "above", total)


#: A quantile needs so many observations beyond it: where fewer are expected there, one time in twenty none of those
#: seen is beyond it (the rule of three), and nothing is known of it but that it is not lower.
BEYOND = 3.0


def needed(q: float) -> int:
    """How many observations a q-quantile needs; the largest observation is what it is, however few there are."""
    return math.ceil(round(BEYOND / (1 - q), 6)) if q < 1 else 1


def too_few(q: float, observations: float) -> str:
    """Why a number of observations does not bear a q-quantile; empty when it does."""
    if observations >= needed(q):
        return ""
    return f"too few observations: this quantile needs {needed(q):,}"


class Share(NamedTuple):
    """The share of observations above a bound, and between what it certainly lies."""

    value: float
    least: float
    most: float
    observations: float


def observations(sums: Sums) -> float:
    """How many observations histograms had."""
    return sums.value.get(math.inf, 0.0)


def share_above(bound: float, sums: Sums) -> Share | None:
    """The share of observations above a bound; None without observations, or where no bucket ends there.

    It is exact, since nothing is interpolated. As for certain_bucket what is open are whole steps between scrapes.
    """
    total = observations(sums)
    at = next((known for known in sums.value if math.isclose(known, bound, rel_tol=1e-9)), None)
    if at is None or at == math.inf or not total > 0:
        return None
    low, high = sums.least[at], sums.most[at]
    least, most = max(0.0, sums.least[math.inf] - low), max(0.0, sums.most[math.inf] - high)
    return Share(
        max(0.0, total - sums.value[at]) / total,
        least / (least + high) if least else 0.0,
        most / (most + low) if most else 0.0,
        total,
    )


def no_bound(bound: float, sums: Sums) -> str:
    """Why no share above a bound can be told: no bucket ends there. It names those next to it."""
    known = sorted(one for one in sums.value if one != math.inf)
    near = [one for one in known if one < bound][-1:] + [one for one in known if one > bound][:1]
    beside = f"; the next are {' and '.join(number(one) for one in near)}" if near else ""
    return f"no bucket ends at {number(bound)}, so the share above it cannot be told{beside}"


def certain_bucket(
    q: float, least: Mapping[float, float], most: Mapping[float, float]
) -> tuple[float | None, float | None]:
    """The bounds between which the q-quantile certainly lies; None is a side without an end.

    least, most: what each bucket certainly grew by at the least and at the most. What they leave open are whole steps
    between scrapes, in which a bucket and the one to +Inf grew together: so much for how many were above a bound.
    """
    lower: float | None = 0.0
    finite = sorted(bound for bound in most if bound != math.inf)
    if not finite or finite[0] <= 0:
        lower = None
    for bound in finite:
        low, high = least.get(bound, 0.0), most[bound]
        above_least = max(0.0, least.get(math.inf, 0.0) - low)
        above_most = max(0.0, most.get(math.inf, 0.0) - high)
        if high < q * (high + above_least):
            # Even with all that is open below it the rank is above.
            lower = bound
        elif low > 0 and low >= q * (low + above_most):
            return lower, bound
    return lower, None


def thousands(bounds: Iterable[float], expected: float) -> int:
    """By how many factors of a thousand the bounds of buckets are too large, below zero when too small.

    expected: what the smallest bound should be about. 0 when the smallest of the finite bounds is
    less than SAME_UNIT away from it, or when there is none: buckets tell a unit only by that much.
    """
    smallest = min((bound for bound in bounds if 0 < bound < math.inf), default=expected)
    if expected / SAME_UNIT < smallest < expected * SAME_UNIT:
        return 0
    apart = math.log10(smallest / expected) / 3
    # SAME_UNIT away is a thousand away, whichever way it would be rounded.
    return max(1, round(apart)) if apart > 0 else min(-1, round(apart))


def unit_fault(bounds: Iterable[float], expected: float) -> str:
    """Why bounds of buckets, given in seconds, are of another unit than that; empty when they seem to be seconds.

    expected: what the smallest bound should be about, in seconds.
    """
    finite = sorted(bound for bound in bounds if 0 < bound < math.inf)
    apart = thousands(finite, expected)
    if not apart:
        return ""
    ends = f"go from {number(finite[0])} s to {number(finite[-1])} s"
    if apart < 0:
        return f"{ends}: they look {1000**-apart:,} times too small"
    return f"{ends}: they look like {UNITS.get(apart, 'another unit')}"
