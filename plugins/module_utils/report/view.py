# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's content in words and formatted values, the same for every form of it.

The page, the Markdown text and the terminal's table only lay out what stands
here, so that they cannot tell different things.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .formatting import change_text, clock_text, duration_text, number_text, offset_text, value_text
from .model import LAB_WINDOW, NOT_MISSED, key_figures, window_label
from .plots import window_letter
from .results import Record

#: What is shown where there is nothing to show.
NOTHING = "–"

STATE_WORDS = {"absent": "not done"}
PROBLEM_WORDS = {"file": "file not used"}
SETTINGS_IN_SECONDS = ("window", "scrape_interval")
#: A figure that is split into more parts is shown with the range of their values.
MOST_PARTS = 4
BETTER = {"lower": "lower is better", "higher": "higher is better"}


def build_view(report: Record) -> Record:
    """Everything the report says, section by section, as text."""
    key = key_figures(report["figures"])
    other = [figure for figure in report["figures"] if figure not in key]
    return {
        "student": report["student"],
        "run": report["run"],
        "header": _header(report),
        "first_look": _first_look(report),
        "summary": _summary(report),
        "stages": [_stage(report, stage) for stage in report["stages"] if _is_told(stage)],
        "columns": columns(report),
        "key": [figure_row(figure) for figure in key],
        "other": [figure_row(figure) for figure in other],
        "shards": [
            table for stage in report["stages"] if (table := _shards(stage["stage"], stage["facts"].get("shards")))
        ],
        "moments": _moments(report),
        "facts": [{"stage": stage["stage"], "items": items} for stage in report["stages"] if (items := _facts(stage))],
        "queries": [_queries(report, figure) for figure in report["figures"]],
        "versions": [_named(item) for item in report["versions"]],
        "settings": [_named(item) for item in report["settings"]],
        "problems": _problems(report),
    }


def columns(report: Record) -> list[Record]:
    """The windows as columns: letter, stage, title (empty if the stage has one window), times."""
    found = []
    for index, window in enumerate(report["windows"]):
        stage, title = window_label(report["windows"], index)
        found.append(
            {
                "letter": window_letter(index),
                "stage": stage,
                "title": title,
                "name": f"{stage}, {title}" if title else stage,
                "length": duration_text(window["end"] - window["start"]),
            }
        )
    return found


def _header(report: Record) -> list[tuple[str, str]]:
    rows = [("Run", report["run"])]
    if report["started"] is not None:
        rows += [
            ("Started", f"{clock_text(report['started'], with_date=True)} UTC"),
            ("Took", duration_text(report["finished"] - report["started"])),
        ]
    if report["window"] is not None:
        rows.append(("Windows", duration_text(report["window"])))
    rows += [("Scraped every", _named(item)[1]) for item in report["settings"] if item["name"] == "scrape_interval"]
    return rows


def _first_look(report: Record) -> str:
    if not report["first_look"]:
        return ""
    shortest = min(window["end"] - window["start"] for window in report["windows"])
    return (
        f"A first look: the shortest window is {duration_text(shortest)}, the lab's own windows are "
        f"{duration_text(LAB_WINDOW)}. Short windows hold few samples, so expect the figures to vary."
    )


def _summary(report: Record) -> str:
    """One sentence on how the run went."""
    counts: dict[str, int] = {}
    for stage in report["stages"]:
        if stage["state"] != "absent":
            counts[stage["state"]] = counts.get(stage["state"], 0) + 1
    if not counts:
        return "This run has no stage yet."
    total = sum(counts.values())
    parts = [f"{counts[state]} {state}" for state in ("done", "failed", "skipped", "unreadable") if state in counts]
    sentence = f"{total} {'stage' if total == 1 else 'stages'} in this run: {', '.join(parts)}."
    if report["absent"]:
        sentence += f" Not in this run: {', '.join(report['absent'])}."
    return sentence


def _is_told(stage: Record) -> bool:
    return stage["state"] != "absent" or stage["stage"] not in NOT_MISSED


def _stage(report: Record, stage: Record) -> Record:
    attempts = stage["attempts"]
    notes = []
    if attempts and stage["shown_attempt"] not in (None, attempts[-1]["attempt"]):
        notes.append(f"what follows is from attempt {stage['shown_attempt']}")
    for attempt in attempts[:-1]:
        told = f": {attempt['message']}" if attempt["message"] else ""
        notes.append(f"attempt {attempt['attempt']} {attempt['state']}{told}")
    started = attempts[-1]["started"] if attempts else None
    return {
        "stage": stage["stage"],
        "state": stage["state"],
        "word": STATE_WORDS.get(stage["state"], stage["state"]),
        "started": NOTHING if started is None else clock_text(started, _spans_days(report)),
        "duration": NOTHING if stage["duration"] is None else duration_text(stage["duration"]),
        "attempts": str(len(attempts)) if attempts else NOTHING,
        "message": stage["message"],
        "notes": notes,
    }


def _spans_days(report: Record) -> bool:
    """Whether the clock alone would not tell when something was."""
    dates = {clock_text(report[name], with_date=True)[:10] for name in ("started", "finished")}
    return len(dates) > 1


def _problems(report: Record) -> list[Record]:
    """The problems, those that say the same of several figures as one: (kind, text) with their sources."""
    groups: dict[tuple[str, str], Record] = {}
    for problem in report["problems"]:
        kind, text = problem["kind"], problem["text"]
        empty = {"kind": kind, "word": PROBLEM_WORDS.get(kind, kind), "text": text, "sources": []}
        groups.setdefault((kind, text), empty)["sources"].append(problem["source"])
    return list(groups.values())


# --- figures -------------------------------------------------------------------------------------


def figure_row(figure: Record) -> Record:
    """A figure's title and its cells, one a window."""
    return {
        "title": figure["title"],
        "hint": BETTER.get(figure["direction"], ""),
        "cells": [_cell(reading, figure["unit"]) for reading in figure["readings"]],
    }


def _cell(reading: Record | None, unit: str) -> Record:
    """One reading: its value (or its state's word), the change, the state where it is not pass, the split."""
    if reading is None:
        return {"text": NOTHING, "change": "", "word": "", "state": "", "reason": "", "by": [], "range": ""}
    by = [
        (label, NOTHING if value is None else value_text(value, unit)) for label, value in sorted(reading["by"].items())
    ]
    known = [value for value in reading["by"].values() if value is not None]
    spread = ""
    if len(by) > MOST_PARTS and known:
        spread = f"{len(by)} parts, {value_text(min(known), unit)} to {value_text(max(known), unit)}"
    word = "" if reading["state"] == "pass" else reading["state"]
    if reading["value"] is not None:
        text = value_text(reading["value"], unit)
    elif by:
        text = spread or " / ".join(value for _label, value in by)
    else:
        text, word = reading["state"], ""
    return {
        "text": text,
        "change": change_text(reading["change"]),
        "word": word,
        "state": reading["state"],
        "reason": reading["reason"],
        "by": by,
        "range": spread,
    }


def _queries(report: Record, figure: Record) -> Record:
    """A figure's queries, each with the windows that it was asked for."""
    groups: dict[str, list[Record]] = {}
    for column, reading in zip(columns(report), figure["readings"]):
        if reading is None:
            continue
        value = (
            NOTHING
            if reading["value"] is None
            else f"{reading['value']:.10g} {figure['unit']}".removesuffix(" 1").strip()
        )
        groups.setdefault(reading["query"], []).append(
            {
                "letter": column["letter"],
                "name": column["name"],
                "time": f"{clock_text(reading['time'], with_date=True)} UTC",
                "value": value,
                "coverage": NOTHING if reading["coverage"] is None else value_text(reading["coverage"], "ratio"),
                "state": reading["state"],
                "reason": reading["reason"],
            }
        )
    plotted = [query for series in report["series"] if series["figure"] == figure["id"] for query in series["queries"]]
    return {
        "title": figure["title"],
        "id": figure["id"],
        "question": figure["question"],
        "reference": figure["reference"],
        "plotted": list(dict.fromkeys(plotted)),
        "queries": [{"query": query, "readings": readings} for query, readings in groups.items()],
    }


# --- time line -----------------------------------------------------------------------------------


def _moments(report: Record) -> list[Record]:
    """Events and windows in the order of their times, with the marks that the drawings use."""
    origin = report["started"]
    rows = []
    for number, event in enumerate(report["events"], 1):
        rows.append((event["time"], str(number), "event", event["stage"], event["title"]))
    for index, window in enumerate(report["windows"]):
        length = duration_text(window["end"] - window["start"])
        what = f'window "{window["title"]}", {length}'
        rows.append((window["start"], window_letter(index), "window", window["stage"], what))
    return [
        {
            "mark": mark,
            "kind": kind,
            "clock": clock_text(moment, _spans_days(report)),
            "offset": offset_text(moment - origin),
            "stage": stage,
            "what": what,
        }
        for moment, mark, kind, stage, what in sorted(rows, key=lambda row: row[0])
    ]


# --- facts ---------------------------------------------------------------------------------------


def _shards(stage: str, shards: object) -> Record | None:
    """The shards of each history pod before and after, with their sums; None if a stage did not tell."""
    if not _are_shards(shards):
        return None
    before, after, expected = shards["before"], shards["after"], shards.get("expected")
    sums = {"before": _sum(before), "after": _sum(after)}
    rows = [
        {
            "pod": pod,
            "before": _count(before, pod),
            "after": _count(after, pod),
            "share": value_text(after[pod] / sums["after"], "ratio") if sums["after"] and pod in after else NOTHING,
        }
        for pod in sorted({*before, *after}, key=lambda pod: (pod not in before, pod))
    ]
    sentences = [_against_expected(sums, expected)]
    empty = [pod for pod, count in sorted(after.items()) if count == 0]
    if empty:
        sentences.append(f"Afterwards no shard was owned by {', '.join(empty)}.")
    if "settled" in shards:
        settled = shards["settled"]
        sentences.append(
            "The shards did not settle while they were watched."
            if settled is None
            else f"The shards settled {duration_text(settled)} after the new pod was made."
        )
    return {
        "stage": stage,
        "rows": rows,
        "before": _count(sums, "before"),
        "after": _count(sums, "after"),
        "sentences": sentences,
    }


def _against_expected(sums: dict[str, float | None], expected: float | None) -> str:
    if expected is None:
        return "The effective shard count was not read from Temporal."
    unknown = [when for when, total in sums.items() if total is None]
    if unknown:
        return f"Not every pod told its shards {' and '.join(unknown)}, so that sum is not known."
    wrong = [f"{_count(sums, when)} {when}" for when, total in sums.items() if total != expected]
    if wrong:
        return f"The sum is not the effective shard count, {number_text(expected)}: it is {' and '.join(wrong)}."
    return f"Both sums are the effective shard count, {number_text(expected)}."


def _are_shards(shards: object) -> bool:
    """Whether a fact has the shape that is documented for shards; another is shown as an unknown fact."""
    if not isinstance(shards, dict):
        return False
    counts = [shards.get("before"), shards.get("after")]
    if not all(isinstance(pods, dict) and all(map(_is_number_or_none, pods.values())) for pods in counts):
        return False
    return all(_is_number_or_none(shards.get(name)) for name in ("expected", "settled"))


def _sum(pods: dict[str, float | None]) -> float | None:
    """Shards of all pods; None when there is no pod, or one that did not tell."""
    counts = [count for count in pods.values() if count is not None]
    return sum(counts) if counts and len(counts) == len(pods) else None


def _count(counts: dict[str, float | None], name: str) -> str:
    """A count, a word where it is not known, or a dash where the pod did not exist."""
    if name not in counts:
        return NOTHING
    count = counts[name]
    return "not known" if count is None else number_text(count)


def _facts(stage: Record) -> list[Record]:
    """A stage's facts as items: a name with a text, a list of texts, or a table of findings."""
    items = []
    for name, value in stage["facts"].items():
        if name == "shards" and _are_shards(value):
            continue
        known = KNOWN_FACTS.get(name)
        item = known(value) if known else None
        items.append(item or {"name": name.replace("_", " "), "text": _plain_text(value)})
    return items


def _ready_seconds(value: object) -> Record | None:
    return {"name": "Ready after", "text": duration_text(value)} if _is_number(value) else None


def _restarts(value: object) -> Record | None:
    if not isinstance(value, dict) or not all(map(_is_number, value.values())):
        return None
    restarted = [f"{pod}: {number_text(count)}" for pod, count in sorted(value.items()) if count]
    if not restarted:
        return {"name": "Restarts", "text": "none"}
    return {"name": "Restarts", "lines": restarted}


def _waited_seconds(value: object) -> Record | None:
    return {"name": "Waited", "text": duration_text(value)} if _is_number(value) else None


def _leftovers(value: object) -> Record | None:
    if not isinstance(value, list):
        return None
    return (
        {"name": "Leftovers", "lines": [str(item) for item in value]}
        if value
        else {"name": "Leftovers", "text": "none"}
    )


def _findings(value: object) -> Record | None:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    fields = ("state", "title", "effect", "cure")
    return {"name": "Findings", "findings": [{name: str(item.get(name) or "") for name in fields} for item in value]}


KNOWN_FACTS: dict[str, Callable[[object], Record | None]] = {
    "ready_seconds": _ready_seconds,
    "restarts": _restarts,
    "leftovers": _leftovers,
    "waited_seconds": _waited_seconds,
    "findings": _findings,
}


def _named(item: Record) -> tuple[str, str]:
    """A version or setting: its value, or its values each with the stages that had it."""
    name = item["name"].replace("_", " ")
    texts = [_setting_text(item["name"], entry["value"]) for entry in item["values"]]
    if len(texts) == 1:
        return name, texts[0]
    return name, "; ".join(f"{text} ({', '.join(entry['stages'])})" for text, entry in zip(texts, item["values"]))


def _setting_text(name: str, value: Any) -> str:
    return duration_text(value) if name in SETTINGS_IN_SECONDS and _is_number(value) else _plain_text(value)


def _plain_text(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)
