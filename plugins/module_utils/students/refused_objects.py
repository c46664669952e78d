# SPDX-License-Identifier: GPL-3.0-or-later
"""What a student's namespace holds from before the admission policies that refuse it."""

from __future__ import annotations

from ..cluster.cluster import METADATA_LIST, Cluster
from ..cluster.predicates import Json
from ..foreign_text import plain
from ..http.errors import Refused

TOKEN = "kubernetes.io/service-account-token"
#: How many are named.
MOST = 10


def refused_objects(cluster: Cluster) -> list[str]:
    """The Services that take addresses and the Secrets with tokens that never end, in words: those that are permitted
    to be seen. Raises LabError."""
    found = []
    try:
        found += [said for service in cluster.list_objects("services") if (said := taken_by(service))]
        # Never their data.
        secrets = cluster.list_objects("secrets", field_selector=f"type={TOKEN}", accept=METADATA_LIST)
        found += [f"Secret {plain(entry['metadata']['name'])} (a token that never ends)" for entry in secrets]
    except Refused:
        # An instructor need not be permitted to look.
        pass
    return found if len(found) <= MOST else [*found[:MOST], f"{len(found) - MOST} more"]


def taken_by(service: Json) -> str:
    """Which addresses a Service takes, in words; empty when it has only one of the cluster's."""
    spec, name = service.get("spec") or {}, plain(service["metadata"]["name"])
    if spec.get("externalIPs"):
        return f"Service {name} (externalIPs {', '.join(map(plain, spec['externalIPs']))})"
    kind = spec.get("type") or "ClusterIP"
    return "" if kind == "ClusterIP" else f"Service {name} (type {plain(kind)})"
