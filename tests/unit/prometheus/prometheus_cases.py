# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of window arithmetic, worked out by hand.

Series are in promtool's notation: ``0+10x3`` is 0 10 20 30, ``7x3`` is 7 7 7 7, ``_x3`` are three scrapes
without a sample. Scrapes are five seconds apart; the first of a notation is 20 seconds before
the window's start, so number 4 is at its start and number 16 at its end. A series whose name ends in
``@-4`` is scraped four seconds earlier than that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

INTERVAL = 5
#: Seconds of a notation's first scrape, counted from the start of the usual window.
FIRST = -20
#: The usual window: (0, 60], twelve scrapes.
WINDOW = (0.0, 60.0)

PROFILE = """\
schema: temporal_lab.benchmarking/profile/1
title: Cases
filters: ['job=~"pods|endpoints"', 'kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - {id: total, title: T, question: '?', unit: "1", kind: total, components: [app], sources: [{metric: m_total}]}
  - {id: rate, title: T, question: '?', unit: 1/s, kind: rate, components: [app], sources: [{metric: m_total}]}
  - id: errors
    title: T
    question: '?'
    unit: "1"
    kind: total
    components: [app]
    absent: zero
    sources: [{metric: e_total}]
  - id: by_pod
    title: T
    question: '?'
    unit: 1/s
    kind: rate
    by: pod
    components: [app]
    absent: inconclusive
    sources: [{metric: m_total}]
  - id: p95
    title: T
    question: '?'
    unit: s
    kind: quantile
    quantile: 0.95
    components: [app]
    absent: inconclusive
    sources: [{metric: h_bucket}]
  - id: p50
    title: T
    question: '?'
    unit: s
    kind: quantile
    quantile: 0.5
    components: [app]
    absent: inconclusive
    sources: [{metric: h_bucket}]
  - id: ratio
    title: T
    question: '?'
    unit: "1"
    kind: ratio
    components: [app]
    absent: inconclusive
    numerator: {sources: [{metric: a_total}]}
    denominator: {sources: [{metric: b_total}]}
  - id: last
    title: T
    question: '?'
    unit: "1"
    kind: gauge
    take: last
    by: pod
    components: [app]
    sources: [{metric: g}]
  - {id: mean, title: T, question: '?', unit: "1", kind: gauge, take: mean, components: [app], sources: [{metric: g}]}
"""

ALL = "1x20"
#: What is scraped in every case that does not say otherwise: the pod, and another beside it.
UP = {'up{pod="app-1"}': ALL, 'up{pod="other-1"}': ALL}
STEADY = {'m_total{pod="app-1"}': "0+10x20"}


@dataclass(frozen=True)
class Case:
    """One case: its series, and what is expected of its figures (their fields by id).

    steps: of distributions by id, the buckets with an observation: two bounds and the observations of each step.
    """

    name: str
    series: dict[str, str]
    expected: dict[str, dict[str, Any]]
    up: dict[str, str] = field(default_factory=dict)
    window: tuple[float, float] = WINDOW
    profile: str = PROFILE
    steps: dict[str, list[tuple[float | None, float | None, list[float | None]]]] = field(default_factory=dict)

    def all_series(self) -> dict[str, str]:
        """Series and `up`; an empty notation takes one out."""
        return {name: notation for name, notation in {**UP, **self.up, **self.series}.items() if notation}


def expand(notation: str) -> list[float | None]:
    """Values of a notation, None for a scrape without a sample."""
    values: list[float | None] = []
    for part in notation.split():
        if found := re.fullmatch(r"_(?:x(\d+))?", part):
            values += [None] * int(found[1] or 1)
        elif found := re.fullmatch(r"(-?[\d.]+|NaN)(?:([+-][\d.]+)?x(\d+))?", part):
            first, step = float(found[1]), float(found[2] or 0)
            values += [first + step * number for number in range(int(found[3] or 0) + 1)]
        else:
            raise ValueError(f"{part!r} is no part of the notation")
    return values


def openmetrics(namespace: str, series: dict[str, str], base: float) -> str:
    """Samples as OpenMetrics text, with the labels of job and namespace; `job` may be among a series' own."""
    lines = []
    for name, notation in series.items():
        metric, own, off = re.fullmatch(r"(\w+)\{(.*)\}(?:@(.+))?", name).groups()
        labels = f'{own},kubernetes_namespace="{namespace}"' + ("" if 'job="' in own else ',job="pods"')
        for number, value in enumerate(expand(notation)):
            if value is not None:
                lines.append(
                    f"{metric}{{{labels}}} {value!r} {base + FIRST + number * INTERVAL + float(off or 0):.3f}\n"
                )
    return "".join(lines).replace(" nan ", " NaN ")


def buckets(pod: str, grow: dict[str, float], notation: str = "0+{}x20", more: str = "") -> dict[str, str]:
    """A histogram whose buckets grow by those numbers a scrape."""
    return {f'h_bucket{{pod="{pod}",le="{le}"{more}}}': notation.format(step) for le, step in grow.items()}


def total(value: float | None, **more: Any) -> dict[str, dict[str, Any]]:
    return {"total": {"value": value, "state": "pass", **more}}


def steady(name: str, notation: str, value: float, **more: Any) -> Case:
    return Case(name, {'m_total{pod="app-1"}': notation}, total(value, new_series=0, gone_series=0, **more))


SECOND_UP = {'up{pod="app-2"}': ALL}
LATE_UP = {'up{pod="app-1"}': "_x9 1x11", 'up{pod="other-1"}': "_x9 1x11"}

STEADY_CASES = [
    Case(
        "steady",
        STEADY,
        {
            "total": {
                "value": 120,
                "state": "pass",
                "reason": "",
                "interval": [120, 120],
                "coverage": 1,
                "largest_gap": 5,
                "samples": 12,
                "resets": 0,
                "promql": 120,
                "promql_difference": 0,
                "promql_reason": "",
                "notes": [],
            },
            "rate": {"value": 2, "interval": [2, 2]},
            "by_pod": {"by": {"app-1": 2}},
            "errors": {"value": 0, "state": "pass"},
        },
    ),
    steady("nothing happens", "7x20", 0, promql=0, promql_reason=""),
    steady("fractions", "0+0.25x20", 3),
    steady("high numbers", "1000000+3x20", 36),
    steady("all at once", "0x9 100x10", 100),
    steady("just before the window", "0x3 50x16", 0),
    steady("in the first step", "0x4 50x15", 50),
    steady("in the last step", "0x15 50x4", 50),
    steady("just after the window", "0x16 50x3", 0),
    Case(
        "two pods",
        {**STEADY, 'm_total{pod="app-2"}': "5+5x20"},
        {**total(180), "by_pod": {"value": 3, "by": {"app-1": 2, "app-2": 1}}},
        SECOND_UP,
    ),
    # Its first value stands exactly at the window's start: nothing before it is asked for.
    Case("samples from edge to edge", {'m_total{pod="app-1"}': "_x4 40+10x12"}, total(120, new_series=0, samples=12)),
]

RESET_CASES = [
    steady("reset to zero", "0+10x9 0+10x10", 110, resets=1, interval=[110, None]),
    steady("reset, and counting again", "0+10x9 7+10x10", 117, resets=1),
    # Twice five seconds of sixty are lost, perhaps.
    steady(
        "two resets",
        "0+10x7 0+10x3 0+10x8",
        100,
        resets=2,
        state="inconclusive",
        reason="what 1 series counted is not known for up to 10 s of this window",
    ),
    steady("reset before the window", "100x3 0+10x16", 120, resets=0, interval=[120, 120]),
    steady("reset after the window", "0+10x16 0+10x3", 120, resets=0),
    steady("reset in the first step", "0+10x4 0+10x15", 110, resets=1),
    steady("reset in the last step", "0+10x15 3+10x4", 113, resets=1),
    Case(
        "reset in a short window",
        {'m_total{pod="app-1"}': "0+10x5 7+10x14"},
        # A scrape's worth of twenty seconds is too much to leave out.
        total(37, resets=1, state="inconclusive"),
        window=(0, 20),
    ),
    Case(
        "reset of one pod of two",
        {**STEADY, 'm_total{pod="app-2"}': "0+10x9 0+10x10"},
        total(230, resets=1),
        SECOND_UP,
    ),
]

NEW_CASES = [
    Case(
        "a counter that its pod did not have before",
        {'m_total{pod="app-1"}': "_x10 5+10x10"},
        # Nobody saw that it was zero before: it may have been there and not shown.
        {**total(65, new_series=1, unknown_series=0, interval=[60, 65]), "rate": {"value": 65 / 60}},
    ),
    Case(
        "the first event of all",
        {'m_total{pod="app-1"}': "_x10 1x10"},
        # What `increase` makes of it is nothing at all.
        total(1, new_series=1, promql=0, promql_difference=-1),
    ),
    Case("in the last scrape", {'m_total{pod="app-1"}': "_x16 8x4"}, total(8, new_series=1, promql=None)),
    Case(
        "only after the window",
        {'m_total{pod="app-1"}': "_x17 8x3"},
        {"total": {"value": None, "state": "error"}, "by_pod": {"value": None, "state": "inconclusive"}},
    ),
    Case(
        "a new pod",
        {**STEADY, 'm_total{pod="app-2"}': "_x8 30+10x12"},
        {**total(230, new_series=1, unknown_series=0), "by_pod": {"by": {"app-1": 2, "app-2": 110 / 60}}},
        {'up{pod="app-2"}': "_x8 1x12"},
    ),
    Case(
        "a new pod that does not answer at first",
        {**STEADY, 'm_total{pod="app-2"}': "_x9 30+10x11"},
        total(220, new_series=1),
        {'up{pod="app-2"}': "_x8 0 1x11"},
    ),
    Case(
        "a new pod that may have begun before the window",
        {**STEADY, 'm_total{pod="app-2"}': "_x5 30+10x15"},
        # First scraped at second 5. Discovery takes up to five seconds, and the first scrape up to five more: it may
        # have begun at second -5.
        total(260, new_series=1, interval=[230, 260]),
        {'up{pod="app-2"}': "_x5 1x15"},
    ),
    Case(
        "an old pod that did not answer before",
        {**STEADY, 'm_total{pod="app-2"}': "_x9 3000+10x11"},
        {
            "total": {
                "value": 190,
                "state": "inconclusive",
                "reason": "what 1 series counted is not known for up to 25 s of this window",
                "new_series": 0,
                "unknown_series": 1,
                "interval": [190, None],
            },
            # A rate over the time in which it is known; for certain it is only as high as if nothing had happened else.
            "rate": {"value": 4, "state": "inconclusive", "interval": [190 / 60, None]},
        },
        {'up{pod="app-2"}': "0x8 1x11"},
    ),
    Case(
        "an old pod that did not answer one scrape before",
        {**STEADY, 'm_total{pod="app-2"}': "_x5 3000+10x15"},
        total(230, unknown_series=1, new_series=0, interval=[230, None], largest_gap=5),
        {'up{pod="app-2"}': "0x4 1x15"},
    ),
    Case(
        "a Prometheus that began inside the window",
        {'m_total{pod="app-1"}': "_x9 1000+10x11"},
        {
            "total": {"value": 70, "state": "inconclusive", "unknown_series": 1, "coverage": 0.667, "largest_gap": 25},
            "rate": {"value": 2, "state": "inconclusive"},
            "errors": {"value": 0, "state": "pass"},
        },
        LATE_UP,
    ),
    Case(
        "a Prometheus that began inside the window, target after target",
        {'m_total{pod="app-1"}': "_x9 1000+10x11"},
        {"total": {"value": 70, "state": "inconclusive", "unknown_series": 1, "new_series": 0}},
        {'up{pod="app-1"}': "_x9 1x11", 'up{pod="other-1"}': "", 'up{pod="other-1"}@-4': "_x9 1x11"},
    ),
    Case(
        "a Prometheus that began with a process inside the window",
        {'m_total{pod="app-1"}': "_x9 40+10x11", 'process_start_time_seconds{pod="app-1"}': "_x9 {start+20}x11"},
        total(110, new_series=1, unknown_series=0, coverage=0.667),
        LATE_UP,
    ),
    Case(
        "a Prometheus that began after an old process",
        {'m_total{pod="app-1"}': "_x9 40+10x11", 'process_start_time_seconds{pod="app-1"}': "_x9 {start-500}x11"},
        {"total": {"value": 70, "state": "inconclusive", "unknown_series": 1}},
        LATE_UP,
    ),
    Case(
        "a process that began just before the window",
        {'m_total{pod="app-1"}': "_x5 30+10x15", 'process_start_time_seconds{pod="app-1"}': "_x5 {start-5}x15"},
        # Zero at second -5, 30 at second 5: half of that is inside.
        total(125, new_series=1, interval=[110, 140]),
        {'up{pod="app-1"}': "_x5 1x15", 'up{pod="other-1"}': "_x5 1x15"},
    ),
]

GONE_CASES = [
    Case(
        "a pod that is gone",
        {**STEADY, 'm_total{pod="app-2"}': "0+10x8"},
        {**total(160, gone_series=1, unknown_series=0, interval=[160, None]), "rate": {"value": 160 / 60}},
        {'up{pod="app-2"}': "1x8"},
    ),
    Case(
        "a pod that does not answer any more, and then is gone",
        {**STEADY, 'm_total{pod="app-2"}': "0+10x8"},
        total(160, gone_series=1, unknown_series=0),
        {'up{pod="app-2"}': "1x8 0 0"},
    ),
    Case(
        "a series that its pod has no more",
        {'m_total{pod="app-1"}': "0+10x8"},
        total(40, gone_series=1, unknown_series=0),
    ),
    Case(
        "a pod that stops answering",
        {'m_total{pod="app-1"}': "0+10x12"},
        {
            "total": {
                "value": 80,
                "state": "inconclusive",
                "unknown_series": 1,
                "gone_series": 0,
                "coverage": 0.667,
                "largest_gap": 20,
                "reason": "what 1 series counted is not known for up to 20 s of this window",
            },
            "rate": {"value": 2},
        },
        {'up{pod="app-1"}': "1x12 0x7"},
    ),
    Case(
        "a pod that does not answer most scrapes",
        {'m_total{pod="app-1"}': "0+10x8"},
        {
            "total": {"value": 40, "state": "inconclusive", "coverage": 0.333},
            "errors": {"value": None, "state": "inconclusive"},
        },
        {'up{pod="app-1"}': "1x8 0x11"},
    ),
    Case(
        "a pod that was gone before",
        {**STEADY, 'm_total{pod="app-2"}': "0+10x3"},
        total(120, gone_series=0),
        {'up{pod="app-2"}': "1x3"},
    ),
    Case(
        "a pod in the place of another",
        {'m_total{pod="app-1"}': "0+10x9", 'm_total{pod="app-2"}': "_x10 10+10x10"},
        total(120, gone_series=1, new_series=1),
        {'up{pod="app-1"}': "1x9", 'up{pod="app-2"}': "_x10 1x10"},
    ),
    Case(
        "a Prometheus that ends inside the window",
        {'m_total{pod="app-1"}': "0+10x12"},
        {"total": {"value": 80, "state": "inconclusive", "unknown_series": 1}},
        {'up{pod="app-1"}': "1x12", 'up{pod="other-1"}': "1x12"},
    ),
]

GAP = {'up{pod="app-1"}': "1x6 _x4 1x9", 'up{pod="other-1"}': "1x6 _x4 1x9"}
GAP_CASES = [
    Case(
        "a gap in the middle",
        {'m_total{pod="app-1"}': "0+10x6 _x4 110+10x9"},
        {
            **total(120, coverage=0.667, largest_gap=25, samples=8, interval=[120, 120]),
            "rate": {"value": 2, "state": "pass"},
        },
        GAP,
    ),
    Case(
        "a gap in which all of it happens",
        {'m_total{pod="app-1"}': "5x6 _x4 905x9"},
        total(900, coverage=0.667, promql_reason=""),
        GAP,
    ),
    Case(
        "a reset in a gap",
        {'m_total{pod="app-1"}': "0+10x6 _x4 15+10x9"},
        total(20 + 15 + 50, resets=1, largest_gap=25, state="inconclusive"),
        GAP,
    ),
    Case(
        "a reset in a gap, of a process that says when it began",
        {
            'm_total{pod="app-1"}': "0+10x6 _x4 15+10x9",
            'process_start_time_seconds{pod="app-1"}': "{start-500}x6 _x4 {start+12}x9",
        },
        # Scraped at second 10, begun at 12: two seconds of the process before are lost at most.
        total(
            20 + 15 + 50,
            resets=1,
            notes=[
                "A counter began again at zero: what it counted in up to 2 s since its last scrape before that is lost."
            ],
        ),
        GAP,
    ),
    Case(
        "a gap across the start",
        {'m_total{pod="app-1"}': "0+10x3 _x3 70+10x13"},
        total(120, interval=[90, 130], largest_gap=20),
        {'up{pod="app-1"}': "1x3 _x3 1x13"},
    ),
    Case(
        "a gap across the end",
        {'m_total{pod="app-1"}': "0+10x14 _x3 180+10x2"},
        total(120, interval=[100, 140], largest_gap=20),
        {'up{pod="app-1"}': "1x14 _x3 1x2"},
    ),
    Case(
        "a gap that is not like the rest",
        {'m_total{pod="app-1"}': "0+10x14 _x3 140x2"},
        total(100, interval=[100, 100]),
        {'up{pod="app-1"}': "1x14 _x3 1x2"},
    ),
    Case(
        "one scrape that did not come",
        {'m_total{pod="app-1"}': "0+10x9 _ 110+10x9"},
        total(120, coverage=0.917, largest_gap=10, samples=11),
        {'up{pod="app-1"}': "1x9 0 1x9"},
    ),
    Case(
        "three scrapes in all",
        {'m_total{pod="app-1"}': "0+10x6 _x9 160+10x4"},
        {
            "total": {
                "value": 120,
                "state": "inconclusive",
                "coverage": 0.25,
                "reason": "app was scraped 3 times in this window, of 12",
            }
        },
        {'up{pod="app-1"}': "1x6 _x9 1x4"},
    ),
    Case(
        "no scrape at all",
        {},
        {
            "total": {"value": None, "state": "inconclusive", "coverage": 0, "promql": None, "promql_reason": ""},
            "errors": {"value": None, "state": "inconclusive"},
            "p95": {"value": None, "state": "inconclusive"},
            "last": {"value": None, "state": "inconclusive"},
        },
        {'up{pod="app-1"}': ""},
    ),
]

ONE, OTHER = 'pod="app-1",instance="10.0.0.1:9090"', 'pod="app-1",instance="10.0.0.1:9091"'
DOUBLE_CASES = [
    Case(
        "the same address in another job",
        {f"m_total{{{ONE}}}": "0+10x20", f'm_total{{{ONE},job="endpoints"}}': "0+10x20"},
        total(
            120,
            double_series=1,
            promql=240,
            promql_difference=1,
            promql_reason="PromQL counts 1 series twice, from a second scrape of the same process",
        ),
        {f"up{{{ONE}}}": ALL, f'up{{{ONE},job="endpoints"}}': ALL, 'up{pod="app-1"}': ""},
    ),
    Case(
        "another port of the same pod",
        {f"m_total{{{ONE}}}": "0+10x20", f"m_total{{{OTHER}}}": "0+10x20"},
        total(120, double_series=1),
        {f"up{{{ONE}}}": ALL, f"up{{{OTHER}}}": ALL, 'up{pod="app-1"}': ""},
    ),
    Case(
        "three ways to one process, one of them with gaps",
        {
            f"m_total{{{ONE}}}": "0+10x20",
            f"m_total{{{OTHER}}}": "0+10x6 _x4 110+10x9",
            f'm_total{{{ONE},job="endpoints",endpoint="metrics"}}': "0+10x20",
        },
        total(120, double_series=2, samples=12),
        {
            f"up{{{ONE}}}": ALL,
            f"up{{{OTHER}}}": ALL,
            f'up{{{ONE},job="endpoints",endpoint="metrics"}}': ALL,
            'up{pod="app-1"}': "",
        },
    ),
    Case(
        "two processes in one pod",
        {f"m_total{{{ONE}}}": "0+10x20", f"m_total{{{OTHER}}}": "500+20x20"},
        total(360, double_series=0),
        {f"up{{{ONE}}}": ALL, f"up{{{OTHER}}}": ALL, 'up{pod="app-1"}': ""},
    ),
    Case(
        "two pods that count the same",
        {**STEADY, 'm_total{pod="app-2"}': "0+10x20"},
        total(240, double_series=0),
        SECOND_UP,
    ),
    Case(
        "a histogram",
        {
            **buckets("app-1", {"1.0": 5, "2.0": 9, "5.0": 10, "+Inf": 10}, more=',instance="10.0.0.1:9090"'),
            **buckets(
                "app-1",
                {"1.0": 5, "2.0": 9, "5.0": 10, "+Inf": 10},
                more=',instance="10.0.0.1:9090",job="endpoints"',
            ),
        },
        {"p95": {"value": 3.5, "double_series": 4, "observations": 120}},
        {f"up{{{ONE}}}": ALL, f'up{{{ONE},job="endpoints"}}': ALL, 'up{pod="app-1"}': ""},
    ),
    Case(
        "a gauge",
        {f"g{{{ONE}}}": "256x20", f"g{{{OTHER}}}": "256x20"},
        {"last": {"value": 256, "promql": 512, "double_series": 1}, "mean": {"value": 256}},
        {f"up{{{ONE}}}": ALL, f"up{{{OTHER}}}": ALL, 'up{pod="app-1"}': ""},
    ),
]

NO_NUMBER_CASES = [
    Case(
        "one sample that is no number",
        {'m_total{pod="app-1"}': "0+10x9 NaN 110+10x9"},
        total(
            120,
            largest_gap=10,
            resets=0,
            notes=["1 samples of the metric were no finite numbers and were left out."],
        ),
    ),
    Case(
        "no number at all",
        {'m_total{pod="app-1"}': "NaNx20"},
        {"total": {"value": None, "state": "error"}, "by_pod": {"value": None, "state": "inconclusive"}},
    ),
    Case("a gauge that ends as no number", {'g{pod="app-1"}': "3x15 NaNx4"}, {"last": {"value": None}}),
]

GAUGE_CASES = [
    Case(
        "two pods at the end",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}': "257x20"},
        {"last": {"value": 512, "by": {"app-1": 255, "app-2": 257}, "state": "pass"}, "mean": {"value": 512}},
        SECOND_UP,
    ),
    Case(
        "a pod that is gone",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}': "257x8"},
        {"last": {"by": {"app-1": 255}}},
        {'up{pod="app-2"}': "1x8"},
    ),
    Case(
        "a pod that is gone for two scrapes",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}': "257x14"},
        {"last": {"by": {"app-1": 255}, "promql": 512}},
        {'up{pod="app-2"}': "1x14"},
    ),
    Case(
        "a series that its pod has no more (stale)",
        {'g{pod="app-1",x="a"}': "255x20", 'g{pod="app-1",x="b"}': "257x15"},
        {"last": {"by": {"app-1": 255}}},
    ),
    Case(
        "a pod that did not answer the last scrape",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}': "257x15"},
        {"last": {"by": {"app-1": 255}, "notes": ["app-2 did not answer the last scrape: its value is left out."]}},
        {'up{pod="app-2"}': "1x15 0x4"},
    ),
    Case("a gauge that rises", {'g{pod="app-1"}': "3x10 6x9"}, {"mean": {"value": 4.25}, "last": {"value": 6}}),
    Case(
        "a pod that comes",
        {'g{pod="app-1"}': "2x20", 'g{pod="app-2"}': "_x10 4x10"},
        {"mean": {"value": 4}},
        {'up{pod="app-2"}': "_x10 1x10"},
    ),
    Case(
        "a gap of a gauge",
        {'g{pod="app-1"}': "3x6 _x4 3x9"},
        # Held for 15 of 25 seconds; the rest is not known and does not count.
        {"mean": {"value": 3, "state": "pass"}},
        GAP,
    ),
]

EDGE_CASES = [
    Case(
        "a short window whose last scrape is late",
        {'m_total{pod="app-1"}': "0+10x7"},
        # Second 15 of 20: the rest is not known, and a rate is over what is.
        {
            **total(30, samples=3, unknown_series=1, coverage=1, interval=[30, None]),
            "rate": {"value": 2, "state": "pass"},
        },
        {'up{pod="app-1"}': "1x7", 'up{pod="other-1"}': "1x7", 'up{pod="app-0"}': "1x8"},
        window=(0, 20),
    ),
    Case("four scrapes", STEADY, total(40, samples=4, coverage=1), window=(0, 20)),
    Case("four scrapes off the edges", STEADY, total(40, interval=[30, 50], coverage=1), window=(2, 22)),
    Case("off the edges", STEADY, {**total(120, interval=[110, 130]), "rate": {"value": 2}}, window=(1.5, 61.5)),
    Case(
        "scrapes between full seconds",
        {'m_total{pod="app-1"}@0.123': "0x4 100x15"},
        # From second 0.123 to 5.123 come 100.
        total(72.46, interval=[0, 100], samples=12, largest_gap=5),
        {'up{pod="app-1"}': "", 'up{pod="app-1"}@0.123': ALL},
        window=(1.5, 61.5),
    ),
    Case(
        "a step across the start",
        {'m_total{pod="app-1"}': "0x4 100x15"},
        # Between seconds 0 and 5 come 100; the window begins at second 2.
        total(60, interval=[0, 100]),
        window=(2, 62),
    ),
    Case(
        "a step across the end",
        {'m_total{pod="app-1"}': "0x16 100x3"},
        total(40, interval=[0, 100]),
        window=(2, 62),
    ),
    Case("a reset across the start", {'m_total{pod="app-1"}': "90x4 20x15"}, total(12, resets=1), window=(2, 62)),
    Case(
        "to the millisecond",
        {'m_total{pod="app-1"}': "0+1000x20"},
        total(12000.2, interval=[12000, 13000]),
        window=(-0.001, 60),
    ),
]

HALF = {"1.0": 5, "2.0": 9, "5.0": 10, "+Inf": 10}
HISTOGRAM_CASES = [
    Case(
        "inside a bucket",
        buckets("app-1", HALF),
        {
            "p95": {"value": 3.5, "interval": [2, 5], "observations": 120, "state": "pass", "promql": 3.5},
            "p50": {"value": 1, "interval": [0, 1], "bound": "below"},
        },
    ),
    Case(
        "in the bucket to +Inf",
        buckets("app-1", {"1.0": 0, "2.0": 5, "+Inf": 10}),
        {"p95": {"value": 2, "interval": [2, None], "bound": "above", "state": "pass", "promql": 2}},
    ),
    Case(
        "in the smallest bucket",
        buckets("app-1", {"1.0": 10, "2.0": 10, "+Inf": 10}),
        {
            "p95": {"value": 1, "interval": [0, 1], "bound": "below", "promql": 0.95},
            "p50": {
                "value": 1,
                "promql": 0.5,
                "promql_difference": -0.5,
                "promql_reason": (
                    "PromQL interpolates inside the smallest bucket, as if its observations were spread evenly "
                    "from zero"
                ),
            },
        },
    ),
    Case(
        "no observations",
        buckets("app-1", {"1.0": 0, "+Inf": 0}, "7+{}x20"),
        {"p95": {"value": None, "state": "inconclusive", "reason": "no observations in this window"}},
    ),
    Case(
        "no bucket to +Inf",
        buckets("app-1", {"1.0": 5, "2.0": 9}),
        {"p95": {"value": None, "state": "inconclusive", "promql": None}},
    ),
    Case(
        "pods are summed first",
        {**buckets("app-1", {"1.0": 10, "2.0": 10, "+Inf": 10}), **buckets("app-2", {"1.0": 0, "2.0": 10, "+Inf": 10})},
        {"p95": {"value": 1.9, "interval": [1, 2], "observations": 240}},
        SECOND_UP,
    ),
    Case(
        "pods with different buckets",
        {**buckets("app-1", {"1.0": 0, "2.0": 10, "+Inf": 10}), **buckets("app-2", {"1.0": 0, "5.0": 10, "+Inf": 10})},
        {"p95": {"value": 1, "interval": [1, None], "bound": "above", "observations": 240}},
        SECOND_UP,
    ),
    Case(
        "a bound written in two ways",
        {**buckets("app-1", {"1.0": 5, "2.0": 10, "+Inf": 10}), **buckets("app-2", {"1": 5, "2": 10, "+Inf": 10})},
        {"p95": {"value": 1.9, "interval": [1, 2], "observations": 240}},
        SECOND_UP,
    ),
    Case(
        "a new pod",
        buckets("app-2", HALF, "_x8 {0}0+{0}x12"),
        # What it has at first counts: ten times a step, and eight steps more.
        {"p95": {"value": 3.5, "observations": 180, "new_series": 4}},
        {'up{pod="app-2"}': "_x8 1x12"},
    ),
    Case(
        "a reset",
        buckets("app-1", HALF, "100+{0}x9 {0}+{0}x10"),
        {"p95": {"value": 3.5, "observations": 120, "resets": 4}},
    ),
    Case(
        "off the edges",
        buckets("app-1", HALF),
        {"p95": {"value": 3.5, "observations": 120}},
        window=(3, 63),
    ),
]

OTHER_CASES = [
    Case(
        "absent",
        {'other_total{pod="app-1"}': "0x20"},
        {
            "total": {"value": None, "state": "error", "reason": "Prometheus has no metric m_total here"},
            "by_pod": {"value": None, "state": "inconclusive"},
            # No other metric of the profile is there either: what is not there may have another name.
            "errors": {"value": None, "state": "error"},
        },
    ),
    Case(
        "absent beside another metric of the same process",
        STEADY,
        {"errors": {"value": 0, "state": "pass", "promql": None, "promql_reason": ""}},
    ),
    Case("ratio", {'a_total{pod="app-1"}': "0+10x20", 'b_total{pod="app-1"}': "0+4x20"}, {"ratio": {"value": 2.5}}),
    Case(
        "ratio of counters that began in the window",
        {'a_total{pod="app-1"}': "_x10 20+10x10", 'b_total{pod="app-1"}': "_x10 10+5x10"},
        {"ratio": {"value": 2, "state": "pass", "new_series": 2}},
    ),
    Case(
        "ratio without either",
        {'a_total{pod="app-1"}': "9x20", 'b_total{pod="app-1"}': "9x20"},
        {"ratio": {"value": None, "state": "inconclusive", "reason": "no observations in this window"}},
    ),
    Case(
        "ratio to zero",
        {'a_total{pod="app-1"}': "0+1x20", 'b_total{pod="app-1"}': "9x20"},
        {
            "ratio": {
                "value": None,
                "state": "inconclusive",
                "reason": "there was nothing to divide by in this window",
            }
        },
    ),
    Case(
        "ratio of zero",
        {'a_total{pod="app-1"}': "9x20", 'b_total{pod="app-1"}': "0+1x20"},
        {"ratio": {"value": 0, "state": "pass"}},
    ),
    Case(
        "ratio without a numerator",
        {'b_total{pod="app-1"}': "0+1x20"},
        {"ratio": {"value": None, "state": "inconclusive", "reason": "Prometheus has no metric a_total here"}},
    ),
]

FAMILIES = {
    "steady": STEADY_CASES,
    "reset": RESET_CASES,
    "new": NEW_CASES,
    "gone": GONE_CASES,
    "gap": GAP_CASES,
    "double": DOUBLE_CASES,
    "no number": NO_NUMBER_CASES,
    "gauge": GAUGE_CASES,
    "edge": EDGE_CASES,
    "histogram": HISTOGRAM_CASES,
    "other": OTHER_CASES,
}
