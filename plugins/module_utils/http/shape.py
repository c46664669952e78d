# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape that a server's JSON must have before anything is taken out of it.

A shape is a function: it returns what is wrong with a value, such as ``.status.replicas is a text, not a whole
number``, and nothing when it is as it must be. What a shape does not name may be anything. ``null`` is a field that is
not there, as in the Kubernetes API.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any], str]

#: Numbers of an API are at most as large as Go's int64.
LARGEST_NUMBER = 2**63 - 1

# type() takes half the time of isinstance(), and a decoder of JSON makes no subclasses.
# pylint: disable=unidiomatic-typecheck


def kind(value: Any) -> str:
    """What a JSON value is, in words for a message: ``a list``."""
    if value is None:
        return "null"
    names = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def fault(shape: Shape, value: Any) -> str:
    """What is wrong with a value, as a part of a sentence; empty when nothing is."""
    wrong = shape(value)
    return f"it{wrong}" if wrong.startswith(" ") else wrong.removeprefix(".")


def anything(_value: Any) -> str:
    return ""


def text(value: Any) -> str:
    return "" if type(value) is str else f" is {kind(value)}, not a text"


def flag(value: Any) -> str:
    return "" if type(value) is bool else f" is {kind(value)}, not true or false"


def whole(value: Any) -> str:
    if type(value) is int and -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        return ""
    return " is too large a number" if type(value) is int else f" is {_number(value)}, not a whole number"


def number(value: Any) -> str:
    if type(value) is float and math.isfinite(value):
        return ""
    return "" if type(value) is int and not whole(value) else f" is {_number(value)}, not a number that can be used"


def _number(value: Any) -> str:
    return f"the number {value}" if type(value) is float else kind(value)


def text_or_whole(value: Any) -> str:
    return "" if type(value) is str or not whole(value) else f" is {kind(value)}, not a text or a whole number"


def fitting(fits: Callable[[str], object], what: str) -> Shape:
    """A text of a kind. fits: raises ValueError, or returns None or False, for one that is not. what: the kind."""

    def shape(value: Any) -> str:
        if type(value) is not str:
            return text(value)
        try:
            found = fits(value)
        except ValueError:
            found = None
        return f" is no {what}" if found is None or found is False else ""

    return shape


def each(shape: Shape) -> Shape:
    """A list of such values."""

    def of_list(value: Any) -> str:
        if type(value) is not list:
            return f" is {kind(value)}, not a list"
        for index, entry in enumerate(value):
            wrong = shape(entry)
            if wrong:
                return f"[{index}]{wrong}"
        return ""

    return of_list


def mapping(shape: Shape) -> Shape:
    """An object with such values, whatever their keys."""

    def of_object(value: Any) -> str:
        if type(value) is not dict:
            return f" is {kind(value)}, not an object"
        for key, entry in value.items():
            wrong = shape(entry)
            if wrong:
                # A key can be any text.
                return f" has a value that{wrong}" if not key.isidentifier() else f".{key}{wrong}"
        return ""

    return of_object


def record(required: Mapping[str, Shape] | None = None, /, **optional: Shape) -> Shape:
    """An object with those fields. required: those that must be there; ``optional`` may be left out or null."""
    needed = dict(required or {})
    every = {**optional, **needed}

    def of_record(value: Any) -> str:
        if type(value) is not dict:
            return f" is {kind(value)}, not an object"
        for key in needed:
            if value.get(key) is None:
                return f" has no {key}"
        for key, shape in every.items():
            entry = value.get(key)
            if entry is not None:
                wrong = shape(entry)
                if wrong:
                    return f".{key}{wrong}"
        return ""

    return of_record
