# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON values of unknown shape: taken as objects or lists, compared and named for people.

A dashboard is written by people and by many versions of Grafana, so nothing in it can be relied on.
"""

from __future__ import annotations

import json
from typing import Any

#: A JSON object.
Json = dict[str, Any]


def as_object(value: Any) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[Json]:
    """The objects of a list; none if the value is not a list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def canonical(value: Any) -> str:
    """The value as one line of JSON with its keys in order."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON. Python's == will not do: there, true equals 1."""
    return canonical(one) == canonical(other)


def kind(value: Any) -> str:
    """What a value is, in words for a message: ``a list``."""
    if value is None:
        return "null"
    names = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
