# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the window arithmetic, against a slow reference that is written in another way.

The reference takes every step between two samples on its own, in exact fractions: what it grew by
(all of the later value after a reset) times the share of the step that lies inside the window.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import json_value
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    growth,
    histograms,
    lives,
    processes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import series as samples
from hypothesis import given, settings
from hypothesis import strategies as st

#: Milliseconds; real times are as large.
BASE = 1_700_000_000_000
TARGET = {"job": "pods", "instance": "10.0.0.1:9090", "pod": "app-1"}

#: Times between scrapes in milliseconds, and values: a counter, now and then from the beginning again.
STEPS = st.lists(st.integers(1, 20_000), min_size=1, max_size=30)
VALUES = st.integers(0, 2**40)


def series(times: list[int], values: list[int], **labels: str) -> samples.Series:
    seconds = tuple((BASE + time) / 1000 for time in times)
    return samples.Pool().series({**TARGET, **labels}, seconds, list(map(str, values)))


def grown(
    of: samples.Series, start: int, end: int, up: Sequence[samples.Series] = ()
) -> tuple[float, list[growth.Growth]]:
    """The growth of a counter in a window, and that of each piece between its restarts."""
    begin = (BASE + start) / 1000
    named = samples.Series({**of.labels, "__name__": "m"}, of.times, of.text, of.values)
    found = lives.Lives(processes.processes(up, [], [[named]], {"m"}), {"m"}, 5.0, begin - 12.5, {"m"})
    ruler = growth.Ruler(begin, (BASE + end) / 1000, found)
    each = [one for piece in found.pieces["m"] if (one := growth.growth(piece, ruler)) is not None]
    return sum(one.value for one in each), each


def reference(times: list[int], values: list[int], start: int, end: int) -> Fraction:
    grown = Fraction(0)
    for (before, low), (after, high) in pairwise(zip(times, values)):
        inside = max(0, min(after, end) - max(before, start))
        grown += Fraction(inside, after - before) * (high - low if high >= low else high)
    return grown


@st.composite
def sampled(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    """Times, values, and a window that lies inside the samples."""
    times = [0]
    for step in draw(STEPS):
        times.append(times[-1] + step)
    if draw(st.booleans()):
        values = draw(st.lists(VALUES, min_size=len(times), max_size=len(times)))
    else:
        values = sorted(draw(st.lists(VALUES, min_size=len(times), max_size=len(times))))
    edges = st.one_of(st.sampled_from(times), st.integers(0, times[-1]))
    start, end = sorted((draw(edges), draw(edges)))
    if start == end:
        start, end = 0, times[-1]
    return times, values, start, end


@settings(max_examples=400, deadline=None)
@given(sampled())
def test_growth_is_that_of_the_reference(one: tuple[list[int], list[int], int, int]) -> None:
    times, values, start, end = one
    value, pieces = grown(series(times, values), start, end)
    expected = reference(times, values, start, end)
    assert pieces
    assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-6)
    if start in times and end in times:
        assert value == expected
    assert sum(one.least for one in pieces) <= value * (1 + 1e-12) + 1e-6
    assert value <= sum(one.most for one in pieces) * (1 + 1e-12) + 1e-6
    inside = [(a, b) for a, b in pairwise(zip(times, values)) if min(b[0], end) > max(a[0], start)]
    assert sum(one.course.begins == "reset" for one in pieces) == sum(after[1] < before[1] for before, after in inside)
    gap = max(one.course.gap for one in pieces)
    assert gap == pytest.approx(max(b[0] - a[0] for a, b in inside) / 1000, abs=1e-6)
    assert sum(one.course.samples for one in pieces) == sum(start < time <= end for time in times)


@settings(max_examples=200, deadline=None)
@given(sampled(), st.data())
def test_windows_side_by_side_add_up(one: tuple[list[int], list[int], int, int], data: st.DataObject) -> None:
    times, values, start, end = one
    if end - start < 2:
        return
    middle = data.draw(st.integers(start + 1, end - 1))
    of = series(times, values)
    parts = [grown(of, *edges)[0] for edges in ((start, middle), (middle, end))]
    assert sum(parts) == pytest.approx(grown(of, start, end)[0], rel=1e-9, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(sampled())
def test_a_series_that_begins_on_a_known_target_begins_at_zero(one: tuple[list[int], list[int], int, int]) -> None:
    """Without its first samples, and with an `up` that goes on: zero at the scrape before the first left."""
    times, values, _start, _end = one
    cut = len(times) // 2
    up = samples.Series(TARGET, series(times, values).times, "", [1.0] * len(times))
    value, pieces = grown(series(times[cut:], values[cut:]), 0, times[-1], [up])
    if cut == 0:
        expected = reference(times, values, 0, times[-1])
    else:
        expected = reference(times[cut - 1 :], [0, *values[cut:]], 0, times[-1])
        assert pieces[0].course.begins == "new"
    assert value == expected


def one_each(found: list[samples.Series]) -> tuple[list[samples.Series], int]:
    """Each process' series once, and how many were left out; what is scraped is told by an `up` of each target."""
    up = [samples.Series(one.labels, one.times, "", [1.0] * len(one.times)) for one in found]
    each = processes.processes(up, [], [found], {""})
    kept = [one for process in each for one in process.series.values()]
    return kept, sum(sum(process.doubles.values()) for process in each)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1000, 20_000), min_size=3, max_size=30),
    st.integers(1, 900),
    st.sampled_from(["instance", "job", "endpoint"]),
)
def test_a_second_scrape_changes_nothing(steps: list[int], later: int, label: str) -> None:
    """The same counter as it stands a little later, by another way, and with fewer samples."""
    times = [sum(steps[:index]) for index in range(len(steps) + 1)]
    count = [time // 100 for time in times]
    first = series(times, count)
    second = series(
        [time + later for time in times[:-1]], [(time + later) // 100 for time in times[:-1]], **{label: "x"}
    )
    assert one_each([second, first]) == ([first], 1)
    other = series(times, count, **{label: "x"}, pod="app-2")
    kept, doubles = one_each([other, first])
    assert (len(kept), doubles) == (2, 0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=12),
    st.integers(1, 99),
    st.lists(st.integers(1, 10**6), min_size=12, max_size=12, unique=True),
)
def test_quantiles_are_those_of_the_reference(counts: list[int], percent: int, bounds: list[int]) -> None:
    """The reference walks along the line of cumulative counts in exact fractions."""
    sides = sorted(bounds)[: len(counts) - 1]
    cumulative = [sum(counts[: index + 1]) for index in range(len(counts))]
    buckets = {float(side): float(count) for side, count in zip(sides, cumulative)}
    found = histograms.quantile(percent / 100, {**buckets, float("inf"): float(cumulative[-1])})
    if cumulative[-1] == 0:
        assert found is None
        return
    rank = percent / 100 * cumulative[-1]
    reached = [index for index, count in enumerate(cumulative) if count >= rank]
    if reached[0] == 0:
        assert (found.value, found.lower, found.upper, found.bound) == (sides[0], 0, sides[0], "below")
    elif reached[0] == len(sides):
        assert (found.value, found.lower, found.upper, found.bound) == (sides[-1], sides[-1], None, "above")
    else:
        low, high = sides[reached[0] - 1], sides[reached[0]]
        share = (Fraction(rank) - cumulative[reached[0] - 1]) / counts[reached[0]]
        assert found.value == pytest.approx(float(low + share * (high - low)), rel=1e-12)
        assert (found.lower, found.upper, found.bound) == (low, high, "")
        assert found.lower <= found.value <= found.upper


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1000), min_size=4, max_size=4), min_size=1, max_size=5), st.integers(1, 99))
def test_pods_are_summed_before_the_quantile(pods: list[list[int]], percent: int) -> None:
    sides = ["0.001", "0.01", "0.1", "+Inf"]
    each = [[sum(counts[: index + 1]) for index in range(4)] for counts in pods]
    course = grown(series([0, 5000], [0, 1]), 0, 5000)[1][0].course
    sums = histograms.summed(
        [
            {
                float(side): growth.Growth(float(count), 0.0, float(count), 0, course)
                for side, count in zip(sides, counts)
            }
            for counts in each
        ]
    )
    together = sums.value
    assert sums.same
    assert together == {float(side): sum(counts[index] for counts in each) for index, side in enumerate(sides)}
    quantile = histograms.quantile(percent / 100, together)
    assert (quantile is None) == (together[float("inf")] == 0)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=3, max_size=6),
    st.integers(1, 99),
    st.data(),
)
def test_a_quantile_lies_in_its_certain_bucket_however_the_steps_at_the_edges_fell(
    steps: list[list[int]], percent: int, data: st.DataObject
) -> None:
    """Of the first and the last step any part of the observations of each bucket may lie in the window."""
    bounds = [0.001, 0.01, 0.1, float("inf")]
    first, *inner, last = steps
    inside = [[data.draw(st.integers(0, count)) for count in edge] for edge in (first, last)]

    def cumulative(of: list[list[int]]) -> dict[float, float]:
        each = [sum(counts[index] for counts in of) for index in range(4)]
        return {bound: float(sum(each[: index + 1])) for index, bound in enumerate(bounds)}

    lower, upper = histograms.certain_bucket(percent / 100, cumulative(inner), cumulative(steps))
    truth = cumulative([*inner, *inside])
    if truth[float("inf")] == 0:
        return
    holds = next(bound for bound in bounds if truth[bound] * 100 >= percent * truth[float("inf")])
    assert lower is not None
    assert lower < holds
    assert holds <= (float("inf") if upper is None else upper)


def test_what_is_no_number_is_left_out_of_a_series() -> None:
    of = samples.Pool().series(dict(TARGET), (1.0, 2.0, 3.0, 4.0), ["1", "NaN", "+Inf", "4"])
    kept, dropped = samples.finite([of, samples.Pool().series({}, (1.0,), ["NaN"])])
    assert [(one.times, one.values) for one in kept] == [((1.0, 4.0), [1.0, 4.0])]
    assert dropped == 3


def test_series_that_are_scraped_together_share_their_times() -> None:
    rows = [{"metric": {"x": x}, "values": [[1.5, "1"], [6.5, x]]} for x in ("2", "3")]
    first, second = samples.parse(rows).series
    assert first.times is second.times
    assert (second.times, second.values, second.text) == ((1.5, 6.5), [1, 3], "1 3")
    with pytest.raises(KeyError):
        samples.parse([{"metric": {}, "value": [1, "1"]}])


def test_rows_are_made_slim_while_they_are_decoded() -> None:
    row = {"metric": {"__name__": "m", "values": "x"}, "values": [[1.5, "3"], [6.5, "3"]]}
    pool = samples.Pool()
    decoded = json_value(json.dumps([row]).encode(), None, pool.slim)
    assert isinstance(decoded[0]["values"], samples.Points)
    assert samples.parse(decoded, pool) == samples.parse([row])
    assert (decoded[0]["metric"], decoded[0]["values"].values) == (row["metric"], [3.0, 3.0])


@pytest.mark.parametrize(
    "values",
    [[[1.5, "1"], [6.5]], [[1.5, "1"], [6.5, "a"]], [[1.5, 1], [6.5, 2]], [], {"a": 1}, [1], [[[], "1"]], "1", None],
)
def test_what_cannot_be_made_slim_is_a_fault_as_ever(values: Any) -> None:
    row = {"metric": {"__name__": "m"}, "values": values}
    pool = samples.Pool()
    decoded = json_value(json.dumps([row]).encode(), None, pool.slim)
    assert decoded == [row]
    found = samples.parse(decoded, pool)
    assert found == samples.parse([row])
    assert list(found.faults) == ["m"]


def test_a_series_outside_the_window_tells_nothing() -> None:
    of = series([0, 5000, 10_000], [0, 1, 2])
    assert grown(of, 15_000, 20_000)[1] == []
    assert grown(of, -20_000, -10_000)[1] == []
    # Of one sample in the window and nothing before it is not known what it counted.
    assert grown(series([5000], [7]), 0, 10_000)[1] == []
