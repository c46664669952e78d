# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a distribution for a terminal: as many of its columns as fit, those of key figures first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .distribution_table import QUANTILE, DistributionTable
from .figure_table import Cell
from .terminal import GAP, WIDTH

# Widest a text may be before it is wrapped: the name of a window, a heading.
NAME, HEADING = 20, 7
#: What stands behind a value whose state is another than pass.
SIGNS = {"inconclusive": "?"}
OTHER_SIGN = "!"
#: What the signs mean.
LEGEND = "? after a value: too little is known of it; ! after one: it did not pass. The report says why."


def distribution_lines(table: DistributionTable, width: int = WIDTH) -> list[str]:
    """A distribution with a row for each window that has it; empty where none has."""
    rows = [row for row in table["rows"] if any(cell["state"] for cell in row["cells"])]
    if not rows:
        return []
    names = [textwrap.wrap(row["name"], NAME) for row in rows]
    heads = ["count", *(head["title"] for head in table["heads"])]
    cells = [[row["observations"], *map(_text, row["cells"])] for row in rows]
    first = max(
        [len(table["title"]) if len(table["title"]) <= NAME else 0, *(len(line) for name in names for line in name)]
    )
    chosen = _chosen(table, heads, cells, width - first)
    wrapped = [_wrapped(heads[place]) for place in chosen]
    widths = [
        max([len(line) for line in head] + [len(row[place]) for row in cells]) for place, head in zip(chosen, wrapped)
    ]
    height = max(map(len, wrapped))
    title = [""] * (height - 1) + [table["title"]]
    lines = []
    for number in range(height):
        # Headings stand on the bottom line; a long title has the line above for itself.
        texts = [head[number - height + len(head)] if number >= height - len(head) else "" for head in wrapped]
        lines.append(_line(title[number] if len(table["title"]) <= first else "", texts, first, widths))
    if len(table["title"]) > first:
        lines.insert(0, table["title"])
    lines.append("─" * (first + sum(len(GAP) + size for size in widths)))
    for name, row in zip(names, cells):
        lines.append(_line(name[0] if name else "", [row[place] for place in chosen], first, widths))
        lines += name[1:]
    return lines


def signs_shown(tables: Sequence[DistributionTable]) -> bool:
    """Whether a value of the tables has a sign behind it."""
    return any(_sign(cell) for table in tables for row in table["rows"] for cell in row["cells"])


def _wrapped(head: str) -> list[str]:
    """A heading on lines: the bound of a share stays whole."""
    first, _blank, rest = head.partition(" ")
    return [first, rest] if rest and len(head) > HEADING else [head]


def _line(name: str, texts: Sequence[str], first: int, widths: Sequence[int]) -> str:
    return (name.ljust(first) + "".join(GAP + text.rjust(size) for text, size in zip(texts, widths))).rstrip()


def _text(cell: Cell) -> str:
    # A state in the place of a value is told by the sign alone: the column is narrow.
    return f"{'' if cell['text'] == cell['state'] else cell['text']}{_sign(cell)}"


def _sign(cell: Cell) -> str:
    if cell["state"] in ("", "pass"):
        return ""
    return SIGNS.get(cell["state"], OTHER_SIGN)


def _chosen(table: DistributionTable, heads: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """The places of the columns that fit.

    Quantiles that are no key figures are left out first, the lowest before the others: they say least of a change.
    """
    chosen = list(range(len(heads)))
    spare = [place for place in chosen[1:] if not table["heads"][place - 1]["key"]]
    spare.sort(key=lambda place: QUANTILE.fullmatch(heads[place]) is None)
    spare += [place for place in reversed(chosen) if place not in spare]

    def size(place: int) -> int:
        return len(GAP) + max([*map(len, _wrapped(heads[place])), *(len(row[place]) for row in cells)])

    for place in spare:
        if sum(map(size, chosen)) <= room or len(chosen) == 1:
            break
        chosen.remove(place)
    return chosen
