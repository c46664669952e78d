# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_scale: conversations from the load to the balance of the shards."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.undone import Undone
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import NotFound
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import temporal_scale
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    deployment,
    one_sentence,
    pod,
    status,
)

NAMESPACE = "/api/v1/namespaces/default"
PODS = f"{NAMESPACE}/pods"
FRONTEND = f"{NAMESPACE}/services/my-temporal-frontend"
INFO = f"{NAMESPACE}/services/my-temporal-frontend:7243/proxy/api/v1/cluster-info"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
HISTORY = f"{DEPLOYMENTS}/my-temporal-history"
LOAD = f"{DEPLOYMENTS}/benchmark-soak-test"
#: The labels by which the pods of the load and of a rollout are asked for; what owns shards has Helm's labels.
OF_LOAD, OF_ROLLOUT, OF_SHARDS = "app=load", "app=history", "shards"

A, B = "my-temporal-history-a", "my-temporal-history-b"
#: As the controller counts while the second pod is starting, and when it is ready.
UNREADY = {"generation": 2, "status": {"observedGeneration": 2, "availableReplicas": 1}}
TAKEN_UP = {"generation": 2, "status": {"observedGeneration": 2}}
SILENT = status(503, "error trying to reach service: dial tcp 10.244.0.7:9090: connect: connection refused")
BALANCED = {"before": {A: 255, B: 257}, "after": {A: 255, B: 257}, "expected": 512}
IN_FLIGHT = [{"name": "CONCURRENT_WORKFLOWS", "value": "6"}]


CRASHING = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restarts": 3, "last": {"exitCode": 1}}


def stamp(ago: float) -> str:
    """The time so many seconds ago, as the API writes it."""
    return datetime.fromtimestamp(time.time() - ago, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def ready(name: str, ago: float = 0.0) -> dict[str, Any]:
    """A history pod that became ready so many seconds ago."""
    return pod(name, ready_at=stamp(ago))


def starting() -> list[Any]:
    return [ready(A, 3600), pod(B, ready=False)]


def both(ago: float = 0.0) -> list[Any]:
    """Two pods, the second of which became ready so many seconds ago."""
    return [ready(A, 3600), ready(B, ago)]


def script_pods(api: ScriptedApi, **looks: list[list[Any]]) -> None:
    """Pods by who asks for them, one list a look; the last one stays. Keys: load, rollout, shards."""
    left = {OF_LOAD: looks.get("load", [[]]), OF_ROLLOUT: looks["rollout"], OF_SHARDS: looks["shards"]}

    def answer(asked: Asked) -> Answer:
        lists = left[asks_for(asked)]
        return Answer({"items": lists.pop(0) if len(lists) > 1 else lists[0], "metadata": {}})

    api.on("GET", PODS, answer)


def asks_for(asked: Asked) -> str:
    """Who asks for these pods; several Deployments are asked for without labels."""
    selector = asked.query.get("labelSelector", OF_LOAD)
    return OF_SHARDS if "component=history" in selector else selector


def looks(api: ScriptedApi, who: str) -> int:
    """How often pods were asked for."""
    return sum(asked.path == PODS and asks_for(asked) == who for asked in api.asked)


def script_history(api: ScriptedApi, before: Any, *after: Any) -> None:
    """The Deployment before it is changed, and then one a request; the last one stays."""
    left = list(after)

    def read(_asked: Asked) -> Answer:
        if not api.calls("PATCH"):
            return Answer(before)
        return Answer(left.pop(0) if len(left) > 1 else left[0])

    api.on("GET", HISTORY, read)
    api.on("PATCH", f"{HISTORY}/scale", {})


def script_shards(api: ScriptedApi, **values: list[Any]) -> None:
    """Shards that each pod (``a``, ``b``) tells, one a look; an Answer is sent as it is."""
    for name, told in values.items():
        answers = [each if isinstance(each, Answer) else Answer(f"numshards_gauge {each}\n".encode()) for each in told]
        api.on("GET", f"{PODS}/my-temporal-history-{name}:9090/proxy/metrics", *answers)


def script_temporal(api: ScriptedApi) -> None:
    api.on("GET", FRONTEND, {"spec": {"ports": [{"port": 7243}]}})
    api.on("GET", INFO, {"historyShardCount": 512, "serverVersion": "1.31.2"})


def script_load(api: ScriptedApi, **options: Any) -> None:
    api.on("GET", LOAD, deployment("benchmark-soak-test", "load", env=IN_FLIGHT, **options))


def script_scaling(api: ScriptedApi) -> None:
    """One history pod with all shards, which gets a second one that takes half of them."""
    script_temporal(api)
    script_load(api)
    script_history(api, deployment(), deployment(replicas=2, **UNREADY), deployment(replicas=2, **TAKEN_UP))
    script_pods(
        api,
        load=[[pod("benchmark-soak-test-a", "load")]],
        rollout=[starting(), both()],
        shards=[[ready(A, 3600)], both()],
    )
    script_shards(api, a=[512, 512, 255], b=[SILENT, 257])


def script_scaled(api: ScriptedApi, ago: float = 0.0) -> None:
    """Two history pods, which were there so many seconds before."""
    script_temporal(api)
    script_load(api)
    api.on("GET", HISTORY, deployment(replicas=2))
    script_pods(api, load=[[pod("benchmark-soak-test-a", "load")]], rollout=[both(ago)], shards=[both(ago)])
    script_shards(api, a=[255], b=[257])


@pytest.mark.usefixtures("hurry")
def test_scaling(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    began = time.time()
    result = task(
        temporal_scale, replicas=2, load=["benchmark-soak-test"], show_env=["CONCURRENT_WORKFLOWS"], stable_for=0.1
    )
    made, event, balanced = result.pop("events")
    assert (made["name"], made["title"]) == ("history_scaling", "history pod 2 of 2 made")
    # By the cluster's record of the pod, which is not older than the request for it.
    assert made["time"] < result["began"] == result["started"]
    assert (event["name"], event["title"]) == ("history_rolled_out", "history rolled out with 2 replicas")
    assert (balanced["name"], balanced["title"]) == ("shards_settled", "shards in balance")
    # Of the cluster's clock, in whole seconds.
    assert began - 2 <= event["time"] <= began
    settled = balanced["time"]
    assert began - 0.001 <= result.pop("started") <= result["time"]
    assert began - 0.001 <= result.pop("time") <= event["observed"] <= settled <= time.time() - 0.1 + 0.001
    # When the newest pod was made.
    assert result["shards"].pop("settled") == pytest.approx(settled - result.pop("began"), abs=0.001)
    assert [(entry["deployment"], entry["name"], entry["ready"]) for entry in result.pop("pods")] == [
        ("my-temporal-history", A, True),
        ("my-temporal-history", B, True),
    ]
    # Both are read back when the windows are over.
    load, history = result.pop("held")
    assert (load["name"], load["replicas"], load["env"]) == ("benchmark-soak-test", 1, {"CONCURRENT_WORKFLOWS": "6"})
    assert (history["name"], history["replicas"], history["pods"]) == ("my-temporal-history", 2, [A, B])
    assert result == {
        "changed": True,
        "changed_at": None,
        "load": {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}},
        "shards": {"before": {A: 512}, "after": {A: 255, B: 257}, "expected": 512},
        "watched": True,
    }
    (patch,) = [asked for asked in api.asked if asked.method == "PATCH"]
    assert (patch.path, patch.body) == (f"{HISTORY}/scale", {"spec": {"replicas": 2}})
    assert task.states == [
        "history 1 of 2 pods ready · my-temporal-history-b container main runs but its readiness probe does not pass "
        "yet",
        "history 2 of 2 pods ready",
        "shards: a 512 · b ? of 512",
        "shards: a 255 · b 257 of 512",
        "shards: a 255 · b 257 of 512",
    ]


def test_asking_without_waiting(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    began = time.time()
    result = task(
        temporal_scale, replicas=2, wait=False, load=["benchmark-soak-test"], show_env=["CONCURRENT_WORKFLOWS"]
    )
    assert began - 0.001 <= result.pop("started") <= result.pop("time") <= time.time() + 0.001
    assert [held["name"] for held in result.pop("held")] == ["benchmark-soak-test"]
    assert result == {
        "changed": True,
        "changed_at": None,
        "load": {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}},
        "shards": {"before": {A: 512}, "after": {A: 512}},
        "began": None,
        "events": [],
        "pods": [],
        "watched": False,
    }
    # The load is looked at and the shards are read before anything is changed, and after that nothing is asked.
    assert api.calls()[0] == f"GET {LOAD}"
    assert (looks(api, OF_LOAD), looks(api, OF_ROLLOUT), looks(api, OF_SHARDS)) == (1, 0, 1)
    assert api.calls("PATCH") == api.calls()[-1:] == [f"PATCH {HISTORY}/scale"]
    assert task.lines == []


def test_asking_without_waiting_when_there_is_nothing_to_do(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    result = task(temporal_scale, replicas=2, wait=False)
    assert (result["changed"], result["watched"], result["events"]) == (False, False, [])
    assert result["shards"] == {"before": {A: 255, B: 257}, "after": {A: 255, B: 257}}
    assert (looks(api, OF_ROLLOUT), looks(api, OF_SHARDS), api.calls("PATCH")) == (0, 1, [])


@pytest.mark.usefixtures("hurry")
def test_the_second_time_nothing_is_changed_and_nothing_was_watched(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    began = time.time()
    result = task(temporal_scale, replicas=2, stable_for=0.1)
    assert (result["changed"], result["watched"], result["load"]) == (False, False, {})
    assert result["shards"] == BALANCED
    # It may have been so for long, so nobody can tell when the balance came.
    made, rolled_out = result["events"]
    assert (made["name"], rolled_out["name"], rolled_out["observed"]) == ("history_scaling", "history_rolled_out", None)
    assert began - 0.001 <= result["time"] <= time.time()
    assert "diff" not in result
    assert api.calls("PATCH") == []


def test_what_was_scaled_long_ago_takes_one_look_at_each(task: Task, api: ScriptedApi) -> None:
    script_scaled(api, ago=600)
    result = task(temporal_scale, replicas=2, load=["benchmark-soak-test"], stable_for=20)
    assert (result["changed"], result["watched"]) == (False, False)
    assert result["shards"] == BALANCED
    assert (looks(api, OF_LOAD), looks(api, OF_ROLLOUT), looks(api, OF_SHARDS)) == (1, 1, 1)
    assert task.lines == []


@pytest.mark.usefixtures("hurry")
def test_pods_that_come_were_watched(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    script_pods(api, rollout=[starting(), both()], shards=[both()])
    result = task(temporal_scale, replicas=2, stable_for=0.1)
    assert (result["changed"], result["watched"]) == (False, True)
    assert result["events"][1]["observed"] is not None


@pytest.mark.usefixtures("hurry")
def test_shards_that_come_were_watched(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    script_shards(api, a=[512, 255], b=[0, 257])
    result = task(temporal_scale, replicas=2, stable_for=0.1)
    assert (result["changed"], result["watched"]) == (False, True)
    # The pods were ready before, and nobody saw them become it.
    assert result["events"][1]["observed"] is None


# -- the load -----------------------------------------------------------------


def test_a_load_that_is_missing_is_said_with_its_hint(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    with pytest.raises(NotFound) as failure:
        task(
            temporal_scale,
            replicas=2,
            load=["benchmark-other"],
            load_hint="deploy the load first.",
            missing_hint="install Temporal first.",
        )
    assert failure.value.msg == "There is no Deployment benchmark-other in namespace default: deploy the load first."
    assert api.calls() == [f"GET {DEPLOYMENTS}/benchmark-other"]


@pytest.mark.usefixtures("hurry")
def test_a_load_that_is_not_rolled_out_ends_the_task_before_anything_is_changed(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    script_load(api, status={"availableReplicas": 0})
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2, load=["benchmark-soak-test"], timeout=0.1)
    assert failure.value.msg.startswith("benchmark-soak-test in namespace default did not roll out in 0.1 s: ")
    assert api.calls("PATCH") == []


@pytest.mark.usefixtures("hurry")
def test_a_load_that_comes_is_waited_for(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    late = deployment("benchmark-soak-test", "load", status={"availableReplicas": 0})
    api.on("GET", LOAD, late, late, deployment("benchmark-soak-test", "load"))
    assert task(temporal_scale, replicas=2, load=["benchmark-soak-test"], wait=False)["changed"] is True
    assert task.states[0] == "benchmark-soak-test 1 of 1 pods ready"


@pytest.mark.usefixtures("hurry")
def test_variables_of_the_load_that_are_not_set_are_null(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    found = [
        deployment("benchmark-soak-test", "load", env=IN_FLIGHT),
        deployment("benchmark-workers", "load", env=[{"name": "OTHER", "value": "1"}], replicas=1),
    ]
    api.on("GET", DEPLOYMENTS, {"items": found, "metadata": {}})
    names = ["benchmark-soak-test", "benchmark-workers"]
    result = task(temporal_scale, replicas=2, load=names, wait=False, show_env=["CONCURRENT_WORKFLOWS"])
    assert result["load"] == {
        "benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}},
        "benchmark-workers": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": None}},
    }


# -- no history service -------------------------------------------------------


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        (FRONTEND, "There is no Temporal frontend of release my-temporal in default: install Temporal first."),
        (PODS, "There is no history pod of release my-temporal in namespace default: install Temporal first."),
        (HISTORY, "There is no Deployment my-temporal-history in namespace default: install Temporal first."),
    ],
)
def test_no_history_service_is_said_with_its_hint(task: Task, api: ScriptedApi, absent: str, said: str) -> None:
    script_scaling(api)
    if absent == HISTORY:
        api.on("GET", HISTORY, status(404, "not found", "NotFound"))
    else:
        # Without a frontend's Service its pods are asked for, and there is none of them either.
        api.on("GET", PODS, {"items": [], "metadata": {}})
    if absent == FRONTEND:
        api.on("GET", FRONTEND, status(404, "not found", "NotFound"))
    with pytest.raises(NotFound) as failure:
        task(temporal_scale, replicas=2, load_hint="deploy the load first.", missing_hint="install Temporal first.")
    assert failure.value.msg == said
    assert api.calls("PATCH") == []


# -- shards that never are in balance -----------------------------------------


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    ("told", "said", "after"),
    [
        ({"a": [512], "b": [0]}, "512 + 0 of 512 shards", {A: 512, B: 0}),
        (
            {"a": [255], "b": [257]},
            "255 + 257 of 512 shards, but the balance has not held long enough",
            {A: 255, B: 257},
        ),
        ({"a": [255], "b": [200]}, "255 + 200 of 512 shards", {A: 255, B: 200}),
        ({"a": [512], "b": [257]}, "512 + 257 of 512 shards", {A: 512, B: 257}),
        ({"a": [512], "b": [SILENT]}, "512 + ? of 512 shards", {A: 512, B: None}),
    ],
)
def test_shards_that_are_never_in_balance(
    task: Task, api: ScriptedApi, told: dict[str, list[Any]], said: str, after: dict[str, int | None]
) -> None:
    script_scaling(api)
    script_shards(api, **told)
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2, shards_timeout=0.1, stable_for=60)
    assert failure.value.msg == (
        f"0.1 seconds after they were ready, the history pods in namespace default own {said}: "
        "check the logs of the history pods."
    )
    assert failure.value.details == {"shards": {"before": {A: told["a"][0]}, "after": after}}


@pytest.mark.usefixtures("hurry")
def test_a_balance_must_hold_as_long_as_is_asked_for(task: Task, api: ScriptedApi) -> None:
    script_scaled(api, ago=600)
    with pytest.raises(
        LabError, match=r"^0\.1 seconds after .* own 255 \+ 257 of 512 shards, but the balance has not held"
    ):
        task(temporal_scale, replicas=2, shards_timeout=0.1, stable_for=6000)


@pytest.mark.usefixtures("hurry")
def test_shards_have_a_time_of_their_own(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    # More looks than there is time for pods.
    script_shards(api, a=[*[512] * 30, 255], b=[*[0] * 30, 257])
    result = task(temporal_scale, replicas=2, timeout=0.1, shards_timeout=60, stable_for=0.1)
    assert (result["shards"]["after"], result["watched"]) == ({A: 255, B: 257}, True)


@pytest.mark.usefixtures("hurry")
def test_pods_that_do_not_come_are_no_matter_of_shards(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    script_history(api, deployment(), deployment(replicas=2, **UNREADY))
    script_pods(api, rollout=[starting()], shards=[[ready(A, 3600)]])
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2, timeout=0.1)
    assert failure.value.msg.startswith("history in namespace default did not roll out in 0.1 s: my-temporal-history-b")
    assert [entry["name"] for entry in failure.value.details["pods"]] == [B]


# -- check mode and diff ------------------------------------------------------


def test_check_mode_says_what_would_change_and_waits_for_nothing(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    # Out of balance: that is no failure before anything was done.
    script_shards(api, a=[500])
    script_pods(api, load=[[pod("benchmark-soak-test-a", "load")]], rollout=[[]], shards=[[ready(A, 3600)]])
    began = time.monotonic()
    result = task(temporal_scale, replicas=2, load=["benchmark-soak-test"], timeout=1, check=True, diff=True)
    assert time.monotonic() - began < 60
    # A window would begin now.
    assert result.pop("started") <= result["began"]
    assert result.pop("began") == pytest.approx(time.time(), abs=60)
    assert result == {
        "changed": True,
        "diff": {
            "before": {"my-temporal-history": {"replicas": 1, "env": {}}},
            "after": {"my-temporal-history": {"replicas": 2, "env": {}}},
        },
        "changed_at": None,
        "held": [],
        "load": {"benchmark-soak-test": {"replicas": 1, "env": {}}},
        "shards": {"before": {A: 500}, "after": {A: 500}, "expected": 512},
        "events": [],
        "pods": [],
        "time": None,
        "watched": False,
    }
    assert {asked.method for asked in api.asked} == {"GET"}
    assert task.lines == []


@pytest.mark.usefixtures("hurry")
def test_check_mode_when_nothing_differs_reads_the_shards_once(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    result = task(temporal_scale, replicas=2, check=True)
    assert (result["changed"], result["watched"], result["time"]) == (False, False, None)
    assert result["shards"] == BALANCED
    assert (looks(api, OF_ROLLOUT), looks(api, OF_SHARDS)) == (0, 1)


@pytest.mark.usefixtures("hurry")
def test_diff_when_nothing_differs(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    result = task(temporal_scale, replicas=2, stable_for=0.1, diff=True)
    assert result["diff"]["before"] == result["diff"]["after"] == {"my-temporal-history": {"replicas": 2, "env": {}}}


# -- after another task has asked ---------------------------------------------


@pytest.mark.usefixtures("hurry")
def test_what_the_asking_task_saw_is_told_with_what_came_of_it(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    asked = task(
        temporal_scale, replicas=2, wait=False, load=["benchmark-soak-test"], show_env=["CONCURRENT_WORKFLOWS"]
    )
    result = task(temporal_scale, replicas=2, asked=asked, stable_for=0.1)
    assert (asked["changed"], result["changed"], result["watched"]) == (True, False, True)
    assert result["load"] == {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}}
    assert result["shards"].pop("settled") == pytest.approx(result["events"][-1]["time"] - result["began"], abs=0.001)
    assert result["shards"] == {"before": {A: 512}, "after": {A: 255, B: 257}, "expected": 512}
    # The load is not looked at again.
    assert looks(api, OF_LOAD) == 1


@pytest.mark.usefixtures("hurry")
def test_where_the_asking_task_changed_nothing_nobody_knows_when_the_balance_came(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    script_shards(api, a=[512, 255], b=[0, 257])
    result = task(temporal_scale, replicas=2, asked={"changed": False, "time": time.time()}, stable_for=0.1)
    assert (result["changed"], result["watched"], "settled" in result["shards"]) == (False, False, False)
    assert [event["name"] for event in result["events"]] == ["history_scaling", "history_rolled_out"]


def test_a_time_that_is_over_is_one_look(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    api.on("GET", HISTORY, deployment(replicas=2, **UNREADY))
    script_pods(api, rollout=[starting()], shards=[starting()])
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2, timeout=3, asked={"time": time.time() - 400})
    assert failure.value.msg.startswith("history in namespace default did not roll out in 3 s: my-temporal-history-b")
    assert failure.value.details["waited"] == pytest.approx(400, abs=30)
    assert looks(api, OF_ROLLOUT) == 1


def test_a_time_that_is_over_is_one_look_at_the_load(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    script_load(api, status={"availableReplicas": 0})
    with pytest.raises(LabError, match=r"^benchmark-soak-test in namespace default did not roll out in 3 s: "):
        task(temporal_scale, replicas=2, load=["benchmark-soak-test"], timeout=3, asked={"time": time.time() - 400})
    assert looks(api, OF_LOAD) == 1
    assert task.lines == []


def test_what_is_there_when_the_time_is_over_is_no_failure(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    # Shards have a time of their own, which begins when the pods are ready.
    # That is more looks, one a second, than there would be if their time were over as well.
    script_shards(api, a=[*[512] * 4, 255], b=[*[0] * 4, 257])
    result = task(
        temporal_scale, replicas=2, load=["benchmark-soak-test"], asked={"time": time.time() - 4000}, stable_for=0.1
    )
    assert (result["shards"]["after"], result["watched"]) == ({A: 255, B: 257}, True)


def test_a_crash_of_this_wait_ends_it_at_once(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    crashing = pod(B, created=stamp(61), **CRASHING)
    api.on("GET", HISTORY, deployment(replicas=2, **UNREADY))
    script_pods(api, rollout=[[ready(A, 3600), crashing]], shards=[[ready(A, 3600), crashing]])
    with pytest.raises(LabError, match=r"history in namespace default cannot roll out \(for [6-9]\d s so far\)"):
        task(temporal_scale, replicas=2, hopeless_after=60, timeout=90, asked={"time": time.time() - 70})
    assert looks(api, OF_ROLLOUT) == 1


def test_a_crash_of_the_load_ends_the_wait_at_once(task: Task, api: ScriptedApi) -> None:
    script_scaled(api)
    script_load(api, status={"availableReplicas": 0})
    script_pods(
        api,
        load=[[pod("benchmark-soak-test-a", "load", created=stamp(61), **CRASHING)]],
        rollout=[both()],
        shards=[both()],
    )
    with pytest.raises(LabError, match=r"^benchmark-soak-test in .* cannot roll out \(for [6-9]\d s so far\)"):
        task(
            temporal_scale,
            replicas=2,
            load=["benchmark-soak-test"],
            hopeless_after=60,
            timeout=90,
            asked={"time": time.time() - 70},
        )
    assert (looks(api, OF_LOAD), looks(api, OF_ROLLOUT)) == (1, 0)


# -- what was asked for and something undid -----------------------------------

HPAS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"


def hpa(least: int | None, most: int, target: str = "my-temporal-history", **labels: str) -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "maxReplicas": most}
    return {"metadata": {"name": "keeper", "labels": labels}, "spec": spec | ({"minReplicas": least} if least else {})}


def set_by(manager: str, ago: float, subresource: str = "scale") -> list[dict[str, Any]]:
    fields = {"f:spec": {"f:replicas": {}}}
    return [{"manager": manager, "subresource": subresource, "time": stamp(ago), "fieldsV1": fields}]


def events_titles(result: dict[str, Any]) -> list[str]:
    return [event["title"] for event in result["events"]]


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("asked", [{"time": 1.0}, {"time": 1.0, "changed": False}])
def test_what_was_undone_is_not_set_again(task: Task, api: ScriptedApi, asked: dict[str, Any]) -> None:
    script_scaling(api)
    api.on("GET", HISTORY, deployment(managed=set_by("argocd-controller", 5, "")))
    with pytest.raises(Undone) as failure:
        task(temporal_scale, replicas=2, asked=asked)
    assert "my-temporal-history in namespace default has 1 replica and not the 2 that were asked for" in one(failure)
    assert "argocd-controller changed that at " in one(failure)
    assert failure.value.details["changed_by"] == "argocd-controller"
    assert api.calls("PATCH") == []


def one(failure: pytest.ExceptionInfo[Any]) -> str:
    return one_sentence(failure.value)


@pytest.mark.usefixtures("hurry")
def test_an_autoscaler_that_undoes_it_while_it_is_waited_for_is_named(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    undone = deployment(generation=3, status={"observedGeneration": 3}, managed=set_by("kube-controller-manager", 1))
    script_history(api, deployment(), deployment(replicas=2, **UNREADY), undone)
    script_pods(api, rollout=[starting(), [ready(A, 3600)]], shards=[[ready(A, 3600)]])
    # It came after the number was set, or it would have been refused.
    api.on("GET", HPAS, {"items": []}, {"items": [hpa(1, 1), hpa(1, 9, target="shop")]})
    with pytest.raises(Undone) as failure:
        task(temporal_scale, replicas=2)
    said = one(failure)
    for fact in ("has 1 replica and not the 2", "an autoscaler (kube-controller-manager) changed that at "):
        assert fact in said
    assert "HorizontalPodAutoscaler keeper keeps it at 1 to 1 replicas" in said
    assert failure.value.details["autoscalers"] == ["HorizontalPodAutoscaler/keeper"]
    assert api.calls("PATCH") == [f"PATCH {HISTORY}/scale"]


@pytest.mark.usefixtures("hurry")
def test_what_is_undone_while_the_shards_move_is_no_balance(task: Task, api: ScriptedApi) -> None:
    """One pod that is left has all shards, and so they are in balance."""
    script_scaling(api)
    grown = deployment(replicas=2, **TAKEN_UP)
    undone = deployment(generation=3, status={"observedGeneration": 3})
    script_history(api, deployment(), grown, undone)
    script_pods(api, rollout=[both()], shards=[[ready(A, 3600)], both(), [ready(A, 3600)]])
    script_shards(api, a=[512, 255, 512], b=[257])
    with pytest.raises(Undone, match=r"^While the shards moved, the Deployment .* has 1 replica, and had 2 before"):
        task(temporal_scale, replicas=2, stable_for=0.1)


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (hpa(1, 1), "HorizontalPodAutoscaler keeper keeps it at 1 to 1 replicas"),
        (hpa(None, 1), "HorizontalPodAutoscaler keeper keeps it at 1 to 1 replicas"),
        (hpa(3, 9), "HorizontalPodAutoscaler keeper keeps it at 3 to 9 replicas"),
        (hpa(1, 1, **{"scaledobject.keda.sh/name": "load"}), "ScaledObject load keeps it at 1 to 1 replicas"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_number_that_an_autoscaler_would_undo_is_refused_before_it_is_set(
    task: Task, api: ScriptedApi, found: dict[str, Any], named: str, check: bool
) -> None:
    script_scaling(api)
    api.on("GET", HPAS, {"items": [found]})
    with pytest.raises(Undone) as failure:
        task(temporal_scale, replicas=2, wait=False, check=check)
    assert named in one(failure)
    assert "cannot be given 2 replicas" in one(failure)
    assert api.calls("PATCH") == []


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    "answer",
    [
        {"items": [hpa(1, 2), hpa(1, 1, target="shop")]},
        status(403, "x is forbidden: User cannot list", "Forbidden"),
        {"items": [{"spec": 1}, 3, {"spec": {"scaleTargetRef": []}}]},
    ],
)
def test_an_autoscaler_that_leaves_room_is_no_reason(task: Task, api: ScriptedApi, answer: Any) -> None:
    script_scaling(api)
    api.on("GET", HPAS, answer)
    assert task(temporal_scale, replicas=2, stable_for=0.1)["changed"] is True


@pytest.mark.usefixtures("hurry")
def test_a_load_that_is_scaled_to_zero_is_none(task: Task, api: ScriptedApi) -> None:
    script_scaling(api)
    api.on("GET", LOAD, deployment("benchmark-soak-test", "load", replicas=0, env=IN_FLIGHT))
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2, load=["benchmark-soak-test"], load_hint="deploy the load first")
    assert "benchmark-soak-test in namespace default has 0 replicas, so it does nothing" in one(failure)
    assert "deploy the load first" in one(failure)
    assert api.calls("PATCH") == []


# -- when windows may begin ---------------------------------------------------


@pytest.mark.usefixtures("hurry")
def test_a_pod_is_not_older_than_the_request_for_it(task: Task, api: ScriptedApi) -> None:
    """The cluster's clock is a minute slow; it has whole seconds anyway."""
    script_scaling(api)
    slow = [ready(A, 3600), pod(B, created=stamp(60), ready_at=stamp(58))]
    script_pods(api, rollout=[slow], shards=[[ready(A, 3600)], slow])
    began = time.time()
    result = task(temporal_scale, replicas=2, stable_for=0.1)
    assert result["began"] == result["started"] >= round(began, 3)


@pytest.mark.usefixtures("hurry")
def test_scaling_in_begins_with_the_request(task: Task, api: ScriptedApi) -> None:
    script_temporal(api)
    script_history(api, deployment(replicas=2), deployment(generation=2, status={"observedGeneration": 2}))
    script_pods(api, rollout=[[ready(A, 3600)]], shards=[both(3600), [ready(A, 3600)]])
    script_shards(api, a=[255, 512], b=[257])
    began = time.time()
    result = task(temporal_scale, replicas=1, stable_for=0.1)
    # And not when the pod that stays was made, an hour ago.
    assert round(began, 3) <= result["began"] <= time.time()
    assert events_titles(result)[0] == "history scaled in to 1 pod"


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("manager", ["kubectl", "helm", "kube-controller-manager"])
def test_what_somebody_else_scaled_before_is_no_scaling(task: Task, api: ScriptedApi, manager: str) -> None:
    script_scaled(api, ago=600)
    api.on("GET", HISTORY, deployment(replicas=2, managed=set_by(manager, 600)))
    with pytest.raises(LabError) as failure:
        task(temporal_scale, replicas=2)
    assert f"had 2 replicas before this stage, set by {manager}: nothing was scaled" in one(failure)


@pytest.mark.usefixtures("hurry")
def test_when_the_lab_scaled_before_is_told(task: Task, api: ScriptedApi) -> None:
    """Whether that was in this run is for the task that measures to say."""
    script_scaled(api, ago=600)
    own = set_by("temporal-lab-benchmarking", 600)
    api.on("GET", HISTORY, deployment(replicas=2, managed=set_by("helm", 900, "") + own))
    result = task(temporal_scale, replicas=2, stable_for=0.1)
    assert result["changed_at"] == result["began"] < result["started"]
    assert result["changed"] is False


@pytest.mark.usefixtures("hurry")
def test_no_window_begins_in_the_future(task: Task, api: ScriptedApi) -> None:
    """By a cluster's clock that is a day ahead: the stage, and a class with it, would wait for that day."""
    script_scaled(api, ago=-86400)
    result = task(temporal_scale, replicas=2, load=["benchmark-soak-test"], stable_for=0.1)
    assert result["began"] <= time.time()
    assert all(event["time"] <= time.time() for event in result["events"])


def test_the_first_task_of_the_stage_decides_its_cluster(
    task: Task, api: ScriptedApi, kubeconfig: Path, tmp_path: Path
) -> None:
    script_scaled(api)
    task.private = tmp_path / "private"
    task.private.mkdir()
    assert "cluster" not in task(temporal_scale, replicas=2, wait=False)
    assert list(task.private.iterdir()) == []
    cluster = task(temporal_scale, replicas=2, wait=False, settle=True)["cluster"]
    assert (cluster["server"], cluster["source"]) == (api.url, str(kubeconfig))
    # What comes next reads that file, whatever the other says by then.
    kubeconfig.write_text("")
    waited = task(temporal_scale, replicas=2, wait=False, kubeconfig=cluster["kubeconfig"], context=cluster["context"])
    assert waited["changed"] is False
