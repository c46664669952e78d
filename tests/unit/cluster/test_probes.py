# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe pod is, and what it tells about its image."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.probes import (
    CAUSE_LENGTH,
    cause,
    judge_probe,
    probe_pod,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.image_lab import (
    CREATING,
    GRAFANA,
    NO_PROGRAM,
    probe,
)


@pytest.mark.parametrize(
    ("state", "available"),
    [
        (NO_PROGRAM, True),
        ({"terminated": {"reason": "ContainerCannotRun", "exitCode": 127}}, True),
        ({"terminated": {"reason": "Completed", "exitCode": 0}}, True),
        ({"running": {}}, True),
        ({"waiting": {"reason": "RunContainerError"}}, True),
        ({"waiting": {"reason": "CreateContainerError"}}, True),
        ({"waiting": {"reason": "CreateContainerConfigError"}}, True),
        ({"waiting": {"reason": "ErrImagePull"}}, False),
        ({"waiting": {"reason": "ImagePullBackOff"}}, False),
        ({"waiting": {"reason": "InvalidImageName"}}, False),
        ({"waiting": {"reason": "ErrImageNeverPull"}}, False),
    ],
)
def test_what_a_pod_tells(state: Any, available: bool) -> None:
    verdict = judge_probe(GRAFANA, probe(GRAFANA, state), [])
    assert verdict is not None
    assert verdict.available is available


@pytest.mark.parametrize("state", [CREATING, {}, {"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137}}])
def test_a_pod_that_tells_nothing_yet(state: Any) -> None:
    assert judge_probe(GRAFANA, probe(GRAFANA, state), []) is None
    assert judge_probe(GRAFANA, {"metadata": {"name": "new"}, "spec": {}}, []) is None


def test_a_pod_that_ended_without_its_image_being_pulled() -> None:
    lost = {"terminated": {"reason": "ContainerStatusUnknown", "exitCode": 137}}
    verdict = judge_probe(GRAFANA, probe(GRAFANA, lost, phase="Failed"), [])
    assert verdict is not None
    assert verdict.available is None
    assert verdict.reason == f"unknown whether {GRAFANA} can be pulled: its pod has ended (Failed)"


def test_a_pod_on_a_node_that_had_the_image_proves_no_pull() -> None:
    started = probe(GRAFANA, NO_PROGRAM, node="b")
    held, pulled = judge_probe(GRAFANA, started, ["b"]), judge_probe(GRAFANA, started, ["a"])
    assert held is not None
    assert pulled is not None
    assert (held.available, held.reason) == (True, f"{GRAFANA} is on a node")
    assert (pulled.available, pulled.reason) == (True, f"{GRAFANA} could be pulled")


def test_a_cause_is_one_short_line() -> None:
    assert cause("not found.\nand more") == "not found"
    assert cause("") == ""
    long = f"failed to pull {'x' * CAUSE_LENGTH}: dial tcp: network is unreachable"
    assert cause(long) == "… dial tcp: network is unreachable"
    assert cause("y" * 500) == f"… {'y' * CAUSE_LENGTH}"


def test_the_pod_keeps_the_restricted_standard() -> None:
    spec = probe_pod(GRAFANA, 90)["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert (spec["restartPolicy"], spec["automountServiceAccountToken"]) == ("Never", False)
    # It stops by itself when it cannot be deleted, and leaves at once when it can.
    assert (spec["activeDeadlineSeconds"], spec["terminationGracePeriodSeconds"]) == (90, 0)
