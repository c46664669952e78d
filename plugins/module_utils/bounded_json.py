# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that others may have written: so much of it, so deep, and its texts fit to be shown."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from .foreign_text import clip, visible

#: Levels of lists and objects; a stage file has 7.
LEVELS = 40
#: Characters of a text; the longest queries have about 400.
MOST_TEXT = 10_000
#: Larger numbers are no measurement, and sums and ratios of them are no numbers at all. 2^63 is smaller.
MOST_NUMBER = 1e19


class Limits(NamedTuple):
    """How much there may be. size: in bytes; values: numbers, texts, lists and objects."""

    size: int
    values: int


class Unfit(ValueError):
    """What a value cannot be worked with for. place: the keys and indices that lead there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place: list[str | int] = []

    def __str__(self) -> str:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{shown(step, 60)}" for step in self.place)
        return f"{shown(path.removeprefix('.'), 120)} {self.reason}" if path else self.reason


class OverLimit(ValueError):
    """There is more than is read."""


def parse_json(content: bytes, limits: Limits) -> Any:
    """The value in a JSON text. Raises OverLimit and other ValueErrors with the reason.

    Values are counted before any is made: a small text can hold so many that they fill the memory.
    """
    if len(content) > limits.size:
        raise OverLimit(f"it is larger than {limits.size / 2**20:g} MiB")
    if sum(map(content.count, (b",", b"[", b"{"))) > limits.values:
        raise OverLimit(f"it holds more than {limits.values:,} values")
    try:
        return json.loads(content.decode())
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text") from None
    except RecursionError:
        raise OverLimit("it is nested too deeply") from None


def fit(value: Any, levels: int = LEVELS) -> Any:
    """A value of JSON with its texts on one line each and without control characters. Raises Unfit with the place."""
    if isinstance(value, str):
        return fit_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        # Of NaN, every comparison is false.
        if not abs(value) <= MOST_NUMBER:
            raise Unfit(_wrong_number(value))
        return value
    if isinstance(value, dict):
        return _fit_object(value, levels)
    if isinstance(value, (list, tuple)):
        return _fit_list(value, levels)
    raise Unfit(f"is of the type {type(value).__name__}, which JSON does not have")


def fit_text(text: str) -> str:
    """A text with a blank for each sign that a terminal or a browser would act on. Raises Unfit for a very long one."""
    if len(text) > MOST_TEXT:
        raise Unfit(f"is a text of {len(text):,} characters, more than {MOST_TEXT:,}")
    return visible(text)


def shown(text: str, most: int) -> str:
    """The beginning of a text, fit to be shown."""
    return clip(visible(text[: most + 1]), most)


def _fit_object(value: dict[Any, Any], levels: int) -> dict[str, Any]:
    if not levels:
        raise Unfit("is nested too deeply")
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise Unfit(f"has the key {shown(repr(key), 60)}, which is not text")
        try:
            found[fit_text(key)] = fit(item, levels - 1)
        except Unfit as fault:
            fault.place.insert(0, key)
            raise
    return found


def _fit_list(value: list[Any] | tuple[Any, ...], levels: int) -> list[Any]:
    if not levels:
        raise Unfit("is nested too deeply")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(fit(item, levels - 1))
        except Unfit as fault:
            fault.place.insert(0, index)
            raise
    return found


def _wrong_number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which is not a number in JSON (an unknown value is null)"
    return f"is larger (beyond ±{MOST_NUMBER:.0e}) than any measurement"
