# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales a Deployment by itself: a HorizontalPodAutoscaler, or KEDA's ScaledObject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..foreign_text import plain
from ..http.errors import RequestFailed, Unreachable
from .cluster import Cluster
from .predicates import Json

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
#: API of each kind, and its name in URLs.
APIS = {
    HPA: ("autoscaling/v2", "horizontalpodautoscalers"),
    SCALED_OBJECT: ("keda.sh/v1alpha1", "scaledobjects"),
}
#: Label of a HorizontalPodAutoscaler that KEDA keeps: the ScaledObject that it is of.
OF_KEDA = "scaledobject.keda.sh/name"


@dataclass(frozen=True)
class Autoscaler:
    """Keeps a Deployment between ``least`` and ``most`` replicas; most is None where it does not say."""

    kind: str
    name: str
    least: int
    most: int | None

    @property
    def text(self) -> str:
        bounds = f"{self.least} or more" if self.most is None else f"{self.least} to {self.most}"
        return f"{self.kind} {self.name} keeps it at {bounds} replicas"

    def permits(self, replicas: int) -> bool:
        return self.least <= replicas and (self.most is None or replicas <= self.most)


def autoscalers_of(
    cluster: Cluster, deployment: str, kinds: tuple[str, ...] = (HPA, SCALED_OBJECT)
) -> list[Autoscaler]:
    """Those that scale a Deployment, each once, as far as they may be read: one request a kind."""
    found = [one for kind in kinds for one in _read(cluster, deployment, kind)]
    return list({(one.kind, one.name): one for one in found}.values())


def _read(cluster: Cluster, deployment: str, kind: str) -> Iterator[Autoscaler]:
    api, plural = APIS[kind]
    try:
        folder = f"/apis/{api}/namespaces/{quote(cluster.namespace, safe='')}/{plural}"
        entries = cluster.list_objects(plural, path=folder)
    except (RequestFailed, Unreachable):
        # There is no such API, or it may not be read.
        return
    for entry in entries:
        spec = entry.get("spec") if isinstance(entry, dict) else None
        if isinstance(spec, dict) and _targets(spec, deployment):
            yield _autoscaler(kind, entry, spec)


def _targets(spec: Json, deployment: str) -> bool:
    target = spec.get("scaleTargetRef")
    # KEDA's is a Deployment unless it says otherwise.
    return isinstance(target, dict) and (target.get("kind") or "Deployment", target.get("name")) == (
        "Deployment",
        deployment,
    )


def _autoscaler(kind: str, entry: Json, spec: Json) -> Autoscaler:
    metadata = entry.get("metadata") or {}
    if kind == HPA:
        labels = metadata.get("labels") or {}
        keda = plain(labels.get(OF_KEDA))
        name, shown = (keda, SCALED_OBJECT) if keda else (plain(metadata.get("name")), HPA)
        return Autoscaler(shown, name, _number(spec.get("minReplicas"), 1) or 0, _number(spec.get("maxReplicas"), None))
    least, most = _number(spec.get("minReplicaCount"), 0) or 0, _number(spec.get("maxReplicaCount"), 100)
    return Autoscaler(SCALED_OBJECT, plain(metadata.get("name")), least, most)


def _number(value: Any, default: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
