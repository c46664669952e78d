# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's content in words and formatted values, the same for every form of it.

The page, the Markdown text and the terminal's table only lay out what stands
here, so that they cannot tell different things.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..formatting import (
    BOUND_SIGNS,
    change_text,
    clock_text,
    duration_text,
    interval_text,
    number_text,
    offset_text,
    ratio_text,
    value_text,
)
from ..results.merged_run import (
    FINDING_KINDS,
    LAB_WINDOW,
    NOT_MISSED,
    key_figures,
    window_label,
)
from ..results.runs import Record
from .plots import window_letter

#: What is shown where there is nothing to show.
NOTHING = "–"

STATE_WORDS = {"absent": "not done"}
#: The state that a problem of another kind is of.
PROBLEM_STATES = {kind: state for state, kind in FINDING_KINDS.items()}
PROBLEM_WORDS = {"file": "file not used", **PROBLEM_STATES}
SETTINGS_IN_SECONDS = ("window", "scrape_interval")
#: A figure that is split into more parts is shown with the range of their values.
MOST_PARTS = 4
BETTER = {"lower": "lower is better", "higher": "higher is better"}

#: Scrape intervals from which on a gap is told: at least one scrape was left out.
LATE = 1.5
#: Of more figures that have the same reason only these are named.
MOST_NAMED = 5
#: Columns of a figure's details: name, title, whether it is one of numbers. Those that are empty are left out.
DETAILS = (
    ("value", "Value", True),
    ("observations", "Observations", True),
    ("coverage", "Coverage", True),
    ("gap", "Largest gap", True),
    ("series", "Series", False),
    ("promql", "PromQL", True),
    ("state", "State", False),
    ("time", "At (UTC)", True),
)


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
        "bounds": _bounds_note(report),
        "key": [figure_row(figure) for figure in key],
        "other": [figure_row(figure) for figure in other],
        "shards": [
            table for stage in report["stages"] if (table := _shards(stage["stage"], stage["facts"].get("shards")))
        ],
        "moments": _moments(report),
        "facts": [{"stage": stage["stage"], "items": items} for stage in report["stages"] if (items := _facts(stage))],
        "known": _known(report),
        "about_queries": _about_queries(report),
        "queries": [_details(report, figure) for figure in report["figures"]],
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
    """The problems, those that say the same of several figures or stages as one, with their sources."""
    groups: dict[tuple[str, ...], Record] = {}
    for problem in report["problems"]:
        kind, text = problem["kind"], problem["text"]
        advice = {name: problem.get(name, "") for name in ("effect", "cure")}
        empty = {
            "kind": kind,
            "state": PROBLEM_STATES.get(kind, kind),
            "word": PROBLEM_WORDS.get(kind, kind),
            "text": text,
            **advice,
            "sources": [],
            "stages": "",
        }
        groups.setdefault((kind, text, *advice.values()), empty)["sources"].append(problem["source"])
    found = list(groups.values())
    for problem in found:
        if problem["kind"] in PROBLEM_STATES:
            problem["stages"] = ", ".join(problem["sources"])
    return found


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
        text = value_text(reading["value"], unit, reading.get("bound", ""))
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


def _bounds_note(report: Record) -> str:
    if not report["known"]["bounds"]:
        return ""
    return (
        "≤ and > stand before values that are only the end of a quantile's bucket: the true quantile is there or "
        "below, or above it. No change is worked out from them."
    )


# --- how well the figures are known --------------------------------------------------------------


def _known(report: Record) -> Record:
    """How well the values are known: rows of name, text and items, and a line for the terminal."""
    known = report["known"]
    rows, parts = [], []
    coverage, gap = known["coverage"], known["largest_gap"]
    if coverage:
        share = value_text(coverage["value"], "ratio")
        text = f"{share} of the scrapes took place in {_where(report, coverage['windows'])}"
        if coverage["value"] < 1:
            parts.append(f"coverage ≥ {share}")
        else:
            text = f"{share}: every scrape that was due took place"
        rows.append({"name": "Lowest coverage", "text": text, "items": []})
    if gap:
        length, interval = duration_text(gap["value"]), gap["scrape_interval"]
        text = f"{length} between two samples, in {_where(report, gap['windows'])}"
        if interval is not None:
            text += f"; Prometheus scraped every {duration_text(interval)}"
            if gap["value"] > LATE * interval:
                parts.append(f"gaps ≤ {length}")
        rows.append({"name": "Largest gap", "text": text, "items": []})
    if known["cross_checked"]:
        places = [place for group in known["differences"] for place in group["readings"]]
        missing = sum(_reading(report, place).get("promql") is None for place in places)
        count = len(places) - missing
        verb = "is" if count < 2 else "are"
        text = (
            f"{count or 'none'} of {known['cross_checked']} values {verb} more than 5 % away from PromQL's own answer"
        )
        if missing:
            text += f"; for {missing} it has none"
        if places:
            parts.append(f"{len(places)} {'value differs' if len(places) == 1 else 'values differ'} from PromQL's")
        items = [_difference(report, group) for group in known["differences"]]
        rows.append({"name": "Against PromQL", "text": text, "items": items})
    if known["bounds"]:
        count = len(known["bounds"])
        parts.append(f"{count} {'is only a bound' if count == 1 else 'are only bounds'}")
        text = (
            "It is not known where in the lowest or highest bucket these quantiles lie. PromQL, and so Grafana and "
            "the plots, set them somewhere in it all the same."
        )
        rows.append({"name": "Only bounds", "text": text, "items": _bounds(report)})
    return {"rows": rows, "line": f"how well known: {', '.join(parts)}" if parts else ""}


def _difference(report: Record, group: Record) -> Record:
    """Why PromQL's answers are others, by how much, and whose they are."""
    shares = [
        reading["promql_difference"]
        for reading in (_reading(report, place) for place in group["readings"])
        if reading.get("promql_difference") is not None and "bound" not in reading
    ]
    text = group["reason"]
    if shares:
        ends = dict.fromkeys([ratio_text(min(shares)), ratio_text(max(shares))])
        text += f": {' to '.join(ends)}"
    rows = {(place["figure"], place["unit"]): _row(report, place) for place in group["readings"]}
    named = sorted(rows.values(), key=lambda row: not row["key"])
    texts = []
    for row in named[:MOST_NAMED]:
        windows = [place["window"] for place in group["readings"] if _row(report, place) is row]
        texts.append(f"{row['title']} ({', '.join(map(window_letter, windows))})")
    if len(named) > MOST_NAMED:
        texts.append(f"and {len(named) - MOST_NAMED} more")
    return {"text": text, "figures": "; ".join(texts)}


def _bounds(report: Record) -> list[Record]:
    """For each figure the bounds that were given as its value, with their windows."""
    rows: dict[str, dict[str, list[str]]] = {}
    for place in report["known"]["bounds"]:
        reading = _reading(report, place)
        shown = value_text(reading["value"], place["unit"], reading["bound"])
        windows = rows.setdefault(_row(report, place)["title"], {}).setdefault(shown, [])
        windows.append(window_letter(place["window"]))
    return [
        {
            "text": f"{title}: {'; '.join(f'{shown} in ' + ', '.join(letters) for shown, letters in values.items())}",
            "figures": "",
        }
        for title, values in rows.items()
    ]


def _row(report: Record, place: Record) -> Record:
    return next(row for row in report["figures"] if (row["id"], row["unit"]) == (place["figure"], place["unit"]))


def _reading(report: Record, place: Record) -> Record:
    reading: Record = _row(report, place)["readings"][place["window"]]
    return reading


def _where(report: Record, windows: list[int]) -> str:
    """Windows by letter and name, by letters alone where they are many."""
    if len(windows) > 1 and len(windows) == len(report["windows"]):
        return "every window"
    if len(windows) > 2:
        return ", ".join(map(window_letter, windows))
    names = columns(report)
    return " and ".join(f"{names[index]['letter']} {names[index]['name']}" for index in windows)


# --- details -------------------------------------------------------------------------------------

#: What a reading says of its series: field, word.
SERIES_WORDS = {
    "new_series": "new",
    "gone_series": "gone",
    "unknown_series": "unknown",
    "double_series": "double",
    "resets": "reset",
}


def _about_queries(report: Record) -> str:
    readings = [reading for figure in report["figures"] for reading in figure["readings"] if reading]
    text = "Each figure with all its digits, what is known about it, and its query in PromQL."
    if any("promql" in reading for reading in readings):
        text += (
            " The values are worked out from raw samples, and PromQL's own answer stands beside them with its "
            "difference."
        )
    if any(map(_series_text, readings)):
        text += (
            " A series is new or gone when it began or ended in the window, unknown when not all that it counted is "
            "known, and double when it was scraped a second time and left out; a reset is a counter that began again "
            "at zero."
        )
    return text


def _details(report: Record, figure: Record) -> Record:
    """All that is known of a figure: a table with a row for each window, remarks, and its queries."""
    rows: list[Record] = []
    remarks: dict[str, list[str]] = {}
    queries: dict[str, list[str]] = {}
    for column, reading in zip(columns(report), figure["readings"]):
        if reading is None:
            continue
        rows.append({"letter": column["letter"], "name": column["name"], **_detail(report, figure["unit"], reading)})
        for text in _remarks(report, figure, reading):
            remarks.setdefault(text, []).append(column["letter"])
        queries.setdefault(reading["query"], []).append(column["letter"])
    plotted = [query for series in report["series"] if series["figure"] == figure["id"] for query in series["queries"]]
    names = {str(name) for reading in figure["readings"] if reading for name in reading.get("metrics") or ()}
    return {
        "title": figure["title"],
        "id": figure["id"],
        "question": figure["question"],
        "reference": figure["reference"],
        "metrics": sorted(names),
        "heads": [
            {"name": name, "title": title, "number": number}
            for name, title, number in DETAILS
            if any(row[name][0] for row in rows)
        ],
        "rows": rows,
        # What holds for all windows needs no letters.
        "remarks": [
            {"text": text, "letters": letters if len(letters) < len(rows) else []} for text, letters in remarks.items()
        ],
        "plotted": list(dict.fromkeys(plotted)),
        "queries": [
            {"query": query, "letters": letters if len(queries) > 1 else []} for query, letters in queries.items()
        ],
    }


def _detail(report: Record, unit: str, reading: Record) -> dict[str, tuple[str, str]]:
    """The cells of a window's row, each with what is added to it; empty where there is nothing to say."""
    value, bound = reading["value"], reading.get("bound", "")
    low, high = reading.get("interval") or (None, None)
    gap, observations = reading.get("largest_gap"), reading.get("observations")
    promql, difference = reading.get("promql"), reading.get("promql_difference")
    theirs = "none" if promql is None else value_text(promql, unit)
    return {
        "value": (
            NOTHING if value is None else _exact(value, unit, bound),
            "" if value is None else interval_text(low, high, unit, above=bound == "above"),
        ),
        "observations": ("" if observations is None else number_text(observations), ""),
        "coverage": ("" if reading["coverage"] is None else value_text(reading["coverage"], "ratio"), ""),
        "gap": ("" if gap is None else duration_text(gap), ""),
        "series": (_series_text(reading), ""),
        "promql": (
            theirs if "promql" in reading else "",
            # How far it is from a value that is only a bound is not known.
            "" if difference is None or bound else ratio_text(difference),
        ),
        "state": (reading["state"], ""),
        "time": (clock_text(reading["time"], _spans_days(report)), ""),
    }


def _exact(value: float, unit: str, bound: str) -> str:
    """A value with all digits in its own unit; the 16th is the noise of the arithmetic."""
    return f"{BOUND_SIGNS.get(bound, '')}{value:.15g} {unit}".removesuffix(" 1").strip()


def _remarks(report: Record, figure: Record, reading: Record) -> list[str]:
    """What else is to be known of a window's value, in sentences."""
    unit = figure["unit"]
    why = reading.get("promql_reason", "") if reading["value"] is not None else ""
    texts = [
        f"{reading['state']}: {reading['reason']}" if reading["state"] != "pass" and reading["reason"] else "",
        _thresholds(reading.get("thresholds") or {}, unit, figure["direction"]),
        _compared(report, figure, reading),
        *reading.get("notes", ()),
        why,
    ]
    return list(dict.fromkeys(text if text.endswith(".") else f"{text}." for text in texts if text))


def _thresholds(thresholds: Record, unit: str, direction: str) -> str:
    """``Thresholds: warn above 2 ms, fail above 5 ms; against the window idle warn above 1.5 times.``"""
    side = "above" if direction == "lower" else "below"
    relative = thresholds.get("relative")
    parts = [f"{name} {side} {value_text(limit, unit)}" for name, limit in _limits(thresholds)]
    texts = [", ".join(parts)] if parts else []
    if isinstance(relative, dict):
        parts = [f"{name} {side} {limit:g} times" for name, limit in _limits(relative)]
        texts.append(f"against the window {relative.get('window')} {', '.join(parts)}")
    return f"Thresholds: {'; '.join(texts)}." if texts else ""


def _limits(limits: Record) -> list[tuple[str, float]]:
    return [(name, limits[name]) for name in ("warn", "fail") if _is_number(limits.get(name))]


def _compared(report: Record, figure: Record, reading: Record) -> str:
    """What the earlier window had, and how many times that the value is where both are known."""
    compared = reading.get("compared")
    if not compared:
        return ""
    name, before = compared.get("window"), compared.get("value")
    if not _is_number(before):
        return f"The window {name} has no value to compare with."
    places = [index for index, window in enumerate(report["windows"]) if window["name"] == name]
    earlier = next((figure["readings"][index] for index in places if figure["readings"][index]), None) or {}
    text = f"The window {name} had {value_text(before, figure['unit'], earlier.get('bound', ''))}"
    if _is_number(compared.get("ratio")) and not reading.get("bound") and not earlier.get("bound"):
        text += f"; this is {number_text(compared['ratio'])} times that"
    return f"{text}."


def _series_text(reading: Record) -> str:
    """What happened to the series, in few words: ``24 new, 12 gone``."""
    return ", ".join(f"{number_text(reading[name])} {word}" for name, word in SERIES_WORDS.items() if reading.get(name))


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
