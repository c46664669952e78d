# SPDX-License-Identifier: GPL-3.0-or-later
"""class.html: one file that needs nothing but a browser, with links to the students' reports."""

from __future__ import annotations

try:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
except ImportError:
    Environment = None

from ..errors import LabError
from ..results.runs import Record
from .class_template import CLASS_STYLE, PAGE
from .class_view import build_view
from .page_template import STYLE


def to_html(report: Record, retry: str = "") -> str:
    """The page of a class's model (see class_model.build_class). Raises LabError without Jinja2.

    Whatever comes from data is escaped by the template engine.
    """
    if Environment is None:
        raise LabError(
            "Writing the class report's page needs the Python package Jinja2, which is not installed where the task "
            "ran; install it there, for example with pip install Jinja2."
        )
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(PAGE).render(view=build_view(report), style=Markup(STYLE + CLASS_STYLE), retry=retry)
