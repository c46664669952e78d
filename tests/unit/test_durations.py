# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, by whatever is told in them: windows, scrape intervals, retentions."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.durations import duration_seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("5s", 5), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1.5h", 5400), ("1d12h", 129600), ("1w1y", 32140800)],
)
def test_durations(text: str, value: float) -> None:
    assert duration_seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "1 m", "5s!", "-5s", " 5s", "5s\n", "1.s", ".5s", "5S"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_seconds(text)


def test_only_some_units_may_be_taken() -> None:
    assert duration_seconds("1h5m", ("h", "m")) == 3900
    with pytest.raises(ValueError, match="'1d' is not a duration"):
        duration_seconds("1d", ("h", "m"))
