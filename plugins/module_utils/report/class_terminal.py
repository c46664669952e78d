# SPDX-License-Identifier: GPL-3.0-or-later
"""The class report for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..foreign_text import clip, visible
from ..results.class_report import ClassReport
from .class_view import GroupRow, GroupView, build_view, names_text
from .terminal import GAP, wrap

#: Characters of a student's reason, and problems, that the terminal shows; the page has all.
MOST_REASON, MOST_PROBLEMS = 1000, 100
#: Students with outliers that the terminal shows; the page has all.
MOST_OUTLIERS = 10


def to_terminal(report: ClassReport, path: str, retry: str = "") -> str:
    """What the instructor sees: a line for each student who needs attention, then counts, figures and outliers.

    retry: path of the file with the hosts to retry; empty where there is none.
    """
    view = build_view(report)
    lines = [view["summary"]]
    # Not wrapped: one line a student, so that it can be searched and counted.
    rows = [[entry["state"], entry["student"], clip(entry["reason"], MOST_REASON)] for entry in view["attention"]]
    lines += _columns(rows, numbers=False)
    lines += [visible(f"unfinished: {text}") for text in view["unfinished"]]
    if view["done"]:
        lines.append(visible(f"done: {names_text(view['done'])}"))
    lines += view["skipped"]
    lines += [wrap(text) for text in view["notes"]]
    problems = [
        wrap(f"{problem['source']}: {problem['text']}" if problem["source"] else problem["text"])
        for problem in view["problems"]
        # A student with this reason has a line already.
        if not any(
            problem["text"] in entry["reason"]
            for entry in view["attention"]
            if problem["source"] in ("", entry["student"])
        )
    ]
    lines += problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        lines.append(f"and {len(problems) - MOST_PROBLEMS} more problems; see the report")
    if view["stage_states"]["rows"]:
        heads = ["", *(head["word"] for head in view["stage_states"]["heads"])]
        lines += ["", *_table(heads, [[name, *counts] for name, counts in view["stage_states"]["rows"]])]
    for window in view["windows"]:
        first, *rest = window["groups"]
        heads = [f"{window['name']} ({first['label']})", "median", "lowest", "", "highest", "", "with a value"]
        if first["rows"]:
            lines += ["", *_table(heads, [_figure(row) for row in first["rows"]])]
        lines += _distributions(window["name"], first)
        if rest:
            text = "; ".join(group["label"] for group in rest)
            lines.append(wrap(f"other groups, shown in the report: {text}"))
    if view["outliers"]:
        lines += ["", "Far from the median (worth a look, not a fault):"]
        for entry in view["outliers"][:MOST_OUTLIERS]:
            more = len(entry["texts"]) - 1
            text = f"{entry['student']}: {entry['texts'][0]}" + (f"; and {more} more" if more else "")
            lines.append(f"  {visible(text)}")
        if len(view["outliers"]) > MOST_OUTLIERS:
            lines.append(f"  and {len(view['outliers']) - MOST_OUTLIERS} more students; see the report")
    lines += ["", f"Class report: {path}"]
    if retry:
        lines.append(f"To retry only these, rerun the command with --limit @{retry}")
    return "\n".join(lines)


def _distributions(name: str, group: GroupView) -> list[str]:
    """The medians of a group's distributions; the page has their lowest and highest values too."""
    table = group["distributions"]
    if not table["rows"]:
        return []
    heads = [f"{name} ({group['label']}), median" if not group["rows"] else "median", *table["heads"]]
    rows = [[row["title"], *(cell["median"] for cell in row["cells"])] for row in table["rows"]]
    return ["", *_table(heads, rows)]


def _figure(row: GroupRow) -> list[str]:
    title = row["title"] + (f" ({row['states']})" if row["states"] else "")
    lowest, highest = [row["lowest"], row["lowest_student"]], [row["highest"], row["highest_student"]]
    return [title, row["median"], *lowest, *highest, row["count"]]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = _columns([heads, *rows])
    return [lines[0], "─" * max(map(len, lines)), *lines[1:]]


def _columns(rows: Sequence[Sequence[str]], numbers: bool = True) -> list[str]:
    """Rows with their cells in columns, the first one set to the left and the others of numbers to the right.

    A column without a heading goes with the one before it, as names do with values.
    """
    rows = [list(map(visible, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    right = [numbers and place > 0 and bool(rows[0][place]) for place in range(len(widths))]
    return [
        GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(row, widths, right)
        ).rstrip()
        for row in rows
    ]
