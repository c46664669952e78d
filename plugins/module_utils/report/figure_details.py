# SPDX-License-Identifier: GPL-3.0-or-later
"""The details of a figure: all that is known of its values, a row for each window, remarks, and its queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from ..formatting import (
    BOUND_SIGNS,
    clock_text,
    duration_text,
    interval_text,
    number_text,
    ratio_text,
    value_text,
)
from ..results.report import FigureRow, Reading, Report, is_number
from .change_words import change_amount, change_remark, change_words, steadiness_remark
from .columns import columns
from .moments import spans_days
from .words import NOTHING

#: The columns: name, title, whether it is one of numbers. Those that are empty are left out.
HEADS = (
    ("value", "Value", True),
    ("noise", "But for noise", True),
    ("change", "Change", True),
    ("observations", "Observations", True),
    ("coverage", "Coverage", True),
    ("gap", "Largest gap", True),
    ("series", "Series", False),
    ("promql", "PromQL", True),
    ("smoothed", "PromQL, smoothed", True),
    ("state", "State", False),
    ("time", "At (UTC)", True),
)


class Head(TypedDict):
    """A column. number: whether it is set to the right."""

    name: str
    title: str
    number: bool


class DetailRow(TypedDict):
    """A window. cells: by the column's name its text and what is added to it; empty where there is nothing to say."""

    letter: str
    name: str
    cells: dict[str, tuple[str, str]]


class Remark(TypedDict):
    """A sentence and the windows that it holds for; no letters where it holds for all."""

    text: str
    letters: list[str]


class Query(TypedDict):
    """A query and the windows that it gave the value of; no letters where it is that of all."""

    query: str
    letters: list[str]


class DetailedFigure(TypedDict):
    """All of a figure. plotted: the queries of its plot; metrics: those that it was worked out from."""

    title: str
    id: str
    question: str
    reference: str
    metrics: list[str]
    heads: list[Head]
    rows: list[DetailRow]
    remarks: list[Remark]
    plotted: list[str]
    queries: list[Query]


def about_details(report: Report) -> str:
    """What stands in the details, as far as these figures have it."""
    readings = [reading for figure in report["figures"] for reading in figure["readings"] if reading]
    text = "Each figure with all digits, how well it is known, and its PromQL query."
    if any("promql" in reading for reading in readings):
        text += (
            " The values are calculated from raw samples; PromQL's own answer and its difference are shown beside them."
        )
    if any(map(_series_text, readings)):
        text += (
            " A series is new or gone if it began or ended in the window, unknown if part of what it counted is not "
            "known, and double if it is a second scrape of the same process and was left out; a reset is a counter "
            "that started again from zero."
        )
    return text


def figure_details(report: Report, figure: FigureRow) -> DetailedFigure:
    """A figure's details."""
    rows: list[DetailRow] = []
    remarks: dict[str, list[str]] = {}
    queries: dict[str, list[str]] = {}
    for column, reading in zip(columns(report), figure["readings"]):
        if reading is None:
            continue
        letter = column["letter"]
        rows.append({"letter": letter, "name": column["name"], "cells": _cells(report, figure["unit"], reading)})
        for text in _remarks(report, figure, reading):
            remarks.setdefault(text, []).append(letter)
        queries.setdefault(reading["query"], []).append(letter)
    plotted = [query for series in report["series"] if series["figure"] == figure["id"] for query in series["queries"]]
    metrics = {str(name) for reading in figure["readings"] if reading for name in reading.get("metrics") or ()}
    return {
        "title": figure["title"],
        "id": figure["id"],
        "question": figure["question"],
        "reference": figure["reference"],
        "metrics": sorted(metrics),
        "heads": [
            {"name": name, "title": title, "number": number}
            for name, title, number in HEADS
            if any(row["cells"][name][0] for row in rows)
        ],
        "rows": rows,
        "remarks": [
            {"text": text, "letters": letters if len(letters) < len(rows) else []} for text, letters in remarks.items()
        ],
        "plotted": list(dict.fromkeys(plotted)),
        "queries": [
            {"query": query, "letters": letters if len(queries) > 1 else []} for query, letters in queries.items()
        ],
    }


# --- cells ---------------------------------------------------------------------------------------


def _cells(report: Report, unit: str, reading: Reading) -> dict[str, tuple[str, str]]:
    value, bound, coverage = reading["value"], reading.get("bound", ""), reading["coverage"]
    low, high = reading.get("interval") or (None, None)
    gap, observations = reading.get("largest_gap"), reading.get("observations")
    promql, difference = reading.get("promql"), reading.get("promql_difference")
    theirs = "none" if promql is None else value_text(promql, unit)
    smoothed = reading.get("promql_smoothed")
    return {
        "value": (
            NOTHING if value is None else _exact(value, unit, bound),
            "" if value is None else interval_text(low, high, unit, above=bound == "above"),
        ),
        "noise": (_noise(reading, unit), ""),
        "change": _change(reading, unit),
        "observations": ("" if observations is None else number_text(observations), ""),
        "coverage": ("" if coverage is None else value_text(coverage, "ratio"), ""),
        "gap": ("" if gap is None else duration_text(gap), ""),
        "series": (_series_text(reading), ""),
        "promql": (
            theirs if "promql" in reading else "",
            # How far it is from a value that is only a bound is not known.
            "" if difference is None or bound else ratio_text(difference),
        ),
        "smoothed": ("" if smoothed is None else value_text(smoothed, unit), ""),
        "state": (reading["state"], ""),
        "time": (clock_text(reading["time"], spans_days(report)), ""),
    }


def _change(reading: Reading, unit: str) -> tuple[str, str]:
    """The change from the window before where noise tells it; else a remark says why it does not."""
    known = reading["change"] is not None and reading["change"]["verdict"] != "unknown"
    return (change_words(reading), change_amount(reading, unit)) if known else ("", "")


def _noise(reading: Reading, unit: str) -> str:
    """Between what the value would lie without the noise of this window; what is never below zero is not shown so."""
    noise, value = reading.get("noise"), reading["value"]
    if noise is None or value is None or "freedom" not in noise:
        return ""
    low, high = noise.get("low"), noise.get("high")
    if low is not None and value >= 0:
        low = max(0.0, low)
    return interval_text(low, high, unit)


def _exact(value: float, unit: str, bound: str) -> str:
    """A value with all digits in its own unit; the 16th is the noise of the arithmetic."""
    return f"{BOUND_SIGNS.get(bound, '')}{value:.15g} {unit}".removesuffix(" 1").strip()


def _series_text(reading: Reading) -> str:
    """What happened to the series, in few words: ``24 new, 12 gone``."""
    counts = {
        "new": reading.get("new_series"),
        "gone": reading.get("gone_series"),
        "unknown": reading.get("unknown_series"),
        "double": reading.get("double_series"),
        "reset": reading.get("resets"),
    }
    return ", ".join(f"{number_text(count)} {word}" for word, count in counts.items() if count)


# --- remarks -------------------------------------------------------------------------------------


def _remarks(report: Report, figure: FigureRow, reading: Reading) -> list[str]:
    """What else is to be known of a window's value, in sentences."""
    unit = figure["unit"]
    why = reading.get("promql_reason", "") if reading["value"] is not None else ""
    texts = [
        f"{reading['state']}: {reading['reason']}" if reading["state"] != "pass" and reading["reason"] else "",
        _thresholds(reading.get("thresholds") or {}, unit, figure["direction"]),
        _compared(report, figure, reading),
        change_remark(reading),
        steadiness_remark(reading, unit),
        *reading.get("notes", ()),
        why,
        _promql_parts(reading, unit) if why else "",
    ]
    return list(dict.fromkeys(text if text.endswith(".") else f"{text}." for text in texts if text))


#: What a part of PromQL's difference is of, in words.
PARTS = {
    "bounds": "only a bound is known",
    "names": "another name",
    "edges": "edges",
    "new_series": "new series",
    "ended_series": "ended, reset and unknown series",
    "second_scrapes": "second scrapes",
    "rest": "the rest",
}


def _promql_parts(reading: Reading, unit: str) -> str:
    """``Of PromQL's difference: edges +3.1/s, new series −12/s.``; empty where it has no parts, or only one."""
    parts = reading.get("promql_parts") or []
    texts = [
        f"{PARTS.get(part['what'], part['what'])} {'−' if part['amount'] < 0 else '+'}"
        f"{value_text(abs(part['amount']), unit)}"
        for part in parts
    ]
    return f"Of PromQL's difference: {', '.join(texts)}." if len(texts) > 1 else ""


def _thresholds(thresholds: Mapping[str, Any], unit: str, direction: str) -> str:
    """``Thresholds: warn above 2 ms, fail above 5 ms; relative to the window idle warn above 1.5 times.``"""
    side = "above" if direction == "lower" else "below"
    relative = thresholds.get("relative")
    parts = [f"{name} {side} {value_text(limit, unit)}" for name, limit in _limits(thresholds)]
    texts = [", ".join(parts)] if parts else []
    if isinstance(relative, dict):
        parts = [f"{name} {side} {limit:g} times" for name, limit in _limits(relative)]
        texts.append(f"relative to the window {relative.get('window')} {', '.join(parts)}")
    return f"Thresholds: {'; '.join(texts)}." if texts else ""


def _limits(limits: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name in ("warn", "fail"):
        limit = limits.get(name)
        if is_number(limit):
            yield name, limit


def _compared(report: Report, figure: FigureRow, reading: Reading) -> str:
    """What the earlier window had, and how many times that the value is where both are known."""
    compared = reading.get("compared")
    if not compared:
        return ""
    name, before, ratio = compared.get("window"), compared.get("value"), compared.get("ratio")
    if not is_number(before):
        return f"The window {name} has no value to compare with."
    bound = _earlier_bound(report, figure, name)
    text = f"The window {name} had {value_text(before, figure['unit'], bound)}"
    if is_number(ratio) and not reading.get("bound") and not bound:
        text += f"; this is {number_text(ratio)} times that"
    return f"{text}."


def _earlier_bound(report: Report, figure: FigureRow, name: object) -> str:
    """The bound of the figure's reading in the first window of that name that has one; empty where it is a value."""
    for window, reading in zip(report["windows"], figure["readings"]):
        if window["name"] == name and reading is not None:
            return reading.get("bound", "")
    return ""
