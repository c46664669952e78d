# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a run is shown: files of others can hold far more than a report has room for."""

from __future__ import annotations

from collections.abc import Mapping

from .names import stage_file_name
from .runs import Problem
from .types import StageRecord

#: Windows, events, lines and points of all stages together. The whole lab has 5, 20, 20 and 10,000.
MOST_WINDOWS = 100
MOST_EVENTS = 2_000
MOST_SERIES = 600
MOST_POINTS = 200_000
#: Rows of the table of figures, and its cells: a row has one for each window.
MOST_ROWS = 600
MOST_CELLS = 20_000


def within_bounds(shown: Mapping[str, StageRecord]) -> tuple[dict[str, StageRecord], list[Problem]]:
    """The stages with as much measured content as a report takes, and a sentence on each that lost its content.

    The lab's stages come first; one whose content is too much does not take room from those after it.
    """
    found: dict[str, StageRecord] = {}
    problems: list[Problem] = []
    counts = Counts()
    for stage, record in shown.items():
        more = counts.with_stage(record)
        fault = more.fault()
        if fault:
            file = stage_file_name(stage, record["attempt"])
            found[stage] = {**record, "windows": [], "series": [], "events": []}
            problems.append(
                Problem(file, f"The windows, series and events of {file} are left out: with them the run has {fault}.")
            )
        else:
            found[stage], counts = record, more
    return found, problems


class Counts:
    """How much there is of the stages so far."""

    def __init__(self, windows: int = 0, events: int = 0, series: int = 0, points: int = 0) -> None:
        self.windows, self.events, self.series, self.points = windows, events, series, points
        self.rows: set[tuple[str, str]] = set()

    def with_stage(self, record: StageRecord) -> Counts:
        """The counts with another stage."""
        more = Counts(
            self.windows + len(record["windows"]),
            self.events + len(record["events"]),
            self.series + len(record["series"]),
            self.points
            + sum(len(series["points"]) for series in record["series"])
            + sum(
                len(bucket["counts"])
                for window in record["windows"]
                for distribution in window.get("distributions", ())
                for bucket in distribution["buckets"]
            ),
        )
        more.rows = self.rows.union(
            (figure["id"], figure["unit"]) for window in record["windows"] for figure in window["figures"]
        )
        return more

    def fault(self) -> str:
        """What there is too much of; empty where all is within bounds."""
        rows = len(self.rows)
        for count, most, noun in (
            (self.windows, MOST_WINDOWS, "windows"),
            (self.events, MOST_EVENTS, "events"),
            (self.series, MOST_SERIES, "series"),
            (self.points, MOST_POINTS, "points of series and distributions"),
            (rows, MOST_ROWS, "figures"),
            (rows * self.windows, MOST_CELLS, "values"),
        ):
            if count > most:
                return f"more than {most:,} {noun}"
        return ""
