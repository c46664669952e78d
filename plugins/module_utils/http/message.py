# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers, and the JSON in an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .memory import bounded_memory

#: Takes an object of JSON and returns what to put in its place.
Made = Callable[[dict[str, Any]], Any]

#: Methods that can be repeated without harm, whatever the outcome of the first time.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
#: Seconds for a connection to come about: a little over the time after which TCP asks again.
CONNECT = 3.05
USER_AGENT = "temporal-lab-benchmarking"
#: The deepest nesting of an answer's JSON. Objects of the Kubernetes API and dashboards reach 20 to 30.
DEEPEST = 100
#: Bytes of JSON from which on the memory that its values may need is bounded.
LARGE = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request to a server.

    query: a list is a parameter that is given several times.
    connect: seconds for a connection to come about. silence: the longest pause of the server, in seconds.
    idempotent: it may be sent again though it may have been received.
    repeat_500: it may also be sent again after an answer of 500.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect: float = CONNECT
    silence: float = 15.0
    idempotent: bool = False
    repeat_500: bool = False

    @property
    def asked(self) -> str:
        """The request in a message, without its query."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """A whole answer to a request, its body decompressed. ``headers`` take names in any case."""

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, deepest: int | None = DEEPEST, made: Made | None = None) -> Any:
        """The value of its JSON, None when it is none; see ``json_value``."""
        return json_value(self.body, deepest, made)


def json_value(text: bytes, deepest: int | None = DEEPEST, made: Made | None = None) -> Any:
    """The value in a JSON text; None when it is none or is nested deeper than ``deepest``.

    deepest: None leaves the limit to the parser. To be used where values are taken out one by one, because looking
    at every value of millions of samples costs.
    made: called with each object as soon as it is made, inner ones first; what it returns stands in the object's place.
    Neither what is not UTF-8 nor NaN nor Infinity is JSON. Halves of a surrogate pair, which no file takes, become
    U+FFFD.
    """
    try:
        with bounded_memory() if len(text) > LARGE else nullcontext():
            return _value(text, deepest, made)
    except (ValueError, RecursionError, MemoryError):
        return None


def _value(text: bytes, deepest: int | None, made: Made | None) -> Any:
    decoder = _DECODER if made is None else json.JSONDecoder(object_hook=made, parse_constant=_no_number)
    value = decoder.decode(whole_pairs(text.decode("utf-8-sig")))
    return value if deepest is None or _no_deeper(value, deepest) else None


def whole_pairs(text: str) -> str:
    """A JSON text with U+FFFD in place of halves of surrogate pairs, which no file and no terminal takes."""
    return _ESCAPE.sub(_whole_pair, text) if "\\ud" in text or "\\uD" in text else text


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
#: Each escape in a JSON text: a pair of surrogates, half of one, or any other, such as a backslash that is no escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)


def _whole_pair(escape: re.Match[str]) -> str:
    found = escape[0]
    return "\\ufffd" if len(found) == 6 and found[1] == "u" else found


def _no_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested at most so many levels deep; looks at one level after the other."""
    # type() takes half the time of isinstance(), and the decoder makes no subclasses.
    # pylint: disable=unidiomatic-typecheck
    containers = [value] if isinstance(value, (dict, list)) else []
    for _level in range(levels):
        if not containers:
            return True
        containers = [
            child
            for parent in containers
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
    return not containers
