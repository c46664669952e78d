# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of distributions, worked out by hand, in the notation of prometheus_cases.py: mean, shares and quantiles."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import LATE_UP, Case, buckets

PROFILE = """\
schema: temporal_lab.benchmarking/profile/1
title: Distributions
filters: ['job=~"pods|endpoints"', 'kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - id: wait
    title: Wait
    question: '?'
    unit: s
    kind: distribution
    components: [app]
    absent: inconclusive
    quantiles: [0.5, 0.95, 0.999]
    above: [0.1, 0.5, 1.2]
    sources: [{metric: h_bucket}]
    parts: {mean: {key: true}}
"""
MILLISECONDS = PROFILE.replace("{metric: h_bucket}", "{metric: h_milliseconds_bucket, scale: 0.001}")

#: A scrape brings 100 waits: 99 of up to 0.1 s, and one of more than 1.2 s.
ONE_IN_A_HUNDRED = {"0.1": 99, "1.2": 99, "10": 100, "+Inf": 100}
SUM = 'h_sum{pod="app-1"}'
#: A scrape brings nine quick waits; that at 20 s eight slow ones as well, and that at 25 s six.
TEN_SECONDS = {
    **buckets("app-1", {"0.1": 9, "1.2": 9}),
    **buckets("app-1", {"10": 9, "+Inf": 9}, "0+{0}x7 80 95 104+{0}x10"),
}

DISTRIBUTIONS = [
    Case(
        "one wait in a hundred is slow",
        # 1200 waits in the window, of 72 s together.
        {**buckets("app-1", ONE_IN_A_HUNDRED), SUM: "0+6x20"},
        {
            "wait_mean": {
                "value": 0.06,
                "state": "pass",
                "observations": 1200,
                "interval": [0.06, 0.06],
                "promql": 0.06,
            },
            "wait_p50": {"value": 0.1, "bound": "below", "state": "pass"},
            "wait_p95": {"value": 0.1, "bound": "below", "state": "pass"},
            # Rank 1198.8 is 10.8 into the 12 between 1.2 and 10.
            "wait_p999": {
                "value": 9.12,
                "state": "inconclusive",
                "reason": "too few observations: this quantile needs 3,000",
                "interval": [1.2, 10],
                "promql": 9.12,
            },
            "wait_above_100ms": {"value": 0.01, "state": "pass", "interval": [0.01, 0.01], "promql": 0.01},
            "wait_above_1_2s": {"value": 0.01, "state": "pass", "observations": 1200},
            "wait_above_500ms": {
                "value": None,
                "state": "inconclusive",
                "reason": "no bucket ends at 0.5, so the share above it cannot be told; the next are 0.1 and 1.2",
            },
            "wait_largest": {"value": 10, "bound": "below", "state": "pass", "interval": [1.2, 10], "promql": 10},
        },
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [99] * 12), (1.2, 10, [1] * 12)]},
    ),
    Case(
        "one wait in a hundred is slow, between scrapes",
        # Eleven whole steps, and half of one at each edge.
        {**buckets("app-1", ONE_IN_A_HUNDRED), SUM: "0+6x20"},
        {
            "wait_mean": {"value": 0.06, "interval": [66 / 1300, 78 / 1100]},
            "wait_above_100ms": {"value": 0.01, "interval": [11 / (11 + 13 * 99), 13 / (13 + 11 * 99)]},
        },
        window=(2.5, 62.5),
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [99] * 12), (1.2, 10, [1] * 12)]},
    ),
    Case(
        "one wait in a hundred is slow, in milliseconds",
        {
            **{
                f'h_milliseconds_bucket{{pod="app-1",le="{le}"}}': f"0+{step}x20"
                for le, step in {"100.0": 99, "1200": 99, "10000.0": 100, "+Inf": 100}.items()
            },
            'h_milliseconds_sum{pod="app-1"}': "0+6000x20",
        },
        {
            "wait_mean": {"value": 0.06, "state": "pass", "promql": 0.06},
            "wait_above_100ms": {"value": 0.01, "state": "pass", "promql": 0.01},
            "wait_above_1_2s": {"value": 0.01, "state": "pass", "promql": 0.01},
            "wait_largest": {"value": 10, "bound": "below", "promql": 10},
        },
        profile=MILLISECONDS,
        steps={"wait": [(0, 0.1, [99] * 12), (1.2, 10, [1] * 12)]},
    ),
    Case(
        "two pods, one of which waits",
        {
            **buckets("app-1", {"0.1": 100, "1.2": 100, "10": 100, "+Inf": 100}),
            **buckets("app-2", {"0.1": 0, "1.2": 50, "10": 100, "+Inf": 100}),
            SUM: "0+1x20",
            'h_sum{pod="app-2"}': "0+199x20",
        },
        {
            "wait_mean": {"value": 1.0, "observations": 2400},
            "wait_above_100ms": {"value": 0.5},
            "wait_above_1_2s": {"value": 0.25},
            "wait_p50": {"value": 0.1, "bound": "below"},
        },
        {'up{pod="app-2"}': "1x20"},
        profile=PROFILE,
    ),
    Case(
        "without a wait",
        {**buckets("app-1", {"0.1": 0, "1.2": 0, "+Inf": 0}, "7+{}x20"), SUM: "3x20"},
        {
            part: {"value": None, "state": "inconclusive", "reason": "no observations in this window"}
            for part in ("wait_mean", "wait_p50", "wait_above_100ms", "wait_largest")
        },
        profile=PROFILE,
    ),
    Case(
        "a sum that falls, as one with a negative observation does",
        {**buckets("app-1", ONE_IN_A_HUNDRED), SUM: "0+6x10 55+6x9"},
        {
            "wait_mean": {
                "state": "inconclusive",
                "reason": "1 series fell although their process lived on, which a counter never does",
            },
            "wait_above_100ms": {"value": 0.01, "state": "pass"},
        },
        profile=PROFILE,
    ),
    Case(
        "all waits longer than the largest bound",
        {**buckets("app-1", {"0.1": 0, "1.2": 0, "+Inf": 100}), SUM: "0+900x20"},
        {
            "wait_mean": {"value": 9},
            "wait_above_1_2s": {"value": 1},
            "wait_largest": {"value": 1.2, "bound": "above", "interval": [1.2, None]},
        },
        profile=PROFILE,
    ),
    # Step after step. The scrapes are at -20, -15 … 80 s; the eighth after the first is at 20 s.
    Case(
        "ten seconds of slow waits",
        TEN_SECONDS,
        {"wait_above_1_2s": {"value": 14 / 122, "state": "pass"}},
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [9] * 12), (1.2, 10, [0, 0, 0, 8, 6, *[0] * 7])]},
    ),
    Case(
        "ten seconds of slow waits, between scrapes",
        # Each half of the growth from one scrape to the next is in a step of its own.
        TEN_SECONDS,
        {"wait_p50": {"observations": 122}},
        window=(2.5, 62.5),
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [9] * 12), (1.2, 10, [0, 0, 4, 7, 3, *[0] * 7])]},
    ),
    Case(
        "waits of which the first half is not known",
        buckets("app-1", ONE_IN_A_HUNDRED, "_x9 900+{}x11"),
        {"wait_p50": {"state": "inconclusive", "observations": 700}},
        LATE_UP,
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [*[None] * 5, *[99] * 7]), (1.2, 10, [*[None] * 5, *[1] * 7])]},
    ),
    Case(
        "waits of a process that begins anew",
        # What was counted from 35 s on is lost; the new process has counted nothing at 40 s.
        buckets("app-1", ONE_IN_A_HUNDRED, "0+{0}x11 0+{0}x8"),
        {"wait_p50": {"observations": 1100, "resets": 4}},
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [*[99] * 7, 0, *[99] * 4]), (1.2, 10, [*[1] * 7, 0, *[1] * 4])]},
    ),
    Case(
        "waits of processes with different buckets",
        {**buckets("app-1", ONE_IN_A_HUNDRED), **buckets("app-2", {"0.1": 10, "0.5": 20, "10": 30, "+Inf": 40})},
        {"wait_p50": {"observations": 1680}},
        {'up{pod="app-2"}': "1x20"},
        profile=PROFILE,
        steps={"wait": [(0, 0.1, [109] * 12), (0.1, 10, [21] * 12), (10, None, [10] * 12)]},
    ),
]

FAMILIES = {"distribution": DISTRIBUTIONS}
