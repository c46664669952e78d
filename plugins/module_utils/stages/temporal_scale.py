# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_scale: set the replicas of the history service, and wait until its shards are in balance.

What something undoes, such as an autoscaler, is not set once more: the task fails and says who it was.

It is made of the tasks deployment_rollout and temporal_shards, over one connection: a class pays for each task of each
student.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster import deployment_rollout, temporal_shards
from ..cluster.authors import OWN
from ..cluster.autoscalers import HPA
from ..cluster.cluster import Cluster
from ..cluster.connect import CLUSTER
from ..cluster.deployment_rollout import Rollout, RolloutRequest, roll_out
from ..cluster.held import Held, Holding
from ..cluster.predicates import Json
from ..cluster.settled_cluster import settle
from ..cluster.temporal_shards import ShardsRead, ShardsRequest, read_shards
from ..cluster.undone import refuse_bounds
from ..errors import LabError
from ..task import Context, Params, Result, Task

SPEC: dict[str, Any] = {
    **CLUSTER,
    "replicas": {"type": "int", "required": True},
    "wait": {"type": "bool", "default": True},
    "asked": {"type": "dict"},
    **{name: deployment_rollout.SPEC[name] for name in ("timeout", "hopeless_after", "show_env", "missing_hint")},
    "shards_timeout": temporal_shards.SPEC["timeout"],
    "stable_for": temporal_shards.SPEC["stable_for"],
    "load": {"type": "list", "elements": "str", "default": []},
    "load_hint": {"type": "str", "default": ""},
    "settle": {"type": "bool", "default": False},
}


#: Shards by history pod; None for a pod that did not say.
PodShards = Mapping[str, "int | None"]


@dataclass(frozen=True)
class Asked:
    """What an earlier task, which made the request and did not wait, saw of the time before.

    changed: whether it changed anything. started, time: when it began, and when the replicas were as wanted, in Unix
    seconds. held: what is to stay of the load.
    """

    changed: bool = True
    started: float | None = None
    time: float | None = None
    load: Mapping[str, Any] = field(default_factory=dict)
    held: Sequence[Json] = ()
    before: PodShards | None = None

    @property
    def moved(self) -> bool:
        """Whether it is known to have changed something."""
        return self.changed and self.time is not None


def run(params: Params, context: Context) -> Result:
    """Return ``changed``, ``load``, ``shards``, ``events``, ``pods``, ``started``, ``began``, ``time``, ``watched``.

    And ``held`` and ``changed_at``. With ``asked`` what it says of before the change is returned as what this task saw.
    Raises LabError.
    """
    started = round(time.time(), 3)
    asked = read_asked(params["asked"])
    history = f"{params['release']}-history"
    request = RolloutRequest(
        deployments=[history],
        asked={} if asked.time is None else {history: {"replicas": params["replicas"], "env": {}}},
        replicas=params["replicas"],
        wait=params["wait"],
        timeout=params["timeout"],
        since=asked.time,
        hopeless_after=params["hopeless_after"],
        missing_hint=params["missing_hint"],
    )
    wanted = ShardsRequest(
        wait=params["wait"],
        timeout=params["shards_timeout"],
        stable_for=params["stable_for"],
        missing_hint=params["missing_hint"],
    )
    now = ShardsRequest(missing_hint=params["missing_hint"])
    cluster_of_stage = settle(params, context.private, context.show) if params["settle"] and context.private else {}
    with Cluster.from_params({**params, **cluster_of_stage}) as cluster:
        load, held = asked.load, asked.held
        if not load:
            found = rolled_out_load(cluster, params, asked.time, context)
            load, held = found.after, [one.as_result() for one in found.held]
        before = asked.before
        changes = before is None and roll_out(cluster, request, Context(check_mode=True)).changed
        if changes:
            # KEDA keeps one of these as well, so that the one request is enough.
            refuse_bounds(cluster, history, params["replicas"], (HPA,))
        # Reading the shards is the larger part: once where nothing is to be changed.
        if before is None and (changes or not wanted.wait):
            before = read_shards(cluster, now, context).balance.pods
        rolled = roll_out(cluster, request, context)
        after = read_shards(cluster, wanted, context) if wanted.wait else None
        # One pod of two that something took away again has all shards, which is a balance too.
        Holding(cluster, rolled.held).check_deployments("While the shards moved, ")
    if before is None:
        # There was nothing to change, so there was a wait for what is.
        before = after.balance.pods if after is not None else {}
    if after is not None and not context.check_mode and not after.balanced:
        raise out_of_balance(params, before, after)
    own = next(iter(rolled.held), None)
    if own is not None and own.set_by not in ("", OWN) and not (rolled.changed or asked.moved):
        raise nothing_scaled(params, history, own)
    told = scaled(rolled, before, after, asked, started)
    return {
        "changed": rolled.changed,
        "pods": list(rolled.pods),
        "time": rolled.time,
        **({"diff": {"before": rolled.before, "after": rolled.after}} if context.diff else {}),
        "started": started,
        **({"cluster": cluster_of_stage} if cluster_of_stage else {}),
        "load": load,
        "held": [*held, *(one.as_result() for one in rolled.held)],
        # The number has no time in the cluster's record, and the newest pod has.
        "changed_at": told["began"] if own and own.set_by == OWN else None,
        **told,
    }


def read_asked(given: Mapping[str, Any] | None) -> Asked:
    """The result of the task that made the request, as far as it matters here."""
    if not given:
        return Asked()
    return Asked(
        given.get("changed", True),
        given.get("started"),
        given.get("time"),
        given.get("load") or {},
        given.get("held") or (),
        (given.get("shards") or {}).get("before"),
    )


def nothing_scaled(params: Params, history: str, own: Held) -> LabError:
    """The error for a number of replicas that was there before, and that someone else has set."""
    return LabError(
        f"{history} in namespace {params['namespace']} had {own.replicas} replicas before this stage, set by "
        f"{own.set_by}: nothing was scaled, so there is nothing to measure; scale it back (kubectl scale "
        f"deployment/{history} --replicas=1), or ask for another number, and run the stage again."
    )


def out_of_balance(params: Params, before: PodShards, after: ShardsRead) -> LabError:
    """The error for shards that are not in balance when the time is over."""
    balance = after.balance
    owned = " + ".join("?" if shards is None else str(shards) for shards in balance.pods.values())
    balanced = balance.sum == balance.expected and all(balance.pods.values())
    short = ", but the balance has not held long enough" if balanced else ""
    return LabError(
        f"{params['shards_timeout']:g} seconds after they were ready, the history pods in namespace "
        f"{params['namespace']} own {owned} of {balance.expected} shards{short}: check the logs of the history pods.",
        shards={"before": before, "after": balance.pods},
    )


def scaled(rolled: Rollout, before: PodShards, after: ShardsRead | None, asked: Asked, started: float) -> Result:
    """``began``, ``events``, ``shards`` and ``watched`` of the scaling; ``after`` is None without a wait."""
    if after is None:
        return {"began": None, "events": [], "shards": {"before": before, "after": before}, "watched": False}
    shards: dict[str, Any] = {"before": before, "after": after.balance.pods, "expected": after.balance.expected}
    pods = rolled.pods
    if not pods:
        # Check mode: it would begin now.
        return {"began": round(time.time(), 3), "events": [], "shards": shards, "watched": False}
    # When shards begin to move: since server 1.28 they have moved when a pod is ready.
    # Not in the future either, whatever the cluster's clock says: the window would wait for it.
    moment = began = min(max(pod["created"] for pod in pods), round(time.time(), 3))
    title = f"history pod {len(pods)} of {len(pods)} made"
    if rolled.changed or asked.moved:
        if all(pod["name"] in before for pod in pods):
            # None was made: shards move when the others are told to end, which is at once.
            moment = began = rolled.time if rolled.changed or asked.time is None else asked.time
            title = f"history scaled in to {len(pods)} pod{'' if len(pods) == 1 else 's'}"
        # The cluster's clock has whole seconds, and may be slow: a pod is not older than the request for it.
        began = max(began, started if rolled.changed or asked.started is None else asked.started)
    events = [{"name": "history_scaling", "title": title, "time": moment}, *rolled.events]
    # When the balance came is known only to who looked on from the change.
    watched = (rolled.watched or after.watched) and asked.changed and after.settled_time is not None
    if watched and after.settled_time is not None:
        events.append({"name": "shards_settled", "title": "shards in balance", "time": after.settled_time})
        shards["settled"] = round(after.settled_time - began, 3)
    return {"began": began, "events": events, "shards": shards, "watched": watched}


def rolled_out_load(cluster: Cluster, params: Params, since: float | None, context: Context) -> Rollout:
    """The Deployments of the load as they are, once they are rolled out; there must be a load."""
    if not params["load"]:
        return Rollout(False, {}, {})
    request = RolloutRequest(
        deployments=params["load"],
        show_env=params["show_env"],
        timeout=params["timeout"],
        since=since,
        hopeless_after=params["hopeless_after"],
        missing_hint=params["load_hint"],
        at_least=1,
    )
    return roll_out(cluster, request, context)


TASK = Task(SPEC, run)
