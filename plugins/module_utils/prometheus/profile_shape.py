# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of what stands in a profile: mappings, lists, texts, numbers, and what is wrong with one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar, Union

from .profile import meant

#: A name of the profile's own.
ID = re.compile(r"[a-z][a-z0-9_]*")

Choice = TypeVar("Choice", bound=str)
#: Where something stands in a profile: the keys and indices that lead there.
Place = tuple[Union[str, int], ...]


class Fault(Exception):
    """What is wrong in a profile, and where."""

    def __init__(self, path: Place, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def mapping(value: Any, path: Place, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault(path, "must be a mapping of keys to values")
    known = (*required, *optional)
    for key in value:
        if key not in known:
            raise Fault((*path, key), f"is no key of a profile at this place{meant(key, known)}")
    for key in required:
        if key not in value:
            raise Fault(path, f"the key `{key}` is missing")
    return value


def named(value: Any, path: Place) -> Iterator[tuple[Place, str, str]]:
    """Entries of a mapping from free names to texts: where it is, name, text."""
    if not isinstance(value, dict):
        raise Fault(path, "must be a mapping of names to texts")
    for name, words in value.items():
        at = (*path, name)
        yield at, text(name, at, ID, "a name (small letters, digits and _)"), text(words, at)


def items(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    if not isinstance(value, list) or not value:
        raise Fault(path, "must be a list with at least one entry")
    for index, item in enumerate(value):
        yield (*path, index), item


def text(value: Any, path: Place, pattern: re.Pattern[str] | None = None, what: str = "text") -> str:
    if not isinstance(value, str) or not value.strip() or (pattern is not None and not pattern.fullmatch(value)):
        raise Fault(path, f"{value!r} is not {what}")
    return str(value)


def choice(value: Any, path: Place, choices: tuple[Choice, ...]) -> Choice:
    for one in choices:
        if value == one:
            return one
    raise Fault(path, f"{value!r} is none of: {', '.join(choices)}")


def number(value: Any, path: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Fault(path, f"{value!r} is not a number")
    return float(value)
