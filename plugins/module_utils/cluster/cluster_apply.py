# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_apply: objects as they are to be, applied by the API server itself.

The requests go through the collection's own client: kubernetes.core.k8s follows redirects, by which a student's server
would have this machine ask whatever it likes in the instructor's network, and costs twenty times the CPU time.
"""

from __future__ import annotations

from typing import Any

from ..errors import LabError
from ..http.errors import NotFound
from ..task import Context, Params, Result, Task
from .cluster import KINDS, Cluster
from .connect import CLUSTER
from .object_shapes import OBJECT
from .predicates import Json

SPEC: dict[str, Any] = {
    **CLUSTER,
    "definition": {"type": "list", "elements": "dict", "required": True},
}

#: The name under which the API server records which fields the lab manages.
MANAGER = "temporal-lab"
#: Metadata that the API server writes and that differs without anybody's change.
UNTOLD = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation")


def run(params: Params, context: Context) -> Result:
    """Apply the objects in their order; return ``changed``, ``changes`` and with diff ``diff``. Raises LabError."""
    documents = params["definition"]
    kinds = [kind_of(document) for document in documents]
    changes: list[str] = []
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    with Cluster.from_params(params) as cluster:
        for document, kind in zip(documents, kinds):
            name = document["metadata"]["name"]
            found = cluster.find(kind, name)
            made = _apply(cluster, kind, name, document, context.check_mode)
            was, is_now = _told(found), _told(made)
            if was != is_now:
                what = f"{document['kind']} {name}"
                changes.append(f"{what} {'created' if found is None else 'changed'}")
                before.update({what: was} if was else {})
                after[what] = is_now
    result: Result = {"changed": bool(changes), "changes": changes}
    if context.diff:
        result["diff"] = {"before": before, "after": after}
    return result


def kind_of(document: Json) -> str:
    """The kind of an object, named as in URLs. Raises LabError."""
    version, kind, metadata = (document.get(key) for key in ("apiVersion", "kind", "metadata"))
    plural = f"{str(kind).lower()}s"
    path = f"{'apis' if '/' in str(version) else 'api'}/{version}"
    if KINDS.get(plural) != path:
        raise LabError(f"{kind} of {version} in `definition` is not a kind of object that the lab applies: correct it.")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise LabError(f"A {kind} in `definition` has no name: give it one under metadata.")
    return plural


def _apply(cluster: Cluster, kind: str, name: str, document: Json, dry_run: bool) -> Json:
    query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
    if dry_run:
        query["dryRun"] = "All"
    try:
        answer = cluster.request(
            "PATCH",
            cluster.path(kind, name),
            query=query,
            json=document,
            content_type="application/apply-patch+yaml",
            # To apply the same twice does no harm.
            idempotent=True,
        )
    except NotFound:
        if dry_run:
            # The namespace does not exist yet.
            return document
        raise
    return cluster.checked(answer, OBJECT)


def _told(found: Json | None) -> Json:
    """An object without what the API server maintains; empty for none."""
    if found is None:
        return {}
    metadata = {key: value for key, value in (found.get("metadata") or {}).items() if key not in UNTOLD}
    return {"spec": found.get("spec"), "data": found.get("data"), "metadata": metadata}


TASK = Task(SPEC, run)
