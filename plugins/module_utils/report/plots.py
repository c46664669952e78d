# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's drawings: a time line, and a plot for each key figure, as inline SVG.

matplotlib draws; afterwards its SVG is made fit to stand inside a page beside
others: ids get a prefix, colours become the page's custom properties (so that
light and dark both work), numbers are rounded, and nothing points outside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any
from xml.etree import ElementTree

from ..errors import LabError
from ..formatting import (
    number_text,
    offset_text,
    scale_for,
    value_text,
)
from ..results.merged_run import (
    key_figures,
    window_label,
)
from ..results.runs import Record

#: Pause in seconds without any stage that is cut out of the axis, marked by a break.
LONGEST_PAUSE = 300.0
#: Least share of the axis' width that a part between two breaks gets.
LEAST_SHARE = 0.06
#: A distance of more than this many steps between two points is a gap.
GAP_STEPS = 1.6

# Inches; left and right margins are the same in all drawings, so that their axes line up.
WIDTH, LEFT, RIGHT = 9.0, 1.05, 0.15
PLOT_HEIGHT, PLOT_TOP, PLOT_BOTTOM = 2.05, 0.24, 0.32
ROW_HEIGHT = 0.24
POINTS_PER_INCH = 72
# Points.
CHARACTER_WIDTH = 5.3
FONT_SIZE = 9.0
BREAK_WIDTH = 10.0
TICK_ROOM = 44.0

#: Colours that stand for the page's custom properties; as they are, they suit a light page.
INK, MUTED, GRID, EVENT = "#1b2430", "#5b6673", "#dde2e8", "#b4501e"
SHADE, ON_SHADE, BAR, CARD = "#3f6fb5", "#fffffe", "#9db4d3", "#fffeff"
LINES = ("#1f5fbf", "#c2410c", "#0f7b62", "#8b3fb0", "#a16207", "#be2a5b", "#4b5563", "#0e7490")
PROPERTIES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "plot-grid",
    SHADE: "plot-window",
    ON_SHADE: "plot-on-window",
    EVENT: "plot-event",
    BAR: "plot-bar",
    CARD: "card",
    **{colour: f"plot-line-{number}" for number, colour in enumerate(LINES, 1)},
}
#: A second sign beside the colour.
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

TICK_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
DAY = 86400


@dataclass(frozen=True)
class Part:
    """A span of the time axis between two breaks; ``left`` and ``width`` in points."""

    start: float
    end: float
    left: float
    width: float

    def place(self, moment: float) -> float:
        """Where a moment lies on the drawing, in points from its left edge."""
        return self.left + (moment - self.start) / (self.end - self.start) * self.width


@dataclass(frozen=True)
class Mark:
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


@dataclass(frozen=True)
class Plot:
    """A key figure's drawing.

    figure: its row in the report's figures; unit: of the axis;
    legend: label and index of the style (see line_style) of each of several lines.
    """

    figure: Record
    unit: str
    svg: str
    legend: list[tuple[str, int]]


def draw_timeline(report: Record) -> str:
    """The stages as rows, their windows, and the events by their number, as SVG; empty without times."""
    parts = _parts(report)
    if not parts:
        return ""
    stages = [stage for stage in report["stages"] if stage["shown_attempt"]]
    height = PLOT_TOP + ROW_HEIGHT * len(stages) + PLOT_BOTTOM
    figure, axes = _figure(report, parts, height)
    for row, stage in enumerate(stages):
        shown = next(item for item in stage["attempts"] if item["attempt"] == stage["shown_attempt"])
        for axis in axes:
            # The outline keeps a stage of a moment visible.
            axis.barh(row, shown["duration"], left=shown["started"], height=0.3, color=BAR, linewidth=1)
        for index, window in enumerate(report["windows"]):
            if window["stage"] != stage["stage"]:
                continue
            for axis in axes:
                length = window["end"] - window["start"]
                axis.barh(row, length, left=window["start"], height=0.8, color=SHADE, edgecolor=CARD, linewidth=1)
            left, right = _places(parts, window)
            _write(figure, (left + right) / 2, PLOT_TOP + ROW_HEIGHT * (row + 0.5), window_letter(index), ON_SHADE)
    for axis in axes:
        axis.set_ylim(len(stages) - 0.5, -0.5)
        axis.set_yticks([])
    axes[0].set_yticks(range(len(stages)), [stage["stage"] for stage in stages], parse_math=False)
    for mark in _event_marks(report, parts):
        _write(figure, mark.middle, PLOT_TOP / 2, mark.text, EVENT)
    label = (
        f"Time line of the run: {len(stages)} stages, {len(report['windows'])} windows and "
        f"{len(report['events'])} events; the table below it has the same."
    )
    return _svg(figure, "timeline", label)


def draw_figures(report: Record) -> list[Plot]:
    """A plot for each key figure that has a series. Raises LabError without matplotlib."""
    parts = _parts(report)
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
            if parts and (row["id"], unit) not in drawn:
                drawn.add((row["id"], unit))
                chosen = [item for item in series if item["unit"] == unit]
                plots.append(_plot(report, parts, row, chosen, f"plot{len(plots) + 1}"))
    return plots


def _plot(report: Record, parts: list[Part], row: Record, series: list[Record], name: str) -> Plot:
    figure, axes = _figure(report, parts, PLOT_HEIGHT)
    values = [value for item in series for _time, value in item["points"] if value is not None]
    lowest, highest = min(values), max(values)
    factor, unit = scale_for(max(abs(lowest), abs(highest)), series[0]["unit"])
    for index, item in enumerate(series):
        colour, dash = _style(index)
        for stretch in _stretches(item["points"], item["step"]):
            times = [time for time, _value in stretch]
            heights = [value / factor for _time, value in stretch]
            for part, axis in zip(parts, axes):
                if not (part.start <= times[0] <= part.end):
                    continue
                if len(stretch) == 1:
                    axis.plot(times, heights, color=colour, marker="o", markersize=2.6, linestyle="none")
                else:
                    axis.plot(times, heights, color=colour, linestyle=dash, linewidth=1.5)
    for axis in axes:
        axis.set_ylim(min(0.0, lowest / factor * 1.08), max(0.0, highest / factor * 1.08) or 1.0)
        axis.locator_params(axis="y", nbins=4)
        axis.yaxis.set_major_formatter(lambda value, _position: number_text(float(f"{value:.6g}")))
    for index, window in enumerate(report["windows"]):
        left, right = _places(parts, window)
        text = _window_name(report, index, right - left)
        _write(figure, (left + right) / 2, PLOT_TOP / 2, text, INK)
    label = (
        f"{row['title']} over the run: from {value_text(lowest, series[0]['unit'])} to "
        f"{value_text(highest, series[0]['unit'])}, {len(series)} {'line' if len(series) == 1 else 'lines'}; "
        "the table of figures has the windows' values."
    )
    legend = [(_series_label(item, series), index) for index, item in enumerate(series)] if len(series) > 1 else []
    return Plot(row, unit, _svg(figure, name, label), legend)


def window_letter(index: int) -> str:
    """A window's short name in plots and tables: A, B … Z, A2, B2 …"""
    turn, place = divmod(index, 26)
    return chr(ord("A") + place) + (str(turn + 1) if turn else "")


def _window_name(report: Record, index: int, room: float) -> str:
    """A window's letter with as much of its name as fits into ``room`` points."""
    stage, title = window_label(report["windows"], index)
    letter = window_letter(index)
    for name in (f"{letter} {stage}, {title}", f"{letter} {stage}"):
        if (title or name.endswith(stage)) and len(name) * CHARACTER_WIDTH <= room:
            return name
    return letter


def line_style(index: int) -> tuple[str, str]:
    """The custom property and the SVG dash array of a plot's n-th line, for its legend."""
    colour, dash = _style(index)
    return PROPERTIES[colour], "" if dash == "-" else " ".join(str(length * 1.5) for length in dash[1])


def _style(index: int) -> tuple[str, Any]:
    """Colour and dashes of a plot's n-th line; the pair is the same again after 32 lines."""
    turn, place = divmod(index, len(LINES))
    return LINES[place], DASHES[(place + turn) % len(DASHES)]


def _series_label(item: Record, series: list[Record]) -> str:
    """The labels that tell a series from the plot's others."""
    telling = [
        name for name in item["labels"] if any(other["labels"].get(name) != item["labels"][name] for other in series)
    ]
    if not telling:
        return item["title"]
    return ", ".join(item["labels"][name] for name in telling)


def _stretches(points: list[list[Any]], step: float | None) -> Iterator[list[list[Any]]]:
    """Points without a gap between them: what lies between two stretches is not known, so not drawn."""
    stretch: list[list[Any]] = []
    for point in points:
        gap = stretch and step and point[0] - stretch[-1][0] > GAP_STEPS * step
        if stretch and (gap or point[1] is None):
            yield stretch
            stretch = []
        if point[1] is not None:
            stretch.append(point)
    if stretch:
        yield stretch


# --- the time axis -------------------------------------------------------------------------------


def _parts(report: Record) -> list[Part]:
    """The spans in which something was recorded; long pauses between them are left out."""
    spans = [
        (item["started"], item["finished"])
        for stage in report["stages"]
        for item in stage["attempts"]
        if item["attempt"] == stage["shown_attempt"]
    ]
    spans += [(window["start"], window["end"]) for window in report["windows"]]
    spans += [(event["time"], event["time"]) for event in report["events"]]
    spans += [
        (stretch[0][0], stretch[-1][0])
        for item in report["series"]
        for stretch in _stretches(item["points"], item["step"])
    ]
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start - merged[-1][1] <= LONGEST_PAUSE:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    merged = [(start, max(end, start + 1.0)) for start, end in merged]
    least = sum(end - start for start, end in merged) * LEAST_SHARE
    shares = [max(end - start, least) for start, end in merged]
    room = (WIDTH - LEFT - RIGHT) * POINTS_PER_INCH - BREAK_WIDTH * (len(merged) - 1)
    parts: list[Part] = []
    left = LEFT * POINTS_PER_INCH
    for (start, end), share in zip(merged, shares):
        width = room * share / sum(shares)
        parts.append(Part(start, end, left, width))
        left += width + BREAK_WIDTH
    return parts


def _places(parts: list[Part], window: Record) -> tuple[float, float]:
    """Where a window begins and ends on the drawing, in points."""
    part = next(part for part in parts if part.start <= window["start"] and window["end"] <= part.end)
    return part.place(window["start"]), part.place(window["end"])


def _ticks(parts: list[Part], origin: float) -> list[list[float]]:
    """For each part, round times since the run's start, far enough apart for their labels."""
    found = []
    taken = 0.0
    for part in parts:
        least = TICK_ROOM / part.width * (part.end - part.start)
        step = next((step for step in TICK_STEPS if step >= least), math.ceil(least / DAY) * DAY)
        first = math.ceil((part.start - origin) / step) * step
        ticks = []
        for moment in range(first, math.floor(part.end - origin) + 1, step):
            half = CHARACTER_WIDTH * len(offset_text(moment)) / 2
            place = part.place(origin + moment)
            # Labels at the two sides of a break could cover each other.
            if place - half >= taken:
                ticks.append(origin + moment)
                taken = place + half + 2
        found.append(ticks)
    return found


def _event_marks(report: Record, parts: list[Part]) -> list[Mark]:
    """A mark for each event; events too close for a mark of their own share one, such as 2–4."""
    marks: list[Mark] = []
    for number, event in enumerate(report["events"], 1):
        part = next(part for part in parts if part.start <= event["time"] <= part.end)
        place = part.place(event["time"])
        mark = Mark(number, number, place, place)
        while marks and marks[-1].right >= mark.left:
            mark = Mark(marks[-1].first, mark.last, marks[-1].start, mark.end)
            marks.pop()
        marks.append(mark)
    return marks


# --- matplotlib ----------------------------------------------------------------------------------


def _figure(report: Record, parts: list[Part], height: float) -> tuple[Any, list[Any]]:
    """A figure with a pair of axes for each part, windows shaded and events marked; sizes in inches."""
    try:
        # Not at the top: it takes 0.7 s, which only a report that is drawn should pay.
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ImportError as error:
        raise LabError(
            "Drawing the report's plots needs the Python package matplotlib, which is not installed where the task "
            "ran; install it there, for example with pip install matplotlib."
        ) from error
    figure = Figure(figsize=(WIDTH, height))
    figure.patch.set_visible(False)
    axes: list[Any] = []
    for index, (part, ticks) in enumerate(zip(parts, _ticks(parts, report["started"]))):
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
        axis.set_xticks(ticks, [offset_text(tick - report["started"]) for tick in ticks])
        for window in report["windows"]:
            if part.start <= window["start"] <= part.end:
                axis.axvspan(window["start"], window["end"], facecolor=SHADE, edgecolor=CARD, alpha=0.13, linewidth=1)
        for event in report["events"]:
            if part.start <= event["time"] <= part.end:
                axis.axvline(event["time"], color=EVENT, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.append(axis)
    for part in parts[1:]:
        # Two strokes across the axis: time is left out here.
        middle = part.left - BREAK_WIDTH / 2
        for shift in (-2.0, 2.0):
            x = [(middle + shift + lean) / POINTS_PER_INCH / WIDTH for lean in (-1.8, 1.8)]
            y = [(PLOT_BOTTOM + rise / POINTS_PER_INCH) / height for rise in (-4.0, 4.0)]
            figure.add_artist(Line2D(x, y, color=MUTED, linewidth=0.9))
    return figure, axes


def _write(figure: Any, left: float, down: float, text: str, colour: str) -> None:
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


# --- SVG -----------------------------------------------------------------------------------------

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
FONT_FAMILY = re.compile(r"font-family:[^;]*;?")
REFERENCE = re.compile(r"url\(#([^)]+)\)")


def _svg(figure: Any, name: str, label: str) -> str:
    """The figure as SVG that can stand inside a page beside other drawings."""
    from matplotlib import rc_context

    stream = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(stream.getvalue())
    _make_inline(root, name)
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": label, "class": "drawing"})
    return ElementTree.tostring(root, encoding="unicode")


def _make_inline(element: ElementTree.Element, prefix: str) -> None:
    """Drop what is for a file of its own, and keep ids apart from those of other drawings."""
    for child in list(element):
        # matplotlib's style element would hold for the whole page.
        if child.tag in (f"{SVG}metadata", f"{SVG}style"):
            element.remove(child)
        else:
            _make_inline(child, prefix)
    element.tag = element.tag.removeprefix(SVG)
    if element.text is not None and element.tag != "text":
        element.text = None
    element.tail = None
    for key, value in list(element.attrib.items()):
        if key == "id":
            # Groups have ids that nothing refers to.
            if element.tag == "g":
                del element.attrib[key]
                continue
            value = f"{prefix}-{value}"
        elif key == f"{XLINK}href":
            del element.attrib[key]
            key, value = "href", f"#{prefix}-{value.removeprefix('#')}"
        elif key == "transform" and value.startswith("rotate(-0 "):
            del element.attrib[key]
            continue
        elif key == "style":
            value = _style_attribute(value)
        elif key in ("d", "transform", "x", "y", "width", "height", "viewBox"):
            value = NUMBER.sub(_short, " ".join(value.split()))
        element.set(key, REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _style_attribute(value: str) -> str:
    """The page says which font; colours become its custom properties."""
    value = FONT_FAMILY.sub("", value.replace(": ", ":").replace("; ", ";"))
    for colour, name in PROPERTIES.items():
        value = value.replace(colour, f"var(--{name})")
    return value


def _short(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text
