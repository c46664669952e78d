# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission policies of a class: made once for a cluster, and removed with its last student."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students import admission_policies
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.admission_policies import (
    FOLDERS,
    agrees,
    hold,
    release,
    wanted,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.namespace_objects import (
    LABELS,
    STUDENTS,
    driving,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.refused_objects import refused_objects
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    one_sentence,
    status,
)

GROUP = "/apis/admissionregistration.k8s.io/v1"
NAMESPACES = "/api/v1/namespaces"


class Admission:
    """Policies and students' namespaces, as a scripted API server keeps them."""

    def __init__(self, api: ScriptedApi) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.students: list[str] = []
        self.queries: list[dict[str, str]] = []
        for plural in FOLDERS.values():
            api.on("GET", f"{GROUP}/{plural}", self.list)
        for kind, name in wanted():
            api.on("PATCH", self.path(kind, name), self.apply)
            api.on("DELETE", self.path(kind, name), self.delete)
        api.on("GET", NAMESPACES, self.namespaces)

    def path(self, kind: str, name: str) -> str:
        return f"{GROUP}/{FOLDERS[kind]}/{name}"

    def list(self, asked: Asked) -> Answer:
        found = [body for path, body in self.objects.items() if path.rpartition("/")[0] == asked.path]
        return Answer({"items": found, "metadata": {}})

    def apply(self, asked: Asked) -> Answer:
        new = asked.path not in self.objects
        body = copy.deepcopy(asked.body)
        body["metadata"]["uid"] = f"uid-{asked.path}"
        # What an API server adds.
        if body["kind"] == "ValidatingAdmissionPolicy":
            body["spec"]["matchConstraints"]["matchPolicy"] = "Equivalent"
        if not asked.query.get("dryRun"):
            self.objects[asked.path] = body
        return Answer(body, 201 if new else 200)

    def delete(self, asked: Asked) -> Answer:
        there = self.objects.get(asked.path)
        if there is None:
            return status(404, "not found", "NotFound")
        if asked.body["preconditions"]["uid"] != there["metadata"]["uid"]:
            return status(409, "the UID in the precondition does not match", "Conflict")
        del self.objects[asked.path]
        return Answer({})

    def namespaces(self, asked: Asked) -> Answer:
        self.queries.append(asked.query)
        return Answer({"items": [{"metadata": {"name": name}} for name in self.students]})


@pytest.fixture
def cluster(instructor: Path) -> Iterator[Cluster]:
    with Cluster.connect(str(instructor), None, "student-01") as connected:
        yield connected


@pytest.fixture
def admission(api: ScriptedApi) -> Admission:
    return Admission(api)


@pytest.fixture
def held(admission: Admission, cluster: Cluster) -> Admission:
    """A cluster with all policies and one student."""
    hold(cluster, check_mode=False)
    admission.students = ["student-01"]
    return admission


# -- the file ---------------------------------------------------------------


def test_each_policy_is_bound_and_selects_students_alone() -> None:
    policies = {name: entry for (kind, name), entry in wanted().items() if kind == "ValidatingAdmissionPolicy"}
    bindings = {name: entry for (kind, name), entry in wanted().items() if kind != "ValidatingAdmissionPolicy"}
    assert policies.keys() == bindings.keys() != set()
    for name, binding in bindings.items():
        assert binding["spec"] == {"policyName": name, "validationActions": ["Deny"]}
    for policy in policies.values():
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert policy["spec"]["matchConstraints"]["namespaceSelector"] == {"matchLabels": STUDENTS}
        assert all(check["message"] and check["reason"] == "Forbidden" for check in policy["spec"]["validations"])
    assert all(entry["metadata"]["labels"] == LABELS for entry in wanted().values())


@pytest.mark.parametrize(
    ("found", "applied", "same"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"b": 2}, {"a": 1}, False),
        ({"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 1}]}, True),
        ({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}]}, False),
        ({"a": "Deny"}, {"a": ["Deny"]}, False),
        ({"a": None}, {"a": {}}, False),
    ],
)
def test_what_the_api_server_adds_is_no_difference(found: object, applied: object, same: bool) -> None:
    assert agrees(found, applied) is same


# -- making -----------------------------------------------------------------


def test_they_are_made_once(admission: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    first = hold(cluster, check_mode=False)
    assert first.changes == [f"{kind} {name} created" for kind, name in wanted()]
    assert first.missing == ""
    asked = len(api.asked)
    second = hold(cluster, check_mode=False)
    assert (second.changes, second.missing) == ([], "")
    assert [entry.method for entry in api.asked[asked:]] == ["GET", "GET"]


def test_check_mode_makes_none_and_tells_which(admission: Admission, cluster: Cluster) -> None:
    assert len(hold(cluster, check_mode=True).changes) == len(wanted())
    assert admission.objects == {}


def test_one_that_somebody_weakened_is_put_right(held: Admission, cluster: Cluster) -> None:
    name = "temporal-lab-students-services"
    held.objects[held.path("ValidatingAdmissionPolicyBinding", name)]["spec"]["validationActions"] = ["Audit"]
    del held.objects[held.path("ValidatingAdmissionPolicy", name)]["spec"]["validations"][0]
    changed = hold(cluster, check_mode=False).changes
    assert changed == [
        f"ValidatingAdmissionPolicy {name} changed",
        f"ValidatingAdmissionPolicyBinding {name} changed",
    ]
    assert hold(cluster, check_mode=False).changes == []


def test_of_several_at_once_one_reports_it(admission: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    """The others find nothing, apply as well, and are told that it was there by then."""
    for kind, name in wanted():
        api.on("PATCH", admission.path(kind, name), lambda asked: Answer(asked.body, 200))
    assert hold(cluster, check_mode=False).changes == []


def test_one_of_somebody_else_is_left_alone(held: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    path = held.path("ValidatingAdmissionPolicy", "temporal-lab-students-pods")
    held.objects[path]["metadata"]["labels"] = {}
    before = len(api.asked)
    with pytest.raises(LabError, match=r"students-pods .* was not made by the lab, .* left as it is") as caught:
        hold(cluster, check_mode=False)
    one_sentence(caught.value)
    held.students = []
    release(cluster, check_mode=False)
    assert list(held.objects) == [path]
    assert not [asked for asked in api.asked[before:] if asked.path == path]


@pytest.mark.parametrize("plural", FOLDERS.values())
def test_a_cluster_that_has_no_policies(admission: Admission, cluster: Cluster, api: ScriptedApi, plural: str) -> None:
    api.on("GET", f"{GROUP}/{plural}", status(404, "the server could not find the requested resource", "NotFound"))
    missing = hold(cluster, check_mode=False).missing
    assert "Kubernetes 1.30" in missing
    assert "externalIPs" in missing
    assert "DenyServiceExternalIPs" in missing


def test_an_instructor_who_may_not_make_them(admission: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    why = 'User "bo" cannot patch resource "validatingadmissionpolicies"'
    for kind, name in wanted():
        api.on("PATCH", admission.path(kind, name), status(403, f"x is forbidden: {why}", "Forbidden"))
    missing = hold(cluster, check_mode=False).missing
    assert why in missing
    assert "files/admission/students.yaml" in missing


# -- removing ---------------------------------------------------------------


def test_they_go_with_the_last_student(held: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    held.students = ["student-02"]
    assert release(cluster, check_mode=False).changes == []
    assert len(held.objects) == len(wanted())
    held.students = []
    changes = release(cluster, check_mode=False).changes
    assert sorted(changes) == sorted(f"{kind} {name} deleted" for kind, name in wanted())
    # A policy without its binding holds nobody; a binding without its policy is an error for everybody.
    assert all("Binding" in change for change in changes[: len(changes) // 2])
    assert held.objects == {}
    assert all(query["labelSelector"] == "temporal-lab/kind=student" for query in held.queries)
    assert release(cluster, check_mode=False).changes == []


def test_check_mode_tells_what_would_go_with_this_student(held: Admission, cluster: Cluster) -> None:
    assert len(release(cluster, check_mode=True, leaving="student-01").changes) == len(wanted())
    assert len(held.objects) == len(wanted())
    held.students.append("student-02")
    assert release(cluster, check_mode=True, leaving="student-01").changes == []


def test_a_student_who_was_made_meanwhile_gets_them_back(held: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    held.students = []
    kind, name = list(wanted())[-1]

    def delete(asked: Asked) -> Answer:
        held.students = ["new"]
        return held.delete(asked)

    api.on("DELETE", held.path(kind, name), delete)
    assert release(cluster, check_mode=False).changes
    assert len(held.objects) == len(wanted())


def test_only_the_object_that_was_looked_at_goes(held: Admission, cluster: Cluster, api: ScriptedApi) -> None:
    held.students = []
    kind, name = next(iter(wanted()))

    def delete(asked: Asked) -> Answer:
        held.objects[asked.path]["metadata"]["uid"] = "another"
        return held.delete(asked)

    api.on("DELETE", held.path(kind, name), delete)
    assert f"{kind} {name} deleted" not in release(cluster, check_mode=False).changes
    assert list(held.objects) == [held.path(kind, name)]


@pytest.mark.parametrize("code", [403, 404])
def test_without_a_say_in_policies_nothing_goes(held: Admission, cluster: Cluster, api: ScriptedApi, code: int) -> None:
    held.students = []
    api.on("GET", f"{GROUP}/validatingadmissionpolicies", status(code, "no"))
    assert release(cluster, check_mode=False).changes == []
    assert len(held.objects) == len(wanted())


# -- what is there from before -----------------------------------------------


def test_what_a_namespace_has_from_before(cluster: Cluster, api: ScriptedApi) -> None:
    folder = "/api/v1/namespaces/student-01"
    services = {
        "plain": {},
        "headless": {"type": "ClusterIP", "externalIPs": []},
        "taking": {"externalIPs": ["192.0.2.7"]},
        "open": {"type": "NodePort"},
    }
    items = [{"metadata": {"name": name}, "spec": spec} for name, spec in services.items()]
    api.on("GET", f"{folder}/services", {"items": items})
    api.on("GET", f"{folder}/secrets", {"items": [{"metadata": {"name": "forever"}}]})
    assert refused_objects(cluster) == [
        "Service taking (externalIPs 192.0.2.7)",
        "Service open (type NodePort)",
        "Secret forever (a token that never ends)",
    ]
    (asked,) = [asked for asked in api.asked if asked.path.endswith("/secrets")]
    assert asked.query["fieldSelector"] == "type=kubernetes.io/service-account-token"
    assert "PartialObjectMetadataList" in asked.headers["Accept"]


def test_many_are_not_all_named(cluster: Cluster, api: ScriptedApi) -> None:
    folder = "/api/v1/namespaces/student-01"
    items = [{"metadata": {"name": f"s{number}"}, "spec": {"type": "NodePort"}} for number in range(30)]
    api.on("GET", f"{folder}/services", {"items": items})
    api.on("GET", f"{folder}/secrets", {"items": []})
    found = refused_objects(cluster)
    assert (len(found), found[-1]) == (11, "20 more")


def test_classes_above_the_usual_priority() -> None:
    classes = [("usual", 10, True), ("low", 5, False), ("high", 11, False), ("system-node-critical", 2**31, False)]
    listed = [{"metadata": {"name": name}, "value": value, "globalDefault": usual} for name, value, usual in classes]
    assert driving(listed) == ["high", "system-cluster-critical", "system-node-critical"]
    assert "low" not in driving(listed)
    assert driving([]) == ["system-cluster-critical", "system-node-critical"]


def test_the_files_text_is_read_once() -> None:
    assert admission_policies.wanted() is admission_policies.wanted()
