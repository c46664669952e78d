# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Prometheus and Go write them."""

from __future__ import annotations

import re
from collections.abc import Collection

#: Seconds of each unit.
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")


def duration_seconds(text: str, units: Collection[str] = tuple(UNITS)) -> float:
    """Return the seconds of a duration such as 90s, 1.5h or 1h30m, of which only some units are taken.

    Raises:
        ValueError: it is no such duration.
    """
    parts = _PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text or not {unit for _number, unit in parts} <= set(units):
        raise ValueError(f"{text!r} is not a duration")
    return sum(float(number) * UNITS[unit] for number, unit in parts)
