# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures read from a real Prometheus, against values worked out by hand."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    lives,
    measure,
    profile_file,
    progress,
    prometheus_info,
    prometheus_sample,
    query,
    question,
    reader,
    reading,
    samples_file,
    server,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.plugins.modules import prometheus_info as info_module
from ansible_collections.temporal_lab.benchmarking.plugins.modules import prometheus_sample as sample_module
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import eventually
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    INTERVAL,
    binaries,
    counter,
    free_port,
    gauge,
    make_blocks,
    program,
    running_prometheus,
)

pytestmark = pytest.mark.server

HISTORY = ("my-temporal-history-1", "my-temporal-history-2")
FRONTEND = "my-temporal-frontend-1"
MATCHING = "my-temporal-matching-1"
LOAD = "benchmark-soak-test-1"


def pod(name: str, more: str = "", namespace: str = "student-01", job: str = "kubernetes-pods") -> str:
    labels = f'job="{job}",kubernetes_namespace="{namespace}",pod="{name}"'
    return f"{labels},{more}" if more else labels


def histogram(metric: str, labels: str, bounds: dict[str, float]) -> str:
    """A histogram whose buckets grow by those numbers a second; an observation is 0.0025 on average."""
    buckets = "".join(counter(f"{metric}_bucket", f'{labels},le="{bound}"', rate) for bound, rate in bounds.items())
    return buckets + counter(f"{metric}_sum", labels, 0.0025 * bounds["+Inf"])


def synthetic() -> str:
    """Samples with what each line is for; seconds are those after BASE."""
    first, second = HISTORY
    success = 'operation="CompletionStats",namespace="default"'
    lines = [
        # 10 + 5 state transitions a second; Temporal's own, other students' and a second scrape do not count.
        counter("state_transition_count_count", pod(first, 'namespace="default"'), 10),
        counter("state_transition_count_count", pod(second, 'namespace="default"'), 5),
        counter("state_transition_count_count", pod(first, 'namespace="temporal_system"'), 100),
        counter("state_transition_count_count", pod(first, 'namespace="default"', namespace="student-02"), 77),
        counter(
            "state_transition_count_count", pod(first, 'namespace="default"', job="kubernetes-service-endpoints"), 10
        ),
        counter("workflow_success", pod(first, success), 1.5),
        counter("workflow_failed", pod(first, success), 0.25),
        # The counter of a pod that began again at zero: only what lies across the restart is lost.
        counter("persistence_requests", pod(first), 40, last=160),
        counter("persistence_requests", pod(first), 40, first=160, start=0),
        # 50 of 100 up to 1 ms, 90 up to 2 ms, all up to 5 ms: the 95th stands halfway from 2 to 5 ms.
        histogram(
            "semaphore_latency", pod(first, 'operation="ShardInfo"'), {"0.001": 5, "0.002": 9, "0.005": 10, "+Inf": 10}
        ),
        histogram("semaphore_latency", pod(first, 'operation="Other"'), {"0.001": 0, "10.0": 50, "+Inf": 50}),
        # 99 short requests beside as many long polls.
        histogram(
            "service_latency", pod(FRONTEND, 'operation="StartWorkflowExecution"'), {"0.1": 10, "60.0": 10, "+Inf": 10}
        ),
        histogram(
            "service_latency", pod(FRONTEND, 'operation="PollActivityTaskQueue"'), {"0.1": 0, "60.0": 10, "+Inf": 10}
        ),
        histogram("service_latency", pod(FRONTEND, 'operation="Check"'), {"0.1": 0, "60.0": 10, "+Inf": 10}),
        histogram(
            "service_latency", pod(MATCHING, 'operation="GetTaskQueueUserData"'), {"0.1": 0, "60.0": 10, "+Inf": 10}
        ),
        # Counted at the frontend and again in history.
        counter("service_requests", pod(FRONTEND, 'operation="SignalWorkflowExecution",namespace="default"'), 2),
        counter("service_requests", pod(first, 'operation="SignalWorkflowExecution",namespace="default"'), 2),
        # Nothing was observed, though the buckets are there.
        histogram("persistence_latency", pod(first), {"0.001": 0, "+Inf": 0}),
        counter("poll_success", pod(MATCHING, 'namespace="default"'), 0),
        counter("poll_success_sync", pod(MATCHING, 'namespace="default"'), 0),
        # The third pod goes away at second 150 without a mark, as when Prometheus is restarted then.
        gauge("numshards_gauge", pod(first), 255),
        gauge("numshards_gauge", pod(second), 257),
        gauge("numshards_gauge", pod("my-temporal-history-0"), 512, last=150),
        gauge("benchmark_workflows_in_flight", pod(LOAD), lambda second: 3 if second < 300 else 6),
        counter("benchmark_workflows_started_total", pod(LOAD), 1.5),
        # Frontend and matching answer all the time; history 1 does, 2 is silent from second 400 on.
        gauge("up", pod(FRONTEND), 1),
        gauge("up", pod(MATCHING), 1),
        gauge("up", pod(LOAD), 1),
        gauge("up", pod(first), 1),
        gauge("up", pod(second), lambda second: 1 if second < 400 else 0),
        # A student whose history was scraped only at the beginning of the window from 100 to 220.
        gauge("up", pod(first, namespace="student-03"), 1, last=130),
        counter("persistence_requests", pod(first, namespace="student-03"), 40, last=130),
        # opentelemetry's names and milliseconds.
        gauge("up", pod(first, namespace="student-04"), 1),
        counter("workflow_success_total", pod(first, success, namespace="student-04"), 1.5),
        histogram(
            "semaphore_latency_milliseconds",
            pod(first, 'operation="ShardInfo"', namespace="student-04"),
            {"1.0": 5, "2.0": 9, "5.0": 10, "+Inf": 10},
        ),
        # Milliseconds under tally's name, as opentelemetry has them when told to leave the unit out; and microseconds,
        # which nobody told the profile of.
        gauge("up", pod(first, namespace="student-06"), 1),
        histogram(
            "semaphore_latency",
            pod(first, 'operation="ShardInfo"', namespace="student-06"),
            {"1.0": 5, "2.0": 9, "5.0": 10, "+Inf": 10},
        ),
        histogram("persistence_latency", pod(first, namespace="student-06"), {"1000.0": 5, "2000.0": 10, "+Inf": 10}),
        # The labels of the upstream Prometheus chart.
        gauge("up", f'job="kubernetes-pods",namespace="student-05",pod="{first}"', 1),
        counter(
            "state_transition_count_count",
            f'job="kubernetes-pods",namespace="student-05",pod="{first}",exported_namespace="default"',
            8,
        ),
        counter(
            "state_transition_count_count",
            f'job="kubernetes-pods",namespace="student-05",pod="{first}",exported_namespace="temporal-system"',
            80,
        ),
    ]
    return "".join(lines)


@pytest.fixture(scope="module", params=binaries(), ids=["packaged", "other"][: len(binaries())])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with the synthetic samples."""
    folder = tmp_path_factory.mktemp("prometheus")
    make_blocks(folder, synthetic())
    with running_prometheus(program(request.param), folder, "global: {scrape_interval: 5s}\n") as running:
        yield running


def params(url: str, **more: Any) -> dict[str, Any]:
    """Arguments of the task as Ansible hands them over: every option, with its default."""
    given = {name: option.get("default") for name, option in prometheus_sample.SPEC.items()}
    window = {"name": "w", "title": None, "start": float(BASE + 100), "duration": 120.0}
    return {**given, "url": url, "namespace": "student-01", "scrape_interval": 5.0, "windows": [window], **more}


def figures_of(address: str, **more: Any) -> dict[str, dict[str, Any]]:
    result = prometheus_sample.run(params(address, **more), Context())
    json.dumps(result, allow_nan=False)
    assert result["waited"] == pytest.approx(0, abs=5)
    return {figure["id"]: figure for figure in result["windows"][0]["figures"]}


@pytest.mark.parametrize(
    ("figure_id", "value"),
    [
        ("state_transitions", 15),
        ("workflow_successes", 1.5),
        ("workflow_failures", 0.25 * 120),
        ("transitions_per_success", 10),
        ("signal_requests", 2),
        ("service_requests", 4),
        ("shard_lock_latency_p95", 0.0035),
        ("service_latency_p95", 0.1),
        ("shards_per_pod", 512),
        ("load_started", 1.5),
        ("load_in_flight", 3),
        # No such series at all, and the profile says that this means zero.
        ("workflow_timeouts", 0),
        ("persistence_errors", 0),
        ("shards_acquired", 0),
    ],
)
def test_values(address: str, figure_id: str, value: float) -> None:
    figure = cached(address)[figure_id]
    assert figure["value"] == pytest.approx(value, rel=1e-9)
    assert (figure["state"], figure["reason"], figure["coverage"]) == ("pass", "", 1)
    assert figure["time"] == BASE + 220


@functools.lru_cache(maxsize=1)
def cached(address: str) -> dict[str, dict[str, Any]]:
    return figures_of(address)


@pytest.mark.parametrize(
    ("figure_id", "state", "reason"),
    [
        ("persistence_latency_p95", "inconclusive", "no observations in this window"),
        ("poll_sync_rate", "inconclusive", "no observations in this window"),
        (
            "lock_latency_p95",
            "error",
            "Prometheus has no metric lock_latency_bucket or lock_latency_milliseconds_bucket or "
            "lock_latency_seconds_bucket here",
        ),
        (
            "load_completed",
            "inconclusive",
            "Prometheus has no metric benchmark_workflows_completed_total here",
        ),
    ],
)
def test_what_is_not_known_is_not_zero(address: str, figure_id: str, state: str, reason: str) -> None:
    figure = cached(address)[figure_id]
    assert (figure["value"], figure["state"], figure["reason"]) == (None, state, reason)


def test_a_pod_that_is_gone_does_not_leak_into_the_shards(address: str) -> None:
    assert cached(address)["shards_per_pod"]["by"] == dict(zip(HISTORY, (255, 257)))
    # 20 seconds after its last sample Prometheus still knows it, and five minutes of its own it would tell so.
    early = figures_of(address, windows=[{"name": "w", "title": None, "start": BASE + 47.0, "duration": 120.0}])
    assert early["shards_per_pod"]["by"] == dict(zip(HISTORY, (255, 257)))


def test_a_reset_costs_only_what_lies_across_it(address: str) -> None:
    assert cached(address)["persistence_requests"]["value"] == pytest.approx(40, rel=0.05)


def test_the_query_that_is_documented_gives_the_value_beside(address: str) -> None:
    for figure in cached(address).values():
        form = {"query": figure["query"], "time": figure["time"]}
        answer = requests.post(f"{address}/api/v1/query", data=form, timeout=60).json()
        rows = answer["data"]["result"]
        if figure["promql"] is not None:
            assert sum(float(row["value"][1]) for row in rows) == pytest.approx(figure["promql"], rel=1e-12)
            # PromQL interpolates where only a bound is known.
            assert "bound" in figure or figure["promql"] == pytest.approx(figure["value"], rel=0.06)


def test_too_few_scrapes_are_inconclusive_and_never_zero(address: str) -> None:
    figures = figures_of(address, namespace="student-03")
    short = "history was scraped 6 times in this window, of 24"
    for figure_id in ("persistence_requests", "persistence_errors", "state_transitions"):
        assert (figures[figure_id]["state"], figures[figure_id]["reason"]) == ("inconclusive", short)
        assert figures[figure_id]["coverage"] == 0.25
    assert figures["persistence_requests"]["value"] > 0
    assert figures["persistence_errors"]["value"] is None
    assert figures["load_started"]["reason"] == "load was scraped 0 times in this window, of 24"


def test_figures_of_components_that_are_not_there_are_left_out(address: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json.gz"
    given = params(address, absent_components=["load", "workers", "unheard-of"], raw_path=str(kept))
    windows = prometheus_sample.run(given, Context())["windows"]
    left_out = set(cached(address)) - {figure["id"] for figure in windows[0]["figures"]}
    assert {"load_completed", "load_workflow_pollers", "load_achieved_concurrency"} <= left_out
    assert left_out == {
        figure.id
        for figure in profile_file.load(profile_file.default_path()).figures
        if figure.components and set(figure.components) <= {"load", "workers"}
    }
    assert kept_samples.figures(samples_file.load(kept)) == windows
    # Who names one by mistake must not lose figures that rest on something else as well.
    assert "service_requests" in figures_of(address, absent_components=["frontend"])


def test_a_namespace_without_series_has_no_figure(address: str) -> None:
    figures = figures_of(address, namespace="student-99")
    assert {figure["state"] for figure in figures.values()} == {"inconclusive"}
    assert {figure["value"] for figure in figures.values()} == {None}


def test_a_pod_that_stopped_answering_is_named(address: str) -> None:
    figures = figures_of(address, windows=[{"name": "w", "title": None, "start": BASE + 440.0, "duration": 120.0}])
    assert figures["state_transitions"]["state"] == "inconclusive"
    assert figures["state_transitions"]["reason"] == (
        "the pod my-temporal-history-2 did not answer 24 of 24 scrapes in this window"
    )
    assert figures["load_in_flight"]["value"] == 6


def test_the_mean_of_a_gauge_is_over_the_whole_window(address: str) -> None:
    figures = figures_of(address, windows=[{"name": "w", "title": None, "start": BASE + 240.0, "duration": 120.0}])
    assert figures["load_in_flight"]["value"] == pytest.approx(4.5, abs=0.15)


def test_names_and_unit_of_the_other_framework(address: str) -> None:
    result = prometheus_sample.run(params(address, namespace="student-04"), Context())
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    assert result["frameworks"] == ["opentelemetry"]
    assert figures["workflow_successes"]["value"] == pytest.approx(1.5)
    assert figures["shard_lock_latency_p95"]["value"] == pytest.approx(0.0035)
    assert "semaphore_latency_milliseconds_bucket" in figures["shard_lock_latency_p95"]["query"]


def test_milliseconds_under_the_name_of_seconds_are_told_by_their_buckets(address: str) -> None:
    result = prometheus_sample.run(params(address, namespace="student-06", series=True), Context())
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    lock = figures["shard_lock_latency_p95"]
    assert lock["value"] == pytest.approx(0.0035)
    assert lock["interval"] == [pytest.approx(0.002), pytest.approx(0.005)]
    assert lock["promql"] == pytest.approx(0.0035)
    assert lock["metrics"] == ["semaphore_latency_bucket"]
    assert lock["notes"] == ["semaphore_latency_bucket is the metric of servers >=1.23."]
    # It has its course bucket by bucket, in seconds too, and no series.
    assert not [one for one in result["series"] if one["figure"].startswith("shard_lock_latency")]
    (course,) = (one for one in result["windows"][0]["distributions"] if one["id"] == "shard_lock_latency")
    assert (course["title"], course["unit"], course["step"]) == ("Shard lock latency", "s", INTERVAL)
    assert course["start"] == result["windows"][0]["start"]
    assert [one["to"] for one in course["buckets"]] == [0.001, 0.002, 0.005]
    assert sum(sum(one["counts"]) for one in course["buckets"]) == pytest.approx(lock["observations"], abs=0.5)


def test_a_unit_that_is_another_one_is_an_error_and_no_value(address: str) -> None:
    figure = figures_of(address, namespace="student-06")["persistence_latency_p95"]
    assert (figure["value"], figure["promql"], figure["state"]) == (None, None, "error")
    assert figure["reason"] == (
        "the buckets of persistence_latency_bucket begin at 1000 where the profile says 0.001: its unit is another one"
    )


def test_labels_of_the_upstream_prometheus_chart(address: str) -> None:
    names = {"kubernetes_namespace_label": "namespace", "temporal_namespace_label": "exported_namespace"}
    figures = figures_of(address, namespace="student-05", variables=names)
    assert figures["state_transitions"]["value"] == pytest.approx(8)


def test_several_windows_and_the_course(address: str) -> None:
    windows = [
        {"name": "first", "title": "first minute", "start": BASE + 100.0, "duration": 60.0},
        {"name": "after", "title": None, "start": BASE + 160.5, "duration": 60.25},
    ]
    result = prometheus_sample.run(params(address, windows=windows, series=True, series_end=BASE + 260.0), Context())
    assert [(one["name"], one["title"], one["start"], one["end"]) for one in result["windows"]] == [
        ("first", "first minute", BASE + 100, BASE + 160),
        ("after", "after", BASE + 160.5, BASE + 220.75),
    ]
    assert result["windows"][1]["figures"][0]["query"].endswith("[60250ms])) / 60.25")
    assert result["windows"][1]["figures"][0]["value"] == pytest.approx(15)
    course = {(one["figure"], one["labels"].get("pod")): one for one in result["series"]}
    transitions = course["state_transitions", None]
    assert (transitions["unit"], transitions["step"]) == ("1/s", 5)
    assert [time for time, _value in transitions["points"]] == [BASE + 100.0 + 5 * step for step in range(33)]
    assert {round(value, 6) for _time, value in transitions["points"]} == {15}
    assert {value for _time, value in course["shards_per_pod", HISTORY[0]]["points"]} == {255}
    gone = course["shards_per_pod", "my-temporal-history-0"]["points"]
    assert gone[-1][0] <= BASE + 150 + 3 * INTERVAL
    assert ("persistence_latency_p95", None) not in course or not course["persistence_latency_p95", None]["points"]


def test_what_is_told_about_prometheus(address: str) -> None:
    result = prometheus_sample.run(params(address), Context())
    assert result["changed"] is False
    assert result["scrape_interval"] == 5
    assert result["frameworks"] == ["tally"]
    assert result["notes"] == []
    assert abs(result["clock_skew"]) < 5
    assert result["prometheus_version"] is None or result["prometheus_version"][0] in "23"


def test_times_are_corrected_when_the_clocks_differ(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(server.Clock):
        """This machine's clock, 100 seconds behind that of Prometheus."""

        def now(self) -> float:
            return super().now() - 100

    monkeypatch.setattr(prometheus_sample, "Clock", Late)
    window = {"name": "w", "title": None, "start": float(BASE), "duration": 120.0}
    result = prometheus_sample.run(params(address, windows=[window], series=True), Context())
    assert result["clock_skew"] == pytest.approx(100, abs=5)
    assert result["notes"] == [
        "The clock of Prometheus is 100.0 s ahead of this machine's; times were corrected by that."
    ]
    transitions = result["windows"][0]["figures"][0]
    assert (result["windows"][0]["start"], result["windows"][0]["end"]) == (BASE, BASE + 120)
    assert transitions["time"] == pytest.approx(BASE + 220, abs=1)
    assert transitions["value"] == pytest.approx(15)
    assert result["series"][0]["points"][0][0] == BASE


def test_check_mode_asks_nothing(address: str) -> None:
    result = prometheus_sample.run(params(f"http://127.0.0.1:{free_port()}"), Context(check_mode=True))
    assert (result["windows"], result["changed"]) == ([], False)
    with pytest.raises(LabError, match="no figure 'shards_pod' \\(did you mean 'shards_per_pod'"):
        prometheus_sample.run(params(address, progress_figures=["shards_pod"]), Context(check_mode=True))


def test_a_window_too_short_for_the_scrapes_is_refused_before_it_is_waited_for(address: str) -> None:
    begun = time.monotonic()
    window = {"name": "w", "title": None, "start": time.time(), "duration": 19.9}
    with pytest.raises(LabError, match=r"too short for a scrape every 5 s: make it at least 20 s"):
        prometheus_sample.run(params(address, windows=[window]), Context())
    # Waiting for the window would take 20 s.
    assert time.monotonic() - begun < 19


def test_a_window_to_come_needs_something_that_is_scraped(address: str) -> None:
    window = {"name": "w", "title": None, "start": time.time(), "duration": 600.0}
    with pytest.raises(LabError, match=r'has no job with job=~"kubernetes-pods": give the name of the job'):
        prometheus_sample.run(params(address, windows=[window], scrape_interval=None), Context())


class Starting:
    """A Prometheus that has found its first targets after so many looks."""

    address = "http://prometheus"

    def __init__(self, looks: int, labels: dict[str, str]) -> None:
        self.looks = looks
        self.found = [{"labels": labels, "health": "unknown", "scrapeInterval": "5s"}]

    def targets(self) -> list[dict[str, Any]]:
        self.looks -= 1
        return self.found if self.looks < 0 else []

    def config(self) -> str:
        return "scrape_configs: [{job_name: kubernetes-pods, scrape_interval: 7s}]"


class Clock(server.Clock):
    def __init__(self) -> None:
        super().__init__()
        self.__dict__["gone"] = 0.0

    def now(self) -> float:
        return self.wall + self.__dict__["gone"]

    def sleep(self, seconds: float) -> None:
        self.__dict__["gone"] += seconds


@pytest.mark.parametrize(
    ("looks", "ends_in", "namespace", "slept", "interval"),
    [
        (3, 60, "student-01", 6, 5.0),
        (0, 60, "student-01", 0, 5.0),
        # It never finds one.
        (99, 60, "student-01", measure.DISCOVERY, None),
        # It finds pods, but not those: that is a fault which no time cures.
        (0, 60, "student-02", 0, None),
        # The window is over: what was scraped for it is there or not.
        (99, -1, "student-01", 0, 7.0),
    ],
)
def test_a_prometheus_that_has_just_started_is_waited_for(
    looks: int, ends_in: float, namespace: str, slept: float, interval: float | None
) -> None:
    clock, lines = Clock(), []
    given = profile_file.parse(*prometheus_sample.profile_text(params(""))).bind(namespace, "my-temporal", {}, "")
    labels = {"job": "kubernetes-pods", "kubernetes_namespace": "student-01", "pod": FRONTEND}
    windows = [reading.Window("first", "first", clock.wall + ends_in - 30, 30)]

    def found() -> float:
        return measure.found_interval(Starting(looks, labels), given, windows, clock, lines.append)

    if interval is None:
        with pytest.raises(LabError, match="scrapes no pod with"):
            found()
    else:
        assert found() == interval
    assert clock.now() - clock.wall == pytest.approx(slept)
    assert bool(lines) == bool(slept)


def test_a_profile_of_ones_own(address: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(
        """\
schema: temporal_lab.benchmarking/profile/1
title: Mine
filters: ['job="kubernetes-pods"', 'kubernetes_namespace="$namespace"']
components: {history: $release-history-.+}
figures:
  - id: transitions_by_pod
    title: State transitions by pod
    question: Which pod does the work?
    unit: 1/s
    kind: rate
    by: pod
    components: [history]
    direction: higher
    thresholds: {warn: 20, fail: 10}
    sources: [{metric: state_transition_count_count}]
    where: ['namespace="default"']
"""
    )
    figures = figures_of(address, profile=str(path))
    assert figures["transitions_by_pod"]["by"] == pytest.approx(dict(zip(HISTORY, (10, 5))))
    assert figures["transitions_by_pod"]["value"] == pytest.approx(15)
    assert (figures["transitions_by_pod"]["state"], figures["transitions_by_pod"]["reason"]) == (
        "warn",
        "below the threshold of 20 1/s",
    )


# -- through the cluster's API server ---------------------------------------------


@contextmanager
def api_server(prometheus: str) -> Iterator[str]:
    """Passes on what comes for the Service, as the API server does."""
    prefix = "/api/v1/namespaces/student-01/services/my-temporal-prometheus-server:80/proxy"

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith(prefix):
                kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
                url = prometheus + self.path.removeprefix(prefix)
                answer = requests.request(self.command, url, data=body, headers=kind, timeout=60)
                status, content = answer.status_code, answer.content
            else:
                service = self.path.split("/")[6].split(":")[0]
                status = 404
                message = f'services "{service}" not found'
                content = json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": 404}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = pass_on

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_through_the_api_server(address: str, tmp_path: Path) -> None:
    with api_server(address) as cluster:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": cluster}}],
            "users": [{"name": "c", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        reached = figures_of(None, kubeconfig=str(path))
        assert {name: one["value"] for name, one in reached.items()} == {
            name: one["value"] for name, one in cached(address).items()
        }
        with pytest.raises(LabError, match='services "other" not found'):
            prometheus_sample.run(params(None, kubeconfig=str(path), service="other"), Context())
        bad = tmp_path / "bad.yml"
        bad.write_text(
            profile_file.read_text(profile_file.default_path()).replace('operation="ShardInfo"', r'operation="\z"')
        )
        # What is refused of one metric costs its figures alone.
        result = prometheus_sample.run(params(None, kubeconfig=str(path), profile=str(bad)), Context())
        refused = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
        assert refused["state_transitions"]["value"] == reached["state_transitions"]["value"]
        lock = refused["shard_lock_latency_p95"]
        assert (lock["value"], lock["state"]) == (None, "error")
        assert re.search(r"service my-temporal-prometheus-server:80 in namespace student-01 .*refused", lock["reason"])


# -- as Ansible runs it -----------------------------------------------------------


def test_as_a_module(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    window = {"name": "w", "start": BASE + 100, "duration": 120}
    given = {"url": address, "namespace": "student-01", "scrape_interval": 5, "windows": [window]}
    with patch_module_args(given), pytest.raises(SystemExit):
        sample_module.main()
    result = json.loads(capsys.readouterr().out)
    assert result["windows"][0]["figures"][0]["value"] == pytest.approx(15)
    with patch_module_args({**given, "service": "also"}), pytest.raises(SystemExit):
        sample_module.main()
    assert "mutually exclusive: url|service" in json.loads(capsys.readouterr().out)["msg"]
    with patch_module_args({"url": address}), pytest.raises(SystemExit):
        info_module.main()
    assert json.loads(capsys.readouterr().out)["targets"] == []


# -- live ---------------------------------------------------------------------------


@contextmanager
def exporter() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server of metrics whose counter grows with time; ``state["pods"]`` are the pods it tells of."""
    state: dict[str, Any] = {"pods": HISTORY, "begun": time.time()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            done = 1000 + 10 * (time.time() - state["begun"])
            text = f'state_transition_count_count{{namespace="default"}} {done}\n'
            # Shows how counters are called and labelled, without which nothing is known to be zero.
            text += 'service_requests{namespace="default"} 7\n'
            for name in state["pods"]:
                text += f'numshards_gauge{{history="{name}"}} 256\n'
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


LIVE = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: kubernetes-pods
    static_configs:
      - {{targets: ["{exporter}"], labels: {{pod: my-temporal-history-1, kubernetes_namespace: student-01}}}}
      - {{targets: ["127.0.0.1:{closed}"], labels: {{pod: my-temporal-frontend-1, kubernetes_namespace: student-01}}}}
  - job_name: kubernetes-service-endpoints
    scrape_interval: 2s
    static_configs: [{{targets: ["{exporter}"]}}]
"""


def test_a_window_that_is_still_to_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is long enough for a pod to go inside it, however slow this machine is."""
    monkeypatch.setattr(measure, "PROGRESS", 2.0)
    pauses: list[float] = []
    sleep = server.Clock.sleep
    monkeypatch.setattr(server.Clock, "sleep", lambda self, seconds: (pauses.append(seconds), sleep(self, seconds)))
    with exporter() as (target, state):
        config = LIVE.format(exporter=target, closed=free_port())
        with running_prometheus(program("prometheus"), tmp_path, config) as address:

            def told_of() -> Any:
                told = prometheus_info.run({**params(address), "job": None}, Context())
                return told if {one["health"] for one in told["targets"]} == {"up", "down"} else None

            told = eventually(told_of, "all targets were scraped")
            ups = {(one["job"], one["pod"]): (one["health"], one["scrape_interval"]) for one in told["targets"]}
            assert ups == {
                ("kubernetes-pods", "my-temporal-history-1"): ("up", 1),
                ("kubernetes-pods", "my-temporal-frontend-1"): ("down", 1),
                ("kubernetes-service-endpoints", ""): ("up", 2),
            }
            assert any("connection refused" in one["last_error"] for one in told["targets"])
            assert told["duplicates"] == [
                {"scrape_url": f"http://{target}/metrics", "jobs": ["kubernetes-pods", "kubernetes-service-endpoints"]}
            ]
            assert "100y" in told["retention"]

            short = [{"name": "w", "title": None, "start": time.time(), "duration": 3.9}]
            with pytest.raises(LabError, match="too short for a scrape every 1 s: make it at least 4 s"):
                prometheus_sample.run(params(address, scrape_interval=None, windows=short), Context())

            lines: list[str] = []
            went: list[float] = []

            def show(line: str) -> None:
                lines.append(line)
                # One of the two series ends inside the window; Prometheus marks it as stale.
                if line.endswith("shards 256 / 256") and not went:
                    state["pods"] = HISTORY[:1]
                    went.append(time.time())

            own = profile_file.read_text(profile_file.default_path()).replace("    by: pod\n", "    by: history\n")
            for length in (5, 20, 80):
                state["pods"] = HISTORY
                lines.clear()
                pauses.clear()
                went.clear()
                start = time.time()
                window = {"name": "now", "title": "this moment", "start": start, "duration": float(length)}
                result = prometheus_sample.run(
                    params(address, profile_content=own, scrape_interval=None, windows=[window]), Context(show=show)
                )
                took = time.time() - start
                if went and went[0] < start + length - 2.5:
                    break
    assert result["scrape_interval"] == 1
    # Until one scrape and the margin after the window, and not longer.
    assert took >= length + 2
    assert sum(pauses) <= length + 2
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    assert figures["state_transitions"]["value"] == pytest.approx(10, rel=0.1)
    assert figures["shards_per_pod"]["by"] == {HISTORY[0]: 256}
    assert figures["service_requests"]["reason"] == f"frontend was scraped 0 times in this window, of {length}"
    assert len(lines) == len(pauses)
    assert re.match(r"this moment: \d:\d\d left · state transitions ", lines[0])
    known = "successes 0/s · shard lock mean not known yet · shard lock p99 not known yet · shards 256 / 256"
    assert any(line.endswith(known) for line in lines), lines
    assert lines[-1].startswith("this moment: over, waiting for its last scrape")
    assert lines[-1].endswith("shards 256")


def test_current_values_are_not_zero_when_nothing_answers(address: str) -> None:
    """Workflow timeouts have no series: zero while history answers, not known when it does not."""
    known = profile_file.load(profile_file.default_path())
    with prometheus_sample.connect(params(address)) as client:
        for namespace, found in (("student-01", [0.0]), ("student-99", [])):
            asking = reader.Reader(client, known.bind(namespace, "my-temporal"), 5)
            shown = [asking.profile.figure(one) for one in ("workflow_timeouts", "state_transitions", "shards_per_pod")]
            values = asking.current(shown, BASE + 220, 5)
            assert values["workflow_timeouts"] == found
        assert values == {"workflow_timeouts": [], "state_transitions": [], "shards_per_pod": []}
        asking = reader.Reader(client, known.bind("student-01", "my-temporal"), 5)
        text = progress.current_values(asking, question.progress_figures(asking.profile, None), BASE + 220)
    assert text == (
        "state transitions 15/s · successes 1.50/s · shard lock mean 2.50 ms · shard lock p99 4.70 ms · "
        "shards 255 / 257"
    )


def test_a_wait_survives_a_prometheus_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only a pause moves on, so that it does not matter how busy this machine is."""
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(progress, "PATIENCE", 0.2)
    lines: list[str] = []
    pauses: list[float] = []
    bound = profile_file.load(profile_file.default_path()).bind("student-01", "my-temporal")
    window = reading.Window("w", "w", 1000.0, 7.0)

    class Standing(server.Clock):
        def now(self) -> float:
            return 1000.0 + sum(pauses)

        def sleep(self, seconds: float) -> None:
            pauses.append(seconds)

    with prometheus_sample.connect(params(address)) as client:
        asking = reader.Reader(client, bound, 5)
        shown = question.progress_figures(bound, None)
        measure.wait(asking, [window], shown, window.end, Standing(), lines.append)
    assert lines == [
        "w: 0:07 left · Prometheus does not answer at the moment",
        "w: 0:02 left · Prometheus does not answer at the moment",
    ]
    assert pauses == [5.0, 2.0]


# -- pods that come and go ------------------------------------------------------------


class Counting:
    """A process with one counter that grows evenly.

    address: where it serves it. served: times at which it answered a scrape, by the value that it answered with.
    """

    def __init__(self, rate: float, first: float = 0.0) -> None:
        self.rate = rate
        self.served: dict[float, float] = {}
        self._first = first
        self._begun = time.time()
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                now = time.time()
                witness.served[witness.value(now)] = now
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"m_total {witness.value(now)!r}\n".encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Prometheus gave up a scrape: it says so itself."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def value(self, at: float) -> float:
        return self._first + self.rate * (at - self._begun)

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


COMING_AND_GOING = """\
schema: temporal_lab.benchmarking/profile/1
title: Coming and going
filters: ['job="pods"']
components: {app: app-.+}
figures:
  - id: total
    title: Total
    question: How much was counted?
    unit: "1"
    kind: total
    by: pod
    components: [app]
    sources: [{metric: m_total}]
"""


#: Seconds within which Prometheus sets the time of a scrape right, and windows are rounded.
ROUNDED = 0.005


@dataclass(frozen=True)
class ComingAndGoing:
    """What was measured while one pod stayed, one went and one came.

    samples: those of each pod's counter by its name, up: of its scrapes, as Prometheus has them.
    """

    figure: dict[str, Any]
    start: float
    end: float
    pods: dict[str, Counting]
    samples: dict[str, list[tuple[float, float]]]
    up: dict[str, list[tuple[float, float]]]

    def in_time(self, interval: float) -> bool:
        """Whether each scrape was answered, and none was so late that it may as well have been left out."""
        return all(
            value == 1 and after - before < 1.4 * interval
            for scrapes in self.up.values()
            for (before, _value), (after, value) in pairwise([(scrapes[0][0], 1.0), *scrapes])
        )

    def late(self, pod: str) -> float:
        """Seconds from the time that Prometheus gives a scrape of a pod to the pod's answer, at most.

        The pod is the witness: what Prometheus scraped is what it served.
        """
        served = self.pods[pod].served
        return max(abs(served[value] - at) for at, value in self.samples[pod]) + ROUNDED

    def grown(self, pod: str) -> Any:
        """What a pod counted in the window: evenly, so a scrape is off by what was counted until it was answered."""
        counted = self.pods[pod].value(self.end) - self.pods[pod].value(self.start)
        return pytest.approx(counted, abs=self.pods[pod].rate * self.late(pod))


def come_and_go(folder: Path, interval: float) -> ComingAndGoing:
    """Measure a window in which one pod goes and another comes; it is as long as that takes."""
    found = folder / "targets.json"

    def tell(**pods: Counting) -> None:
        entries = [{"targets": [one.address], "labels": {"pod": pod.replace("_", "-")}} for pod, one in pods.items()]
        beside = folder / "targets.new"
        beside.write_text(json.dumps(entries))
        beside.rename(found)

    config = (
        f"global: {{scrape_interval: {query.duration(interval)}, scrape_timeout: {query.duration(interval)}}}\n"
        f'scrape_configs: [{{job_name: pods, file_sd_configs: [{{files: ["{found}"]}}]}}]\n'
    )
    with Counting(100) as stays, Counting(40) as goes:
        tell(app_stays=stays, app_goes=goes)
        with running_prometheus(program("prometheus"), folder, config) as address:

            def raw(metric: str, seconds: float) -> dict[str, list[tuple[float, float]]]:
                asked = {"query": f"{metric}[{query.duration(seconds)}]"}
                rows = requests.get(f"{address}/api/v1/query", params=asked, timeout=60).json()["data"]["result"]
                return {row["metric"]["pod"]: [(at, float(value)) for at, value in row["values"]] for row in rows}

            def targets() -> set[str]:
                told = requests.get(f"{address}/api/v1/targets", timeout=60).json()["data"]["activeTargets"]
                return {one["labels"]["pod"] for one in told}

            def scraped(since: float, pods: dict[str, Counting], times: int) -> bool:
                return all(sum(at > since for at in list(one.served.values())) >= times for one in pods.values())

            before = lives.lead_in(interval) + 2 * interval
            both = {"app-stays": stays, "app-goes": goes}
            eventually(
                lambda: (
                    scraped(0, both, 1) and min(*stays.served.values(), *goes.served.values()) < time.time() - before
                ),
                "both were scraped for longer than what is read before a window",
            )
            start = time.time()
            eventually(lambda: scraped(start, both, 2), "both are scraped in the window")
            with Counting(70, first=5000) as comes:
                tell(app_stays=stays, app_comes=comes)
                eventually(
                    lambda: targets() == {"app-stays", "app-comes"} and scraped(start, {"app-comes": comes}, 5),
                    "Prometheus found that one went and one came",
                )
                end = time.time()
                window = {"name": "w", "title": None, "start": start, "duration": end - start}
                asked = params(address, profile_content=COMING_AND_GOING, scrape_interval=interval, windows=[window])
                result = prometheus_sample.run(asked, Context())
                since = time.time() - start + before
                samples, up = raw("m_total", since), raw("up", since)
    (figure,) = result["windows"][0]["figures"]
    return ComingAndGoing(figure, start, end, {**both, "app-comes": comes}, samples, up)


def test_pods_that_come_and_go_while_a_real_prometheus_looks(tmp_path: Path) -> None:
    """What each pod counted itself is the truth; discovery, scrapes and stale markers are Prometheus' own.

    On a machine that is too busy for scrapes to come in time they are as far apart as it takes.
    """
    for interval in (0.5, 1.0, 2.0, 4.0, 8.0):
        folder = tmp_path / str(interval)
        folder.mkdir()
        seen = come_and_go(folder, interval)
        if seen.in_time(interval):
            break
    figure = seen.figure
    assert (figure["state"], figure["reason"]) == ("pass", ""), seen
    assert (figure["new_series"], figure["gone_series"], figure["unknown_series"]) == (1, 1, 0)
    assert set(figure["by"]) == {"app-stays", "app-comes", "app-goes"}
    assert figure["by"]["app-stays"] == seen.grown("app-stays")
    comes, goes = seen.pods["app-comes"], seen.pods["app-goes"]
    # All that the new pod ever counted, with the 5000 and more that it had at its first scrape.
    assert figure["by"]["app-comes"] == pytest.approx(comes.value(seen.end), abs=comes.rate * seen.late("app-comes"))
    # It was scraped until Prometheus looked for targets again.
    last = seen.samples["app-goes"][-1][1]
    assert figure["by"]["app-goes"] == pytest.approx(
        last - goes.value(seen.start), abs=goes.rate * seen.late("app-goes")
    )
    assert last > goes.value(seen.start)
    # PromQL leaves out what the new pod had at its first scrape, and guesses at what lies at the edges.
    assert figure["promql"] < figure["value"] - 4000
    assert "1 series that began in the window" in figure["promql_reason"]
