# SPDX-License-Identifier: GPL-3.0-or-later
"""How many degrees of freedom the steps of a window have, to tell noise by."""

from __future__ import annotations

#: With fewer steps there is no telling slow waves from fast ones.
LEAST_STEPS = 12
#: More waves tell no more: with so many, Student's t is the normal distribution.
MOST_WAVES = 200


def waves(steps: int) -> int:
    """How many of the slowest waves in so many steps tell how the steps scatter; scatter.py has the source."""
    return max(2, min(MOST_WAVES, int(0.4 * steps ** (2 / 3))))
