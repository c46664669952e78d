# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's profile costs for one window of two minutes, against a real Prometheus.

python tests/benchmarks/measure_profile.py [--rounds N] [--students N] [--prometheus BINARY]
python tests/benchmarks/measure_profile.py --kubeconfig FILE [--namespace NAME]

Prometheus gets synthetic samples of the lab's size: two history pods, a scrape every five
seconds, as many series as persistence, service and lock histograms have there. Reading begins
after a first round that is not counted. CPU-seconds are this process' own; Prometheus' stand
beside them. Needs the Debian package prometheus (promtool, prometheus).

With a kubeconfig it reads the last two minutes of a real lab instead, through the API server of its cluster.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.transport import Transport  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import prometheus_sample  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (  # noqa: E402
    BASE,
    INTERVAL,
    make_blocks,
    program,
    running_prometheus,
)

HISTORY = ("my-temporal-history-7d9c5b6f4-abcde", "my-temporal-history-7d9c5b6f4-fghij")
FRONTEND = "my-temporal-frontend-6c8d7f9b5-klmno"
MATCHING = "my-temporal-matching-5f6b8c7d9-pqrst"
LOAD = "benchmark-soak-test-84f7c6d5b-uvwxy"
#: Pods of which the kubelet tells.
ROWS = (
    *(*HISTORY, FRONTEND, MATCHING, LOAD),
    *(f"my-temporal-{name}" for name in ("worker-6b7c8d9f5-abcde", "postgresql-0", "prometheus-server-5d6f7-abcde")),
    "benchmark-workers-678fd686bd-abcde",
)
#: Upper bounds as Temporal's tally reporter has them, in seconds.
BOUNDS = [f"{digit * 10.0**power:g}" for power in range(-3, 3) for digit in (1, 2, 5)] + ["1000", "+Inf"]
FIRST, LAST = -20, 180


def synthetic() -> str:
    """Samples of one student, as OpenMetrics: one block of lines for each metric."""
    chance = random.Random(20261123)
    pods = (*HISTORY, FRONTEND, MATCHING, LOAD)
    # All series of a pod are scraped together, and not to the millisecond.
    scrapes: dict[str, list[float]] = {}
    for pod in pods:
        offset = chance.uniform(0, INTERVAL)
        scrapes[pod] = [tick + offset + chance.uniform(-0.002, 0.002) for tick in range(FIRST, LAST, INTERVAL)]
    metrics: dict[str, list[str]] = {}

    def add(metric: str, pod: str, labels: str, per_second: float, first: float = 1e4, constant: bool = False) -> None:
        address = f"10.0.0.{pods.index(pod) + 2}:9090"
        of_target = f'job="kubernetes-pods",instance="{address}",kubernetes_namespace="student-01",pod="{pod}"'
        of_target += f',app_kubernetes_io_name="temporal",app_kubernetes_io_component="{pod.split("-")[2]}"'
        lines = metrics.setdefault(metric, [])
        for second in scrapes[pod]:
            value = first if constant else round(first + per_second * (second - FIRST))
            lines.append(f"{metric}{{{of_target}{',' if labels else ''}{labels}}} {value} {BASE + second:.3f}\n")

    def histogram(metric: str, pod: str, labels: str) -> None:
        rate = chance.choice((0.0, 0.5, 5.0, 40.0))
        for index, bound in enumerate(BOUNDS):
            share = min(1.0, (index + 1) / chance.randint(5, 12)) if bound != "+Inf" else 1.0
            add(f"{metric}_bucket", pod, f'{labels}{"," if labels else ""}le="{bound}"', rate * share)
        add(f"{metric}_sum", pod, labels, rate)

    default, system = 'namespace="default"', 'namespace="temporal_system"'
    for pod in pods:
        add("up", pod, "", 0, 1, constant=True)
    for pod in HISTORY:
        for operation in range(52):
            labels = f'operation="Operation{operation}",{system},service_name="history"'
            histogram("persistence_latency", pod, labels)
            add("persistence_requests", pod, labels, 3.0)
        for operation in range(12):
            histogram("service_latency", pod, f'operation="History{operation}",{system},service_name="history"')
        for operation in range(40):
            labels = f'operation="History{operation}",{default},service_name="history"'
            add("service_requests", pod, labels, 2.0)
        for metric in ("semaphore_latency", "lock_latency"):
            histogram(metric, pod, 'operation="ShardInfo",service_name="history"')
        histogram("cache_latency", pod, 'operation="HistoryCacheGetOrCreate",cache_type="mutablestate"')
        histogram("acquire_shards_latency", pod, 'operation="ShardController"')
        histogram("task_schedule_to_start_latency", pod, f'{default},task_type="Workflow"')
        for labels in (default, system):
            add("state_transition_count_count", pod, labels, 20.0)
        add("workflow_success", pod, f'operation="CompletionStats",{default}', 1.5)
        add("workflow_failed", pod, f'operation="CompletionStats",{default}', 0.0)
        for metric in ("membership_changed_count", "sharditem_created_count", "sharditem_removed_count"):
            add(metric, pod, "", 0.0)
        add("persistence_errors", pod, 'operation="GetOrCreateShard"', 0.0)
        add("service_errors", pod, 'operation="History1"', 0.1)
        for kind in ("ShardOwnershipLost", "Unavailable", "NotFound"):
            for operation in range(4):
                labels = f'error_type="serviceerror_{kind}",operation="History{operation}",{default}'
                add("service_error_with_type", pod, labels, 0.1)
                add("client_errors", pod, f'{labels},service_role="history"', 0.1)
        add("numshards_gauge", pod, "", 0, 256, constant=True)
    for pod in (*HISTORY, FRONTEND, MATCHING):
        add("memory_heapinuse", pod, "", 0, 1e8, constant=True)
        add("num_goroutines", pod, "", 0, 1000, constant=True)
        add("restarts", pod, "", 0, 1, constant=True)
        add("service_errors_resource_exhausted", pod, f'resource_exhausted_cause="BusyWorkflow",{default}', 0.1)
    for operation in range(10):
        histogram("service_latency", FRONTEND, f'operation="Frontend{operation}",{default},service_name="frontend"')
        add("service_requests", FRONTEND, f'operation="Frontend{operation}",{default}', 3.0)
    add("service_requests", FRONTEND, f'operation="SignalWorkflowExecution",{default}', 3.0)
    for metric in ("poll_success", "poll_success_sync"):
        add(metric, MATCHING, default, 5.0)
    for operation in ("start", "signal", "result"):
        add("benchmark_request_errors_total", LOAD, f'operation="{operation}"', 0.0)
    for metric in ("started", "completed", "failed"):
        add(f"benchmark_workflows_{metric}_total", LOAD, "", 1.5)
    histogram("benchmark_workflow_end_to_end_seconds", LOAD, "")
    add("benchmark_workflows_in_flight", LOAD, "", 0, 3, constant=True)
    return "".join(line for lines in metrics.values() for line in lines)


def observed() -> str:
    """What the kubelet tells of the same pods, and of those that are not scraped: rows with times of their own."""
    chance = random.Random(14)
    node = 'job="kubernetes-cadvisor",instance="10.0.0.1:10250",node="lab"'
    ticks = range(FIRST - 30, LAST, INTERVAL)
    lines = [f"up{{{node}}} 1 {BASE + tick + 1.5:.3f}\n" for tick in ticks]
    lines += [f"machine_cpu_cores{{{node}}} 2 {BASE + tick + 1.5:.3f}\n" for tick in ticks]
    rows = ['id="/"']
    rows += [f'id="/kubepods/pod{number}",namespace="student-01",pod="{pod}"' for number, pod in enumerate(ROWS)]
    for metric, value in (
        ("container_cpu_usage_seconds_total", lambda second: 0.2 * (second - FIRST + 40)),
        ("container_memory_working_set_bytes", lambda _second: 1e8),
    ):
        for row in rows:
            second = FIRST - 30 - chance.uniform(0, 10)
            while second < LAST:
                lines.append(f"{metric}{{{node},{row}}} {value(second):.6f} {BASE + second:.3f}\n")
                second += chance.uniform(10, 20)
    return "".join(lines)


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


class Meter:
    """Counts what goes over the wire, and measures what reading costs this process."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.requests = self.bytes = 0
        Transport.send = self._counting(Transport.send)  # type: ignore[method-assign] # counts in the one way out

    def _counting(self, send: Any) -> Any:
        def counting(way: Any, *args: Any, **kwargs: Any) -> Any:
            answer = send(way, *args, **kwargs)
            self.requests += 1
            self.bytes += len(answer.body)
            return answer

        return counting

    def run(self, params: dict[str, Any], times: int = 1) -> tuple[dict[str, Any], float, float]:
        """Read so many times; the last result, CPU-seconds and seconds of all."""
        self.requests = self.bytes = 0
        gc.collect()
        begun, wall = cpu(resource.RUSAGE_SELF), time.perf_counter()
        for _time in range(times):
            result = prometheus_sample.run(params, Context())
        return result, cpu(resource.RUSAGE_SELF) - begun, time.perf_counter() - wall

    def measure(self, title: str, params: dict[str, Any]) -> dict[str, Any]:
        """Read once without counting, then as often as was asked for, and print the median."""
        prometheus_sample.run(params, Context())
        took = [self.run(params) for _round in range(self.rounds)]
        seconds = [one[1] for one in took]
        say(
            f"{title:<40} {statistics.median(seconds):.3f} CPU-s (least {min(seconds):.3f})"
            f"  {statistics.median(one[2] for one in took):.2f} s  {self.requests} requests  {self.bytes / 1e6:.2f} MB"
        )
        return took[-1][0]


def measure_all(meter: Meter, params: dict[str, Any], folder: Path, students: int) -> None:
    """Read a window of two minutes that is over, in the ways that the lab reads it."""
    raw = folder / "raw.json.gz"
    (window,) = params["windows"]
    result = meter.measure("figures of one window", params)
    meter.measure("and its raw samples kept", {**params, "raw_path": str(raw)})
    meter.measure("and the course for plots", {**params, "raw_path": str(raw), "series": True})
    half = {**window, "duration": 60.0}
    two = [half, {**half, "name": "x", "start": window["start"] + 60.0}]
    meter.measure("two windows of a minute in one read", {**params, "windows": two})
    figures = result["windows"][0]["figures"]
    states = {state: sum(one["state"] == state for one in figures) for state in ("pass", "inconclusive", "error")}
    say(f"{len(figures)} figures: {states}; raw samples {raw.stat().st_size / 1e6:.2f} MB")
    if students:
        _result, seconds, wall = meter.run(params, students)
        say(
            f"{students} students, one after another: {seconds:.1f} CPU-s, {seconds / students:.3f} a student"
            f"  {wall:.1f} s  {meter.requests} requests  {meter.bytes / 1e6:.0f} MB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times to measure; the median is shown")
    parser.add_argument("--students", type=int, default=0, help="as well read for so many students, one after another")
    parser.add_argument("--prometheus", default="prometheus", help="the binary to read from")
    parser.add_argument("--kubeconfig", help="read from the real lab of this cluster instead")
    parser.add_argument("--namespace", default="default", help="the Kubernetes namespace of that lab")
    arguments = parser.parse_args()

    meter = Meter(arguments.rounds)
    params = {name: option.get("default") for name, option in prometheus_sample.SPEC.items()}
    window = {"name": "w", "title": None, "start": float(BASE), "duration": 120.0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.kubeconfig:
            window["start"] = round(time.time() - 140.0, 3)
            params.update(kubeconfig=arguments.kubeconfig, namespace=arguments.namespace, windows=[window])
            measure_all(meter, params, folder, arguments.students)
            return
        make_blocks(folder, synthetic() + observed())
        with running_prometheus(program(arguments.prometheus), folder, "global: {scrape_interval: 5s}\n") as address:
            params.update(url=address, namespace="student-01", scrape_interval=5.0, windows=[window])
            measure_all(meter, params, folder, arguments.students)
    say(f"Prometheus and promtool: {cpu(resource.RUSAGE_CHILDREN):.1f} CPU-s in all")


if __name__ == "__main__":
    main()
