# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers, and the JSON in an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Methods that can be repeated without harm, whatever the outcome of the first time.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
#: Seconds for a connection to come about: a little over the time after which TCP asks again.
CONNECT = 3.05
USER_AGENT = "temporal-lab-benchmarking"
#: The deepest nesting of an answer's JSON. Objects of the Kubernetes API and dashboards reach 20 to 30.
DEEPEST = 100


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

    def json(self, deepest: int | None = DEEPEST) -> Any:
        """The value of its JSON, None when it is none; see ``json_value``."""
        return json_value(self.body, deepest)


def json_value(text: bytes, deepest: int | None = DEEPEST) -> Any:
    """The value in a JSON text; None when it is none or is nested deeper than ``deepest``.

    deepest: None leaves the limit to the parser. To be used where values are taken out one by one, because looking
    at every value of millions of samples costs.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if deepest is None or _no_deeper(value, deepest) else None


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
