# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a dashboard's file: read and checked, and written."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from ..errors import LabError
from ..http.message import whole_pairs
from .json_values import Json, as_objects, kind

#: Grafana refuses a dashboard of this many bytes (413); it accepted one of 5 MiB.
SIZE_LIMIT = 20 * 1024 * 1024
#: Levels of nesting: more than any real dashboard has, and few enough to walk through.
DEPTH_LIMIT = 100
#: Characters of a uid that Grafana accepts.
UID_LIMIT = 40
#: Fields of a dashboard that only mean something in the Grafana that it comes from.
OF_ONE_GRAFANA = ("id", "version", "iteration")

_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)', re.DOTALL)


def load(text: str, name: str) -> Json:
    """The dashboard in a JSON text, without the fields that belong to another Grafana.

    name: what errors call the text. It may hold a dashboard, an answer of Grafana's API or the body of a request to
    it with one under ``dashboard``, or a resource of kind Dashboard with one under ``spec``. Raises LabError with the
    place of the first fault.
    """
    data = parsed(text, name)
    if not isinstance(data, dict):
        raise LabError(f"{name} holds no dashboard but {kind(data)}: export the dashboard as JSON again.")
    dashboard = _unwrapped(data, name)
    for key in OF_ONE_GRAFANA:
        dashboard.pop(key, None)
    _check_size(dashboard, name)
    _check_shape(dashboard, name)
    if dashboard is not data:
        _take_inputs(dashboard, data.get("inputs"))
    title = dashboard.get("title")
    if not isinstance(title, str) or not title.strip():
        raise LabError(f"The dashboard in {name} has no title, which Grafana requires: give it a `title`.")
    uid = dashboard.get("uid")
    if uid is None or uid == "":
        dashboard.pop("uid", None)
    else:
        check_uid(uid, f"the dashboard in {name}")
    return dashboard


def _take_inputs(dashboard: Json, given: Any) -> None:
    """Put the values of an import's body, its ``inputs``, into the dashboard's own ``__inputs``."""
    declared = as_objects(dashboard.get("__inputs"))
    by_name = {str(entry.get("name")): entry for entry in declared}
    for entry in as_objects(given):
        if not isinstance(entry.get("name"), str) or entry.get("value") in (None, "", "*"):
            continue
        if entry["name"] in by_name:
            by_name[entry["name"]]["value"] = entry["value"]
        else:
            declared.append(dict(entry))
    if declared:
        dashboard["__inputs"] = declared


def stable_uid(title: str, folder_uid: str) -> str:
    """A uid for a dashboard that has none: the same for the same title in the same folder, and readable."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:27].rstrip("-") or "dashboard"
    digest = hashlib.sha256(json.dumps([folder_uid, title]).encode()).hexdigest()[:12]
    return f"{slug}-{digest}"


def written(dashboard: Json) -> str:
    """A dashboard as the text of a file, with its keys always in the same order."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def check_uid(uid: Any, whose: str) -> None:
    """Raise LabError for a uid that Grafana would refuse. whose: what the message calls its owner."""
    if not isinstance(uid, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", uid):
        raise LabError(f"The uid {uid!r} of {whose} has characters other than letters, digits, - and _: change it.")
    if len(uid) > UID_LIMIT:
        raise LabError(
            f"The uid {uid} of {whose} has {len(uid)} characters, and Grafana accepts {UID_LIMIT}: make it shorter."
        )


def parsed(text: str, name: str) -> Any:
    """The value in a JSON text. name: what errors call the text. Raises LabError with the place of the first fault."""
    text = text.removeprefix("\ufeff")

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        data = json.loads(whole_pairs(text), parse_constant=refuse)
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise LabError(
            f"{name}:{error.lineno}:{error.colno}: this is not JSON ({what}): correct it there or export it again."
        ) from None
    except RecursionError:
        data = None
        deep = True
    except ValueError:
        found = next(found for found in _CONSTANT.finditer(text) if found[1])
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise LabError(
            f"{name}:{line}:{column}: {found[1]} is not a value in JSON: put a number or null there."
        ) from None
    else:
        deep = _depth_over(data, DEPTH_LIMIT)
    if deep:
        raise LabError(
            f"{name} is nested more than {DEPTH_LIMIT} levels deep, which no dashboard needs: export it again."
        )
    return data


def _depth_over(data: Any, limit: int) -> bool:
    level = [data]
    for _depth in range(limit):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _unwrapped(data: Json, name: str) -> Json:
    """The dashboard without what may be wrapped around it."""
    dashboard = data
    if data.get("kind") == "Dashboard" and "spec" in data:
        version = str(data.get("apiVersion") or "").rpartition("/")[2]
        spec = data["spec"]
        if not isinstance(spec, dict):
            raise LabError(f"spec in {name} is {kind(spec)}, not a dashboard: export the dashboard again.")
        if version.startswith("v2"):
            raise _newer_schema(name)
        dashboard = dict(spec)
        metadata = data.get("metadata")
        if isinstance(metadata, dict) and metadata.get("name"):
            dashboard["uid"] = metadata["name"]
    elif isinstance(data.get("dashboard"), dict) and "title" not in data and "panels" not in data:
        dashboard = data["dashboard"]
    if isinstance(dashboard.get("elements"), dict) and isinstance(dashboard.get("layout"), dict):
        raise _newer_schema(name)
    return dashboard


def _newer_schema(name: str) -> LabError:
    return LabError(
        f"The dashboard in {name} has the schema v2, which only some versions of Grafana accept: export it in the "
        f"classic model."
    )


def _check_size(dashboard: Json, name: str) -> None:
    try:
        size = len(json.dumps(dashboard, ensure_ascii=False, separators=(",", ":")).encode())
    except UnicodeEncodeError:
        raise LabError(
            f"{name} holds half of a surrogate pair (\\ud800 to \\udfff), which is no text: correct or remove it."
        ) from None
    if size >= SIZE_LIMIT:
        raise LabError(
            f"The dashboard in {name} has {size / 2**20:.1f} MiB, and Grafana refuses {SIZE_LIMIT // 2**20} MiB: make "
            f"it smaller, or split it in two."
        )


def _check_shape(dashboard: Json, name: str) -> None:
    """Check that lists of objects are such, so that later code need not look again."""

    def objects(holder: Json, key: str, place: str) -> list[tuple[str, Json]]:
        value = holder.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise wrong(place, value, "a list")
        for number, entry in enumerate(value):
            if not isinstance(entry, dict):
                raise wrong(f"{place}[{number}]", entry, "an object")
        return [(f"{place}[{number}]", entry) for number, entry in enumerate(value)]

    def wrong(place: str, value: Any, wanted: str) -> LabError:
        return LabError(f"{place} in {name} is {kind(value)} and must be {wanted}: correct it or export it again.")

    def panels(holder: Json, place: str) -> None:
        for where, panel in objects(holder, "panels", place):
            objects(panel, "targets", f"{where}.targets")
            panels(panel, f"{where}.panels")

    panels(dashboard, "panels")
    for where, row in objects(dashboard, "rows", "rows"):
        panels(row, f"{where}.panels")
    for key in ("annotations", "templating"):
        value = dashboard.get(key)
        if value is not None and not isinstance(value, dict):
            raise wrong(key, value, "an object")
        objects(value or {}, "list", f"{key}.list")
    objects(dashboard, "__inputs", "__inputs")
