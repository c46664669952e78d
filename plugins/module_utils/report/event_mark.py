# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of events above the time line, where close ones share a mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..results.report import StageEvent
from .time_axis import CHARACTER_WIDTH, AxisPart


@dataclass(frozen=True)
class EventMark:
    """The numbers of one or more events above the time line; places in points from the left."""

    first: int
    last: int
    start: float
    end: float

    @property
    def text(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    @property
    def left(self) -> float:
        return self.middle - (CHARACTER_WIDTH * len(self.text) / 2 + 2)

    @property
    def right(self) -> float:
        return self.middle + (CHARACTER_WIDTH * len(self.text) / 2 + 2)


def event_marks(events: Iterable[StageEvent], parts: Sequence[AxisPart]) -> list[EventMark]:
    """A mark for each event; events too close for a mark of their own share one, such as 2–4."""
    marks: list[EventMark] = []
    for number, event in enumerate(events, 1):
        place = next(part for part in parts if part.has(event["time"])).place(event["time"])
        mark = EventMark(number, number, place, place)
        while marks and marks[-1].right >= mark.left:
            mark = EventMark(marks[-1].first, mark.last, marks[-1].start, mark.end)
            marks.pop()
        marks.append(mark)
    return marks
