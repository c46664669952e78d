# SPDX-License-Identifier: GPL-3.0-or-later
"""Task wait_absent: wait until what a release or a load left is gone, and remove what stays.

What is found by the selectors is deleted by its uid, and what is named only where it has the lab's own label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import LabError
from ..task import Context, Params, Result, Task
from .cluster import METADATA, METADATA_LIST, Cluster
from .connect import CLUSTER
from .ours import delete_ours, is_ours, not_ours
from .predicates import Json
from .wait import Look, wait_for

#: Owners before what they own: deleting the other way round would make it come back.
WAITED_KINDS = [
    "deployments",
    "statefulsets",
    "jobs",
    "replicasets",
    "pods",
    "services",
    "persistentvolumeclaims",
    "configmaps",
    "secrets",
]
SPEC: dict[str, Any] = {
    **CLUSTER,
    "selectors": {"type": "list", "elements": "str", "required": True},
    "kinds": {"type": "list", "elements": "str", "choices": WAITED_KINDS, "default": WAITED_KINDS},
    "remove": {"type": "bool", "default": False},
    "first": {"type": "list", "elements": "str", "default": []},
    "last": {"type": "list", "elements": "str", "default": []},
    "grace": {"type": "float", "default": 30.0},
    "timeout": {"type": "float", "default": 120.0},
}

#: How many objects a line names.
NAMED = 3


@dataclass(frozen=True)
class Present:
    """An object that still exists.

    uid: by which it is deleted, so that a newer object of the same name stays.
    owned: whether its owner still exists; Kubernetes deletes it with its owner.
    """

    kind: str
    name: str
    terminating: bool
    owned: bool
    finalizers: tuple[str, ...]
    uid: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def text(self) -> str:
        if not self.terminating:
            return self.key
        held = f", held by {', '.join(self.finalizers)}" if self.finalizers else ""
        return f"{self.key} (terminating{held})"


def present_objects(found: dict[str, list[Json]]) -> list[Present]:
    """What the API returned by kind, each object once, in the order of WAITED_KINDS."""
    objects = {
        (kind, entry["metadata"]["name"]): entry["metadata"] for kind in WAITED_KINDS for entry in found.get(kind, [])
    }
    uids = {metadata.get("uid") for metadata in objects.values()}
    return [
        Present(
            kind,
            name,
            bool(metadata.get("deletionTimestamp")),
            any(owner.get("uid") in uids for owner in metadata.get("ownerReferences") or []),
            tuple(metadata.get("finalizers") or []),
            str(metadata.get("uid") or ""),
        )
        for (kind, name), metadata in objects.items()
    ]


@dataclass
class Removal:
    """Looks at what still exists, and after ``grace`` seconds deletes what is not being deleted yet."""

    cluster: Cluster
    selectors: list[str]
    kinds: list[str]
    grace: float
    remove: bool
    leftovers: list[str] = field(default_factory=list)
    left: set[str] | None = None

    def scan(self, only: set[str] | None = None) -> list[Present]:
        """What still exists, of all kinds or only of some. Only metadata is read."""
        found: dict[str, list[Json]] = {}
        for kind in self.kinds:
            if only is None or kind in only:
                for selector in self.selectors:
                    found.setdefault(kind, []).extend(self.cluster.list_objects(kind, selector, accept=METADATA_LIST))
        return present_objects(found)

    def look(self, elapsed: float) -> Look[list[Present]]:
        # Looking at the kinds that are left alone is cheap; that nothing is left is said only after looking at all.
        present = self.scan(self.left) if self.left else []
        if not present:
            present = self.scan()
        if elapsed >= self.grace:
            self._leftovers(present)
        self.left = {entry.kind for entry in present}
        return Look(not present, present, still_there(present))

    def _leftovers(self, present: list[Present]) -> None:
        for entry in present:
            if entry.terminating or entry.owned or entry.key in self.leftovers:
                continue
            if self.remove:
                self.cluster.delete(entry.kind, entry.name, entry.uid)
            self.leftovers.append(entry.key)


def still_there(present: list[Present]) -> str:
    """A line that names what still exists."""
    if not present:
        return "everything is gone"
    rest = f" and {len(present) - NAMED} more" if len(present) > NAMED else ""
    return f"not gone yet: {', '.join(entry.text for entry in present[:NAMED])}{rest}"


def named(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of each ``kind/name``. Raises LabError."""
    found = []
    for text in texts:
        kind, slash, name = text.partition("/")
        if kind not in WAITED_KINDS or not slash or not name:
            raise LabError(f"{text!r} in `first` or `last` is not a kind and a name, such as deployments/load.")
        found.append((kind, name))
    return found


@dataclass
class Named:
    """Deletes objects by their names, one after another, where they are the lab's; what is not stays (``kept``)."""

    cluster: Cluster
    timeout: float
    context: Context
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def delete(self, kind: str, name: str) -> None:
        """Delete one, with what it owns first, and wait until it is gone. Raises LabError when it stays."""
        if self.context.check_mode:
            found = self.cluster.find(kind, name, accept=METADATA)
            if found is not None and is_ours(found):
                self.deleted.append(f"{kind}/{name}")
            elif found is not None:
                self._keep(kind, name)
            return
        uid, why = delete_ours(self.cluster, kind, name, foreground=True)
        if why:
            self._keep(kind, name)
        if uid is None:
            return
        self.deleted.append(f"{kind}/{name}")

        def look(_elapsed: float) -> Look[None]:
            found = self.cluster.find(kind, name, accept=METADATA)
            gone = found is None or (uid != "" and found["metadata"].get("uid") != uid)
            return Look(gone, None, f"{kind}/{name} {'is gone' if gone else 'is being deleted'}")

        if not wait_for(self.cluster, self.timeout, self.context.show, look).done:
            raise LabError(
                f"{kind}/{name} in namespace {self.cluster.namespace} still exists {self.timeout:g} s after "
                f"{self.cluster.server} was asked to delete it: see what holds it (kubectl describe), and run the "
                f"stage again."
            )

    def _keep(self, kind: str, name: str) -> None:
        why = not_ours(self.cluster, kind, name)
        self.kept.append(why)
        self.context.show(why)


def run(params: Params, context: Context) -> Result:
    """Return ``changed``, ``gone``, ``deleted``, ``kept``, ``leftovers``, ``remaining``, ``waited``."""
    if not params["selectors"]:
        raise LabError("Nothing to wait for: give at least one label selector in selectors.")
    if not all(selector.strip() for selector in params["selectors"]):
        raise LabError("An empty selector means everything in the namespace: give a label selector in selectors.")
    first, last = named(params["first"]), named(params["last"])
    with Cluster.from_params(params) as cluster:
        by_name = Named(cluster, params["timeout"], context)
        for kind, name in first:
            by_name.delete(kind, name)
        removal = Removal(
            cluster,
            params["selectors"],
            params["kinds"],
            params["grace"],
            params["remove"],
        )
        if context.check_mode:
            present = removal.scan()
            would = [entry.key for entry in present if not entry.terminating and not entry.owned]
            return {
                "changed": (bool(would) and params["remove"]) or bool(by_name.deleted),
                "gone": not present,
                "deleted": by_name.deleted,
                "kept": by_name.kept,
                "leftovers": would,
                "remaining": [entry.key for entry in present],
                "waited": 0.0,
            }
        waited = wait_for(cluster, params["timeout"], context.show, removal.look)
        if waited.done:
            for kind, name in last:
                by_name.delete(kind, name)
        return {
            "changed": (params["remove"] and bool(removal.leftovers)) or bool(by_name.deleted),
            "gone": waited.done,
            "deleted": by_name.deleted,
            "kept": by_name.kept,
            "leftovers": removal.leftovers,
            "remaining": [entry.text for entry in waited.value],
            "waited": round(waited.seconds, 3),
        }


TASK = Task(SPEC, run)
