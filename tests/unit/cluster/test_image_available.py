# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import image_available
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.probes import LABELS, probe_name
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import UnexpectedAnswer
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    status,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.image_lab import (
    CREATING,
    GRAFANA,
    NO_IMAGE,
    NO_PROGRAM,
    PAUSE,
    WEB,
    node,
    probe,
)

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"


class Pods:
    """Pods of the scripted cluster: each gets the states of its image in turn when they are listed."""

    def __init__(self, api: ScriptedApi) -> None:
        self.api = api
        self.states: dict[str, list[Any]] = {}
        self.there: dict[str, str] = {}
        api.on("GET", NODES, {"items": [node()]})
        api.on("POST", PODS, self.create)
        api.on("GET", PODS, self.show)

    def goes(self, image: str, *states: Any) -> None:
        self.states[image] = list(states)
        self.api.on("DELETE", f"{PODS}/{probe_name(image)}", self.delete)

    def create(self, asked: Asked) -> Answer:
        name = asked.body["metadata"]["name"]
        if name in self.there:
            return status(409, f'pods "{name}" already exists', "AlreadyExists")
        self.there[name] = asked.body["spec"]["containers"][0]["image"]
        return Answer(asked.body, 201)

    def show(self, _asked: Asked) -> Answer:
        found = []
        for image in self.there.values():
            states = self.states[image]
            found.append(probe(image, states.pop(0) if len(states) > 1 else states[0]))
        return Answer({"items": found, "metadata": {}})

    def delete(self, asked: Asked) -> Answer:
        self.there.pop(asked.path.rpartition("/")[2], None)
        return status(200, "")


@pytest.fixture
def pods(api: ScriptedApi) -> Pods:
    return Pods(api)


def test_an_image_on_the_nodes_needs_no_pod(task: Task, api: ScriptedApi) -> None:
    api.on("GET", NODES, {"items": [node("a", "docker.io/grafana/grafana:12.3.0"), node("b", ready="False")]})
    assert task(image_available, images=[GRAFANA]) == {
        "changed": False,
        "available": {GRAFANA: True},
        "reasons": {GRAFANA: "grafana/grafana:12.3.0 is on every node"},
    }
    assert api.calls() == [f"GET {NODES}"]


@pytest.mark.usefixtures("hurry")
def test_all_images_are_tried_at_once(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, CREATING, CREATING, NO_PROGRAM)
    pods.goes(WEB, CREATING, NO_IMAGE)
    result = task(image_available, images=[GRAFANA, WEB, GRAFANA])
    assert result == {
        "changed": False,
        "available": {GRAFANA: True, WEB: False},
        "reasons": {
            GRAFANA: f"{GRAFANA} could be pulled",
            WEB: f"{WEB} cannot be pulled: failed to resolve it: network is unreachable",
        },
    }
    assert task.states == [
        f"trying to pull {GRAFANA}, {WEB}",
        f"trying to pull {GRAFANA}",
        "1 of 2 images could be pulled",
    ]
    assert api.calls("POST") == [f"POST {PODS}"] * 2
    created = [asked.body["metadata"] for asked in api.asked if asked.method == "POST"]
    assert [metadata["name"] for metadata in created] == [probe_name(GRAFANA), probe_name(WEB)]
    assert {metadata["labels"]["app.kubernetes.io/part-of"] for metadata in created} == {"temporal-lab"}
    selectors = {asked.query["labelSelector"] for asked in api.asked if (asked.method, asked.path) == ("GET", PODS)}
    assert selectors == {"app.kubernetes.io/name=temporal-lab-image,app.kubernetes.io/part-of=temporal-lab"}
    assert pods.there == {}


@pytest.mark.usefixtures("hurry")
def test_an_image_that_takes_too_long(task: Task, pods: Pods) -> None:
    pods.goes(GRAFANA, CREATING)
    result = task(image_available, images=[GRAFANA], timeout=0.1)
    assert result["available"] == {GRAFANA: None}
    assert result["reasons"] == {GRAFANA: f"unknown after 0.1 s whether {GRAFANA} can be pulled"}
    assert pods.there == {}


@pytest.mark.usefixtures("hurry")
def test_a_pod_that_gets_no_node(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, CREATING)
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu."}
    api.on("GET", PODS, {"items": [probe(GRAFANA, {}, node="", conditions=[full])]})
    reasons = task(image_available, images=[GRAFANA], timeout=0.1)["reasons"]
    assert reasons[GRAFANA].endswith(
        f"after 0.1 s whether {GRAFANA} can be pulled: its pod has no node: Insufficient cpu"
    )


@pytest.mark.usefixtures("hurry")
def test_a_pod_left_by_a_probe_that_was_cut_off_is_replaced(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    pods.there[probe_name(GRAFANA)] = GRAFANA
    path = f"{PODS}/{probe_name(GRAFANA)}"
    api.on("GET", path, {"metadata": {"labels": LABELS, "uid": "left"}})
    assert task(image_available, images=[GRAFANA])["available"] == {GRAFANA: True}
    assert next(asked for asked in api.asked if asked.method == "DELETE").body["preconditions"] == {"uid": "left"}
    assert [call for call in api.calls() if not call.startswith("GET")] == [
        f"POST {PODS}",
        f"DELETE {path}",
        f"POST {PODS}",
        f"DELETE {path}",
    ]


@pytest.mark.usefixtures("hurry")
def test_a_pod_of_the_name_that_is_somebody_elses_stays(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    pods.there[probe_name(GRAFANA)] = GRAFANA
    api.on("GET", f"{PODS}/{probe_name(GRAFANA)}", {"metadata": {"labels": {"team": "platform"}, "uid": "theirs"}})
    result = task(image_available, images=[GRAFANA])
    assert result["available"] == {GRAFANA: None}
    assert "the lab did not make it" in result["reasons"][GRAFANA]
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("hurry")
def test_pods_are_deleted_after_an_error(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, CREATING)
    pods.goes(WEB, CREATING)
    api.on("GET", PODS, Answer(b"<html>"))
    with pytest.raises(UnexpectedAnswer):
        task(image_available, images=[GRAFANA, WEB])
    assert pods.there == {}
    assert len(api.calls("DELETE")) == 2


@pytest.mark.usefixtures("hurry")
def test_pods_are_deleted_after_an_interruption(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, CREATING)

    class Interrupting(list[str]):
        def append(self, line: str) -> None:
            raise KeyboardInterrupt

    task.lines = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        task(image_available, images=[GRAFANA])
    assert pods.there == {}
    assert api.calls("DELETE") == [f"DELETE {PODS}/{probe_name(GRAFANA)}"]


@pytest.mark.usefixtures("hurry")
def test_a_pod_that_may_not_be_deleted_is_named(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    forbidden = status(403, 'x is forbidden: User "jane" cannot delete resource "pods"', "Forbidden")
    api.on("DELETE", f"{PODS}/{probe_name(GRAFANA)}", forbidden)
    result = task(image_available, images=[GRAFANA])
    assert result["available"] == {GRAFANA: True}
    (warning,) = result["warnings"]
    assert warning.startswith(f"Pod {probe_name(GRAFANA)} is left in namespace default: ")
    assert "cannot delete" in warning


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(403, 'x is forbidden: User "jane" cannot create resource "pods"', "Forbidden"), "cannot create"),
        (status(404, 'namespaces "default" not found', "NotFound"), 'namespaces "default" not found'),
        (status(422, "Pod is invalid: image: Required value", "Invalid"), "Required value"),
    ],
)
def test_pods_that_cannot_be_created_are_no_failure(
    task: Task, api: ScriptedApi, pods: Pods, answer: Answer, said: str
) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    api.on("POST", PODS, answer)
    result = task(image_available, images=[GRAFANA])
    assert result["available"] == {GRAFANA: None}
    assert result["reasons"][GRAFANA].startswith(f"unknown whether {GRAFANA} can be pulled: ")
    assert said in result["reasons"][GRAFANA]


def test_pods_that_may_not_be_listed_are_no_failure(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    api.on("GET", PODS, status(403, 'x is forbidden: User "jane" cannot list resource "pods"', "Forbidden"))
    result = task(image_available, images=[GRAFANA])
    assert result["available"] == {GRAFANA: None}
    assert "cannot list" in result["reasons"][GRAFANA]
    assert pods.there == {}


@pytest.mark.usefixtures("hurry")
def test_a_new_namespace_has_no_service_account_yet(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    young = status(403, 'pods "x" is forbidden: error looking up service account default/default: not found')
    api.on("POST", PODS, young, young, pods.create)
    assert task(image_available, images=[GRAFANA])["available"] == {GRAFANA: True}


@pytest.mark.usefixtures("hurry")
def test_a_server_that_fails_for_a_moment(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    api.on("POST", PODS, status(503, "etcdserver: leader changed"), pods.create)
    assert task(image_available, images=[GRAFANA])["available"] == {GRAFANA: True}
    assert pods.there == {}


def test_nodes_that_may_not_be_listed(task: Task, api: ScriptedApi, pods: Pods) -> None:
    pods.goes(GRAFANA, NO_PROGRAM)
    api.on("GET", NODES, status(403, 'x is forbidden: User "jane" cannot list resource "nodes"', "Forbidden"))
    assert task(image_available, images=[GRAFANA])["reasons"] == {GRAFANA: f"{GRAFANA} could be pulled"}
    reasons = task(image_available, images=[GRAFANA], pull=False)["reasons"]
    assert reasons == {GRAFANA: f"unknown whether the nodes have {GRAFANA}; pulling was not tried"}


@pytest.mark.parametrize("options", [{"pull": False}, {"check": True}])
def test_without_pulling_it_is_not_known(task: Task, api: ScriptedApi, options: Any) -> None:
    api.on("GET", NODES, {"items": [node("lab", PAUSE)]})
    result = task(image_available, images=[PAUSE, GRAFANA], **options)
    assert result["available"] == {PAUSE: True, GRAFANA: None}
    assert result["reasons"][GRAFANA] == f"{GRAFANA} is missing from some nodes; pulling was not tried"
    assert api.calls() == [f"GET {NODES}"]
