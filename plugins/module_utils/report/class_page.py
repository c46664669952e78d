# SPDX-License-Identifier: GPL-3.0-or-later
"""class.html: one file that needs nothing but a browser, with links to the students' reports."""

from __future__ import annotations

from ..results.class_report import ClassReport
from .class_view import build_view
from .page_files import render_page


def to_html(report: ClassReport, retry: str = "") -> str:
    """The page of a class report.

    retry: path of the file with the hosts to retry; empty where there is none.
    """
    return render_page("class.html", view=build_view(report), retry=retry)
