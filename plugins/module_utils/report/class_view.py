# SPDX-License-Identifier: GPL-3.0-or-later
"""The class report's content in words, the same for the terminal, the Markdown text and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ..foreign_text import clip
from ..formatting import duration_text, number_text, value_text
from ..results.class_outliers import DEVIATIONS, LEAST_STUDENTS, OUTLIER_FACTOR
from ..results.class_report import (
    ClassProblem,
    ClassReport,
    ClassStudent,
    ClassWindow,
    GroupFigure,
    Outlier,
    StudentValue,
)
from ..results.merged_class import STAGE_STATES, TO_RETRY
from .distribution_table import part_order, part_title
from .words import BETTER, NOTHING, SETTINGS_IN_SECONDS, STATE_WORDS, counted

#: Settings of a group that are shown, and characters of one: a stranger's can be any.
MOST_SETTINGS, MOST_SETTING = 40, 200
#: How many students are named before the others are only counted.
MOST_NAMES = 5

NO_STUDENT = "There are no students: name them, or give folders of results that have some."
ABOUT_OUTLIERS = (
    f"Values more than {number_text(OUTLIER_FACTOR)} times the median of at least {LEAST_STUDENTS} students with the "
    "same settings, or less than half of it. A quantile is listed only if the nearer end of its bucket is that far "
    f"away, a rate only if it differs by more than {number_text(DEVIATIONS)} standard deviations of its count. These "
    "values are worth a look; they are not faults."
)


class Attention(TypedDict):
    """A student who failed or of whom nothing is known. place: where to look."""

    student: str
    state: str
    reason: str
    report: str | None
    place: str


class StateHead(TypedDict):
    """A state that a stage is in."""

    state: str
    word: str


class StageStates(TypedDict):
    """How many students are in which state: a row for each stage, with a count for each head."""

    heads: list[StateHead]
    rows: list[tuple[str, list[str]]]


class MatrixCell(TypedDict):
    """A student's stage."""

    state: str
    word: str
    note: str


class MatrixRow(TypedDict):
    """A student's stages."""

    student: str
    state: str
    report: str | None
    place: str
    cells: list[MatrixCell]


class GroupRow(TypedDict):
    """A figure over a group. count: how many have a value; states: how many did not pass."""

    title: str
    hint: str
    count: str
    states: str
    median: str
    lowest: str
    lowest_student: str
    highest: str
    highest_student: str


class PartCell(TypedDict):
    """A figure of a distribution over a group: median, and lowest and highest with who has them; empty without one."""

    median: str
    lowest: str
    highest: str
    states: str


class GroupDistribution(TypedDict):
    """A distribution over a group. cells: one for each head."""

    title: str
    hint: str
    cells: list[PartCell]


class GroupDistributions(TypedDict):
    """The distributions of a group as one table. heads: all of their parts."""

    heads: list[str]
    rows: list[GroupDistribution]


class GroupView(TypedDict):
    """A group. names: its students, where there are several groups. rows: figures that are of no distribution."""

    label: str
    names: str
    settings: str
    rows: list[GroupRow]
    distributions: GroupDistributions


class WindowView(TypedDict):
    """A window. note: in what its groups differ, where there are several."""

    name: str
    note: str
    groups: list[GroupView]


class StudentOutliers(TypedDict):
    """A student's values far from the median, the farthest first."""

    student: str
    texts: list[str]


class ClassView(TypedDict):
    """Everything the class report says, section by section, as text."""

    summary: str
    attention: list[Attention]
    unfinished: list[str]
    done: list[str]
    skipped: list[str]
    stage_states: StageStates
    stages: list[str]
    students: list[MatrixRow]
    windows: list[WindowView]
    about_outliers: str
    outliers: list[StudentOutliers]
    notes: list[str]
    problems: list[ClassProblem]


def build_view(report: ClassReport) -> ClassView:
    """Everything the class report says."""
    return {
        "summary": _summary(report),
        "attention": [_attention(entry) for entry in report["students"] if entry["state"] in TO_RETRY],
        "unfinished": _unfinished(report),
        "done": [entry["student"] for entry in report["students"] if entry["state"] == "done"],
        "skipped": _skipped(report),
        "stage_states": _stage_states(report),
        "stages": report["stages"],
        "students": [_row(report, entry) for entry in report["students"]],
        "windows": [_window(report, window) for window in report["windows"]],
        "about_outliers": ABOUT_OUTLIERS,
        "outliers": _outliers(report),
        "notes": _notes(report),
        "problems": report["problems"],
    }


def names_text(names: Sequence[str]) -> str:
    """Names, of many only the first and how many more there are."""
    if len(names) <= MOST_NAMES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"


def _summary(report: ClassReport) -> str:
    total = len(report["students"])
    if not total:
        return NO_STUDENT
    return f"{counted(total, 'student')}: {', '.join(f'{count} {state}' for state, count in report['states'].items())}."


def _attention(entry: ClassStudent) -> Attention:
    return {
        "student": entry["student"],
        "state": entry["state"],
        "reason": entry["reason"],
        "report": entry["report"],
        "place": _place(entry),
    }


def _place(entry: ClassStudent) -> str:
    """Where to look: the run, and how many there are."""
    if entry["run"] is None:
        return ""
    return f"run {entry['run']}" + (f", the newest of {entry['runs']}" if entry["runs"] > 1 else "")


def _unfinished(report: ClassReport) -> list[str]:
    """One line for all the students who lack the same stages."""
    groups: dict[str, list[str]] = {}
    for entry in report["students"]:
        if entry["state"] == "unfinished":
            groups.setdefault(entry["reason"], []).append(entry["student"])
    return [f"{counted(len(names), 'student')}, {reason} ({names_text(names)})" for reason, names in groups.items()]


def _skipped(report: ClassReport) -> list[str]:
    """One line for all the students whose stage was skipped for the same reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    recorded = sum(entry["run"] is not None for entry in report["students"])
    for entry in report["students"]:
        for name, stage in entry["stages"].items():
            if stage["state"] == "skipped":
                groups.setdefault((name, " ".join(stage["message"].split())), []).append(entry["student"])
    return [
        f"{name} skipped for {counted(len(names), 'student')}: {message}"
        + ("" if len(names) == recorded else f" ({names_text(names)})")
        for (name, message), names in groups.items()
    ]


def _stage_states(report: ClassReport) -> StageStates:
    """How many students are in which state of each stage: heads, and rows of the stage and its counts."""
    states = [state for state in STAGE_STATES if any(state in counts for counts in report["counts"].values())]
    return {
        "heads": [{"state": state, "word": STATE_WORDS.get(state, state)} for state in states],
        "rows": [
            (name, [str(counts[state]) if state in counts else NOTHING for state in states])
            for name, counts in report["counts"].items()
        ],
    }


def _row(report: ClassReport, entry: ClassStudent) -> MatrixRow:
    """A student's row of the matrix."""
    return {
        "student": entry["student"],
        "state": entry["state"],
        "report": entry["report"],
        "place": _place(entry),
        "cells": [
            {
                "state": stage["state"],
                "word": STATE_WORDS.get(stage["state"], stage["state"]),
                "note": f"attempt {stage['attempt']}" if (stage["attempt"] or 1) > 1 else "",
            }
            for stage in (entry["stages"][name] for name in report["stages"])
        ],
    }


# --- figures -------------------------------------------------------------------------------------


def _window_name(report: ClassReport, stage: str, title: str) -> str:
    alone = sum(window["stage"] == stage for window in report["windows"]) == 1
    return stage if alone else f"{stage}, {title}"


def _window(report: ClassReport, window: ClassWindow) -> WindowView:
    groups = window["groups"]
    note = ""
    if len(groups) > 1:
        note = f"Students differ in {', '.join(window['differ'][:MOST_SETTINGS])}, so they form {len(groups)} groups."
    return {
        "name": _window_name(report, window["stage"], window["title"]),
        "note": note,
        "groups": [
            {
                "label": f"{counted(len(group['students']), 'student')}{_with(group['settings'], window['differ'])}",
                "names": names_text(group["students"]) if len(groups) > 1 else "",
                "settings": ", ".join(
                    _setting(name, value) for name, value in list(group["settings"].items())[:MOST_SETTINGS]
                ),
                "rows": [_figure(row, len(group["students"])) for row in group["figures"] if not row["distribution"]],
                "distributions": _distributions(group["figures"], len(group["students"])),
            }
            for group in groups
        ],
    }


def _with(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    return f" with {', '.join(_setting(name, settings.get(name)) for name in names[:MOST_SETTINGS])}" if names else ""


def _setting(name: str, value: object) -> str:
    if value is None:
        return f"{name} not known"
    if isinstance(value, float):
        return f"{name} {duration_text(value) if name in SETTINGS_IN_SECONDS else number_text(value)}"
    return f"{name} {clip(str(value), MOST_SETTING)}"


def _figure(figure: GroupFigure, students: int) -> GroupRow:
    values, median, unit = figure["values"], figure["median"], figure["unit"]
    states = [f"{count} {state}" for state, count in figure["states"].items() if state != "pass"]
    return {
        "title": figure["title"],
        "hint": BETTER.get(figure["direction"], ""),
        "count": f"{len(values)} of {students}",
        "states": ", ".join(states),
        "median": value_text(median["value"], unit, median["bound"]) if median else NOTHING,
        "lowest": value_text(values[0]["value"], unit, values[0]["bound"]) if values else NOTHING,
        "lowest_student": _who_has(values, 0),
        "highest": value_text(values[-1]["value"], unit, values[-1]["bound"]) if values else NOTHING,
        "highest_student": _who_has(values, -1),
    }


def _distributions(figures: Sequence[GroupFigure], students: int) -> GroupDistributions:
    """The figures of distributions, a row for each of these."""
    parts: dict[str, dict[str, GroupFigure]] = {}
    for figure in figures:
        if figure["distribution"]:
            parts.setdefault(figure["distribution"], {})[part_title(figure["title"])] = figure
    heads = sorted({title for of in parts.values() for title in of}, key=part_order)
    rows: list[GroupDistribution] = []
    for of in parts.values():
        first = next(iter(of.values()))
        rows.append(
            {
                "title": first["title"].rpartition(", ")[0] or first["title"],
                "hint": BETTER.get(first["direction"], ""),
                "cells": [_part(of.get(head), students) for head in heads],
            }
        )
    return {"heads": heads, "rows": rows}


def _part(figure: GroupFigure | None, students: int) -> PartCell:
    if figure is None:
        return {"median": "", "lowest": "", "highest": "", "states": ""}
    row = _figure(figure, students)
    missing = "" if len(figure["values"]) == students else f"{row['count']} have a value"
    return {
        "median": row["median"],
        "lowest": f"{row['lowest']} {row['lowest_student']}".strip() if figure["values"] else "",
        "highest": f"{row['highest']} {row['highest_student']}".strip() if figure["values"] else "",
        "states": ", ".join(filter(None, [missing, row["states"]])),
    }


def _who_has(values: Sequence[StudentValue], place: int) -> str:
    """The students who have the value at a place; empty where there are no values."""
    if not values:
        return ""
    same = [value["student"] for value in values if value["value"] == values[place]["value"]]
    if len(same) == len(values):
        return "all"
    return same[0] + (f" and {len(same) - 1} more" if len(same) > 1 else "")


def _outliers(report: ClassReport) -> list[StudentOutliers]:
    """For each student with a figure far from the median the texts of all of them, the farthest first."""
    found: dict[str, list[str]] = {}
    for entry in report["outliers"]:
        found.setdefault(entry["student"], []).append(_outlier(report, entry))
    return [{"student": student, "texts": texts} for student, texts in found.items()]


def _outlier(report: ClassReport, entry: Outlier) -> str:
    value = value_text(entry["value"], entry["unit"], entry["bound"])
    median = value_text(entry["median"], entry["unit"])
    against = f"{entry['ratio']:.2g} times" if entry["value"] else "against"
    return (
        f"{entry['figure_title']} {value} in {_window_name(report, entry['stage'], entry['title'])}, "
        f"{against} the median of {counted(entry['students'], 'student')}, {median}"
    )


def _notes(report: ClassReport) -> list[str]:
    notes = []
    if report["others"]:
        notes.append(
            f"In the results but not in the class, so not counted: {names_text(report['others'])} "
            f"({counted(len(report['others']), 'student')})."
        )
    return notes
