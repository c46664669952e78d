# SPDX-License-Identifier: GPL-3.0-or-later
"""The PromQL of each kind of figure, and the arithmetic beside it."""

from __future__ import annotations

import math

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    coverage,
    figure_state,
    matchers,
    profile,
    progress,
    query,
    question,
    reading,
    server,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import (
    Figure,
    Selection,
    Source,
)

FILTERS = ('job="pods"', 'kubernetes_namespace="s1"')
F = 'job="pods",kubernetes_namespace="s1"'


NOTHING = query.FoundMetrics()


def there(*names: str, **smallest: float) -> query.FoundMetrics:
    return query.FoundMetrics(frozenset(names), smallest)


def figure(kind: str, metric: str = "m", **more) -> Figure:
    selection = more.pop("selection", Selection((Source(metric),), ('op="x"',)))
    return Figure("f", "F", "?", more.pop("unit", "1"), kind, ("history",), selection, **more)


@pytest.mark.parametrize(
    ("of", "instant", "plot"),
    [
        (
            figure("rate"),
            f'sum(increase(m{{op="x",{F}}}[120s])) / 120',
            f'sum(rate(m{{op="x",{F}}}[20s]))',
        ),
        (
            figure("rate", by="pod"),
            f'sum by (pod) (increase(m{{op="x",{F}}}[120s])) / 120',
            f'sum by (pod) (rate(m{{op="x",{F}}}[20s]))',
        ),
        (figure("total"), f'sum(increase(m{{op="x",{F}}}[120s]))', f'sum(rate(m{{op="x",{F}}}[20s]))'),
        (
            figure("quantile", "m_bucket", quantile=0.95),
            f'histogram_quantile(0.95, sum by (le) (increase(m_bucket{{op="x",{F}}}[120s])))',
            f'histogram_quantile(0.95, sum by (le) (rate(m_bucket{{op="x",{F}}}[20s])))',
        ),
        (
            figure("gauge", take="last", by="pod"),
            f'sum by (pod) (m{{op="x",{F}}} and last_over_time(m{{op="x",{F}}}[15s]))',
            f'sum by (pod) (m{{op="x",{F}}} and last_over_time(m{{op="x",{F}}}[15s]))',
        ),
        (
            figure("gauge", take="mean"),
            f'avg_over_time(sum(m{{op="x",{F}}})[120s:5s])',
            f'sum(m{{op="x",{F}}} and last_over_time(m{{op="x",{F}}}[15s]))',
        ),
        (
            figure("ratio", denominator=Selection((Source("n"),))),
            f'sum(increase(m{{op="x",{F}}}[120s])) / sum(increase(n{{{F}}}[120s]))',
            f'sum(rate(m{{op="x",{F}}}[20s])) / sum(rate(n{{{F}}}[20s]))',
        ),
    ],
    ids=["rate", "rate by", "total", "quantile", "gauge last", "gauge mean", "ratio"],
)
def test_queries(of: Figure, instant: str, plot: str) -> None:
    assert query.instant(of, NOTHING, FILTERS, 120, 5) == instant
    assert query.plot(of, NOTHING, FILTERS, 5) == plot


def test_the_first_source_that_is_there_is_taken_with_its_scale() -> None:
    sources = Selection((Source("a_bucket"), Source("a_milliseconds_bucket", "opentelemetry", 0.001)))
    of = figure("quantile", quantile=0.5, unit="s", selection=sources)
    increase = "histogram_quantile(0.5, sum by (le) (increase({}{{" + F + "}}[60s])))"
    assert query.instant(of, there("a_bucket"), FILTERS, 60, 5) == increase.format("a_bucket")
    assert query.instant(of, there("a_milliseconds_bucket"), FILTERS, 60, 5) == (
        increase.format("a_milliseconds_bucket") + " * 0.001"
    )
    both = there("a_bucket", "a_milliseconds_bucket")
    assert query.instant(of, both, FILTERS, 60, 5) == increase.format("a_bucket")
    assert query.instant(of, NOTHING, FILTERS, 60, 5) == increase.format("a_bucket")


@pytest.mark.parametrize(
    ("smallest", "scale", "fits"),
    [
        # Temporal's own bounds, and others that somebody may have chosen.
        (0.001, 1, True),
        (0.05, 1, True),
        (1, 0.001, True),
        (5, 0.001, True),
        # Microseconds are neither.
        (1000, 1, False),
        (1e-6, 1, False),
    ],
)
def test_the_smallest_bucket_tells_seconds_from_milliseconds(smallest: float, scale: float, fits: bool) -> None:
    seconds, milliseconds = Source("m_bucket", smallest_bucket=0.001), Source("m_bucket", None, 0.001, "", 1)
    selection = Selection((seconds, milliseconds))
    found = there("m_bucket", m_bucket=smallest)
    assert query.choose(selection, found).scale == scale
    assert any(found.fits(source) for source in selection.sources) is fits
    # What has no such bound in the profile is taken as it is, and so is what Prometheus tells nothing of.
    assert found.fits(Source("m_bucket"))
    assert there("m_bucket").fits(seconds)


def test_durations_are_exact_to_the_millisecond() -> None:
    assert [query.duration(length) for length in (120, 120.5, 0.25, 3600)] == ["120s", "120500ms", "250ms", "3600s"]
    assert query.instant(figure("rate"), NOTHING, (), 90.123, 5) == 'sum(increase(m{op="x"}[90123ms])) / 90.123'


def test_the_course_of_a_total_is_per_second() -> None:
    assert query.plot_unit(figure("total")) == "1/s"
    assert query.plot_unit(figure("total", unit="B")) == "B/s"
    assert query.plot_unit(figure("rate", unit="1/s")) == "1/s"


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        ('job="pods"', True),
        ('job!="pods"', False),
        ('job=~"po"', False),
        ('job=~"po.*|x"', True),
        ('job!~"po.*"', False),
        ('other=""', True),
        ('other!=""', False),
        ('quote="a\\"b"', True),
    ],
)
def test_matchers_decide_as_prometheus_does(matcher: str, fits: bool) -> None:
    assert matchers.matches([matcher], {"job": "pods", "quote": 'a"b'}) is fits
    fit = matchers.matching([matcher])
    # The second time it is decided by what was found the first time.
    for _time in range(2):
        assert fit({"job": "pods", "quote": 'a"b', "more": "x"}) is fits


def test_what_was_decided_of_some_values_is_not_that_of_others() -> None:
    fit = matchers.matching(['job="pods"', 'pod=~"a|b"'])
    found = [fit({"job": job, "pod": pod}) for job in ("pods", "nodes") for pod in ("a", "b", "c", "a")]
    assert found == [True, True, False, True, False, False, False, False]
    assert not fit({"pod": "a"})


# -- coverage -------------------------------------------------------------------


def up(pod: str, *times: float, failed: tuple[float, ...] = ()):
    return {"pod": pod}, sorted([(time, 1.0) for time in times] + [(time, 0.0) for time in failed])


def test_scrape_rounds_join_the_pods_of_one_interval() -> None:
    assert coverage.scrape_rounds([], 5) == 0
    assert coverage.scrape_rounds([0, 5, 10, 15], 5) == 4
    assert coverage.scrape_rounds([0, 5, 10, 15, 3, 8, 13, 18], 5) == 4
    assert coverage.scrape_rounds([0.02, 4.98, 10.01], 5) == 3


def test_coverage_counts_a_component_whose_pods_take_turns() -> None:
    found = coverage.coverage(
        [
            up("my-temporal-history-a", *range(0, 30, 5), failed=(30, 35)),
            up("my-temporal-history-b", *range(32, 60, 5)),
            up("my-temporal-frontend-c", 0),
        ],
        "my-temporal-history-.+",
        60,
        5,
    )
    assert found == coverage.Coverage(scrapes=12, expected=12)
    assert found.share == 1


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ([up("h-1", *range(0, 60, 5))], ""),
        ([up("h-1", *range(0, 30, 5))], ""),
        ([up("h-1", *range(0, 25, 5))], "history was scraped 5 times in this window, of 12"),
        ([up("f-1", *range(0, 60, 5))], "history was scraped 0 times in this window, of 12"),
        ([], "history was scraped 0 times in this window, of 12"),
        (
            [up("h-1", *range(0, 60, 5)), up("h-2", failed=tuple(range(0, 40, 5)))],
            "the pod h-2 did not answer 8 of 12 scrapes in this window",
        ),
        ([up("h-1", *range(0, 60, 5)), up("h-2", 50, 55, failed=(40, 45))], ""),
    ],
    ids=["whole", "half", "less than half", "another component", "nothing", "a silent pod", "a new pod"],
)
def test_shortfall(pods, reason: str) -> None:
    covered = {"history": coverage.coverage(pods, "h-.", 60, 5)}
    assert coverage.shortfall(covered) == reason


def test_four_scrapes_are_the_least() -> None:
    covered = {"history": coverage.coverage([up("h", 0, 5, 10)], "h", 20, 5)}
    assert coverage.shortfall(covered) == "history was scraped 3 times in this window, of 4"


# -- verdicts -------------------------------------------------------------------

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("of", "rows", "short", "missing", "verdict"),
    [
        (figure("rate"), [({}, 3.5)], "", "", (3.5, None, "pass", "")),
        (figure("rate"), [({}, 3.5)], "few", "", (3.5, None, "inconclusive", "few")),
        (figure("rate", absent="zero"), [], "", "m", (0.0, None, "pass", "")),
        (figure("rate", absent="zero"), [], "few", "m", (None, None, "inconclusive", "few")),
        (figure("rate"), [], "", "m", (None, None, "error", "Prometheus has no metric m here")),
        (figure("rate"), [], "few", "m", (None, None, "inconclusive", "few")),
        (
            figure("rate", absent="inconclusive"),
            [],
            "",
            "m",
            (None, None, "inconclusive", "Prometheus has no metric m here"),
        ),
        (
            figure("rate"),
            [],
            "",
            "",
            (None, None, "error", "no series with these labels has samples enough in this window"),
        ),
        (
            figure("quantile", quantile=0.9),
            [({}, NAN)],
            "",
            "",
            (None, None, "inconclusive", "no observations in this window"),
        ),
        (
            figure("ratio"),
            [({}, INF)],
            "",
            "",
            (None, None, "inconclusive", "there was nothing to divide by in this window"),
        ),
        (figure("ratio"), [({}, -INF)], "few", "", (None, None, "inconclusive", "few")),
        (
            figure("gauge", by="pod"),
            [({"pod": "a"}, 255.0), ({"pod": "b"}, 257.0)],
            "",
            "",
            (512.0, {"a": 255.0, "b": 257.0}, "pass", ""),
        ),
        (figure("gauge", by="pod", absent="zero"), [], "", "", (0.0, {}, "pass", "")),
    ],
)
def test_no_data_never_passes_unless_the_profile_says_zero(of, rows, short, missing, verdict) -> None:
    assert figure_state.judge(of, rows, short, missing, str) == verdict


@pytest.mark.parametrize(
    ("direction", "value", "state", "reason"),
    [
        ("lower", 1, "pass", ""),
        ("lower", 3, "warn", "above the threshold of 2 s"),
        ("lower", 5, "fail", "above the threshold of 4 s"),
        ("higher", 5, "pass", ""),
        ("higher", 3, "warn", "below the threshold of 4 s"),
        ("higher", 1, "fail", "below the threshold of 2 s"),
    ],
)
def test_thresholds(direction: str, value: float, state: str, reason: str) -> None:
    limits = {"warn": 2, "fail": 4} if direction == "lower" else {"warn": 4, "fail": 2}
    of = figure("rate", unit="s", direction=direction, thresholds=limits)
    assert figure_state.judge(of, [({}, value)], "", "", str) == (value, None, state, reason)
    assert figure_state.judge(of, [({}, value)], "few", "", str)[2:] == ("inconclusive", "few")


# -- what is said ---------------------------------------------------------------


def test_the_line_of_progress() -> None:
    first = reading.Window("first", "first two minutes", 1000.0, 120)
    after = reading.Window("after", "after", 1120.0, 120)
    line = progress.progress_line
    assert line([first, after], 1035.0, "successes 3/s") == "first two minutes: 1:25 left · successes 3/s"
    assert line([first, after], 1120.5, "") == "after: 2:00 left"
    assert line([first], 990.0, "") == "first two minutes: begins in 10 s"
    assert line([first, after], 1241.0, "") == "after: over, waiting for its last scrape"


def test_the_clocks_are_compared_by_the_quickest_answer() -> None:
    moments = iter([0.0, 4.0, 10.0, 10.2, 20.0, 23.0])

    class Ticking(server.Clock):
        def now(self) -> float:
            return next(moments)

    class Other:
        """A Prometheus of the same time, whose answers are late by as much as this machine is busy."""

        answers = iter([3.9, 10.1, 20.1])

        def now(self) -> float:
            return next(self.answers)

    assert server.clock_skew(Other(), Ticking()) == pytest.approx(0)


def test_windows_that_cannot_be_read_are_refused() -> None:
    entry = {"name": "a", "title": None, "start": 1000.0, "duration": 19.0}
    windows = question.read_windows([entry])
    assert windows == [reading.Window("a", "a", 1000.0, 19.0)]
    with pytest.raises(LabError, match=r"'a' of 19 s is too short for a scrape every 5 s: make it at least 20 s"):
        question.long_enough(windows, 5)
    question.long_enough(windows, 4.75)
    with pytest.raises(LabError, match="Two windows are named 'a'"):
        question.read_windows([entry, entry])
    with pytest.raises(LabError, match="a duration of 0 s: it must be above zero"):
        question.read_windows([{**entry, "duration": 0.0}])
    with pytest.raises(LabError, match="There is no window"):
        question.read_windows([])
    with pytest.raises(LabError, match=r"The window 'a' is the first and has no `start`: give it one"):
        question.read_windows([{**entry, "start": None}])


def test_a_window_without_a_start_begins_where_the_one_before_it_ends() -> None:
    entry = {"name": "first", "title": None, "start": 1000.1234, "duration": 20.5}
    after = {"name": "after", "title": None, "start": None, "duration": 30.0}
    windows = question.read_windows([entry, after, {**after, "name": "last"}])
    assert [(window.start, window.end) for window in windows] == [
        (1000.123, 1020.623),
        (1020.623, 1050.623),
        (1050.623, 1080.623),
    ]


# -- against an earlier window ----------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "before", "value", "bound", "state"),
    [
        ("lower", 0.010, 0.012, "", "pass"),
        ("lower", 0.010, 0.020, "", "warn"),
        ("lower", 0.010, 0.040, "", "fail"),
        ("higher", 0.010, 0.0095, "", "pass"),
        ("higher", 0.010, 0.004, "", "fail"),
        # The earlier one was 1 ms or less, so the true ratio is this one or more.
        ("lower", 0.001, 0.0012, "", "inconclusive"),
        ("lower", 0.001, 0.040, "", "fail"),
        ("higher", 0.001, 0.0012, "", "pass"),
        ("higher", 0.001, 0.0004, "", "inconclusive"),
        # Now it is 1 ms or less: the true ratio is this one or less.
        ("lower", 0.010, 0.001, "below", "pass"),
        ("higher", 0.010, 0.001, "below", "fail"),
        ("lower", 0.0002, 0.001, "below", "inconclusive"),
        ("higher", 0.0011, 0.001, "below", "inconclusive"),
        # Both are.
        ("lower", 0.001, 0.001, "below", "inconclusive"),
        # Now it is beyond the last bucket.
        ("lower", 10, 20, "above", "warn"),
        ("lower", 19, 20, "above", "inconclusive"),
        ("higher", 19, 20, "above", "pass"),
    ],
)
def test_a_bound_is_compared_as_a_bound(direction: str, before: float, value: float, bound: str, state: str) -> None:
    limits = {"warn": 1.5, "fail": 3} if direction == "lower" else {"warn": 0.9, "fail": 0.5}
    of = figure("quantile", "m_bucket", quantile=0.95, direction=direction)
    least = 0.001 if before == 0.001 else 0.0001
    found, reason, compared = figure_state.compare(
        of, profile.Relative("idle", limits), value, "now", {"idle": {"f": before}}, bound, least
    )
    assert found == state
    assert (reason == "") == (state == "pass")
    assert compared == {"window": "idle", "value": before, "ratio": value / before}


@pytest.mark.parametrize(
    ("smallest", "largest", "scale"),
    [
        # Temporal's own bounds and the chart's, in seconds and in milliseconds under one name.
        (0.001, 1000, 1.0),
        (0.00002, 100, 1.0),
        (1, 1_000_000, 0.001),
        (0.02, 100_000, 0.001),
    ],
)
def test_milliseconds_are_told_from_seconds_under_one_name(smallest: float, largest: float, scale: float) -> None:
    seconds = profile.Source("timer_bucket", "tally", smallest_bucket=0.001)
    milliseconds = profile.Source("timer_bucket", "opentelemetry", 0.001, smallest_bucket=1.0)
    found = query.FoundMetrics(frozenset({"timer_bucket"}), {"timer_bucket": smallest}, {"timer_bucket": largest})
    chosen = query.choose(profile.Selection((seconds, milliseconds)), found)
    assert found.fits(chosen)
    assert chosen.scale == scale
