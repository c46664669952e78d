# SPDX-License-Identifier: GPL-3.0-or-later
"""One stage file: building its record, reading and checking it, and its text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import LabError
from .names import check_folder_name, check_stage_name, stage_file_name
from .schema import FAMILY, SCHEMA_ID, find_fault
from .types import Event, SeriesResult, StageRecord, StageState, Values, WindowResult

#: Takes the object in a stage file, of whatever shape, and returns the part that is wanted.
Keep = Callable[[dict[str, Any]], dict[str, Any]]

#: What measuring makes of a stage file.
MEASURED = ("windows", "series")


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
    measured: bool = False,
) -> StageRecord:
    """Return a checked stage record; its attempt is 1 until it is written. Raises LabError.

    measured: windows and series were worked out by this collection just now, and are not held against the schema.
    """
    record = {
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
    return cast(StageRecord, record)


def to_json(record: Mapping[str, Any]) -> str:
    """A record as JSON text with one line for each of its fields."""
    fields = (
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in record.items()
    )
    return "{\n" + ",\n".join(fields) + "\n}\n"


def read_stage(path: Path, keep: Keep | None = None) -> StageRecord:
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
    checked = cast(StageRecord, record)
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
