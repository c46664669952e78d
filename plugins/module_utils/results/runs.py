# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs and stage files: building, checking, writing and reading them.

A stage file is ``<results>/<student>/<run>/<stage>-<attempt>.json``, and the raw
samples that it was measured from are in ``<stage>-<number>.samples.json.gz`` beside
it. Neither is ever changed once it stands. docs/results.md describes them.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

try:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
except ImportError:
    Draft202012Validator = None

from ..errors import LabError
from ..files import put_file, write_new_file
from .schema import (
    FAMILY,
    SCHEMA_ID,
    STAGE,
)

Record = dict[str, Any]
#: Gives the part of a stage file that a reader uses; the rest is neither checked nor kept.
Keep = Callable[[Record], Record]

#: The stages of the lab in their order; other stages may exist beside them.
STAGES = (
    "preflight",
    "install",
    "dashboard",
    "baseline",
    "benchmark",
    "concurrency",
    "scale",
    "report",
    "cleanup",
    "recreate",
)

STAGE_NAME = re.compile(r"[a-z][a-z0-9_]*")
STAGE_FILE = re.compile(r"([a-z][a-z0-9_]*)-([1-9][0-9]*)\.json")
SAMPLES_FILE = re.compile(r"([a-z][a-z0-9_]*)-([1-9][0-9]*)\.samples\.json\.gz")
RUN_ID = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?")
RUN_ID_FORMAT = "%Y%m%dT%H%M%SZ"
FOLDER_NAME = re.compile(r"\w[\w.@+-]*")
LARGEST_INTEGER = 2**63
#: What prometheus_sample makes of a stage file.
MEASURED = ("windows", "series")
#: File systems take 255 bytes; the rest is room for what others add to a name.
FOLDER_NAME_BYTES = 200


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
    stages: dict[str, list[Record]] = field(default_factory=dict)
    unreadable: dict[tuple[str, int], str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


# --- names ---------------------------------------------------------------------------------------


def check_folder_name(what: str, name: str) -> str:
    """Return ``name`` if it can be a folder's name on any file system, else raise LabError.

    what: ``student`` or ``run``, for the sentence.
    """
    if not FOLDER_NAME.fullmatch(name) or len(name.encode("utf-8", "surrogatepass")) > FOLDER_NAME_BYTES:
        shown = name if len(name) <= 60 else name[:60] + "…"
        raise LabError(
            f"The {what} name {shown!r} cannot be a folder's name below results_dir; use letters, digits and "
            f". _ - @ +, begin with a letter, digit or _, and stay within {FOLDER_NAME_BYTES} bytes."
        )
    return name


def check_stage_name(name: str) -> str:
    """Return ``name`` if it can name a stage, else raise LabError."""
    if not STAGE_NAME.fullmatch(name):
        raise LabError(
            f"The stage name {name!r} cannot be part of a file's name; use lower-case letters, digits and _, "
            "beginning with a letter."
        )
    return name


def run_id(now: float) -> str:
    """The name of a run that starts ``now`` (Unix seconds), such as ``20261123T170102Z``."""
    return datetime.fromtimestamp(now, timezone.utc).strftime(RUN_ID_FORMAT)


# --- building and checking -----------------------------------------------------------------------


def build_stage(
    *,
    student: str,
    run: str,
    stage: str,
    state: str,
    started: float,
    finished: float,
    message: str = "",
    events: list[Record] | None = None,
    windows: list[Record] | None = None,
    series: list[Record] | None = None,
    samples: str | None = None,
    versions: Record | None = None,
    settings: Record | None = None,
    facts: Record | None = None,
    measured: bool = False,
) -> Record:
    """Return a checked stage record; its attempt is 1 until it is written. Raises LabError.

    measured: windows and series come straight from prometheus_sample, and are not held against the schema again.
    """
    record: Record = {
        "schema": SCHEMA_ID,
        "student": check_folder_name("student", student),
        "run": check_folder_name("run", run),
        "stage": check_stage_name(stage),
        "attempt": 1,
        "state": state,
        "message": message,
        "started": round(started, 3),
        "finished": round(finished, 3),
        "events": events or [],
        "windows": windows or [],
        "series": series or [],
        **({"samples": samples} if samples else {}),
        "versions": versions or {},
        "settings": settings or {},
        "facts": facts or {},
    }
    fault = find_fault(record, MEASURED if measured else ())
    if fault:
        raise LabError(f"The result of stage {stage} of {student} was not written: {fault}.")
    return record


def find_fault(record: object, known: Sequence[str] = ()) -> str:
    """Say where and why ``record`` is not a stage of schema 1, or return an empty string.

    known: lists in it that are known to be of the schema, which is most of the work of a record with figures.
    """
    _need_jsonschema()
    for path, reason in _not_json(record, ""):
        return f"{path or 'it'} {reason}"
    unknown = {**record, **{name: [] for name in known}} if isinstance(record, dict) else record
    error = best_match(Draft202012Validator(STAGE).iter_errors(unknown))
    if error is not None:
        path = _path(error.absolute_path)
        text = error.message if len(error.message) <= 300 else error.message[:300] + "…"
        return f"{path or 'it'} is not of schema {SCHEMA_ID}: {text}"
    for path, reason in _contradictions(record):
        return f"{path} {reason}"
    return ""


def _need_jsonschema() -> None:
    if Draft202012Validator is None:
        raise LabError(
            "Checking the lab's results needs the Python package jsonschema, which is not installed where the task "
            "ran; install it there, for example with pip install jsonschema."
        )


def _path(steps: Any) -> str:
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


def _not_json(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Values that JSON has no form for, NaN first of all: it would read as a number elsewhere."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield path, f"has the key {key!r}, which is not text"
            yield from _not_json(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _not_json(item, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"is {value}, which is not a number in JSON (an unknown value is null)"
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        yield path, "is a larger whole number than other programs can read"
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        yield path, f"is of the type {type(value).__name__}, which JSON does not have"


def _contradictions(record: Any) -> Iterator[tuple[str, str]]:
    """What the schema cannot say."""
    if record["finished"] < record["started"]:
        yield "finished", f"({record['finished']}) is before started ({record['started']})"
    if record["state"] != "done" and not record["message"].strip():
        yield "message", f"is empty although the state is {record['state']}"
    names = set()
    for number, window in enumerate(record["windows"]):
        place = f"windows[{number}]"
        if window["name"] in names:
            yield f"{place}.name", f"is {window['name']!r} a second time"
        names.add(window["name"])
        if window["end"] <= window["start"]:
            yield f"{place}.end", f"({window['end']}) is not after its start ({window['start']})"
        ids = set()
        for position, figure in enumerate(window["figures"]):
            spot = f"{place}.figures[{position}]"
            if figure["id"] in ids:
                yield f"{spot}.id", f"is {figure['id']!r} a second time in its window"
            ids.add(figure["id"])
            if figure["value"] is None and figure["state"] == "pass" and not figure.get("by"):
                yield f"{spot}.state", "is pass although the value is null (no data is never a pass)"


# --- writing -------------------------------------------------------------------------------------


def write_stage(results_dir: str | Path, record: Record) -> tuple[Path, int]:
    """Write a record as its stage's next attempt; return the file and the attempt.

    The file appears whole or not at all, and never takes the place of another:
    a hard link fails where a rename would overwrite, so of two writers at once
    one gets the next number. Raises LabError.
    """
    folder = Path(results_dir) / record["student"] / record["run"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        attempt = next_attempt(folder, record["stage"])
        while True:
            path = folder / f"{record['stage']}-{attempt}.json"
            if write_new_file(path, to_json({**record, "attempt": attempt}).encode()):
                return path, attempt
            attempt += 1
    except OSError as error:
        raise LabError(
            f"Writing the result of stage {record['stage']} into {folder} failed: {error.strerror}; "
            "results_dir must be a folder that can be written to, with room, on a file system with hard links."
        ) from error


def next_attempt(folder: Path, stage: str) -> int:
    """The number after the highest attempt of ``stage`` in a run's folder; 1 where there is none."""
    attempts = [number for name, number, _path in _files(folder, STAGE_FILE) if name == stage]
    return max(attempts, default=0) + 1


def write_samples(folder: Path, stage: str, content: bytes) -> Path:
    """Write the raw samples of a stage into a run's folder, as a file of their own; return its path.

    It never takes the place of another, just as a stage file. Raises LabError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = next_samples(folder, stage)
        while not write_new_file(path, content):
            path = next_samples(folder, stage)
    except OSError as error:
        raise LabError(
            f"Keeping the samples of stage {stage} in {folder} failed: {error.strerror}; it must be a folder that can "
            "be written to, with room, on a file system with hard links."
        ) from error
    return path


def next_samples(folder: Path, stage: str) -> Path:
    """The next file for a stage's samples: its number is above those of all files of the stage.

    So it is that of the attempt to come, except after a run that was cut off between the two. Raises LabError.
    """
    check_stage_name(stage)
    try:
        files = [*_files(folder, STAGE_FILE), *_files(folder, SAMPLES_FILE)]
    except OSError as error:
        raise LabError(
            f"Looking for files in {folder} failed: {error.strerror}; give the right run's folder."
        ) from error
    number = max((number for name, number, _path in files if name == stage), default=0) + 1
    return folder / f"{stage}-{number}.samples.json.gz"


def to_json(record: Record) -> str:
    """A record as JSON text with one line for each of its fields."""
    fields = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in record.items()
    )
    return "{\n" + ",\n".join(fields) + "\n}\n"


def replace_file(path: Path, text: str, check_mode: bool = False) -> bool:
    """Give a derived file this content, whole or not at all; return whether that changes it."""
    try:
        try:
            if path.read_text(encoding="utf-8") == text:
                return False
        except (FileNotFoundError, UnicodeDecodeError):
            pass
        if not check_mode:
            put_file(path, text.encode())
    except OSError as error:
        raise LabError(
            f"Writing {path} failed: {error.strerror}; the run's folder must be writable and have room."
        ) from error
    return True


# --- runs ----------------------------------------------------------------------------------------


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
    """Make a run's folder; return False if it is already there. Raises LabError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        if folder.is_dir():
            return False
        raise LabError(
            f"The run's folder {folder} cannot be made, because {error.filename} is a file; "
            "move it away or give another results_dir."
        ) from error
    except OSError as error:
        raise LabError(
            f"Making the run's folder {folder} failed: {error.strerror}; give a results_dir that can be written to."
        ) from error
    return True


def list_runs(results_dir: str | Path, student: str) -> list[str]:
    """The names of a student's runs, the oldest first. Raises LabError."""
    parent = Path(results_dir) / check_folder_name("student", student)
    try:
        folders = [path for path in parent.iterdir() if path.is_dir() and FOLDER_NAME.fullmatch(path.name)]
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
    """A run's start, to sort by: from its name, else from its stages, else from the folder. Raises LabError."""
    match = RUN_ID.fullmatch(folder.name)
    if match:
        try:
            start = datetime.strptime(match[1], RUN_ID_FORMAT).replace(tzinfo=timezone.utc)
            return start.timestamp(), int(match[2] or 1), folder.name
        except ValueError:
            pass
    run = read_run(folder.parent.parent, folder.parent.name, folder.name, keep=without_figures)
    starts = [record["started"] for records in run.stages.values() for record in records]
    return min(starts, default=folder.stat().st_mtime), 1, folder.name


# --- reading -------------------------------------------------------------------------------------


def without_figures(record: Record) -> Record:
    """A stage without its windows and series, which are nearly all of what checking it costs."""
    return {**record, "windows": [], "series": []}


def read_run(results_dir: str | Path, student: str, run: str, keep: Keep | None = None) -> Run:
    """Read a run's stage files. One that cannot be used becomes a problem, never an error.

    keep: takes a stage file's object, of whatever shape, and returns the part that is wanted.
    Raises LabError only for a student's or run's name that cannot be a folder's,
    for a folder that cannot be listed, and without jsonschema.
    """
    _need_jsonschema()
    check_folder_name("student", student)
    check_folder_name("run", run)
    found = Run(student, run, Path(results_dir) / student / run)
    try:
        files = sorted(_files(found.path, STAGE_FILE))
    except OSError as error:
        raise LabError(
            f"Reading the run's folder {found.path} failed: {error.strerror}; give the right run."
        ) from error
    for stage, attempt, path in files:
        try:
            record = read_stage(path, keep)
        except LabError as error:
            found.unreadable[stage, attempt] = path.name
            found.problems.append(Problem(path.name, error.msg))
            continue
        found.stages.setdefault(stage, []).append(record)
        if (record["student"], record["run"]) != (student, run):
            found.problems.append(
                Problem(
                    path.name,
                    f"{path.name} says it is of student {record['student']}, run {record['run']}, but lies in the "
                    f"folder of student {student}, run {run}.",
                )
            )
    return found


def read_stage(path: Path, keep: Keep | None = None) -> Record:
    """Read one stage file, or what ``keep`` returns of it. Raises LabError when it is broken or of another schema."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"{path.name} could not be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path.name} is not whole JSON ({error}); its stage can be done again.") from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if isinstance(schema, str) and schema.startswith(FAMILY) and schema != SCHEMA_ID:
        raise LabError(
            f"{path.name} is of schema {schema}, which this version does not know (it knows {SCHEMA_ID}); "
            "read it with the version of the collection that wrote it."
        )
    if keep is not None and isinstance(record, dict):
        record = keep(record)
    fault = find_fault(record)
    if fault:
        raise LabError(f"{path.name} is not a stage file: {fault}.")
    if f"{record['stage']}-{record['attempt']}.json" != path.name:
        raise LabError(
            f"{path.name} says it is attempt {record['attempt']} of stage {record['stage']}; give it its name back."
        )
    return record


def newest_samples(folder: Path) -> dict[str, Path]:
    """The newest file of samples of each stage in a run's folder, by stage."""
    return {stage: path for stage, _number, path in sorted(_files(folder, SAMPLES_FILE))}


def newest_done(records: list[Record]) -> Record | None:
    """The newest of a stage's attempts that was done; None where none was."""
    done = [record for record in records if record["state"] == "done"]
    return done[-1] if done else None


def window_values(windows: list[Record]) -> dict[str, dict[str, float | None]]:
    """The values of windows: by the window's name and the figure's id."""
    return {window["name"]: {figure["id"]: figure["value"] for figure in window["figures"]} for window in windows}


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, int, Path]]:
    """Stage, number and path of the files whose names are of a pattern."""
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return
    for path in entries:
        match = pattern.fullmatch(path.name)
        if match:
            yield match[1], int(match[2]), path
