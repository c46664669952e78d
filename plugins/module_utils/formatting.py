# SPDX-License-Identifier: GPL-3.0-or-later
"""Values, durations and times as a person reads them."""

from __future__ import annotations

import math
from datetime import datetime, timezone

#: Factor and name of the units that seconds and bytes are shown in, the largest first.
SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))

#: What is written before a value that is only an end of its interval.
BOUND_SIGNS = {"below": "≤ ", "above": "> "}

#: What to multiply a value by, and what to write after it, for units that are not scaled.
FIXED = {"1/s": (1.0, "/s"), "ratio": (100.0, " %"), "": (1.0, ""), "1": (1.0, ""), "count": (1.0, "")}


def number_text(value: float) -> str:
    """A number with three significant digits, or with all of a whole number: ``0.0123``, ``41.5``, ``1,235``."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return f"{value:g}"
    if value == int(value) and abs(value) < 1e15:
        return _minus(f"{int(value):,}")
    return _digits(value)


def _digits(value: float, digits: int = 3) -> str:
    """A number with that many significant digits, those of a whole one included: ``1.00``."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    places = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    if places > digits + 5:
        return _minus(f"{value:.{digits}g}")
    return _minus(f"{value:,.{places}f}")


def scale_for(value: float, unit: str) -> tuple[float, str]:
    """The factor to divide by and the name of the unit in which ``value`` reads best."""
    units = {"s": SECONDS, "bytes": BYTES, "B": BYTES}.get(unit)
    if units is None:
        factor, suffix = FIXED.get(unit, (1.0, f" {unit}"))
        return 1 / factor, suffix.strip()
    size = abs(float(f"{value:.3g}"))
    if size == 0:
        return (1.0, "s") if units is SECONDS else (1.0, "B")
    for factor, name in units:
        if size >= factor:
            return factor, name
    return units[-1]


def value_text(value: float, unit: str, bound: str = "") -> str:
    """A value with its unit: ``4.12 ms``, ``41.5/s``, ``99.3 %``, ``512``.

    bound: ``below`` or ``above`` where the true value is at or below it, or above it: ``≤ 1.00 ms``, ``> 20.0 s``.
    """
    factor, name = scale_for(value, unit)
    scaled = _scaled(value, factor)
    number = _digits(scaled) if bound else number_text(scaled)
    return f"{BOUND_SIGNS.get(bound, '')}{_with_unit(number, name)}"


def interval_text(low: float | None, high: float | None, unit: str, above: bool = False) -> str:
    """Where a value lies: ``between 44.3 and 45.9/s``, ``at least 44.3/s``, ``at most 2 ms``; empty if unknown.

    above: it is not the lower end itself, but more than that.
    """
    if low is None:
        return "" if high is None else f"at most {value_text(high, unit)}"
    if high is None:
        return f"{'more than' if above else 'at least'} {value_text(low, unit)}"
    if math.isclose(low, high, rel_tol=1e-9):
        return "exact"
    factor, name = scale_for(max(low, high, key=abs), unit)
    ends = [_scaled(end, factor) for end in (low, high)]
    texts = [number_text(end) for end in ends]
    digits = 3
    while texts[0] == texts[1] and digits < 12:
        digits += 1
        texts = [_digits(end, digits) for end in ends]
    return f"between {texts[0]} and {_with_unit(texts[1], name)}"


def _scaled(value: float, factor: float) -> float:
    """0.007 is 7.000000000000001 ms: the noise of the division must not decide how it reads."""
    return value if factor == 1.0 else float(f"{value / factor:.12g}")


def _with_unit(number: str, name: str) -> str:
    space = "" if not name or name.startswith("/") else " "
    return f"{number}{space}{name}"


def ratio_text(ratio: float) -> str:
    """A difference relative to a value: ``+12 %``, ``−3.1 %``, ``×83``."""
    if ratio >= 9.995:
        return f"×{number_text(float(f'{ratio + 1:.3g}'))}"
    percent = ratio * 100
    digits = 1 if abs(percent) < 9.95 else 0
    text = f"{percent:+.{digits}f}"
    if float(text) == 0:
        return "±0 %"
    return _minus(text) + " %"


def duration_text(seconds: float) -> str:
    """A duration: ``4.1 s``, ``2 min 3 s``, ``1 h 5 min``."""
    if seconds < 59.95:
        text = f"{seconds:.1f}"
        return f"{text.removesuffix('.0')} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def clock_text(moment: float, with_date: bool = False) -> str:
    """A Unix time as the UTC clock shows it: ``17:01:02`` or ``2026-11-23 17:01:02``."""
    form = "%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S"
    return datetime.fromtimestamp(math.floor(moment + 0.5), timezone.utc).strftime(form)


def offset_text(seconds: float) -> str:
    """Time since the run's start: ``2:05``, ``1:02:05``."""
    whole = math.floor(seconds + 0.5)
    sign = "−" if whole < 0 else ""
    minutes, rest = divmod(abs(whole), 60)
    if minutes < 60:
        return f"{sign}{minutes}:{rest:02}"
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text
