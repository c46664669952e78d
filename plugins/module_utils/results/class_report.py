# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a class as types: what class.json holds, and what every form of the class report is made from.

merged_class.py makes it from the students' results. Times are Unix seconds, lengths are seconds.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union

from .report import MergedState
from .types import Direction, FigureState

SCHEMA_ID = "temporal_lab.benchmarking/class/1"

StudentState = Literal["failed", "unreadable", "nothing recorded", "unfinished", "done"]
#: Which way a value is only the end of where it lies; empty where it is a value.
Bound = Literal["below", "above", ""]


class StudentStage(TypedDict):
    """A stage of a student: the newest attempt, and how many there are. time: its end.

    Of an unreadable file the time is when it was written.
    """

    state: MergedState
    message: str
    attempt: int | None
    attempts: int
    time: float | None


class ClassStudent(TypedDict):
    """How a student is doing. report: address of the student's own report, seen from the class report."""

    student: str
    state: StudentState
    reason: str
    run: str | None
    runs: int
    stages: dict[str, StudentStage]
    missing: list[str]
    report: str | None


class StudentValue(TypedDict):
    """A student's value of a figure. known: the ends of where it lies; length: of the window it is of."""

    student: str
    value: float
    bound: Bound
    state: FigureState
    known: list[Union[float, None]]
    length: float


class Median(TypedDict):
    """The median of a figure over a group."""

    value: float
    bound: Bound


class GroupFigure(TypedDict):
    """A figure over a group. values: the lowest first; states: how many students have the figure in which state.

    distribution: the id of the distribution that it is a part of, else empty.
    """

    id: str
    title: str
    unit: str
    direction: Direction
    distribution: str
    key: bool
    values: list[StudentValue]
    states: dict[FigureState, int]
    median: Median | None


class Group(TypedDict):
    """The students who measured a window under the same settings."""

    settings: dict[str, Any]
    students: list[str]
    figures: list[GroupFigure]


class ClassWindow(TypedDict):
    """A window of a stage, by groups, the largest first. differ: names of the settings that are not the same in all."""

    stage: str
    window: str
    title: str
    differ: list[str]
    groups: list[Group]


class Outlier(TypedDict):
    """A student's value far from the median of a group of so many students."""

    stage: str
    window: str
    title: str
    unit: str
    direction: Direction
    figure: str
    figure_title: str
    student: str
    value: float
    bound: Bound
    median: float
    students: int
    ratio: float


class ClassProblem(TypedDict):
    """A file or folder that cannot be used. source: the student, or empty."""

    source: str
    text: str


class ClassReport(TypedDict):
    """A class. states, counts: how many students are in which state, in all and by stage."""

    schema: str
    stages: list[str]
    asked: bool
    states: dict[StudentState, int]
    counts: dict[str, dict[MergedState, int]]
    students: list[ClassStudent]
    windows: list[ClassWindow]
    outliers: list[Outlier]
    others: list[str]
    problems: list[ClassProblem]
