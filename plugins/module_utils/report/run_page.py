# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: one file that needs nothing but a browser."""

from __future__ import annotations

from ..results.runs import Record
from .page_files import render_page
from .plots import draw_figures, draw_timeline, line_style, window_letter
from .view import build_view, figure_row


def to_html(report: Record) -> str:
    """The page of a run's report. Raises LabError without matplotlib."""
    # Not at the top: ansible-test imports this file without third-party packages.
    from markupsafe import Markup

    plots = [
        {
            "title": plot.figure["title"],
            "question": plot.figure["question"],
            "unit": plot.unit,
            "svg": Markup(plot.svg),
            "readings": [
                (window_letter(index), cell["text"])
                for index, cell in enumerate(figure_row(plot.figure)["cells"])
                if cell["state"]
            ],
            "legend": [(label, *line_style(index)) for label, index in plot.legend],
        }
        for plot in draw_figures(report)
    ]
    timeline = Markup(draw_timeline(report))
    return render_page("report.html", view=build_view(report), timeline=timeline, plots=plots)
