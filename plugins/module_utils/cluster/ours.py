# SPDX-License-Identifier: GPL-3.0-or-later
"""What in a cluster is the lab's own: labels of what it makes, and a list of the Helm releases that it installed.

Only that may be deleted. An object of someone else's stays, whatever it is called, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..http.errors import Conflict
from ..version import VERSION
from .cluster import METADATA, METADATA_LIST, Cluster
from .predicates import Json

#: Label of what the lab makes, and the older one of the load's Deployments and of what Grafana needs.
MANAGED = {"app.kubernetes.io/managed-by": "temporal-lab"}
PART_OF = {"app.kubernetes.io/part-of": "temporal-lab"}
#: The Namespace of a student of a shared cluster carries this one as well, by which the admission policies select it.
STUDENTS = {"temporal-lab/kind": "student"}
#: Annotation: for which student it was made.
STUDENT = "temporal-lab/student"
#: The ConfigMap that lists the releases that the lab installed.
CLAIMS = "temporal-lab"
#: The label that names the chart of an object, and what begins its value for the collection's own chart.
CHART = "helm.sh/chart"
OWN_CHART = "temporal-lab-"
#: Kinds of which each release of the collection's own chart has one.
CHARTED = ("deployments", "statefulsets")


def labels_of(found: Json) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = found["metadata"].get("labels") or {}
    return labels


def is_ours(found: Json) -> bool:
    """Whether an object has a label that only the lab's own objects have."""
    labels = labels_of(found)
    return any(labels.get(key) == value for marks in (MANAGED, PART_OF) for key, value in marks.items())


@dataclass(frozen=True)
class Claims:
    """The releases that the lab installed in a namespace, by its own list. there: whether there is a list."""

    releases: frozenset[str]
    there: bool


def read_claims(cluster: Cluster) -> Claims:
    """Raises LabError for a ConfigMap of that name that is not the lab's."""
    found = cluster.find("configmaps", CLAIMS)
    if found is None:
        return Claims(frozenset(), False)
    if not is_ours(found):
        raise LabError(
            f"The ConfigMap {CLAIMS} in namespace {cluster.namespace} is not the lab's, which keeps there what it "
            f"installed: rename it, or use another namespace."
        )
    return Claims(frozenset(found.get("data") or {}), True)


def claim(cluster: Cluster, releases: Iterable[str], claims: Claims) -> bool:
    """Write down, before helm is called, that the lab installs these releases; whether that was new."""
    new = sorted(set(releases) - claims.releases)
    if not new:
        return False
    data = dict.fromkeys(new, f"installed by temporal_lab.benchmarking {VERSION}")
    if claims.there:
        cluster.patch("configmaps", CLAIMS, {"data": data})
        return True
    metadata = {"name": CLAIMS, "labels": MANAGED}
    try:
        cluster.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    except Conflict:
        # Another run of the lab was first; it raises where it is somebody else's.
        read_claims(cluster)
        cluster.patch("configmaps", CLAIMS, {"data": data})
    return True


def charted_by_us(cluster: Cluster, release: str) -> bool:
    """Whether a release is of the collection's own chart, as those of earlier versions, which kept no list."""
    return any(
        str(labels_of(entry).get(CHART, "")).startswith(OWN_CHART)
        for kind in CHARTED
        for entry in cluster.list_objects(kind, f"app.kubernetes.io/instance={release}", accept=METADATA_LIST)
    )


def installed_by_us(cluster: Cluster, releases: Iterable[str], claims: Claims) -> set[str]:
    """Those of some releases that the lab installed."""
    return {one for one in releases if one in claims.releases or charted_by_us(cluster, one)}


def delete_ours(cluster: Cluster, kind: str, name: str, *, foreground: bool = False) -> tuple[str | None, str]:
    """Delete an object if it is the lab's: return its uid, None where nothing was deleted, and why it stays."""
    found = cluster.find(kind, name, accept=METADATA)
    if found is None:
        return None, ""
    if not is_ours(found):
        return None, not_ours(cluster, kind, name)
    uid = str(found["metadata"].get("uid") or "")
    return (uid if cluster.delete(kind, name, uid, foreground=foreground) else None), ""


def not_ours(cluster: Cluster, kind: str, name: str) -> str:
    """Why an object stays, as a sentence."""
    (key, value) = next(iter(PART_OF.items()))
    return (
        f"{kind}/{name} in namespace {cluster.namespace} of {cluster.server} stays: the lab did not make it, because "
        f"it has no label {key}={value}. If it is yours, delete it with kubectl."
    )
