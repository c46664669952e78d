# SPDX-License-Identifier: GPL-3.0-or-later
"""Values, changes and times as they are shown."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import formatting
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0041234, "s", "4.12 ms"),
        (0.9996, "s", "1.00 s"),
        (0.007, "s", "7 ms"),
        (12.3456, "s", "12.3 s"),
        (0.0000123, "s", "12.3 µs"),
        (0, "s", "0 s"),
        (41.512, "1/s", "41.5/s"),
        (1234.5678, "1/s", "1,235/s"),
        (0.031, "1/s", "0.0310/s"),
        (0.0, "1/s", "0/s"),
        (0.993, "ratio", "99.3 %"),
        (1.0, "ratio", "100 %"),
        (512.0, "1", "512"),
        (16384, "", "16,384"),
        (13.0412, "1", "13.0"),
        (-0.5, "1/s", "−0.500/s"),
        (123456789, "bytes", "118 MiB"),
        (5, "pods", "5 pods"),
    ],
)
def test_values(value: float, unit: str, text: str) -> None:
    assert formatting.value_text(value, unit) == text


@given(st.floats(min_value=1e-9, max_value=1e9), st.sampled_from(["s", "1/s", "ratio", "1", "bytes"]))
def test_a_shown_value_is_within_half_a_percent(value: float, unit: str) -> None:
    text = formatting.value_text(value, unit)
    number = float(text.split(" ")[0].removesuffix("/s").replace(",", ""))
    factor, _name = formatting.scale_for(value, unit)
    assert number * factor == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.12, "+12 %"),
        (-0.031, "−3.1 %"),
        (0.0996, "+10 %"),
        (0.00001, "±0 %"),
        (-0.00001, "±0 %"),
        (-1.0, "−100 %"),
        (9.9, "+990 %"),
        (82.0, "×83"),
        (None, ""),
    ],
)
def test_changes(ratio: float | None, text: str) -> None:
    assert formatting.change_text({"absolute": 1.0, "ratio": ratio}) == text


def test_no_change_is_known() -> None:
    assert formatting.change_text(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (4.1, "4.1 s"),
        (59.96, "1 min"),
        (122.4, "2 min 2 s"),
        (3599.6, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration_text(seconds) == text


def test_times() -> None:
    assert formatting.clock_text(1795453262.12) == "17:01:02"
    assert formatting.clock_text(1795453262.12, with_date=True) == "2026-11-23 17:01:02"
    assert [formatting.offset_text(seconds) for seconds in (0, 65, 3725, -3)] == ["0:00", "1:05", "1:02:05", "−0:03"]
