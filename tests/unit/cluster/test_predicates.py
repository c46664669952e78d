# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.predicates import (
    deployment_state,
    finished,
    matches,
    pod_state,
    rolled_out_time,
    seconds,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    READY_AT_SECONDS,
    deployment,
    pod,
)


def test_times() -> None:
    assert seconds("2026-11-23T17:01:10Z") == READY_AT_SECONDS
    assert seconds("2026-11-23T17:01:10.5Z") == READY_AT_SECONDS + 0.5
    assert seconds(None) is None


@pytest.mark.parametrize(
    ("selector", "labels", "met"),
    [
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
        ({}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
        ({"matchLabels": {"b": "1"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, False),
    ],
)
def test_selectors(selector: Any, labels: dict[str, str], met: bool) -> None:
    assert matches(selector, labels) is met


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


WHY_NOT_READY: list[tuple[dict[str, Any], str, str]] = [
    (
        {**waiting("CrashLoopBackOff"), "restarts": 4, "last": {"exitCode": 2, "reason": "Error"}},
        "CrashLoopBackOff",
        "container main is crash-looping (exit code 2, 4 restarts)",
    ),
    (
        {**waiting("CrashLoopBackOff"), "restarts": 1, "last": {"exitCode": 137, "reason": "OOMKilled"}},
        "CrashLoopBackOff",
        "container main is crash-looping (OOMKilled: it needs more memory than its limit, 1 restart)",
    ),
    (
        waiting("ImagePullBackOff", 'Back-off pulling image "localhost/temporal-lab/server:1"'),
        "ImagePullBackOff",
        "container main has no image localhost/temporal-lab/server:1 (ImagePullBackOff): "
        'Back-off pulling image "localhost/temporal-lab/server:1"',
    ),
    (
        waiting("ErrImageNeverPull", "Container image is not present\nwith pull policy of Never."),
        "ErrImageNeverPull",
        "container main has no image localhost/temporal-lab/server:1 (ErrImageNeverPull): "
        "Container image is not present with pull policy of Never",
    ),
    (
        waiting("CreateContainerConfigError", 'secret "my-temporal-postgresql" not found'),
        "CreateContainerConfigError",
        'container main cannot start (CreateContainerConfigError): secret "my-temporal-postgresql" not found',
    ),
    (waiting("ContainerCreating"), "ContainerCreating", "container main is being created"),
    (
        {"state": {"terminated": {"exitCode": 1, "reason": "Error"}}},
        "Error",
        "container main has ended (exit code 1)",
    ),
    (
        {"ready": False},
        "NotReady",
        "container main runs but its readiness probe does not pass yet",
    ),
    (
        {"ready": False, "restarts": 2, "last": {"exitCode": 1}},
        "NotReady",
        "container main runs but its readiness probe does not pass yet, after 2 restarts (exit code 1)",
    ),
    ({"terminating": True}, "Terminating", "is terminating"),
    (
        {
            "ready": False,
            "node": "",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/1 nodes are available: 1 Insufficient cpu.",
                }
            ],
        },
        "Unschedulable",
        "has no node: 0/1 nodes are available: 1 Insufficient cpu",
    ),
    (
        {
            **waiting("PodInitializing"),
            "init": [
                {"name": "copy", "state": {"terminated": {"exitCode": 0}}},
                # As Kubernetes 1.34 shows it: started, since it has no startup probe, and not ready.
                {"name": "schema", "state": {"running": {}}, "started": True, "ready": False},
            ],
        },
        "Initializing",
        "waits for its init container schema",
    ),
    (
        {
            **waiting("PodInitializing"),
            "init": [
                {
                    "name": "schema",
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 7}},
                    "restartCount": 3,
                }
            ],
        },
        "CrashLoopBackOff",
        "init container schema is crash-looping (exit code 7, 3 restarts)",
    ),
    (
        {"phase": "Failed", "ready": False},
        "Failed",
        "has ended (Failed)",
    ),
]


@pytest.mark.parametrize(("options", "reason", "why"), WHY_NOT_READY)
def test_why_a_pod_is_not_ready(options: dict[str, Any], reason: str, why: str) -> None:
    state = pod_state(pod("a", **options))
    assert (state.ready, state.reason, state.why) == (False, reason, why)
    assert state.ready_time is None


def test_a_pod_that_the_scheduler_has_not_seen() -> None:
    state = pod_state({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "main"}]}, "status": {}})
    assert (state.ready, state.why) == (False, "waits for a node")


def test_a_pod_that_its_node_has_not_seen() -> None:
    state = pod_state({"metadata": {"name": "a"}, "spec": {"nodeName": "lab"}, "status": {"phase": "Pending"}})
    assert (state.ready, state.why) == (False, "was not started by its node yet")


def test_a_ready_pod_with_a_sidecar() -> None:
    sidecar = {"name": "proxy", "state": {"running": {}}, "started": True, "restartCount": 2}
    state = pod_state(pod("a", init=[sidecar], restarts=1))
    assert (state.ready, state.why, state.reason) == (True, "", "")
    assert state.ready_time == READY_AT_SECONDS
    assert state.restarts == 3
    assert state.as_result()["node"] == "lab"


def test_a_sidecar_that_runs_is_not_what_a_pod_waits_for() -> None:
    entry = pod("a", init=[{"name": "proxy", "state": {"running": {}}, "started": True}], ready=False)
    entry["spec"]["initContainers"] = [{"name": "proxy", "restartPolicy": "Always"}]
    assert pod_state(entry).why == "container main runs but its readiness probe does not pass yet"


def test_an_evicted_pod_counts_for_nothing() -> None:
    assert finished(pod("a", phase="Failed"))
    state = deployment_state(deployment(), [pod("a"), pod("b", phase="Failed", ready=False)])
    assert state.done


UNFINISHED: list[tuple[dict[str, Any], list[dict[str, Any]], str]] = [
    ({"generation": 2}, [pod("a")], "its controller has not observed the change yet"),
    ({"status": {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}}, [], "0 of 1 pods ready"),
    ({"status": {"availableReplicas": 0}}, [pod("a")], "1 of 1 pods ready"),
    ({"status": {"availableReplicas": 0}}, [pod("a", ready=False)], "0 of 1 pods ready"),
    # The count may be older than the list of pods.
    ({}, [pod("a", ready=False)], "0 of 1 pods ready"),
    ({}, [pod("a"), pod("b", terminating=True)], "1 of 1 pods ready, 1 old pod remains"),
    ({}, [pod("a", terminating=True)], "0 of 1 pods ready, 1 old pod remains"),
    (
        {"status": {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}},
        [pod("old"), pod("new", revision="two", created="2026-11-23T17:05:00Z", ready=False)],
        "0 of 1 pods ready, 1 old pod remains",
    ),
    (
        {"status": {"replicas": 1, "updatedReplicas": 0}},
        [pod("old")],
        "0 of 1 pods ready, 1 old pod remains",
    ),
    ({"replicas": 2, "status": {"replicas": 2, "updatedReplicas": 2}}, [pod("a")], "1 of 2 pods ready"),
    ({"replicas": 0}, [pod("a", terminating=True)], "no pods wanted, 1 old pod remains"),
]


@pytest.mark.parametrize(("options", "pods", "text"), UNFINISHED)
def test_a_deployment_that_is_not_rolled_out(options: dict[str, Any], pods: list[Any], text: str) -> None:
    state = deployment_state(deployment(**options), pods)
    assert (state.done, state.text) == (False, text)


@pytest.mark.parametrize(("replicas", "names"), [(0, []), (1, ["a"]), (2, ["a", "b"])])
def test_a_deployment_that_is_rolled_out(replicas: int, names: list[str]) -> None:
    assert deployment_state(deployment(replicas=replicas), [pod(name) for name in names]).done


def test_replicas_that_are_not_given_are_one() -> None:
    resource = deployment()
    del resource["spec"]["replicas"]
    assert deployment_state(resource, [pod("a")]).done


def test_why_a_deployment_has_no_pods() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: student, requested: cpu=1."}
    state = deployment_state(deployment(status={"replicas": 0, "conditions": [failure]}), [])
    assert state.why == "no pod could be created: exceeded quota: student, requested: cpu=1"
    # Said of the Deployment as it was before the change, which may be the cure.
    assert deployment_state(deployment(generation=2, status={"replicas": 0, "conditions": [failure]}), []).why == ""
    assert "paused" in deployment_state(deployment(generation=2, paused=True), []).why


QUOTA = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: student, requested: cpu=1."}
NO_PODS = {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}


@pytest.mark.parametrize(
    ("options", "pods", "refused"),
    [
        ({"status": {**NO_PODS, "conditions": [QUOTA]}}, [], True),
        # Some of its pods may be made, and one may not.
        ({"replicas": 2, "status": {"replicas": 1, "conditions": [QUOTA]}}, [pod("a")], True),
        ({"status": {**NO_PODS, "conditions": [{**QUOTA, "status": "False"}]}}, [], False),
        ({"status": {**NO_PODS, "conditions": [{**QUOTA, "type": "Progressing"}]}}, [], False),
        ({"status": NO_PODS}, [], False),
        # What is said is of the time before the change, which may be the cure.
        ({"generation": 2, "status": {**NO_PODS, "conditions": [QUOTA]}}, [], False),
        # All pods are there: what is said is not true any more.
        ({"status": {"conditions": [QUOTA]}}, [pod("a")], False),
    ],
)
def test_pods_that_may_not_be_made(options: dict[str, Any], pods: list[Any], refused: bool) -> None:
    assert deployment_state(deployment(**options), pods).refused is refused


def written(time: str, part: str = "f:status") -> dict[str, Any]:
    return {"manager": "m", "time": time, "fieldsV1": {part: {"f:replicas": {}}}}


@pytest.mark.parametrize(
    ("managed", "pods", "expected"),
    [
        # Pods came: the youngest counts, whenever the status was written just after.
        ([], [pod("a", ready_at="2026-11-23T17:00:00Z"), pod("b")], READY_AT_SECONDS),
        ([written("2026-11-23T17:01:11Z")], [pod("a")], READY_AT_SECONDS),
        ([written("2026-11-23T17:00:00Z")], [pod("a")], READY_AT_SECONDS),
        # Pods were taken away much later.
        ([written("2026-11-23T17:03:10Z")], [pod("a")], READY_AT_SECONDS + 120),
        ([written("2026-11-23T17:03:10Z")], [], READY_AT_SECONDS + 120),
        # A later change of what is no part of the rollout.
        ([written("2026-11-23T17:03:10Z", "f:spec")], [pod("a")], READY_AT_SECONDS),
        # The record of a scaling has no time.
        ([{"manager": "kubectl", "subresource": "scale", "fieldsV1": {"f:spec": {}}}], [pod("a")], READY_AT_SECONDS),
        ([], [], None),
    ],
)
def test_when_it_was_rolled_out(managed: list[Any], pods: list[Any], expected: float | None) -> None:
    assert rolled_out_time(deployment(managed=managed), pods) == expected
