# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown while a window runs."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import LabError
from ..formatting import value_text
from .profile import Figure
from .reader import Reader
from .reading import Window

#: Seconds in which the values of a line of progress must come.
PATIENCE = 3.0


def current_values(reader: Reader, shown: Sequence[Figure], now: float) -> str:
    """Values of the figures just now, in words. A Prometheus that does not answer does not end the wait."""
    if not shown:
        return ""
    try:
        values = reader.current(shown, now, PATIENCE)
    except LabError:
        return "Prometheus does not answer at the moment"
    texts = []
    for figure in shown:
        found = values[figure.id]
        least = reader.found.smallest_value(figure)
        text = " / ".join(
            f"≤ {value_text(least, figure.unit)}" if value <= least else value_text(value, figure.unit)
            for value in found
        )
        text = text or "not known yet"
        texts.append(f"{figure.short or figure.title} {text}")
    return " · ".join(texts)


def progress_line(windows: Sequence[Window], now: float, values: str) -> str:
    """One line: the window that runs, its time left, and the values."""
    running = [window for window in windows if window.end > now]
    if not running:
        first = f"{windows[-1].title}: over, waiting for its last scrape"
    else:
        window = min(running, key=lambda one: (one.start > now, one.end))
        left = max(0, round(window.end - max(now, window.start)))
        first = f"{window.title}: {left // 60}:{left % 60:02d} left"
        if window.start > now:
            first = f"{window.title}: begins in {round(window.start - now)} s"
    return f"{first} · {values}" if values else first
