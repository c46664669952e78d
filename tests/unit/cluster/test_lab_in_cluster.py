# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found of the lab in a cluster, and how it is told."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import lab_in_cluster


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
    assert lab_in_cluster.concurrency_of(entry) == expected


def test_what_there_is_in_words():
    found = lab_in_cluster.LabInCluster(
        release="my-temporal",
        deployments={"my-temporal-history": ""},
        concurrent_workflows=6,
        shards={"a": 255, "b": 257},
        history_shards=512,
    )
    lines = lab_in_cluster.describe(found, "namespace a of https://b")
    assert lines[0] == "namespace a of https://b:"
    assert "  shards: a 255 · b 257 of 512" in lines
    assert lab_in_cluster.describe(lab_in_cluster.LabInCluster(release="r"), "namespace a of https://b") == [
        "nothing of the lab in namespace a of https://b"
    ]
