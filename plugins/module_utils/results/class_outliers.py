# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a class that are far from the median of their group: something to look at, not something wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .class_report import ClassWindow, GroupFigure, Median, Outlier, StudentValue

#: A value is an outlier when it is more than this many times the class's median, or less than one such part of it.
#: The stages load every cluster alike, and the load itself changes twofold between stages: what is farther away
#: than that comes from the cluster, not from chance.
OUTLIER_FACTOR = 2.0
#: A median of fewer students says nothing about any one of them.
LEAST_STUDENTS = 3
#: A count varies by about its root: rates closer than this many such deviations may be the same.
DEVIATIONS = 3.0
#: States of figures that are no measurement.
NO_VALUE = ("inconclusive", "error")


def find_outliers(windows: Iterable[ClassWindow]) -> list[Outlier]:
    """Values far from their group's median, the farthest first."""
    found = [
        _outlier(window, figure, figure["median"], value)
        for window in windows
        for group in window["groups"]
        for figure in group["figures"]
        if figure["median"] is not None and figure["median"]["value"] > 0 and len(figure["values"]) >= LEAST_STUDENTS
        for value in figure["values"]
        # Relative to next to nothing a value is no number.
        if math.isfinite(value["value"] / figure["median"]["value"])
        and _is_far(value, figure["median"]["value"], figure["unit"])
    ]
    return sorted(found, key=_distance, reverse=True)


def _outlier(window: ClassWindow, figure: GroupFigure, median: Median, value: StudentValue) -> Outlier:
    return {
        "stage": window["stage"],
        "window": window["window"],
        "title": window["title"],
        "unit": figure["unit"],
        "direction": figure["direction"],
        "figure": figure["id"],
        "figure_title": figure["title"],
        "student": value["student"],
        "value": value["value"],
        "bound": value["bound"],
        "median": median["value"],
        "students": len(figure["values"]),
        "ratio": value["value"] / median["value"],
    }


def _distance(outlier: Outlier) -> float:
    return abs(math.log(outlier["ratio"])) if outlier["ratio"] > 0 else math.inf


def _is_far(value: StudentValue, median: float, unit: str) -> bool:
    """Whether a value is an outlier even at that end of where it may lie that is nearer to the median."""
    if value["state"] in NO_VALUE:
        return False
    number = value["value"]
    near = value["known"][0 if number > median else 1]
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
