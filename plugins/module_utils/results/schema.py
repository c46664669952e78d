# SPDX-License-Identifier: GPL-3.0-or-later
"""Is something a stage of one of the schemas that are read, and within its limits?

The schemas themselves are files/schemas/stage-*.json, for other programs too. Stages are written in the newest.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
#: The versions that are read, the newest last. What an older one has means the same in the newest, which has more.
VERSIONS = ("1", "2")
#: That of the stages that are written.
SCHEMA_ID = FAMILY + VERSIONS[-1]
#: Of how many errors the one to tell is chosen.
MOST_ERRORS = 50


@cache
def stage_schema(version: str = VERSIONS[-1]) -> dict[str, Any]:
    """The JSON Schema of a stage file. Raises LabError where the collection's files are not."""
    path = Path(__file__).resolve().parents[3] / "files" / "schemas" / f"stage-{version}.json"
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
    stage_schema(VERSIONS[-1])


def fit_stage(record: object, known: Sequence[str] = ()) -> dict[str, Any]:
    """A stage with its texts fit to be shown, as one of the newest schema. Raises ValueError: where and why it is none.

    known: parts of it that are known to be of the schema, which is most of the work of a record with figures.
    """
    need_schema()
    try:
        fitted = fit(record)
    except Unfit as fault:
        raise ValueError(f"{'' if fault.place else 'it '}{fault}") from None
    unknown = _without(fitted, known) if isinstance(fitted, dict) else fitted
    version = version_of(fitted) or VERSIONS[-1]
    # Not all errors: a hostile file can have one for each of its values.
    errors = itertools.islice(Draft202012Validator(stage_schema(version)).iter_errors(unknown), MOST_ERRORS)
    error = best_match(errors)
    if error is not None:
        raise ValueError(
            f"{_path(error.absolute_path) or 'it'} is not of schema {FAMILY}{version}: {shown(error.message, 300)}"
        )
    found: dict[str, Any] = fitted if version == VERSIONS[-1] else _as_newest(fitted, stage_schema(version))
    for path, reason in _contradictions(found):
        raise ValueError(f"{path} {reason}")
    return found


def version_of(record: object) -> str | None:
    """The version of a stage's schema; None where it is none of those that are read."""
    schema = record.get("schema") if isinstance(record, dict) else None
    return next((version for version in VERSIONS if schema == FAMILY + version), None)


def _as_newest(record: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A stage of an older schema as one of the newest.

    What that schema does not have is left out: a file may hold anything there, which was held against nothing.
    """

    def known(value: Mapping[str, Any], of: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value[name] for name in of["properties"] if name in value}

    window = schema["properties"]["windows"]["items"]
    figure = window["properties"]["figures"]["items"]
    return {
        **known(record, schema),
        "schema": SCHEMA_ID,
        "windows": [
            {**known(one, window), "figures": [known(each, figure) for each in one["figures"]]}
            for one in record["windows"]
        ],
    }


def _without(record: dict[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """A record without what is in its known parts: an empty list for a list."""
    return {
        name: [] if name in known else value
        for name, value in record.items()
        if name not in known or isinstance(value, list)
    }


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
        for position, distribution in enumerate(window.get("distributions", ())):
            yield from _of_distribution(f"{place}.distributions[{position}].buckets", distribution["buckets"])


def _of_distribution(place: str, buckets: Sequence[Any]) -> Iterator[tuple[str, str]]:
    reached: float | None = -math.inf
    for number, bucket in enumerate(buckets):
        above, to = bucket["above"], bucket["to"]
        if reached is None or (above is None and number) or (above is not None and above < reached):
            yield f"{place}[{number}]", "begins before the bucket before it ends"
        if above is not None and to is not None and to <= above:
            yield f"{place}[{number}].to", f"({to}) is not above where the bucket begins ({above})"
        if len(bucket["counts"]) != len(buckets[0]["counts"]):
            yield f"{place}[{number}].counts", "has another number of steps than the first bucket"
        if any(count is not None and count < 0 for count in bucket["counts"]):
            yield f"{place}[{number}].counts", "has a number of observations below zero"
        reached = to
