# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t distribution for whole degrees of freedom, where it is a finite sum.

Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4. A library that has it (scipy) is ten
times as large as the collection.
"""

from __future__ import annotations

import math
from functools import cache


def two_sided(t: float, freedom: int) -> float:
    """The probability that a variable of that distribution is further from zero than t."""
    if math.isinf(t):
        return 0.0
    angle = math.atan(abs(t) / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 1 - inside))


@cache
def critical(freedom: int, outside: float = 0.05) -> float:
    """The t that a variable of that distribution is further from zero than with the probability ``outside``."""
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > outside:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > outside else (low, middle)
    return high
