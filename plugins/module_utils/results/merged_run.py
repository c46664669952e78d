# SPDX-License-Identifier: GPL-3.0-or-later
"""The merged model of a run, from which every form of the report is made.

It is what report.json holds; docs/results.md describes it. Nothing here reads a
file or a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .names import STAGES
from .runs import Record, Run

SCHEMA_ID = "temporal_lab.benchmarking/report/1"

#: The lab's own window in seconds; a run with shorter ones is a first look.
LAB_WINDOW = 120.0
#: A window is anchored on events, so its length may miss the setting by this much, in seconds.
TOLERANCE = 1.0

#: Stages that are not missed where they are absent: the report cannot wait for itself.
NOT_MISSED = ("report",)

#: What a state other than pass is called, the gravest first.
STATE_ORDER = ("fail", "error", "inconclusive", "warn")
#: Problems that are findings of stages, by the finding's state, the gravest first.
FINDING_KINDS = {"fail": "finding_fail", "warn": "finding_warn"}

#: What says how well a value is known, and how it came about; a reading has those that its figure has.
BESIDE = (
    "interval",
    "bound",
    "observations",
    "samples",
    "largest_gap",
    "resets",
    "new_series",
    "gone_series",
    "unknown_series",
    "double_series",
    "notes",
    "metrics",
    "thresholds",
    "compared",
    "promql",
    "promql_difference",
    "promql_reason",
)
#: Reasons that differ in a number only are one.
SERIES_COUNT = re.compile(r"\b\d+ series\b")


def build_report(run: Run) -> Record:
    """Merge a run's stage files into one model (see docs/results.md for its shape)."""
    names = _stage_order(run)
    shown = {name: _shown(run.stages[name]) for name in names if run.stages.get(name)}
    stages = [_stage(run, name, shown.get(name)) for name in names]
    records = [(name, shown[name]) for name in names if name in shown]
    windows = [
        {"stage": name, **{key: window[key] for key in ("name", "title", "start", "end")}}
        for name, record in records
        for window in record["windows"]
    ]
    figures = _figures([window for _name, record in records for window in record["windows"]])
    return {
        "schema": SCHEMA_ID,
        "student": run.student,
        "run": run.name,
        "started": min((record["started"] for _name, record in records), default=None),
        "finished": max((record["finished"] for _name, record in records), default=None),
        "window": _window_length(records, windows),
        "first_look": any(window["end"] - window["start"] < LAB_WINDOW - TOLERANCE for window in windows),
        "versions": _by_stage((name, record["versions"]) for name, record in records),
        "settings": _by_stage((name, record["settings"]) for name, record in records),
        "stages": stages,
        "absent": [
            stage["stage"] for stage in stages if stage["state"] == "absent" and stage["stage"] not in NOT_MISSED
        ],
        "events": _events(records),
        "windows": windows,
        "figures": figures,
        "known": _known(records, windows, figures),
        "series": _series(records),
        "problems": _problems(run, shown, windows, figures),
    }


def key_figures(figures: list[Record]) -> list[Record]:
    """The figures that the profile marked as key; all of them where it marked none."""
    return [figure for figure in figures if figure["key"]] or figures


def window_label(windows: list[Record], index: int) -> tuple[str, str]:
    """A window's stage, and its title where the stage has more than one window."""
    window = windows[index]
    alone = sum(other["stage"] == window["stage"] for other in windows) == 1
    return window["stage"], "" if alone else window["title"]


def _stage_order(run: Run) -> list[str]:
    """The lab's stages in the lab's order, then others by their first start."""
    others = {stage for stage, _attempt in run.unreadable} | set(run.stages)
    others.difference_update(STAGES)

    def start(stage: str) -> tuple[float, str]:
        return min((record["started"] for record in run.stages.get(stage, [])), default=float("inf")), stage

    return [*STAGES, *sorted(others, key=start)]


def _shown(records: list[Record]) -> Record:
    """The attempt whose content counts: the newest that was done, else the newest."""
    done = [record for record in records if record["state"] == "done"]
    return (done or records)[-1]


def _stage(run: Run, name: str, shown: Record | None) -> Record:
    """A stage for the overview: the newest attempt's state, the shown attempt's facts."""
    records = run.stages.get(name, [])
    attempts = [
        {
            "attempt": record["attempt"],
            "file": f"{name}-{record['attempt']}.json",
            "state": record["state"],
            "message": record["message"],
            "started": record["started"],
            "finished": record["finished"],
            "duration": round(record["finished"] - record["started"], 3),
        }
        for record in records
    ]
    attempts += [
        {
            "attempt": attempt,
            "file": file,
            "state": "unreadable",
            "message": f"{file} could not be used; see the problems.",
            "started": None,
            "finished": None,
            "duration": None,
        }
        for (stage, attempt), file in run.unreadable.items()
        if stage == name
    ]
    attempts.sort(key=lambda attempt: attempt["attempt"])
    newest = attempts[-1] if attempts else {"state": "absent", "message": "", "duration": None}
    return {
        "stage": name,
        "state": newest["state"],
        "message": newest["message"],
        "duration": newest["duration"],
        "shown_attempt": shown["attempt"] if shown else None,
        "attempts": attempts,
        "facts": shown["facts"] if shown else {},
    }


def _by_stage(values: Iterable[tuple[str, Record]]) -> list[Record]:
    """Each name's values with the stages that gave them: what is the same everywhere has one value."""
    names: dict[str, list[Record]] = {}
    for stage, found in values:
        for name, value in found.items():
            entries = names.setdefault(name, [])
            for entry in entries:
                if entry["value"] == value:
                    entry["stages"].append(stage)
                    break
            else:
                entries.append({"value": value, "stages": [stage]})
    return [{"name": name, "values": entries} for name, entries in names.items()]


def _window_length(records: list[tuple[str, Record]], windows: list[Record]) -> float | None:
    """The windows' length as it was set, else the shortest that was measured, in seconds."""
    for _name, record in records:
        length = record["settings"].get("window")
        if record["windows"] and _is_number(length):
            return float(length)
    return min((round(window["end"] - window["start"], 3) for window in windows), default=None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _events(records: list[tuple[str, Record]]) -> list[Record]:
    """The events in the order of their times.

    A stage may note again what happened before it, such as the rollout that it
    found: that is one event, of the stage in whose time it was.
    """
    found: dict[tuple[Any, ...], Record] = {}
    for name, record in records:
        for event in record["events"]:
            key = (event["name"], event["title"], event["time"])
            if key not in found or record["started"] <= event["time"] <= record["finished"]:
                found[key] = {"stage": name, **event}
    return sorted(found.values(), key=lambda event: event["time"])


def _figures(windows: list[Record]) -> list[Record]:
    """One row a figure, with one reading a window (None where the window has no such figure).

    A figure is known by its id and unit: values of different units are never
    set side by side, nor is a change worked out between them.
    """
    rows: dict[tuple[str, str], Record] = {}
    for index, window in enumerate(windows):
        for figure in window["figures"]:
            row = rows.setdefault(
                (figure["id"], figure["unit"]),
                {
                    "id": figure["id"],
                    "title": figure["title"],
                    "unit": figure["unit"],
                    "direction": figure["direction"],
                    "question": figure.get("question", ""),
                    "reference": figure.get("reference", ""),
                    "key": False,
                    "readings": [None] * len(windows),
                },
            )
            row["key"] = row["key"] or figure.get("key", False)
            row["readings"][index] = {
                "value": figure["value"],
                "state": figure["state"],
                "reason": figure["reason"],
                "query": figure["query"],
                "time": figure["time"],
                "coverage": figure.get("coverage"),
                "by": figure.get("by", {}),
                "change": None,
                **{name: figure[name] for name in BESIDE if name in figure},
            }
    for row in rows.values():
        readings = row["readings"]
        for before, after in zip(readings, readings[1:]):
            if before and after:
                after["change"] = _change(before, after)
    return list(rows.values())


def _change(before: Record, after: Record) -> dict[str, float | None] | None:
    """The change against the window before: absolute, and as a ratio unless that would divide by zero.

    None where one of the values is not known or only a bound: two quantiles in the
    same lowest bucket need not be the same.
    """
    old, new = before["value"], after["value"]
    if old is None or new is None or before.get("bound") or after.get("bound"):
        return None
    difference = new - old
    if old == 0:
        return {"absolute": difference, "ratio": 0.0 if new == 0 else None}
    return {"absolute": difference, "ratio": difference / abs(old)}


def _known(records: list[tuple[str, Record]], windows: list[Record], figures: list[Record]) -> Record:
    """How well the values are known, over all windows; figures without a value are among the problems."""
    found = [
        (figure, index, reading)
        for figure in figures
        for index, reading in enumerate(figure["readings"])
        if reading is not None and reading["value"] is not None
    ]
    gap = _extreme(max, ((reading.get("largest_gap"), index) for _figure, index, reading in found))
    if gap:
        stage = windows[gap["windows"][0]]["stage"]
        interval = dict(records)[stage]["settings"].get("scrape_interval")
        gap["scrape_interval"] = interval if _is_number(interval) else None
    reasons: dict[str, list[Record]] = {}
    bounds = []
    for figure, index, reading in found:
        place = {"figure": figure["id"], "unit": figure["unit"], "window": index}
        if reading.get("promql_reason") and not _within_bound(reading):
            reasons.setdefault(SERIES_COUNT.sub("series", reading["promql_reason"]), []).append(place)
        if reading.get("bound"):
            bounds.append(place)
    return {
        "coverage": _extreme(min, ((reading["coverage"], index) for _figure, index, reading in found)),
        "largest_gap": gap,
        "cross_checked": sum("promql" in reading for _figure, _index, reading in found),
        "differences": [{"reason": reason, "readings": places} for reason, places in reasons.items()],
        "bounds": bounds,
    }


def _extreme(choose: Callable[..., float], values: Iterable[tuple[float | None, int]]) -> Record | None:
    """The least or greatest value with the windows that have it; None when none is known."""
    known = [(value, index) for value, index in values if value is not None]
    if not known:
        return None
    extreme = choose(value for value, _index in known)
    return {"value": extreme, "windows": sorted({index for value, index in known if value == extreme})}


def _within_bound(reading: Record) -> bool:
    """Whether PromQL's answer does not contradict a value that is only a bound."""
    theirs, value = reading.get("promql"), reading["value"]
    if theirs is None or "bound" not in reading:
        return False
    return theirs <= value if reading["bound"] == "below" else theirs >= value


def _series(records: list[tuple[str, Record]]) -> list[Record]:
    """Series of the same figure, unit and labels as one, with the distance of their points in seconds.

    step: the longest that the stages gave, else the median; None with a single point.
    """
    merged: dict[tuple[Any, ...], Record] = {}
    for _name, record in records:
        for series in record["series"]:
            target = merged.setdefault(
                (series["figure"], series["unit"], tuple(sorted(series["labels"].items()))),
                {
                    **{name: series[name] for name in ("figure", "title", "unit", "labels")},
                    "queries": [],
                    "step": None,
                    "points": {},
                },
            )
            target["points"].update((time, value) for time, value in series["points"])
            if "step" in series:
                target["step"] = max(target["step"] or 0, series["step"])
            if series.get("query") and series["query"] not in target["queries"]:
                target["queries"].append(series["query"])
    for target in merged.values():
        target["points"] = [list(point) for point in sorted(target["points"].items())]
        target["step"] = target["step"] or _median_step([time for time, _value in target["points"]])
    return list(merged.values())


def _median_step(times: list[float]) -> float | None:
    steps = sorted(later - earlier for earlier, later in zip(times, times[1:]))
    return round(steps[len(steps) // 2], 3) if steps else None


def _problems(run: Run, shown: dict[str, Record], windows: list[Record], figures: list[Record]) -> list[Record]:
    """Files that could not be used, findings of stages, then figures that did not pass; the gravest first."""
    found = []
    for figure in figures:
        for index, reading in enumerate(figure["readings"]):
            if reading is None or reading["state"] == "pass":
                continue
            stage, title = window_label(windows, index)
            found.append(
                {
                    "kind": reading["state"],
                    "source": ", ".join(filter(None, [figure["title"], stage, title])),
                    "text": reading["reason"] or "no reason was recorded",
                }
            )
    found.sort(key=lambda problem: STATE_ORDER.index(problem["kind"]))
    files = [{"kind": "file", "source": problem.source, "text": problem.text} for problem in run.problems]
    return [*files, *_findings(run, shown), *found]


def _findings(run: Run, shown: dict[str, Record]) -> list[Record]:
    """What stages found and warn of: in the attempt that is shown, and in a newer one that was not done."""
    found: list[Record] = []
    for stage, record in shown.items():
        newest = run.stages[stage][-1]
        for source in [record] if newest is record else [record, newest]:
            findings = source["facts"].get("findings")
            for finding in findings if isinstance(findings, list) else []:
                kind = FINDING_KINDS.get(str(finding.get("state"))) if isinstance(finding, dict) else None
                if kind is None:
                    continue
                problem = {
                    "kind": kind,
                    "source": stage,
                    "text": str(finding.get("title") or finding.get("id") or "no title was recorded"),
                    **{name: str(finding.get(name) or "") for name in ("effect", "cure")},
                }
                if problem not in found:
                    found.append(problem)
    kinds = list(FINDING_KINDS.values())
    return sorted(found, key=lambda problem: kinds.index(problem["kind"]))
