# SPDX-License-Identifier: GPL-3.0-or-later
"""Who set a field of an object, by the API server's own record (managedFields); pure functions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..foreign_text import plain
from ..formatting import clock_text
from ..http.message import USER_AGENT
from .predicates import Json, seconds

#: The name under which the API server records what a client of this collection sets, which is its User-Agent.
OWN = USER_AGENT

#: Paths in managedFields: a Deployment's replicas, its template, and all of its specification.
REPLICAS = ("f:spec", "f:replicas")
TEMPLATE = ("f:spec", "f:template")
SPEC = ("f:spec",)


@dataclass(frozen=True)
class Author:
    """Who set something: the client's name, the subresource it used (empty for none), and when in Unix seconds."""

    manager: str
    subresource: str = ""
    time: float | None = None

    @property
    def own(self) -> bool:
        return self.manager == OWN

    @property
    def text(self) -> str:
        """The author as the subject of a sentence."""
        if self.own:
            return "this lab, in another run of it,"
        if self.subresource == "scale" and self.manager == "kube-controller-manager":
            return "an autoscaler (kube-controller-manager)"
        return f"{self.manager} (through {self.subresource})" if self.subresource else self.manager


def env_path(container: str, variable: str) -> tuple[str, ...]:
    """The path of one environment variable of a Deployment's container."""
    return (*TEMPLATE, "f:spec", "f:containers", _key(container), "f:env", _key(variable))


def _key(name: str) -> str:
    return "k:" + json.dumps({"name": name}, separators=(",", ":"))


def authors_of(resource: Json, path: Sequence[str]) -> list[Author]:
    """Whose a field is: of several, each has set the same value. Empty where the API server keeps no record of it."""
    return [
        Author(plain(entry.get("manager")), plain(entry.get("subresource")), _time(entry.get("time")))
        for entry in resource["metadata"].get("managedFields") or []
        if entry.get("manager") and _has(entry.get("fieldsV1"), path)
    ]


def author_of(resource: Json, path: Sequence[str], others: bool = False) -> Author | None:
    """Who set the field last; None where there is no record. others: who is not this lab.

    What was set through the subresource scale has no time, and took the field from whoever had it before.
    """
    found = [author for author in authors_of(resource, path) if not (others and author.own)]
    return max(found, key=lambda author: math.inf if author.time is None else author.time, default=None)


def _has(fields: Any, path: Sequence[str]) -> bool:
    for part in path:
        if not isinstance(fields, dict) or part not in fields:
            return False
        fields = fields[part]
    return True


def _time(stamp: Any) -> float | None:
    try:
        return seconds(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None


def when(author: Author) -> str:
    """When it was set, as the end of a sentence; empty where it is not known."""
    return "" if author.time is None else f" at {clock_text(author.time)} UTC"
