# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_scale: set the replicas of the history service, and wait until its shards are in balance.

It is made of the tasks deployment_rollout and temporal_shards, over one connection: a class pays for each task of each
student.
"""

from __future__ import annotations

import time
from typing import Any

from ..cluster import (
    deployment_rollout as rollout,
)
from ..cluster import (
    temporal_shards as shards,
)
from ..cluster.cluster import Cluster
from ..cluster.connect import CLUSTER
from ..errors import LabError
from ..task import Context, Params, Result, Task, defaults

SPEC: dict[str, Any] = {
    **CLUSTER,
    "replicas": {"type": "int", "required": True},
    "wait": {"type": "bool", "default": True},
    "asked": {"type": "dict"},
    **{name: rollout.SPEC[name] for name in ("timeout", "hopeless_after", "show_env", "missing_hint")},
    "shards_timeout": shards.SPEC["timeout"],
    "stable_for": shards.SPEC["stable_for"],
    "load": {"type": "list", "elements": "str", "default": []},
    "load_hint": {"type": "str", "default": ""},
}


def run(params: Params, context: Context) -> Result:
    """Return ``changed``, ``load``, ``shards``, ``events``, ``pods``, ``started``, ``began``, ``time``, ``watched``.

    With ``asked`` what it says of before the change is returned as what this task saw. Raises LabError.
    """
    started = round(time.time(), 3)
    asked = params["asked"] or {}
    rollout_params = {
        **defaults(rollout.SPEC),
        **{name: params[name] for name in ("replicas", "wait", "timeout", "hopeless_after", "missing_hint")},
        "since": asked.get("time"),
        "deployments": [f"{params['release']}-history"],
    }
    with Cluster.from_params(params) as cluster:
        load = asked.get("load") or _load(cluster, params, asked.get("time"), context)
        before = (asked.get("shards") or {}).get("before")
        # Reading the shards is the larger part: once where nothing is to be changed.
        if before is None and (not params["wait"] or _differs(cluster, rollout_params)):
            before = _shards(cluster, params, context, wait=False)["pods"]
        rolled = rollout.roll_out(cluster, rollout_params, context)
        after = _shards(cluster, params, context, wait=True) if params["wait"] else None
    if before is None:
        # There was nothing to change.
        before = after["pods"]
    if after is not None and not context.check_mode and not after["balanced"]:
        owned = " + ".join("?" if shards is None else str(shards) for shards in after["pods"].values())
        short = " but not for long enough" if after["sum"] == after["expected"] and all(after["pods"].values()) else ""
        raise LabError(
            f"The history pods in namespace {params['namespace']} own {owned} of {after['expected']} shards{short}, "
            f"{params['shards_timeout']:g} seconds after they were ready: look at the logs of the history pods.",
            shards={"before": before, "after": after["pods"]},
        )
    return {
        **{name: rolled[name] for name in ("changed", "pods", "time", *(["diff"] if context.diff else []))},
        "started": started,
        "load": load,
        **_scaled(rolled, before, after, asked),
    }


def _differs(cluster: Cluster, rollout_params: Params) -> bool:
    """Whether the replicas are others than those wanted."""
    return rollout.roll_out(cluster, rollout_params, Context(check_mode=True))["changed"]


def _scaled(rolled: Result, before: Result, after: Result | None, asked: Result) -> Result:
    """``began``, ``events``, ``shards`` and ``watched`` of the scaling; ``after`` is None without a wait."""
    if after is None:
        return {"began": None, "events": [], "shards": {"before": before, "after": before}, "watched": False}
    shards = {"before": before, "after": after["pods"], "expected": after["expected"]}
    pods = rolled["pods"]
    if not pods:
        # Check mode: it would begin now.
        return {"began": round(time.time(), 3), "events": [], "shards": shards, "watched": False}
    # When shards begin to move: since server 1.28 they have moved when a pod is ready.
    began = max(pod["created"] for pod in pods)
    events = [
        {"name": "history_scaling", "title": f"history pod {len(pods)} of {len(pods)} made", "time": began},
        *rolled["events"],
    ]
    # When the balance came is known only to who looked on from the change.
    watched = (rolled["watched"] or after["watched"]) and asked.get("changed", True)
    if watched:
        events.append({"name": "shards_settled", "title": "shards in balance", "time": after["settled_time"]})
        shards["settled"] = round(after["settled_time"] - began, 3)
    return {"began": began, "events": events, "shards": shards, "watched": watched}


def _load(cluster: Cluster, params: Params, since: float | None, context: Context) -> Result:
    """The Deployments of the load as they are, rolled out."""
    if not params["load"]:
        return {}
    found = rollout.roll_out(
        cluster,
        {
            **defaults(rollout.SPEC),
            **{name: params[name] for name in ("timeout", "hopeless_after", "show_env")},
            "since": since,
            "deployments": params["load"],
            "missing_hint": params["load_hint"],
        },
        context,
    )
    return found["after"]


def _shards(cluster: Cluster, params: Params, context: Context, wait: bool) -> Result:
    return shards.read_shards(
        cluster,
        {
            **{name: params[name] for name in ("stable_for", "missing_hint")},
            "timeout": params["shards_timeout"],
            "since": None,
            "wait": wait,
        },
        context,
    )


TASK = Task(SPEC, run)
