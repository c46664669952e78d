#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's profile costs for one window of two minutes, against a real Prometheus.

tests/benchmarks/measure_profile.py [--rounds N] [--students N] [--prometheus BINARY]

Prometheus gets synthetic samples of the lab's size: two history pods, a scrape every five
seconds, as many series as persistence, service and lock histograms have there. Reading begins
after a first round that is not counted. CPU-seconds are this process' own; Prometheus' stand
beside them. Needs the Debian package prometheus (promtool, prometheus).
"""

from __future__ import annotations

import argparse
import gc
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
import conftest  # noqa: E402, F401  makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (  # noqa: E402
    sample,
    transport,
)
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
        add("numshards_gauge", pod, "", 0, 256, constant=True)
    for operation in range(10):
        histogram("service_latency", FRONTEND, f'operation="Frontend{operation}",{default},service_name="frontend"')
        add("service_requests", FRONTEND, f'operation="Frontend{operation}",{default}', 3.0)
    add("service_requests", FRONTEND, f'operation="SignalWorkflowExecution",{default}', 3.0)
    for metric in ("poll_success", "poll_success_sync"):
        add(metric, MATCHING, default, 5.0)
    for metric in ("started", "completed", "failed"):
        add(f"benchmark_workflows_{metric}_total", LOAD, "", 1.5)
    histogram("benchmark_workflow_end_to_end_seconds", LOAD, "")
    add("benchmark_workflows_in_flight", LOAD, "", 0, 3, constant=True)
    return "".join(line for lines in metrics.values() for line in lines)


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="times to measure; the median is shown")
    parser.add_argument("--students", type=int, default=0, help="as well read for so many students, one after another")
    parser.add_argument("--prometheus", default="prometheus", help="the binary to read from")
    arguments = parser.parse_args()

    counted = {"requests": 0, "bytes": 0}
    request = transport.UrlTransport.request

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = request(self, *args, **kwargs)
        counted["requests"] += 1
        counted["bytes"] += len(answer[2])
        return answer

    transport.UrlTransport.request = counting  # type: ignore[method-assign]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_blocks(folder, synthetic())
        with running_prometheus(program(arguments.prometheus), folder, "global: {scrape_interval: 5s}\n") as address:
            given = {name: option.get("default") for name, option in sample.SPEC.items()}
            window = {"name": "w", "title": None, "start": float(BASE), "duration": 120.0}
            given.update(url=address, namespace="student-01", scrape_interval=5.0, windows=[window])

            def measure(title: str, **more: Any) -> dict[str, Any]:
                result = sample.run({**given, **more}, Context())
                took = []
                for _ in range(arguments.rounds):
                    counted.update(requests=0, bytes=0)
                    gc.collect()
                    begun, wall = cpu(resource.RUSAGE_SELF), time.perf_counter()
                    result = sample.run({**given, **more}, Context())
                    took.append((cpu(resource.RUSAGE_SELF) - begun, time.perf_counter() - wall))
                seconds, walls = zip(*took)
                print(  # noqa: T201
                    f"{title:<40} {statistics.median(seconds):.3f} CPU-s (least {min(seconds):.3f})"
                    f"  {statistics.median(walls):.2f} s  {counted['requests']} requests"
                    f"  {counted['bytes'] / 1e6:.2f} MB"
                )
                return result

            raw = folder / "raw.json.gz"
            result = measure("figures of one window")
            measure("and its raw samples kept", raw_path=str(raw))
            measure("and the course for plots", raw_path=str(raw), series=True)
            two = [{**window, "duration": 60.0}, {**window, "name": "x", "start": BASE + 60.0, "duration": 60.0}]
            measure("two windows of a minute in one read", windows=two)
            figures = result["windows"][0]["figures"]
            states = {
                state: sum(one["state"] == state for one in figures) for state in ("pass", "inconclusive", "error")
            }
            print(f"{len(figures)} figures: {states}; raw samples {raw.stat().st_size / 1e6:.2f} MB")  # noqa: T201
            if arguments.students:
                counted.update(requests=0, bytes=0)
                begun, wall = cpu(resource.RUSAGE_SELF), time.perf_counter()
                for _ in range(arguments.students):
                    sample.run(given, Context())
                print(  # noqa: T201
                    f"{arguments.students} students, one after another: {cpu(resource.RUSAGE_SELF) - begun:.1f} CPU-s"
                    f"  {time.perf_counter() - wall:.1f} s  {counted['requests']} requests"
                    f"  {counted['bytes'] / 1e6:.0f} MB"
                )
    print(f"Prometheus and promtool: {cpu(resource.RUSAGE_CHILDREN):.1f} CPU-s in all")  # noqa: T201


if __name__ == "__main__":
    main()
