# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a stage's outcome is there, judged from what was found, criterion by criterion."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import stage_criteria
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.lab_in_cluster import (
    ROLES,
    SOAK_TEST,
    WORKERS,
    LabInCluster,
)

WANTED = stage_criteria.Wanted("default", 3, 6, 2)
SERVER = {f"my-temporal-{role}": "" for role in ROLES}
LOAD = {WORKERS: "", SOAK_TEST: ""}

#: A student after the stage scale.
SCALED = LabInCluster(
    release="my-temporal",
    deployments={**SERVER, **LOAD},
    concurrent_workflows=6,
    history_replicas=2,
    shards={"a": 255, "b": 257},
    history_shards=512,
    temporal_namespaces=["default", "temporal-system"],
)


def judged(stage: str, **changes: Any) -> stage_criteria.StageVerdict:
    return stage_criteria.judge(stage, dataclasses.replace(SCALED, **changes), WANTED)


@pytest.mark.parametrize("stage", ["install", "benchmark", "concurrency", "scale", "recreate"])
def test_what_is_done_right_is_called_so(stage):
    verdict = judged(stage)
    assert (verdict.done, verdict.why, verdict.hint) == (True, "", "")
    assert verdict.criteria
    assert all(one.met is True for one in verdict.criteria)


def test_an_empty_namespace_is_a_cleanup_done_right_and_no_other_stage():
    empty = LabInCluster(release="my-temporal")
    assert stage_criteria.judge("cleanup", empty, WANTED).done is True
    assert {stage: stage_criteria.judge(stage, empty, WANTED).done for stage in stage_criteria.CRITERIA} == {
        "install": False,
        "benchmark": False,
        "concurrency": False,
        "scale": False,
        "cleanup": True,
        "recreate": False,
    }


@pytest.mark.parametrize(
    ("stage", "changes", "why", "hint"),
    [
        ("install", {"deployments": LOAD}, "my-temporal-frontend is missing", "--tags install"),
        (
            "install",
            {"deployments": {**SERVER, "my-temporal-history": "0 of 1 pods ready"}},
            "my-temporal-history has 0 of 1 pods ready",
            "kubectl get pods",
        ),
        ("install", {"temporal_namespaces": ["temporal-system"]}, "no Temporal namespace default", "--tags install"),
        ("install", {"shards": {"a": 500}}, "history owns 500 of 512 shards", "wait a minute"),
        ("benchmark", {"deployments": SERVER}, "benchmark-workers is missing", "--tags benchmark"),
        ("benchmark", {"concurrent_workflows": 0}, "keep 0 workflows in flight", "CONCURRENT_WORKFLOWS=3"),
        ("concurrency", {"concurrent_workflows": 3}, "keeps 3 workflows in flight", "CONCURRENT_WORKFLOWS=6"),
        ("scale", {"history_replicas": 1}, "has 1 replica; the stage wants 2", "--replicas=2"),
        ("scale", {"shards": {"a": 512, "b": 0}}, "the pods own 512 + 0 of 512", "wait a minute"),
        ("cleanup", {}, "not removed: benchmark-soak-test", "--tags cleanup"),
    ],
)
def test_what_is_not_done_right_is_said_with_a_hint(stage, changes, why, hint):
    verdict = judged(stage, **changes)
    assert verdict.done is False
    assert why in verdict.why
    assert hint in verdict.hint


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        ("install", {"temporal_namespaces": None, "doubts": ["the frontend does not answer"]}),
        ("install", {"shards": None, "doubts": ["there is no history pod"]}),
        ("install", {"shards": {"a": 512, "b": None}}),
        ("recreate", {"shards": {}}),
        ("benchmark", {"concurrent_workflows": None}),
        ("concurrency", {"concurrent_workflows": None}),
        ("scale", {"shards": None, "doubts": ["the frontend does not answer"]}),
        ("scale", {"shards": {"a": 512, "b": None}}),
    ],
)
def test_what_is_not_known_is_neither_right_nor_wrong(stage, changes):
    verdict = judged(stage, **changes)
    assert verdict.done is None
    assert verdict.why


def test_each_criterion_is_told_with_what_to_do_about_it():
    verdict = judged(
        "concurrency", deployments={**SERVER, **LOAD, WORKERS: "0 of 1 pods ready"}, concurrent_workflows=3
    )
    assert [one.met for one in verdict.criteria] == [False, True, False]
    assert verdict.why == (
        "benchmark-workers has 0 of 1 pods ready; "
        "benchmark-soak-test keeps 3 workflows in flight, not the raised number"
    )
    assert stage_criteria.criteria_lines(verdict) == [
        "stage concurrency:",
        "  not met: benchmark-workers and benchmark-soak-test are rolled out: "
        "benchmark-workers has 0 of 1 pods ready; run --tags benchmark",
        "  met: benchmark-soak-test keeps workflows in flight",
        "  not met: 6 workflows are kept in flight: "
        "benchmark-soak-test keeps 3 workflows in flight, not the raised number; "
        "kubectl set env deployment/benchmark-soak-test CONCURRENT_WORKFLOWS=6, or run --tags concurrency",
    ]


def test_what_speaks_against_two_criteria_is_said_once():
    verdict = judged("concurrency", deployments=SERVER, concurrent_workflows=None)
    assert [one.met for one in verdict.criteria] == [False, False, False]
    assert verdict.why == "benchmark-workers is missing; benchmark-soak-test is missing"


def test_what_is_wrong_outweighs_what_is_not_known():
    verdict = judged("scale", history_replicas=1, shards=None, doubts=["the frontend does not answer"])
    assert [one.met for one in verdict.criteria] == [False, True, None]
    assert verdict.done is False
    assert "the frontend does not answer" not in verdict.why
