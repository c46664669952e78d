# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: one file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from ..answers.answer import Answer
from ..results.report import Report
from .columns import window_letter
from .drawing import load_matplotlib
from .figure_table import figure_row
from .heat_map import draw_heat_maps
from .line_style import legend_style
from .page_files import page_template, render_page
from .plots import Plot, draw_figures, draw_timeline
from .run_view import build_view

if TYPE_CHECKING:
    from markupsafe import Markup


class PlotView(TypedDict):
    """A plot with what stands around it.

    readings: letter and value of each window; legend: label, custom property and dash array of each line.
    """

    title: str
    question: str
    unit: str
    svg: Markup
    readings: list[tuple[str, str]]
    legend: list[tuple[str, str, str]]


def prepare_page() -> None:
    """Load what every student's page needs: half a second of CPU that a class pays once, if before Ansible forks."""
    page_template("report.html")
    page_template("figure_table.html")
    page_template("distribution_table.html")
    page_template("answers.html")
    load_matplotlib()


def to_html(report: Report, answers: Sequence[Answer] = ()) -> str:
    """The page of a run's report, with the answers to the lab's questions. Raises LabError without matplotlib."""
    # Not at the top: ansible-test imports this file without third-party packages.
    from markupsafe import Markup

    view = build_view(report, answers)
    words = {
        course["id"]: " ".join(f"{letter} {name}: {text}." for letter, name, text in course["windows"])
        for course in view["courses"]
    }
    courses = {course["id"]: course for course in view["courses"]}
    return render_page(
        "report.html",
        view=view,
        timeline=Markup(draw_timeline(report)),
        plots=[_plot(plot) for plot in draw_figures(report)],
        maps=[
            {**courses[map.distribution["id"]], "svg": Markup(map.svg), "levels": map.levels}
            for map in draw_heat_maps(report, words)
        ],
    )


def _plot(plot: Plot) -> PlotView:
    from markupsafe import Markup

    return {
        "title": plot.figure["title"],
        "question": plot.figure["question"],
        "unit": plot.unit,
        "svg": Markup(plot.svg),
        "readings": [
            (window_letter(index), cell["text"])
            for index, cell in enumerate(figure_row(plot.figure)["cells"])
            if cell["state"]
        ],
        "legend": [(label, *legend_style(index)) for label, index in plot.legend],
    }
