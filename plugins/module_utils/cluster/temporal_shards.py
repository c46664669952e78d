# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_shards: how many history shards each history pod owns, read from the pods themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..http.errors import NotFound, Refused, RequestFailed, UnexpectedAnswer
from ..task import Context, Params, Result, Task, as_given
from .cluster import Cluster
from .connect import CLUSTER
from .predicates import Json, finished, pod_state
from .temporal_api import TemporalApi, wait_for_frontend
from .wait import Look, seconds_since, wait_for

SPEC: dict[str, Any] = {
    **CLUSTER,
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120.0},
    "since": {"type": "float"},
    "stable_for": {"type": "float", "default": 3.0},
    "missing_hint": {"type": "str", "default": ""},
}

METRICS_PORT = "9090"
#: Seconds after which a pod that became ready has taken its shards: seen were up to ten.
LONG_READY = 30.0
#: One sample of the gauge in the text format; a metrics prefix of the server and the suffix that
#: OpenTelemetry gives to what has no unit are allowed.
SAMPLE = re.compile(
    rb'^(?:[A-Za-z0-9_:]*_)?numshards_gauge(?:_ratio)?(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?[ \t]+([^ \t\r\n]+)',
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
    """Shards by pod (None: not known yet) and the effective number of the cluster.

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
            f"{pod.rpartition('-')[2]} {'?' if value is None else value}" for pod, value in sorted(self.pods.items())
        ]
        return f"shards: {' · '.join(parts) or 'no history pod'} of {self.expected}"


def read_balance(cluster: Cluster, expected: int, missing_hint: str = "") -> Balance:
    """Ask every history pod for its shards. Raises NotFound when there is none."""
    selector = f"app.kubernetes.io/instance={cluster.release},app.kubernetes.io/component=history"
    pods = [pod for pod in cluster.list_objects("pods", selector) if not finished(pod)]
    if not pods:
        hint = missing_hint or f"is release {cluster.release} installed there?"
        raise NotFound(f"There is no history pod of release {cluster.release} in namespace {cluster.namespace}: {hint}")
    owned: dict[str, int | None] = {}
    ready = {}
    for pod in pods:
        state = pod_state(pod)
        if state.terminating:
            continue
        if state.ready:
            ready[state.name] = float("inf") if state.ready_time is None else state.ready_time
        owned[state.name] = _ask(cluster, pod)
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


@dataclass
class Settling:
    """Looks until the balance has held for ``stable_for`` seconds, and remembers when it began."""

    cluster: Cluster
    expected: int
    stable_for: float
    missing_hint: str
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    since: float | None = None
    settled_time: float | None = None
    #: Whether a look found the shards out of balance.
    unsettled: bool = False

    def look(self, _elapsed: float) -> Look[Balance]:
        balance = read_balance(self.cluster, self.expected, self.missing_hint)
        # Counted from when the balance was seen: reading it takes time.
        seen = self.clock()
        if not balance.balanced:
            self.since = self.settled_time = None
            self.unsettled = True
        elif self.since is None:
            self.since, self.settled_time = seen, round(self.wall(), 3)
        done = self.since is not None and (
            seen - self.since >= self.stable_for
            # It was in balance at the first look, and nothing has changed for long.
            or (not self.unsettled and self.wall() - max(balance.ready.values()) >= max(LONG_READY, self.stable_for))
        )
        return Look(done, balance, balance.text)


def run(params: Params, context: Context) -> Result:
    """Return ``pods``, ``sum``, ``expected``, ``balanced``, ``settled_time``, ``watched``, ``waited``."""
    with Cluster.from_params(params) as cluster:
        return read_shards(cluster, params, context)


def read_shards(cluster: Cluster, params: Params, context: Context, wall: Callable[[], float] = time.time) -> Result:
    """Do what ``run`` does over a connection that is there."""
    api = TemporalApi(cluster, params["missing_hint"])
    settled_time, watched, seconds = None, False, 0.0
    if params["wait"] and not context.check_mode:
        gone = seconds_since(params["since"], wall())
        expected = wait_for_frontend(api, params["timeout"], context, gone).history_shards
        settling = Settling(cluster, expected, params["stable_for"], params["missing_hint"])
        # However late it is: whether the balance lasts takes a second look.
        gone = min(gone, max(0.0, params["timeout"] - params["stable_for"] - 1))
        waited = wait_for(cluster, params["timeout"], context.show, settling.look, gone)
        balance, balanced, seconds = waited.value, waited.done, waited.seconds
        settled_time = settling.settled_time if waited.done else None
        watched = settling.unsettled
    else:
        balance = read_balance(cluster, api.cluster_info().history_shards, params["missing_hint"])
        balanced = balance.balanced
    return {
        "changed": False,
        "pods": balance.pods,
        "sum": balance.sum,
        "expected": balance.expected,
        "balanced": balanced,
        "settled_time": settled_time,
        "watched": watched,
        "waited": round(seconds, 3),
    }


TASK = Task(SPEC, run, elsewhere=as_given)
