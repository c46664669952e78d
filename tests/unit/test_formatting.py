# SPDX-License-Identifier: GPL-3.0-or-later
"""Values, changes and times as they are shown."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import formatting
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


@pytest.mark.parametrize(
    ("value", "unit", "bound", "text"),
    [
        (0.001, "s", "below", "≤ 1.00 ms"),
        (20.0, "s", "above", "> 20.0 s"),
        (0.0075, "s", "below", "≤ 7.50 ms"),
        (1200.0, "1", "above", "> 1,200"),
        (0.0, "s", "below", "≤ 0 s"),
    ],
)
def test_values_that_are_only_bounds(value: float, unit: str, bound: str, text: str) -> None:
    assert formatting.value_text(value, unit, bound) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (44.31, 45.92, "1/s", "between 44.3 and 45.9/s"),
        (0.01, 0.02, "s", "between 10 and 20 ms"),
        (0.0009, 1.5, "s", "between 0.000900 and 1.50 s"),
        (44.31, 44.32, "1/s", "between 44.31 and 44.32/s"),
        (1234567.25, 1234567.75, "1", "between 1,234,567 and 1,234,568"),
        (-2.0, 0.5, "1", "between −2 and 0.500"),
        (44.31, None, "1/s", "at least 44.3/s"),
        (None, 0.001, "s", "at most 1 ms"),
        (512.0, 512.0, "1", "exact"),
        (0.0, 0.0, "1/s", "exact"),
        (0.1 + 0.2, 0.3, "1/s", "exact"),
        (None, None, "s", ""),
    ],
)
def test_intervals(low: float | None, high: float | None, unit: str, text: str) -> None:
    assert formatting.interval_text(low, high, unit) == text


def test_what_is_above_a_bound_is_more_than_it() -> None:
    assert formatting.interval_text(20.0, None, "s", above=True) == "more than 20 s"


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_the_ends_of_an_interval_read_differently_or_are_one(low: float, high: float) -> None:
    text = formatting.interval_text(low, high, "1/s")
    if text != "exact":
        first, second = text.removeprefix("between ").removesuffix("/s").split(" and ")
        assert first != second


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
    ],
)
def test_ratios(ratio: float, text: str) -> None:
    assert formatting.ratio_text(ratio) == text


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
