# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages found out: their facts as items, those that are known in words of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from ..formatting import duration_text, number_text
from ..results.report import MergedStage, is_number
from .shard_table import read_shards
from .words import plain_text


class FindingText(TypedDict):
    """What a check found; empty where it does not say."""

    state: str
    title: str
    effect: str
    cure: str


class NamedFact(TypedDict):
    """What each fact has."""

    name: str


class FactItem(NamedFact, total=False):
    """A fact with a text, or lines of text, or findings."""

    text: str
    lines: list[str]
    findings: list[FindingText]


class StageFacts(TypedDict):
    """A stage's facts."""

    stage: str
    items: list[FactItem]


def stage_facts(stage: MergedStage) -> StageFacts | None:
    """A stage's facts, None where it has none but shards, which have a table of their own."""
    items = [
        _item(name, value) for name, value in stage["facts"].items() if name != "shards" or read_shards(value) is None
    ]
    return {"stage": stage["stage"], "items": items} if items else None


def _item(name: str, value: object) -> FactItem:
    known = KNOWN_FACTS.get(name)
    item = known(value) if known else None
    return item or {"name": name.replace("_", " "), "text": plain_text(value)}


def _ready_seconds(value: object) -> FactItem | None:
    return {"name": "Ready after", "text": duration_text(value)} if is_number(value) else None


def _waited_seconds(value: object) -> FactItem | None:
    return {"name": "Waited", "text": duration_text(value)} if is_number(value) else None


def _restarts(value: object) -> FactItem | None:
    if not isinstance(value, dict) or not all(map(is_number, value.values())):
        return None
    return _lines("Restarts", [f"{pod}: {number_text(count)}" for pod, count in sorted(value.items()) if count])


def _leftovers(value: object) -> FactItem | None:
    return _lines("Leftovers", [str(item) for item in value]) if isinstance(value, list) else None


def _lines(name: str, lines: list[str]) -> FactItem:
    return {"name": name, "lines": lines} if lines else {"name": name, "text": "none"}


def _findings(value: object) -> FactItem | None:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    return {
        "name": "Findings",
        "findings": [
            {
                "state": str(item.get("state") or ""),
                "title": str(item.get("title") or ""),
                "effect": str(item.get("effect") or ""),
                "cure": str(item.get("cure") or ""),
            }
            for item in value
        ],
    }


#: What makes an item of a fact; it returns None for one of another shape than is documented.
KNOWN_FACTS: dict[str, Callable[[object], FactItem | None]] = {
    "ready_seconds": _ready_seconds,
    "restarts": _restarts,
    "leftovers": _leftovers,
    "waited_seconds": _waited_seconds,
    "findings": _findings,
}
