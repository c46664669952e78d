# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html: one file that needs nothing but a browser."""

from __future__ import annotations

try:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
except ImportError:
    Environment = None

from ..errors import LabError
from ..results.runs import Record
from .page_template import PAGE, STYLE
from .plots import draw_figures, draw_timeline, line_style, window_letter
from .view import build_view, figure_row


def to_html(report: Record) -> str:
    """The page of a merged model (see model.build_report). Raises LabError without Jinja2 or matplotlib.

    Whatever comes from data is escaped by the template engine; only the style
    and the drawings, which are made here, go in as they are.
    """
    if Environment is None:
        raise LabError(
            "Writing the report's page needs the Python package Jinja2, which is not installed where the task ran; "
            "install it there, for example with pip install Jinja2."
        )
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["tail"] = _tail
    view = build_view(report)
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
    return environment.from_string(PAGE).render(view=view, style=Markup(STYLE), timeline=timeline, plots=plots)


def _tail(label: str) -> str:
    """The end of a long label, which for pods is what tells them apart; the whole is in the title."""
    return label if len(label) <= 12 else "…" + label[-11:]
