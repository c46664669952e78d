# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a figure another one in a later window than in an earlier one, or is the difference noise?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .false_discoveries import discoveries
from .student_t import critical, two_sided

#: none: no difference beyond noise. unknown: it cannot be told.
Verdict = Literal["higher", "lower", "none", "unknown"]


class Side(NamedTuple):
    """A figure in a window, with the interval that it lies in but for one time in twenty.

    low, high: None is a side without an end. freedom: the interval's degrees of freedom. halves: the figure in the
    first and in the second half of the window, where one was as long as the other and both have it. steady: whether
    they differ by no more than noise. burst: why the interval is wide, where most of it happened at once; else empty.
    start, end: of the window, in seconds.
    """

    value: float
    low: float | None
    high: float | None
    freedom: int
    halves: tuple[float, float] | None
    steady: bool
    burst: str
    start: float
    end: float


class Change(NamedTuple):
    """The difference of the later value from the earlier one lies between low and high but for one time in twenty.

    reason: why a change is unknown, else empty.
    """

    verdict: Verdict
    low: float | None
    high: float | None
    reason: str = ""


class _Test(NamedTuple):
    difference: float
    drift: float
    chance: float | None
    low: float | None
    high: float | None


def changes(pairs: Sequence[tuple[Side, Side]], names: tuple[str, str] = ("earlier", "later")) -> list[Change]:
    """The change of each figure from its earlier to its later window. pairs: all that are looked at together.

    Looking at many figures finds differences in some by chance: see ``discoveries``. names: what reasons call the two
    windows.
    """
    tests = [_test(*pair) for pair in pairs]
    told = [test.chance for test in tests if test.chance is not None]
    found = iter(discoveries(told))
    return [
        _change(before, after, test, test.chance is not None and next(found), names)
        for (before, after), test in zip(pairs, tests)
    ]


def _test(before: Side, after: Side) -> _Test:
    """What is to be known of a difference; chance: None where there is nothing that could be tested."""
    difference = after.value - before.value
    drift = _drift(before, after)
    down, up = _errors(before), _errors(after)
    low, error, freedom = _end(up[0], down[1], before, after)
    high, other, others = _end(up[1], down[0], before, after)
    low = None if low is None else difference - low - drift
    high = None if high is None else difference + high + drift
    if difference < 0:
        error, freedom = other, others
    chance: float | None = None
    if error is not None and (error or difference) and (before.value or after.value) and math.isfinite(difference):
        size = max(0.0, abs(difference) - drift)
        chance = two_sided(size / error if error else math.inf, freedom) if size else 1.0
    return _Test(difference, drift, chance, low, high)


def _errors(side: Side) -> tuple[float | None, float | None]:
    """Standard errors below and above a value, whose interval need not be alike on both sides."""
    t = critical(side.freedom)
    below = None if side.low is None else max(0.0, side.value - side.low) / t
    return below, None if side.high is None else max(0.0, side.high - side.value) / t


def _end(
    after_error: float | None, before_error: float | None, before: Side, after: Side
) -> tuple[float | None, float | None, int]:
    """How far one end of a difference lies from it, the standard error to that side, and its degrees of freedom.

    The intervals of two values make that of their difference (MOVER: Zou and Donner, Statistics in Medicine 27, 2008),
    with Welch's degrees of freedom, rounded down.
    """
    if after_error is None or before_error is None:
        return None, None, 1
    error = math.hypot(after_error, before_error)
    if not math.isfinite(error):
        return None, None, 1
    if not error:
        return 0.0, 0.0, 1
    one, other = (after_error / error) ** 2, (before_error / error) ** 2
    freedom = int(1 / (one**2 / after.freedom + other**2 / before.freedom) + 1e-9)
    return critical(freedom) * error, error, freedom


def _drift(before: Side, after: Side) -> float:
    """How far the figure would have come by itself from one window to the next, where one of them is not steady.

    As fast as from the first half of that window to its second: what a drift explains is no change.
    """
    apart = abs((after.start + after.end) / 2 - (before.start + before.end) / 2)
    drifts = [
        abs(side.halves[1] - side.halves[0]) / ((side.end - side.start) / 2) * apart
        for side in (before, after)
        if not side.steady and side.halves is not None
    ]
    return max(drifts, default=0.0)


def _change(before: Side, after: Side, test: _Test, found: bool, names: tuple[str, str]) -> Change:
    if found:
        return Change("higher" if test.difference > 0 else "lower", test.low, test.high)
    if test.low is None or test.high is None:
        return Change("unknown", test.low, test.high, "noise goes beyond what was observed in these windows")
    if test.drift:
        return Change(
            "unknown", test.low, test.high, "one of the windows is not steady, and the drift in it explains it"
        )
    margin = max(abs(test.low), abs(test.high))
    if margin > max(abs(before.value), abs(after.value)) > 0:
        # Neither a doubling nor a vanishing would be seen: nothing was found out.
        if after.burst or before.burst:
            which, burst = (names[1], after.burst) if after.burst else (names[0], before.burst)
            return Change("unknown", test.low, test.high, f"in the {which} window {burst}")
        return Change("unknown", test.low, test.high, "the noise of these windows would hide even a doubling")
    return Change("none", test.low, test.high)
