# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter seconds."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.temporal_lab.benchmarking.plugins.filter.seconds import seconds


@pytest.mark.parametrize(
    ("length", "expected"),
    [(120, 120), (1.5, 1.5), ("120", 120), ("30s", 30), ("2m", 120), ("1h30m", 5400), (" 90s ", 90), ("250ms", 0.25)],
)
def test_lengths(length, expected):
    assert seconds(length) == expected


@pytest.mark.parametrize("length", ["", "two minutes", "2 m", "-5", "5d", "m", None, "1m30"])
def test_what_is_no_length_is_refused_with_examples(length):
    with pytest.raises(AnsibleFilterError, match=r"is no length of time: write seconds, or text such as 30s, 2m"):
        seconds(length)
