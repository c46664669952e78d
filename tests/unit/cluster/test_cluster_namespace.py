# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_namespace: made where there is none, and deleted only where it was."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import cluster_namespace
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, Task, status

FOLDER = "/api/v1/namespaces"
PATH = f"{FOLDER}/lab-ann"
GONE = status(404, "not found", "NotFound")
MADE = {"app.kubernetes.io/managed-by": "temporal-lab"}
ANN = {"namespace": "lab-ann", "student": "ann"}


def there(labels: dict[str, str] | None = None, whose: str | None = "ann", **metadata: Any) -> dict[str, Any]:
    notes = {} if whose is None else {"temporal-lab/student": whose}
    found = {"name": "lab-ann", "uid": "one", "labels": MADE if labels is None else labels, "annotations": notes}
    return {"metadata": {**found, **metadata}}


# -- present ----------------------------------------------------------------


def test_it_is_made_with_who_made_it_and_for_whom(task: Task, api: ScriptedApi) -> None:
    api.on("POST", FOLDER, {})
    assert task(cluster_namespace, **ANN) == {"changed": True, "there": True, "kept": ""}
    (made,) = [asked.body for asked in api.asked if asked.method == "POST"]
    assert made["metadata"] == {"name": "lab-ann", "labels": MADE, "annotations": {"temporal-lab/student": "ann"}}


@pytest.mark.parametrize(
    "answer",
    [
        there({"team": "platform"}, None),
        # Who may not read it is not permitted to make it either.
        status(403, 'namespaces "lab-ann" is forbidden: User "ann" cannot get resource "namespaces"', "Forbidden"),
    ],
)
def test_one_that_exists_gets_no_label(task: Task, api: ScriptedApi, answer: Any) -> None:
    api.on("GET", PATH, answer)
    assert task(cluster_namespace, **ANN)["changed"] is False
    assert {asked.method for asked in api.asked} == {"GET"}


def test_one_that_somebody_makes_meanwhile_is_theirs(task: Task, api: ScriptedApi) -> None:
    api.on("POST", FOLDER, status(409, "it exists", "AlreadyExists"))
    assert task(cluster_namespace, **ANN) == {"changed": False, "there": True, "kept": ""}
    assert api.calls("PATCH") == []


def test_check_mode_makes_nothing(task: Task, api: ScriptedApi) -> None:
    assert task(cluster_namespace, **ANN, check=True)["changed"] is True
    assert api.calls() == [f"GET {PATH}"]


# -- absent -----------------------------------------------------------------


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("whose", ["ann", None])
def test_what_the_lab_made_is_deleted_by_its_uid(task: Task, api: ScriptedApi, whose: str | None) -> None:
    leaving = there(whose=whose, deletionTimestamp="2026-11-23T17:02:00Z")
    api.on("GET", PATH, there(whose=whose), leaving, GONE)
    api.on("DELETE", PATH, {})
    result = task(cluster_namespace, **ANN, state="absent")
    assert result == {"changed": True, "there": False, "kept": ""}
    (deletion,) = [asked.body for asked in api.asked if asked.method == "DELETE"]
    assert deletion["preconditions"] == {"uid": "one"}
    assert task.states == [
        f"deleting the namespace lab-ann of {api.url}",
        "namespace lab-ann is being deleted",
        "namespace lab-ann is gone",
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (there({"team": "platform"}, None), "the lab did not make it"),
        # Another's label of that name, and one of a student that only the annotation tells.
        (there({"app.kubernetes.io/managed-by": "Helm"}), "the lab did not make it"),
        (there({"app.kubernetes.io/part-of": "temporal-lab"}), "the lab did not make it"),
        (there(whose="bob"), "it is of student bob, and not of ann"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_any_other_stays_with_one_sentence(
    task: Task, api: ScriptedApi, found: dict[str, Any], said: str, check: bool
) -> None:
    api.on("GET", PATH, found)
    result = task(cluster_namespace, **ANN, state="absent", check=check)
    assert (result["changed"], result["there"]) == (False, True)
    assert result["kept"].startswith(f"Namespace lab-ann of {api.url} stays: ")
    assert said in result["kept"]
    assert task.lines == [result["kept"]]
    assert api.calls("DELETE") == []


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_kubernetes_own_stay_whatever_they_say(task: Task, api: ScriptedApi, name: str) -> None:
    api.on("GET", f"{FOLDER}/{name}", there(name=name))
    result = task(cluster_namespace, namespace=name, student="ann", state="absent")
    assert "one of Kubernetes' own" in result["kept"]
    assert api.calls("DELETE") == []


def test_one_that_is_gone_is_no_change(task: Task, api: ScriptedApi) -> None:
    assert task(cluster_namespace, **ANN, state="absent") == {"changed": False, "there": False, "kept": ""}
    assert api.calls() == [f"GET {PATH}"]


@pytest.mark.usefixtures("hurry")
def test_a_newer_one_of_the_name_is_not_waited_for(task: Task, api: ScriptedApi) -> None:
    api.on("GET", PATH, there(), there({}, None, uid="two"))
    api.on("DELETE", PATH, {})
    assert task(cluster_namespace, **ANN, state="absent")["there"] is False


@pytest.mark.usefixtures("hurry")
def test_what_holds_it_is_told(task: Task, api: ScriptedApi) -> None:
    held = there(finalizers=["example.org/hold"], deletionTimestamp="2026-11-23T17:02:00Z")
    api.on("GET", PATH, held)
    with pytest.raises(LabError, match=r"still exists 0\.1 s after .* finalizers of the Namespace itself: example"):
        task(cluster_namespace, **ANN, state="absent", timeout=0.1)
    # It was on its way already.
    assert api.calls("DELETE") == []


def test_check_mode_deletes_nothing(task: Task, api: ScriptedApi) -> None:
    api.on("GET", PATH, there())
    assert task(cluster_namespace, **ANN, state="absent", check=True)["changed"] is True
    assert api.calls("DELETE") == []
