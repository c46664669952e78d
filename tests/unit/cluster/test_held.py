# SPDX-License-Identifier: GPL-3.0-or-later
"""What must stay until the windows are over, read back; and who changed it, by the cluster's own record."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.authors import (
    OWN,
    REPLICAS,
    SPEC,
    TEMPLATE,
    author_of,
    env_path,
    when,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.autoscalers import autoscalers_of
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.held import (
    Held,
    Holding,
    held_now,
    read_held,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.undone import Undone, differences
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    ScriptedApi,
    deployment,
    one_sentence,
    pod,
    status,
)

APPS = "/apis/apps/v1/namespaces/default/deployments"
HISTORY = f"{APPS}/my-temporal-history"
PODS = "/api/v1/namespaces/default/pods"
HPAS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"
EARLY, LATE = "2026-11-23T17:00:00Z", "2026-11-23T17:05:09Z"
SIX = [{"name": "CONCURRENT_WORKFLOWS", "value": "6"}]


def by(manager: str, fields: dict[str, Any], time: str = EARLY, subresource: str = "") -> dict[str, Any]:
    return {"manager": manager, "time": time, "fieldsV1": fields, "subresource": subresource}


def lists(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "metadata": {}}


# -- who --------------------------------------------------------------------


def test_who_set_a_field_last() -> None:
    replicas = {"f:spec": {"f:replicas": {}}}
    found = deployment(
        managed=[
            by("helm", {"f:spec": {"f:replicas": {}, "f:template": {}}}),
            by("kubectl", replicas, LATE),
            by("kube-controller-manager", {"f:status": {}}, "2026-11-23T17:09:00Z"),
        ]
    )
    author = author_of(found, REPLICAS)
    assert (author.manager, when(author)) == ("kubectl", " at 17:05:09 UTC")
    assert author_of(found, TEMPLATE).manager == "helm"
    assert author_of(found, SPEC).manager == "kubectl"
    assert author_of(deployment(), REPLICAS) is None
    # Through the subresource scale it has no time, and is the last.
    scaled = {"manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": replicas}
    found["metadata"]["managedFields"].append(scaled)
    assert (author_of(found, REPLICAS).manager, when(author_of(found, REPLICAS))) == ("kube-controller-manager", "")
    # What the lab itself has set is no news.
    found["metadata"]["managedFields"].append({**scaled, "manager": OWN})
    assert author_of(found, SPEC, others=True).manager == "kube-controller-manager"


def test_who_set_a_variable() -> None:
    container = {'k:{"name":"main"}': {"f:env": {'k:{"name":"CONCURRENT_WORKFLOWS"}': {"f:value": {}}}}}
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": container}}}}
    found = deployment(managed=[by("flux", fields)])
    assert author_of(found, env_path("main", "CONCURRENT_WORKFLOWS")).manager == "flux"
    assert author_of(found, env_path("main", "OTHER")) is None


@pytest.mark.parametrize(
    ("manager", "subresource", "said"),
    [
        ("kube-controller-manager", "scale", "an autoscaler (kube-controller-manager)"),
        ("kubectl", "scale", "kubectl (through scale)"),
        ("argocd-controller", "", "argocd-controller"),
        ("a\x1b[31mb\nc", "", "a [31mb c"),
        (OWN, "scale", "this lab, in another run of it,"),
    ],
)
def test_an_author_is_told_in_a_sentence(manager: str, subresource: str, said: str) -> None:
    entry = by(manager, {"f:spec": {"f:replicas": {}}}, subresource=subresource)
    assert author_of(deployment(managed=[entry]), REPLICAS).text == said


def test_autoscalers_of_a_deployment(cluster: Cluster, api: ScriptedApi) -> None:
    target = {"kind": "Deployment", "name": "history"}

    def scaler(name: str, spec: dict[str, Any], **labels: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "labels": labels}, "spec": {"scaleTargetRef": target, **spec}}

    hpas = [
        scaler("plain", {"maxReplicas": 3}),
        scaler("keda-hpa-queue", {"minReplicas": 2, "maxReplicas": 5}, **{"scaledobject.keda.sh/name": "queue"}),
        {"metadata": {"name": "set"}, "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "history"}}},
    ]
    api.on("GET", HPAS, lists(*hpas))
    api.on("GET", SCALED_OBJECTS, lists(scaler("queue", {"minReplicaCount": 2, "maxReplicaCount": 5})))
    assert [one.text for one in autoscalers_of(cluster, "history")] == [
        "HorizontalPodAutoscaler plain keeps it at 1 to 3 replicas",
        "ScaledObject queue keeps it at 2 to 5 replicas",
    ]
    assert autoscalers_of(cluster, "other") == []


# -- what differs -----------------------------------------------------------


def test_differences() -> None:
    found = deployment(replicas=2, env=SIX)
    assert list(differences(found, {})) == []
    assert list(differences(found, {"replicas": 2, "env": {"CONCURRENT_WORKFLOWS": "6", "UNSET": None}})) == []
    texts = [one.text for one in differences(found, {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "3", "B": "1"}})]
    assert texts == [
        "has 2 replicas and not the 1 that were asked for",
        "has CONCURRENT_WORKFLOWS=6 and not the 3 that was asked for",
        "has no B and not the 1 that was asked for",
    ]


# -- read back --------------------------------------------------------------


def running(**options: Any) -> dict[str, Any]:
    """History with two replicas, as it is while windows run."""
    found = deployment(replicas=2, env=options.pop("env", SIX), **options)
    found["metadata"]["uid"] = "uid-history"
    return found


def two(**options: Any) -> list[dict[str, Any]]:
    made = [pod(f"my-temporal-history-{name}", **options) for name in "ab"]
    for one in made:
        one["spec"]["containers"][0]["env"] = SIX
    return made


@pytest.fixture
def holding(cluster: Cluster, api: ScriptedApi) -> Holding:
    """What is to stay of history, which is there as it was."""
    api.on("GET", HISTORY, running())
    api.on("GET", PODS, lists(*two()))
    held = held_now(running(), two(), {"CONCURRENT_WORKFLOWS": "6"})
    return Holding(cluster, read_held([held.as_result()]))


def test_what_is_to_stay() -> None:
    replicas = {"f:spec": {"f:replicas": {}}}
    # What was set through scale has no time; helm has set the same number since.
    own = [by("helm", replicas, LATE), {"manager": OWN, "fieldsV1": replicas, "subresource": "scale"}]
    held = held_now(running(managed=own, generation=4), [*two(), pod("done", phase="Succeeded")], {"A": None})
    assert held.as_result() == {
        "name": "my-temporal-history",
        "replicas": 2,
        "env": {"A": None},
        "uid": "uid-history",
        "generation": 4,
        "revision": "one",
        "pods": ["my-temporal-history-a", "my-temporal-history-b"],
        "set_by": OWN,
        "restarts": {"my-temporal-history-a": 0, "my-temporal-history-b": 0},
    }
    theirs = [by("helm", replicas, LATE)]
    assert (held_now(running(managed=theirs), [], {}).set_by, held_now(running(), [], {}).set_by) == ("helm", "")


def test_what_stays_is_no_finding(holding: Holding, api: ScriptedApi) -> None:
    assert holding.check("") == []
    holding.glance()
    # Two requests, and one while windows run.
    assert api.calls() == [f"GET {HISTORY}", f"GET {PODS}", f"GET {HISTORY}"]


def scaled_by(manager: str, **options: Any) -> dict[str, Any]:
    entry = by(manager, {"f:spec": {"f:replicas": {}}}, LATE, "scale")
    return {**running(managed=[entry]), **options}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (deployment(replicas=1), "has 1 replica, and had 2 before"),
        (deployment(replicas=3), "has 3 replicas, and had 2 before"),
        (running(env=[{"name": "CONCURRENT_WORKFLOWS", "value": "9"}]), "has CONCURRENT_WORKFLOWS=9 and not the 6"),
        (running(env=[]), "has no CONCURRENT_WORKFLOWS and not the 6"),
        # To three replicas and back; or a pause and its end.
        (running(generation=3), "was changed (generation 1 became 3), whatever it is now"),
        (running(paused=True, generation=2), "was changed (generation 1 became 2), whatever it is now"),
        (deployment(replicas=2, env=SIX), "was deleted and made again"),
    ],
)
def test_what_was_changed_while_windows_ran(holding: Holding, api: ScriptedApi, now: Any, said: str) -> None:
    now["metadata"].setdefault("uid", "another" if "made again" in said else "uid-history")
    now["metadata"]["managedFields"] = [by("argocd-controller", {"f:spec": {"f:replicas": {}}}, LATE)]
    api.on("GET", HISTORY, now)
    for look in (holding.glance, lambda: holding.check("While the windows ran, ")):
        with pytest.raises(Undone) as failure:
            look()
        told = one_sentence(failure.value)
        assert told.startswith("While the windows ran, the Deployment my-temporal-history in namespace default ")
        assert said in told
        if "replica" in said or "generation" in said:
            assert "argocd-controller changed that at 17:05:09 UTC" in told


def test_a_deployment_that_was_deleted(holding: Holding, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, status(404, "not found", "NotFound"))
    with pytest.raises(Undone, match=r"^The Deployment my-temporal-history in namespace default was deleted\."):
        holding.check("")


def test_pods_of_another_revision(holding: Holding, api: ScriptedApi) -> None:
    """As after another image, where the Deployment's generation did not tell."""
    api.on("GET", PODS, lists(two()[0], pod("my-temporal-history-z", revision="two")))
    with pytest.raises(Undone, match=r"runs pods of another revision \(my-temporal-history-z\)"):
        holding.check("")


def test_a_pod_with_another_environment_than_its_deployment(holding: Holding, api: ScriptedApi) -> None:
    """As an admission webhook makes them."""
    first, second = two()
    second["spec"]["containers"][0]["env"] = [{"name": "CONCURRENT_WORKFLOWS", "value": "60"}]
    api.on("GET", PODS, lists(first, second))
    with pytest.raises(Undone, match=r"has a pod \(my-temporal-history-b\) with CONCURRENT_WORKFLOWS=60 and not 6"):
        holding.check("")


def test_a_pod_that_took_the_place_of_another_is_a_warning(holding: Holding, api: ScriptedApi) -> None:
    """A Deployment that heals itself is what was asked for; figures are of both pods."""
    first = two()[0]
    new = pod("my-temporal-history-new", state={"waiting": {"reason": "ContainerCreating"}})
    api.on("GET", PODS, lists(first, new))
    api.on("GET", HISTORY, running(status={"availableReplicas": 1}))
    replaced, unready = holding.check("")
    assert (replaced["id"], replaced["state"], unready["id"]) == ("pods_replaced", "warn", "pods_unready")
    assert "(my-temporal-history-new)" in replaced["title"]
    assert "1 of 2 pods of my-temporal-history are not ready" in unready["title"]


def test_a_pod_that_was_restarted_is_told_with_how_it_ended(cluster: Cluster, api: ScriptedApi) -> None:
    before = [pod("load-1", "load", restarts=2), pod("load-2", "load")]
    found = deployment("load", "load", 2)
    held = held_now(found, before, {})
    assert held.restarts == {"load-1": 2, "load-2": 0}
    holding = Holding(cluster, read_held([held.as_result()]))
    api.on("GET", f"{APPS}/load", found)
    # Those of before are not of these windows.
    api.on("GET", PODS, lists(*before))
    assert holding.check("") == []
    api.on(
        "GET", PODS, lists(pod("load-1", "load", restarts=3, last={"reason": "OOMKilled", "exitCode": 137}), before[1])
    )
    (told,) = holding.check("")
    assert (told["id"], told["state"]) == ("pods_restarted", "warn")
    assert told["title"] == (
        "load restarted once since its rollout (load-1; OOMKilled: it needs more memory than its limit)"
    )
    # What was written down by an earlier version does not say how often they had restarted before.
    assert Holding(cluster, read_held([{**held.as_result(), "restarts": {}}])).check("") == []


def test_a_cluster_that_is_silent_for_a_moment_is_no_change(holding: Holding, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, status(503, "etcd is away"))
    holding.glance()
    with pytest.raises(LabError) as failure:
        holding.check("")
    assert not isinstance(failure.value, Undone)


def test_what_must_not_be_there(cluster: Cluster, api: ScriptedApi) -> None:
    holding = Holding(cluster, read_held([{"name": "benchmark-soak-test", "replicas": 0}]))
    assert holding.check("") == []
    api.on("GET", f"{APPS}/benchmark-soak-test", deployment("benchmark-soak-test", "load", 0))
    assert holding.check("") == []
    api.on("GET", f"{APPS}/benchmark-soak-test", deployment("benchmark-soak-test", "load"))
    with pytest.raises(Undone, match="has 1 replica, and had 0 before"):
        holding.glance()


def test_several_take_a_request_for_each_kind(cluster: Cluster, api: ScriptedApi) -> None:
    names = ("a", "b")
    api.on("GET", APPS, lists(*[deployment(name, name) for name in names]))
    api.on("GET", PODS, lists(*[pod(f"{name}-1", name) for name in names]))
    held = [held_now(deployment(name, name), [pod(f"{name}-1", name)], {}) for name in names]
    assert Holding(cluster, held).check("") == []
    assert len(api.asked) == 2


def test_nothing_to_hold_asks_nothing(cluster: Cluster, api: ScriptedApi) -> None:
    assert Holding(cluster, []).check("") == []
    Holding(cluster, []).glance()
    assert api.asked == []


def test_of_two_of_a_name_the_last_counts() -> None:
    (held,) = read_held([{"name": "a", "replicas": 1}, {"name": "a", "replicas": 2, "env": {"N": 3}}])
    assert held == Held("a", 2, {"N": "3"}, pods=[])
    for wrong in ({"name": "a"}, {"replicas": 1}, {"name": "a", "replicas": "x"}, {"name": "a", "replicas": 1, "z": 1}):
        with pytest.raises(LabError, match="`held` takes what deployment_rollout"):
            read_held([wrong])


@pytest.mark.parametrize("answer", [{"items": 3}, {"items": [{"metadata": 1}]}, [], Answer(b"<html>")])
def test_any_answer_is_a_sentence(cluster: Cluster, api: ScriptedApi, answer: Any) -> None:
    held = [Held("a", 1), Held("b", 1)]
    api.on("GET", APPS, answer)
    with pytest.raises(LabError) as failure:
        Holding(cluster, held).check("")
    one_sentence(failure.value)
