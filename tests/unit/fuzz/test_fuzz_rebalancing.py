# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a rebalancing and of kubelets, damaged at a place, up to the ledger and the resources in results."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.question import Question
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import Window
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import StageAbout, StageRecord
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import damaged, fuzz
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.test_fuzz_prometheus import (
    as_results,
    good,
    measured,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FIRST,
    INTERVAL,
    expand,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.test_ledger import BASE, KILLED, PODS, scraped

WINDOW = Window("scale", "scaled", BASE, 120.0)


def row(labels: dict[str, str], samples: list[tuple[float, str]]) -> dict[str, Any]:
    """A series as Prometheus answers it."""
    return {"metric": labels, "values": [list(sample) for sample in samples]}


def steady(metric: str, notation: str, **labels: str) -> dict[str, Any]:
    """A series with a sample of each scrape, from the notation of the cases."""
    samples = [(BASE + FIRST + number * INTERVAL, f"{value:g}") for number, value in enumerate(expand(notation))]
    return row({"__name__": metric, **labels}, samples)


def of_kubelets() -> list[dict[str, Any]]:
    """Two cores, of which the machine uses 1.9 and a history pod 0.7."""
    kubelet = {"job": "kubernetes-nodes-cadvisor", "instance": "node-1"}
    pod = {**kubelet, "namespace": "student-01", "pod": PODS[0]}
    return [
        steady("up", "1x30", **kubelet),
        steady("machine_cpu_cores", "2x30", **kubelet),
        steady("container_cpu_usage_seconds_total", "100+9.5x30", id="/", **kubelet),
        steady("container_cpu_usage_seconds_total", "10+3.5x30", id="/pod", container="", **pod),
        steady("container_memory_working_set_bytes", "1000000x30", id="/pod", container="", **pod),
    ]


@cache
def question() -> Question:
    text = profile_file.default_path().read_text(encoding="utf-8")
    return Question(text, "temporal.yml", "student-01", "my-temporal", {}, "1.31.2", [WINDOW], {})


PODS_ROWS, KUBELET_ROWS = [row(*one) for one in scraped(KILLED)], of_kubelets()
#: Four workflows complete per second, and each takes a second and a half.
ABOUT: StageAbout = {
    "stage": "scale",
    "started": BASE,
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


def worked_out(answers: dict[str, Any]) -> StageRecord:
    """The results of these answers, a ledger among them."""
    return as_results(dataclasses.replace(measured(answers, question()), about=ABOUT))


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
