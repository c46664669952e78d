# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's drawings: a time line, and a plot for each key figure, drawn by matplotlib as SVG for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..formatting import number_text, scale_for, value_text
from ..results.report import FigureRow, MergedSeries, Report, key_figures
from .columns import window_letter
from .drawing import PLOT_BOTTOM, PLOT_HEIGHT, PLOT_TOP, name_windows, new_drawing, to_svg, write
from .event_mark import event_marks
from .line_style import BAR, CARD, EVENT, ON_SHADE, SHADE, line_style
from .thinned import thinned
from .time_axis import (
    AxisPart,
    Stretch,
    find_parts,
    find_places,
    find_stretches,
    shown_span,
)
from .words import counted

if TYPE_CHECKING:
    pass

#: Inches.
ROW_HEIGHT = 0.24
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
    figure, axes = new_drawing(report, parts, height)
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
            write(figure, (left + right) / 2, PLOT_TOP + ROW_HEIGHT * (row + 0.5), window_letter(index), ON_SHADE)
    for axis in axes:
        axis.set_ylim(len(stages) - 0.5, -0.5)
        axis.set_yticks([])
    axes[0].set_yticks(range(len(stages)), [stage for stage, _span in stages], parse_math=False)
    for mark in event_marks(report["events"], parts):
        write(figure, mark.middle, PLOT_TOP / 2, mark.text, EVENT)
    label = (
        f"Time line of the run: {counted(len(stages), 'stage')}, {counted(len(report['windows']), 'window')} and "
        f"{counted(len(report['events']), 'event')}; the table below lists the same."
    )
    return to_svg(figure, "timeline", label)


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
    figure, axes = new_drawing(report, parts, PLOT_HEIGHT)
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
    name_windows(figure, report, parts)
    label = (
        f"{row['title']} over the run: from {value_text(lowest, series[0]['unit'])} to "
        f"{value_text(highest, series[0]['unit'])}, {counted(len(series), 'line')}; "
        "the table of figures has the windows' values."
    )
    legend = [(_series_label(item, series), index) for index, item in enumerate(series)] if len(series) > 1 else []
    if left_out > 0:
        legend.append((f"and {counted(left_out, 'line')} more, not drawn", MOST_LINES - 1))
    return Plot(row, unit, to_svg(figure, name, label), legend)


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


def _series_label(item: MergedSeries, series: Sequence[MergedSeries]) -> str:
    """The labels that tell a series from the plot's others."""
    telling = [
        name for name in item["labels"] if any(other["labels"].get(name) != item["labels"][name] for other in series)
    ]
    if not telling:
        return item["title"]
    return ", ".join(item["labels"][name] for name in telling)
