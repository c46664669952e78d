# SPDX-License-Identifier: GPL-3.0-or-later
"""How many history shards each history pod owns, read from the pods' metrics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import LabError
from ..foreign_text import plain
from ..http.errors import NotFound, Refused, RequestFailed, UnexpectedAnswer
from .cluster import Cluster
from .predicates import Json, finished, pod_state

METRICS_PORT = "9090"
#: History pods of the largest release that is read, and seconds in which they are asked; later ones are not known.
MOST_PODS = 100
LONGEST = 60.0
#: One sample of the gauge in the text format; a metrics prefix of the server and the suffix that
#: OpenTelemetry gives to what has no unit are allowed.
SAMPLE = re.compile(
    # Within a line, and no longer than its labels can be: otherwise each of many lines is searched to the end of all.
    rb"^(?:[A-Za-z0-9_:]{0,200}_)?numshards_gauge(?:_ratio)?"
    rb'(?:\{(?:[^"}\r\n]|"(?:[^"\\\r\n]|\\.){0,4096}"){0,4096}\})?[ \t]{1,8}([^ \t\r\n]{1,400})',
    re.MULTILINE,
)


def owned_shards(metrics: bytes) -> int | None:
    """Shards owned according to a history pod's metrics; None when they do not say.

    A server that has not counted yet has no sample. With several label sets
    (one for each shard controller in the process) the sum counts.
    """
    values = []
    for match in SAMPLE.finditer(metrics):
        try:
            values.append(float(match[1]))
        except ValueError:
            return None
    if not values or not all(0 <= value < float("inf") for value in values):
        return None
    return round(sum(values))


@dataclass(frozen=True)
class Balance:
    """Shards by pod (None: not yet known) and the effective number of the cluster.

    pods are those that run and are not terminating; ready has, of those that are ready, since when (Unix seconds).
    """

    pods: dict[str, int | None]
    ready: dict[str, float]
    expected: int

    @property
    def sum(self) -> int | None:
        """Shards of all pods, None as long as one of them does not say."""
        values = [value for value in self.pods.values() if value is not None]
        return sum(values) if values and len(values) == len(self.pods) else None

    @property
    def balanced(self) -> bool:
        """Each pod is ready and owns some shards, and together they own each shard once."""
        return self.sum == self.expected and self.ready.keys() == self.pods.keys() and all(self.pods.values())

    @property
    def text(self) -> str:
        """The state in a line: "shards: abc 512 · def 0 of 512"; pods of one Deployment differ in their last part."""
        parts = [
            f"{plain(pod.rpartition('-')[2])} {'?' if value is None else value}"
            for pod, value in sorted(self.pods.items())
        ]
        return f"shards: {' · '.join(parts) or 'no history pod'} of {self.expected}"


def read_balance(cluster: Cluster, expected: int, missing_hint: str = "") -> Balance:
    """Ask every history pod for its shards. Raises NotFound when there is none."""
    selector = f"app.kubernetes.io/instance={cluster.release},app.kubernetes.io/component=history"
    pods = [pod for pod in cluster.list_objects("pods", selector) if not finished(pod)]
    if not pods:
        hint = missing_hint or f"is release {cluster.release} installed there?"
        raise NotFound(f"There is no history pod of release {cluster.release} in namespace {cluster.namespace}: {hint}")
    if len(pods) > MOST_PODS:
        raise LabError(
            f"Release {cluster.release} has {len(pods)} history pods in namespace {cluster.namespace}, and only "
            f"{MOST_PODS} can be asked for their shards: check who made them."
        )
    owned: dict[str, int | None] = {}
    ready = {}
    begin = cluster.clock()
    for pod in pods:
        state = pod_state(pod)
        if state.terminating:
            continue
        if state.ready:
            ready[state.name] = float("inf") if state.ready_time is None else state.ready_time
        owned[state.name] = _ask(cluster, pod) if cluster.clock() - begin < LONGEST else None
    return Balance(owned, ready, expected)


def _ask(cluster: Cluster, pod: Json) -> int | None:
    if not (pod.get("status") or {}).get("podIP"):
        return None
    annotations = pod["metadata"].get("annotations") or {}
    port = annotations.get("prometheus.io/port") or METRICS_PORT
    path = cluster.pod_proxy(pod["metadata"]["name"], port, "metrics")
    try:
        return owned_shards(cluster.request("GET", path, patience=0).body)
    except (Refused, UnexpectedAnswer):
        raise
    except RequestFailed:
        # It is starting, or went away after the list was made: not known yet.
        return None
