# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's drawings: a time line, and a plot for each key figure, drawn by matplotlib as SVG for the page."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING

from ..errors import LabError
from ..formatting import number_text, offset_text, scale_for, value_text
from ..results.report import FigureRow, MergedSeries, Report, key_figures, window_label
from .columns import window_letter
from .event_mark import event_marks
from .inline_svg import inline_svg
from .line_style import BAR, CARD, EVENT, GRID, INK, MUTED, ON_SHADE, SHADE, line_style
from .thinned import thinned
from .time_axis import (
    BREAK_WIDTH,
    CHARACTER_WIDTH,
    POINTS_PER_INCH,
    WIDTH,
    AxisPart,
    Stretch,
    find_parts,
    find_places,
    find_stretches,
    find_ticks,
    shown_span,
)
from .words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches.
PLOT_HEIGHT, PLOT_TOP, PLOT_BOTTOM = 2.05, 0.24, 0.32
ROW_HEIGHT = 0.24
# Points.
FONT_SIZE = 9.0
#: Room of a line for an event where there are more than so many.
MOST_EVENTS, EVENT_ROOM = 100, 4.0
#: Drawings of figures; lines of one, each with a style of its own.
MOST_PLOTS, MOST_LINES = 100, 32
#: Heights below are zero.
LEAST_HEIGHT = 1e-30


@dataclass(frozen=True)
class Plot:
    """A key figure's drawing.

    figure: its row in the report's figures; unit: of the axis;
    legend: label and index of the style (see line_style) of each of several lines.
    """

    figure: FigureRow
    unit: str
    svg: str
    legend: list[tuple[str, int]]


# --- time line -----------------------------------------------------------------------------------


def draw_timeline(report: Report) -> str:
    """The stages as rows, their windows, and the events by their number, as SVG; empty without times.

    Raises LabError without matplotlib.
    """
    parts = find_parts(report)
    if not parts:
        return ""
    stages = [(stage["stage"], span) for stage in report["stages"] if (span := shown_span(stage))]
    height = PLOT_TOP + ROW_HEIGHT * len(stages) + PLOT_BOTTOM
    figure, axes = _figure(report, parts, height)
    for row, (stage, (start, end)) in enumerate(stages):
        for axis in axes:
            # The outline keeps a stage of a moment visible.
            axis.barh(row, end - start, left=start, height=0.3, color=BAR, linewidth=1)
        for index, window in enumerate(report["windows"]):
            if window["stage"] != stage:
                continue
            for axis in axes:
                length = window["end"] - window["start"]
                axis.barh(row, length, left=window["start"], height=0.8, color=SHADE, edgecolor=CARD, linewidth=1)
            left, right = find_places(parts, window)
            _write(figure, (left + right) / 2, PLOT_TOP + ROW_HEIGHT * (row + 0.5), window_letter(index), ON_SHADE)
    for axis in axes:
        axis.set_ylim(len(stages) - 0.5, -0.5)
        axis.set_yticks([])
    axes[0].set_yticks(range(len(stages)), [stage for stage, _span in stages], parse_math=False)
    for mark in event_marks(report["events"], parts):
        _write(figure, mark.middle, PLOT_TOP / 2, mark.text, EVENT)
    label = (
        f"Time line of the run: {counted(len(stages), 'stage')}, {counted(len(report['windows']), 'window')} and "
        f"{counted(len(report['events']), 'event')}; the table below lists the same."
    )
    return _svg(figure, "timeline", label)


# --- plots of figures ----------------------------------------------------------------------------


def draw_figures(report: Report) -> list[Plot]:
    """A plot for each key figure that has a series. Raises LabError without matplotlib."""
    parts = find_parts(report)
    plots: list[Plot] = []
    drawn = set()
    for row in key_figures(report["figures"]):
        series = [
            item
            for item in report["series"]
            if item["figure"] == row["id"] and any(value is not None for _time, value in item["points"])
        ]
        # A figure's series may be of another unit than its value, but not of two units in one plot.
        for unit in dict.fromkeys(item["unit"] for item in series):
            if parts and (row["id"], unit) not in drawn and len(plots) < MOST_PLOTS:
                drawn.add((row["id"], unit))
                chosen = [item for item in series if item["unit"] == unit]
                plots.append(_plot(report, parts, row, chosen, f"plot{len(plots) + 1}"))
    return plots


def _plot(report: Report, parts: Sequence[AxisPart], row: FigureRow, series: Sequence[MergedSeries], name: str) -> Plot:
    figure, axes = _figure(report, parts, PLOT_HEIGHT)
    left_out, series = len(series) - MOST_LINES, series[:MOST_LINES]
    values = [value for item in series for _time, value in item["points"] if value is not None]
    lowest, highest = min(values), max(values)
    factor, unit = scale_for(max(abs(lowest), abs(highest)), series[0]["unit"])
    for index, item in enumerate(series):
        colour, dash = line_style(index)
        stretches = thinned(list(find_stretches(item)))
        for part, axis in zip(parts, axes):
            inside = [stretch for stretch in stretches if part.has(stretch[0][0])]
            times, heights = _path([stretch for stretch in inside if len(stretch) > 1], factor)
            if times:
                axis.plot(times, heights, color=colour, linestyle=dash, linewidth=1.5)
            times, heights = _path([stretch for stretch in inside if len(stretch) == 1], factor)
            if times:
                axis.plot(times, heights, color=colour, marker="o", markersize=2.6, linestyle="none")
    bottom, top = min(0.0, _height(lowest, factor) * 1.08), max(0.0, _height(highest, factor) * 1.08)
    for axis in axes:
        axis.set_ylim(bottom, top if top > bottom else 1.0)
        axis.locator_params(axis="y", nbins=4)
        axis.yaxis.set_major_formatter(lambda value, _position: number_text(float(f"{value:.6g}")))
    for index, window in enumerate(report["windows"]):
        left, right = find_places(parts, window)
        text = _window_name(report, index, right - left)
        _write(figure, (left + right) / 2, PLOT_TOP / 2, text, INK)
    label = (
        f"{row['title']} over the run: from {value_text(lowest, series[0]['unit'])} to "
        f"{value_text(highest, series[0]['unit'])}, {counted(len(series), 'line')}; "
        "the table of figures has the windows' values."
    )
    legend = [(_series_label(item, series), index) for index, item in enumerate(series)] if len(series) > 1 else []
    if left_out > 0:
        legend.append((f"and {counted(left_out, 'line')} more, not drawn", MOST_LINES - 1))
    return Plot(row, unit, _svg(figure, name, label), legend)


def _path(stretches: Sequence[Stretch], factor: float) -> tuple[list[float], list[float]]:
    """Times and heights of stretches as one path that breaks between them: an artist for each would cost far more."""
    times: list[float] = []
    heights: list[float] = []
    for stretch in stretches:
        times += [time for time, _value in stretch] + [stretch[-1][0]]
        heights += [_height(value, factor) for _time, value in stretch] + [math.nan]
    return times[:-1], heights[:-1]


def _height(value: float, factor: float) -> float:
    """A value on the axis; matplotlib cannot divide a span that is next to nothing."""
    height = value / factor
    return height if abs(height) > LEAST_HEIGHT else 0.0


def _window_name(report: Report, index: int, room: float) -> str:
    """A window's letter with as much of its name as fits into ``room`` points."""
    stage, title = window_label(report["windows"], index)
    letter = window_letter(index)
    for name in (f"{letter} {stage}, {title}", f"{letter} {stage}"):
        if (title or name.endswith(stage)) and len(name) * CHARACTER_WIDTH <= room:
            return name
    return letter


def _series_label(item: MergedSeries, series: Sequence[MergedSeries]) -> str:
    """The labels that tell a series from the plot's others."""
    telling = [
        name for name in item["labels"] if any(other["labels"].get(name) != item["labels"][name] for other in series)
    ]
    if not telling:
        return item["title"]
    return ", ".join(item["labels"][name] for name in telling)


# --- matplotlib ----------------------------------------------------------------------------------


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


def _figure(report: Report, parts: Sequence[AxisPart], height: float) -> tuple[Figure, list[Axes]]:
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


def _write(figure: Figure, left: float, down: float, text: str, colour: str) -> None:
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


def _svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an element of the page."""
    from matplotlib import rc_context

    stream = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # The browser's font has it, or draws a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return inline_svg(stream.getvalue(), name, label)
