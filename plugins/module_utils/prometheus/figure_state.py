# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value is worth: the state of a figure and the reason for it, by its samples and by the profile's limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from ..results.types import Compared, FigureState, Labels, Values
from .profile import Figure, Relative
from .query import number

#: A graver state takes the place of one that is less grave.
GRAVITY: Mapping[FigureState, int] = {"pass": 0, "warn": 1, "inconclusive": 2, "fail": 3, "error": 4}


Limit = Literal["fail", "warn"]
#: The graver one first.
LIMITS: tuple[Limit, ...] = ("fail", "warn")


class Judged(NamedTuple):
    """A figure's value, its values by label (None where it is not split), its state, and why that is not pass."""

    value: float | None
    by: dict[str, float] | None
    state: FigureState
    reason: str


def judge(
    figure: Figure, rows: Sequence[tuple[Labels, float]], short: str, missing: str, no_zero: Callable[[], str]
) -> Judged:
    """What the rows of a figure are worth.

    rows: what its query gave. short: why the scrapes do not bear it, or empty.
    missing: names of its metric when Prometheus has none of them, or empty.
    no_zero: says why no series does not mean zero, or nothing when it does.
    """
    if not rows:
        none: dict[str, float] | None = {} if figure.by else None
        what = "no series with these labels has samples enough in this window"
        if missing:
            what = f"Prometheus has no metric {missing} here"
        if short:
            return Judged(None, none, "inconclusive", short)
        if figure.absent == "zero":
            doubt = no_zero()
            return Judged(None, none, "error", doubt) if doubt else Judged(0.0, none, "pass", "")
        return Judged(None, none, figure.absent, what)
    values = [value for _labels, value in rows]
    if any(math.isnan(value) for value in values):
        return Judged(None, None, "inconclusive", short or "no observations in this window")
    if any(math.isinf(value) for value in values):
        return Judged(None, None, "inconclusive", short or "there was nothing to divide by in this window")
    by = {labels.get(figure.by, ""): value for labels, value in rows} if figure.by else None
    value = math.fsum(values)
    if short:
        return Judged(value, by, "inconclusive", short)
    return Judged(value, by, *_against_thresholds(figure, value))


def _against_thresholds(figure: Figure, value: float) -> tuple[FigureState, str]:
    for state in LIMITS:
        limit = figure.thresholds.get(state)
        if limit is None:
            continue
        if value > limit if figure.direction == "lower" else value < limit:
            side = "above" if figure.direction == "lower" else "below"
            return state, f"{side} the threshold of {number(limit)} {figure.unit}"
    return "pass", ""


def compare(
    figure: Figure,
    relative: Relative,
    value: float,
    window: str,
    earlier: Values,
    bound: str = "",
    least: float = -math.inf,
) -> tuple[FigureState, str, Compared | None]:
    """State, reason and what was compared, of a value against that of an earlier window.

    None was compared where the figure's window is that earlier one itself.
    bound: which way the value is only the end of its quantile's bucket. least: the end of the smallest bucket; an
    earlier value that is not above it is such an end too.
    """
    if window == relative.window:
        return "pass", "", None
    before = earlier.get(relative.window, {}).get(figure.id)
    compared: Compared = {"window": relative.window, "value": before, "ratio": None}
    if before is None:
        return "inconclusive", f"there is no value of the window {relative.window} to compare with", compared
    if before == 0 and value != 0:
        return (
            "inconclusive",
            f"it was zero in the window {relative.window}: there is nothing to compare with",
            compared,
        )
    ratio = compared["ratio"] = value / before if before else 1.0
    found: FigureState = "pass"
    reason = ""
    for state in LIMITS:
        limit = relative.limits.get(state)
        if limit is not None and (ratio > limit if figure.direction == "lower" else ratio < limit):
            side = "more" if figure.direction == "lower" else "less"
            found = state
            reason = f"{side} than {number(limit)} times the value of the window {relative.window}"
            break
    # The true ratio may be on one side of this one: what is beyond a limit for certain stays so.
    may_be_more = bound == "above" or before <= least
    may_be_less = bound == "below"
    if may_be_less if (found != "pass") == (figure.direction == "lower") else may_be_more:
        reason = f"one of the values is only the end of a bucket: how it compares with {relative.window} is not known"
        return "inconclusive", reason, compared
    return found, reason, compared
