# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in a results folder: students, runs, stages, and the files of a run.

A stage file is ``<results>/<student>/<run>/<stage>-<attempt>.json``; the raw samples that it was measured from are in
``<stage>-<number>.samples.json.gz`` beside it.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ..errors import LabError

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

STAGE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
# A file of the 10^200th attempt would leave no name for the next one.
STAGE_FILE = re.compile(r"([a-z][a-z0-9_]{0,99})-([1-9][0-9]{0,5})\.json")
SAMPLES_FILE = re.compile(r"([a-z][a-z0-9_]{0,99})-([1-9][0-9]{0,5})\.samples\.json\.gz")
RUN_ID = re.compile(r"(\d{8}T\d{6}Z)(?:-(\d+))?")
RUN_ID_FORMAT = "%Y%m%dT%H%M%SZ"
FOLDER_NAME = re.compile(r"\w[\w.@+-]*")
#: File systems take 255 bytes; the rest is room for what others add to a name.
FOLDER_NAME_BYTES = 200


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
            f"The stage name {name!r} cannot be part of a file's name; use at most 100 lower-case letters, digits "
            "and _, beginning with a letter."
        )
    return name


def run_id(now: float) -> str:
    """The name of a run that starts ``now`` (Unix seconds), such as ``20261123T170102Z``."""
    return datetime.fromtimestamp(now, timezone.utc).strftime(RUN_ID_FORMAT)


def run_start(name: str) -> tuple[float, int] | None:
    """When a run began by its name (Unix seconds), and its number among those of that second; else None."""
    match = RUN_ID.fullmatch(name)
    if match is None:
        return None
    try:
        start = datetime.strptime(match[1], RUN_ID_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return start.timestamp(), int(match[2] or 1)


def stage_file_name(stage: str, attempt: int) -> str:
    """Name of the file of an attempt at a stage."""
    return f"{stage}-{attempt}.json"


def samples_file_name(stage: str, number: int) -> str:
    """Name of a file with raw samples of a stage."""
    return f"{stage}-{number}.samples.json.gz"
