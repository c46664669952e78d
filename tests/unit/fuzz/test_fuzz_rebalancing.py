# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a rebalancing and of kubelets, damaged at a place, up to the ledger and the resources in results."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import kept_samples, profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.question import Question
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import Window
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import StageAbout
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.rebalancing import rebalancing
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import damaged, fuzz
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.test_fuzz_prometheus import good, measured
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FIRST,
    INTERVAL,
    expand,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.test_ledger import KILLED, PODS

BEGIN = 1_795_453_200.0
WINDOW = Window("scale", "scaled", BEGIN, 120.0)
SAMPLES = 30


def row(metric: str, notation: str, **labels: str) -> dict[str, Any]:
    """A series as Prometheus answers it, from the notation of the cases."""
    values = [
        [BEGIN + FIRST + number * INTERVAL, f"{value:g}"]
        for number, value in enumerate(expand(notation))
        if value is not None
    ]
    return {"metric": {"__name__": metric, **labels}, "values": values}


def of_pods() -> list[dict[str, Any]]:
    """The series of test_ledger's killed history pod."""
    rows = []
    for name, notation in KILLED.items():
        metric, pod, *more = name.split(";")
        labels = {
            "job": "kubernetes-pods",
            "instance": f"10.0.0.{PODS.index(pod) + 1}:9090",
            "pod": pod,
            "kubernetes_namespace": "student-01",
        }
        for part in more[0].split(",") if more else ():
            key, _equals, value = part.partition("=")
            labels[key] = value.strip('"')
        rows.append(row(metric, notation, **labels))
    return rows


def of_kubelets() -> list[dict[str, Any]]:
    """Two cores, of which the machine uses 1.9 and a history pod 0.7."""
    kubelet = {"job": "kubernetes-nodes-cadvisor", "instance": "node-1"}
    pod = {**kubelet, "namespace": "student-01", "pod": PODS[0]}
    return [
        row("up", f"1x{SAMPLES}", **kubelet),
        row("machine_cpu_cores", f"2x{SAMPLES}", **kubelet),
        row("container_cpu_usage_seconds_total", f"100+9.5x{SAMPLES}", id="/", **kubelet),
        row("container_cpu_usage_seconds_total", f"10+3.5x{SAMPLES}", id="/pod", container="", **pod),
        row("container_memory_working_set_bytes", f"1000000x{SAMPLES}", id="/pod", container="", **pod),
    ]


@cache
def question() -> Question:
    text = profile_file.default_path().read_text(encoding="utf-8")
    return Question(text, "temporal.yml", "student-01", "my-temporal", {}, "1.31.2", [WINDOW], {})


PODS_ROWS, KUBELET_ROWS = of_pods(), of_kubelets()
#: Four workflows complete per second, and each takes a second and a half.
ABOUT: StageAbout = {
    "stage": "scale",
    "started": BEGIN,
    "events": [],
    "versions": {},
    "settings": {"concurrent_workflows": 6},
    "facts": {},
}
NAMES = sorted({one["metric"]["__name__"] for one in PODS_ROWS + KUBELET_ROWS})


def world(pods: Any, kubelets: Any) -> dict[str, Any]:
    """What Prometheus answers to a query of pods, and to one of kubelets."""
    return {
        "names": good(NAMES),
        "matrix": good({"resultType": "matrix", "result": pods}),
        "kubelet": good({"resultType": "matrix", "result": kubelets}),
    }


def worked_out(answers: dict[str, Any]) -> dict[str, Any]:
    """The results' windows and ledger of these answers."""
    kept = dataclasses.replace(measured(answers, question()), about=ABOUT)
    windows = kept_samples.figures(kept)
    record = {"windows": windows, "ledger": rebalancing(kept, windows, [])}
    json.dumps(record, allow_nan=False).encode()
    return record


def test_what_is_damaged_is_good_before() -> None:
    """Otherwise the targets below would never reach a ledger, nor what was used up."""
    record = worked_out(world(PODS_ROWS, KUBELET_ROWS))
    assert [one["pod"] for one in record["ledger"]["entries"] if one["what"] == "shards_acquired"] == [PODS[1]]
    assert record["ledger"]["lost"]["workflow_seconds"] is not None
    used_up = record["windows"][0]["resources"]
    assert (used_up["state"], used_up["saturated"]) == ("saturated", ["machine"])


@fuzz(damaged(PODS_ROWS, most=4))
def test_fuzz_ledgers(rows: Any) -> None:
    worked_out(world(rows, KUBELET_ROWS))


@fuzz(damaged(KUBELET_ROWS, most=4))
def test_fuzz_kubelets(rows: Any) -> None:
    worked_out(world(PODS_ROWS, rows))
