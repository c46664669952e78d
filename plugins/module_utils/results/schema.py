# SPDX-License-Identifier: GPL-3.0-or-later
"""Is something a stage of schema 1? The schema itself is files/schemas/stage-1.json, for other programs too."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import LabError

try:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    HAS_JSONSCHEMA = True
except ImportError:
    HAS_JSONSCHEMA = False

#: What a stage file's ``schema`` begins with, before its version.
FAMILY = "temporal_lab.benchmarking/stage/"
SCHEMA_ID = FAMILY + "1"
LARGEST_INTEGER = 2**63


@cache
def stage_schema() -> dict[str, Any]:
    """The JSON Schema of a stage file. Raises LabError where the collection's files are not."""
    path = Path(__file__).resolve().parents[3] / "files" / "schemas" / "stage-1.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(
            f"The schema of the lab's results cannot be read from {path}: {error.strerror}; run this task on the "
            "control node, where the collection and the results are."
        ) from error
    return schema


def need_schema() -> None:
    """Raise LabError where nothing can be checked: without jsonschema, or without the schema."""
    if not HAS_JSONSCHEMA:
        raise LabError(
            "Checking the lab's results needs the Python package jsonschema, which is not installed where the task "
            "ran; install it there, for example with pip install jsonschema."
        )
    stage_schema()


def find_fault(record: object, known: Sequence[str] = ()) -> str:
    """Say where and why ``record`` is not a stage of schema 1, or return an empty string. Raises LabError.

    known: lists in it that are known to be of the schema, which is most of the work of a record with figures.
    """
    need_schema()
    for path, reason in _not_json(record, ""):
        return f"{path or 'it'} {reason}"
    unknown = {**record, **{name: [] for name in known}} if isinstance(record, dict) else record
    error = best_match(Draft202012Validator(stage_schema()).iter_errors(unknown))
    if error is not None:
        path = _path(error.absolute_path)
        text = error.message if len(error.message) <= 300 else error.message[:300] + "…"
        return f"{path or 'it'} is not of schema {SCHEMA_ID}: {text}"
    for path, reason in _contradictions(record):
        return f"{path} {reason}"
    return ""


def _path(steps: Iterable[str | int]) -> str:
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
    """What a JSON Schema cannot say."""
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
