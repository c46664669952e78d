# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown of texts that come from data: nothing in them is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: What Markdown or HTML would take for markup. A backslash before any of them is plain text.
MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def plain(text: object) -> str:
    """Text as it is, on one line, with nothing in it that Markdown would act on."""
    return MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def code_block(text: str) -> list[str]:
    """Indented, not fenced: no content can end it."""
    return ["    " + line for line in text.splitlines()] + [""]


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int | None = None) -> list[str]:
    """A table; columns from ``numbers_from`` on are set to the right."""
    marks = ["---:" if numbers_from is not None and place >= numbers_from else "---" for place in range(len(heads))]
    lines = [[plain(head) for head in heads], marks, *([plain(cell) for cell in row] for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]
