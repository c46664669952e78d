# SPDX-License-Identifier: GPL-3.0-or-later
"""Is something a stage of schema 1, and within its limits?

The schema itself is files/schemas/stage-1.json, for other programs too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..bounded_json import Unfit, fit, shown
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
#: Of how many errors the one to tell is chosen.
MOST_ERRORS = 50


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


def fit_stage(record: object, known: Sequence[str] = ()) -> dict[str, Any]:
    """A stage of schema 1 with its texts fit to be shown. Raises ValueError, which says where and why it is none.

    known: lists in it that are known to be of the schema, which is most of the work of a record with figures.
    """
    need_schema()
    try:
        fitted = fit(record)
    except Unfit as fault:
        raise ValueError(f"{'' if fault.place else 'it '}{fault}") from None
    unknown = {**fitted, **{name: [] for name in known}} if isinstance(fitted, dict) else fitted
    # Not all errors: a hostile file can have one for each of its values.
    errors = itertools.islice(Draft202012Validator(stage_schema()).iter_errors(unknown), MOST_ERRORS)
    error = best_match(errors)
    if error is not None:
        raise ValueError(
            f"{_path(error.absolute_path) or 'it'} is not of schema {SCHEMA_ID}: {shown(error.message, 300)}"
        )
    for path, reason in _contradictions(fitted):
        raise ValueError(f"{path} {reason}")
    found: dict[str, Any] = fitted
    return found


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".")


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
