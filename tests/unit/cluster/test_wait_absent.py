# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import wait_absent
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import (
    METADATA_LIST,
    Cluster,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.wait_absent import (
    WAITED_KINDS,
    present_objects,
    still_there,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import Refused
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, Task, status

RELEASE = "app.kubernetes.io/instance=my-temporal"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
PODS = "/api/v1/namespaces/default/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
NONE: dict[str, Any] = {"items": [], "metadata": {}}


def thing(name: str, owner: str = "", terminating: bool = False, finalizers: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "finalizers": list(finalizers)}
    if owner:
        metadata["ownerReferences"] = [{"uid": f"uid-{owner}"}]
    if terminating:
        metadata["deletionTimestamp"] = "2026-11-23T17:02:00Z"
    return {"metadata": metadata}


def items(*things: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(things), "metadata": {}}


@pytest.fixture
def empty(api: ScriptedApi, kubeconfig: Any) -> None:
    """A namespace with nothing in it."""

    with Cluster.connect(str(kubeconfig)) as cluster:
        for kind in WAITED_KINDS:
            api.on("GET", cluster.path(kind), NONE)


@pytest.mark.usefixtures("empty")
def test_nothing_is_there(task: Task, api: ScriptedApi) -> None:
    assert task(wait_absent, selectors=[RELEASE], remove=True) == {
        "changed": False,
        "gone": True,
        "deleted": [],
        "kept": [],
        "leftovers": [],
        "remaining": [],
        "waited": pytest.approx(0, abs=5),
    }
    assert len(api.asked) == len(WAITED_KINDS)
    assert {asked.query["labelSelector"] for asked in api.asked} == {RELEASE}
    assert task.lines == []


@pytest.mark.usefixtures("empty")
def test_only_names_are_read(task: Task, api: ScriptedApi) -> None:
    task(wait_absent, selectors=[RELEASE])
    assert {asked.headers["Accept"] for asked in api.asked} == {METADATA_LIST}


@pytest.mark.usefixtures("empty", "hurry")
def test_it_waits_until_pods_have_gone_by_themselves(task: Task, api: ScriptedApi) -> None:
    leaving = items(thing("history-a", terminating=True), thing("history-b", terminating=True))
    api.on("GET", PODS, leaving, items(thing("history-b", terminating=True)), NONE)
    result = task(wait_absent, selectors=[RELEASE], remove=True, grace=0)
    assert (result["changed"], result["gone"], result["leftovers"]) == (False, True, [])
    assert task.states == [
        "not gone yet: pods/history-a (terminating), pods/history-b (terminating)",
        "not gone yet: pods/history-b (terminating)",
        "everything is gone",
    ]
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("empty", "hurry")
def test_what_stays_is_removed_after_the_grace(task: Task, api: ScriptedApi) -> None:
    claim = f"{CLAIMS}/data-my-temporal-postgresql-0"
    api.on("GET", CLAIMS, items(thing("data-my-temporal-postgresql-0")))

    def delete(_asked: Any) -> Any:
        api.on("GET", CLAIMS, NONE)
        return status(200, "")

    api.on("DELETE", claim, delete)
    result = task(wait_absent, selectors=[RELEASE], remove=True, grace=0.2)
    assert (result["changed"], result["gone"]) == (True, True)
    assert result["leftovers"] == ["persistentvolumeclaims/data-my-temporal-postgresql-0"]
    assert result["waited"] >= 0.2
    assert api.calls("DELETE") == [f"DELETE {claim}"]
    # Of this very claim: a newer one of the same name would stay.
    (deletion,) = [asked.body for asked in api.asked if asked.method == "DELETE"]
    assert deletion["preconditions"] == {"uid": "uid-data-my-temporal-postgresql-0"}


@pytest.mark.usefixtures("empty", "hurry")
def test_what_another_object_owns_is_left_to_its_owner(task: Task, api: ScriptedApi) -> None:
    api.on("GET", JOBS, items(thing("schema-1")), NONE)
    api.on("GET", PODS, items(thing("schema-1-abc", owner="schema-1")), NONE)
    api.on("DELETE", f"{JOBS}/schema-1", {})
    result = task(wait_absent, selectors=[RELEASE], remove=True, grace=0)
    assert result["leftovers"] == ["jobs/schema-1"]
    assert api.calls("DELETE") == [f"DELETE {JOBS}/schema-1"]


@pytest.mark.usefixtures("empty", "hurry")
def test_without_remove_leftovers_are_only_named(task: Task, api: ScriptedApi) -> None:
    api.on("GET", CLAIMS, items(thing("data")))
    result = task(wait_absent, selectors=[RELEASE], grace=0, timeout=0.1)
    assert (result["changed"], result["gone"]) == (False, False)
    assert result["leftovers"] == result["remaining"] == ["persistentvolumeclaims/data"]
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("empty", "hurry")
def test_what_cannot_go_is_named_with_what_holds_it(task: Task, api: ScriptedApi) -> None:
    api.on("GET", CLAIMS, items(thing("data", terminating=True, finalizers=("kubernetes.io/pvc-protection",))))
    result = task(wait_absent, selectors=[RELEASE], remove=True, grace=0, timeout=0.1)
    assert result["gone"] is False
    assert result["remaining"] == ["persistentvolumeclaims/data (terminating, held by kubernetes.io/pvc-protection)"]


@pytest.mark.usefixtures("empty", "hurry")
def test_gone_is_said_only_after_looking_at_all_kinds(task: Task, api: ScriptedApi) -> None:
    api.on("GET", PODS, items(thing("a", terminating=True)), NONE)
    api.on("GET", JOBS, NONE, items(thing("late", terminating=True)), NONE)
    assert task(wait_absent, selectors=[RELEASE])["gone"] is True
    assert "not gone yet: jobs/late (terminating)" in task.states


@pytest.mark.usefixtures("empty")
def test_check_mode_lists_what_would_be_removed(task: Task, api: ScriptedApi) -> None:
    api.on("GET", JOBS, items(thing("schema-1")))
    api.on("GET", PODS, items(thing("schema-1-abc", owner="schema-1"), thing("old", terminating=True)))
    result = task(wait_absent, selectors=[RELEASE], remove=True, check=True)
    assert result == {
        "changed": True,
        "gone": False,
        "deleted": [],
        "kept": [],
        "leftovers": ["jobs/schema-1"],
        "remaining": ["jobs/schema-1", "pods/schema-1-abc", "pods/old"],
        "waited": 0.0,
    }
    assert task(wait_absent, selectors=[RELEASE], check=True)["changed"] is False
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("empty")
def test_a_refusal_is_said(task: Task, api: ScriptedApi) -> None:
    api.on("GET", CLAIMS, status(403, 'x is forbidden: User "jane" cannot list resource "persistentvolumeclaims"'))
    with pytest.raises(Refused, match="cannot list resource"):
        task(wait_absent, selectors=[RELEASE])


def test_everything_is_never_meant(task: Task) -> None:
    with pytest.raises(LabError, match=r"Nothing to wait for: .*selectors"):
        task(wait_absent, selectors=[])
    with pytest.raises(LabError, match="An empty selector means everything"):
        task(wait_absent, selectors=[RELEASE, " "], remove=True)


def test_an_object_found_twice_is_one_and_owners_come_first() -> None:
    found = {"pods": [thing("a", owner="d"), thing("a", owner="d")], "deployments": [thing("d")]}
    present = present_objects(found)
    assert [(entry.key, entry.owned) for entry in present] == [("deployments/d", False), ("pods/a", True)]


def test_a_line_names_three() -> None:
    present = present_objects({"pods": [thing(name) for name in "abcde"]})
    assert still_there(present) == "not gone yet: pods/a, pods/b, pods/c and 2 more"


# -- what is named, and deleted only where it is the lab's --------------------

LOAD = "/apis/apps/v1/namespaces/default/deployments/benchmark-soak-test"
LIST = "/api/v1/namespaces/default/configmaps/temporal-lab"
OF_LAB = {"app.kubernetes.io/part-of": "temporal-lab"}


def labelled(name: str, labels: dict[str, str], uid: str = "one") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid, "labels": labels}}


def script_deletion(api: ScriptedApi, path: str, found: dict[str, Any], *after: Any) -> None:
    """An object, and what a look finds after its deletion."""
    api.on("GET", path, found)

    def delete(asked: Any) -> Any:
        assert asked.body["preconditions"] == {"uid": found["metadata"]["uid"]}
        assert asked.body["propagationPolicy"] == "Foreground"
        api.on("GET", path, *after)
        return status(200, "")

    api.on("DELETE", path, delete)


@pytest.mark.usefixtures("empty", "hurry")
def test_what_is_named_goes_first_and_is_waited_for(task: Task, api: ScriptedApi) -> None:
    found = labelled("benchmark-soak-test", OF_LAB)
    script_deletion(api, LOAD, found, found, status(404, "gone", "NotFound"))
    result = task(wait_absent, selectors=[RELEASE], first=["deployments/benchmark-soak-test", "deployments/no-such"])
    assert (result["changed"], result["gone"], result["kept"]) == (True, True, [])
    assert result["deleted"] == ["deployments/benchmark-soak-test"]
    # Nothing else was looked for before it was gone.
    assert [asked.path for asked in api.asked][:4] == [LOAD] * 4
    assert "deployments/benchmark-soak-test is gone" in task.states


@pytest.mark.usefixtures("empty", "hurry")
def test_a_newer_object_of_the_name_is_somebody_elses(task: Task, api: ScriptedApi) -> None:
    script_deletion(api, LOAD, labelled("benchmark-soak-test", OF_LAB), labelled("benchmark-soak-test", {}, "two"))
    assert task(wait_absent, selectors=[RELEASE], first=["deployments/benchmark-soak-test"])["gone"] is True
    assert api.calls("DELETE") == [f"DELETE {LOAD}"]


@pytest.mark.usefixtures("empty")
def test_an_object_that_changed_hands_before_its_deletion_stays(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, labelled("benchmark-soak-test", OF_LAB))
    api.on("DELETE", LOAD, status(409, "the UID in the precondition does not match", "Conflict"))
    result = task(wait_absent, selectors=[RELEASE], first=["deployments/benchmark-soak-test"])
    assert (result["changed"], result["deleted"]) == (False, [])


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    "labels", [{}, {"app.kubernetes.io/part-of": "shop"}, {"app.kubernetes.io/managed-by": "Helm"}]
)
@pytest.mark.parametrize("check", [False, True])
def test_what_the_lab_did_not_make_stays_and_is_told(
    task: Task, api: ScriptedApi, labels: dict[str, str], check: bool
) -> None:
    api.on("GET", LOAD, labelled("benchmark-soak-test", labels))
    result = task(wait_absent, selectors=[RELEASE], remove=True, first=["deployments/benchmark-soak-test"], check=check)
    assert (result["changed"], result["deleted"], result["gone"]) == (False, [], True)
    (why,) = result["kept"]
    for fact in ("deployments/benchmark-soak-test", "namespace default", api.url, "stays", "part-of=temporal-lab"):
        assert fact in why
    assert task.lines[0] == why
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("empty")
def test_check_mode_tells_what_would_go_by_name(task: Task, api: ScriptedApi) -> None:
    api.on("GET", LOAD, labelled("benchmark-soak-test", OF_LAB))
    result = task(wait_absent, selectors=[RELEASE], first=["deployments/benchmark-soak-test"], check=True)
    assert (result["changed"], result["deleted"]) == (True, ["deployments/benchmark-soak-test"])
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("empty", "hurry")
def test_what_is_last_goes_only_when_all_else_is_gone(task: Task, api: ScriptedApi) -> None:
    found = labelled("temporal-lab", {"app.kubernetes.io/managed-by": "temporal-lab"})
    script_deletion(api, LIST, found, status(404, "gone", "NotFound"))
    api.on("GET", PODS, items(thing("a", terminating=True)))
    assert task(wait_absent, selectors=[RELEASE], last=["configmaps/temporal-lab"], timeout=0.1)["deleted"] == []
    assert api.calls("DELETE") == []
    api.on("GET", PODS, NONE)
    result = task(wait_absent, selectors=[RELEASE], last=["configmaps/temporal-lab"])
    assert (result["changed"], result["deleted"]) == (True, ["configmaps/temporal-lab"])


@pytest.mark.usefixtures("empty", "hurry")
def test_what_is_named_and_does_not_go_is_an_error(task: Task, api: ScriptedApi) -> None:
    found = labelled("benchmark-soak-test", OF_LAB)
    script_deletion(api, LOAD, found, found)
    with pytest.raises(LabError, match=rf"still exists 0\.1 s after {api.url} was asked to delete it"):
        task(wait_absent, selectors=[RELEASE], first=["deployments/benchmark-soak-test"], timeout=0.1)


@pytest.mark.parametrize("text", ["benchmark-soak-test", "deployments/", "nodes/a"])
def test_a_name_has_a_kind(task: Task, text: str) -> None:
    with pytest.raises(LabError, match="is not a kind and a name"):
        task(wait_absent, selectors=[RELEASE], first=[text])
