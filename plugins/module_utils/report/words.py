# SPDX-License-Identifier: GPL-3.0-or-later
"""Words and texts that a run's report and the class report share."""

from __future__ import annotations

import json

from ..formatting import duration_text
from ..results.report import is_number

#: What is shown where there is nothing to show.
NOTHING = "–"

STATE_WORDS = {"absent": "not done"}
BETTER = {"lower": "lower is better", "higher": "higher is better"}
SETTINGS_IN_SECONDS = ("window", "scrape_interval")


def counted(count: int, noun: str) -> str:
    """Such as ``1 stage``, ``3 stages``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def setting_text(name: str, value: object) -> str:
    """The value of a setting or version."""
    return duration_text(value) if name in SETTINGS_IN_SECONDS and is_number(value) else plain_text(value)


def plain_text(value: object) -> str:
    """A value of any shape as text."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
