# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_shards: how many history shards each history pod owns, read from the pods themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from ..task import Context, Params, Result, Task, as_given
from .balance import Balance, read_balance
from .cluster import Cluster
from .connect import CLUSTER
from .settling import Settling
from .temporal_api import TemporalApi, wait_for_frontend
from .wait import seconds_since, wait_for

SPEC: dict[str, Any] = {
    **CLUSTER,
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120.0},
    "since": {"type": "float"},
    "stable_for": {"type": "float", "default": 3.0},
    "missing_hint": {"type": "str", "default": ""},
}


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
    """Read the shards of each history pod, and wait for their balance if requested. Raises LabError."""
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
