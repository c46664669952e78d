# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a stage leaves in its run's folder: one more at each attempt, none ever changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import LabError
from ..files import make_private_folder, write_new_file
from .links import refuse_links
from .names import SAMPLES_FILE, STAGE_FILE, check_stage_name, samples_file_name, stage_file_name
from .stage_file import to_json
from .types import StageRecord

#: Stages whose samples are looked at.
MOST_STAGES = 100


def files_named(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, int, Path]]:
    """Stage, number and path of the files in a folder whose names are of a pattern. Raises OSError."""
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return
    for path in entries:
        match = pattern.fullmatch(path.name)
        if match:
            yield match[1], int(match[2]), path


def newest_done(records: Sequence[StageRecord]) -> StageRecord | None:
    """The newest of a stage's attempts that was done; None where none was."""
    done = [record for record in records if record["state"] == "done"]
    return done[-1] if done else None


def next_attempt(folder: Path, stage: str) -> int:
    """The number after the highest attempt of ``stage`` in a run's folder; 1 where there is none."""
    attempts = [number for name, number, _path in files_named(folder, STAGE_FILE) if name == stage]
    return max(attempts, default=0) + 1


def write_stage(results_dir: str | Path, record: StageRecord, check_mode: bool = False) -> tuple[Path, int]:
    """Write a record as its stage's next attempt; return the file and the attempt, in check mode those to come.

    The file appears whole or not at all, and never takes the place of another:
    a hard link fails where a rename would overwrite, so of two writers at once
    one gets the next number. Raises LabError.
    """
    folder = Path(results_dir) / record["student"] / record["run"]
    stage = record["stage"]
    refuse_links(folder)
    try:
        if not check_mode:
            make_private_folder(folder)
        attempt = next_attempt(folder, stage)
        while True:
            path = folder / stage_file_name(stage, attempt)
            if check_mode or write_new_file(path, to_json({**record, "attempt": attempt}).encode()):
                return path, attempt
            attempt += 1
    except OSError as error:
        raise LabError(
            f"Writing the result of stage {stage} into {folder} failed: {error.strerror}; "
            "results_dir must be a writable folder with free space, on a file system with hard links."
        ) from error


def newest_samples(folder: Path) -> dict[str, Path]:
    """The newest file of samples of each stage in a run's folder, by stage."""
    newest = {stage: path for stage, _number, path in sorted(files_named(folder, SAMPLES_FILE))}
    return dict(list(newest.items())[:MOST_STAGES])


def next_samples(folder: Path, stage: str) -> Path:
    """The next file for a stage's samples: its number is above those of all files of the stage.

    So it is that of the attempt to come, except after a run that was cut off between the two. Raises LabError.
    """
    check_stage_name(stage)
    try:
        files = [*files_named(folder, STAGE_FILE), *files_named(folder, SAMPLES_FILE)]
    except OSError as error:
        raise LabError(
            f"Looking for files in {folder} failed: {error.strerror}; give the right run's folder."
        ) from error
    number = max((number for name, number, _path in files if name == stage), default=0) + 1
    return folder / samples_file_name(stage, number)


def write_samples(folder: Path, stage: str, content: bytes) -> Path:
    """Write the raw samples of a stage into a run's folder, as a file of their own; return its path.

    It never takes the place of another, just as a stage file. Raises LabError.
    """
    refuse_links(folder)
    try:
        make_private_folder(folder)
        path = next_samples(folder, stage)
        while not write_new_file(path, content):
            path = next_samples(folder, stage)
    except OSError as error:
        raise LabError(
            f"Keeping the samples of stage {stage} in {folder} failed: {error.strerror}; it must be a writable "
            "folder with free space, on a file system with hard links."
        ) from error
    return path
