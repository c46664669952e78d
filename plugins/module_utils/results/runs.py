# SPDX-License-Identifier: GPL-3.0-or-later
"""A student's runs: making their folders, finding them, and reading what is in them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LabError
from ..files import make_private_folder
from .attempts import files_named
from .links import refuse_links
from .names import FOLDER_NAME, STAGE_FILE, STAGES, check_folder_name, run_id, run_start
from .schema import need_schema
from .stage_file import Keep, read_stage, without_figures
from .types import StageRecord

#: Stage files that are read of a run (ten stages done fifty times each), how large they are together in bytes, and
#: how many stages there may be besides the lab's own.
MOST_FILES = 500
MOST_BYTES = 64 * 2**20
MOST_OTHER_STAGES = 30


@dataclass(frozen=True)
class Problem:
    """Something that a reader of the results should know: where, and one sentence."""

    source: str
    text: str


@dataclass(frozen=True)
class Run:
    """What a run's folder holds.

    stages: the readable stage files by stage, oldest attempt first.
    unreadable: file names that could not be used, by stage and attempt.
    """

    student: str
    name: str
    path: Path
    stages: dict[str, list[StageRecord]] = field(default_factory=dict)
    unreadable: dict[tuple[str, int], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def create_run(results_dir: str | Path, student: str, now: float | None = None) -> str:
    """Make the folder of a new run and return its name, its UTC start.

    Where that name is taken, by a run of the same second, a number is added:
    ``20261123T170102Z-2``. Raises LabError.
    """
    base = run_id(time.time() if now is None else now)
    parent = Path(results_dir) / check_folder_name("student", student)
    name, number = base, 1
    while not make_run_folder(parent / name):
        number += 1
        name = f"{base}-{number}"
    return name


def make_run_folder(folder: Path) -> bool:
    """Make a run's folder, for its owner alone; return False if it is already there. Raises LabError."""
    refuse_links(folder)
    try:
        return make_private_folder(folder)
    except FileExistsError as error:
        raise LabError(
            f"The run's folder {folder} cannot be made, because {error.filename} is a file; "
            "move it away or give another results_dir."
        ) from error
    except OSError as error:
        raise LabError(
            f"Making the run's folder {folder} failed: {error.strerror}; give a results_dir that can be written to."
        ) from error


def list_runs(results_dir: str | Path, student: str) -> list[str]:
    """The names of a student's runs, the oldest first. Raises LabError."""
    parent = Path(results_dir) / check_folder_name("student", student)
    refuse_links(parent / "any")
    try:
        folders = [
            parent / entry.name
            for entry in os.scandir(parent)
            if FOLDER_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LabError(f"Looking for runs in {parent} failed: {error.strerror}; give the right results_dir.") from error
    return [path.name for path in sorted(folders, key=run_order)]


def latest_run(results_dir: str | Path, student: str) -> str | None:
    """The name of a student's newest run, None without any. Raises LabError."""
    runs = list_runs(results_dir, student)
    return runs[-1] if runs else None


def run_order(folder: Path) -> tuple[float, int, str]:
    """A run's start, to sort by: from its name, else from its stages, else from the folder."""
    start = run_start(folder.name)
    if start is not None:
        return (*start, folder.name)
    try:
        run = read_run(folder.parent.parent, folder.parent.name, folder.name, keep=without_figures)
    except LabError:
        # Told of where the run is read.
        return modified(folder), 1, folder.name
    starts = [record["started"] for records in run.stages.values() for record in records]
    return (min(starts) if starts else modified(folder)), 1, folder.name


def modified(path: Path) -> float:
    """When a file or folder was changed last, in Unix seconds; 0 for one that is gone."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def read_run(results_dir: str | Path, student: str, run: str, keep: Keep | None = None, moved: bool = False) -> Run:
    """Read a run's stage files. One that cannot be used becomes a problem, never an error.

    keep: returns the part of a stage file that is wanted; the rest is neither checked nor kept. moved: whether the
    folder is anywhere, so that its names need not be those of the student and the run.
    Raises LabError only for a student's or run's name that cannot be a folder's,
    for a folder that is a link or cannot be listed, and without jsonschema.
    """
    need_schema()
    if not moved:
        check_folder_name("student", student)
        check_folder_name("run", run)
    found = Run(student, run, Path(results_dir) / student / run)
    refuse_links(found.path)
    try:
        files = sorted(files_named(found.path, STAGE_FILE))
    except OSError as error:
        raise LabError(
            f"Reading the run's folder {found.path} failed: {error.strerror}; give the right run."
        ) from error
    files = _as_many_as_are_read(files, found)
    for stage, attempt, path in files:
        try:
            record = read_stage(path, keep)
        except LabError as error:
            found.unreadable[stage, attempt] = path.name
            found.problems.append(Problem(path.name, error.msg))
            continue
        found.stages.setdefault(stage, []).append(record)
        if not moved and (record["student"], record["run"]) != (student, run):
            found.problems.append(
                Problem(
                    path.name,
                    f"{path.name} belongs to student {record['student']}, run {record['run']}, but is in the "
                    f"folder of student {student}, run {run}.",
                )
            )
    return found


def _as_many_as_are_read(files: list[tuple[str, int, Path]], found: Run) -> list[tuple[str, int, Path]]:
    """The stage files without those that are too many; a problem says so. The newest attempts come first."""
    others = sorted({stage for stage, _attempt, _path in files}.difference(STAGES))
    known = {*STAGES, *others[:MOST_OTHER_STAGES]}
    chosen: list[tuple[str, int, Path]] = []
    size = 0
    for file in sorted(files, key=lambda file: (-file[1], file[0])):
        if file[0] in known and len(chosen) < MOST_FILES:
            size += _size(file[2])
            if size > MOST_BYTES:
                break
            chosen.append(file)
    if len(chosen) < len(files):
        found.problems.append(
            Problem(
                found.name,
                f"{len(files) - len(chosen)} stage files in {found.path} are not read: of a run at most {MOST_FILES} "
                f"are, with {MOST_BYTES // 2**20} MiB together, of the lab's stages and {MOST_OTHER_STAGES} others.",
            )
        )
    return sorted(chosen)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
