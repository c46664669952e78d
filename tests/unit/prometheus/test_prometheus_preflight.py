# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether figures will be right: each finding by itself, and all of them of a real Prometheus."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.findings import Finding, finding, sentence
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    preflight_findings,
    profile,
    profile_file,
    prometheus_preflight,
    server,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.histograms import (
    thousands,
    unit_fault,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import SAME_UNIT, FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.targets import ScrapeTarget
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.plugins.modules import prometheus_preflight as module
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import eventually
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    binaries,
    free_port,
    program,
    running_prometheus,
    scripted,
)

ALL = [
    "prometheus",
    "prometheus_clock",
    "scrape_interval",
    "targets",
    "double_scrapes",
    "metrics",
    "units",
    "resolution",
    "shards",
]


def whole(entry: Finding) -> Finding:
    """The finding itself, after a look whether it has what each one must have."""
    assert set(entry) == {"id", "state", "title", "effect", "cure"}
    assert entry["title"]
    assert (entry["state"] == "pass") == (entry["effect"] == "" and entry["cure"] == ""), entry
    if entry["state"] != "pass":
        assert entry["effect"], entry
        assert entry["cure"], entry
        assert entry["effect"].endswith(".")
        assert entry["cure"].endswith(".")
    return entry


# -- judging ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew", "state"), [(0.0, "pass"), (-2.0, "pass"), (2.1, "warn"), (-30.0, "warn"), (30.1, "fail"), (-400, "fail")]
)
def test_clocks(skew: float, state: str) -> None:
    entry = whole(preflight_findings.judge_clock(skew, 2.0, 30.0))
    assert entry["state"] == state
    assert f"{abs(skew):.1f} s" in entry["title"]


@pytest.mark.parametrize(
    ("interval", "window", "uneven", "state", "said"),
    [
        (5, 120, {}, "pass", "24 in a window of 120 s"),
        # Six tenths, divided by a tenth, are a little less than six.
        (0.1, 0.6, {}, "warn", "6 in a window of 0.6 s"),
        (15, 120, {}, "pass", "8 in a window of 120 s"),
        (15, 119, {}, "warn", "7 in a window of 119 s"),
        (30, 120, {}, "warn", "4 in a window of 120 s"),
        (30, 119.9, {}, "fail", "3 in a window of 119.9 s"),
        (60, 120, {}, "fail", "2 in a window of 120 s"),
        (15, 120, {"history": [5, 15]}, "warn", "at different intervals: history every 5 and 15 s"),
        (60, 120, {"history": [5, 60]}, "fail", "2 in a window of 120 s"),
    ],
)
def test_scrapes_in_a_window(interval: float, window: float, uneven: Any, state: str, said: str) -> None:
    entry = whole(preflight_findings.judge_scrape_interval(interval, window, uneven))
    assert entry["state"] == state
    assert said in entry["title"]


def test_what_is_wrong_with_the_interval_is_told_together() -> None:
    entry = whole(preflight_findings.judge_scrape_interval(20, 120, {"history": [5, 20]}))
    assert "6 in a window of 120 s; Targets of one component" in entry["title"]
    assert "17% of a window" in entry["effect"]
    assert "every 15 s or more often" in entry["cure"]
    assert entry["cure"].endswith("one scrape_interval.")


PROFILE = """\
schema: temporal_lab.benchmarking/profile/1
title: A profile
filters: ['job="pods"', 'kubernetes_namespace="$namespace"']
components:
  history: $release-history-.+
  frontend: $release-frontend-.+
  load: soak-.+
figures:
  - {id: requests, title: R, question: R?, unit: 1/s, kind: rate, components: [history, frontend],
     sources: [{framework: tally, metric: requests}, {framework: opentelemetry, metric: requests_total}]}
  - {id: errors, title: E, question: E?, unit: 1/s, kind: rate, components: [history], absent: zero,
     sources: [{framework: tally, metric: errors}, {framework: opentelemetry, metric: errors_total}]}
  - {id: work, title: W, question: W?, unit: 1/s, kind: rate, components: [load], absent: inconclusive,
     sources: [{metric: work}]}
  - {id: share, title: S, question: S?, unit: "1", kind: ratio, components: [history],
     numerator: {sources: [{metric: requests}]}, denominator: {sources: [{metric: all}]}}
  - {id: latency, title: L, question: L?, unit: s, kind: quantile, quantile: 0.5, components: [history], absent: zero,
     sources: [{framework: tally, metric: latency_bucket}, {framework: opentelemetry, metric: latency_ms_bucket,
     scale: 0.001}]}
"""
BOUND = profile_file.parse(PROFILE, "p.yml").bind("student-01", "my-temporal")


def target(pod: str, health: str = "up", **more: Any) -> ScrapeTarget:
    labels = {"job": "pods", "kubernetes_namespace": "student-01", "pod": pod, **more.get("labels", {})}
    return ScrapeTarget(
        job=labels["job"],
        pod=pod,
        health=health,
        last_error="connection refused" if health == "down" else "",
        scrape_interval=more.get("interval", 5.0),
        scrape_url=more.get("url", f"http://10.0.0.{len(pod)}:9090/metrics"),
        labels=labels,
    )


HISTORY, SECOND = "my-temporal-history-a", "my-temporal-history-b"
FRONTEND, LOAD = "my-temporal-frontend-a", "soak-a"
GOOD = [target(HISTORY), target(SECOND), target(FRONTEND), target(LOAD)]


@pytest.mark.parametrize(
    ("targets", "state", "said"),
    [
        (GOOD, "pass", "Pods that answer: 2 of history, 1 of frontend, 1 of load"),
        (GOOD[:3], "pass", "2 of history, 1 of frontend; load is not there yet, which is no fault"),
        (
            [*GOOD[:3], target(LOAD, "unknown")],
            "pass",
            "2 of history, 1 of frontend; load is not there yet, which is no fault",
        ),
        # Others than the profile's do not matter.
        ([*GOOD, target("my-temporal-worker-a", "down")], "pass", "Pods that answer"),
        ([*GOOD, target(HISTORY, "down", labels={"job": "endpoints"})], "pass", "Pods that answer"),
        (
            [target(HISTORY), target(SECOND, "down"), *GOOD[2:]],
            "warn",
            f"1 of 2 pods of history do not answer ({SECOND}: connection refused)",
        ),
        ([target(HISTORY, "down"), *GOOD[2:]], "fail", f"No pod of history answers ({HISTORY}: connection refused)"),
        ([*GOOD[:3], target(LOAD, "down")], "fail", f"No pod of load answers ({LOAD}: connection refused)"),
        (GOOD[2:], "fail", "No pod of history is scraped"),
        ([target(HISTORY, "unknown"), *GOOD[2:]], "fail", "History was not scraped yet"),
        (
            [target(HISTORY, "down"), target(LOAD)],
            "fail",
            f"No pod of history answers ({HISTORY}: connection refused); no pod of frontend is scraped",
        ),
        ([], "fail", 'Prometheus scrapes no pod with job="pods", kubernetes_namespace="student-01"'),
    ],
)
def test_targets(targets: list[ScrapeTarget], state: str, said: str) -> None:
    assert preflight_findings.needed_components(BOUND) == ["history", "frontend"]
    components = preflight_findings.of_components(BOUND, targets)
    nothing = "" if targets else ", ".join(BOUND.filters)
    entry = whole(preflight_findings.judge_targets(components, ["history", "frontend"], nothing, ""))
    assert (entry["state"], said in entry["title"]) == (state, True), entry
    for unhealthy in targets:
        if unhealthy.health == "down" and state != "pass":
            assert "See what the pods that do not answer serve" in entry["cure"]


def test_pods_under_other_labels_are_pointed_at() -> None:
    upstream = {"kubernetes_namespace": "", "namespace": "student-01", "container": "history"}
    others = [
        target(HISTORY, labels={"kubernetes_namespace": "student-02"}),
        target(HISTORY, labels=upstream),
        target("postgresql-0", labels={"job": "postgresql", "other": "student-01"}),
    ]
    elsewhere = preflight_findings.labels_elsewhere(BOUND, others)
    assert elsewhere == 'job="pods", kubernetes_namespace="", namespace="student-01"'
    entry = preflight_findings.judge_targets(
        preflight_findings.of_components(BOUND, others), ["history"], "", elsewhere
    )
    assert f"are scraped with {elsewhere}: correct `namespace`" in entry["cure"]
    assert preflight_findings.labels_elsewhere(BOUND, GOOD) == ""
    # A pod that does not answer is not cured by other labels.
    down = [target(HISTORY, "down"), *others]
    entry = preflight_findings.judge_targets(preflight_findings.of_components(BOUND, down), ["history"], "", elsewhere)
    assert "correct `namespace`" not in entry["cure"]


def test_intervals_that_differ_inside_a_component() -> None:
    mixed = [target(HISTORY), target(SECOND, interval=15.0), target(FRONTEND, interval=30.0)]
    assert preflight_findings.uneven_intervals(preflight_findings.of_components(BOUND, mixed)) == {"history": [5, 15]}


POD, OTHER = "http://10.0.0.1:9090/metrics", "http://10.0.0.2:9090/metrics"
ENDPOINTS = {"job": "endpoints"}


@pytest.mark.parametrize(
    ("targets", "state", "said"),
    [
        ([target(HISTORY, url=POD), target(SECOND, url=OTHER)], "pass", "Each pod is scraped once"),
        (
            [target(HISTORY, url=POD), target(HISTORY, url=POD, labels=ENDPOINTS)],
            "pass",
            f'{HISTORY} is scraped by endpoints too, which job="pods", kubernetes_namespace="student-01" leaves out; '
            f"a plain sum(rate()) by hand counts twice",
        ),
        # The target of a Service need not say which pod it is.
        ([target(HISTORY, url=POD), target("", url=POD, labels=ENDPOINTS)], "pass", f"{HISTORY} is scraped by endp"),
        (
            [target(HISTORY, url=POD), target(HISTORY, url=POD, labels={"container": "b"})],
            "warn",
            f"{HISTORY} ({POD}) is scraped more than once",
        ),
        (
            [target(HISTORY, url=POD), target(HISTORY, url=POD.replace("9090", "7233"))],
            "warn",
            f"{HISTORY} (http://10.0.0.1:7233/metrics, {POD}) is scraped more than once",
        ),
        # A port that serves no metrics brings no second series.
        ([target(HISTORY, url=POD), target(HISTORY, "down", url=POD.replace("9090", "7233"))], "pass", "once"),
        # Two pods with one address: the node's own network.
        ([target(HISTORY, url=POD), target(SECOND, url=POD.replace("9090", "9091"))], "pass", "once"),
        # Another student's are no matter of this one, not even of the same name behind the same address.
        (
            [
                target(HISTORY, url=POD),
                target(HISTORY, url=POD.replace("9090", "9091"), labels={"kubernetes_namespace": "student-02"}),
            ],
            "pass",
            "Each pod is scraped once",
        ),
        (
            [
                target(HISTORY, url=POD, labels={"kubernetes_namespace": "student-02"}),
                target(HISTORY, url=POD, labels={"kubernetes_namespace": "student-02", "container": "b"}),
            ],
            "pass",
            "Each pod is scraped once",
        ),
    ],
)
def test_double_scrapes(targets: list[ScrapeTarget], state: str, said: str) -> None:
    entry = whole(
        preflight_findings.judge_double_scrapes(
            preflight_findings.double_scrapes(targets, BOUND.filters), BOUND.filters
        )
    )
    assert (entry["state"], said in entry["title"]) == (state, True), entry


EVERYTHING = {"requests", "errors", "work", "all", "latency_bucket"}


@pytest.mark.parametrize(
    ("names", "state", "said"),
    [
        (EVERYTHING, "pass", "5 of 5 figures have their metrics by names of tally"),
        (EVERYTHING - {"errors", "work"}, "pass", "3 of 5 figures have their metrics by names of tally; the others"),
        (EVERYTHING - {"requests"} | {"requests_total"}, "fail", "Prometheus has no metric of share (requests)"),
        (EVERYTHING - {"requests"}, "fail", "no metric of requests (requests or requests_total), share (requests)"),
        (EVERYTHING - {"all"}, "fail", "Prometheus has no metric of share (all)"),
        ({"up"}, "fail", "no metric of requests (requests or requests_total), share (requests)"),
        (set(), "fail", 'has no metric of the profile with job="pods", kubernetes_namespace="student-01"'),
        # Of errors only one would be read.
        (EVERYTHING | {"errors_total"}, "warn", "5 of 5 figures have their metrics by names of opentelemetry and tal"),
        (EVERYTHING - {"errors"} | {"errors_total"}, "warn", "by names of opentelemetry and tally"),
    ],
)
def test_metrics(names: set[str], state: str, said: str) -> None:
    entry = whole(preflight_findings.judge_metrics(BOUND, FoundMetrics(frozenset(names))))
    assert (entry["state"], said in entry["title"]) == (state, True), entry
    assert ("`error`" in entry["effect"]) == (state == "fail" and bool(names))


def test_the_framework_of_a_name_of_both_is_told_by_its_unit() -> None:
    own = profile_file.load(profile_file.default_path()).bind("n", "r")
    name = "persistence_latency_bucket"
    assert preflight_findings.frameworks_of(own, FoundMetrics(frozenset({name}), {name: 0.001})) == ["tally"]
    assert preflight_findings.frameworks_of(own, FoundMetrics(frozenset({name}), {name: 1})) == ["opentelemetry"]
    assert preflight_findings.frameworks_of(own, FoundMetrics()) == []


INFINITE = float("inf")


@pytest.mark.parametrize(
    ("bounds", "expected", "fault"),
    [
        ([0.001, 20, INFINITE], 0.001, ""),
        # Somebody's own choice.
        ([0.05, 10], 0.001, ""),
        ([0.0001, 10], 0.001, ""),
        ([], 0.001, ""),
        ([INFINITE], 0.001, ""),
        # Zero can be the bound of a bucket, and tells nothing.
        ([0, 0.001], 0.001, ""),
        ([INFINITE, 1, 20000], 0.001, "go from 1 s to 20000 s: they look like milliseconds"),
        ([1000, 2e7], 0.001, "go from 1000 s to 20000000 s: they look like microseconds"),
        ([1e6, 2e10], 0.001, "go from 1000000 s to 20000000000 s: they look like nanoseconds"),
        ([1e-6, 0.02], 0.001, "go from 1e-06 s to 0.02 s: they look 1,000 times too small"),
        ([1, 20000], 1, ""),
        ([0.001, 20], 1, "go from 0.001 s to 20 s: they look 1,000 times too small"),
        ([0.001 * SAME_UNIT * 0.99, 1], 0.001, ""),
        ([0.001 / SAME_UNIT * 1.01, 1], 0.001, ""),
    ],
)
def test_the_unit_of_buckets(bounds: list[float], expected: float, fault: str) -> None:
    assert unit_fault(bounds, expected) == fault
    assert unit_fault(reversed(bounds), expected) == fault
    assert (thousands(bounds, expected) == 0) is (fault == "")


@pytest.mark.parametrize("factor", [SAME_UNIT, 1 / SAME_UNIT])
def test_the_limit_of_a_unit_is_that_of_the_figures(factor: float) -> None:
    """What the figures take for another unit must not pass here."""
    declared = profile.Source("m_bucket", smallest_bucket=0.001)
    for just in (0.99, 1.01):
        smallest = 0.001 * factor * just
        fits = FoundMetrics(frozenset({"m_bucket"}), {"m_bucket": smallest}).fits(declared)
        assert (unit_fault([smallest], 0.001) == "") is fits


@pytest.mark.parametrize(
    ("bounds", "state"),
    [
        ({"timer_bucket": [0.00002, 20]}, "pass"),
        ({"timer_bucket": [0.0001, 20]}, "pass"),
        ({"timer_bucket": [0.001, 20]}, "warn"),
        # Milliseconds, by another name.
        ({"timer_milliseconds_bucket": [0.02, 20]}, "pass"),
        ({"timer_milliseconds_bucket": [1, 20]}, "warn"),
        # A workflow's, whose source does not know where it begins; one of a unit that is another; none at all.
        ({"other_bucket": [1, 20]}, None),
        ({"timer_bucket": [1000, 2e7]}, None),
        ({}, None),
    ],
)
def test_how_finely_the_buckets_tell(bounds: dict[str, list[float]], state: str | None) -> None:
    sources = (
        profile.Source("timer_bucket", smallest_bucket=0.001),
        profile.Source("timer_milliseconds_bucket", scale=0.001, smallest_bucket=1.0),
    )
    figures = (
        profile.Figure("a", "A", "?", "s", "quantile", ("history",), profile.Selection(sources), quantile=0.5),
        profile.Figure(
            "b",
            "B",
            "?",
            "s",
            "quantile",
            ("load",),
            profile.Selection((profile.Source("other_bucket"),)),
            quantile=0.5,
        ),
    )
    found = FoundMetrics(frozenset(bounds), {metric: min(of) for metric, of in bounds.items()})
    entry = preflight_findings.judge_resolution(replace(BOUND, figures=figures), found, bounds)
    assert (None if entry is None else whole(entry)["state"]) == state
    if state == "warn":
        assert "begin at 1 ms" in entry["title"]


@pytest.mark.parametrize(
    ("bounds", "state", "said", "cure"),
    [
        ({"latency_bucket": [0.001, 20]}, "pass", "The buckets of latency_bucket are of the profile's unit", ""),
        ({"latency_ms_bucket": [1, 20000]}, "pass", "The buckets of latency_ms_bucket are", ""),
        (
            {"latency_bucket": [1, 1e6]},
            "fail",
            "The buckets of latency_bucket go from 1 s to 1000000 s: they look like milliseconds",
            "Set `scale: 0.001` for latency_bucket in the profile, or recordTimerInSeconds",
        ),
        (
            {"latency_ms_bucket": [0.001, 20]},
            "fail",
            "The buckets of latency_ms_bucket go from 1e-06 s to 0.02 s: they look 1,000 times too small",
            "Set `scale: 1` for latency_ms_bucket in the profile",
        ),
        ({}, "warn", "Prometheus has no histogram of the profile's yet", "Look again"),
        ({"another_bucket": [1, 20000]}, "warn", "Prometheus has no histogram of the profile's yet", "Look again"),
    ],
)
def test_units(bounds: dict[str, list[float]], state: str, said: str, cure: str) -> None:
    found = FoundMetrics(frozenset(bounds), {metric: min(of) for metric, of in bounds.items()})
    entry = whole(preflight_findings.judge_units(BOUND, found, bounds))
    assert (entry["state"], said in entry["title"]) == (state, True), entry
    assert cure in entry["cure"]
    assert ("latency would be wrong" in entry["effect"]) == (state == "fail")


def test_a_profile_without_times_has_no_unit_to_look_at() -> None:
    text = PROFILE.partition("  - {id: latency")[0]
    without = profile_file.parse(text, "p.yml").bind("n", "r")
    assert whole(preflight_findings.judge_units(without, FoundMetrics(), {}))["state"] == "pass"


def test_a_bucket_that_the_profile_means_is_no_fault() -> None:
    text = PROFILE.replace("metric: latency_bucket}", "metric: latency_bucket, smallest_bucket: 1}")
    slow = profile_file.parse(text, "p.yml").bind("n", "r")
    bounds = {"latency_bucket": [1.0, 3600.0]}
    found = FoundMetrics(frozenset(bounds), {"latency_bucket": 1.0})
    assert whole(preflight_findings.judge_units(slow, found, bounds))["state"] == "pass"
    assert whole(preflight_findings.judge_units(BOUND, found, bounds))["state"] == "fail"


@pytest.mark.parametrize(
    ("owned", "expected", "doubled", "state", "said"),
    [
        ({HISTORY: 512}, 512, False, "pass", "1 history pod owns all 512 shards"),
        ({HISTORY: 255, SECOND: 257}, 512, False, "pass", "2 history pods own all 512 shards (255 + 257)"),
        ({"": 512}, 512, False, "pass", "The history pods own all 512 shards"),
        ({HISTORY: 510, SECOND: 514}, 512, True, "warn", "own 1024 shards (510 + 514), and Temporal has 512"),
        # Twice as many without a double scrape are another's.
        ({HISTORY: 512, "other-history-a": 512}, 512, False, "fail", "own 1024 shards"),
        ({HISTORY: 512, SECOND: 300}, 512, True, "fail", "own 812 shards"),
        ({HISTORY: 255}, 512, False, "fail", "1 history pod owns 255 shards, and Temporal has 512"),
        ({HISTORY: 0}, 512, False, "fail", "1 history pod owns 0 shards, and Temporal has 512"),
        ({}, 512, False, "warn", "No history pod says how many shards it owns"),
        ({HISTORY: 512}, None, False, "warn", "owns 512 shards; how many Temporal has is not known"),
        ({}, None, False, "warn", "No history pod says how many shards it owns"),
    ],
)
def test_shards(owned: dict[str, float], expected: int | None, doubled: bool, state: str, said: str) -> None:
    entry = whole(preflight_findings.judge_shards(owned, expected, "my-temporal-history-.+", doubled))
    assert (entry["state"], said in entry["title"]) == (state, True), entry
    assert ("other-history-a" in entry["cure"]) == ("other-history-a" in owned)
    if state == "fail":
        assert ("more than this Temporal" in entry["effect"]) == (sum(owned.values()) > 512)


def test_a_finding_in_one_sentence() -> None:
    entry = {"id": "x", "state": "fail", "title": "A is B.", "effect": "It hurts.", "cure": "Do C."}
    assert sentence(entry) == "A is B; it hurts; do C"
    assert sentence({**entry, "effect": "", "cure": ""}) == "A is B"


def test_many_names_are_counted() -> None:
    assert preflight_findings.some(list("abcde")) == "a, b, c, d, e"
    assert preflight_findings.some(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_what_is_read_of_metrics() -> None:
    """Bounds of buckets in both ways in which Prometheus writes them; what is no bound tells nothing of a unit."""

    class Client:
        def vector(self, expression: str, at: float) -> list[tuple[dict[str, str], float]]:
            assert 'job="pods",kubernetes_namespace="student-01"' in expression
            # Both as they are, and as native histograms.
            assert "latency|latency_bucket|latency_ms|latency_ms_bucket" in expression
            rows = [("requests", None), ("latency_bucket", "+Inf"), ("latency_bucket", "1.0"), ("latency_bucket", "2")]
            rows += [("latency_ms_bucket", "+Inf"), ("errors", "high")]
            return [({"__name__": name, **({"le": le} if le else {})}, 1.0) for name, le in rows]

    found, bounds = prometheus_preflight.read_metrics(Client(), BOUND, 0.0)
    assert found == FoundMetrics(
        frozenset({"requests", "errors", "latency_bucket", "latency_ms_bucket"}),
        {"latency_bucket": 1},
        {"latency_bucket": 2},
    )
    assert bounds == {"latency_bucket": [1, 2]}


# -- of a real Prometheus ---------------------------------------------------------------


def served(shards: int | None = None, smallest: float = 0.0001, without: str = "none", suffix: str = "") -> str:
    """What a pod of the server serves; its smallest buckets are of that bound, in the unit of its timers."""
    bounds = [smallest, smallest * 10, max(smallest * 20000, 20), INFINITE]
    lines = [f"persistence_requests{suffix} 10", f"service_requests{suffix} 10"]
    for timer in ("persistence_latency", "service_latency", "semaphore_latency", "lock_latency"):
        for bound in bounds:
            le = "+Inf" if bound == INFINITE else f"{bound:g}"
            lines.append(f'{timer}_bucket{{operation="ShardInfo",le="{le}"}} 1')
        lines.append(f'{timer}_sum{{operation="ShardInfo"}} {smallest}')
    if shards is not None:
        lines.append(f"numshards_gauge {shards}")
    return "".join(f"{line}\n" for line in lines if not line.startswith(without))


@contextmanager
def exporter(pages: dict[str, str]) -> Iterator[str]:
    """Serve pages by their path; one that is empty is not there."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.get(self.path, "")
            self.send_response(200 if text else 404)
            # Without it Prometheus 3 refuses the page.
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


FRONT, FIRST, NEXT, MATCHING = (
    f"my-temporal-{name}" for name in ("frontend-1", "history-1", "history-2", "matching-1")
)


class Scene:
    """What a Prometheus scrapes: pages, and the targets that are them."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.jobs: dict[str, list[dict[str, Any]]] = {}

    def pod(self, student: str, pod: str, page: str, job: str = "kubernetes-pods", **labels: str) -> None:
        """Let a job scrape a pod that serves a page; without a student it has no such label."""
        path = f"/{student or 'upstream'}/{pod}"
        self.pages[path] = page
        labels = {"kubernetes_namespace": student, "pod": pod, "__metrics_path__": path, **labels}
        self.jobs.setdefault(job, []).append(labels)

    def config(self, address: str, intervals: dict[str, str]) -> str:
        jobs = [
            {
                "job_name": job,
                # A busy machine may take a second for a page.
                "scrape_interval": intervals.get(job, "3s"),
                "scrape_timeout": "3s",
                "static_configs": [{"targets": [address], "labels": labels} for labels in targets],
            }
            for job, targets in self.jobs.items()
        ]
        return yaml.safe_dump({"scrape_configs": jobs})


def scene() -> Scene:
    """One namespace for each way of being wrong."""
    made = Scene()
    # A good one. Its first history pod is scraped again as the endpoint of a Service.
    for pod, page in ((FRONT, served()), (FIRST, served(255)), (NEXT, served(257)), (MATCHING, served())):
        made.pod("student-01", pod, page)
    made.pod("student-01", FIRST, served(255), job="kubernetes-service-endpoints")
    # Scraped twice by the job that the profile counts.
    made.pod("student-02", FRONT, served())
    made.pod("student-02", FIRST, served(512))
    made.pod("student-02", FIRST, served(512), container="again")
    # Microseconds, which no source of the profile has, and no lock_latency.
    for pod, shards in ((FRONT, None), (FIRST, 512)):
        made.pod("student-03", pod, served(shards, smallest=1000, without="lock_latency"))
    # Half of it by the names of another framework, and in milliseconds under tally's names.
    made.pod("student-04", FRONT, served(suffix="_total", smallest=1))
    made.pod("student-04", FIRST, served(512))
    # History does not answer.
    made.pod("student-05", FRONT, served())
    made.pod("student-05", FIRST, "")
    # All in milliseconds under tally's names.
    made.pod("student-06", FRONT, served(smallest=1, suffix="_total"))
    made.pod("student-06", FIRST, served(512, smallest=1, suffix="_total"))
    # Two releases in one namespace.
    made.pod("student-07", FRONT, served())
    made.pod("student-07", FIRST, served(512))
    made.pod("student-07", "other-history-1", served(512))
    # The default interval of the upstream chart.
    made.pod("student-08", FRONT, served(), job="slow-pods")
    made.pod("student-08", FIRST, served(512), job="slow-pods")
    # History pods that are scraped at different intervals.
    made.pod("student-10", FRONT, served())
    made.pod("student-10", FIRST, served(500))
    made.pod("student-10", NEXT, served(12), __scrape_interval__="6s")
    # One pod of the upstream chart, whose label for the Kubernetes namespace is another.
    made.pod("", FIRST, served(512), namespace="student-09")
    return made


@pytest.fixture(scope="module", params=binaries(), ids=["packaged", "other"][: len(binaries())])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has scraped the scene."""
    made = scene()
    with (
        exporter(made.pages) as exporting,
        running_prometheus(
            program(request.param),
            tmp_path_factory.mktemp("prometheus"),
            made.config(exporting, {"slow-pods": "1m"}),
        ) as running,
    ):
        quick = len([labels for job, of in made.jobs.items() if job != "slow-pods" for labels in of])
        answer_of(running, f'count(count_over_time(up{{job!="slow-pods"}}[1m]) >= 2) == {quick}')
        yield running


def answer_of(address: str, query: str) -> None:
    """Wait until a query has an answer."""
    until = time.monotonic() + 240
    while not requests.get(f"{address}/api/v1/query", params={"query": query}, timeout=60).json()["data"]["result"]:
        assert time.monotonic() < until, query
        time.sleep(0.1)


def params(url: str | None, **more: Any) -> dict[str, Any]:
    """Arguments of the task as Ansible hands them over: every option, with its default."""
    given = {name: option.get("default") for name, option in prometheus_preflight.SPEC.items()}
    return {**given, "url": url, "namespace": "student-01", "window": 60.0, "history_shards": 512, **more}


def found_of(address: str | None, **more: Any) -> tuple[dict[str, Finding], dict[str, Any]]:
    result = prometheus_preflight.run(params(address, **more), Context())
    json.dumps(result, allow_nan=False)
    assert result["changed"] is False
    findings = {entry["id"]: whole(entry) for entry in result["findings"]}
    assert len(findings) == len(result["findings"])
    fails = [sentence(entry) for entry in result["findings"] if entry["state"] == "fail"]
    assert result["faults"] == fails
    return findings, result


def wrong(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: entry["state"] for name, entry in findings.items() if entry["state"] != "pass"}


@pytest.mark.server
def test_a_good_one(address: str) -> None:
    findings, result = found_of(address)
    assert list(findings) == ALL
    assert wrong(findings) == {}
    assert findings["scrape_interval"]["title"] == "A scrape every 3 s: 20 in a window of 60 s"
    assert findings["targets"]["title"] == (
        "Pods that answer: 1 of frontend, 2 of history, 1 of matching; load, workers are not there yet, which is no "
        "fault"
    )
    assert f"{FIRST} is scraped by kubernetes-service-endpoints too" in findings["double_scrapes"]["title"]
    assert "by names of tally" in findings["metrics"]["title"]
    assert "lock_latency_bucket, persistence_latency_bucket, semaphore_latency_bucket" in findings["units"]["title"]
    assert findings["shards"]["title"] == "2 history pods own all 512 shards (255 + 257)"
    assert (result["scrape_interval"], result["frameworks"], result["faults"]) == (3, ["tally"], [])
    assert abs(result["clock_skew"]) < 5
    assert result["prometheus_version"] is None or result["prometheus_version"][0] in "23"
    assert result["waited"] < 30


@pytest.mark.server
def test_windows_too_short_for_the_scrapes(address: str) -> None:
    assert wrong(found_of(address, window=11.9)[0]) == {"scrape_interval": "fail"}
    assert wrong(found_of(address, window=23.9)[0]) == {"scrape_interval": "warn"}
    assert wrong(found_of(address, window=24.0)[0]) == {}
    findings, result = found_of(address, namespace="student-08", variables={"job": "slow-pods"}, window=120.0)
    assert findings["scrape_interval"]["title"] == "A scrape every 60 s: 2 in a window of 120 s"
    assert findings["scrape_interval"]["state"] == "fail"
    assert result["scrape_interval"] == 60


@pytest.mark.server
def test_pods_that_are_scraped_at_different_intervals(address: str) -> None:
    def seen() -> Any:
        """The findings; on a busy machine a scrape of a pod may be late, and its shards are missing for a while."""
        found = found_of(address, namespace="student-10")
        return found if wrong(found[0]) == {"scrape_interval": "warn"} else None

    findings, result = eventually(seen, "both history pods are scraped")
    assert "different intervals: history every 3 and 6 s" in findings["scrape_interval"]["title"]
    assert result["scrape_interval"] == 6


@pytest.mark.server
def test_a_wrong_namespace(address: str) -> None:
    findings, result = found_of(address, namespace="student-99")
    assert wrong(findings) == {"targets": "fail", "metrics": "fail", "units": "warn", "shards": "warn"}
    assert findings["targets"]["title"] == (
        'Prometheus scrapes no pod with job=~"kubernetes-pods", kubernetes_namespace="student-99"'
    )
    assert 'are scraped with job="kubernetes-pods", kubernetes_namespace="student-0' in findings["targets"]["cure"]
    # Nothing is there, and so nothing is known.
    assert result["frameworks"] == []
    findings, _result = found_of(address, namespace="student-09")
    assert 'job="kubernetes-pods", namespace="student-09": correct' in findings["targets"]["cure"]
    label = {"kubernetes_namespace_label": "namespace"}
    findings, _result = found_of(address, namespace="student-09", variables=label)
    assert findings["targets"]["title"] == "No pod of frontend is scraped"


@pytest.mark.server
def test_a_wrong_job(address: str) -> None:
    findings, result = found_of(address, variables={"job": "pods"})
    # Of what is not there nobody knows how finely it would be told.
    assert list(findings) == [name for name in ALL if name != "resolution"]
    assert wrong(findings) == {
        "scrape_interval": "fail",
        "targets": "fail",
        "metrics": "fail",
        "units": "warn",
        "shards": "warn",
    }
    assert 'has no job with job=~"pods"' in findings["scrape_interval"]["title"]
    assert 'scraped with job="kubernetes-' in findings["targets"]["cure"]
    assert result["scrape_interval"] is None


@pytest.mark.server
def test_a_wrong_release(address: str) -> None:
    findings, _result = found_of(address, release="temporal")
    assert findings["targets"]["state"] == "fail"
    assert "No pod of frontend is scraped; no pod of history is scraped" in findings["targets"]["title"]


@pytest.mark.server
def test_what_is_scraped_twice_by_the_profiles_own_job(address: str) -> None:
    findings, _result = found_of(address, namespace="student-02")
    assert wrong(findings) == {"double_scrapes": "warn", "shards": "warn"}
    assert f"{FIRST} (http://" in findings["double_scrapes"]["title"]
    assert findings["shards"]["title"] == "1 history pod owns 1024 shards, and Temporal has 512"


@pytest.mark.server
def test_another_unit_and_a_metric_that_is_missing(address: str) -> None:
    findings, result = found_of(address, namespace="student-03")
    assert wrong(findings) == {"metrics": "fail", "units": "fail"}
    assert findings["metrics"]["title"].startswith("Prometheus has no metric of lock_latency (lock_latency_bucket")
    assert (
        "The buckets of persistence_latency_bucket go from 1000 s to 20000000 s: they look like microseconds"
        in findings["units"]["title"]
    )
    assert "`scale: 1e-06` for persistence_latency_bucket" in findings["units"]["cure"]
    assert len(result["faults"]) == 2


@pytest.mark.server
def test_names_of_two_frameworks(address: str) -> None:
    findings, result = found_of(address, namespace="student-04")
    assert wrong(findings) == {"metrics": "warn"}
    assert result["frameworks"] == ["opentelemetry", "tally"]


@pytest.mark.server
def test_milliseconds_under_a_name_of_seconds(address: str) -> None:
    """The own profile knows that opentelemetry can do so; one that does not is told."""
    findings, result = found_of(address, namespace="student-06")
    assert wrong(findings) == {"resolution": "warn"}
    assert findings["resolution"]["title"] == (
        "The buckets of lock_latency_bucket, persistence_latency_bucket, semaphore_latency_bucket, "
        "service_latency_bucket begin at 1 ms"
    )
    assert result["frameworks"] == ["opentelemetry"]
    mine = PROFILE.replace("latency_bucket", "persistence_latency_bucket").replace(
        'job="pods"', 'job="kubernetes-pods"'
    )
    findings, _result = found_of(address, namespace="student-06", profile_content=mine)
    assert findings["units"]["title"] == (
        "The buckets of persistence_latency_bucket go from 1 s to 20000 s: they look like milliseconds"
    )
    assert findings["units"]["state"] == "fail"
    # Where the profile has no figure of the shards, they are looked at all the same.
    assert findings["shards"]["state"] == "pass"


@pytest.mark.server
def test_a_pod_that_does_not_answer(address: str) -> None:
    findings, _result = found_of(address, namespace="student-05")
    assert findings["targets"]["state"] == "fail"
    assert f"No pod of history answers ({FIRST}: server returned HTTP status 404" in findings["targets"]["title"]
    assert findings["metrics"]["state"] == "fail"


@pytest.mark.server
def test_a_second_release_in_the_namespace(address: str) -> None:
    findings, _result = found_of(address, namespace="student-07")
    assert wrong(findings) == {"shards": "fail"}
    assert "other-history-1 of another release" in findings["shards"]["cure"]
    assert wrong(found_of(address, history_shards=None)[0]) == {"shards": "warn"}


@pytest.mark.server
def test_clocks_that_differ(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(server.Clock):
        """This machine's clock, 20 seconds behind that of Prometheus."""

        def now(self) -> float:
            return super().now() - 20

    monkeypatch.setattr(prometheus_preflight, "Clock", Late)
    findings, result = found_of(address)
    assert wrong(findings) == {"prometheus_clock": "warn"}
    assert result["clock_skew"] == pytest.approx(20, abs=4)
    assert wrong(found_of(address, clock_skew_fail=10.0)[0]) == {"prometheus_clock": "fail"}
    assert wrong(found_of(address, clock_skew_warn=25.0)[0]) == {}


# -- Prometheus that is not there, or is coming ----------------------------------------------


def test_no_prometheus_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prometheus_preflight, "PATIENCE", 0.2)
    findings, result = found_of(f"http://127.0.0.1:{free_port()}")
    assert wrong(findings) == {"prometheus": "fail"}
    assert "does not answer (connection refused)" in findings["prometheus"]["title"]
    assert (result["scrape_interval"], result["clock_skew"], result["prometheus_version"]) == (None, None, None)
    findings, _result = found_of(None, kubeconfig=str(tmp_path / "none"))
    assert findings["prometheus"]["title"].startswith("There is no kubeconfig at")
    with scripted([(200, {}, b"<html>")]) as script:
        findings, _result = found_of(script.address)
        assert "a page of HTML instead of JSON" in findings["prometheus"]["title"]


def test_a_prometheus_that_refuses_in_between_is_a_finding_of_its_own() -> None:
    vector = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()
    with scripted([(200, {}, vector), (403, {}, b"")]) as script:
        findings, _result = found_of(script.address)
    assert wrong(findings) == {"prometheus_api": "fail"}
    assert "denied" in findings["prometheus_api"]["title"]


def test_mistakes_of_the_user_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="`window` is 0 s: it must be above zero"):
        prometheus_preflight.run(params("http://127.0.0.1:9", window=0.0), Context())
    with pytest.raises(LabError, match="There is no profile"):
        prometheus_preflight.run(params("http://127.0.0.1:9", profile=str(tmp_path / "none.yml")), Context())
    with pytest.raises(LabError, match="no variable 'jab'"):
        prometheus_preflight.run(params("http://127.0.0.1:9", variables={"jab": "x"}), Context())


@pytest.mark.server
def test_waiting_for_what_comes_with_a_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_preflight, "PAUSE", 0.3)
    made = Scene()
    made.pod("student-01", FRONT, served())
    made.pod("student-01", FIRST, "")
    history = f"/student-01/{FIRST}"
    lines: list[str] = []

    def show(line: str) -> None:
        lines.append(line)
        if line.startswith("waiting for"):
            made.pages[history] = served(512)

    with (
        exporter(made.pages) as exporting,
        running_prometheus(program("prometheus"), tmp_path, made.config(exporting, {})) as address,
    ):
        answer_of(address, "count(up) == 2")
        # Not in check mode, where what is waited for was not installed.
        result = prometheus_preflight.run(params(address, wait=60.0), Context(check_mode=True, show=show))
        # What is wrong is told at once, to who looks at the terminal.
        assert [line for line in lines if line.startswith("waiting for")] == []
        assert any(line.startswith("fail: No pod of history answers (") for line in lines)
        assert result["waited"] < 50
        lines.clear()
        result = prometheus_preflight.run(params(address, wait=60.0), Context(show=show))
        assert result["faults"] == []
        assert 0 < result["waited"] < 60
        assert f"waiting for Prometheus: No pod of history answers ({FIRST}: " in lines[0]
        assert any(line.startswith("Prometheus has what is measured (") for line in lines)
        assert not any(line.startswith("fail: ") for line in lines)
        # More scrapes cure no interval: nothing is waited for, and the other faults are told at once.
        begun = time.monotonic()
        result = prometheus_preflight.run(params(address, wait=60.0, window=2.0), Context(show=show))
        assert [fault[:16] for fault in result["faults"]] == ["A scrape every 3"]
        assert time.monotonic() - begun < 50
        # The time is over: what is wrong still is told.
        made.pages[history] = ""
        answer_of(address, "up == 0")
        result = prometheus_preflight.run(params(address, wait=1.0), Context())
        assert any("No pod of history answers" in fault for fault in result["faults"])
        assert 1 <= result["waited"] < 50


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_waited_for(status: int) -> None:
    with scripted([(status, {}, b"")]) as script:
        _findings, result = found_of(script.address, wait=300.0)
    assert [fault for fault in result["faults"] if str(status) in fault] == result["faults"]
    assert result["waited"] < 200
    assert len(script.requests) == 1


def test_a_prometheus_that_is_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_preflight, "PAUSE", 0.1)
    monkeypatch.setattr(prometheus_preflight, "PATIENCE", 0.2)
    lines: list[str] = []
    with scripted([(503, {}, b"")]) as script:
        prometheus_preflight.run(params(script.address, wait=1.0), Context(show=lines.append))
        assert len(script.requests) > 1
    assert lines[0].startswith("waiting for Prometheus: ")


@pytest.mark.parametrize(
    ("names", "awaited"), [(["targets"], 1), (["targets", "shards"], 2), (["targets", "units"], 0)]
)
def test_nothing_is_waited_for_beside_a_failure_that_lasts(names: list[str], awaited: int) -> None:
    seen = prometheus_preflight.Seen([finding(name, "fail", name) for name in names])
    seen.findings += [finding("clock", "warn", "late"), finding("metrics", "pass", "there")]
    assert len(seen.awaited()) == awaited
    seen.lasting.add("targets")
    assert seen.awaited() == []


@pytest.mark.server
def test_pods_of_another_release_are_not_waited_for(address: str) -> None:
    findings, result = found_of(address, namespace="student-07", wait=300.0)
    assert "other-history-1 of another release" in findings["shards"]["cure"]
    assert result["waited"] < 200


# -- as Ansible runs it -----------------------------------------------------------


@pytest.mark.server
def test_as_a_module(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"url": address, "namespace": "student-01", "history_shards": 512, "window": 60}
    with patch_module_args(given), pytest.raises(SystemExit):
        module.main()
    result = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in result["findings"]] == ALL
    assert result["faults"] == []
    with patch_module_args({**given, "service": "also"}), pytest.raises(SystemExit):
        module.main()
    assert "mutually exclusive: url|service" in json.loads(capsys.readouterr().out)["msg"]


def test_its_documentation_is_its_argument_spec() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    own = {
        name
        for name in prometheus_preflight.SPEC
        if name not in {**prometheus_preflight.PROMETHEUS, **prometheus_preflight.PROFILE}
    }
    assert set(documented) == own
    for name in own:
        assert documented[name].get("default") == prometheus_preflight.SPEC[name].get("default"), name
    groups = yaml.safe_load((Path(__file__).resolve().parents[3] / "meta" / "runtime.yml").read_text())
    assert "prometheus_preflight" in groups["action_groups"]["cluster"]
