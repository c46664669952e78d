# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a dashboard: Grafana keeps the panels of a collapsed row inside it, and those of an open one after it.

Collapsing a row also moves everything below it up, so a panel's ``gridPos.y`` only means something within its row.
"""

from __future__ import annotations

import copy
from typing import Any

from .json_values import Json, as_object, as_objects


def is_row(panel: Any) -> bool:
    """Whether a panel is a row."""
    return isinstance(panel, dict) and panel.get("type") == "row"


def flattened(panels: list[Any]) -> list[Any]:
    """The panels with those of collapsed rows after their row, as if it were open.

    No row says whether it is collapsed or where it is: its place in the list does. ``y`` of the panels after a row
    counts from the highest of them; before the first row it stays.
    """
    result: list[Any] = []
    for row, inner in _sections(panels):
        if row is not None:
            place = {key: value for key, value in as_object(row.get("gridPos")).items() if key != "y"}
            plain = {key: value for key, value in row.items() if key not in ("collapsed", "panels", "gridPos")}
            result.append({**plain, "gridPos": place} if place else plain)
            inner = _shifted(inner, -top) if (top := _top(inner)) else inner
        result.extend(inner)
    return result


def with_collapsed(wanted: Json, stored: Json) -> Json:
    """``wanted`` with its rows collapsed or open as in the stored dashboard, where that has the same row."""
    there = {
        _key(row): bool(row.get("collapsed")) for row in as_objects(stored.get("panels")) if is_row(row) and _key(row)
    }
    sections = _sections(wanted["panels"]) if isinstance(wanted.get("panels"), list) else []
    differing = [
        row for row, _inner in sections if row and there.get(_key(row), _collapsed(row)) is not _collapsed(row)
    ]
    if not differing:
        return wanted
    result: list[Any] = []
    y = 0
    for row, inner in sections:
        moved = inner
        if row is not None:
            collapsed = there.get(_key(row), _collapsed(row))
            row = {**row, "collapsed": collapsed, "panels": [], "gridPos": {**as_object(row.get("gridPos")), "y": y}}
            result.append(row)
            y += 1
            moved = _shifted(inner, y - (_top(inner) or 0))
            if collapsed:
                row["panels"] = moved
                continue
        result.extend(moved)
        y = max([y, *(_number(panel, "y") + _number(panel, "h") for panel in moved)])
    return {**wanted, "panels": result}


def _sections(panels: list[Any]) -> list[tuple[Json | None, list[Any]]]:
    """Each row with its panels, wherever they are; first, without a row, the panels above all rows."""
    sections: list[tuple[Json | None, list[Any]]] = [(None, [])]

    def add(entries: list[Any]) -> None:
        for panel in entries:
            if not is_row(panel):
                sections[-1][1].append(panel)
                continue
            sections.append((panel, []))
            if isinstance(panel.get("panels"), list):
                add(panel["panels"])

    add(panels)
    return sections


def _collapsed(row: Json) -> bool:
    return bool(row.get("collapsed"))


def _key(row: Json) -> str:
    """What a row is known by: its id, else its title."""
    return str(row.get("id") or row.get("title") or "")


def _number(panel: Any, name: str) -> int:
    value = as_object(as_object(panel).get("gridPos")).get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _top(panels: list[Any]) -> int:
    """The lowest y of panels that have one."""
    return min((_number(panel, "y") for panel in panels if _has_y(panel)), default=0)


def _has_y(panel: Any) -> bool:
    return isinstance(as_object(as_object(panel).get("gridPos")).get("y"), int)


def _shifted(panels: list[Any], by: int) -> list[Any]:
    """The panels further down by so many units; those without a y stay as they are."""
    moved = copy.deepcopy(panels)
    for panel in moved:
        if _has_y(panel):
            panel["gridPos"]["y"] = _number(panel, "y") + by
    return moved
