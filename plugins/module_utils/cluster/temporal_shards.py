# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_shards: how many history shards each history pod owns, read from the pods themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
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


@dataclass(frozen=True)
class ShardsRequest:
    """How to read the shards: the options of the task, by their names."""

    wait: bool = False
    timeout: float = 120.0
    since: float | None = None
    stable_for: float = 3.0
    missing_hint: str = ""


@dataclass(frozen=True)
class ShardsRead:
    """The shards as they were read, at the end of a wait for their balance if there was one.

    settled_time: since when the balance held, in Unix seconds; None where nobody waited for it.
    watched: whether the wait saw them out of balance. waited: seconds.
    """

    balance: Balance
    balanced: bool
    settled_time: float | None = None
    watched: bool = False
    waited: float = 0.0


def run(params: Params, context: Context) -> Result:
    """Return ``pods``, ``sum``, ``expected``, ``balanced``, ``settled_time``, ``watched``, ``waited``."""
    request = ShardsRequest(**{one.name: params[one.name] for one in fields(ShardsRequest)})
    with Cluster.from_params(params) as cluster:
        read = read_shards(cluster, request, context)
    return {
        "changed": False,
        "pods": read.balance.pods,
        "sum": read.balance.sum,
        "expected": read.balance.expected,
        "balanced": read.balanced,
        "settled_time": read.settled_time,
        "watched": read.watched,
        "waited": round(read.waited, 3),
    }


def read_shards(
    cluster: Cluster, request: ShardsRequest, context: Context, wall: Callable[[], float] = time.time
) -> ShardsRead:
    """Read the shards of each history pod, and wait for their balance if that is asked for. Raises LabError."""
    api = TemporalApi(cluster, request.missing_hint)
    if not request.wait or context.check_mode:
        balance = read_balance(cluster, api.cluster_info().history_shards, request.missing_hint)
        return ShardsRead(balance, balance.balanced)
    gone = seconds_since(request.since, wall())
    expected = wait_for_frontend(api, request.timeout, context, gone).history_shards
    settling = Settling(cluster, expected, request.stable_for, request.missing_hint)
    # However late it is: whether the balance lasts takes a second look.
    gone = min(gone, max(0.0, request.timeout - request.stable_for - 1))
    waited = wait_for(cluster, request.timeout, context.show, settling.look, gone)
    settled_time = settling.settled_time if waited.done else None
    return ShardsRead(waited.value, waited.done, settled_time, settling.unsettled, waited.seconds)


TASK = Task(SPEC, run, elsewhere=as_given)
