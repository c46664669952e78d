# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole numbers that others wrote as text."""

from __future__ import annotations

import re

#: As many digits as Go's int64 holds whatever they are; Python refuses some thousands with an error of its own.
_WHOLE = re.compile(r"[0-9]{1,18}")


def whole_number(text: object) -> int | None:
    """The number of a text of digits 0 to 9 alone; None for any other text, and for what is no text."""
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else None
