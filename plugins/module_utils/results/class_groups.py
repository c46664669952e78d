# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a class: for each window, groups of students who measured it under the same settings."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from .class_report import ClassWindow, Group, GroupFigure, Median, StudentValue
from .merged_run import TOLERANCE
from .report import is_number
from .student_results import StudentResults
from .types import FigureResult, StageRecord, WindowResult

#: A student's name and the window that the student measured.
Member = tuple[str, WindowResult]


def group_windows(students: Sequence[StudentResults], stages: Sequence[str]) -> list[ClassWindow]:
    """Each window of each stage with its groups, the largest first.

    Students whose settings or server's version differ are never in one group.
    """
    titles: dict[tuple[str, str], str] = {}
    settings: dict[tuple[str, str, str], dict[str, Any]] = {}
    members: dict[tuple[str, str, str], list[Member]] = {}
    for student in students:
        for stage in stages:
            record = student.measured.get(stage)
            if record is None:
                continue
            for window in record["windows"]:
                titles.setdefault((stage, window["name"]), window["title"])
                found = _settings(record, window)
                key = stage, window["name"], repr(sorted(found.items()))
                settings.setdefault(key, found)
                members.setdefault(key, []).append((student.name, window))
    windows: list[ClassWindow] = []
    for (stage, name), title in sorted(titles.items(), key=lambda item: stages.index(item[0][0])):
        groups: list[Group] = [
            {
                "settings": settings[key],
                "students": [student for student, _window in found_members],
                "figures": _figures(found_members),
            }
            for key, found_members in members.items()
            if key[:2] == (stage, name)
        ]
        groups.sort(key=lambda group: -len(group["students"]))
        differ = _differing([group["settings"] for group in groups])
        windows.append({"stage": stage, "window": name, "title": title, "differ": differ, "groups": groups})
    return windows


def _settings(record: StageRecord, window: WindowResult) -> dict[str, Any]:
    """What values of different students must have in common to be set side by side."""
    length = window["end"] - window["start"]
    wanted = record["settings"].get("window")
    known = isinstance(wanted, (int, float)) and abs(length - wanted) <= TOLERANCE
    versions = {"temporal_server": record["versions"].get("temporal_server")}
    found = {**record["settings"], "window": wanted if known else round(length, 1), **versions}
    # 120 and 120.0 are the same setting.
    return {name: float(value) if is_number(value) else value for name, value in found.items()}


def _differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """The names of the settings that are not the same in all of the groups."""
    names = dict.fromkeys(name for group in settings for name in group)
    return [name for name in names if any(group.get(name) != settings[0].get(name) for group in settings)]


def _figures(members: Sequence[Member]) -> list[GroupFigure]:
    """A row for each key figure: how its values lie in the group. One of another unit is another figure."""
    rows: dict[tuple[str, str], GroupFigure] = {}
    for student, window in members:
        for figure in window["figures"]:
            row = rows.setdefault(
                (figure["id"], figure["unit"]),
                {
                    "id": figure["id"],
                    "title": figure["title"],
                    "unit": figure["unit"],
                    "direction": figure["direction"],
                    "distribution": figure.get("distribution", ""),
                    "key": False,
                    "values": [],
                    "states": {},
                    "median": None,
                },
            )
            row["key"] = row["key"] or figure.get("key", False)
            row["states"][figure["state"]] = row["states"].get(figure["state"], 0) + 1
            if figure["value"] is not None:
                row["values"].append(_value(student, window, figure, figure["value"]))
    found = [row for row in rows.values() if row["key"]] or list(rows.values())
    for row in found:
        row["values"].sort(key=lambda value: value["value"])
        row["median"] = _median(row["values"])
    return found


def _value(student: str, window: WindowResult, figure: FigureResult, value: float) -> StudentValue:
    interval = figure.get("interval") if "observations" in figure else None
    return {
        "student": student,
        "value": value,
        "bound": figure.get("bound", ""),
        "state": figure["state"],
        # Of a quantile only its bucket is known; of other figures the value.
        "known": interval or [value, value],
        "length": window["end"] - window["start"],
    }


def _median(values: Sequence[StudentValue]) -> Median | None:
    """The median of the sorted values; only a bound where those that it is of are one and the same bound."""
    if not values:
        return None
    middle = values[(len(values) - 1) // 2 : len(values) // 2 + 1]
    bounds = {(value["value"], value["bound"]) for value in middle}
    return {
        "value": statistics.median(value["value"] for value in middle),
        "bound": middle[0]["bound"] if len(bounds) == 1 else "",
    }
