# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip of time beside each row of a table: when something was seen, on one axis for all rows.

It is a few rectangles in the page's own SVG: a drawing by matplotlib would cost each student of a class much more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

#: Size of a strip, in units of its viewBox.
WIDTH, HEIGHT = 240.0, 16.0
#: Least width of a mark.
LEAST = 1.5
#: Marks of one strip at most.
MOST_MARKS = 500


class Mark(TypedDict):
    """A rectangle of a strip."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Axis:
    """The time that a strip shows, in Unix seconds."""

    start: float
    end: float

    def place(self, time: float) -> float:
        """Where a time lies, at the nearest end for one outside."""
        inside = min(max(time, self.start), self.end)
        return (inside - self.start) / (self.end - self.start) * WIDTH

    def mark(self, start: float, end: float, share: float = 1.0) -> Mark:
        """A mark from one time to another, as high as its share of the strip and standing on its lower side."""
        left = self.place(start)
        height = round(HEIGHT * min(1.0, max(0.0, share)), 2)
        width = max(LEAST, self.place(end) - left)
        return {"x": round(left, 2), "y": round(HEIGHT - height, 2), "width": round(width, 2), "height": height}

    def marks(self, seen: Sequence[Sequence[float]], step: float, largest: float | None = None) -> list[Mark]:
        """A mark for each pair of time and number on the axis: the time since the scrape before it.

        largest: the number that a mark as high as the strip stands for; without it all are that high.
        """
        inside = [(time, number) for time, number in seen if self.start < time and time - step < self.end]
        return [
            self.mark(time - step, time, number / largest if largest else 1.0) for time, number in inside[:MOST_MARKS]
        ]
