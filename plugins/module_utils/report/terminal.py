# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for a terminal."""

from __future__ import annotations

import textwrap

#: Characters of a line.
WIDTH = 100
#: What stands between two columns.
GAP = "  "


def wrap(text: str, width: int = WIDTH) -> str:
    """A text on lines of at most ``width`` characters; a longer word is left whole, so that a path can be copied."""
    return "\n".join(textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def shorten(text: str, width: int = WIDTH) -> str:
    """One line of a text; the report has the rest."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
