# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge a run's stage files into one report, from which every form of it and Grafana's marks are made.

Where a stage was done more than once, its newest attempt that was done counts, else its newest. Nothing here reads a
file or a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .attempts import newest_done
from .merged_figures import known_values, merge_figures
from .merged_problems import merge_problems
from .names import STAGES, stage_file_name
from .report import (
    SCHEMA_ID,
    Attempt,
    MergedDistribution,
    MergedSeries,
    MergedStage,
    NamedValues,
    Report,
    StageEvent,
    StageWindow,
    is_number,
)
from .run_bounds import within_bounds
from .runs import Run
from .types import StageRecord, WindowResult

#: The lab's own window in seconds; a run with shorter ones is a first look.
LAB_WINDOW = 120.0
#: A window is anchored on events, so its length may miss the setting by this much, in seconds.
TOLERANCE = 1.0

#: Stages that are not missed where they are absent: the report cannot wait for itself.
NOT_MISSED = ("report",)


def build_report(run: Run) -> Report:
    """Merge a run's stage files into one report."""
    names = _stage_order(run)
    shown, left_out = within_bounds({name: _shown(run.stages[name]) for name in names if run.stages.get(name)})
    stages = [_stage(run, name, shown.get(name)) for name in names]
    windows = _windows(shown)
    figures = merge_figures([window for record in shown.values() for window in record["windows"]])
    return {
        "schema": SCHEMA_ID,
        "student": run.student,
        "run": run.name,
        "started": min((record["started"] for record in shown.values()), default=None),
        "finished": max((record["finished"] for record in shown.values()), default=None),
        "window": _window_length(shown.values(), windows),
        "first_look": any(window["end"] - window["start"] < LAB_WINDOW - TOLERANCE for window in windows),
        "versions": _by_stage((name, record["versions"]) for name, record in shown.items()),
        "settings": _by_stage((name, record["settings"]) for name, record in shown.items()),
        "stages": stages,
        "absent": [
            stage["stage"] for stage in stages if stage["state"] == "absent" and stage["stage"] not in NOT_MISSED
        ],
        "events": _events(shown),
        "windows": windows,
        "figures": figures,
        "known": known_values(shown, windows, figures),
        "series": _series(shown.values()),
        "distributions": _distributions([window for record in shown.values() for window in record["windows"]]),
        "problems": merge_problems(run, shown, windows, figures, left_out),
    }


# --- stages --------------------------------------------------------------------------------------


def _stage_order(run: Run) -> list[str]:
    """The lab's stages in the lab's order, then others by their first start."""
    others = {stage for stage, _attempt in run.unreadable} | set(run.stages)
    others.difference_update(STAGES)

    def start(stage: str) -> tuple[float, str]:
        return min((record["started"] for record in run.stages.get(stage, [])), default=float("inf")), stage

    return [*STAGES, *sorted(others, key=start)]


def _shown(records: Sequence[StageRecord]) -> StageRecord:
    """The attempt whose content counts: the newest that was done, else the newest."""
    return newest_done(records) or records[-1]


def _stage(run: Run, name: str, shown: StageRecord | None) -> MergedStage:
    attempts = _attempts(run, name)
    newest = attempts[-1] if attempts else None
    return {
        "stage": name,
        "state": newest["state"] if newest else "absent",
        "message": newest["message"] if newest else "",
        "duration": newest["duration"] if newest else None,
        "shown_attempt": shown["attempt"] if shown else None,
        "attempts": attempts,
        "facts": shown["facts"] if shown else {},
        "ledger": shown.get("ledger") if shown else None,
    }


def _attempts(run: Run, name: str) -> list[Attempt]:
    """All attempts of a stage, also those whose file cannot be used, the oldest first."""
    attempts: list[Attempt] = [
        {
            "attempt": record["attempt"],
            "file": stage_file_name(name, record["attempt"]),
            "state": record["state"],
            "message": record["message"],
            "started": record["started"],
            "finished": record["finished"],
            "duration": round(record["finished"] - record["started"], 3),
        }
        for record in run.stages.get(name, [])
    ]
    attempts += [
        {
            "attempt": attempt,
            "file": file,
            "state": "unreadable",
            "message": f"{file} could not be used; see Problems.",
            "started": None,
            "finished": None,
            "duration": None,
        }
        for (stage, attempt), file in run.unreadable.items()
        if stage == name
    ]
    return sorted(attempts, key=lambda attempt: attempt["attempt"])


# --- versions and settings -----------------------------------------------------------------------


def _by_stage(values: Iterable[tuple[str, Mapping[str, Any]]]) -> list[NamedValues]:
    """Each name's values with the stages that gave them: what is the same everywhere has one value."""
    names: dict[str, NamedValues] = {}
    for stage, found in values:
        for name, value in found.items():
            entries = names.setdefault(name, {"name": name, "values": []})["values"]
            for entry in entries:
                if entry["value"] == value:
                    entry["stages"].append(stage)
                    break
            else:
                entries.append({"value": value, "stages": [stage]})
    return list(names.values())


# --- windows and events --------------------------------------------------------------------------


def _windows(shown: Mapping[str, StageRecord]) -> list[StageWindow]:
    return [
        {
            "stage": stage,
            "name": window["name"],
            "title": window["title"],
            "start": window["start"],
            "end": window["end"],
            "resources": window.get("resources"),
        }
        for stage, record in shown.items()
        for window in record["windows"]
    ]


def _window_length(records: Iterable[StageRecord], windows: Sequence[StageWindow]) -> float | None:
    """The windows' length as it was set, else the shortest that was measured, in seconds."""
    for record in records:
        length = record["settings"].get("window")
        if record["windows"] and is_number(length):
            return float(length)
    return min((round(window["end"] - window["start"], 3) for window in windows), default=None)


def _events(shown: Mapping[str, StageRecord]) -> list[StageEvent]:
    """The events in the order of their times.

    A stage may note again what happened before it, such as the rollout that it
    found: that is one event, of the stage in whose time it was.
    """
    found: dict[tuple[str, str, float], StageEvent] = {}
    for stage, record in shown.items():
        for event in record["events"]:
            key = (event["name"], event["title"], event["time"])
            if key not in found or record["started"] <= event["time"] <= record["finished"]:
                found[key] = {"stage": stage, **event}
    return sorted(found.values(), key=lambda event: event["time"])


# --- distributions -------------------------------------------------------------------------------


def _distributions(windows: Sequence[WindowResult]) -> list[MergedDistribution]:
    """Distributions of the same id and unit as one, with what each window has of it."""
    merged: dict[tuple[str, str], MergedDistribution] = {}
    for index, window in enumerate(windows):
        for one in window.get("distributions", ()):
            row = merged.setdefault(
                (one["id"], one["unit"]),
                {"id": one["id"], "title": one["title"], "unit": one["unit"], "windows": [None] * len(windows)},
            )
            row["windows"][index] = one
    return list(merged.values())


# --- series --------------------------------------------------------------------------------------


def _series(records: Iterable[StageRecord]) -> list[MergedSeries]:
    """Series of the same figure, unit and labels as one, with the distance of their points in seconds.

    step: the longest that the stages gave, else the median; None with a single point.
    """
    merged: dict[tuple[Any, ...], MergedSeries] = {}
    points: dict[tuple[Any, ...], dict[Any, float | None]] = {}
    for record in records:
        for series in record["series"]:
            key = (series["figure"], series["unit"], tuple(sorted(series["labels"].items())))
            target = merged.setdefault(
                key,
                {
                    "figure": series["figure"],
                    "title": series["title"],
                    "unit": series["unit"],
                    "labels": series["labels"],
                    "queries": [],
                    "step": None,
                    "points": [],
                },
            )
            points.setdefault(key, {}).update((time, value) for time, value in series["points"])
            if "step" in series:
                target["step"] = max(target["step"] or 0, series["step"])
            query = series.get("query")
            if query and query not in target["queries"]:
                target["queries"].append(query)
    for key, target in merged.items():
        target["points"] = [[time, value] for time, value in sorted(points[key].items())]
        target["step"] = target["step"] or _median_step(sorted(points[key]))
    return list(merged.values())


def _median_step(times: Sequence[float]) -> float | None:
    steps = sorted(later - earlier for earlier, later in zip(times, times[1:]))
    return round(steps[len(steps) // 2], 3) if steps else None
