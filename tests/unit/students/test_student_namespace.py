# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import wait
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.namespace_removal import held_by
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.permissions import NEEDED
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students import student_namespace
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.admission_policies import (
    FOLDERS,
    wanted,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.namespace_objects import (
    LABELS,
    documents,
    network_policy,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student_namespace import (
    SPEC,
    view,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    status,
)

try:
    from kubernetes.utils import parse_quantity
except ImportError:
    parse_quantity = None

ROOT = Path(__file__).resolve().parents[3]
NAMESPACE = "/api/v1/namespaces/student-01"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/student-01"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/student-01/networkpolicies"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
PATHS = {
    "Namespace student-01": NAMESPACE,
    "ResourceQuota student": f"{NAMESPACE}/resourcequotas/student",
    "ResourceQuota student-priority": f"{NAMESPACE}/resourcequotas/student-priority",
    "LimitRange student": f"{NAMESPACE}/limitranges/student",
    "NetworkPolicy student": f"{POLICIES}/student",
    "ServiceAccount student": f"{NAMESPACE}/serviceaccounts/student",
    "Role student": f"{RBAC}/roles/student",
    "RoleBinding student": f"{RBAC}/rolebindings/student",
}
BOUNDS: dict[str, Any] = {
    "namespace": "student-01",
    "student": "Ada",
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    "quota": {"pods": 30},
    "container_limits": {"default": {"memory": "1Gi"}},
}


def params(**options: Any) -> dict[str, Any]:
    return {name: option.get("default") for name, option in SPEC.items()} | BOUNDS | options


def defaults() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "roles" / "students" / "defaults" / "main.yml").read_text(encoding="utf-8"))


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


class Store:
    """Objects that the scripted API server keeps, as it would, with what it notes for itself."""

    def __init__(self, api: ScriptedApi) -> None:
        self.api = api
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 0
        api.on("GET", SLICES, {"items": [{"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.7"]}]}]})
        for one in ("services", "secrets"):
            api.on("GET", f"{NAMESPACE}/{one}", {"items": []})
        for path in PATHS.values():
            self.watch(path)

    def watch(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        self.api.on("PATCH", path, self.apply)
        self.api.on("DELETE", path, self.delete)
        self.api.on("GET", path, self.get)
        if folder != "/api/v1/namespaces":
            self.api.on("GET", folder, self.list)

    def keep(self, path: str, body: dict[str, Any], **metadata: Any) -> None:
        self.version += 1
        noted = {"resourceVersion": str(self.version), "uid": f"uid-{path}", "managedFields": [{"manager": "x"}]}
        self.objects[path] = copy.deepcopy({**body, "metadata": {**body["metadata"], **noted, **metadata}})
        self.watch(path)

    def get(self, asked: Asked) -> Answer:
        if asked.path not in self.objects:
            return status(404, f'"{asked.path}" not found', "NotFound")
        return Answer(self.objects[asked.path])

    def apply(self, asked: Asked) -> Answer:
        if asked.query.get("dryRun"):
            return Answer({**asked.body, "metadata": {**asked.body["metadata"], "resourceVersion": "dry"}})
        self.keep(asked.path, asked.body)
        return Answer(self.objects[asked.path])

    def delete(self, asked: Asked) -> Answer:
        del self.objects[asked.path]
        return Answer({})

    def list(self, asked: Asked) -> Answer:
        found = [body for path, body in self.objects.items() if path.rpartition("/")[0] == asked.path]
        # Without their kind, as in a real list.
        strip = [{key: value for key, value in body.items() if key not in ("kind", "apiVersion")} for body in found]
        return Answer({"items": strip, "metadata": {}})


@pytest.fixture
def store(api: ScriptedApi) -> Store:
    return Store(api)


@pytest.fixture
def there(store: Store) -> Store:
    """All that a student has, made before."""
    for document in documents(params(), ["192.0.2.7"]):
        store.keep(PATHS[name_of(document)], document)
    return store


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "Waiter", functools.partial(wait.Waiter, interval=0.01))


def run(task: Task, **options: Any) -> dict[str, Any]:
    return task(student_namespace, **{**BOUNDS, **options})


# -- what there is to be ----------------------------------------------------


def test_the_objects_of_a_student() -> None:
    made = {name_of(document): document for document in documents(params(), ["192.0.2.7"])}
    assert list(made) == list(PATHS)
    assert all(LABELS.items() <= document["metadata"]["labels"].items() for document in made.values())
    assert {document["metadata"].get("namespace") for document in made.values()} == {None, "student-01"}
    assert made["Namespace student-01"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert made["ResourceQuota student"]["spec"] == {"hard": {"pods": "30"}}
    (chosen,) = made["ResourceQuota student-priority"]["spec"]["scopeSelector"]["matchExpressions"]
    assert chosen["values"] == ["system-cluster-critical", "system-node-critical"]
    assert made["LimitRange student"]["spec"] == {"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]}
    own, given = made["Role student"]["rules"]
    assert own == {
        "apiGroups": [""],
        "resources": ["namespaces"],
        "resourceNames": ["student-01"],
        "verbs": ["get"],
    }
    assert given == BOUNDS["rules"][0]
    assert made["RoleBinding student"]["roleRef"]["name"] == made["Role student"]["metadata"]["name"]
    assert made["RoleBinding student"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "student", "namespace": "student-01"}
    ]


def test_what_is_empty_is_not_made() -> None:
    bare = documents(params(quota={}, container_limits={}, isolated=False))
    kinds = [document["kind"] for document in bare]
    assert kinds == ["Namespace", "ResourceQuota", "ServiceAccount", "Role", "RoleBinding"]
    assert bare[1]["metadata"]["name"] == "student-priority"


def test_who_may_ask_the_students_pods() -> None:
    spec = network_policy(["192.0.2.7", "2001:db8::7"], ["198.51.100.0/24"], egress=True)
    assert spec["policyTypes"] == ["Ingress"]
    own, system, *blocks = spec["ingress"][0]["from"]
    assert own == {"podSelector": {}}
    assert system["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
    cidrs = [block["ipBlock"]["cidr"] for block in blocks]
    assert cidrs == ["192.0.2.7/32", "2001:db8::7/128", "198.51.100.0/24"]
    assert "egress" not in spec


def test_whom_the_students_pods_may_ask_when_it_is_not_everybody() -> None:
    spec = network_policy(["192.0.2.7"], [], egress=False)
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    own, names = spec["egress"]
    assert own == {"to": [{"podSelector": {}}, {"ipBlock": {"cidr": "192.0.2.7/32"}}]}
    assert [(port["protocol"], port["port"]) for port in names["ports"]] == [("UDP", 53), ("TCP", 53)]


def grants(rules: list[dict[str, Any]], verb: str, group: str, what: str) -> bool:
    return any(verb in rule["verbs"] and group in rule["apiGroups"] and what in rule["resources"] for rule in rules)


def test_the_role_grants_what_the_stages_need() -> None:
    rules = defaults()["students_rules"]
    missing = [
        f"{permission.verb} {permission.what}"
        for permission in NEEDED
        if not grants(
            rules,
            permission.verb,
            permission.group,
            "/".join(filter(None, (permission.resource, permission.subresource))),
        )
    ]
    assert missing == []


def test_the_role_grants_no_way_out() -> None:
    rules = defaults()["students_rules"]
    assert not any("*" in rule[key] for rule in rules for key in ("verbs", "apiGroups", "resources"))
    given = {verb for rule in rules for verb in rule["verbs"]}
    assert not given & {"bind", "escalate", "impersonate", "deletecollection", "proxy"}
    writes = {"create", "update", "patch", "delete"}
    changed = {one for rule in rules if writes & set(rule["verbs"]) for one in rule["resources"]}
    assert not changed & {
        "limitranges",
        "namespaces",
        "networkpolicies",
        "pods/attach",
        "pods/ephemeralcontainers",
        "pods/exec",
        "resourcequotas",
        "serviceaccounts/token",
    }


def requested(values: dict[str, Any], kind: str, name: str) -> float:
    """What all pods of the chart ask for, with a second history pod and one more of each role during an upgrade."""
    server, total = values["server"], 0.0
    pods = [(server[role], 2) for role in ("frontend", "history", "matching", "worker")]
    pods += [(server["history"], 1), (values["prometheus"]["server"], 1), (values["postgresql"], 1)]
    pods += [(values["web"], 2), (values["grafana"], 1)]
    for pod, count in pods:
        total += count * float(parse_quantity(pod["resources"][kind][name]))
    return total


@pytest.mark.parametrize(
    ("kind", "name", "quota", "load"),
    [
        ("requests", "cpu", "requests.cpu", "300m"),
        ("requests", "memory", "requests.memory", "288Mi"),
        ("limits", "memory", "limits.memory", "1536Mi"),
    ],
)
def test_the_quota_has_room_for_an_upgrade(kind: str, name: str, quota: str, load: str) -> None:
    """load: of its two pods and one more during an upgrade."""
    values = yaml.safe_load((ROOT / "files/charts/temporal-lab/values.yaml").read_text(encoding="utf-8"))
    hard = defaults()["students_quota"]
    assert requested(values, kind, name) + float(parse_quantity(load)) <= float(parse_quantity(hard[quota]))
    # Of the node's disk too, which most containers leave to the default.
    disk = defaults()["students_container_limits"]["default"]["ephemeral-storage"]
    own = [values[name]["resources"]["limits"]["ephemeral-storage"] for name in ("postgresql",)]
    own.append(values["prometheus"]["server"]["resources"]["limits"]["ephemeral-storage"])
    total = sum(float(parse_quantity(size)) for size in own) + 17 * float(parse_quantity(disk))
    assert total <= float(parse_quantity(hard["limits.ephemeral-storage"]))
    # Of CPU there is no limit: it would force one on every container.
    assert "limits.cpu" not in hard
    assert "cpu" not in defaults()["students_container_limits"]["default"]


# -- making -----------------------------------------------------------------


def test_all_is_applied_once(task: Task, store: Store, api: ScriptedApi) -> None:
    result = run(task, diff=True)
    assert result["changes"] == [f"{name} created" for name in PATHS]
    assert result["diff"]["before"] == {}
    assert set(store.objects) == set(PATHS.values())
    patches = [asked for asked in api.asked if asked.method == "PATCH"]
    assert {asked.headers["Content-Type"] for asked in patches} == {"application/apply-patch+yaml"}
    assert {tuple(sorted(asked.query.items())) for asked in patches} == {
        (("fieldManager", "temporal-lab"), ("fieldValidation", "Strict"), ("force", "true"))
    }
    blocks = store.objects[PATHS["NetworkPolicy student"]]["spec"]["ingress"][0]["from"][2:]
    assert blocks == [{"ipBlock": {"cidr": "192.0.2.7/32"}}]

    result = run(task, diff=True)
    assert (result["changed"], result["changes"], result["diff"]) == (False, [], {"before": {}, "after": {}})


def test_check_mode_before_there_is_a_namespace(task: Task, store: Store, api: ScriptedApi) -> None:
    result = run(task, check=True, diff=True)
    assert len(result["changes"]) == len(PATHS) == len(result["diff"]["after"])
    assert store.objects == {}
    # Of what would be in it the API server would only say that there is no such namespace.
    (asked,) = [asked for asked in api.asked if asked.method == "PATCH"]
    assert (asked.path, asked.query["dryRun"]) == (NAMESPACE, "All")


def test_check_mode_asks_the_api_server(task: Task, there: Store, api: ScriptedApi) -> None:
    before = copy.deepcopy(there.objects)
    assert run(task, check=True)["changes"] == []
    result = run(task, check=True, diff=True, quota={"pods": 31})
    assert result["changes"] == ["ResourceQuota student changed"]
    assert result["diff"]["before"]["ResourceQuota student"]["spec"] == {"hard": {"pods": "30"}}
    assert result["diff"]["after"]["ResourceQuota student"]["spec"] == {"hard": {"pods": "31"}}
    assert {asked.query["dryRun"] for asked in api.asked if asked.method == "PATCH"} == {"All"}
    assert there.objects == before


def test_what_is_not_wanted_any_more_goes_and_what_others_made_stays(
    task: Task, there: Store, api: ScriptedApi
) -> None:
    theirs = {"metadata": {"name": "theirs", "labels": {"app.kubernetes.io/managed-by": "Helm"}}}
    there.keep(f"{RBAC}/roles/theirs", theirs)
    assert run(task, isolated=False, check=True)["changes"] == ["NetworkPolicy student deleted"]
    assert PATHS["NetworkPolicy student"] in there.objects
    assert run(task, isolated=False)["changes"] == ["NetworkPolicy student deleted"]
    assert PATHS["NetworkPolicy student"] not in there.objects
    assert f"{RBAC}/roles/theirs" in there.objects
    assert run(task, isolated=False)["changed"] is False
    assert api.calls("DELETE") == [f"DELETE {PATHS['NetworkPolicy student']}"]


def test_what_the_server_notes_is_no_change() -> None:
    noted = {"name": "a", "uid": "1", "resourceVersion": "2", "managedFields": [], "generation": 3}
    assert view({"metadata": noted, "spec": 1, "status": 2}) == {"metadata": {"name": "a"}, "spec": 1}
    assert view(None) == {}


# -- the policies of the cluster ---------------------------------------------


def test_without_policies_it_warns_or_fails_as_wanted(task: Task, store: Store, api: ScriptedApi) -> None:
    """The scripted API server has no ValidatingAdmissionPolicy."""
    result = run(task)
    assert result["policy"] == "missing"
    assert "Kubernetes 1.30" in result["warnings"][0]
    with pytest.raises(LabError, match=r"Kubernetes 1\.30"):
        run(task, policy="required")
    result = run(task, policy="none")
    assert result["policy"] == "none"
    assert "warnings" not in result


def test_policies_are_made_with_the_first_student(task: Task, store: Store, api: ScriptedApi) -> None:
    for plural in FOLDERS.values():
        api.on("GET", f"/apis/admissionregistration.k8s.io/v1/{plural}", {"items": []})
    for (kind, name), document in wanted().items():
        path = f"/apis/admissionregistration.k8s.io/v1/{FOLDERS[kind]}/{name}"
        api.on("PATCH", path, Answer(document, 201))
    result = run(task, diff=True)
    assert result["policy"] == "enforced"
    assert "warnings" not in result
    names = [f"{kind} {name}" for kind, name in wanted()]
    assert result["changes"][-len(names) :] == [f"{name} created" for name in names]
    assert set(names) <= result["diff"]["after"].keys()


def test_it_warns_of_what_is_there_already(task: Task, there: Store, api: ScriptedApi) -> None:
    service = {"metadata": {"name": "taking"}, "spec": {"externalIPs": ["192.0.2.9"]}}
    api.on("GET", f"{NAMESPACE}/services", {"items": [service]})
    warnings = run(task)["warnings"]
    assert "student-01 already has" in warnings[-1]
    assert "Service taking (externalIPs 192.0.2.9)" in warnings[-1]


def test_a_look_that_is_not_permitted_finds_nothing(task: Task, there: Store, api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", status(403, "no"))
    assert run(task)["changed"] is False


@pytest.mark.parametrize("classes", [{"items": [{"metadata": {"name": "urgent"}, "value": 7}]}, status(403, "no")])
def test_priorities_that_a_student_may_not_have(
    task: Task, store: Store, api: ScriptedApi, classes: dict[str, Any] | Answer
) -> None:
    api.on("GET", "/apis/scheduling.k8s.io/v1/priorityclasses", classes)
    run(task)
    (chosen,) = store.objects[PATHS["ResourceQuota student-priority"]]["spec"]["scopeSelector"]["matchExpressions"]
    assert ("urgent" in chosen["values"]) == isinstance(classes, dict)
    assert "system-node-critical" in chosen["values"]


# -- whose it is ------------------------------------------------------------


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"labels": {}}, "was not made for a student, because it has no label app.kubernetes.io/managed-by="),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "was not made for a student"),
        ({"annotations": {"temporal-lab/student": "Bob"}}, "is of student Bob, not of Ada"),
        ({"annotations": {}}, "is of student unknown, not of Ada"),
    ],
)
def test_a_namespace_of_somebody_else_is_left_alone(
    task: Task, store: Store, api: ScriptedApi, state: str, metadata: dict[str, Any], said: str
) -> None:
    store.keep(NAMESPACE, documents(params())[0], **metadata)
    with pytest.raises(LabError, match=f"Namespace student-01 {said}") as caught:
        run(task, state=state)
    assert caught.value.msg.endswith(("as `namespace`.", "of their own."))
    assert api.calls() == [f"GET {NAMESPACE}"]


def test_a_namespace_that_is_going_is_not_made_again(task: Task, there: Store, api: ScriptedApi) -> None:
    there.keep(NAMESPACE, documents(params())[0], deletionTimestamp="2026-11-23T17:02:00Z")
    with pytest.raises(LabError, match="is being deleted: wait until it is gone"):
        run(task)
    assert api.calls("PATCH") == []


def test_a_network_that_is_none(task: Task, api: ScriptedApi) -> None:
    with pytest.raises(LabError, match=r"`network_sources` has '10\.0\.0\.1/8', which is no network"):
        run(task, network_sources=["10.0.0.1/8"])
    assert api.asked == []


# -- taking away ------------------------------------------------------------

HELD = [
    {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content successfully deleted"},
    {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: pods."},
    {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "finalizers remaining: example.org/hold"},
]


def test_what_holds_a_namespace() -> None:
    namespace = {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}, "status": {"conditions": HELD}}
    assert held_by(namespace) == ["finalizers remaining: example.org/hold", "Some resources are remaining: pods"]
    namespace["spec"]["finalizers"].append("example.org/controller")
    assert held_by(namespace)[-1] == "finalizers of the Namespace itself: example.org/controller"
    assert held_by({"metadata": {}}) == []


@pytest.mark.usefixtures("hurry")
def test_it_goes_and_is_waited_for(task: Task, there: Store, api: ScriptedApi) -> None:
    uid = there.objects[NAMESPACE]["metadata"]["uid"]
    going = {**there.objects[NAMESPACE], "status": {"conditions": HELD}}

    def delete(_asked: Asked) -> Answer:
        api.on("GET", NAMESPACE, going, status(404, "not found"))
        return Answer({})

    api.on("DELETE", NAMESPACE, delete)
    result = run(task, state="absent", diff=True)
    assert (result["changes"], result["gone"]) == (["Namespace student-01 deleted"], True)
    assert result["diff"]["before"]["Namespace student-01"]["metadata"]["name"] == "student-01"
    (asked,) = [asked for asked in api.asked if asked.method == "DELETE"]
    assert asked.body["preconditions"] == {"uid": uid}
    assert task.states == [
        "namespace student-01 is being deleted; finalizers remaining: example.org/hold; "
        "Some resources are remaining: pods",
        "namespace student-01 is gone",
    ]
    result = run(task, state="absent")
    assert (result["changed"], result["gone"]) == (False, True)


def test_with_the_last_student_the_policies_go(task: Task, store: Store, api: ScriptedApi) -> None:
    (kind, name), document = next(iter(wanted().items()))
    folder = f"/apis/admissionregistration.k8s.io/v1/{FOLDERS[kind]}"
    mine = {**document, "metadata": {**document["metadata"], "uid": "1"}}
    for plural in FOLDERS.values():
        api.on("GET", f"/apis/admissionregistration.k8s.io/v1/{plural}", {"items": []})
    api.on("GET", folder, {"items": [mine]}, {"items": []})
    api.on("GET", "/api/v1/namespaces", {"items": []})
    api.on("DELETE", f"{folder}/{name}", Answer({}))
    result = run(task, state="absent", diff=True)
    assert (result["changed"], result["changes"]) == (True, [f"{kind} {name} deleted"])
    assert list(result["diff"]["before"]) == [f"{kind} {name}"]
    assert run(task, state="absent")["changed"] is False
    before = len(api.asked)
    assert run(task, state="absent", policy="none")["changed"] is False
    assert len(api.asked) == before + 1


@pytest.mark.usefixtures("hurry")
def test_what_holds_it_up_is_told_when_the_time_is_over(task: Task, there: Store, api: ScriptedApi) -> None:
    deleted = {**there.objects[NAMESPACE], "status": {"conditions": HELD}}
    deleted["metadata"]["deletionTimestamp"] = "2026-11-23T17:02:00Z"
    api.on("GET", NAMESPACE, deleted)
    with pytest.raises(LabError, match=r"still exists 0\.1 s after .*: finalizers remaining: example") as caught:
        run(task, state="absent", timeout=0.1)
    assert caught.value.details["changes"] == []
    assert len(caught.value.details["held_by"]) == 2
    assert api.calls("DELETE") == []


@pytest.mark.usefixtures("hurry")
def test_one_that_was_made_again_under_its_name_is_another(task: Task, there: Store, api: ScriptedApi) -> None:
    def delete(_asked: Asked) -> Answer:
        there.keep(NAMESPACE, {"metadata": {"name": "student-01"}})
        there.objects[NAMESPACE]["metadata"]["uid"] = "another"
        return Answer({})

    api.on("DELETE", NAMESPACE, delete)
    assert run(task, state="absent")["gone"] is True


def test_without_waiting_and_in_check_mode(task: Task, there: Store, api: ScriptedApi) -> None:
    result = run(task, state="absent", check=True)
    assert (result["changed"], result["gone"], api.calls("DELETE")) == (True, False, [])
    result = run(task, state="absent", wait=False)
    assert (result["changed"], result["gone"]) == (True, False)
    assert api.calls("DELETE") == [f"DELETE {NAMESPACE}"]
