# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing of matplotlib on the report's time axis, and what is written on it; as SVG for the page.

matplotlib is imported by who draws: it takes half a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING

from ..errors import LabError
from ..formatting import offset_text
from ..results.report import Report, window_label
from .columns import window_letter
from .inline_svg import inline_svg
from .line_style import CARD, EVENT, GRID, INK, MUTED, SHADE
from .time_axis import (
    BREAK_WIDTH,
    CHARACTER_WIDTH,
    POINTS_PER_INCH,
    WIDTH,
    AxisPart,
    find_places,
    find_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches.
PLOT_HEIGHT, PLOT_TOP, PLOT_BOTTOM = 2.05, 0.24, 0.32
# Points.
FONT_SIZE = 9.0
#: Room of a line for an event where there are more than so many.
MOST_EVENTS, EVENT_ROOM = 100, 4.0


def load_matplotlib() -> None:
    """Import what draws. Not at the top: it takes half a second, which only who draws should pay.

    Raises LabError where matplotlib is not installed.
    """
    try:
        import matplotlib.backends.backend_svg
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise LabError(
            "Drawing the report's plots needs the Python package matplotlib, which is not installed beside Ansible on "
            "the control node; install it there, for example with pip install matplotlib."
        ) from error
    _take_defaults()


@cache
def _take_defaults() -> None:
    """Forget what matplotlib read of a matplotlibrc in the current folder, which may hold results of others."""
    from matplotlib import rcdefaults

    rcdefaults()


def new_drawing(report: Report, parts: Sequence[AxisPart], height: float) -> tuple[Figure, list[Axes]]:
    """A figure with a pair of axes for each part, windows shaded and events marked; sizes in inches."""
    load_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    # What is drawn has times, so the run has a start.
    origin = report["started"] or 0.0
    figure = Figure(figsize=(WIDTH, height))
    figure.patch.set_visible(False)
    axes: list[Axes] = []
    for index, (part, ticks) in enumerate(zip(parts, find_ticks(parts, origin))):
        left, width = part.left / POINTS_PER_INCH / WIDTH, part.width / POINTS_PER_INCH / WIDTH
        axis = figure.add_axes((left, PLOT_BOTTOM / height, width, 1 - (PLOT_TOP + PLOT_BOTTOM) / height))
        axis.patch.set_visible(False)
        axis.set_axisbelow(True)
        axis.grid(True, color=GRID, linewidth=0.6)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.spines["bottom"].set(color=MUTED, linewidth=0.8)
        axis.tick_params(color=MUTED, labelcolor=MUTED, length=3, width=0.8, labelsize=FONT_SIZE)
        axis.tick_params(axis="y", length=0, labelleft=index == 0)
        axis.set_xlim(part.start, part.end)
        axis.set_xticks(ticks, [offset_text(tick - origin) for tick in ticks])
        for window in report["windows"]:
            if part.has(window["start"]):
                axis.axvspan(window["start"], window["end"], facecolor=SHADE, edgecolor=CARD, alpha=0.13, linewidth=1)
        for time in _event_times(report, part):
            axis.axvline(time, color=EVENT, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.append(axis)
    for part in parts[1:]:
        # Two strokes across the axis: time is left out here.
        middle = part.left - BREAK_WIDTH / 2
        for shift in (-2.0, 2.0):
            x = [(middle + shift + lean) / POINTS_PER_INCH / WIDTH for lean in (-1.8, 1.8)]
            y = [(PLOT_BOTTOM + rise / POINTS_PER_INCH) / height for rise in (-4.0, 4.0)]
            figure.add_artist(Line2D(x, y, color=MUTED, linewidth=0.9))
    return figure, axes


def _event_times(report: Report, part: AxisPart) -> list[float]:
    """The times of the events in a part; of those that would lie on one another only the first where there are many."""
    times = [event["time"] for event in report["events"] if part.has(event["time"])]
    if len(report["events"]) <= MOST_EVENTS:
        return times
    return list({round(part.place(time) / EVENT_ROOM): time for time in reversed(times)}.values())


def write(figure: Figure, left: float, down: float, text: str, colour: str) -> None:
    """Write centred text at ``left`` points from the left and ``down`` inches from the top."""
    figure.text(
        left / POINTS_PER_INCH / WIDTH,
        1 - down / figure.get_figheight(),
        text,
        color=colour,
        ha="center",
        va="center_baseline",
        fontsize=FONT_SIZE,
        parse_math=False,
    )


def to_svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an element of the page."""
    from matplotlib import rc_context

    stream = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # The browser's font has it, or draws a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return inline_svg(stream.getvalue(), name, label)


def name_windows(figure: Figure, report: Report, parts: Sequence[AxisPart]) -> None:
    """Write each window's name above it, as much of it as fits."""
    for index, window in enumerate(report["windows"]):
        left, right = find_places(parts, window)
        write(figure, (left + right) / 2, PLOT_TOP / 2, _window_name(report, index, right - left), INK)


def _window_name(report: Report, index: int, room: float) -> str:
    """A window's letter with as much of its name as fits into ``room`` points."""
    stage, title = window_label(report["windows"], index)
    letter = window_letter(index)
    for name in (f"{letter} {stage}, {title}", f"{letter} {stage}"):
        if (title or name.endswith(stage)) and len(name) * CHARACTER_WIDTH <= room:
            return name
    return letter
