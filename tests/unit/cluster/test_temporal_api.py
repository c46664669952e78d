# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import (
    temporal_cluster_info,
    temporal_namespace,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_api import TemporalApi
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_namespace import (
    retention_seconds,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    NotFound,
    ProxyTargetError,
    RequestFailed,
    UnexpectedAnswer,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    ScriptedApi,
    Task,
    pod,
    status,
)

NAMESPACE = "/api/v1/namespaces/default"
SERVICE = f"{NAMESPACE}/services/my-temporal-frontend"
PODS = f"{NAMESPACE}/pods"
HTTP = f"{SERVICE}:7243/proxy/api/v1"
HTTP_OF_POD = f"{PODS}/my-temporal-frontend-a:7243/proxy/api/v1"
INFO = {"serverVersion": "1.31.2", "historyShardCount": 512, "persistenceStore": "postgres12"}
NOT_READY_YET = status(503, 'no endpoints available for service "my-temporal-frontend"', "ServiceUnavailable")


def frontend(api: ScriptedApi, *ports: int) -> None:
    """A Service with these ports; with the HTTP port it answers."""
    api.on("GET", SERVICE, {"spec": {"ports": [{"port": port} for port in ports]}})
    api.on("GET", f"{HTTP}/cluster-info", INFO)
    api.on("GET", f"{HTTP}/namespaces", named("default", "temporal-system"))


def named(*names: str, token: str = "") -> dict[str, Any]:
    entries = [{"namespaceInfo": {"name": name}} for name in names]
    return {"namespaces": entries, **({"nextPageToken": token} if token else {})}


def described(name: str, retention: str = "86400s") -> dict[str, Any]:
    return {"namespaceInfo": {"name": name}, "config": {"workflowExecutionRetentionTtl": retention}}


def missing(kind: str, message: str) -> Answer:
    """The 404 of Temporal's own HTTP API."""
    detail = {"@type": f"type.googleapis.com/temporal.api.errordetails.v1.{kind}"}
    return Answer({"code": 5, "message": message, "details": [detail]}, 404)


NO_NAMESPACE = missing("NamespaceNotFoundFailure", "Namespace lab is not found.")
NO_WORKFLOW = missing("NotFoundFailure", "workflow not found for ID: temporal-lab-probe")


# -- reaching the frontend --------------------------------------------------


def test_what_temporal_says_about_itself(task: Task, api: ScriptedApi) -> None:
    frontend(api, 7233, 7243)
    api.on("GET", f"{HTTP}/namespaces", named("lab", token="bW9yZQ=="), named("default"))
    assert task(temporal_cluster_info) == {
        "changed": False,
        "history_shards": 512,
        "server_version": "1.31.2",
        "persistence_store": "postgres12",
        "namespaces": ["default", "lab"],
    }
    assert api.asked[-1].query == {"pageSize": "1000", "nextPageToken": "bW9yZQ=="}


@pytest.mark.parametrize("ports", [(), (7233,)])
def test_a_pod_is_asked_where_the_service_has_no_port_for_it(
    cluster: Cluster, api: ScriptedApi, ports: tuple[int, ...]
) -> None:
    if ports:
        frontend(api, *ports)
    starting = pod("my-temporal-frontend-b", ready=False)
    api.on("GET", PODS, {"items": [starting, pod("my-temporal-frontend-a")]})
    api.on("GET", f"{HTTP_OF_POD}/cluster-info", INFO)
    assert TemporalApi(cluster).cluster_info().history_shards == 512
    (asked,) = [asked for asked in api.asked if asked.path == PODS]
    assert asked.query["labelSelector"] == (
        "app.kubernetes.io/instance=my-temporal,app.kubernetes.io/component=frontend"
    )


def test_another_pod_is_found_when_the_first_is_gone(cluster: Cluster, api: ScriptedApi) -> None:
    temporal_api = TemporalApi(cluster)
    api.on("GET", PODS, {"items": [pod("my-temporal-frontend-z")]}, {"items": [pod("my-temporal-frontend-a")]})
    api.on("GET", f"{HTTP_OF_POD}/cluster-info", INFO)
    with pytest.raises(NotFound):
        temporal_api.cluster_info()
    assert temporal_api.cluster_info().server_version == "1.31.2"


def test_there_is_no_frontend(task: Task, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": []})
    with pytest.raises(NotFound) as failure:
        task(temporal_cluster_info, wait=True, missing_hint="run the tag install first.")
    assert failure.value.msg == (
        "There is no Temporal frontend of release my-temporal in default: run the tag install first."
    )


def test_the_frontend_is_not_ready(task: Task, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [pod("my-temporal-frontend-a", ready=False)]})
    with pytest.raises(ProxyTargetError, match="my-temporal-frontend-a container main runs but its readiness probe"):
        task(temporal_cluster_info)


@pytest.mark.usefixtures("hurry")
def test_waiting_for_the_frontend(task: Task, api: ScriptedApi) -> None:
    frontend(api, 7243)
    api.on("GET", f"{HTTP}/cluster-info", *[NOT_READY_YET] * 8, INFO)
    assert task(temporal_cluster_info, wait=True)["history_shards"] == 512
    assert task.states[0].startswith("Service my-temporal-frontend (port 7243) in namespace default does not answer")
    assert task.states[-1] == "Temporal's frontend answers"


@pytest.mark.usefixtures("hurry")
def test_the_frontend_does_not_come(task: Task, api: ScriptedApi) -> None:
    frontend(api, 7243)
    api.on("GET", f"{HTTP}/cluster-info", NOT_READY_YET)
    with pytest.raises(ProxyTargetError, match="no endpoints available"):
        task(temporal_cluster_info, wait=True, timeout=0.1)


@pytest.mark.parametrize("answer", [{}, {"historyShardCount": 0}, {"historyShardCount": "512"}])
def test_a_server_that_says_something_else(cluster: Cluster, api: ScriptedApi, answer: Any) -> None:
    frontend(api, 7243)
    api.on("GET", f"{HTTP}/cluster-info", answer)
    with pytest.raises(UnexpectedAnswer, match="/api/v1/cluster-info with something unexpected"):
        TemporalApi(cluster).cluster_info()


# -- the Temporal namespace -------------------------------------------------


def script_namespace(api: ScriptedApi, *descriptions: Any) -> None:
    frontend(api, 7243)
    api.on("GET", f"{HTTP}/namespaces/lab", *descriptions)
    api.on("POST", f"{HTTP}/namespaces", {})
    api.on("POST", f"{HTTP}/namespaces/lab/update", described("lab"))
    api.on("GET", f"{HTTP}/namespaces/lab/workflows/temporal-lab-probe", NO_WORKFLOW)


@pytest.mark.usefixtures("hurry")
def test_a_namespace_is_made_and_waited_for(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, NO_NAMESPACE)
    api.on("GET", f"{HTTP}/namespaces/lab/workflows/temporal-lab-probe", NO_NAMESPACE, NO_NAMESPACE, NO_WORKFLOW)
    result = task(temporal_namespace, name="lab", diff=True)
    waited = result.pop("waited")
    assert waited > 0
    assert result == {
        "changed": True,
        "name": "lab",
        "retention": 86400,
        "before": None,
        "diff": {"before": {}, "after": {"name": "lab", "retention": 86400}},
    }
    (post,) = [asked for asked in api.asked if asked.method == "POST"]
    assert post.body == {"namespace": "lab", "workflowExecutionRetentionPeriod": "86400s"}
    assert task.states == [
        "Temporal namespace lab is not known to all servers yet",
        "Temporal namespace lab is usable",
    ]


@pytest.mark.parametrize("retention", [None, "24h", "1d", "1440m"])
def test_a_namespace_that_is_there_is_left_alone(task: Task, api: ScriptedApi, retention: str | None) -> None:
    script_namespace(api, described("lab"))
    result = task(temporal_namespace, name="lab", retention=retention)
    assert (result["changed"], result["before"], result["retention"]) == (False, 86400, 86400)
    assert api.calls("POST") == []


def test_a_retention_that_is_not_asked_for_stays(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, described("lab", "604800s"))
    result = task(temporal_namespace, name="lab")
    assert (result["changed"], result["retention"]) == (False, 604800)


def test_a_retention_is_set(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, described("lab"))
    result = task(temporal_namespace, name="lab", retention="7d")
    assert (result["changed"], result["before"], result["retention"]) == (True, 86400, 604800)
    (post,) = [asked for asked in api.asked if asked.method == "POST"]
    assert post.path == f"{HTTP}/namespaces/lab/update"
    assert post.body == {"config": {"workflowExecutionRetentionTtl": "604800s"}}


@pytest.mark.parametrize(("answer", "changed"), [(NO_NAMESPACE, True), (described("lab"), False)])
def test_check_mode_makes_nothing(task: Task, api: ScriptedApi, answer: Any, changed: bool) -> None:
    script_namespace(api, answer)
    assert task(temporal_namespace, name="lab", check=True)["changed"] is changed
    assert api.calls("POST") == []


def test_somebody_else_was_quicker(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, NO_NAMESPACE)
    api.on("POST", f"{HTTP}/namespaces", Answer({"code": 6, "message": "already exists"}, 409))
    assert task(temporal_namespace, name="lab")["changed"] is True


def test_temporal_refuses(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, NO_NAMESPACE)
    api.on("POST", f"{HTTP}/namespaces", Answer({"code": 3, "message": "A valid retention is not set."}, 400))
    with pytest.raises(RequestFailed, match=r"A valid retention is not set \(400\)"):
        task(temporal_namespace, name="lab")


@pytest.mark.usefixtures("hurry")
def test_a_namespace_that_never_becomes_usable(task: Task, api: ScriptedApi) -> None:
    script_namespace(api, described("lab"))
    api.on("GET", f"{HTTP}/namespaces/lab/workflows/temporal-lab-probe", NO_NAMESPACE)
    with pytest.raises(LabError, match="Temporal namespace lab exists but is still not usable after"):
        task(temporal_namespace, name="lab", timeout=0.2)


def test_a_workflow_of_the_probes_name_does_no_harm(cluster: Cluster, api: ScriptedApi) -> None:
    script_namespace(api, described("lab"))
    api.on("GET", f"{HTTP}/namespaces/lab/workflows/temporal-lab-probe", {"workflowExecutionInfo": {}})
    assert TemporalApi(cluster).usable("lab")


def test_a_namespace_in_a_form_that_is_not_known(cluster: Cluster, api: ScriptedApi) -> None:
    script_namespace(api, {"namespaceInfo": {}})
    with pytest.raises(UnexpectedAnswer, match="/api/v1/namespaces/lab with something unexpected"):
        TemporalApi(cluster).retention("lab")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-a"])
def test_names_that_are_none(task: Task, name: str) -> None:
    with pytest.raises(LabError, match="is no name for a Temporal namespace"):
        task(temporal_namespace, name=name)


@pytest.mark.parametrize(
    ("text", "expected"), [("24h", 86400), ("7d", 604800), ("1h30m", 5400), ("90s", 90), ("1.5h", 5400)]
)
def test_retentions(text: str, expected: int) -> None:
    assert retention_seconds(text) == expected


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "24 h", "1w", "500ms", "0h", "0.4s"])
def test_retentions_that_are_none(text: str) -> None:
    with pytest.raises(LabError, match="duration"):
        retention_seconds(text)


# -- workflows that Visibility counts ----------------------------------------------------

COUNT = f"{HTTP}/namespaces/default/workflow-count"
#: As a real server 1.31 answers, whose payloads are JSON in base 64.
COMPLETED = {
    "groupValues": [{"metadata": {"encoding": "anNvbi9wbGFpbg==", "type": "S2V5d29yZA=="}, "data": "IkNvbXBsZXRlZCI="}],
    "count": "409",
}
RUNNING = {"groupValues": [{"data": "IlJ1bm5pbmci"}], "count": "6"}


def counted(api: ScriptedApi, cluster: Cluster, answer: Any) -> dict[str, int]:
    frontend(api, 7243)
    api.on("GET", COUNT, answer)
    return TemporalApi(cluster).workflows_by_status("default", 1_795_453_262.1204, 1_795_453_382.1204)


def test_workflows_of_a_time_are_counted_by_status_in_one_request(cluster: Cluster, api: ScriptedApi) -> None:
    assert counted(api, cluster, {"count": "415", "groups": [COMPLETED, RUNNING]}) == {"Completed": 409, "Running": 6}
    [request] = [one for one in api.asked if one.path == COUNT]
    assert request.query["query"] == (
        "(CloseTime > '2026-11-23T17:01:02.120+00:00' AND CloseTime <= '2026-11-23T17:03:02.120+00:00') OR "
        "(ExecutionStatus = 'Running' AND StartTime <= '2026-11-23T17:03:02.120+00:00') GROUP BY ExecutionStatus"
    )


def test_no_workflow_is_an_empty_answer(cluster: Cluster, api: ScriptedApi) -> None:
    assert counted(api, cluster, {}) == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"groups": [{"count": "1"}]},
        {"groups": [{"groupValues": [{"data": "no base 64!"}], "count": "1"}]},
        {"groups": [{"groupValues": [{"data": "e30="}], "count": "1"}]},
        {"groups": [{"groupValues": [], "count": "1"}]},
        {"groups": [{"groupValues": [{"data": "IlJ1bm5pbmci"}], "count": "-1"}]},
        {"groups": [{"groupValues": [{"data": "IlJ1bm5pbmci"}], "count": 1}]},
        {"groups": "many"},
    ],
)
def test_an_answer_of_another_shape_is_no_count(cluster: Cluster, api: ScriptedApi, answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="workflow-count with something unexpected"):
        counted(api, cluster, answer)
