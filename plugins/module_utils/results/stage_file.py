# SPDX-License-Identifier: GPL-3.0-or-later
"""One stage file: building its record, reading and checking it, and its text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ..bounded_json import Limits, OverLimit, parse_json, shown
from ..errors import LabError
from ..files import read_regular_file
from ..foreign_text import escaped
from .names import check_folder_name, check_stage_name, stage_file_name
from .schema import FAMILY, SCHEMA_ID, VERSIONS, fit_stage, version_of
from .types import Event, Ledger, SeriesResult, StageRecord, StageState, Values, WindowResult

#: Takes the object in a stage file, of whatever shape, and returns the part that is wanted.
Keep = Callable[[dict[str, Any]], dict[str, Any]]

#: A stage with a course of 10,000 points for each of its lines is a third of this.
LIMITS = Limits(size=16 * 2**20, values=1_000_000)
#: Characters of a message: the schema's limit. The words of a program that failed can be longer.
MOST_MESSAGE = 5_000

#: What measuring makes of a stage file.
MEASURED = ("windows", "series", "ledger")


def build_stage(
    *,
    student: str,
    run: str,
    stage: str,
    state: StageState,
    started: float,
    finished: float,
    message: str = "",
    events: list[Event] | None = None,
    windows: list[WindowResult] | None = None,
    series: list[SeriesResult] | None = None,
    samples: str | None = None,
    versions: Mapping[str, str | None] | None = None,
    settings: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    ledger: Ledger | None = None,
    measured: bool = False,
) -> StageRecord:
    """Return a checked stage record; its attempt is 1 until it is written. Raises LabError.

    measured: windows, series and ledger were worked out by this collection just now, and are not held against the
    schema.
    """
    record = {
        "schema": SCHEMA_ID,
        "student": check_folder_name("student", student),
        "run": check_folder_name("run", run),
        "stage": check_stage_name(stage),
        "attempt": 1,
        "state": state,
        "message": message[:MOST_MESSAGE],
        "started": round(started, 3),
        "finished": round(finished, 3),
        "events": events or [],
        "windows": windows or [],
        "series": series or [],
        **({"samples": samples} if samples else {}),
        **({"ledger": ledger} if ledger else {}),
        "versions": versions or {},
        "settings": settings or {},
        "facts": facts or {},
    }
    try:
        return cast(StageRecord, fit_stage(record, MEASURED if measured else ()))
    except ValueError as fault:
        raise LabError(f"The result of stage {stage} of {student} was not written: {fault}.") from None


def to_json(record: Mapping[str, Any]) -> str:
    """A record as JSON text with one line for each of its fields."""
    fields = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in record.items()
    )
    return escaped("{\n" + ",\n".join(fields) + "\n}\n")


def read_stage(path: Path, keep: Keep | None = None) -> StageRecord:
    """Read one stage file, or what ``keep`` returns of it. Raises LabError when it is broken or of an unknown schema.

    Its texts are fit to be shown: whoever wrote it may be a stranger.
    """
    try:
        there = read_regular_file(path, LIMITS.size + 1, follow=False)
    except OSError as error:
        raise LabError(f"{path.name} could not be read: {error.strerror}.") from error
    if there is None:
        raise LabError(f"{path.name} is not a regular file; stage files are never links, pipes or folders.")
    try:
        record = parse_json(there[0], LIMITS)
    except OverLimit as error:
        raise LabError(f"{path.name} is not a stage file of the lab: {error}.") from error
    except ValueError as error:
        raise LabError(f"{path.name} is not whole JSON ({error}); its stage can be done again.") from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if isinstance(schema, str) and schema.startswith(FAMILY) and version_of(record) is None:
        raise LabError(
            f"{path.name} is of schema {shown(schema, 60)}, which this version does not know (it knows "
            f"{FAMILY}{VERSIONS[0]} to {VERSIONS[-1]}); read it with the version of the collection that wrote it."
        )
    if keep is not None and isinstance(record, dict):
        record = keep(record)
    try:
        checked = cast(StageRecord, fit_stage(record))
    except ValueError as fault:
        raise LabError(f"{path.name} is not a stage file: {fault}.") from None
    if stage_file_name(checked["stage"], checked["attempt"]) != path.name:
        raise LabError(
            f"{path.name} contains attempt {checked['attempt']} of stage {checked['stage']}: rename it to match."
        )
    return checked


def without_figures(record: dict[str, Any]) -> dict[str, Any]:
    """A stage without its windows and series, which are nearly all of what checking it costs."""
    return {**record, "windows": [], "series": []}


def window_values(windows: list[WindowResult]) -> Values:
    """The values of windows: by the window's name and the figure's id."""
    return {window["name"]: {figure["id"]: figure["value"] for figure in window["figures"]} for window in windows}
