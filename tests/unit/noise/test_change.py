# SPDX-License-Identifier: GPL-3.0-or-later
"""Higher, lower, no difference, or not known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.change import Change, Side, changes
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.student_t import critical


def side(value: float, error: float, **more: Any) -> Side:
    """A value with a standard error, in the first of two windows of 100 s."""
    freedom = more.pop("freedom", 4)
    away = critical(freedom) * error
    made = Side(value, value - away, value + away, freedom, (value, value), True, "", 0.0, 100.0)
    return made._replace(**more)


def later(value: float, error: float, **more: Any) -> Side:
    return side(value, error, **{"start": 100.0, "end": 200.0, **more})


def change(before: Side, after: Side) -> Change:
    [found] = changes([(before, after)])
    return found


def test_what_is_beyond_noise_lies_between_ends() -> None:
    found = change(side(100.0, 3.0), later(130.0, 4.0))
    # Two equal errors would have 8 degrees of freedom; Welch: 25² / (9²/4 + 16²/4) = 7.4.
    away = critical(7) * 5.0
    assert found == ("higher", pytest.approx(30 - away), pytest.approx(30 + away), "")
    found = change(side(130.0, 4.0), later(100.0, 3.0))
    assert found == ("lower", pytest.approx(-30 - away), pytest.approx(-30 + away), "")


def test_what_is_not_beyond_noise_is_no_difference() -> None:
    found = change(side(100.0, 3.0), later(108.0, 4.0))
    assert (found.verdict, found.reason) == ("none", "")
    assert (found.low or 0) < 0 < (found.high or 0)


def test_the_ends_of_uneven_intervals_are_those_that_face_each_other() -> None:
    """A quantile may be known well to one side only."""
    before = side(10.0, 1.0, high=10.1)
    after = later(20.0, 1.0, low=19.9)
    assert change(before, after).verdict == "higher"
    assert change(before._replace(high=40.0), after).verdict != "higher"
    assert change(before, after._replace(low=-10.0)).verdict != "higher"
    # What is open away from the other value does not matter.
    found = change(before._replace(low=None), after._replace(high=None))
    assert (found.verdict, found.high) == ("higher", None)
    found = change(before._replace(high=None), after)
    assert (found.verdict, found.reason) == ("unknown", "noise goes beyond what was observed in these windows")


def test_constants_differ_or_they_do_not() -> None:
    assert change(side(3.0, 0.0), later(6.0, 0.0)) == ("higher", 3.0, 3.0, "")
    assert change(side(3.0, 0.0), later(3.0, 0.0)) == ("none", 0.0, 0.0, "")
    assert change(side(0.0, 1.0), later(0.0, 1.0)).verdict == "none"


def test_what_noise_hides_altogether_is_not_known() -> None:
    found = change(side(2.0, 3.0), later(5.0, 4.0))
    assert (found.verdict, found.reason) == ("unknown", "the noise of these windows would hide even a doubling")
    burst = "90 % of it came within 15 s, at 0:05"
    found = change(side(0.002, 0.0005), later(1.1, 0.9, burst=burst))
    assert (found.verdict, found.reason) == ("unknown", f"in the later window {burst}")
    found = change(side(1.1, 0.9, burst=burst), later(0.002, 0.0005))
    assert found.reason == f"in the earlier window {burst}"


def test_a_drift_that_goes_on_is_no_change() -> None:
    """From 90 to 110 in the halves of one window, whose middles are 50 s apart: 40 in the 100 s to the next."""
    drifting = side(100.0, 1.0, halves=(90.0, 110.0), steady=False)
    found = change(drifting, later(138.0, 1.0))
    assert found.verdict == "unknown"
    assert "not steady" in found.reason
    assert change(drifting, later(160.0, 1.0)).verdict == "higher"
    # The later window's drift counts as well, and a drift of a window that is steady does not.
    assert change(side(100.0, 1.0), later(138.0, 1.0, halves=(128.0, 148.0), steady=False)).verdict == "unknown"
    assert change(drifting._replace(steady=True), later(138.0, 1.0)).verdict == "higher"


def test_of_many_figures_more_is_asked() -> None:
    """One time in thirty is a finding alone, and none among twenty figures that did not change."""
    odd = side(100.0, 3.0), later(112.0, 3.0)
    same = side(100.0, 3.0), later(100.5, 3.0)
    assert change(*odd).verdict == "higher"
    assert {one.verdict for one in changes([odd, *[same] * 19])} == {"none"}
    assert {one.verdict for one in changes([odd] * 20)} == {"higher"}
    # What could never be tested does not count.
    nothing = side(0.0, 1.0), later(0.0, 1.0)
    assert [one.verdict for one in changes([nothing, odd, *[nothing] * 18])][:2] == ["none", "higher"]


@pytest.mark.parametrize("value", [1e300, -1e300, 5e-324])
def test_numbers_of_a_stranger_are_no_trouble(value: float) -> None:
    for error in (0.0, 1e300, 5e-324):
        for other in (0.0, -1e308, 1e308):
            assert change(side(value, error), later(other, error)).verdict in ("higher", "lower", "none", "unknown")
