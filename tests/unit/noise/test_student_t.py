# SPDX-License-Identifier: GPL-3.0-or-later
"""Student's t, against the tables that stand in every textbook."""

from __future__ import annotations

import math

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.student_t import critical, two_sided

#: By degrees of freedom: what is further from zero one time in ten, in twenty, in a hundred, and in a thousand.
TABLE = {
    1: (6.314, 12.706, 63.657, 636.619),
    2: (2.920, 4.303, 9.925, 31.599),
    3: (2.353, 3.182, 5.841, 12.924),
    4: (2.132, 2.776, 4.604, 8.610),
    5: (2.015, 2.571, 4.032, 6.869),
    6: (1.943, 2.447, 3.707, 5.959),
    10: (1.812, 2.228, 3.169, 4.587),
    29: (1.699, 2.045, 2.756, 3.659),
    30: (1.697, 2.042, 2.750, 3.646),
    120: (1.658, 1.980, 2.617, 3.373),
}


@pytest.mark.parametrize("freedom", TABLE)
def test_it_is_that_of_the_tables(freedom: int) -> None:
    for outside, value in zip((0.1, 0.05, 0.01, 0.001), TABLE[freedom]):
        assert critical(freedom, outside) == pytest.approx(value, abs=6e-4)
        assert two_sided(value, freedom) == pytest.approx(outside, rel=4e-3)
        assert two_sided(-value, freedom) == two_sided(value, freedom)


def test_the_ends() -> None:
    for freedom in (1, 2, 3, 7, 400):
        assert two_sided(0.0, freedom) == 1.0
        assert two_sided(math.inf, freedom) == 0.0
        assert 0.0 <= two_sided(1e9, freedom) < 1e-6
