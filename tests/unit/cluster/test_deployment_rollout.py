# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import deployment_rollout, watch
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.deployment_change import (
    change_of,
    env_text,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.undone import Undone
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.watch import Watch, short_name
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import NotFound, Refused
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    READY_AT_SECONDS,
    Answer,
    Asked,
    ScriptedApi,
    Task,
    deployment,
    pod,
    status,
)

APPS = "/apis/apps/v1/namespaces/default"
HISTORY = f"{APPS}/deployments/my-temporal-history"
LOAD = f"{APPS}/deployments/benchmark-soak-test"
PODS = "/api/v1/namespaces/default/pods"
NOT_TAKEN_UP = {"generation": 2}
CRASHING = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restarts": 3, "last": {"exitCode": 1}}
NO_IMAGE = {"state": {"waiting": {"reason": "ErrImageNeverPull"}}}


def pods(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "metadata": {}}


def stamp(moment: float) -> str:
    """Unix seconds as the API writes them, in whole seconds."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def made(ago: float) -> str:
    """When a pod was made so many seconds ago."""
    return stamp(time.time() - ago)


# -- what differs -----------------------------------------------------------


def test_nothing_is_asked_for() -> None:
    assert change_of(deployment(replicas=2), None, {}).patch is None


def test_replicas_differ() -> None:
    change = change_of(deployment(replicas=1), 2, {})
    assert (change.patch, change.scale) == ({"spec": {"replicas": 2}}, True)
    assert (change.before, change.after) == ({"replicas": 1, "env": {}}, {"replicas": 2, "env": {}})


def test_replicas_that_are_not_given_are_one() -> None:
    resource = deployment()
    del resource["spec"]["replicas"]
    assert change_of(resource, 1, {}).patch is None


def test_only_the_variables_that_differ_are_patched() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "OTHER", "value": "x"}]
    change = change_of(deployment(env=env), None, {"A": "1", "B": "3", "C": "4"})
    entries = [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]
    assert change.patch == {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": entries}]}}}}
    assert change.scale is False
    assert change.before["env"] == {"A": "1", "B": "2", "C": None}
    assert change.after["env"] == {"A": "1", "B": "3", "C": "4"}


def test_an_empty_value_is_the_same_as_none() -> None:
    assert change_of(deployment(env=[{"name": "A"}]), None, {"A": ""}).patch is None


def test_a_reference_gives_way_to_a_value() -> None:
    env = [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    change = change_of(deployment(env=env), 2, {"A": "1"})
    containers = [{"name": "main", "env": [{"name": "A", "value": "1", "valueFrom": None}]}]
    assert change.patch == {"spec": {"replicas": 2, "template": {"spec": {"containers": containers}}}}
    assert change.before["env"] == {"A": "(a reference)"}


def test_the_environment_of_several_containers_is_not_set() -> None:
    two = deployment(containers=[{"name": "load"}, {"name": "metrics"}])
    with pytest.raises(LabError, match=r"has 2 containers \(load, metrics\)"):
        change_of(two, None, {"A": "1"})
    assert change_of(two, 2, {}).scale is True


def test_variables_that_are_only_to_be_seen_are_not_patched() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    change = change_of(deployment(env=env), None, {"B": "2"}, ["A", "C"])
    assert change.patch is None
    assert change.before["env"] == change.after["env"] == {"A": "1", "C": None, "B": "2"}


def test_the_environment_is_text() -> None:
    assert env_text({"A": "1", "B": 2, "C": 0.5}) == {"A": "1", "B": "2", "C": "0.5"}
    assert env_text(None) == {}
    for value in (True, None, [1], {"a": 1}):
        with pytest.raises(LabError, match="not text or a number"):
            env_text({"A": value})


def test_short_names() -> None:
    assert short_name("my-temporal-history", "my-temporal") == "history"
    assert short_name("my-temporal", "my-temporal") == "my-temporal"
    assert short_name("benchmark-soak-test", "my-temporal") == "benchmark-soak-test"


# -- conversations ----------------------------------------------------------


def script_scaling(api: ScriptedApi) -> None:
    """History with one replica that gets a second one."""
    growing = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1, "observedGeneration": 2}
    api.on(
        "GET",
        HISTORY,
        deployment(),
        deployment(replicas=2, generation=2, status={"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
        deployment(replicas=2, generation=2, status=growing),
        deployment(replicas=2, generation=2, status={"observedGeneration": 2}),
    )
    new = pod("my-temporal-history-b", ready_at="2026-11-23T17:01:30Z")
    api.on(
        "GET",
        PODS,
        pods(pod("my-temporal-history-a")),
        pods(pod("my-temporal-history-a"), pod("my-temporal-history-b", ready=False)),
        pods(pod("my-temporal-history-a"), new),
    )
    api.on("PATCH", f"{HISTORY}/scale", {})


@pytest.mark.usefixtures("hurry")
def test_scaling(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    began = time.time()
    result = task(deployment_rollout, deployments=["my-temporal-history"], replicas=2, diff=True)
    assert result["changed"] is True
    assert result["before"] == {"my-temporal-history": {"replicas": 1, "env": {}}}
    assert result["after"] == {"my-temporal-history": {"replicas": 2, "env": {}}}
    assert result["diff"] == {"before": result["before"], "after": result["after"]}
    assert result["watched"] is True
    (event,) = result["events"]
    assert event["name"] == "history_rolled_out"
    assert event["title"] == "history rolled out with 2 replicas"
    assert event["time"] == READY_AT_SECONDS + 20
    assert began - 0.001 <= result["time"] <= event["observed"] <= time.time() + 0.001
    assert [(entry["deployment"], entry["name"], entry["ready"]) for entry in result["pods"]] == [
        ("my-temporal-history", "my-temporal-history-a", True),
        ("my-temporal-history", "my-temporal-history-b", True),
    ]
    assert task.states == [
        "history its controller has not observed the change yet",
        "history 1 of 2 pods ready · my-temporal-history-b container main runs but its readiness probe does not pass "
        "yet",
        "history 2 of 2 pods ready",
    ]
    (patch,) = [asked for asked in api.asked if asked.method == "PATCH"]
    assert (patch.path, patch.body) == (f"{HISTORY}/scale", {"spec": {"replicas": 2}})
    assert {asked.query.get("labelSelector") for asked in api.asked if asked.path == PODS} == {"app=history"}


def test_nothing_is_rolled_out_in_the_future(task: Task, api: ScriptedApi) -> None:
    """A window begins at the last event; one of the year 9999 would be waited for."""
    api.on("GET", HISTORY, deployment())
    api.on("GET", PODS, pods(pod("my-temporal-history-a", ready_at="9999-01-01T00:00:00Z")))
    result = task(deployment_rollout, deployments=["my-temporal-history"])
    # Times are in milliseconds, rounded.
    assert [event["time"] <= time.time() + 0.001 for event in result["events"]] == [True]


def test_what_is_as_wanted_is_not_touched(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(replicas=2))
    api.on("GET", PODS, pods(pod("my-temporal-history-a"), pod("my-temporal-history-b")))
    began = time.time()
    result = task(deployment_rollout, deployments=["my-temporal-history"], replicas=2)
    assert result["changed"] is False
    assert result["before"] == result["after"]
    # It was so before: there is a record of it, but nobody watched.
    assert [(event["time"], event["observed"]) for event in result["events"]] == [(READY_AT_SECONDS, None)]
    assert "diff" not in result
    assert result["watched"] is False
    assert began - 0.001 <= result["time"] <= time.time() + 0.001
    assert api.calls("PATCH") == []
    assert task.lines == []


def test_check_mode_says_what_would_change_and_waits_for_nothing(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    result = task(deployment_rollout, deployments=["my-temporal-history"], replicas=2, check=True)
    assert result["changed"] is True
    assert result["after"]["my-temporal-history"]["replicas"] == 2
    assert (result["events"], result["time"]) == ([], None)
    assert api.calls() == [f"GET {HISTORY}"]


def test_without_waiting(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    api.on("PATCH", f"{HISTORY}/scale", {})
    result = task(deployment_rollout, deployments=["my-temporal-history"], replicas=0, wait=False)
    assert (result["changed"], result["events"], result["waited"], result["watched"]) == (True, [], 0.0, False)
    assert api.calls() == [f"GET {HISTORY}", f"PATCH {HISTORY}/scale"]


@pytest.mark.parametrize("wait", [True, False])
def test_the_time_is_that_of_the_last_change(task: Task, api: ScriptedApi, wait: bool) -> None:
    moments = []

    def moment(body: Any) -> Any:
        def answer(_asked: Asked) -> Answer:
            moments.append(time.time())
            return Answer(body)

        return answer

    names = ["my-temporal-history", "benchmark-soak-test"]
    one, other = deployment(), deployment("benchmark-soak-test", "load")
    api.on(
        "GET", f"{APPS}/deployments", pods(one, other), pods(deployment(replicas=0), deployment(names[1], "load", 0))
    )
    api.on("PATCH", f"{HISTORY}/scale", moment({}))
    api.on("PATCH", f"{LOAD}/scale", moment({}))
    api.on("GET", PODS, moment(pods()))
    result = task(deployment_rollout, deployments=names, replicas=0, wait=wait)
    assert len(moments) == (3 if wait else 2)
    assert moments[1] - 0.001 <= result["time"] <= (moments[2] if wait else time.time()) + 0.001


def test_the_environment_of_the_load(task: Task, api: ScriptedApi) -> None:
    load = {"name": "benchmark-soak-test", "app": "load"}
    env = [{"name": "CONCURRENT_WORKFLOWS", "value": "3"}]
    api.on(
        "GET",
        LOAD,
        deployment(**load, env=env),
        deployment(
            **load,
            env=[{"name": "CONCURRENT_WORKFLOWS", "value": "6"}],
            generation=2,
            status={"observedGeneration": 2},
        ),
    )
    api.on("PATCH", LOAD, {})
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load")))
    result = task(deployment_rollout, deployments=["benchmark-soak-test"], env={"CONCURRENT_WORKFLOWS": 6})
    (patch,) = [asked for asked in api.asked if asked.method == "PATCH"]
    assert patch.headers["Content-Type"] == "application/strategic-merge-patch+json"
    containers = [{"name": "main", "env": [{"name": "CONCURRENT_WORKFLOWS", "value": "6"}]}]
    assert patch.body == {"spec": {"template": {"spec": {"containers": containers}}}}
    assert result["events"][0]["name"] == "benchmark_soak_test_rolled_out"
    # The first look found it done, and it was this task that made it so.
    assert (result["watched"], result["events"][0]["observed"] is None) == (True, False)
    assert result["events"][0]["title"] == "benchmark-soak-test rolled out with 1 replica, CONCURRENT_WORKFLOWS=6"


def test_titles_name_the_variables_of_the_deployment_that_has_them(task: Task, api: ScriptedApi) -> None:
    load = deployment("benchmark-soak-test", "load", env=[{"name": "CONCURRENT_WORKFLOWS", "value": "6"}])
    workers = deployment("benchmark-workers", "workers", env=[{"name": "OTHER", "value": "1"}], replicas=2)
    api.on("GET", f"{APPS}/deployments", pods(load, workers))
    first, second = (pod(f"benchmark-workers-{name}", "workers") for name in "ab")
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load"), first, second))
    names = ["benchmark-soak-test", "benchmark-workers"]
    result = task(deployment_rollout, deployments=names, show_env=["CONCURRENT_WORKFLOWS"])
    assert sorted(event["title"] for event in result["events"]) == [
        "benchmark-soak-test rolled out with 1 replica, CONCURRENT_WORKFLOWS=6",
        "benchmark-workers rolled out with 2 replicas",
    ]
    assert result["after"]["benchmark-workers"]["env"] == {"CONCURRENT_WORKFLOWS": None}


def test_several_deployments_take_one_request_for_each_kind(task: Task, api: ScriptedApi) -> None:
    both = [deployment(), deployment("benchmark-soak-test", "load"), deployment("somebody-elses", "other")]
    api.on("GET", f"{APPS}/deployments", pods(*both))
    later = pod("benchmark-soak-test-a", "load", ready_at="2026-11-23T17:00:00Z")
    api.on("GET", PODS, pods(pod("my-temporal-history-a"), later, pod("somebody-elses-a", "other", ready=False)))
    result = task(deployment_rollout, deployments=["my-temporal-history", "benchmark-soak-test"])
    assert [event["name"] for event in result["events"]] == ["benchmark_soak_test_rolled_out", "history_rolled_out"]
    assert {entry["deployment"] for entry in result["pods"]} == {"my-temporal-history", "benchmark-soak-test"}
    assert len(api.asked) == 3


@pytest.mark.usefixtures("hurry")
def test_nobody_to_ask_is_forgiven_while_the_time_lasts(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(), status(503, "etcd is away"), status(503, "etcd is away"), deployment())
    api.on("GET", PODS, pods(pod("my-temporal-history-a")))
    assert task(deployment_rollout, deployments=["my-temporal-history"])["waited"] > 0


def test_a_refusal_is_final(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    forbidden = 'deployments.apps "x" is forbidden: User "jane" cannot patch resource "deployments/scale"'
    api.on("PATCH", f"{HISTORY}/scale", status(403, forbidden, "Forbidden"))
    with pytest.raises(Refused, match="cannot patch resource"):
        task(deployment_rollout, deployments=["my-temporal-history"], replicas=2)


def test_a_missing_deployment_is_said_with_the_hint(task: Task, api: ScriptedApi) -> None:
    with pytest.raises(NotFound) as failure:
        task(deployment_rollout, deployments=["my-temporal-history"], missing_hint="run the tag install first.")
    assert failure.value.msg == (
        "There is no Deployment my-temporal-history in namespace default: run the tag install first."
    )
    api.on("GET", f"{APPS}/deployments", pods(deployment()))
    with pytest.raises(NotFound, match="There is no Deployment benchmark-soak-test"):
        task(deployment_rollout, deployments=["my-temporal-history", "benchmark-soak-test"], check=True)


def test_no_deployment_and_no_number(task: Task) -> None:
    with pytest.raises(LabError, match="No Deployment is named"):
        task(deployment_rollout, deployments=[])
    with pytest.raises(LabError, match="cannot have -1 replicas"):
        task(deployment_rollout, deployments=["a"], replicas=-1)


@pytest.mark.usefixtures("hurry")
def test_a_crashing_pod_ends_the_wait_early(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("my-temporal-history-a", **CRASHING)))
    api.on("GET", f"{PODS}/my-temporal-history-a/log", Answer(b"starting\npq: password authentication failed\n\n"))
    began = time.monotonic()
    with pytest.raises(LabError) as failure:
        task(deployment_rollout, deployments=["my-temporal-history"], hopeless_after=0.3)
    # The time of a roll-out is 300 s.
    assert time.monotonic() - began < 200
    assert "history in namespace default cannot roll out" in failure.value.msg
    assert "container main is crash-looping (exit code 1, 3 restarts)" in failure.value.msg
    assert failure.value.msg.endswith("last log line of my-temporal-history-a: pq: password authentication failed.")
    assert failure.value.details["logs"] == {
        "my-temporal-history-a": ["starting", "pq: password authentication failed"]
    }
    asked = api.asked[-1]
    assert asked.query == {"container": "main", "tailLines": "20", "previous": "true"}


@pytest.mark.usefixtures("hurry")
def test_a_crash_that_is_over_ends_nothing(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    crashing, starting = pod("a", **CRASHING), pod("a", ready=False, restarts=3)
    api.on("GET", PODS, pods(crashing), *[pods(starting)] * 30, pods(pod("a", restarts=3)))
    assert task(deployment_rollout, deployments=["my-temporal-history"], hopeless_after=0.1)["pods"][0]["restarts"] == 3


@pytest.mark.usefixtures("hurry")
def test_an_image_that_is_nowhere_ends_the_wait_early(
    task: Task, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "OLD_PODS_LEAVE", 0.1)
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("a", **NO_IMAGE)))
    with pytest.raises(LabError, match="has no image localhost/temporal-lab/server:1"):
        task(deployment_rollout, deployments=["my-temporal-history"])


@pytest.mark.usefixtures("hurry")
def test_an_old_pod_without_an_image_may_leave(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    api.on("GET", PODS, pods(pod("old", **NO_IMAGE)), pods(pod("new")))
    assert task(deployment_rollout, deployments=["my-temporal-history"])["pods"][0]["name"] == "new"


@pytest.mark.usefixtures("hurry")
def test_the_time_is_over(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(replicas=4, status={"availableReplicas": 0}))
    unready = [pod(name, ready=False) for name in ("a", "b", "c", "d")]
    api.on("GET", PODS, pods(*unready))
    with pytest.raises(LabError) as failure:
        task(deployment_rollout, deployments=["my-temporal-history"], timeout=0.1)
    assert failure.value.msg.startswith("history in namespace default did not roll out in 0.1 s: a container main runs")
    assert "; and 2 more pods" in failure.value.msg
    assert [entry["name"] for entry in failure.value.details["pods"]] == ["a", "b", "c", "d"]
    # No log was to be had, and that is no failure of its own.
    assert failure.value.details["logs"] == {"a": [], "b": []}


@pytest.mark.usefixtures("hurry")
def test_no_pod_at_all_when_the_time_is_over(task: Task, api: ScriptedApi) -> None:
    quota = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: student"}
    api.on("GET", HISTORY, deployment(status={"replicas": 0, "conditions": [quota]}))
    api.on("GET", PODS, pods())
    with pytest.raises(LabError, match="history: no pod could be created: exceeded quota: student"):
        task(deployment_rollout, deployments=["my-temporal-history"], timeout=0.05)


# -- pods that may not be made ----------------------------------------------

QUOTA = {
    "type": "ReplicaFailure",
    "status": "True",
    "message": 'pods "my-temporal-history-b" is forbidden: exceeded quota: student, requested: cpu=1, used: cpu=2, '
    "limited: cpu=2",
}


def refused(**options: Any) -> Any:
    """A Deployment of two of which one pod is there and the other may not be made."""
    status = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "conditions": [QUOTA]}
    return deployment(replicas=2, status=status, **options)


def watching(cluster: Cluster, moment: float | None = None) -> Watch:
    """Looks at history whose seconds a test gives. moment: Unix seconds of the first look, now when there are none."""
    wall = time.time if moment is None else lambda: moment
    return Watch(cluster, ["my-temporal-history"], 120.0, "", wall)


def test_pods_that_the_quota_does_not_let_be_made_end_the_wait_early(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, refused())
    api.on("GET", PODS, pods(pod("my-temporal-history-a")))
    watch = watching(cluster)
    # Old pods that leave may make room.
    for elapsed in (0.0, 15.0, 29.9):
        assert watch.look(elapsed).done is False
    with pytest.raises(LabError) as failure:
        watch.look(30.0)
    assert failure.value.msg == (
        "history in namespace default cannot roll out (after 30 s): history: no pod could be created: "
        'pods "my-temporal-history-b" is forbidden: exceeded quota: student, requested: cpu=1, used: cpu=2, '
        "limited: cpu=2."
    )
    assert failure.value.details == {"waited": 30.0, "pods": [], "logs": {}}


def test_a_quota_counts_only_when_the_controller_has_seen_the_change(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, refused(generation=2))
    api.on("GET", PODS, pods(pod("my-temporal-history-a")))
    watch = watching(cluster)
    found = watch.look(60.0)
    # What its controller said of pods that could not be created was before the change.
    assert (found.done, found.text) == (False, "history its controller has not observed the change yet")
    api.on("GET", HISTORY, deployment(replicas=2, generation=2, status={"observedGeneration": 2}))
    api.on("GET", PODS, pods(pod("my-temporal-history-a"), pod("my-temporal-history-b")))
    assert watch.look(61.0).done is True


def test_a_quota_that_frees_is_no_failure(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, refused(), deployment(replicas=2, status={"availableReplicas": 1}))
    unready = pod("my-temporal-history-b", ready=False)
    api.on("GET", PODS, pods(pod("my-temporal-history-a")), pods(pod("my-temporal-history-a"), unready))
    watch = watching(cluster)
    assert [watch.look(elapsed).done for elapsed in (29.0, 31.0)] == [False, False]


def test_a_quota_since_the_beginning_ends_the_task_at_once(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, refused())
    api.on("GET", PODS, pods(pod("my-temporal-history-a")))
    with pytest.raises(LabError, match=r"cannot roll out \(after [3-9]\d s\): history: no pod could be .* quota"):
        task(deployment_rollout, deployments=["my-temporal-history"], timeout=40, since=time.time() - 31)
    assert api.calls().count(f"GET {PODS}") == 1


# -- since, and what was there at the first look ----------------------------


def test_a_crash_at_the_first_look_is_as_old_as_a_pod_of_this_wait(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("my-temporal-history-a", created=made(125), **CRASHING)))
    with pytest.raises(LabError, match=r"^history .* cannot roll out \(for 1[2-5]\d s so far\): "):
        task(
            deployment_rollout,
            deployments=["my-temporal-history"],
            hopeless_after=120,
            timeout=160,
            since=time.time() - 140,
        )
    assert api.calls().count(f"GET {PODS}") == 1


@pytest.mark.usefixtures("hurry")
def test_an_old_pod_in_trouble_at_the_first_look_has_its_whole_time(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    # Made before the wait began: it may be the one that a change before this task is to replace.
    old = pods(pod("my-temporal-history-a", created=made(150), **CRASHING))
    api.on("GET", PODS, old, old, pods(pod("my-temporal-history-b")))
    result = task(
        deployment_rollout,
        deployments=["my-temporal-history"],
        hopeless_after=120,
        timeout=160,
        since=time.time() - 130,
    )
    assert [entry["name"] for entry in result["pods"]] == ["my-temporal-history-b"]
    assert (result["changed"], result["watched"]) == (False, True)
    assert result["waited"] == pytest.approx(130, abs=25)


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("age", [125, 7200])
def test_what_a_change_is_to_cure_has_its_time_from_the_change_on(task: Task, api: ScriptedApi, age: float) -> None:
    right = [{"name": "DATABASE", "value": "right"}]
    api.on(
        "GET",
        HISTORY,
        deployment(env=[{"name": "DATABASE", "value": "wrong"}], status={"availableReplicas": 0}),
        deployment(env=right, generation=2, status={"observedGeneration": 2, "availableReplicas": 0}),
        deployment(env=right, generation=2, status={"observedGeneration": 2}),
    )
    old = pod("my-temporal-history-old", created=made(age), **CRASHING)
    new = pod("my-temporal-history-new", created=made(0), revision="two", ready=False)
    api.on("GET", PODS, pods(old, new), pods(pod("my-temporal-history-new", revision="two")))
    api.on("PATCH", HISTORY, {})
    result = task(
        deployment_rollout,
        deployments=["my-temporal-history"],
        env={"DATABASE": "right"},
        hopeless_after=120,
        timeout=100,
        since=time.time() - 130,
    )
    assert (result["changed"], result["watched"]) == (True, True)
    assert [entry["name"] for entry in result["pods"]] == ["my-temporal-history-new"]
    assert 0 < result["waited"] < 30


@pytest.mark.usefixtures("hurry")
def test_a_quota_from_before_the_change_is_no_failure(task: Task, api: ScriptedApi) -> None:
    growing = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 2}
    api.on(
        "GET",
        HISTORY,
        deployment(),
        deployment(replicas=2, generation=2, status={**growing, "conditions": [QUOTA]}),
        deployment(replicas=2, generation=2, status={"observedGeneration": 2}),
    )
    api.on(
        "GET",
        PODS,
        pods(pod("my-temporal-history-a")),
        pods(pod("my-temporal-history-a"), pod("my-temporal-history-b")),
    )
    api.on("PATCH", f"{HISTORY}/scale", {})
    result = task(
        deployment_rollout, deployments=["my-temporal-history"], replicas=2, timeout=60, since=time.time() - 40
    )
    assert (result["changed"], len(result["pods"])) == (True, 2)


def test_a_crash_that_came_later_has_its_time(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    # However old the pod is: at the first look it was in no trouble.
    created = stamp(READY_AT_SECONDS - 95)
    api.on("GET", PODS, pods(pod("a", created=created, ready=False)), pods(pod("a", created=created, **CRASHING)))
    watch = watching(cluster, READY_AT_SECONDS)
    for elapsed in (130.0, 131.0, 250.9):
        assert watch.look(elapsed).done is False
    with pytest.raises(LabError, match=r"cannot roll out \(for 120 s so far\): a container main is crash-looping"):
        watch.look(251.0)


@pytest.mark.parametrize(
    ("age", "since"),
    [
        # Of this wait, which began 100 seconds before the first look: as old as the pod.
        (95, 5.0),
        (99, 1.0),
        # From before it: as old as the first look.
        (101, 100.0),
        (7200, 100.0),
        (None, 100.0),
    ],
)
def test_how_old_the_trouble_of_the_first_look_is(
    cluster: Cluster, api: ScriptedApi, age: float | None, since: float
) -> None:
    created = None if age is None else stamp(READY_AT_SECONDS - age)
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("a", created=created, **CRASHING)))
    watch = watching(cluster, READY_AT_SECONDS)
    for elapsed in (100.0, since + 119.9):
        assert watch.look(elapsed).done is False
    with pytest.raises(LabError, match=r"cannot roll out \(for 120 s so far\): a container main is crash-looping"):
        watch.look(since + 120.0)


def test_an_image_that_is_nowhere_at_the_first_look(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("a", created=stamp(READY_AT_SECONDS - 3), **NO_IMAGE)))
    watch = watching(cluster, READY_AT_SECONDS)
    for elapsed in (4.0, 5.9):
        assert watch.look(elapsed).done is False
    with pytest.raises(LabError, match=r"cannot roll out \(for 5 s so far\): a container main has no image"):
        watch.look(6.0)


def test_a_time_that_is_over_is_one_look(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("a", ready=False)))
    with pytest.raises(LabError) as failure:
        task(deployment_rollout, deployments=["my-temporal-history"], timeout=3, since=time.time() - 400)
    assert failure.value.msg.startswith("history in namespace default did not roll out in 3 s: a container main runs")
    assert failure.value.details["waited"] == pytest.approx(400, abs=30)
    assert api.calls().count(f"GET {PODS}") == 1


def test_what_is_rolled_out_when_the_time_is_over_is_no_failure(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    api.on("GET", PODS, pods(pod("a")))
    result = task(deployment_rollout, deployments=["my-temporal-history"], timeout=3, since=time.time() - 400)
    assert (result["watched"], result["events"][0]["observed"]) == (False, None)
    assert result["waited"] == pytest.approx(400, abs=30)


@pytest.mark.usefixtures("hurry")
def test_a_since_that_is_still_to_come_is_now(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    api.on("GET", PODS, pods(pod("a", ready=False)))
    with pytest.raises(LabError, match=r"did not roll out in 0.2 s") as failure:
        task(deployment_rollout, deployments=["my-temporal-history"], timeout=0.2, since=time.time() + 1000)
    assert 0.2 <= failure.value.details["waited"] < 30


@pytest.mark.usefixtures("hurry")
def test_a_rollout_that_comes_was_watched(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, deployment())
    api.on("GET", PODS, pods(pod("a", ready=False)), pods(pod("a")))
    result = task(deployment_rollout, deployments=["my-temporal-history"], since=time.time() - 10)
    assert (result["changed"], result["watched"]) == (False, True)
    assert result["events"][0]["observed"] is not None


@pytest.mark.usefixtures("hurry")
def test_scaling_to_nothing_has_a_time_too(task: Task, api: ScriptedApi) -> None:
    # This API server keeps no record of who wrote what.
    api.on("GET", HISTORY, deployment(), deployment(replicas=0))
    api.on("GET", PODS, pods(pod("a", terminating=True)), pods())
    api.on("PATCH", f"{HISTORY}/scale", {})
    (event,) = task(deployment_rollout, deployments=["my-temporal-history"], replicas=0)["events"]
    assert event["time"] == event["observed"]
    assert event["title"] == "history rolled out with 0 replicas"
    # Seen later there is no telling when it was, and so there is no event.
    assert task(deployment_rollout, deployments=["my-temporal-history"], replicas=0)["events"] == []


# -- what was asked for and something undid ---------------------------------


def load_with(flight: str, **options: Any) -> dict[str, Any]:
    env = [{"name": "CONCURRENT_WORKFLOWS", "value": flight}]
    found: dict[str, Any] = deployment("benchmark-soak-test", "load", env=env, **options)
    return found


@pytest.fixture
def asked(task: Task, api: ScriptedApi) -> dict[str, Any]:
    """The result of the task that set six in flight and did not wait."""
    api.on("GET", LOAD, load_with("3"))
    api.on("PATCH", LOAD, {})
    result = task(deployment_rollout, deployments=["benchmark-soak-test"], env={"CONCURRENT_WORKFLOWS": 6}, wait=False)
    assert result["held"] == []
    api.asked.clear()
    return result


def test_what_an_earlier_task_asked_for_is_read_back(task: Task, api: ScriptedApi, asked: dict[str, Any]) -> None:
    api.on("GET", LOAD, load_with("6"))
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load")))
    result = task(
        deployment_rollout, deployments=["benchmark-soak-test"], show_env=["CONCURRENT_WORKFLOWS"], asked=asked
    )
    (held,) = result["held"]
    assert (held["name"], held["env"]) == ("benchmark-soak-test", {"CONCURRENT_WORKFLOWS": "6"})
    # It counts from the request.
    assert result["waited"] >= time.time() - asked["time"] - 60


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([load_with("3")], "has CONCURRENT_WORKFLOWS=3 and not the 6 that was asked for"),
        # Undone while it rolls out, as by a GitOps controller that looks every few seconds.
        ([load_with("6", **NOT_TAKEN_UP), load_with("3")], "has CONCURRENT_WORKFLOWS=3 and not the 6"),
        ([load_with("6", **NOT_TAKEN_UP), load_with("6", replicas=4)], "has 4 replicas and not the 1"),
    ],
)
def test_what_was_undone_is_an_error_and_not_set_again(
    task: Task, api: ScriptedApi, asked: dict[str, Any], looks: list[Any], said: str
) -> None:
    api.on("GET", LOAD, *looks)
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load")))
    with pytest.raises(Undone, match=said):
        task(deployment_rollout, deployments=["benchmark-soak-test"], asked=asked)
    assert api.calls("PATCH") == []


@pytest.mark.usefixtures("hurry")
def test_what_this_task_set_and_something_undid_is_an_error(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, load_with("3"), load_with("6", **NOT_TAKEN_UP), load_with("3"))
    api.on("PATCH", LOAD, {})
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load")))
    with pytest.raises(Undone, match="has CONCURRENT_WORKFLOWS=3 and not the 6"):
        task(deployment_rollout, deployments=["benchmark-soak-test"], env={"CONCURRENT_WORKFLOWS": 6})
    assert len(api.calls("PATCH")) == 1


@pytest.mark.usefixtures("hurry")
def test_a_number_that_nobody_asked_for_may_change(task: Task, api: ScriptedApi) -> None:
    """As an autoscaler of the server's own changes it while it starts."""
    api.on("GET", HISTORY, deployment(**NOT_TAKEN_UP), deployment(**NOT_TAKEN_UP), deployment(replicas=2))
    api.on("GET", PODS, pods(pod("my-temporal-history-a"), pod("my-temporal-history-b")))
    result = task(deployment_rollout, deployments=["my-temporal-history"])
    assert result["held"][0]["replicas"] == 2


def test_asked_in_check_mode_is_nothing_that_could_be_undone(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, load_with("3"))
    given = {"deployments": ["benchmark-soak-test"], "env": {"CONCURRENT_WORKFLOWS": 6}, "check": True}
    first = task(deployment_rollout, **given, wait=False)
    assert task(deployment_rollout, **given, asked=first)["changed"] is True


def test_asked_is_the_result_of_a_task(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, load_with("3"))
    for wrong in ({"time": "x", "after": {"a": 1}}, {"time": 1.0, "after": {"a": 1}}, {"time": 1.0, "after": [1]}):
        with pytest.raises(LabError, match="`asked` takes the whole result"):
            task(deployment_rollout, deployments=["benchmark-soak-test"], asked=wrong)


def test_a_deployment_without_replicas_does_nothing(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, load_with("3", replicas=0))
    api.on("GET", PODS, pods())
    with pytest.raises(LabError) as failure:
        task(deployment_rollout, deployments=["benchmark-soak-test"], at_least=1, missing_hint="deploy the load first")
    assert failure.value.msg == (
        "The Deployment benchmark-soak-test in namespace default has 0 replicas, so it does nothing: deploy the load "
        "first."
    )
    # As many as are wanted, where none is required.
    assert task(deployment_rollout, deployments=["benchmark-soak-test"])["held"][0]["replicas"] == 0


@pytest.mark.usefixtures("hurry")
def test_a_paused_rollout_of_another_template_is_not_waited_for(
    task: Task, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAUSED", 0.2)
    held_up = {"generation": 2, "status": {"observedGeneration": 2, "updatedReplicas": 0}}
    api.on("GET", LOAD, load_with("3"), load_with("6", paused=True, **held_up))
    api.on("PATCH", LOAD, {})
    api.on("GET", PODS, pods(pod("benchmark-soak-test-a", "load")))
    with pytest.raises(LabError, match=r"cannot roll out .*its rollout is paused \(kubectl rollout resume\)"):
        task(deployment_rollout, deployments=["benchmark-soak-test"], env={"CONCURRENT_WORKFLOWS": 6}, timeout=600)


@pytest.mark.usefixtures("hurry")
def test_a_paused_deployment_can_be_scaled(task: Task, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSED", 0.0)
    growing = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 2}
    api.on(
        "GET",
        HISTORY,
        deployment(paused=True),
        deployment(replicas=2, paused=True, generation=2, status=growing),
        deployment(replicas=2, paused=True, generation=2, status={"observedGeneration": 2}),
    )
    api.on("PATCH", f"{HISTORY}/scale", {})
    api.on(
        "GET", PODS, pods(pod("my-temporal-history-a")), pods(*[pod(f"my-temporal-history-{name}") for name in "ab"])
    )
    assert task(deployment_rollout, deployments=["my-temporal-history"], replicas=2)["changed"] is True


# -- whose it is ------------------------------------------------------------

CLAIMS = "/api/v1/namespaces/default/configmaps/temporal-lab"


def four(manager: str = "", **labels: str) -> dict[str, Any]:
    """History with four replicas, that somebody has set."""
    fields = {"manager": manager, "time": made(60), "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    found: dict[str, Any] = deployment(replicas=4, managed=[fields] if manager else [])
    found["metadata"]["labels"] = labels
    return found


def test_what_is_somebody_elses_keeps_its_replicas(task: Task, api: ScriptedApi) -> None:
    api.on("GET", HISTORY, four("helm"))
    given = {"deployments": ["my-temporal-history"], "replicas": 1, "only_ours": True, "wait": False}
    result = task(deployment_rollout, **given)
    assert (result["changed"], result["after"]["my-temporal-history"]["replicas"]) == (False, 4)
    assert api.calls("PATCH") == []
    (line,) = task.lines
    assert "my-temporal-history in namespace default stays as it is, with 4 replicas, which helm set" in line
    # Without the option it is changed.
    api.on("PATCH", f"{HISTORY}/scale", {})
    assert task(deployment_rollout, **{**given, "only_ours": False})["changed"] is True


@pytest.mark.parametrize(
    ("found", "claims"),
    [
        (four("temporal-lab-benchmarking"), None),
        (four("kubectl", **{"helm.sh/chart": "temporal-lab-0.1.0"}), None),
        (four("kubectl"), {"my-temporal": "installed"}),
    ],
)
def test_what_is_the_labs_is_scaled_whoever_scaled_it(
    task: Task, api: ScriptedApi, found: dict[str, Any], claims: dict[str, str] | None
) -> None:
    api.on("GET", HISTORY, found)
    api.on("PATCH", f"{HISTORY}/scale", {})
    if claims:
        labels = {"app.kubernetes.io/managed-by": "temporal-lab"}
        api.on("GET", CLAIMS, {"metadata": {"labels": labels}, "data": claims})
    result = task(deployment_rollout, deployments=["my-temporal-history"], replicas=1, only_ours=True, wait=False)
    assert result["changed"] is True
