# SPDX-License-Identifier: GPL-3.0-or-later
"""The merged run as types: what report.json holds, and what every form of a run's report is made from.

docs/results.md describes it for users; merged_run.py makes it from stage files. Times are Unix seconds, lengths are
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from ..noise.change import Verdict
from .types import (
    CrossCheck,
    Direction,
    DistributionResult,
    Event,
    Evidence,
    FigureState,
    Labels,
    Ledger,
    Resources,
)

if TYPE_CHECKING:
    from typing import TypeGuard

SCHEMA_ID = "temporal_lab.benchmarking/report/1"

#: The state of a stage's newest attempt in the run.
MergedState = Literal["done", "failed", "skipped", "unreadable", "absent"]


class Attempt(TypedDict):
    """One time that a stage was done. The times of an unreadable file are not known."""

    attempt: int
    file: str
    state: MergedState
    message: str
    started: float | None
    finished: float | None
    duration: float | None


class MergedStage(TypedDict):
    """A stage: state, message and duration are those of its newest attempt, the facts those of the one that is shown.

    shown_attempt: the newest that was done, else the newest; None where no stage file could be read.
    """

    stage: str
    state: MergedState
    message: str
    duration: float | None
    shown_attempt: int | None
    attempts: list[Attempt]
    facts: dict[str, Any]
    ledger: Ledger | None


class StagesValue(TypedDict):
    """A value of a version or setting, with the stages that had it."""

    value: Any
    stages: list[str]


class NamedValues(TypedDict):
    """A version or setting: one value where it was the same in all stages."""

    name: str
    values: list[StagesValue]


class StageEvent(Event):
    """An event and its stage."""

    stage: str


class StageWindow(TypedDict):
    """A window and its stage. resources: what it used up, None where that was not measured."""

    stage: str
    name: str
    title: str
    start: float
    end: float
    resources: Resources | None


class Change(TypedDict):
    """A value against that of the window before; ratio 0.12 is 12 % more, None where the value before was 0.

    verdict: whether it is higher or lower, or the difference is no more than noise ("none"), or that is "unknown", for
    a reason. low, high: between what the difference lies but for one time in twenty; None is a side without an end.
    """

    absolute: float
    ratio: float | None
    verdict: Verdict
    low: float | None
    high: float | None
    reason: str


class BareReading(TypedDict):
    """What each reading says."""

    value: float | None
    state: FigureState
    reason: str
    query: str
    time: float
    coverage: float | None
    by: Mapping[str, Union[float, None]]
    change: Change | None


class Reading(BareReading, Evidence, CrossCheck, total=False):
    """A figure in one window, with what its figure says beside the value."""

    thresholds: dict[str, Any]
    definition: str


class FigureRow(TypedDict):
    """A figure over the run. readings: one for each window, None where the window has no such figure.

    distribution: the id of the distribution that it is a part of, else empty.
    """

    id: str
    title: str
    unit: str
    direction: Direction
    question: str
    reference: str
    distribution: str
    key: bool
    readings: list[Union[Reading, None]]


class ReadingPlace(TypedDict):
    """Where a reading is: the figure's id and unit, and the window's place in ``windows``."""

    figure: str
    unit: str
    window: int


class Extreme(TypedDict):
    """The least or greatest value of all readings, and the places of the windows that have it."""

    value: float
    windows: list[int]


class LargestGap(Extreme):
    """The longest time between two samples. scrape_interval: of the stage that has it, None where it is not known."""

    scrape_interval: float | None


class PromqlDifference(TypedDict):
    """A reason why PromQL's answer is another, and the readings that it holds for."""

    reason: str
    readings: list[ReadingPlace]


class Known(TypedDict):
    """How well the values are known. cross_checked: how many values PromQL was asked for too."""

    coverage: Extreme | None
    largest_gap: LargestGap | None
    cross_checked: int
    differences: list[PromqlDifference]
    bounds: list[ReadingPlace]


class MergedSeries(TypedDict):
    """The course of a figure over the run. points: pairs of time and value; step: seconds between points, if known."""

    figure: str
    title: str
    unit: str
    labels: Labels
    queries: list[str]
    step: float | None
    points: list[list[Union[float, None]]]


class MergedDistribution(TypedDict):
    """How a distribution went over the run. windows: one for each window, None where it was not kept for it."""

    id: str
    title: str
    unit: str
    windows: list[Union[DistributionResult, None]]


class BareProblem(TypedDict):
    """kind: file, finding_fail, finding_warn, or a figure's state other than pass."""

    kind: str
    source: str
    text: str


class ReportProblem(BareProblem, total=False):
    """Something to know before the figures are used. effect, cure: of a finding."""

    effect: str
    cure: str


class Report(TypedDict):
    """A run's stage files, merged. The times are None when no stage file could be used."""

    schema: str
    student: str
    run: str
    started: float | None
    finished: float | None
    window: float | None
    first_look: bool
    versions: list[NamedValues]
    settings: list[NamedValues]
    stages: list[MergedStage]
    absent: list[str]
    events: list[StageEvent]
    windows: list[StageWindow]
    figures: list[FigureRow]
    known: Known
    series: list[MergedSeries]
    distributions: list[MergedDistribution]
    problems: list[ReportProblem]


def key_figures(figures: Sequence[FigureRow]) -> list[FigureRow]:
    """The figures that the profile marked as key; all of them where it marked none."""
    return [figure for figure in figures if figure["key"]] or list(figures)


def window_label(windows: Sequence[StageWindow], index: int) -> tuple[str, str]:
    """A window's stage, and its title where the stage has more than one window."""
    window = windows[index]
    alone = sum(other["stage"] == window["stage"] for other in windows) == 1
    return window["stage"], "" if alone else window["title"]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a setting or fact is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
