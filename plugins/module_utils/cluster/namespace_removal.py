# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting a Kubernetes namespace: this very one, and what is said while it goes."""

from __future__ import annotations

from ..errors import LabError
from ..task import Context
from .cluster import Cluster
from .predicates import Json
from .wait import Look, wait_for

#: Conditions of a Namespace that say why it still exists.
HOLDING = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)


def held_by(namespace: Json) -> list[str]:
    """Why a Namespace that is being deleted still exists, in the API server's words."""
    status, spec = namespace.get("status") or {}, namespace.get("spec") or {}
    said = {
        entry["type"]: " ".join(str(entry.get("message") or entry.get("reason") or entry["type"]).split())
        for entry in status.get("conditions") or []
        if entry.get("status") == "True"
    }
    reasons = [said[kind].rstrip(".") for kind in HOLDING if kind in said]
    finalizers = [*(spec.get("finalizers") or []), *(namespace["metadata"].get("finalizers") or [])]
    # "kubernetes" alone says only that the deletion goes on.
    foreign = [name for name in finalizers if name != "kubernetes"]
    return reasons + ([f"finalizers of the Namespace itself: {', '.join(foreign)}"] if foreign else [])


def delete_namespace(cluster: Cluster, found: Json) -> None:
    """Ask for the deletion of a Namespace that was read: of this one, and not of a newer one with the same name."""
    name = found["metadata"]["name"]
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": found["metadata"]["uid"]}}
    cluster.request("DELETE", cluster.path("namespaces", name), json=options, allowed=(404,))


def wait_for_end(cluster: Cluster, found: Json, timeout: float, context: Context, changes: list[str]) -> None:
    """Wait until a Namespace is gone. Raises LabError with what holds it. changes: for the error's details."""
    name, uid = found["metadata"]["name"], found["metadata"]["uid"]

    def look(_elapsed: float) -> Look[list[str]]:
        now = cluster.find("namespaces", name)
        if now is None or now["metadata"]["uid"] != uid:
            return Look(True, [], f"namespace {name} is gone")
        reasons = held_by(now)
        return Look(False, reasons, "; ".join([f"namespace {name} is being deleted", *reasons]))

    waited = wait_for(cluster, timeout, context.show, look)
    if not waited.done:
        reasons = "; ".join(waited.value) or "the API server does not say what holds it"
        raise LabError(
            f"Namespace {name} still exists {timeout:g} s after {cluster.server} was asked to delete it: "
            f"{reasons}; resolve what holds it, and run the task again.",
            held_by=waited.value,
            changes=changes,
        )
