# SPDX-License-Identifier: GPL-3.0-or-later
"""comparison.md: the comparison as Markdown, also for the summary of a job."""

from __future__ import annotations

from collections.abc import Sequence

from ..answers.comparison import Comparison
from .comparison_view import FigureView, build_view
from .markdown import markdown_table, plain


def to_markdown(comparison: Comparison) -> str:
    """The text of comparison.md."""
    view = build_view(comparison)
    lines = [f"# Temporal benchmarking lab: comparison: {plain(view['outcome'])}", "", plain(view["summary"]), ""]
    lines += [f"- {plain(one)}" for one in view["reasons"]] + ([""] if view["reasons"] else [])
    lines += [f"- Base: {plain(view['base'])}", f"- Other: {plain(view['other'])}", ""]
    lines += [plain(view["rule"]), "", plain(view["limits"]), ""]
    if view["differences"]:
        rows = [[one["name"], one["base"], one["other"], one["stages"], one["effect"]] for one in view["differences"]]
        lines += ["## What else differs", "", *markdown_table(["What", "Base", "Other", "Stages", ""], rows)]
    lines += ["## Figures", "", plain(view["legend"]), ""]
    for window in view["windows"]:
        lines += [f"### {plain(window['name'])}", ""]
        if window["reason"]:
            lines += [plain(f"{window['word']}: {window['reason']}."), ""]
        lines += [f"- {plain(note)}" for note in window["notes"]] + ([""] if window["notes"] else [])
        lines += _table(window["key"])
        if window["rest"]:
            lines += [plain(f"More figures: {window['counts']}."), "", *_table(window["rest"])]
    if view["problems"]:
        lines += ["## Problems", "", *(f"- {plain(one)}" for one in view["problems"])]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(figures: Sequence[FigureView]) -> list[str]:
    rows = [
        [
            f"{one['title']} ({one['hint']})" if one["hint"] else one["title"],
            one["base"],
            one["other"],
            one["change"],
            f"{one['verdict']}: {one['reason']}" if one["reason"] else one["verdict"],
        ]
        for one in figures
    ]
    return markdown_table(["Figure", "Base", "Other", "Change", "Verdict"], rows) if rows else []
