# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import cluster_preflight
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster_preflight import (
    clock_skew,
    judge_clock,
    judge_images,
    judge_namespace,
    judge_nodes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.permissions import (
    NEEDED,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    node,
    status,
    using,
)

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
FORBIDDEN = status(403, 'x is forbidden: User "jane" cannot list resource "nodes"', "Forbidden")
PAUSE = "localhost/temporal-lab/pause:1"


@pytest.mark.parametrize(
    ("skew", "state"), [(0.0, "pass"), (-1.9, "pass"), (2.1, "warn"), (-29.0, "warn"), (31.0, "fail"), (None, "warn")]
)
def test_clocks(skew: float | None, state: str) -> None:
    assert judge_clock(skew, 2.0, 30.0)["state"] == state


def test_the_clock_of_the_server() -> None:
    # The header has whole seconds, so half of one is added.
    assert clock_skew(1795453269.0, formatdate(1795453270, usegmt=True), 1795453270.0) == 1.0
    assert clock_skew(0.0, None, 1.0) is None
    assert clock_skew(0.0, "yesterday", 1.0) is None


@pytest.mark.parametrize(
    ("found", "may_create", "state", "said"),
    [
        ({"status": {"phase": "Active"}}, False, "pass", "exists"),
        (None, True, "pass", "may be created"),
        (None, False, "fail", "may not be created"),
        ({"status": {"phase": "Terminating"}}, True, "fail", "is being deleted"),
    ],
)
def test_namespaces(found: Any, may_create: bool, state: str, said: str) -> None:
    result = judge_namespace("student-01", found, may_create)
    assert result["state"] == state
    assert said in result["title"]


def test_nodes() -> None:
    good, cordoned, lost = node("a"), node("b", unschedulable=True), node("c", ready="Unknown")
    assert judge_nodes([good, cordoned, lost])["title"] == "1 of 3 nodes are ready and take pods"
    assert judge_nodes([good])["state"] == "pass"
    assert judge_nodes([cordoned, lost])["state"] == "fail"


@pytest.mark.parametrize(
    ("present", "state"),
    [({PAUSE: True}, "pass"), ({PAUSE: True, "nginx": False}, "warn"), ({PAUSE: False, "nginx": True}, "fail")],
)
def test_images(present: dict[str, bool], state: str) -> None:
    assert judge_images(present)["state"] == state


@pytest.fixture
def helm(tmp_path: Path) -> str:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\necho v3.17.2\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def review(api: ScriptedApi, allow: Any) -> None:
    """Answer each access review with ``allow(attributes)``."""

    def answer(asked: Asked) -> Answer:
        return Answer({"status": {"allowed": allow(asked.body["spec"]["resourceAttributes"])}})

    api.on("POST", REVIEWS, answer)


def good_cluster(api: ScriptedApi) -> None:
    api.on("GET", "/version", {"gitVersion": "v1.34.4"})
    api.on("GET", "/api/v1/namespaces/default", {"metadata": {"name": "default"}, "status": {"phase": "Active"}})
    review(api, lambda attributes: True)
    api.on("GET", "/api/v1/nodes", {"items": [node(images=[PAUSE])]})
    own = using("2", "4Gi", "own", labels={"app.kubernetes.io/instance": "my-temporal"})
    api.on("GET", "/api/v1/pods", {"items": [using("500m", "1Gi"), own]})


def states(result: dict[str, Any]) -> dict[str, str]:
    return {entry["id"]: entry["state"] for entry in result["findings"]}


def test_a_good_cluster(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    result = task(cluster_preflight, wanted={"cpu": "1500m", "memory": "3Gi"}, images=[PAUSE], helm=helm)
    assert list(states(result)) == [
        "cluster",
        "clock",
        "namespace",
        "permissions",
        "nodes",
        "cpu",
        "memory",
        "images",
        "helm",
    ]
    assert set(states(result).values()) == {"pass"}
    assert all((entry["effect"], entry["cure"]) == ("", "") for entry in result["findings"])
    assert result["images_present"] == {PAUSE: True}
    assert result["versions"] == {"kubernetes": "v1.34.4", "helm": "v3.17.2"}
    assert result["changed"] is False
    # Who may do everything is asked about nothing else.
    assert api.calls("POST") == [f"POST {REVIEWS}"]


def test_a_student_with_few_permissions(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    review(api, lambda wanted: wanted["verb"] not in ("*", "patch") and wanted["resource"] != "ingresses")
    api.on("GET", "/api/v1/namespaces/default", FORBIDDEN)
    api.on("GET", "/api/v1/nodes", FORBIDDEN)
    more = [{"verb": "create", "group": "networking.k8s.io", "resource": "ingresses"}]
    result = task(cluster_preflight, images=[PAUSE], helm=helm, wanted={"cpu": "1"}, permissions=more)
    assert states(result) == {
        "cluster": "pass",
        "clock": "pass",
        "namespace": "warn",
        "permissions": "fail",
        "nodes": "warn",
        "helm": "pass",
    }
    (permissions,) = [entry for entry in result["findings"] if entry["id"] == "permissions"]
    assert "patch deployments.apps/scale" in permissions["title"]
    assert "create ingresses.networking.k8s.io" in permissions["title"]
    assert result["images_present"] == {PAUSE: None}
    asked = [entry.body["spec"]["resourceAttributes"] for entry in api.asked if entry.method == "POST"]
    assert len(asked) == 1 + len(NEEDED) + 1
    assert all(attributes["namespace"] == "default" for attributes in asked)


def test_room_when_the_pods_of_others_may_not_be_listed(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    api.on("GET", "/api/v1/pods", FORBIDDEN)
    result = task(cluster_preflight, wanted={"cpu": "2", "memory": "5Gi"}, helm=helm)
    assert (states(result)["cpu"], states(result)["memory"]) == ("warn", "fail")


def test_a_namespace_to_be_made(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    api.on("GET", "/api/v1/namespaces/student-01", status(404, "not found"))
    assert states(task(cluster_preflight, namespace="student-01", helm=helm))["namespace"] == "pass"
    (asked,) = [
        entry.body["spec"]["resourceAttributes"]
        for entry in api.asked
        if entry.method == "POST" and entry.body["spec"]["resourceAttributes"]["resource"] == "namespaces"
    ]
    assert asked == {"verb": "create", "resource": "namespaces"}


def test_clocks_that_differ(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    hour_ago = formatdate(time.time() - 3600, usegmt=True)
    api.on("GET", "/version", Answer({"gitVersion": "v1"}, headers={"Date": hour_ago}))
    result = task(cluster_preflight, helm=helm)
    assert states(result)["clock"] == "fail"


def test_no_cluster_is_a_finding(tmp_path: Path, helm: str) -> None:
    result = Task(tmp_path / "nowhere")(cluster_preflight, helm=helm, images=[PAUSE])
    assert states(result) == {"cluster": "fail", "helm": "pass"}
    assert result["findings"][0]["title"].startswith("There is no kubeconfig at")
    assert result["images_present"] == {PAUSE: None}
    assert len(result["faults"]) == 1


def test_a_cluster_that_fails_in_between_is_a_finding_of_its_own(task: Task, api: ScriptedApi, helm: str) -> None:
    good_cluster(api)
    api.on("POST", REVIEWS, status(401, "Unauthorized"))
    result = task(cluster_preflight, helm=helm)
    assert states(result) == {"cluster": "pass", "clock": "pass", "namespace": "pass", "api": "fail", "helm": "pass"}


@pytest.mark.parametrize(("script", "state"), [("echo v5.1.0", "fail"), ("exit 1", "fail")])
def test_another_helm(task: Task, api: ScriptedApi, tmp_path: Path, script: str, state: str) -> None:
    good_cluster(api)
    program = tmp_path / "other-helm"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    assert states(task(cluster_preflight, helm=str(program)))["helm"] == state
    assert states(task(cluster_preflight, helm=str(tmp_path / "no-helm")))["helm"] == "fail"


def test_a_quantity_that_is_none_is_the_users_mistake(task: Task) -> None:
    with pytest.raises(LabError, match="no Kubernetes quantity"):
        task(cluster_preflight, wanted={"cpu": "two"})
