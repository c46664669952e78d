# SPDX-License-Identifier: GPL-3.0-or-later
"""Task deployment_rollout: set replicas or environment of Deployments and wait until they are rolled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import LabError
from ..task import Context, Params, Result, Task, as_given
from .authors import REPLICAS, author_of
from .cluster import Cluster
from .connect import CLUSTER
from .deployment_change import DeploymentChange, change_of, env_text
from .held import Held, held_now
from .ours import CHART, OWN_CHART, labels_of, read_claims
from .predicates import (
    Json,
    replicas_wanted,
    rolled_out_time,
)
from .undone import counted
from .wait import Waited, seconds_since, wait_for
from .watch import Snapshot, Watch, short_name

SPEC: dict[str, Any] = {
    **CLUSTER,
    "deployments": {"type": "list", "elements": "str", "required": True},
    "replicas": {"type": "int"},
    "env": {"type": "dict"},
    "show_env": {"type": "list", "elements": "str", "default": []},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 300.0},
    "since": {"type": "float"},
    "asked": {"type": "dict"},
    "at_least": {"type": "int", "default": 0},
    "only_ours": {"type": "bool", "default": False},
    "hopeless_after": {"type": "float", "default": 120.0},
    "missing_hint": {"type": "str", "default": ""},
}


@dataclass(frozen=True)
class RolloutRequest:
    """The options of the task, by their names.

    asked: what an earlier task set, by Deployment: its ``replicas`` and ``env``. That is not set again.
    only_ours: change no Deployment of a release that the lab did not install, unless the lab set what it has.
    """

    deployments: Sequence[str]
    replicas: int | None = None
    env: Mapping[str, Any] | None = None
    show_env: Sequence[str] = ()
    wait: bool = True
    timeout: float = 300.0
    since: float | None = None
    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    at_least: int = 0
    only_ours: bool = False
    hopeless_after: float = 120.0
    missing_hint: str = ""


@dataclass(frozen=True)
class Rollout:
    """The outcome of a rollout. Times are Unix seconds.

    before, after: replicas and environment by Deployment. events, pods: as the task returns them.
    watched: whether the wait saw it happen. waited: seconds. time: of the request; None in check mode.
    held: what has to stay as it is from now on; empty without a wait.
    """

    changed: bool
    before: dict[str, Json]
    after: dict[str, Json]
    events: Sequence[Json] = ()
    pods: Sequence[Json] = ()
    watched: bool = False
    waited: float = 0.0
    time: float | None = None
    held: Sequence[Held] = ()


def run(params: Params, context: Context) -> Result:
    """Set what differs, wait, and return ``changed``, ``before``, ``after``, ``events``, ``pods`` and others."""
    given = {one.name: params[one.name] for one in fields(RolloutRequest)}
    earlier = params["asked"] or {}
    since, asked = earlier_request(earlier)
    request = RolloutRequest(**{**given, "asked": asked, "since": params["since"] if since is None else since})
    with Cluster.from_params(params) as cluster:
        done = roll_out(cluster, request, context)
    return {
        "changed": done.changed,
        "before": done.before,
        "after": done.after,
        "events": list(done.events),
        "pods": list(done.pods),
        "watched": done.watched,
        "waited": done.waited,
        "time": done.time,
        "held": [one.as_result() for one in done.held],
        **({"diff": {"before": done.before, "after": done.after}} if context.diff else {}),
    }


def earlier_request(result: Mapping[str, Any]) -> tuple[float | None, Mapping[str, Mapping[str, Any]]]:
    """When an earlier task made its request, and what it set; nothing where it was in check mode. Raises LabError."""
    moment, after = result.get("time"), result.get("after")
    if moment is None or not after:
        return None, {}
    try:
        return float(moment), {name: {"replicas": one["replicas"], "env": one["env"]} for name, one in after.items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise LabError("`asked` takes the whole result of the deployment_rollout that made the request.") from None


def roll_out(
    cluster: Cluster, request: RolloutRequest, context: Context, wall: Callable[[], float] = time.time
) -> Rollout:
    """Set what differs, and wait; in check mode only say what would be set. Raises LabError."""
    env = env_text(request.env)
    if not request.deployments:
        raise LabError("No Deployment is named: give at least one in deployments.")
    if request.replicas is not None and request.replicas < 0:
        raise LabError(f"A Deployment cannot have {request.replicas} replicas: give zero or more in replicas.")
    watch = Watch(
        cluster,
        list(dict.fromkeys(request.deployments)),
        request.hopeless_after,
        request.missing_hint,
        expected=dict(request.asked),
        at_least=request.at_least,
    )
    deployments = watch.fetch()
    # What an earlier task has set and something undid is not set once more: it would be undone again.
    watch.check(deployments)
    changes = {
        name: change_of(deployment, request.replicas, env, request.show_env) for name, deployment in deployments.items()
    }
    if request.only_ours:
        changes = {name: only_ours(cluster, deployments[name], change, context) for name, change in changes.items()}
    asked = Rollout(
        changed=any(change.patch is not None for change in changes.values()),
        before={name: change.before for name, change in changes.items()},
        after={name: change.after for name, change in changes.items()},
    )
    if context.check_mode:
        return asked
    for name, change in changes.items():
        if change.patch is not None and change.scale:
            cluster.patch("deployments", name, change.patch, subresource="scale")
        elif change.patch is not None:
            cluster.patch("deployments", name, change.patch, merge="strategic-merge")
    asked = replace(asked, time=round(wall(), 3))
    if not request.wait:
        return asked
    for name in changes:
        earlier = watch.expected.get(name) or {}
        replicas = earlier.get("replicas") if request.replicas is None else request.replicas
        watch.expected[name] = {"replicas": replicas, "env": {**(earlier.get("env") or {}), **env}}
    # What this task has changed it waits for from now on.
    gone = 0.0 if asked.changed else seconds_since(request.since, wall())
    waited = wait_for(cluster, request.timeout, context.show, watch.look, gone)
    if not waited.done:
        raise watch.failure(f"did not roll out in {request.timeout:g} s", waited.value, waited.seconds)
    watched = asked.changed or waited.looks > 1
    settings = {name: change.after["env"] for name, change in changes.items()}
    return replace(
        asked,
        events=events_of(watch, waited, settings, live=watched),
        pods=[
            {"deployment": name, **pod.as_result()} for name, pods in waited.value.pod_states().items() for pod in pods
        ],
        watched=watched,
        waited=round(waited.seconds, 3),
        held=[
            held_now(deployment, waited.value.pods[name], settings[name])
            for name, deployment in waited.value.deployments.items()
        ],
    )


def only_ours(cluster: Cluster, deployment: Json, change: DeploymentChange, context: Context) -> DeploymentChange:
    """A change, or none where the Deployment is somebody else's and not the lab has set what it has."""
    if change.patch is None or labels_of(deployment).get(CHART, "").startswith(OWN_CHART):
        return change
    author = author_of(deployment, REPLICAS)
    if (author is not None and author.own) or cluster.release in read_claims(cluster).releases:
        return change
    whose = f", which {author.manager} set" if author else ""
    context.show(
        f"{deployment['metadata']['name']} in namespace {cluster.namespace} stays as it is, with "
        f"{counted(replicas_wanted(deployment))}{whose}: the lab installed neither its release nor scaled it."
    )
    return replace(change, after=change.before, patch=None)


def events_of(
    watch: Watch, waited: Waited[Snapshot], settings: Mapping[str, Mapping[str, str | None]], live: bool
) -> list[Json]:
    """One event "rolled out" for each Deployment, in the order of their times.

    settings: environment variables by Deployment, for the titles.
    time: the cluster's own record, or the moment seen when it keeps none.
    observed: the moment it was seen by the control node's clock, None unless it was watched as it happened.
    """
    events = []
    for name, deployment in waited.value.deployments.items():
        seen = round(watch.observed[name], 3)
        observed = seen if live else None
        moment = rolled_out_time(deployment, waited.value.pods[name])
        if moment is None and observed is None:
            continue
        short = short_name(name, watch.cluster.release)
        count = replicas_wanted(deployment)
        told = "".join(f", {key}={value}" for key, value in settings[name].items() if value is not None)
        events.append(
            {
                "name": f"{short.replace('-', '_')}_rolled_out",
                "title": f"{short} rolled out with {count} replica{'' if count == 1 else 's'}{told}",
                # What was seen is not still to come, whatever the cluster's clock says: a window would wait for it.
                "time": seen if moment is None else min(moment, seen),
                "observed": observed,
            }
        )
    return sorted(events, key=lambda event: event["time"])


TASK = Task(SPEC, run, elsewhere=as_given)
