# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many tests found something."""

from __future__ import annotations

import random

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.false_discoveries import discoveries


def test_the_example_of_benjamini_and_hochberg() -> None:
    """The fifteen p-values of their paper (section 3.2), of which four are findings; Bonferroni has three."""
    chances = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    assert discoveries(chances) == [True] * 4 + [False] * 11
    order = list(range(15))
    random.Random(1).shuffle(order)
    assert discoveries([chances[place] for place in order]) == [place < 4 for place in order]


def test_a_larger_one_takes_those_below_along() -> None:
    assert discoveries([0.03, 0.04, 0.045]) == [True] * 3
    assert discoveries([0.03, 0.04, 0.06]) == [False] * 3


def test_few() -> None:
    assert discoveries([]) == []
    assert discoveries([0.05]) == [True]
    assert discoveries([0.0500001]) == [False]
    assert discoveries([0.0, 1.0]) == [True, False]
