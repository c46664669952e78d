# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_scale: set the replicas of the history service, and wait until its shards are in balance.

It is made of the tasks deployment_rollout and temporal_shards, over one connection: a class pays for each task of each
student.
"""

from __future__ import annotations

from typing import Any

from ..arguments import CLUSTER
from ..errors import LabError
from ..task import Context, Params, Result, defaults
from . import rollout, shards
from .connection import Cluster

SPEC: dict[str, Any] = {
    **CLUSTER,
    "replicas": {"type": "int", "required": True},
    "wait": {"type": "bool", "default": True},
    **{name: rollout.SPEC[name] for name in ("timeout", "since", "hopeless_after", "show_env", "missing_hint")},
    "shards_timeout": shards.SPEC["timeout"],
    "stable_for": shards.SPEC["stable_for"],
    "load": {"type": "list", "elements": "str", "default": []},
    "load_hint": {"type": "str", "default": ""},
}


def run(params: Params, context: Context) -> Result:
    """Return ``changed``, ``load``, ``shards``, ``expected``, ``events``, ``pods``, ``settled_time``, ``watched``.

    ``shards``: those of each history pod, ``before`` the change and ``after`` it. Raises LabError.
    """
    rollout_params = {
        **defaults(rollout.SPEC),
        **{name: params[name] for name in ("replicas", "wait", "timeout", "since", "hopeless_after", "missing_hint")},
        "deployments": [f"{params['release']}-history"],
    }
    with Cluster.from_params(params) as cluster:
        load = _load(cluster, params, context)
        # Reading the shards is the larger part: once where nothing is to be changed.
        to_do = rollout.roll_out(cluster, rollout_params, Context(check_mode=True))["changed"]
        before = _shards(cluster, params, context, wait=False) if to_do or not params["wait"] else None
        rolled = rollout.roll_out(cluster, rollout_params, context)
        after = _shards(cluster, params, context, wait=True) if params["wait"] else before
    before = before or after
    if params["wait"] and not context.check_mode and not after["balanced"]:
        owned = " + ".join("?" if shards is None else str(shards) for shards in after["pods"].values())
        short = " but not for long enough" if after["sum"] == after["expected"] and all(after["pods"].values()) else ""
        raise LabError(
            f"The history pods in namespace {params['namespace']} own {owned} of {after['expected']} shards{short}, "
            f"{params['shards_timeout']:g} seconds after they were ready: look at the logs of the history pods.",
            shards={"before": before["pods"], "after": after["pods"]},
        )
    return {
        **{name: rolled[name] for name in ("changed", "events", "pods", "time", *(["diff"] if context.diff else []))},
        "load": load,
        "shards": {"before": before["pods"], "after": after["pods"]},
        "expected": after["expected"],
        "settled_time": after["settled_time"],
        "watched": rolled["watched"] or after["watched"],
    }


def _load(cluster: Cluster, params: Params, context: Context) -> Result:
    """The Deployments of the load as they are, rolled out."""
    if not params["load"]:
        return {}
    found = rollout.roll_out(
        cluster,
        {
            **defaults(rollout.SPEC),
            **{name: params[name] for name in ("timeout", "since", "hopeless_after", "show_env")},
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
