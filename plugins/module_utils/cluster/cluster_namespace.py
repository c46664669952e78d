# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_namespace: the Kubernetes namespace of a lab, made where there is none, and deleted only if it was."""

from __future__ import annotations

from typing import Any

from ..foreign_text import plain
from ..http.errors import Conflict, Refused
from ..task import Context, Params, Result, Task
from .cluster import Cluster
from .connect import CLUSTER
from .namespace_removal import delete_namespace, wait_for_end
from .ours import MANAGED, STUDENT, labels_of
from .predicates import Json

SPEC: dict[str, Any] = {
    **CLUSTER,
    "student": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "timeout": {"type": "float", "default": 120.0},
}

#: Namespaces of Kubernetes itself, which stay whatever their labels say.
BUILT_IN = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def run(params: Params, context: Context) -> Result:
    """Return ``changed``, ``there`` (whether there is the namespace afterwards) and ``kept`` (why it stays)."""
    with Cluster.from_params(params) as cluster:
        return (present if params["state"] == "present" else absent)(cluster, params, context)


def present(cluster: Cluster, params: Params, context: Context) -> Result:
    """Make the namespace, with the lab's label, where there is none; one that there is stays as it is."""
    name = params["namespace"]
    try:
        made = cluster.find("namespaces", name) is None
    except Refused:
        # Who may not read it may not make it either: what comes next says whether it is there.
        made = False
    if made and not context.check_mode:
        metadata = {"name": name, "labels": MANAGED, "annotations": {STUDENT: params["student"]}}
        try:
            cluster.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        except Conflict:
            # Someone else was first, and it is theirs.
            made = False
    return {"changed": made, "there": True, "kept": ""}


def absent(cluster: Cluster, params: Params, context: Context) -> Result:
    """Delete the namespace if the lab made it for this student."""
    name = params["namespace"]
    found = cluster.find("namespaces", name)
    if found is None:
        return {"changed": False, "there": False, "kept": ""}
    kept = why_it_stays(cluster, found, params["student"])
    if kept:
        context.show(kept)
        return {"changed": False, "there": True, "kept": kept}
    leaving = bool(found["metadata"].get("deletionTimestamp"))
    if context.check_mode:
        return {"changed": not leaving, "there": leaving, "kept": ""}
    if not leaving:
        context.show(f"deleting the namespace {name} of {cluster.server}")
        delete_namespace(cluster, found)
    wait_for_end(cluster, found, params["timeout"], context, [])
    return {"changed": not leaving, "there": False, "kept": ""}


def why_it_stays(cluster: Cluster, namespace: Json, student: str) -> str:
    """Why a Namespace is not to be deleted, as a sentence; empty where the lab made it for this student."""
    name, labels = namespace["metadata"]["name"], labels_of(namespace)
    whose = (namespace["metadata"].get("annotations") or {}).get(STUDENT)
    (key, value) = next(iter(MANAGED.items()))
    stays = f"Namespace {name} of {cluster.server} stays"
    if name in BUILT_IN:
        return f"{stays}: it is one of Kubernetes' own."
    if labels.get(key) != value:
        return (
            f"{stays}: the lab did not make it, because it has no label {key}={value}. If it is yours and nothing in "
            f"it is needed, delete it with: kubectl delete namespace {name}"
        )
    if whose is not None and whose != student:
        return f"{stays}: it is of student {plain(whose)}, and not of {student} (by its annotation {STUDENT})."
    return ""


TASK = Task(SPEC, run)
