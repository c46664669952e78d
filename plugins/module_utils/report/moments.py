# SPDX-License-Identifier: GPL-3.0-or-later
"""The moments of a run: its events and windows in the order of their times."""

from __future__ import annotations

from typing import Literal, TypedDict

from ..formatting import clock_text, duration_text, offset_text
from ..results.report import Report
from .columns import window_letter


class Moment(TypedDict):
    """An event or the start of a window. mark: that of the drawings, a number or a letter."""

    mark: str
    kind: Literal["event", "window"]
    clock: str
    offset: str
    stage: str
    what: str


def moments(report: Report) -> list[Moment]:
    """Events and windows in the order of their times."""
    events = [
        (event["time"], _moment(report, event["time"], str(number), "event", event["stage"], event["title"]))
        for number, event in enumerate(report["events"], 1)
    ]
    windows = [
        (
            window["start"],
            _moment(
                report,
                window["start"],
                window_letter(index),
                "window",
                window["stage"],
                f'window "{window["title"]}", {duration_text(window["end"] - window["start"])}',
            ),
        )
        for index, window in enumerate(report["windows"])
    ]
    return [moment for _time, moment in sorted([*events, *windows], key=lambda row: row[0])]


def _moment(report: Report, time: float, mark: str, kind: Literal["event", "window"], stage: str, what: str) -> Moment:
    # What has a time began after the run's start, so that is known.
    origin = report["started"] or 0.0
    return {
        "mark": mark,
        "kind": kind,
        "clock": clock_text(time, spans_days(report)),
        "offset": offset_text(time - origin),
        "stage": stage,
        "what": what,
    }


def spans_days(report: Report) -> bool:
    """Whether the clock alone would not tell when something was."""
    times = report["started"], report["finished"]
    return len({clock_text(time, with_date=True)[:10] for time in times if time is not None}) > 1
