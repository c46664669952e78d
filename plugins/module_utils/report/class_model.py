# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a class, from which every form of the class report is made; class.json holds it.

Nothing here reads a file or a cluster. The figures of a student are those of the student's own report.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from ..results.merged_run import (
    NOT_MISSED,
    TOLERANCE,
)
from ..results.names import STAGES
from ..results.runs import Record
from .class_results import Student

SCHEMA_ID = "temporal_lab.benchmarking/class/1"

#: How a student is doing, the gravest first. A student of whom nothing is known is neither well nor ill.
STATES = ("failed", "unreadable", "nothing recorded", "unfinished", "done")
#: States of a stage in the order they are told.
STAGE_STATES = ("failed", "unreadable", "skipped", "done", "absent")
#: Students in these states have to be done again.
TO_RETRY = ("failed", "unreadable", "nothing recorded")

#: A figure is told of when it is more than this many times the class's median, or less than one such part of it.
#: The stages load every cluster alike, and the load itself changes twofold between stages: what is farther away
#: than that is no matter of chance but of the cluster.
OUTLIER_FACTOR = 2.0
#: A median of fewer students says nothing about any one of them.
LEAST_STUDENTS = 3
#: A count varies by about its root: rates closer than this many such deviations may be the same.
DEVIATIONS = 3.0
#: States of figures that are no measurement.
NO_VALUE = ("inconclusive", "error")


def build_class(
    students: Sequence[Student],
    stages: Sequence[str] | None = None,
    problems: Iterable[str] = (),
    others: Sequence[str] = (),
) -> Record:
    """The model of a class (docs/results.md).

    stages: those that are asked about; without them all that any student has recorded. problems: sentences about
    the folders. others: students in the results that do not belong to the class.
    """
    names = list(stages) if stages else _stages(students)
    wanted = names if stages else [name for name in names if name in STAGES]
    entries = [_student(student, names, wanted) for student in students]
    windows = _windows(students, names)
    return {
        "schema": SCHEMA_ID,
        "stages": names,
        "asked": bool(stages),
        "states": {state: count for state in STATES if (count := sum(entry["state"] == state for entry in entries))},
        "counts": {
            name: {
                state: count
                for state in STAGE_STATES
                if (count := sum(entry["stages"][name]["state"] == state for entry in entries))
            }
            for name in names
        },
        "students": entries,
        "windows": windows,
        "outliers": _outliers(windows),
        "others": list(others),
        "problems": [
            *({"source": "", "text": text} for text in problems),
            *({"source": student.name, "text": text} for student in students for text in student.problems),
        ],
    }


def students_to_retry(report: Record) -> list[str]:
    """Whom to do again: the newest attempt of a stage failed or cannot be read, or nothing is recorded.

    A stage that was asked about and is not done yet counts as well: the run may have been cut off before it.
    """
    return [
        entry["student"]
        for entry in report["students"]
        if entry["state"] in TO_RETRY or (report["asked"] and entry["missing"])
    ]


def _stages(students: Sequence[Student]) -> list[str]:
    """The lab's stages in the lab's order, then others by name: those that any student has."""
    found = {stage for student in students for stage in student.stages}.difference(NOT_MISSED)
    return [*(name for name in STAGES if name in found), *sorted(found.difference(STAGES))]


# --- students ------------------------------------------------------------------------------------


def _student(student: Student, names: list[str], wanted: list[str]) -> Record:
    absent = {"state": "absent", "message": "", "attempt": None, "attempts": 0, "time": None}
    stages = {name: student.stages.get(name, absent) for name in names}
    missing = [name for name in wanted if name not in student.stages]
    state = "done"
    reasons: list[str] = []
    for bad in ("failed", "unreadable"):
        reasons = [f"{name}: {_line(entry['message'])}" for name, entry in stages.items() if entry["state"] == bad]
        if reasons:
            state = bad
            break
    else:
        if not student.stages:
            state, reasons = "nothing recorded", []
        elif missing:
            state, reasons = "unfinished", [f"not done yet: {', '.join(missing)}"]
    return {
        "student": student.name,
        "state": state,
        "reason": "; ".join(reasons),
        "run": student.run,
        "runs": student.runs,
        "stages": stages,
        "missing": missing,
        "report": None,
    }


def _line(text: str) -> str:
    return " ".join(text.split()) or "no reason was recorded"


# --- figures -------------------------------------------------------------------------------------


def _windows(students: Sequence[Student], names: list[str]) -> list[Record]:
    """For each window of each stage the groups of students who measured it under the same settings."""
    found: dict[tuple[str, str], Record] = {}
    for student in students:
        for stage in names:
            record = student.measured.get(stage)
            for window in record["windows"] if record else []:
                entry = found.setdefault(
                    (stage, window["name"]), {"stage": stage, "window": window["name"], "title": window["title"]}
                )
                settings = _settings(record, window)
                group = entry.setdefault("by_settings", {}).setdefault(repr(sorted(settings.items())), {})
                group.setdefault("settings", settings)
                group.setdefault("members", []).append((student.name, window))
    windows = sorted(found.values(), key=lambda entry: names.index(entry["stage"]))
    for entry in windows:
        groups = sorted(entry.pop("by_settings").values(), key=lambda group: -len(group["members"]))
        entry["differ"] = _differing([group["settings"] for group in groups])
        entry["groups"] = [
            {
                "settings": group["settings"],
                "students": [name for name, _window in group["members"]],
                "figures": _figures(group["members"]),
            }
            for group in groups
        ]
    return windows


def _settings(record: Record, window: Record) -> Record:
    """What values of different students must have in common to be set side by side."""
    length = window["end"] - window["start"]
    wanted = record["settings"].get("window")
    known = isinstance(wanted, (int, float)) and abs(length - wanted) <= TOLERANCE
    versions = {"temporal_server": record["versions"].get("temporal_server")}
    found = {**record["settings"], "window": wanted if known else round(length, 1), **versions}
    # 120 and 120.0 are the same setting.
    return {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in found.items()
    }


def _differing(settings: Sequence[Record]) -> list[str]:
    """The names of the settings that are not the same in all of the groups."""
    names = dict.fromkeys(name for group in settings for name in group)
    return [name for name in names if any(group.get(name) != settings[0].get(name) for group in settings)]


def _figures(members: Sequence[tuple[str, Record]]) -> list[Record]:
    """A row for each key figure: how its values lie in the group. One of another unit is another figure."""
    rows: dict[tuple[str, str], Record] = {}
    for student, window in members:
        for figure in window["figures"]:
            row = rows.setdefault(
                (figure["id"], figure["unit"]),
                {
                    **{name: figure[name] for name in ("id", "title", "unit", "direction")},
                    "key": False,
                    "values": [],
                    "states": {},
                },
            )
            row["key"] = row["key"] or figure.get("key", False)
            row["states"][figure["state"]] = row["states"].get(figure["state"], 0) + 1
            if figure["value"] is not None:
                row["values"].append(_value(student, window, figure))
    found = [row for row in rows.values() if row["key"]] or list(rows.values())
    for row in found:
        row["values"].sort(key=lambda value: value["value"])
        row["median"] = _median(row["values"])
    return found


def _value(student: str, window: Record, figure: Record) -> Record:
    quantile = "observations" in figure and figure.get("interval")
    return {
        "student": student,
        "value": figure["value"],
        "bound": figure.get("bound", ""),
        "state": figure["state"],
        # Of a quantile only its bucket is known; of other figures the value.
        "known": figure["interval"] if quantile else [figure["value"], figure["value"]],
        "length": window["end"] - window["start"],
    }


def _median(values: Sequence[Record]) -> Record | None:
    """The median of the sorted values; only a bound where those that it is of are one and the same bound."""
    if not values:
        return None
    middle = values[(len(values) - 1) // 2 : len(values) // 2 + 1]
    bounds = {(value["value"], value["bound"]) for value in middle}
    return {
        "value": statistics.median(value["value"] for value in middle),
        "bound": middle[0]["bound"] if len(bounds) == 1 else "",
    }


# --- outliers ------------------------------------------------------------------------------------


def _outliers(windows: Sequence[Record]) -> list[Record]:
    """Values far from their group's median, the farthest first: something to look at, not something wrong."""
    found = [
        {
            **{name: window[name] for name in ("stage", "window", "title")},
            **{name: row[name] for name in ("unit", "direction")},
            "figure": row["id"],
            "figure_title": row["title"],
            "student": value["student"],
            "value": value["value"],
            "bound": value["bound"],
            "median": row["median"]["value"],
            "students": len(row["values"]),
            "ratio": value["value"] / row["median"]["value"],
        }
        for window in windows
        for group in window["groups"]
        for row in group["figures"]
        if len(row["values"]) >= LEAST_STUDENTS and row["median"]["value"] > 0
        for value in row["values"]
        if _is_far(value, row["median"]["value"], row["unit"])
    ]

    def distance(entry: Record) -> float:
        return abs(math.log(entry["ratio"])) if entry["ratio"] > 0 else math.inf

    return sorted(found, key=distance, reverse=True)


def _is_far(value: Record, median: float, unit: str) -> bool:
    """Whether a value is an outlier even at that end of where it may lie that is nearer to the median."""
    if value["state"] in NO_VALUE:
        return False
    number: float = value["value"]
    near: Any = value["known"][0 if number > median else 1]
    if near is None:
        return False
    if median / OUTLIER_FACTOR <= near <= median * OUTLIER_FACTOR:
        return False
    if (near > median) != (number > median):
        return False
    if unit != "1/s":
        return True
    counts = number * value["length"], median * value["length"]
    return abs(counts[0] - counts[1]) > DEVIATIONS * math.sqrt(max(sum(counts), 0.0))
