# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the stages' figures for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..answers.answer import Answer
from ..results.merged_problems import FINDING_KINDS
from ..results.report import Report
from . import change_words
from .columns import Column
from .distribution_terminal import LEGEND, distribution_lines, signs_shown
from .figure_table import Cell
from .run_view import RunView, build_view
from .terminal import GAP, WIDTH, shorten, wrap

# Widest a text may be before it is wrapped: in the first column, a heading, a cell.
FIRST_COLUMN, HEADING, CELL = 20, 13, 17

#: Sentences below the table; the report has all.
MOST_LINES = 60
#: Problems that are shown in full; of others, except findings, only how many there are.
GRAVE = ("file", "fail", "error")
FINDINGS = tuple(FINDING_KINDS.values())

#: The lines of a cell.
Lines = list[str]


def to_terminal(report: Report, path: str, width: int = WIDTH, answers: Sequence[Answer] = ()) -> str:
    """What a user sees at the end: the key figures by window, what went wrong, the page's path.

    Lines are at most ``width`` characters, except where a path or a single word is longer.
    """
    view = build_view(report, answers)
    parts = [wrap(view["summary"], width)]
    if view["first_look"]:
        parts.append(wrap(view["first_look"], width))
    if view["columns"] and view["key"]:
        parts += ["", *_tables(view, width)]
    shown = [table for table in view["distributions"] if table["key"]]
    for distribution in shown:
        drawn = distribution_lines(distribution, width)
        parts += ["", *drawn] if drawn else []
    if signs_shown(shown):
        parts.append(LEGEND)
    if any(cell["change"] for row in view["key"] for cell in row["cells"]):
        parts.append(wrap(change_words.LEGEND, width))
    told = [
        f"{stage['stage']} {stage['word']}: {stage['message']}"
        for stage in view["stages"]
        if stage["state"] in ("failed", "skipped")
    ]
    lines = [wrap(text, width) for text in told]
    for problem in view["problems"]:
        if problem["kind"] == "file":
            lines.append(wrap(problem["text"], width))
        elif problem["kind"] in FINDINGS:
            # A stage that failed because of it has its line already.
            if not any(problem["text"].rstrip(".") in text for text in told):
                lines.append(shorten(f"{problem['word']} ({problem['stages']}): {problem['text']}", width))
        elif problem["kind"] in GRAVE:
            lines.append(wrap(f"{problem['word']}: {problem['text']} ({'; '.join(problem['sources'])})", width))
    light = [problem["kind"] for problem in report["problems"] if problem["kind"] not in (*GRAVE, *FINDINGS)]
    if light:
        counts = ", ".join(f"{light.count(kind)} {kind}" for kind in dict.fromkeys(light))
        lines.append(f"figures that did not pass: {counts}; the report says why")
    lines += [wrap(f"used up ({one['windows']}): {one['text']}", width) for one in view["used_up"]]
    if view["known"]["line"]:
        lines.append(wrap(view["known"]["line"], width))
    for table in view["shards"]:
        lines.append(wrap(f"shards ({table['stage']}): {' '.join(table['sentences'])}", width))
    for ledger in view["ledgers"]:
        lines.append(wrap(f"rebalancing ({ledger['stage']}): {' '.join(ledger['cost'])}", width))
    if view["answers"]:
        parts += ["", *_answers(view, width)]
    if lines:
        parts += ["", *lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        parts.append(f"and {len(lines) - MOST_LINES} more; see the report")
    parts += ["", f"Report: {path}"]
    return "\n".join(parts)


def _answers(view: RunView, width: int) -> list[str]:
    """Each question on a line, and its answer below."""
    lines = []
    for stage in view["answers"]:
        if stage["note"]:
            lines.append(wrap(f"{stage['stage']}: {stage['note']}", width))
        for answer in stage["answers"]:
            lines.append(wrap(f"{stage['stage']}: {answer['question']}", width))
            said = f"{answer['text']} {answer['predicted']}".strip()
            lines.append(textwrap.indent(wrap(said, width - 2), "  "))
    return lines


def _tables(view: RunView, width: int) -> list[str]:
    """The key figures as one table, or as several with as many windows each as fit."""
    heads = [_head(column) for column in view["columns"]]
    rows = [(textwrap.wrap(row["title"], FIRST_COLUMN), [_cell(cell) for cell in row["cells"]]) for row in view["key"]]
    widths = [
        max((len(line) for cell in [head, *(cells[place] for _title, cells in rows)] for line in cell), default=0)
        for place, head in enumerate(heads)
    ]
    first = max((len(line) for title, _cells in rows for line in title), default=FIRST_COLUMN)
    blocks: list[list[int]] = [[]]
    for place in range(len(heads)):
        used = first + sum(len(GAP) + widths[other] for other in [*blocks[-1], place])
        if used > width and blocks[-1]:
            blocks.append([])
        blocks[-1].append(place)
    found: list[str] = []
    for places in blocks:
        if found:
            found.append("")
        sizes = [widths[place] for place in places]
        found += _lines([""], [heads[place] for place in places], first, sizes, top=False)
        found.append("─" * (first + sum(len(GAP) + size for size in sizes)))
        for title, cells in rows:
            found += _lines(title, [cells[place] for place in places], first, sizes)
    return found


def _lines(title: Lines, cells: Sequence[Lines], first: int, sizes: Sequence[int], top: bool = True) -> list[str]:
    """A row of cells of one or more lines; headings stand on the bottom line, the rest on the top one."""
    height = max(map(len, [title, *cells]))

    def line(cell: Lines, number: int) -> str:
        number -= 0 if top else height - len(cell)
        return cell[number] if 0 <= number < len(cell) else ""

    return [
        (
            line(title, number).ljust(first)
            + "".join(GAP + line(cell, number).rjust(size) for cell, size in zip(cells, sizes))
        ).rstrip()
        for number in range(height)
    ]


def _head(column: Column) -> Lines:
    return [*textwrap.wrap(column["stage"], HEADING), *textwrap.wrap(column["title"], HEADING)]


def _cell(cell: Cell) -> Lines:
    """Value and change on a line, the state below it where it is not pass."""
    parts = " / ".join(value for _label, value in cell["by"])
    if len(cell["by"]) > 1 and len(parts) <= CELL:
        lines = [parts]
    elif len(cell["text"]) + len(cell["change"]) < CELL:
        lines = [f"{cell['text']} {cell['change']}".strip()]
    else:
        lines = [cell["text"], cell["change"]]
    return [*lines, cell["word"]] if cell["word"] else lines
