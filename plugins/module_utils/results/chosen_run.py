# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run someone means by a name: a run, a student, a student's run, or a place in the file system."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ..errors import LabError
from ..foreign_text import plain
from .names import FOLDER_NAME
from .runs import Run, latest_run, list_runs, read_run
from .stage_file import read_stage

#: How many runs a sentence names.
NAMED = 5


def chosen_run(results_dir: Path, student: str, given: str) -> Run:
    """The run that ``given`` names, read. Raises LabError where there is none, or nothing in it that can be used.

    given: a run of the student; another student, whose newest run it is; ``student/run``; or the path of a run's
    folder, of a student's folder (the newest run), or of one stage file.
    """
    run = _read(results_dir, student, given)
    if not run.stages:
        why = run.problems[0].text if run.problems else "there is no stage file in it."
        raise LabError(f"The run {run.name} of {run.student} in {run.path} cannot be compared: {why}")
    return run


def run_before(results_dir: Path, student: str, run: Run) -> str:
    """The name of the student's run before another one. Raises LabError where there is none."""
    runs = list_runs(results_dir, student)
    earlier = runs[: runs.index(run.name)] if run.student == student and run.name in runs else runs
    if not earlier:
        raise LabError(
            f"There is no earlier run of {student} in {results_dir} to compare {run.name} with: give compare_base, "
            "such as -e base=RUN."
        )
    return earlier[-1]


def _read(results_dir: Path, student: str, given: str) -> Run:
    parts = given.split("/")
    if all(map(FOLDER_NAME.fullmatch, parts)):
        if len(parts) == 1 and given in list_runs(results_dir, student):
            return read_run(results_dir, student, given)
        if len(parts) == 1 and (newest := latest_run(results_dir, given)):
            return read_run(results_dir, given, newest)
        if len(parts) == 2 and parts[1] in list_runs(results_dir, parts[0]):
            return read_run(results_dir, parts[0], parts[1])
    path = Path(os.path.abspath(os.path.expanduser(given)))
    if os.path.isdir(path):
        return _of_folder(path)
    if os.path.isfile(path):
        return _of_file(path)
    runs = list_runs(results_dir, student)
    there = f"{student} has {', '.join(runs[-NAMED:])} there" if runs else f"{student} has no run there"
    raise LabError(
        f"{plain(given)} is neither a run of {student} nor a student in {results_dir} ({there}), nor a folder or file: "
        "give the name of a run, of a student, STUDENT/RUN, or the path of a run's folder or of a stage file."
    )


def _of_folder(path: Path) -> Run:
    """A run's folder, which whoever copied it may have renamed, or a student's, whose newest run counts."""
    run = read_run(path.parent.parent, path.parent.name, path.name, moved=True)
    if not run.stages and not run.unreadable and (newest := latest_run(path.parent, path.name)):
        return read_run(path.parent, path.name, newest)
    owners = {(record["student"], record["run"]) for records in run.stages.values() for record in records}
    if len(owners) > 1:
        names = " and ".join(f"{name} of {student}" for student, name in sorted(owners)[:2])
        raise LabError(f"{path} has stage files of several runs, such as {names}: give a folder with those of one.")
    return replace(run, student=next(iter(owners))[0], name=next(iter(owners))[1]) if owners else run


def _of_file(path: Path) -> Run:
    if path.name == "report.json":
        raise LabError(f"{path} was made from stage files: give the folder of the run, {path.parent}.")
    record = read_stage(path)
    return Run(record["student"], record["run"], path.parent, {record["stage"]: [record]})
