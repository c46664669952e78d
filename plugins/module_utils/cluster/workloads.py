# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments by their names, and the pods that each has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .cluster import Cluster
from .predicates import Json, matches


def find_deployments(cluster: Cluster, names: Sequence[str]) -> dict[str, Json]:
    """Those of the Deployments that there are: one request for one of them, one request for several."""
    if len(names) == 1:
        one = cluster.find("deployments", names[0])
        return {} if one is None else {names[0]: one}
    found = {entry["metadata"]["name"]: entry for entry in cluster.list_objects("deployments")}
    return {name: found[name] for name in names if name in found}


def pods_of(cluster: Cluster, deployments: Mapping[str, Json]) -> dict[str, list[Json]]:
    """The pods of each Deployment by its selector: one request."""
    selectors = {name: entry["spec"]["selector"] for name, entry in deployments.items()}
    query = ""
    if len(selectors) == 1:
        labels = next(iter(selectors.values())).get("matchLabels") or {}
        query = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = cluster.list_objects("pods", query)
    return {
        name: [pod for pod in pods if matches(selector, pod["metadata"].get("labels") or {})]
        for name, selector in selectors.items()
    }
