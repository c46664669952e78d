# SPDX-License-Identifier: GPL-3.0-or-later
"""Task student_namespace: a student's Kubernetes namespace with what bounds it, or nothing of it.

The objects are applied by the API server itself (server-side apply), which therefore says what a change would be
before it is made. kubernetes.core.k8s can do that too, but not for objects of a namespace that does not exist yet,
and costs ten times the CPU time.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..cluster.cluster import Cluster
from ..cluster.connect import INSTRUCTOR
from ..cluster.namespace_removal import delete_namespace, wait_for_end
from ..cluster.object_shapes import OBJECT
from ..cluster.ours import STUDENT
from ..cluster.predicates import Json
from ..errors import LabError
from ..http.errors import NotFound, Refused
from ..task import Context, Params, Result, Task
from . import admission_policies
from .namespace_objects import KINDS, LABELS, MANAGER, PRIORITIES, documents, driving, is_ours
from .refused_objects import refused_objects

SPEC: dict[str, Any] = {
    **INSTRUCTOR,
    "student": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "account": {"type": "str", "default": "student"},
    "rules": {"type": "list", "elements": "dict", "default": []},
    "quota": {"type": "dict", "default": {}},
    "container_limits": {"type": "dict", "default": {}},
    "isolated": {"type": "bool", "default": True},
    "network_sources": {"type": "list", "elements": "str", "default": []},
    "egress": {"type": "bool", "default": True},
    "pod_security": {"type": "str", "choices": ["privileged", "baseline", "restricted"], "default": "baseline"},
    "policy": {"type": "str", "choices": ["wanted", "required", "none"], "default": "wanted"},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 120.0},
}

PRIORITY_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
#: Metadata that the API server writes and that differs without anybody's change.
UNTOLD = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


def view(found: Json | None) -> Json:
    """An object without the fields that the API server maintains; empty for none."""
    if found is None:
        return {}
    metadata = {key: value for key, value in found["metadata"].items() if key not in UNTOLD}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def _check_sources(sources: Iterable[str]) -> None:
    for source in sources:
        try:
            ipaddress.ip_network(source)
        except ValueError as error:
            raise LabError(
                f"`network_sources` has {source!r}, which is no network such as 10.0.0.0/24: {error}."
            ) from None


def run(params: Params, context: Context) -> Result:
    """Create the namespace and its objects, or delete them. Raises LabError.

    Returns ``changed``, ``changes`` (what was made, changed or deleted, as text), ``gone`` (whether there is no such
    Namespace any more) and with diff ``diff``.
    """
    _check_sources(params["network_sources"])
    trusted = bool(params["kubeconfig_exec"])
    with Cluster.connect(params["kubeconfig"], params["context"], params["namespace"], trusted=trusted) as cluster:
        if params["state"] == "absent":
            return _without_policies(params, context, cluster, _absent(params, context, cluster))
        return _Present(params, context, cluster).run()


@dataclass
class _Present:
    params: Params
    context: Context
    cluster: Cluster
    changes: list[str] = field(default_factory=list)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)

    def run(self) -> Result:
        name = self.params["namespace"]
        namespace = self.cluster.find("namespaces", name)
        if namespace is not None:
            _check_ours(namespace, self.params["student"])
            if namespace["metadata"].get("deletionTimestamp"):
                raise LabError(f"Namespace {name} is being deleted: wait until it is gone, and run the task again.")
        api_servers = self._api_servers() if self.params["isolated"] else ()
        wanted = documents(self.params, api_servers, self._priorities())
        self._apply(wanted[0], namespace, self.cluster.path("namespaces", name), may_ask=True)
        for kind in KINDS:
            # A namespace that does not exist yet is empty.
            found = {} if namespace is None else self._found(kind)
            named = {entry["metadata"]["name"]: entry for entry in wanted if entry["kind"] == kind}
            for one, document in named.items():
                path = f"{self._folder(kind)}/{one}"
                self._apply(document, found.get(one), path, may_ask=namespace is not None)
            for one, old in found.items():
                if one not in named and is_ours(old):
                    self._delete(kind, one, old)
        warnings, policy = self._hold(namespace is not None)
        result: Result = {"changed": bool(self.changes), "changes": self.changes, "gone": False, "policy": policy}
        if warnings:
            result["warnings"] = warnings
        if self.context.diff:
            result["diff"] = {"before": self.before, "after": self.after}
        return result

    def _hold(self, existed: bool) -> tuple[list[str], str]:
        """Apply the cluster's admission policies; return warnings, and whether the student is held by them."""
        if self.params["policy"] == "none":
            return [], "none"
        # After the Namespace: whoever removes the policies with the last student sees this one.
        policies = admission_policies.hold(self.cluster, self.context.check_mode)
        if policies.missing and self.params["policy"] == "required":
            raise LabError(policies.missing)
        self.changes += policies.changes
        self.before.update({name: view(entry) for name, entry in policies.before.items()})
        self.after.update({name: view(entry) for name, entry in policies.after.items()})
        warnings = [policies.missing] if policies.missing else []
        if existed and (found := refused_objects(self.cluster)):
            warnings.append(
                f"Namespace {self.params['namespace']} already has what students may not create: {', '.join(found)}. "
                f"The policies refuse only what is new, so look at these and delete them."
            )
        return warnings, "missing" if policies.missing else "enforced"

    def _folder(self, kind: str) -> str:
        version, plural = KINDS[kind]
        return f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/{self.params['namespace']}/{plural}"

    def _found(self, kind: str) -> dict[str, Json]:
        version = KINDS[kind][0]
        # Items of a list do not say of which kind they are.
        return {
            entry["metadata"]["name"]: {"apiVersion": version, "kind": kind, **entry}
            for entry in self.cluster.list_objects(kind, path=self._folder(kind))
        }

    def _apply(self, document: Json, found: Json | None, path: str, may_ask: bool) -> None:
        """may_ask: whether a dry run is possible, which needs the namespace."""
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
        if self.context.check_mode:
            query["dryRun"] = "All"
        made = document
        if may_ask or not self.context.check_mode:
            answer = self.cluster.request(
                "PATCH",
                path,
                query=query,
                json=document,
                content_type="application/apply-patch+yaml",
                idempotent=True,
            )
            made = self.cluster.checked(answer, OBJECT)
        self._note(document["kind"], document["metadata"]["name"], found, made)

    def _delete(self, kind: str, name: str, found: Json) -> None:
        if not self.context.check_mode:
            # Only this very object, which was seen to be the lab's.
            uid = found["metadata"].get("uid")
            options = {"kind": "DeleteOptions", "apiVersion": "v1", **({"preconditions": {"uid": uid}} if uid else {})}
            self.cluster.request("DELETE", f"{self._folder(kind)}/{name}", json=options, allowed=(404, 409))
        self._note(kind, name, found, None)

    def _note(self, kind: str, name: str, found: Json | None, made: Json | None) -> None:
        before, after = view(found), view(made)
        if before != after:
            what = f"{kind} {name}"
            self.changes.append(f"{what} {'created' if found is None else 'deleted' if made is None else 'changed'}")
            self.before.update({what: before} if before else {})
            self.after.update({what: after} if after else {})

    def _priorities(self) -> list[str]:
        try:
            return driving(self.cluster.list_objects("priorityclasses", path=PRIORITY_CLASSES))
        except (NotFound, Refused):
            # Those that every cluster has.
            return list(PRIORITIES)

    def _api_servers(self) -> list[str]:
        """The addresses of the API servers, as the cluster itself knows them."""
        slices = self.cluster.list_objects(
            "endpointslices",
            "kubernetes.io/service-name=kubernetes",
            path="/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        )
        found = {
            address
            for entry in slices
            if entry.get("addressType") != "FQDN"
            for endpoint in entry.get("endpoints") or []
            for address in endpoint.get("addresses") or []
        }
        return sorted(found)


def _absent(params: Params, context: Context, cluster: Cluster) -> Result:
    name = params["namespace"]
    found = cluster.find("namespaces", name)
    if found is None:
        return {"changed": False, "changes": [], "gone": True}
    _check_ours(found, params["student"])
    changes = [] if found["metadata"].get("deletionTimestamp") else [f"Namespace {name} deleted"]
    result: Result = {"changed": bool(changes), "changes": changes, "gone": False}
    if context.diff and changes:
        result["diff"] = {"before": {f"Namespace {name}": view(found)}, "after": {}}
    if context.check_mode:
        return result
    if changes:
        delete_namespace(cluster, found)
    if not params["wait"]:
        return result
    wait_for_end(cluster, found, params["timeout"], context, changes)
    return {**result, "gone": True}


def _without_policies(params: Params, context: Context, cluster: Cluster, result: Result) -> Result:
    """Remove the admission policies too, when this was the last student. result: of removing the namespace."""
    if params["policy"] == "none" or not (result["gone"] or context.check_mode):
        return result
    leaving = params["namespace"] if context.check_mode else ""
    policies = admission_policies.release(cluster, context.check_mode, leaving)
    if not policies.changes:
        return result
    result = {**result, "changed": True, "changes": [*result["changes"], *policies.changes]}
    if context.diff:
        before = {name: view(entry) for name, entry in policies.before.items()}
        result["diff"] = {"before": {**result.get("diff", {}).get("before", {}), **before}, "after": {}}
    return result


def _check_ours(namespace: Json, student: str) -> None:
    """Raises LabError when a Namespace is not one that was made for this student."""
    name = namespace["metadata"]["name"]
    if not is_ours(namespace):
        label = ", ".join(f"{key}={value}" for key, value in LABELS.items())
        raise LabError(
            f"Namespace {name} was not made for a student, because it has no label {label}, and is left as it is: name "
            f"another one as `namespace`."
        )
    whose = (namespace["metadata"].get("annotations") or {}).get(STUDENT)
    if whose != student:
        raise LabError(
            f"Namespace {name} is of student {whose or 'unknown'}, not of {student} (by its annotation {STUDENT}), and "
            f"is left as it is: give each student a namespace of their own."
        )


def before_fork() -> None:
    """Read the policies, which are the same for all students."""
    # Where they cannot be read, each student's task says so.
    with contextlib.suppress(LabError):
        admission_policies.wanted()


TASK = Task(SPEC, run, before_fork=before_fork)
