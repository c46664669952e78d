# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the results of a class's students into one class report, from which every form of it is made.

Nothing here reads a file or a cluster. The figures of a student are those of the student's own report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from .class_groups import group_windows
from .class_outliers import find_outliers
from .class_report import SCHEMA_ID, ClassProblem, ClassReport, ClassStudent, StudentStage, StudentState
from .merged_run import NOT_MISSED
from .names import STAGES
from .report import MergedState
from .student_results import StudentResults

#: How a student is doing, the gravest first. A student of whom nothing is known is neither well nor ill.
STATES: tuple[StudentState, ...] = ("failed", "unreadable", "nothing recorded", "unfinished", "done")
#: States of a stage, in the order in which they are shown.
STAGE_STATES: tuple[MergedState, ...] = ("failed", "unreadable", "skipped", "done", "absent")
#: Students in these states are to be retried.
TO_RETRY: tuple[StudentState, ...] = ("failed", "unreadable", "nothing recorded")


def build_class(
    students: Sequence[StudentResults],
    stages: Sequence[str] | None = None,
    problems: Iterable[str] = (),
    others: Sequence[str] = (),
) -> ClassReport:
    """Merge the results of students (docs/results.md).

    stages: those that are asked about; without them all that any student has recorded. problems: sentences about
    the folders. others: students in the results that do not belong to the class.
    """
    names = list(stages) if stages else _stages(students)
    wanted = names if stages else [name for name in names if name in STAGES]
    entries = [_student(student, names, wanted) for student in students]
    windows = group_windows(students, names)
    return {
        "schema": SCHEMA_ID,
        "stages": names,
        "asked": bool(stages),
        "states": {state: count for state in STATES if (count := sum(entry["state"] == state for entry in entries))},
        "counts": {
            name: {
                state: count
                for state in STAGE_STATES
                if (count := sum(entry["stages"][name]["state"] == state for entry in entries))
            }
            for name in names
        },
        "students": entries,
        "windows": windows,
        "outliers": find_outliers(windows),
        "others": list(others),
        "problems": _problems(students, problems),
    }


def students_to_retry(report: ClassReport) -> list[str]:
    """Whom to retry: the newest attempt of a stage failed or cannot be read, or nothing is recorded.

    A stage that was asked about and is not done yet counts as well: the run may have been cut off before it.
    """
    return [
        entry["student"]
        for entry in report["students"]
        if entry["state"] in TO_RETRY or (report["asked"] and entry["missing"])
    ]


def _stages(students: Sequence[StudentResults]) -> list[str]:
    """The lab's stages in the lab's order, then others by name: those that any student has."""
    found = {stage for student in students for stage in student.stages}.difference(NOT_MISSED)
    return [*(name for name in STAGES if name in found), *sorted(found.difference(STAGES))]


def _problems(students: Sequence[StudentResults], problems: Iterable[str]) -> list[ClassProblem]:
    found: list[ClassProblem] = [{"source": "", "text": text} for text in problems]
    found += [{"source": student.name, "text": text} for student in students for text in student.problems]
    return found


def _student(student: StudentResults, names: Sequence[str], wanted: Sequence[str]) -> ClassStudent:
    absent: StudentStage = {"state": "absent", "message": "", "attempt": None, "attempts": 0, "time": None}
    stages = {name: student.stages.get(name, absent) for name in names}
    missing = [name for name in wanted if name not in student.stages]
    state, reason = _state(student, stages, missing)
    return {
        "student": student.name,
        "state": state,
        "reason": reason,
        "run": student.run,
        "runs": student.runs,
        "stages": stages,
        "missing": missing,
        "report": None,
    }


def _state(
    student: StudentResults, stages: dict[str, StudentStage], missing: Sequence[str]
) -> tuple[StudentState, str]:
    """A student's state and the reason for it; empty where the state says all."""
    bad: tuple[Literal["failed", "unreadable"], ...] = ("failed", "unreadable")
    for state in bad:
        reasons = [f"{name}: {_line(entry['message'])}" for name, entry in stages.items() if entry["state"] == state]
        if reasons:
            return state, "; ".join(reasons)
    if not student.stages:
        return "nothing recorded", ""
    if missing:
        return "unfinished", f"not done yet: {', '.join(missing)}"
    return "done", ""


def _line(text: str) -> str:
    return " ".join(text.split()) or "no reason was recorded"
