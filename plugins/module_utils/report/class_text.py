# SPDX-License-Identifier: GPL-3.0-or-later
"""The class report for a terminal, and class.md."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.runs import Record
from .class_view import build_view, names_text
from .markdown import markdown_table, plain
from .terminal import WIDTH, wrap

GAP = "  "
#: Students with outliers that are told at the terminal; the page has all.
MOST_OUTLIERS = 10


def to_terminal(report: Record, path: str, retry: str = "") -> str:
    """What the instructor sees: a line for each student that is not all well, then counts, figures and outliers.

    retry: path of the file with the hosts to do again; empty where there is none.
    """
    view = build_view(report)
    lines = [view["summary"]]
    # Not wrapped: one line a student, so that it can be searched and counted.
    rows = [[entry["state"], entry["student"], entry["reason"]] for entry in view["attention"]]
    lines += _columns(rows, numbers=False)
    lines += [f"unfinished: {text}" for text in view["unfinished"]]
    if view["done"]:
        lines.append(f"done: {names_text(view['done'])}")
    lines += view["skipped"]
    lines += [wrap(text, WIDTH) for text in view["notes"]]
    lines += [
        wrap(f"{problem['source']}: {problem['text']}" if problem["source"] else problem["text"], WIDTH)
        for problem in view["problems"]
        # A student who is told of for it has a line already.
        if not any(problem["text"] in entry["reason"] for entry in view["attention"])
    ]
    if view["stage_states"]["rows"]:
        heads = ["", *(head["word"] for head in view["stage_states"]["heads"])]
        lines += ["", *_table(heads, [[name, *counts] for name, counts in view["stage_states"]["rows"]])]
    for window in view["windows"]:
        first, *rest = window["groups"]
        heads = [f"{window['name']} ({first['label']})", "median", "lowest", "", "highest", "", "with a value"]
        lines += ["", *_table(heads, [_figure(row) for row in first["rows"]])]
        if rest:
            text = "; ".join(group["label"] for group in rest)
            lines.append(wrap(f"not mixed with these, who are in the report: {text}", WIDTH))
    if view["outliers"]:
        lines += ["", "Far from the median (something to look at, not a fault):"]
        for entry in view["outliers"][:MOST_OUTLIERS]:
            more = len(entry["texts"]) - 1
            lines.append(f"  {entry['student']}: {entry['texts'][0]}" + (f"; and {more} more" if more else ""))
        if len(view["outliers"]) > MOST_OUTLIERS:
            lines.append(f"  and {len(view['outliers']) - MOST_OUTLIERS} more students, who are in the report")
    lines += ["", f"Class report: {path}"]
    if retry:
        lines.append(f"To do just those again: the same command with --limit @{retry}")
    return "\n".join(lines)


def _figure(row: Record) -> list[str]:
    title = row["title"] + (f" ({row['states']})" if row["states"] else "")
    names = ("median", "lowest", "lowest_student", "highest", "highest_student", "count")
    return [title, *(row[name] for name in names)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = _columns([heads, *rows])
    return [lines[0], "─" * max(map(len, lines)), *lines[1:]]


def _columns(rows: Sequence[Sequence[str]], numbers: bool = True) -> list[str]:
    """Rows with their cells in columns, the first one set to the left and the others of numbers to the right.

    A column without a heading goes with the one before it, as names do with values.
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    right = [numbers and place > 0 and bool(rows[0][place]) for place in range(len(widths))]
    return [
        GAP.join(
            cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(row, widths, right)
        ).rstrip()
        for row in rows
    ]


def to_markdown(report: Record, retry: str = "") -> str:
    """The text of class.md."""
    view = build_view(report)
    lines = ["# Temporal benchmarking lab: the class", "", plain(view["summary"]), ""]
    lines += [f"- {plain(text)}" for text in [*view["notes"], *view["unfinished"], *view["skipped"]]]
    lines += [
        f"- **file not used** {plain(': '.join(filter(None, [problem['source'], problem['text']])))}"
        for problem in view["problems"]
    ]
    if lines[-1]:
        lines.append("")
    if view["attention"]:
        rows = [
            [entry["student"], entry["state"], entry["reason"] or "", entry["place"]] for entry in view["attention"]
        ]
        lines += ["## Failed or not known", "", *markdown_table(["Student", "State", "Reason", "Where"], rows)]
        if retry:
            lines += [f"To do just these again: the same command with `--limit @{retry}`.", ""]
    lines += ["## Students and stages", ""]
    if view["students"]:
        rows = [
            [
                row["student"],
                row["state"],
                *(" ".join(filter(None, [cell["word"], cell["note"]])) for cell in row["cells"]),
            ]
            for row in view["students"]
        ]
        lines += markdown_table(["Student", "State", *view["stages"]], rows)
    lines += ["## Figures", ""]
    for window in view["windows"]:
        lines += [f"### {plain(window['name'])}", "", *([plain(window["note"]), ""] if window["note"] else [])]
        for group in window["groups"]:
            names = f" ({group['names']})" if group["names"] else ""
            lines += [plain(f"{group['label']}{names}: {group['settings']}"), ""]
            heads = ["Figure", "Median", "Lowest", "Highest", "With a value"]
            rows = [
                [
                    row["title"] + (f" ({row['hint']})" if row["hint"] else ""),
                    row["median"],
                    f"{row['lowest']} {row['lowest_student']}",
                    f"{row['highest']} {row['highest_student']}",
                    row["count"] + (f", {row['states']}" if row["states"] else ""),
                ]
                for row in group["rows"]
            ]
            lines += markdown_table(heads, rows, numbers_from=1)
    if not view["windows"]:
        lines += ["No student has measured a window yet.", ""]
    lines += ["## Far from the median", "", plain(view["about_outliers"]), ""]
    for entry in view["outliers"]:
        lines += [f"- {plain(entry['student'])}", *(f"  - {plain(text)}" for text in entry["texts"])]
    if not view["outliers"]:
        lines.append("None.")
    return "\n".join(lines).rstrip("\n") + "\n"
