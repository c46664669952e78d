# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many tests found something, when all of them are looked at."""

from __future__ import annotations

from collections.abc import Sequence

#: Of what is called a finding, this share may be none; where there is nothing to find, one look in twenty errs.
RATE = 0.05


def discoveries(chances: Sequence[float], rate: float = RATE) -> list[bool]:
    """Which tests found something (Benjamini and Hochberg, 1995). chances: each test's p-value.

    Not Holm's way, which keeps even one false finding away: what changes in a lab changes most figures at once, and
    a limit that is divided by their number would miss it in all of them. Both err alike where nothing changed. It
    holds for figures that go up and down together (Benjamini and Yekutieli, 2001), as those of one load do.
    """
    ordered = sorted(chances)
    limit = max(
        (chance for rank, chance in enumerate(ordered, 1) if chance <= rate * rank / len(ordered)),
        default=-1.0,
    )
    return [chance <= limit for chance in chances]
