# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission policies that hold the students of a shared cluster: made once for the cluster, removed with the last.

What they say is files/admission/students.yaml, which an administrator can apply as well. They select namespaces by
label, so that nothing is made for each student.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..cluster.cluster import METADATA_LIST, Cluster
from ..cluster.ours import STUDENTS
from ..cluster.predicates import Json
from ..errors import LabError
from ..http.errors import NotFound, Refused
from ..yaml_file import read_yaml
from .namespace_objects import LABELS, MANAGER, is_ours

#: Where the API has each kind, in the order in which they are removed: a binding first.
FOLDERS = {
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
VERSION = "admissionregistration.k8s.io/v1"
FILE = "files/admission/students.yaml"
#: What a student can do to others where there is no policy.
DANGER = (
    "students can take over addresses of others with externalIPs of a Service, create tokens that never end, mount "
    "network volumes with a node's rights, and hold up the deletion of their namespaces"
)

#: An object by its kind and name.
Key = tuple[str, str]


@dataclass
class Policies:
    """What became of the policies.

    missing: why students are not held by them, as a sentence; empty when they are.
    changes: what was made, changed or deleted, as text. before, after: the objects that changed.
    """

    missing: str = ""
    changes: list[str] = field(default_factory=list)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)

    def note(self, key: Key, what: str, before: Json | None, after: Json | None) -> None:
        name = " ".join(key)
        self.changes.append(f"{name} {what}")
        self.before.update({name: before} if before else {})
        self.after.update({name: after} if after else {})


@cache
def wanted() -> dict[Key, Json]:
    """The policies and their bindings, as they are applied. Raises LabError where the collection's files are not."""
    path = Path(__file__).resolve().parents[3] / FILE
    try:
        texts = path.read_text(encoding="utf-8").split("\n---\n")
    except OSError as error:
        raise LabError(
            f"The policies for students cannot be read from {path} ({error.strerror}): run this task on the control "
            f"node, where the collection is."
        ) from error
    documents = [read_yaml(text, f"The file {path}", "install the collection again") for text in texts]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def agrees(found: object, with_: object) -> bool:
    """Whether an object of the API has all that was applied; the API server adds defaults and notes of its own."""
    if isinstance(with_, dict):
        return isinstance(found, dict) and all(
            name in found and agrees(found[name], value) for name, value in with_.items()
        )
    if isinstance(with_, list):
        return isinstance(found, list) and len(found) == len(with_) and all(map(agrees, found, with_))
    return found == with_


def hold(cluster: Cluster, check_mode: bool) -> Policies:
    """Apply the policies where they are missing or differ. Raises LabError for anything but a cluster without them.

    Of several who do so at once, one reports what was made.
    """
    result = Policies()
    try:
        found = _found(cluster)
        for key, document in wanted().items():
            old = found.get(key)
            if old is not None and not is_ours(old):
                raise LabError(
                    f"{' '.join(key)} at {cluster.server} was not made by the lab, because it has no label "
                    f"{_selector(LABELS)}, and is left as it is: rename or delete it, or set students_policy to none."
                )
            if old is None or not agrees(old, document):
                _apply(cluster, key, document, old, check_mode, result)
    except NotFound:
        result.missing = _missing(
            cluster,
            "the cluster has no ValidatingAdmissionPolicy, which came with Kubernetes 1.30",
            "upgrade it, or let its API servers run with --enable-admission-plugins=DenyServiceExternalIPs",
        )
    except Refused as error:
        said = f" ({error.said})" if error.said else ""
        result.missing = _missing(
            cluster,
            f"the instructor may not make a ValidatingAdmissionPolicy{said}",
            f"ask an administrator to apply {FILE} of this collection",
        )
    return result


def release(cluster: Cluster, check_mode: bool, leaving: str = "") -> Policies:
    """Remove the policies when no student's namespace is left. leaving: one that does not count.

    Only what has the lab's label goes, and only the object that was looked at. A student who was made meanwhile gets
    the policies back. An instructor who may not list or delete them leaves them where they are: they hold nobody.
    """
    result = Policies()
    try:
        if _students(cluster, leaving):
            return result
        found = _found(cluster)
        for kind, name in sorted(wanted(), key=lambda key: list(FOLDERS).index(key[0])):
            old = found.get((kind, name))
            if old is None or not is_ours(old):
                continue
            if not check_mode:
                options = {
                    "kind": "DeleteOptions",
                    "apiVersion": "v1",
                    "preconditions": {"uid": old["metadata"]["uid"]},
                }
                answer = cluster.request("DELETE", _path(kind, name), json=options, allowed=(404, 409))
                if answer.status >= 400:
                    # Someone else did, and may have made another one since.
                    continue
            result.note((kind, name), "deleted", old, None)
        if result.changes and not check_mode and _students(cluster, leaving):
            hold(cluster, check_mode=False)
    except (NotFound, Refused):
        pass
    return result


def _missing(cluster: Cluster, why: str, cure: str) -> str:
    return f"No admission policy holds the students at {cluster.server}: {why}. So {DANGER}. To prevent that, {cure}."


def _apply(cluster: Cluster, key: Key, document: Json, old: Json | None, check_mode: bool, result: Policies) -> None:
    query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
    if check_mode:
        query["dryRun"] = "All"
    answer = cluster.request(
        "PATCH",
        _path(*key),
        query=query,
        json=document,
        content_type="application/apply-patch+yaml",
        idempotent=True,
    )
    made = cluster.decode(answer)
    if old is not None:
        result.note(key, "changed", old, made)
    elif answer.status == 201:
        result.note(key, "created", None, made)


def _found(cluster: Cluster) -> dict[Key, Json]:
    """All policies and bindings of the cluster; items of a list do not say of which kind they are."""
    return {
        (kind, entry["metadata"]["name"]): {"apiVersion": VERSION, "kind": kind, **entry}
        for kind, plural in FOLDERS.items()
        for entry in cluster.list_objects(plural, path=f"/apis/{VERSION}/{plural}")
    }


def _path(kind: str, name: str) -> str:
    return f"/apis/{VERSION}/{FOLDERS[kind]}/{name}"


def _students(cluster: Cluster, leaving: str) -> Sequence[str]:
    """Names of the students' namespaces, those that are being deleted among them: they may hold pods still."""
    found = cluster.list_objects("namespaces", _selector(STUDENTS), accept=METADATA_LIST)
    return [entry["metadata"]["name"] for entry in found if entry["metadata"]["name"] != leaving]


def _selector(labels: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())
