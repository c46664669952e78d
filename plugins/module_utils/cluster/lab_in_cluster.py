# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of the lab in a student's cluster, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..digits import whole_number
from ..http.errors import Refused, RequestFailed, UnexpectedAnswer
from .balance import read_balance
from .cluster import Cluster
from .predicates import Json, deployment_state, matches, replicas_wanted
from .temporal_api import TemporalApi

ROLES = ("frontend", "history", "matching", "worker")
WORKERS = "benchmark-workers"
SOAK_TEST = "benchmark-soak-test"


@dataclass(frozen=True)
class LabInCluster:
    """What there is; None where it cannot be known.

    deployments: name to its state in words, empty words for one that is rolled out.
    concurrent_workflows: what the load generator is set to keep in flight; None without one, or if it is not set.
    history_replicas: history pods wanted. shards: by history pod. history_shards: effective number.
    temporal_namespaces: Temporal's own namespaces.
    doubts: why something cannot be known, one sentence each.
    """

    release: str
    deployments: dict[str, str] = field(default_factory=dict)
    concurrent_workflows: int | None = None
    history_replicas: int | None = None
    shards: dict[str, int | None] | None = None
    history_shards: int | None = None
    temporal_namespaces: list[str] | None = None
    doubts: list[str] = field(default_factory=list)

    def lacking(self, names: tuple[str, ...]) -> list[str]:
        """What is wrong with some Deployments, in words."""
        return [
            f"{name} is missing" if name not in self.deployments else f"{name} has {self.deployments[name]}"
            for name in names
            if self.deployments.get(name, "missing")
        ]

    @property
    def owned_shards(self) -> int | None:
        """Shards of all history pods; None as long as one of them, or Temporal, does not say."""
        if self.history_shards is None or not self.shards:
            return None
        counts = [count for count in self.shards.values() if count is not None]
        return sum(counts) if len(counts) == len(self.shards) else None

    @property
    def doubt_about_shards(self) -> str:
        return "; ".join(self.doubts) or "a history pod does not say how many shards it owns"


def concurrency_of(deployment: Json) -> int | None:
    """What a load generator's Deployment says in CONCURRENT_WORKFLOWS.

    None when it is no number; 0 for a Deployment without replicas.
    """
    if not replicas_wanted(deployment):
        return 0
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        for entry in container.get("env") or []:
            if entry["name"] == "CONCURRENT_WORKFLOWS":
                return whole_number(entry.get("value"))
    return None


def look(cluster: Cluster) -> LabInCluster:
    """Find out what there is. Raises LabError when the cluster itself does not answer."""
    names = [f"{cluster.release}-{part}" for part in (*ROLES, "prometheus-server", "grafana", "web")]
    found = {
        entry["metadata"]["name"]: entry
        for entry in cluster.list_objects("deployments")
        if entry["metadata"]["name"] in (*names, WORKERS, SOAK_TEST)
    }
    pods = cluster.list_objects("pods")
    states = {}
    for name, entry in found.items():
        own = [pod for pod in pods if matches(entry["spec"]["selector"], pod["metadata"].get("labels") or {})]
        state = deployment_state(entry, own)
        states[name] = "" if state.done else state.text
    history = found.get(f"{cluster.release}-history")
    soak_test = found.get(SOAK_TEST)
    known: dict[str, Any] = {}
    doubts = []
    if f"{cluster.release}-frontend" in found:
        try:
            api = TemporalApi(cluster)
            known["history_shards"] = api.cluster_info().history_shards
            known["temporal_namespaces"] = api.namespaces()
            known["shards"] = read_balance(cluster, known["history_shards"]).pods
        except (Refused, UnexpectedAnswer):
            raise
        except RequestFailed as error:
            doubts.append(error.msg)
    return LabInCluster(
        release=cluster.release,
        deployments=dict(sorted(states.items())),
        concurrent_workflows=concurrency_of(soak_test) if soak_test else None,
        history_replicas=replicas_wanted(history) if history else None,
        doubts=doubts,
        **known,
    )


def describe(found: LabInCluster, place: str) -> list[str]:
    """What there is, as lines for a person."""
    if not found.deployments:
        return [f"nothing of the lab in {place}"]
    lines = [f"{place}:"]
    lines += [f"  {name}: {text or 'rolled out'}" for name, text in found.deployments.items()]
    if found.temporal_namespaces is not None:
        lines.append(f"  Temporal namespaces: {', '.join(sorted(found.temporal_namespaces)) or 'none'}")
    if found.shards is not None:
        owned = " · ".join(f"{pod} {'?' if value is None else value}" for pod, value in found.shards.items())
        lines.append(f"  shards: {owned} of {found.history_shards}")
    if found.concurrent_workflows is not None:
        lines.append(f"  workflows to keep in flight: {found.concurrent_workflows}")
    return lines + [f"  not known: {doubt}" for doubt in found.doubts]
