# SPDX-License-Identifier: GPL-3.0-or-later
"""comparison.html: one file that needs nothing but a browser."""

from __future__ import annotations

from ..answers.comparison import Comparison
from .comparison_view import build_view
from .page_files import render_page


def to_html(comparison: Comparison) -> str:
    """The page of a comparison."""
    return render_page("comparison.html", view=build_view(comparison))
