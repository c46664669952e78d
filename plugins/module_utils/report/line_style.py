# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours and dashes of the drawings: each colour stands for one of the page's custom properties (page.css)."""

from __future__ import annotations

from typing import Union

# As they are, they suit a light page.
HEAT = "#1f5fbe"
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
    HEAT: "plot-heat",
    **{colour: f"plot-line-{number}" for number, colour in enumerate(LINES, 1)},
}

#: As matplotlib takes it: solid, or an offset with the lengths of dashes and gaps.
Dash = Union[str, tuple[int, tuple[float, ...]]]
SOLID = "-"
#: A second sign beside the colour.
DASHES: tuple[Dash, ...] = (SOLID, (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))


def line_style(index: int) -> tuple[str, Dash]:
    """Colour and dashes of a plot's n-th line; the pair is the same again after 32 lines."""
    turn, place = divmod(index, len(LINES))
    return LINES[place], DASHES[(place + turn) % len(DASHES)]


def legend_style(index: int) -> tuple[str, str]:
    """The custom property and the SVG dash array of a plot's n-th line, for its legend."""
    colour, dash = line_style(index)
    return PROPERTIES[colour], "" if isinstance(dash, str) else " ".join(str(length * 1.5) for length in dash[1])
