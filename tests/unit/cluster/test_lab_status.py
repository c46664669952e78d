# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a stage's outcome is there, judged from what was found."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import lab_status

WANTED = lab_status.Wanted("default", 3, 6, 2)
SERVER = {f"my-temporal-{role}": "" for role in lab_status.ROLES}
LOAD = {lab_status.WORKERS: "", lab_status.SOAK_TEST: ""}

#: A student after the stage scale.
SCALED = lab_status.LabInCluster(
    release="my-temporal",
    deployments={**SERVER, **LOAD},
    concurrent_workflows=6,
    history_replicas=2,
    shards={"a": 255, "b": 257},
    history_shards=512,
    temporal_namespaces=["default", "temporal-system"],
)


def judged(stage: str, **changes) -> lab_status.StageVerdict:
    return lab_status.JUDGES[stage](dataclasses.replace(SCALED, **changes), WANTED)


@pytest.mark.parametrize("stage", ["install", "benchmark", "concurrency", "scale", "recreate"])
def test_what_is_done_right_is_called_so(stage):
    assert judged(stage) == lab_status.StageVerdict(stage, True)


def test_an_empty_namespace_is_a_cleanup_done_right():
    empty = lab_status.LabInCluster(release="my-temporal")
    assert lab_status.judge_cleanup(empty, WANTED).done is True
    assert lab_status.judge_install(empty, WANTED).done is False


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


def deployment(env: list[dict], replicas: int = 1) -> dict:
    return {"spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "env": env}]}}}}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (deployment([{"name": "CONCURRENT_WORKFLOWS", "value": "6"}]), 6),
        (deployment([{"name": "CONCURRENT_WORKFLOWS", "value": "6"}], replicas=0), 0),
        (deployment([{"name": "CONCURRENT_WORKFLOWS", "valueFrom": {}}]), None),
        (deployment([]), None),
    ],
)
def test_the_number_of_workflows_in_flight_is_read_from_the_deployment(entry, expected):
    assert lab_status.concurrency_of(entry) == expected


def test_what_there_is_in_words():
    lines = lab_status.describe(SCALED, "namespace a of https://b")
    assert lines[0] == "namespace a of https://b:"
    assert "  shards: a 255 · b 257 of 512" in lines
    assert lab_status.describe(lab_status.LabInCluster(release="r"), "namespace a of https://b") == [
        "nothing of the lab in namespace a of https://b"
    ]
