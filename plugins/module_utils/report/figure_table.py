# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of figures: a row for each figure, a cell for each window."""

from __future__ import annotations

from typing import TypedDict

from ..formatting import value_text
from ..results.report import FigureRow, Reading, Report
from .change_words import change_words
from .words import BETTER, NOTHING

#: A figure that is split into more parts is shown with the range of their values.
MOST_PARTS = 4


class Cell(TypedDict):
    """A reading. text: its value, or its state where it has none; word: the state that is shown beside a value.

    why: why it is not known whether it changed.
    by: the parts of a figure that is split by a label; range: their number and range where they are many.
    """

    text: str
    change: str
    why: str
    word: str
    state: str
    reason: str
    by: list[tuple[str, str]]
    range: str


class TableRow(TypedDict):
    """A figure. hint: which way is better."""

    title: str
    hint: str
    cells: list[Cell]


def figure_row(figure: FigureRow) -> TableRow:
    """A figure's title and its cells, one a window."""
    return {
        "title": figure["title"],
        "hint": BETTER.get(figure["direction"], ""),
        "cells": [figure_cell(reading, figure["unit"]) for reading in figure["readings"]],
    }


def figure_cell(reading: Reading | None, unit: str) -> Cell:
    """A reading of a figure with that unit; None where the window has no such figure."""
    if reading is None:
        return {"text": NOTHING, "change": "", "why": "", "word": "", "state": "", "reason": "", "by": [], "range": ""}
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
        "change": change_words(reading),
        "why": reading["change"]["reason"] if reading["change"] else "",
        "word": word,
        "state": reading["state"],
        "reason": reading["reason"],
        "by": by,
        "range": spread,
    }


def bounds_note(report: Report) -> str:
    """What the signs before bounds mean; empty where there are none."""
    if not report["known"]["bounds"]:
        return ""
    return (
        "≤ and > stand before values that are only the end of a quantile's bucket: the true quantile is at or below "
        "it (≤), or above it (>). No change is calculated from them."
    )
