# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of what is taken as evidence, worked out by hand, in the notation of prometheus_cases.py.

Each family is an assumption that measuring rests on (docs/measurement.md, "What is assumed"), with cases in which the
evidence is there and cases in which it is not. Sources are public reports of the same thing seen elsewhere.
"""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    ALL,
    PROFILE,
    SECOND_UP,
    Case,
    buckets,
    total,
)

ONE = 'pod="app-1",instance="10.0.0.1:9090"'
TWO = 'pod="app-1",instance="10.0.0.2:9090"'
ONE_UP = {f"up{{{ONE}}}": ALL, 'up{pod="app-1"}': ""}
JOBS_UP = {**ONE_UP, f'up{{{ONE},job="endpoints"}}': ALL}
START = 'process_start_time_seconds{pod="app-1"}'

#: Three services of one process: 12 scrapes of 10 + 100 + 1.
SERVICES = {"api": 10, "web": 100, "admin": 1}


def services(target: str, off: str = "") -> dict[str, str]:
    return {f'm_total{{{target},service="{name}"}}{off}': f"0+{step}x20" for name, step in SERVICES.items()}


# fluxcd/flagger#974, 3scale/APIcast#1024
OWN_LABELS = [
    Case("three services of one process", services(ONE), total(1332, double_series=0), ONE_UP),
    Case(
        "three services of one process that two jobs scrape",
        {**services(ONE), **services(f'{ONE},job="endpoints"')},
        total(1332, double_series=3, promql=2664),
        JOBS_UP,
    ),
    Case(
        "a histogram by service",
        {
            **buckets("app-1", {"0.1": 100, "1.2": 100, "+Inf": 100}, more=',service="api"'),
            **buckets("app-1", {"0.1": 0, "1.2": 10, "+Inf": 100}, more=',service="web"'),
        },
        # 1200, 1320 and 2400 observations: rank 2280 is above 1.2 s.
        {"p95": {"value": 1.2, "bound": "above", "interval": [1.2, None], "observations": 2400, "double_series": 0}},
    ),
]

LABELLED = f'{ONE},app_kubernetes_io_name="app",pod_template_hash="abc"'
OF_SERVICE = f'{ONE},job="endpoints",service="app-headless",app_kubernetes_io_headless="true"'


def replica(number: int) -> str:
    return f'{ONE},prometheus_replica="p-{number}"'


# prometheus-community/helm-charts#2181, opstrace/opstrace#1468
OTHER_LABELS = [
    Case(
        "two jobs with labels of pod and Service",
        {f"m_total{{{LABELLED}}}": "0+10x20", f"m_total{{{OF_SERVICE}}}@1": "2+10x20"},
        total(120, double_series=1),
        {'up{pod="app-1"}': "", f"up{{{LABELLED}}}": ALL, f"up{{{OF_SERVICE}}}@1": ALL},
    ),
    Case(
        "a pair of Prometheus",
        {f"m_total{{{replica(0)}}}": "0+10x20", f"m_total{{{replica(1)}}}@2": "4+10x20"},
        total(120, double_series=1),
        {'up{pod="app-1"}': "", f"up{{{replica(0)}}}": ALL, f"up{{{replica(1)}}}@2": ALL},
    ),
    Case(
        "two addresses of one pod that count the same but not at once",
        # Samples of the one do not lie between those of the other: 12 × 10 + 12 × 10.
        {f"m_total{{{ONE}}}": "0+10x20", f"m_total{{{TWO}}}": "700+10x20"},
        total(240, double_series=0),
        {**ONE_UP, f"up{{{TWO}}}": ALL},
    ),
]

# temporalio/temporal#1248 and #2775
BOUNDS = [
    Case(
        "a process is restarted with other bounds",
        {
            'h_bucket{pod="app-1",le="0.005"}': "0+50x10",
            'h_bucket{pod="app-1",le="0.004"}': "_x11 50+50x9",
            'h_bucket{pod="app-1",le="1"}': "0+50x10 50+50x9",
            'h_bucket{pod="app-1",le="+Inf"}': "0+50x10 50+50x9",
        },
        # Only the bounds 1 and +Inf are in both: all that is known is that the quantile is at most 1.
        {"p95": {"value": 1, "bound": "below", "interval": [0, 1]}},
    ),
    Case(
        "a process is restarted with the same bounds",
        {
            'h_bucket{pod="app-1",le="0.005"}': "0+40x10 40+40x9",
            'h_bucket{pod="app-1",le="1"}': "0+50x10 50+50x9",
            'h_bucket{pod="app-1",le="+Inf"}': "0+50x10 50+50x9",
        },
        # 12 × 40 and 12 × 50: rank 570 is (570 - 480) / 120 of the way from 0.005 to 1.
        {"p95": {"value": 0.005 + 0.995 * 0.75, "interval": [0.005, 1], "observations": 600, "resets": 3}},
    ),
]

# open-telemetry/opentelemetry-collector-contrib#5134, prometheus/prometheus#12967
BEGINNINGS = [
    Case(
        "a counter that rested comes back with its total",
        {'m_total{pod="app-1"}': "_x10 5000+1x10"},
        # Second 30 to 60: 6. What was counted before is half of the window, and unknown.
        total(6, state="inconclusive", unknown_series=1, new_series=0),
    ),
    Case(
        "a label more in the middle",
        {'m_total{pod="app-1"}': "1000000+10x9", 'm_total{pod="app-1",cluster="x"}': "_x10 1000100+10x10"},
        total(120, new_series=0, gone_series=0),
    ),
    Case(
        "another value of a label in the middle",
        {'m_total{pod="app-1",node="a"}': "1000000+10x9", 'm_total{pod="app-1",node="b"}': "_x10 1000100+10x10"},
        # Whether it is the same one cannot be told: 50 until second 25, 60 from second 30 on.
        total(110, state="inconclusive", unknown_series=1, gone_series=1),
    ),
]

# prometheus/prometheus#1673, prometheus/node_exporter#1372, prometheus/prometheus#6669
RESTARTS = [
    Case(
        "a restart that no value shows",
        {'m_total{pod="app-1"}': "0+10x9 200+10x10", START: "{start-1000}x9 {start+26}x10"},
        # 50 until second 25, 200 until second 30, 60 from there. What came after second 25 is lost.
        total(310, resets=1, interval=[310, None]),
    ),
    Case(
        "shards that are taken anew",
        {
            'e_total{pod="app-1"}': "512x20",
            'm_total{pod="app-1"}': "1000+50x9 200+50x10",
            START: "{start-1000}x9 {start+26}x10",
        },
        {"errors": {"value": 512, "state": "pass", "resets": 1, "interval": [512, None]}},
    ),
    Case(
        "shards that are taken anew, and no start time",
        {'e_total{pod="app-1"}': "512x20", 'm_total{pod="app-1"}': "1000+50x9 200+50x10"},
        # The other counter of the process fell: the restart is the process'.
        {"errors": {"value": 512, "state": "pass", "resets": 1}},
    ),
    Case(
        "a counter that dips without a restart",
        {'m_total{pod="app-1"}': "5482.81x9 5482.80x10", START: "{start-5000}x20"},
        total(0, state="inconclusive", resets=0),
    ),
    Case(
        "a counter that dips, and nothing says whether its process restarted",
        {
            'm_total{pod="app-1"}': "5482.81x9 5482.80x10",
            'a_total{pod="app-1"}': "0+1x20",
            'b_total{pod="app-1"}': "0+1x20",
        },
        # Two of three counters grew.
        {"total": {"value": 0, "state": "inconclusive", "resets": 0}, "ratio": {"value": 1, "state": "pass"}},
    ),
    Case(
        "one negative observation",
        {'a_total{pod="app-1"}': "100+10x9 185+10x10", 'b_total{pod="app-1"}': "0+1x20", START: "{start-5000}x20"},
        # (245 - 140) / 12 = 8.75, if it were a gauge; a counter does not fall.
        {"ratio": {"state": "inconclusive", "resets": 0}},
    ),
]

RENAMED = PROFILE.replace(
    "kind: total, components: [app], sources: [{metric: m_total}]}",
    "kind: total, components: [app], sources: [{metric: m_total}, {metric: m2_total}]}",
)
# temporalio/temporal#7235, prometheus/prometheus#17217
NAMES = [
    Case(
        "a name that is only remembered",
        # Eleven minutes before the window, by another pod.
        {'m_total{pod="app-0"}@-680': "0+10x20", 'm2_total{pod="app-1"}': "0+30x20"},
        total(360, metrics=["m2_total"]),
        {'up{pod="app-0"}@-680': ALL},
        profile=RENAMED,
    ),
    Case(
        "two names inside the window, of two pods",
        # 40 of the old pod, 20 and 70 of the new one, which was not there before.
        {'m_total{pod="app-1"}': "0+10x8", 'm2_total{pod="app-2"}': "_x9 20+10x11"},
        total(130, metrics=["m2_total", "m_total"]),
        {'up{pod="app-1"}': "1x8", 'up{pod="app-2"}': "_x9 1x11"},
        profile=RENAMED,
    ),
    Case(
        "two names of one process are one metric",
        {'m_total{pod="app-1"}': "0+10x20", 'm2_total{pod="app-1"}': "0+10x20"},
        total(120, metrics=["m_total"]),
        profile=RENAMED,
    ),
]

SCHEME = """\
schema: temporal_lab.benchmarking/profile/1
title: Cases
variables: {own: own}
filters: ['job=~"pods|endpoints"', 'kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - id: work
    title: T
    question: '?'
    unit: 1/s
    kind: rate
    components: [app]
    absent: zero
    sources: [{metric: work_count, framework: tally, histogram: true}]
    where: ['$own!~"system"']
  - id: failed
    title: T
    question: '?'
    unit: "1"
    kind: total
    components: [app]
    absent: zero
    sources: [{metric: failed, framework: tally}]
    where: ['$own!~"system"']
  - id: done
    title: T
    question: '?'
    unit: "1"
    kind: total
    components: [app]
    absent: zero
    sources: [{metric: done, framework: tally}]
    where: ['$own!~"system"']
"""
UNKNOWN = {"value": None, "state": "error"}
# temporalio/temporal#5679, open-telemetry/opentelemetry-collector-contrib#49893, sstarcher/helm-exporter#49
ZEROS = [
    Case(
        "a witness of the same framework and labels",
        {'done{pod="app-1",own="default"}': "0+3x20"},
        {"done": {"value": 36, "state": "pass"}, "failed": {"value": 0, "state": "pass"}, "work": UNKNOWN},
        profile=SCHEME,
    ),
    Case(
        "a prefix",
        {
            'temporal_work_count{pod="app-1",own="default"}': "0+50x20",
            'temporal_done{pod="app-1",own="default"}': "0+3x20",
        },
        {"work": UNKNOWN, "failed": UNKNOWN, "done": UNKNOWN},
        profile=SCHEME,
    ),
    Case(
        "no classic histograms",
        {'failed{pod="app-1",own="default"}': "0+3x20", 'work{pod="app-1",own="default"}': "0+50x20"},
        {"failed": {"value": 36, "state": "pass"}, "work": UNKNOWN},
        profile=SCHEME,
    ),
    Case(
        "a witness without the label",
        {'done{pod="app-1",namespace="default"}': "0+3x20"},
        {"failed": UNKNOWN},
        profile=SCHEME,
    ),
    Case(
        "a witness of another component",
        {'done{pod="other-1",own="default"}': "0+3x20"},
        {"failed": UNKNOWN},
        profile=SCHEME,
    ),
    Case(
        "a witness of before the window",
        {'done{pod="app-0",own="default"}@-680': "0+3x20"},
        {"failed": UNKNOWN},
        {'up{pod="app-0"}@-680': ALL},
        profile=SCHEME,
    ),
    Case(
        "filter and matcher of one label",
        {'done{pod="app-1"}': "0+3x20", 'failed{pod="app-1"}': "0+3x20"},
        {"work": UNKNOWN, "failed": UNKNOWN, "done": UNKNOWN},
        profile=SCHEME.replace("{own: own}", "{own: kubernetes_namespace}"),
    ),
]


def pattern_profile(pattern: str) -> str:
    """Two figures that share a metric: the pattern of one is decided here, not by Prometheus."""
    return PROFILE.replace(
        "  - id: errors",
        f"  - {{id: some, title: T, question: '?', unit: \"1\", kind: total, components: [app], absent: zero, "
        f"sources: [{{metric: m_total}}], where: ['node=~\"{pattern}\"']}}\n  - id: errors",
        1,
    )


# prometheus/prometheus#7994
PATTERNS = [
    Case(
        f"pattern {number}",
        {'m_total{pod="app-1",node="a-Master-1"}': "0+10x20", 'm_total{pod="app-1",node="a-worker-1"}': "0+1x20"},
        {**total(132), "some": {"value": 120, "state": "pass"}},
        profile=pattern_profile(pattern),
    )
    for number, pattern in enumerate(
        (".+-Master-.+", "((?i).+-master-.+)", "[[:lower:]]-Master-.+", r"\\pL-Master-.+", r"\\Qa-Master\\E.*")
    )
]

# tomkerkhove/promitor#290
CLOCKS = [
    Case(
        "a new pod on a node whose clock is behind",
        # It begins at second 28, and says second -12. Prometheus scraped another pod all the while: 500 + 60.
        {'m_total{pod="app-1"}': "_x10 500+10x10", START: "_x10 {start-12}x10"},
        total(560, new_series=1),
        {'up{pod="app-1"}': "_x10 1x10"},
    ),
    Case(
        "a new pod on a node whose clock is ahead",
        {'m_total{pod="app-1"}': "_x10 500+10x10", START: "_x10 {start+68}x10"},
        total(560, new_series=1),
        {'up{pod="app-1"}': "_x10 1x10"},
    ),
    Case(
        "an old pod that Prometheus was told of only now",
        # It says that it began a quarter of an hour before, which no wrong clock explains: 60 from second 30 on.
        {'m_total{pod="app-1"}': "_x10 500+10x10", START: "_x10 {start-900}x10"},
        total(60, state="inconclusive", new_series=0, unknown_series=1),
        {'up{pod="app-1"}': "_x10 1x10"},
    ),
]

# open-telemetry/opentelemetry-collector#1951
OWN_TIMES = [
    Case(
        "a gauge that is older than its scrape",
        {'g{pod="app-1"}@-1.5': "5x20"},
        {"last": {"value": 5, "state": "pass"}, "mean": {"value": 5, "state": "pass"}},
    ),
    Case(
        "a gauge that is three scrapes older than its scrape",
        {'g{pod="app-1"}@-14.5': "5x20"},
        {"last": {"value": 5, "state": "pass"}},
    ),
    Case(
        "a gauge that ended",
        # Second 28.5, of 60.
        {'g{pod="app-1"}@-1.5': "5x10", 'g{pod="app-2"}': "7x20"},
        {"last": {"value": 7, "by": {"app-2": 7}}},
        SECOND_UP,
    ),
    Case(
        "a gauge that ended two scrapes before",
        # Second 48.5; its pod answers until second 70, more than three intervals later.
        {'g{pod="app-1"}@-1.5': "5x14", 'g{pod="app-2"}': "7x20"},
        {"last": {"value": 7, "by": {"app-2": 7}}},
        SECOND_UP,
    ),
    Case(
        "a gauge whose pod did not answer the last scrape",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}@-1.5': "257x15"},
        {"last": {"by": {"app-1": 255}, "notes": ["app-2 did not answer the last scrape: its value is left out."]}},
        {'up{pod="app-2"}': "1x15 0x4"},
    ),
    Case(
        "a counter that is older than its scrape",
        # Steps from second -1.5 to 3.5 and from 58.5 to 63.5 lie across the edges.
        {'m_total{pod="app-1"}@-1.5': "0+10x20"},
        total(120, interval=[110, 130], new_series=0, gone_series=0, unknown_series=0),
        window=(0.0, 60.0),
    ),
    Case(
        "a counter that ended",
        # A counter at its scrapes would be gone; of this one nobody knows.
        {'m_total{pod="app-1"}@-1.5': "0+10x10", 'm_total{pod="app-2"}': "0+10x20"},
        total(177, state="inconclusive", gone_series=0, unknown_series=1),
        SECOND_UP,
    ),
    Case(
        "a counter that began",
        {'m_total{pod="app-1"}@-1.5': "_x10 5+10x10", 'm_total{pod="app-2"}': "0+10x20"},
        # 10 × 5 + 10 × 1.5 / 5 from second 28.5 on, and 120.
        total(183, state="inconclusive", new_series=0, unknown_series=1),
        SECOND_UP,
    ),
]

JOB_PATTERN = PROFILE.replace("""'job=~"pods|endpoints"'""", """'job=~"$job"'""").replace(
    "components: {app", "variables: {job: app-(a|b)-headless}\ncomponents: {app"
)
#: prometheus-operator: a ServiceMonitor makes a job of each Service.
JOBS = [
    Case(
        "a job for each Service",
        {
            'm_total{pod="app-1",job="app-a-headless"}': "0+10x20",
            'm_total{pod="app-2",job="app-b-headless"}': "0+20x20",
            # Not of these jobs.
            'm_total{pod="app-3",job="app-c-headless"}': "0+40x20",
            'm_total{pod="app-4",job="x-app-a-headless"}': "0+40x20",
        },
        total(360, double_series=0),
        {
            'up{pod="app-1"}': "",
            'up{pod="app-1",job="app-a-headless"}': ALL,
            'up{pod="app-2",job="app-b-headless"}': ALL,
        },
        profile=JOB_PATTERN,
    ),
    Case(
        "two of these jobs scrape one pod",
        {
            f'm_total{{{ONE},job="app-a-headless"}}': "0+10x20",
            f'm_total{{{ONE},job="app-b-headless"}}@1': "2+10x20",
        },
        total(120, double_series=1),
        {
            'up{pod="app-1"}': "",
            f'up{{{ONE},job="app-a-headless"}}': ALL,
            f'up{{{ONE},job="app-b-headless"}}@1': ALL,
        },
        profile=JOB_PATTERN,
    ),
]

HUNG = {'up{pod="app-1"}': "1x9 0x11"}
BESIDE = f'up{{{ONE},job="endpoints"}}'
SEEN_IN_REVIEW = [
    Case(
        "what a counter that is not there counted while its pod did not answer",
        {'m_total{pod="app-1"}': "0+10x9"},
        {"errors": {"value": None, "state": "inconclusive"}},
        HUNG,
    ),
    Case(
        "a node's clock that is set",
        {'m_total{pod="app-1"}': "1000000+10x20", START: "{start-7200}x9 {start-7197}x10"},
        total(120, resets=0, interval=[120, 120]),
    ),
    Case(
        "an exporter that tells when two processes began",
        {
            **{f'm_total{{pod="app-1",of="{of}"}}': "5000+10x20" for of in "ab"},
            **{
                f'process_start_time_seconds{{pod="app-1",of="{of}"}}': f"{{start-{old}}}x20"
                for of, old in (("a", 500), ("b", 400))
            },
        },
        total(240, resets=0),
    ),
    Case(
        "a gauge that two jobs scrape at other times",
        {f"g{{{ONE}}}": "256x20", f'g{{{ONE},job="endpoints"}}@-1': "256x20", 'g{pod="app-2"}': "256x20"},
        {"last": {"value": 512}, "mean": {"value": 512}},
        {**ONE_UP, f"{BESIDE}@-1": ALL, **SECOND_UP},
    ),
    Case(
        "a gauge of a pod that goes just after the window",
        {'g{pod="app-1"}': "255x20", 'g{pod="app-2"}': "257x15"},
        # Scraped last at second 55: at second 60 nothing shows yet that it will not come any more.
        {"last": {"value": 512}},
        {'up{pod="app-2"}': "1x15"},
    ),
    Case(
        "two processes in one pod with much that rests",
        {
            f'm_total{{{ONE},op="moves"}}': "100+10x20",
            f'm_total{{{TWO},op="moves"}}': "5000+35x20",
            **{f'm_total{{{way},op="{op}"}}': "1x20" for way in (ONE, TWO) for op in "abcdefghijkl"},
        },
        total(540, double_series=0),
        {**ONE_UP, f"up{{{TWO}}}": ALL},
    ),
    Case(
        "a port of the pod that never answers",
        {f"m_total{{{ONE}}}": "0+10x20"},
        {**total(120, interval=[120, 120]), "errors": {"value": 0, "state": "pass"}},
        {**ONE_UP, f"up{{{TWO}}}": "0x20"},
    ),
    Case(
        "an address that is written in another way from second 30 on",
        {f"m_total{{{ONE}}}": "1000000+10x9", 'm_total{pod="app-1",instance="app-1"}': "_x10 1000100+10x10"},
        total(120, new_series=0),
        {f"up{{{ONE}}}": "1x9", 'up{pod="app-1",instance="app-1"}': "_x10 1x10", 'up{pod="app-1"}': ""},
    ),
    Case(
        "a first value that is much, of a process that counts much else",
        {'m_total{pod="app-1"}': "_x10 278x10", 'a_total{pod="app-1"}': "0+250x20"},
        # Seen on a history pod that gave up 278 shards at once, and had given up none before.
        total(278, new_series=1, interval=[0, 278]),
    ),
    Case(
        "an old pod that a Prometheus that has just started found late",
        # Scraped first at second 9.9: 100 until 59.9 and a fiftieth of the last step. What came before nobody saw.
        {'m_total{pod="app-1"}@-0.1': "_x6 1000000+10x14"},
        total(100.2, state="inconclusive", new_series=0, unknown_series=1),
        {
            **{'up{pod="app-1"}': "", 'up{pod="other-1"}': ""},
            **{'up{pod="app-1"}@-0.1': "_x6 1x14", 'up{pod="other-1"}@0.2': "_x4 1x16"},
        },
    ),
    Case(
        "a histogram that is renamed in place",
        # 700 until second 35, all up to 0.1 s; then 50 between 0.1 and 1.2 s. Rank 712.5 is a quarter into those.
        {
            **buckets("app-1", {"0.1": 100, "1.2": 100, "+Inf": 100}, "0+{}x11"),
            'h2_bucket{pod="app-1",le="0.1"}': "_x12 0x8",
            'h2_bucket{pod="app-1",le="1.2"}': "_x12 10+10x8",
            'h2_bucket{pod="app-1",le="+Inf"}': "_x12 10+10x8",
        },
        {
            "p95": {"value": 0.375, "observations": 750},
            "p50": {"value": 0.1, "bound": "below", "observations": 750},
        },
        profile=PROFILE.replace("{metric: h_bucket}", "{metric: h_bucket}, {metric: h2_bucket}"),
    ),
    Case(
        "a pair of Prometheus whose clocks differ",
        # The second scrapes 0.2 s after the first, and writes it down as 0.1 s before.
        {f"m_total{{{replica(0)}}}": "1000+10x20", f"m_total{{{replica(1)}}}@-0.1": "1000.4+10x20"},
        total(120, double_series=1),
        {'up{pod="app-1"}': "", f"up{{{replica(0)}}}": ALL, f"up{{{replica(1)}}}@-0.1": ALL},
    ),
]

FAMILIES = {
    "seen in review": SEEN_IN_REVIEW,
    "jobs": JOBS,
    "own labels": OWN_LABELS,
    "other labels": OTHER_LABELS,
    "bounds": BOUNDS,
    "beginnings": BEGINNINGS,
    "restarts": RESTARTS,
    "names": NAMES,
    "zeros": ZEROS,
    "patterns": PATTERNS,
    "clocks": CLOCKS,
    "own times": OWN_TIMES,
}
