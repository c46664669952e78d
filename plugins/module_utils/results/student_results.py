# SPDX-License-Identifier: GPL-3.0-or-later
"""What a student of a class has in the results: the run that counts, with the newest attempt of each stage.

Several folders of results, such as those of job slices, are one class: a student may be in more than one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LabError
from .attempts import newest_done
from .class_report import StudentStage
from .lab_run import newest_attempts
from .links import linked_folders
from .names import FOLDER_NAME, check_folder_name
from .run_bounds import within_bounds
from .runs import Run, list_runs, modified, read_run, run_order
from .types import StageRecord


@dataclass(frozen=True)
class StudentResults:
    """A student's run that counts.

    run: its name; None where nothing is recorded. runs: how many the student has.
    folder: the run's folder, that of the newest stage where it is in several folders of results.
    stages: the newest attempt of each stage.
    measured: by stage the attempt whose windows count, with its key figures only.
    problems: a sentence for each file that cannot be used.
    """

    name: str
    run: str | None = None
    runs: int = 0
    folder: Path | None = None
    stages: dict[str, StudentStage] = field(default_factory=dict)
    measured: dict[str, StageRecord] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def find_students(results_dirs: Iterable[Path]) -> tuple[list[str], list[str]]:
    """The students with a run in any of the folders, by name, and a sentence for each folder that cannot be looked at.

    Raises LabError for a student's folder that cannot be listed.
    """
    found: set[str] = set()
    problems = []
    for folder in results_dirs:
        try:
            names = [
                entry.name
                for entry in os.scandir(folder)
                if FOLDER_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
            problems += [
                f"{folder / name} is a link to a folder, and links are not followed; what it leads to is not counted."
                for name in linked_folders(folder)
            ]
        except OSError as error:
            problems.append(f"Looking for students in {folder} failed: {error.strerror}; its results are not counted.")
            continue
        found.update(name for name in names if _has_runs(folder / name))
    return sorted(found), problems


def _has_runs(folder: Path) -> bool:
    try:
        return any(entry.is_dir() for entry in os.scandir(folder))  # also a link, to be told of
    except OSError:
        # It is there, so it is told of where it is read.
        return True


def read_student(results_dirs: Iterable[Path], name: str, run: str | None = None) -> StudentResults:
    """Read the student's run of that name, else the newest over all the folders.

    A run that is in several folders is one: of each stage the attempt that ended last counts. Raises LabError only
    for names that cannot be a folder's, and without jsonschema.
    """
    check_folder_name("student", name)
    if run is not None:
        check_folder_name("run", run)
    homes: dict[str, list[Path]] = {}
    problems: list[str] = []
    for results_dir in dict.fromkeys(results_dirs):
        try:
            for found in list_runs(results_dir, name):
                homes.setdefault(found, []).append(results_dir)
            problems += linked_runs(results_dir / name)
        except LabError as error:
            problems.append(error.msg)
    chosen = run if run is not None else _newest(homes, name)
    if chosen is None or chosen not in homes:
        return StudentResults(name, runs=len(homes), problems=problems)
    parts = []
    for results_dir in homes[chosen]:
        try:
            parts.append(read_run(results_dir, name, chosen, keep=key_figures_only))
        except LabError as error:
            problems.append(error.msg)
    return _merge(name, chosen, len(homes), parts, problems)


def linked_runs(folder: Path) -> list[str]:
    """A sentence for each run in a student's folder that is left out, because it is a link."""
    try:
        names = linked_folders(folder)
    except OSError:
        return []
    return [
        f"The run {name} is a link to a folder, and links are not followed; what it leads to is not counted."
        for name in names
    ]


def key_figures_only(record: dict[str, Any]) -> dict[str, Any]:
    """A stage with the key figures of its windows and no courses, or as it is when it is of another shape.

    They are a quarter of the figures, and checking figures is what reading a class costs.
    """
    try:
        windows = [
            {
                **{name: value for name, value in window.items() if name != "distributions"},
                "figures": [figure for figure in window["figures"] if figure.get("key")] or window["figures"],
            }
            for window in record["windows"]
        ]
    except (AttributeError, KeyError, TypeError):
        return record
    return {**record, "windows": windows, "series": []}


def _newest(homes: dict[str, list[Path]], name: str) -> str | None:
    if len(homes) < 2:
        return next(iter(homes), None)
    return max(homes, key=lambda run: max(run_order(folder / name / run) for folder in homes[run]))


def _merge(name: str, run: str, runs: int, parts: list[Run], problems: list[str]) -> StudentResults:
    stages: dict[str, StudentStage] = {}
    ends: dict[str, float] = {}
    measured: dict[str, StageRecord] = {}
    newest: tuple[float, Path] | None = None
    for part in parts:
        problems += [problem.text for problem in part.problems]
        for stage, entry in newest_attempts(part).items():
            found, end = _stage(part, stage, entry)
            if newest is None or end > newest[0]:
                newest = end, part.path
            if stage in stages:
                attempts = found["attempts"] + stages[stage]["attempts"]
                if ends[stage] > end:
                    found, end = stages[stage], ends[stage]
                found = {**found, "attempts": attempts}
            stages[stage], ends[stage] = found, end
        for stage, records in part.stages.items():
            done = newest_done(records)
            if done and (stage not in measured or measured[stage]["finished"] < done["finished"]):
                measured[stage] = done
    folder = newest[1] if newest else None
    measured, left_out = within_bounds(measured)
    problems += [problem.text for problem in left_out]
    return StudentResults(name, run, runs, folder, stages, measured, problems)


def _stage(part: Run, stage: str, entry: Mapping[str, Any]) -> tuple[StudentStage, float]:
    """A stage by its newest attempt, and its end. entry: of newest_attempts."""
    records = part.stages.get(stage, [])
    if entry["state"] == "unreadable":
        path = Path(entry["file"])
        message = next((problem.text for problem in part.problems if problem.source == path.name), "")
        end = modified(path)
    else:
        message, end = records[-1]["message"], records[-1]["finished"]
    found: StudentStage = {
        "state": entry["state"],
        "attempt": entry["attempt"],
        "attempts": len(records) + sum(name == stage for name, _attempt in part.unreadable),
        "message": message,
        "time": end,
    }
    return found, end
