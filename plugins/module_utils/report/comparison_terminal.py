# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison in the terminal: the outcome, what it rests on, and the key figures of each window."""

from __future__ import annotations

from collections.abc import Sequence

from ..answers.comparison import Comparison
from ..foreign_text import visible
from .comparison_view import ComparisonView, FigureView, WindowView, build_view
from .terminal import GAP, WIDTH, shorten, wrap

#: Reasons and differences that are shown; the page has all of them.
MOST = 12


def to_terminal(comparison: Comparison, path: str, width: int = WIDTH) -> str:
    """Lines for a terminal. path: of the page."""
    view = build_view(comparison)
    lines = [
        wrap(f"base:  {view['base']}", width),
        wrap(f"other: {view['other']}", width),
        *(wrap(one, width) for one in _differences(view)),
        "",
    ]
    for window in view["windows"]:
        lines += [*_window(window, width), ""]
    lines += [wrap(f"{view['outcome']}: {view['summary']}", width)]
    lines += [wrap(f"  {one}", width) for one in _most(view["reasons"])]
    lines += [wrap(f"problem: {one}", width) for one in _most(view["problems"])]
    return "\n".join([*lines, "", f"Comparison: {path}"])


def _differences(view: ComparisonView) -> list[str]:
    return _most(
        [
            f"{one['name']} ({one['stages']}): {one['base']} → {one['other']}"
            + (f"; {one['effect']}" if one["effect"] else "")
            for one in view["differences"]
        ]
    )


def _window(window: WindowView, width: int) -> list[str]:
    if window["word"]:
        return [wrap(f"{window['name']}: {window['word']}: {window['reason']}", width)]
    rows = [["", "base", "other", "change", ""], *([*_cells(one)] for one in window["key"])]
    shown = [one for one in window["rest"] if one["state"]]
    rows += [[*_cells(one)] for one in shown]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    lines = [window["name"], "─" * min(width, sum(widths) + len(GAP) * 4)]
    for title, base, other, change, verdict in rows:
        cells = [
            title.ljust(widths[0]),
            base.rjust(widths[1]),
            other.rjust(widths[2]),
            change.rjust(widths[3]),
            verdict,
        ]
        lines.append(GAP.join(cells).rstrip())
    if window["counts"]:
        above = ", the worse and the better ones above" if shown else ""
        lines.append(wrap(f"more figures{above}: {window['counts']}", width))
    return [*lines, *(wrap(note, width) for note in window["notes"])]


def _cells(figure: FigureView) -> list[str]:
    texts = [figure["title"], figure["base"], figure["other"], figure["change"], figure["verdict"]]
    return [visible(shorten(text, 34)) for text in texts]


def _most(texts: Sequence[str]) -> list[str]:
    more = len(texts) - MOST
    return [*texts[:MOST], *([f"and {more} more; see the page"] if more > 0 else [])]
