# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing of a distribution over the run: time to the right, buckets upwards, darker where more observations are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..formatting import value_text
from ..results.report import MergedDistribution, Report
from .distribution_course import LEVELS, Cell, cells, level_labels
from .drawing import PLOT_BOTTOM, PLOT_TOP, name_windows, new_drawing, to_svg
from .line_style import HEAT
from .time_axis import find_parts

#: Inches of a row, which is a bucket; and the least and most of all rows.
ROW_HEIGHT, LEAST_ROWS, MOST_ROWS_HEIGHT = 0.13, 1.0, 3.2
#: How opaque a cell of each level is: its number tells more than its colour, in light and dark.
OPACITY = (0.22, 0.42, 0.62, 0.82, 1.0)
#: Drawings of a report; cells of one; labels of bounds.
MOST_MAPS, MOST_CELLS, MOST_LABELS = 20, 4000, 12


@dataclass(frozen=True)
class HeatMap:
    """A distribution's drawing. levels: what each opacity stands for, as far as it is drawn."""

    distribution: MergedDistribution
    svg: str
    levels: list[tuple[str, float]]


def draw_heat_maps(report: Report, words: dict[str, str]) -> list[HeatMap]:
    """A drawing for each distribution of the run. words: by id, what it shows. Raises LabError without matplotlib."""
    found: list[HeatMap] = []
    for distribution in report["distributions"]:
        drawn = _fitting(cells(distribution, report["windows"]))
        if drawn and len(found) < MOST_MAPS:
            name = f"map{len(found) + 1}"
            found.append(_draw(report, distribution, drawn, name, words.get(distribution["id"], "")))
    return found


def _fitting(found: Sequence[Cell]) -> Sequence[Cell]:
    """As many cells as are drawn: where others wrote far more, those with most observations."""
    if len(found) <= MOST_CELLS:
        return found
    return sorted(found, key=lambda cell: -cell.level)[:MOST_CELLS]


def _draw(report: Report, distribution: MergedDistribution, drawn: Sequence[Cell], name: str, words: str) -> HeatMap:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    parts = find_parts(report)
    edges = sorted({edge for cell in drawn for edge in (cell.above, cell.to)})
    rows = {edge: number for number, edge in enumerate(edges)}
    height = min(max(ROW_HEIGHT * (len(edges) - 1), LEAST_ROWS), MOST_ROWS_HEIGHT) + PLOT_TOP + PLOT_BOTTOM
    figure, axes = new_drawing(report, parts, height)
    for part, axis in zip(parts, axes):
        for level in range(len(LEVELS) + 1):
            corners: list[tuple[float, float]] = []
            for cell in drawn:
                if cell.level == level and part.has(cell.start):
                    low, high = rows[cell.above], rows[cell.to]
                    corners += [(cell.start, low), (cell.start, high), (cell.end, high), (cell.end, low)]
                    corners.append((cell.start, low))
            if corners:
                # One path for all: an artist for each cell would make the page many times larger.
                codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * (len(corners) // 5)
                shape = Path(corners, codes)
                axis.add_patch(PathPatch(shape, facecolor=HEAT, edgecolor="none", alpha=OPACITY[level], linewidth=0))
        axis.set_ylim(0, len(edges) - 1)
        axis.set_yticks([])
    every = -(-len(edges) // MOST_LABELS)
    labelled = [number for number, edge in enumerate(edges) if math.isfinite(edge)][::every]
    texts = [value_text(edges[number], distribution["unit"]) for number in labelled]
    axes[0].set_yticks(labelled, texts, parse_math=False)
    name_windows(figure, report, parts)
    label = f"{distribution['title']} over the run, by time and bucket. {words}".strip()
    labels = level_labels()
    levels = [(labels[number], OPACITY[number]) for number in sorted({cell.level for cell in drawn})]
    return HeatMap(distribution, to_svg(figure, name, label), levels)
