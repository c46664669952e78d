# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a distribution as one table: a row for each window, a column for each of them.

Side by side they tell what one quantile hides: that one wait in a hundred takes a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

from ..formatting import number_text
from ..results.report import FigureRow, Reading, Report
from .columns import columns
from .figure_table import Cell, figure_cell
from .words import BETTER, NOTHING

#: What the title of a share says before its bound; in a column that is clear.
SHARE = "share "
#: A quantile by its name, such as p99.9.
QUANTILE = re.compile(r"p(\d+(?:\.\d+)?)")
#: The bound of a share, such as ``above 10 ms``, and how many milliseconds a unit has.
ABOVE = re.compile(r"above (\d+(?:\.\d+)?) (ms|s)")
MILLISECONDS = {"ms": 1.0, "s": 1000.0}


class DistributionHead(TypedDict):
    """A column: a figure of the distribution. key: whether it is a key figure."""

    title: str
    key: bool


class DistributionRow(TypedDict):
    """A window. observations: how many there were; cells: one for each head."""

    letter: str
    name: str
    observations: str
    cells: list[Cell]


class DistributionTable(TypedDict):
    """A distribution. hint: which way is better; key: whether one of its figures is a key figure."""

    id: str
    title: str
    question: str
    hint: str
    key: bool
    heads: list[DistributionHead]
    rows: list[DistributionRow]


def distribution_tables(report: Report, key: Sequence[FigureRow]) -> list[DistributionTable]:
    """The distributions in the order of their figures. key: the key figures."""
    found: dict[str, list[FigureRow]] = {}
    for figure in report["figures"]:
        if figure["distribution"]:
            found.setdefault(figure["distribution"], []).append(figure)
    return [_table(report, name, figures, key) for name, figures in found.items()]


def _table(report: Report, name: str, figures: Sequence[FigureRow], key: Sequence[FigureRow]) -> DistributionTable:
    parts = sorted(figures, key=lambda figure: part_order(part_title(figure["title"])))
    first = figures[0]
    return {
        "id": name,
        "title": first["title"].rpartition(", ")[0] or first["title"],
        "question": first["question"],
        "hint": BETTER.get(first["direction"], ""),
        "key": any(figure in key for figure in parts),
        "heads": [{"title": part_title(figure["title"]), "key": figure in key} for figure in parts],
        "rows": [
            {
                "letter": column["letter"],
                "name": column["name"],
                "observations": _observations([figure["readings"][index] for figure in parts]),
                "cells": [figure_cell(figure["readings"][index], figure["unit"]) for figure in parts],
            }
            for index, column in enumerate(columns(report))
        ],
    }


def part_title(title: str) -> str:
    """What a figure's title says of its part in the distribution: ``mean``, ``p99.9``, ``above 10 ms``."""
    return title.rpartition(", ")[2].removeprefix(SHARE)


def part_order(title: str) -> tuple[int, float, str]:
    """Where a part stands: the mean, quantiles, shares above bounds, and the rest."""
    if title == "mean":
        return 0, 0.0, title
    if quantile := QUANTILE.fullmatch(title):
        return 1, float(quantile[1]), title
    if above := ABOVE.fullmatch(title):
        return 2, float(above[1]) * MILLISECONDS[above[2]], title
    return 3, 0.0, title


def _observations(readings: Sequence[Reading | None]) -> str:
    """How many observations a window had: the same for all parts that say it."""
    numbers = [reading["observations"] for reading in readings if reading and "observations" in reading]
    if numbers:
        return number_text(round(max(numbers)))
    # Of a window that has the distribution it is not known.
    return "not known" if any(readings) else NOTHING
