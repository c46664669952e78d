# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import temporal_shards
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.balance import (
    LONGEST,
    MOST_PODS,
    Balance,
    owned_shards,
    read_balance,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.settling import Settling
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    NotFound,
    ProxyTargetError,
    Refused,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    READY_AT_SECONDS,
    Answer,
    ScriptedApi,
    Task,
    pod,
    status,
)

NAMESPACE = "/api/v1/namespaces/default"
PODS = f"{NAMESPACE}/pods"
HTTP = f"{NAMESPACE}/services/my-temporal-frontend:7243/proxy/api/v1"
STARTING = status(503, "error trying to reach service: dial tcp 10.244.0.7:9090: connect: connection refused")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('numshards_gauge{operation="ShardController",service_name="history"} 512\n', 512),
        ("numshards_gauge 512", 512),
        ("numshards_gauge{} 5.12e+02 1795453270000\n", 512),
        ('# TYPE numshards_gauge gauge\nnumshards_gauge{a="1"} 200\nnumshards_gauge{a="2"} 56\nother 3\n', 256),
        ('temporal_numshards_gauge{a="}\\" 7"} 255\r\n', 255),
        ('numshards_gauge_ratio{a="b"} 255\n', 255),
        ("numshards_gauge 0\n", 0),
        ("# HELP numshards_gauge 512\n", None),
        ("not_the_numshards_gauges 512\n", None),
        ('other{name="numshards_gauge 512"} 1\n', None),
        ("numshards_gauge NaN\n", None),
        ("numshards_gauge many\n", None),
        ("", None),
    ],
)
def test_the_sample_in_the_metrics(text: str, expected: int | None) -> None:
    assert owned_shards(text.encode()) == expected


@pytest.mark.parametrize(
    ("pods", "ready", "total", "balanced"),
    [
        ({"a": 512}, {"a"}, 512, True),
        ({"a": 255, "b": 257}, {"a", "b"}, 512, True),
        ({"a": 512, "b": 0}, {"a", "b"}, 512, False),
        ({"a": 512, "b": None}, {"a", "b"}, None, False),
        ({"a": 255, "b": 257}, {"a"}, 512, False),
        ({"a": 512, "b": 257}, {"a", "b"}, 769, False),
        ({"a": 255, "b": 200}, {"a", "b"}, 455, False),
        ({}, set(), None, False),
    ],
)
def test_balance(pods: dict[str, int | None], ready: set[str], total: int | None, balanced: bool) -> None:
    balance = Balance(pods, dict.fromkeys(ready, 0.0), 512)
    assert (balance.sum, balance.balanced) == (total, balanced)


def test_the_line_that_is_shown() -> None:
    balance = Balance({"my-temporal-history-def": 0, "my-temporal-history-abc": 512, "x": None}, {}, 512)
    assert balance.text == "shards: abc 512 · def 0 · x ? of 512"


def test_a_name_that_a_cluster_made_up_forges_no_line() -> None:
    assert Balance({"history-\u202ea\nCLASS: done": 1}, {}, 512).text.isprintable()


def at(moment: float) -> str:
    """Unix seconds as the API writes them."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now(ago: float = 0.0) -> str:
    """A time of the API, so many seconds ago."""
    return at(time.time() - ago)


def history(name: str, **options: Any) -> dict[str, Any]:
    return pod(f"my-temporal-history-{name}", **{"ready_at": now(), **options})


def metrics(api: ScriptedApi, name: str, *values: Any, port: str = "9090") -> None:
    answers = [
        value if isinstance(value, Answer) else Answer(f"numshards_gauge {value}\n".encode()) for value in values
    ]
    api.on("GET", f"{PODS}/my-temporal-history-{name}:{port}/proxy/metrics", *answers)


def temporal(api: ScriptedApi, expected: int = 512) -> None:
    api.on("GET", f"{NAMESPACE}/services/my-temporal-frontend", {"spec": {"ports": [{"port": 7243}]}})
    api.on("GET", f"{HTTP}/cluster-info", {"historyShardCount": expected, "serverVersion": "1.31.2"})


def test_the_pods_are_asked(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on(
        "GET",
        PODS,
        {
            "items": [
                history("a", annotations={"prometheus.io/port": "9091"}),
                history("b"),
                history("gone", terminating=True),
                history("evicted", phase="Failed", ready=False),
            ]
        },
    )
    metrics(api, "a", 255, port="9091")
    metrics(api, "b", 257)
    assert task(temporal_shards) == {
        "changed": False,
        "pods": {"my-temporal-history-a": 255, "my-temporal-history-b": 257},
        "sum": 512,
        "expected": 512,
        "balanced": True,
        "settled_time": None,
        "watched": False,
        "waited": 0.0,
    }
    (asked,) = [asked for asked in api.asked if asked.path == PODS]
    assert asked.query["labelSelector"] == "app.kubernetes.io/instance=my-temporal,app.kubernetes.io/component=history"


@pytest.mark.parametrize("answer", [STARTING, Answer(b"no", 404), status(404, "gone"), Answer(b"go_goroutines 7\n")])
def test_a_pod_that_does_not_say_is_not_zero(cluster: Cluster, api: ScriptedApi, answer: Answer) -> None:
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    metrics(api, "a", 512)
    metrics(api, "b", answer)
    balance = read_balance(cluster, 512)
    assert balance.pods == {"my-temporal-history-a": 512, "my-temporal-history-b": None}
    assert (balance.sum, balance.balanced) == (None, False)


def test_a_pod_without_an_address_is_not_asked(cluster: Cluster, api: ScriptedApi) -> None:
    item = history("a", ready=False)
    del item["status"]["podIP"]
    api.on("GET", PODS, {"items": [item]})
    assert read_balance(cluster, 512).pods == {"my-temporal-history-a": None}
    assert api.calls() == [f"GET {PODS}"]


def test_a_refusal_is_said(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [history("a")]})
    metrics(api, "a", status(403, 'pods "a" is forbidden: User "jane" cannot get resource "pods/proxy"'))
    with pytest.raises(Refused, match="pods/proxy"):
        read_balance(cluster, 512)


def test_more_history_pods_than_any_release_has(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [history(f"h-{number}") for number in range(MOST_PODS + 1)]})
    with pytest.raises(LabError, match=f"has {MOST_PODS + 1} history pods"):
        read_balance(cluster, 512)
    assert len(api.asked) == 1


def test_pods_that_are_slow_to_answer_are_not_all_asked(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [history(name) for name in ("a", "b", "c")]})
    for name in ("a", "b", "c"):
        api.on("GET", f"{PODS}/my-temporal-history-{name}:9090/proxy/metrics", Answer(b"numshards_gauge 512\n"))
    now = [0.0]
    cluster.clock = lambda: now[0]
    asked = cluster.request

    def slow(*args: Any, **options: Any) -> Any:
        now[0] += LONGEST / 2
        return asked(*args, **options)

    cluster.request = slow  # type: ignore[method-assign]
    assert list(read_balance(cluster, 512).pods.values()) == [512, 512, None]


def test_no_history_pod(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": []})
    with pytest.raises(NotFound, match="There is no history pod of release my-temporal in namespace default: go"):
        task(temporal_shards, missing_hint="go")


def test_settling_begins_anew_when_the_balance_is_lost(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    metrics(api, "a", 512, 256, 250, 256)
    metrics(api, "b", 0, 256, 256, 256)
    moments = iter([1000.0004, 2000.0])
    ticks = iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.9, 6.0])
    settling = Settling(cluster, 512, 3.0, "", wall=lambda: next(moments), clock=lambda: next(ticks))
    seen = [(settling.look(0.0).done, settling.settled_time) for _look in range(7)]
    assert seen == [
        (False, None),
        (False, 1000.0),
        (False, None),
        (False, 2000.0),
        (False, 2000.0),
        (False, 2000.0),
        (True, 2000.0),
    ]


@pytest.mark.usefixtures("hurry")
def test_waiting_for_the_balance(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    metrics(api, "a", 512, 512, 255)
    metrics(api, "b", STARTING, 0, 257)
    began = time.time()
    result = task(temporal_shards, wait=True, stable_for=0.1)
    assert (result["balanced"], result["sum"]) == (True, 512)
    assert began - 0.001 <= result["settled_time"] <= time.time() - 0.1 + 0.001
    assert task.states == [
        "shards: a 512 · b ? of 512",
        "shards: a 512 · b 0 of 512",
        "shards: a 255 · b 257 of 512",
        "shards: a 255 · b 257 of 512",
    ]


@pytest.mark.usefixtures("hurry")
def test_a_balance_that_does_not_come_is_no_failure(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    metrics(api, "a", 512)
    metrics(api, "b", 0)
    result = task(temporal_shards, wait=True, timeout=0.1)
    assert (result["balanced"], result["settled_time"]) == (False, None)
    assert result["pods"] == {"my-temporal-history-a": 512, "my-temporal-history-b": 0}


def test_pods_that_have_been_ready_for_long_are_looked_at_once(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a", ready_at=now(31)), history("b", ready_at=now(300))]})
    metrics(api, "a", 255)
    metrics(api, "b", 257)
    result = task(temporal_shards, wait=True, timeout=60, stable_for=20)
    assert (result["balanced"], result["watched"], len(task.lines)) == (True, False, 0)
    # The balance need not be held for those.
    assert result["waited"] < 20


@pytest.mark.parametrize(
    ("ages", "stable_for", "done"),
    [
        ((30, 300), 3.0, True),
        # The pod that became ready last counts, in whichever order they come.
        ((29, 300), 3.0, False),
        ((300, 29), 3.0, False),
        # Ready for longer than the balance must hold, but not for long.
        ((20, 20), 3.0, False),
        # Ready for long, but not for longer than the balance must hold.
        ((35, 300), 40.0, False),
        ((40, 300), 40.0, True),
        # Nobody knows since when.
        ((None, 300), 3.0, False),
    ],
)
def test_how_long_pods_must_have_been_ready_for_one_look(
    cluster: Cluster, api: ScriptedApi, ages: tuple[int | None, int], stable_for: float, done: bool
) -> None:
    moment = READY_AT_SECONDS
    first, second = (None if age is None else at(moment - age) for age in ages)
    api.on("GET", PODS, {"items": [history("a", ready_at=first), history("b", ready_at=second)]})
    metrics(api, "a", 255)
    metrics(api, "b", 257)
    settling = Settling(cluster, 512, stable_for, "", wall=lambda: moment, clock=lambda: 0.0)
    assert settling.look(0.0).done is done


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize(
    ("told", "watched"),
    [({"a": [255], "b": [257]}, False), ({"a": [512, 255], "b": [0, 257]}, True), ({"a": [255], "b": [0, 257]}, True)],
)
def test_whether_the_balance_was_seen_to_come(
    task: Task, api: ScriptedApi, told: dict[str, list[int]], watched: bool
) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    for name, values in told.items():
        metrics(api, name, *values)
    result = task(temporal_shards, wait=True, stable_for=0.1)
    assert (result["balanced"], result["watched"]) == (True, watched)


@pytest.mark.usefixtures("hurry")
def test_a_balance_that_was_lost_at_a_look_was_watched(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    # That it was so at the first look does not count any more.
    api.on("GET", PODS, {"items": [history("a", ready_at=now(20)), history("b", ready_at=now(20))]})
    metrics(api, "a", 255, 250, 255)
    metrics(api, "b", 257)
    assert task(temporal_shards, wait=True, stable_for=0.2)["watched"] is True


@pytest.mark.usefixtures("hurry")
def test_pods_that_have_been_ready_for_long_and_get_shards_must_keep_them(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a", ready_at=now(300)), history("b", ready_at=now(300))]})
    metrics(api, "a", 512, 255, 250, 255)
    metrics(api, "b", 0, 257)
    began = time.time()
    result = task(temporal_shards, wait=True, stable_for=0.2)
    # At the third look it was lost again.
    assert task.states[:2] == ["shards: a 512 · b 0 of 512", "shards: a 255 · b 257 of 512"]
    assert "shards: a 250 · b 257 of 512" in task.states
    assert (result["balanced"], result["watched"]) == (True, True)
    assert began - 0.001 <= result["settled_time"] <= time.time() - 0.2 + 0.001


def test_a_time_that_is_over_still_leaves_a_second_look(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a")]})
    metrics(api, "a", 512)
    result = task(temporal_shards, wait=True, timeout=120, since=time.time() - 1000, stable_for=0.1)
    assert (result["balanced"], result["watched"]) == (True, False)
    assert 118 < result["waited"] < 140


def test_a_time_that_is_over_is_soon_over(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a"), history("b")]})
    metrics(api, "a", 512)
    metrics(api, "b", 0)
    began = time.monotonic()
    result = task(temporal_shards, wait=True, timeout=120, since=time.time() - 1000, stable_for=0.1)
    assert (result["balanced"], result["settled_time"]) == (False, None)
    assert time.monotonic() - began < 30


def test_a_frontend_that_does_not_answer_is_asked_once_when_the_time_is_over(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", f"{HTTP}/cluster-info", STARTING)
    began = time.monotonic()
    with pytest.raises(ProxyTargetError, match="connection refused"):
        task(temporal_shards, wait=True, timeout=120, since=time.time() - 121)
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("hurry")
def test_a_since_that_is_still_to_come_is_now(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a")]})
    metrics(api, "a", 500)
    result = task(temporal_shards, wait=True, timeout=0.2, since=time.time() + 1000, stable_for=0.1)
    assert (result["balanced"], 0.2 <= result["waited"] < 30) == (False, True)


@pytest.mark.usefixtures("hurry")
def test_a_balance_that_does_not_last_long_enough_is_none(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a")]})
    metrics(api, "a", 512)
    result = task(temporal_shards, wait=True, timeout=0.1, stable_for=60)
    assert (result["balanced"], result["settled_time"]) == (False, None)


def test_check_mode_does_not_wait(task: Task, api: ScriptedApi) -> None:
    temporal(api)
    api.on("GET", PODS, {"items": [history("a")]})
    metrics(api, "a", 500)
    assert task(temporal_shards, wait=True, check=True)["balanced"] is False
