# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison of two runs as types: what comparison.json holds, and what every form of it is made from.

docs/compare.md describes it for users; compared_runs.py makes it from two merged runs. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from ..results.report import Change
from ..results.types import Direction, FigureState

SCHEMA_ID = "temporal_lab.benchmarking/comparison/1"

#: worse: at least one figure that decides is worse beyond noise and its threshold. not_worse: none is, every window
#: was compared, and something that decides is known of each. undecided: neither can be said.
Outcome = Literal["worse", "not_worse", "undecided"]
#: changed: higher or lower, and the profile does not say which is better. same: no difference beyond noise.
FigureVerdict = Literal["worse", "better", "changed", "same", "unknown", "not_comparable", "missing"]
#: What a difference between the runs does to the comparison: a window is not compared, or it was allowed, or it is
#: only told.
Effect = Literal["not_compared", "allowed", "told"]


class ComparedRun(TypedDict):
    """One side. server: the version of Temporal that measured stages had; empty where it is not known."""

    student: str
    run: str
    started: float | None
    server: str


class ConditionDifference(TypedDict):
    """A setting or version that differs, and the stages it differs in. base, other: None where it was not recorded."""

    kind: Literal["setting", "version", "machine"]
    name: str
    base: Any
    other: Any
    stages: list[str]
    effect: Effect


class ComparedValue(TypedDict):
    """A figure's value on one side; bound as in a stage file, else empty."""

    value: float | None
    bound: str
    state: FigureState


class ComparedFigure(TypedDict):
    """A figure in the same window of both runs.

    decides: whether the outcome depends on it. threshold: the share of the base value by which it has to be worse.
    worse_enough: whether it is worse by that. may_be_worse: the share by which it may be worse at most, by the end of
    its interval; None where that is not known. seen: whether it was known well enough to decide. reason: why it is
    unknown, not comparable or missing, else empty.
    """

    id: str
    title: str
    unit: str
    direction: Direction
    key: bool
    distribution: str
    base: ComparedValue | None
    other: ComparedValue | None
    change: Change | None
    verdict: FigureVerdict
    reason: str
    decides: bool
    threshold: float
    worse_enough: bool
    may_be_worse: float | None
    seen: bool


class ComparedWindow(TypedDict):
    """A window that at least one of the runs has. reason: why it was not compared, else empty. notes: what to know."""

    stage: str
    name: str
    title: str
    state: Literal["compared", "not_comparable", "missing"]
    reason: str
    notes: list[str]
    figures: list[ComparedFigure]


class ComparisonProblem(TypedDict):
    """A file that could not be used: of which run, which file, and why."""

    side: Literal["base", "other"]
    source: str
    text: str


class Comparison(TypedDict):
    """Two runs, window by window and figure by figure. reasons: what the outcome rests on, in sentences.

    threshold: of the figures that have none of their own in thresholds. precision: a figure that may be worse by more
    than this share is not known well enough to decide.
    """

    schema: str
    outcome: Outcome
    reasons: list[str]
    base: ComparedRun
    other: ComparedRun
    threshold: float
    thresholds: Mapping[str, float]
    precision: float
    differences: list[ConditionDifference]
    windows: list[ComparedWindow]
    problems: list[ComparisonProblem]
