# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that are applied by the API server itself, and read by their names."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import cluster_apply, cluster_objects
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import UnexpectedAnswer
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    deployment,
    one_sentence,
    status,
)

LOAD = "/apis/apps/v1/namespaces/default/deployments/load"


def wanted(replicas: int = 1) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("load", replicas=replicas)}


def applied(document: dict[str, Any]) -> dict[str, Any]:
    """What the API server has then: with fields of its own."""
    return {**document, "metadata": {**document["metadata"], "uid": "u", "managedFields": []}}


def test_what_is_not_there_is_made(api: ScriptedApi, task: Task) -> None:
    api.on("PATCH", LOAD, lambda asked: Answer(applied(asked.body)))
    result = task(cluster_apply, diff=True, definition=[wanted()])
    assert result["changes"] == ["Deployment load created"]
    assert result["changed"] is True
    assert result["diff"]["before"] == {}
    assert "uid" not in str(result["diff"]["after"])
    sent = api.asked[-1]
    assert sent.headers["Content-Type"] == "application/apply-patch+yaml"
    assert sent.query == {"fieldManager": "temporal-lab", "force": "true", "fieldValidation": "Strict"}
    assert sent.body == wanted()


def test_what_is_as_wanted_is_left_alone(api: ScriptedApi, task: Task) -> None:
    api.on("GET", LOAD, applied(wanted()))
    api.on("PATCH", LOAD, applied(wanted()))
    assert task(cluster_apply, definition=[wanted()]) == {"changed": False, "changes": []}


def test_the_api_server_says_what_check_mode_would_change(api: ScriptedApi, task: Task) -> None:
    api.on("GET", LOAD, applied(wanted()))
    api.on("PATCH", LOAD, applied(wanted(2)))
    result = task(cluster_apply, check=True, definition=[wanted(2)])
    assert result == {"changed": True, "changes": ["Deployment load changed"]}
    assert api.asked[-1].query["dryRun"] == "All"


def test_check_mode_where_the_namespace_is_not_there_yet(api: ScriptedApi, task: Task) -> None:
    assert task(cluster_apply, check=True, definition=[wanted()])["changes"] == ["Deployment load created"]
    with pytest.raises(LabError, match="has no object for PATCH"):
        task(cluster_apply, definition=[wanted()])


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "load"}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}},
        {"apiVersion": "apps/v1", "kind": "Deployment"},
    ],
)
def test_what_is_not_applied(api: ScriptedApi, task: Task, document: dict[str, Any]) -> None:
    with pytest.raises(LabError, match="in `definition`") as failure:
        task(cluster_apply, definition=[wanted(), document])
    one_sentence(failure.value)
    assert api.asked == []


def test_no_redirect_is_followed(api: ScriptedApi, task: Task) -> None:
    asked: list[Asked] = []

    def elsewhere(request: Asked) -> Answer:
        asked.append(request)
        return Answer(status=302, headers={"Location": f"{api.url}/latest/meta-data"})

    for method in ("GET", "PATCH"):
        api.on(method, LOAD, elsewhere)
    for module, options in (
        (cluster_apply, {"definition": [wanted()]}),
        (cluster_objects, {"kind": "deployments", "names": ["load"]}),
    ):
        with pytest.raises(UnexpectedAnswer, match="redirects GET"):
            task(module, **options)
    api.on("GET", LOAD, applied(wanted()))
    with pytest.raises(UnexpectedAnswer, match="redirects PATCH"):
        task(cluster_apply, definition=[wanted()])
    assert {request.path for request in api.asked} == {LOAD}


def test_objects_by_their_names(api: ScriptedApi, task: Task) -> None:
    api.on("GET", LOAD, applied(wanted()))
    result = task(cluster_objects, kind="deployments", names=["gone", "load"])
    assert result == {"changed": False, "resources": [applied(wanted())]}
    api.on("GET", LOAD, {"kind": "PartialObjectMetadata", "metadata": {"name": "load"}})
    result = task(cluster_objects, kind="deployments", names=["load"], metadata_only=True)
    assert [one["metadata"]["name"] for one in result["resources"]] == ["load"]
    assert "PartialObjectMetadata" in api.asked[-1].headers["Accept"]


def test_answers_of_another_shape(api: ScriptedApi, task: Task) -> None:
    api.on("GET", LOAD, status(403, "no"))
    with pytest.raises(LabError, match="denied GET"):
        task(cluster_objects, kind="deployments", names=["load"])
    api.on("GET", LOAD, applied(wanted()))
    api.on("PATCH", LOAD, [1])
    with pytest.raises(UnexpectedAnswer):
        task(cluster_apply, definition=[wanted()])
