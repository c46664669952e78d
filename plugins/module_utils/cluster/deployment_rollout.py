# SPDX-License-Identifier: GPL-3.0-or-later
"""Task deployment_rollout: set replicas or environment of Deployments and wait until they are rolled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import LabError
from ..task import Context, Params, Result, Task, as_given
from .change import change_of, env_text
from .cluster import Cluster
from .connect import CLUSTER
from .predicates import (
    Json,
    replicas_wanted,
    rolled_out_time,
)
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
    "hopeless_after": {"type": "float", "default": 120.0},
    "missing_hint": {"type": "str", "default": ""},
}


@dataclass(frozen=True)
class RolloutRequest:
    """The options of the task, by their names."""

    deployments: Sequence[str]
    replicas: int | None = None
    env: Mapping[str, Any] | None = None
    show_env: Sequence[str] = ()
    wait: bool = True
    timeout: float = 300.0
    since: float | None = None
    hopeless_after: float = 120.0
    missing_hint: str = ""


@dataclass(frozen=True)
class Rollout:
    """The outcome of a rollout. Times are Unix seconds.

    before, after: replicas and environment by Deployment. events, pods: as the task returns them.
    watched: whether the wait saw it happen. waited: seconds. time: of the request; None in check mode.
    """

    changed: bool
    before: dict[str, Json]
    after: dict[str, Json]
    events: Sequence[Json] = ()
    pods: Sequence[Json] = ()
    watched: bool = False
    waited: float = 0.0
    time: float | None = None


def run(params: Params, context: Context) -> Result:
    """Set what differs, wait, and return ``changed``, ``before``, ``after``, ``events``, ``pods`` and others."""
    request = RolloutRequest(**{one.name: params[one.name] for one in fields(RolloutRequest)})
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
        **({"diff": {"before": done.before, "after": done.after}} if context.diff else {}),
    }


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
    )
    changes = {
        name: change_of(deployment, request.replicas, env, request.show_env)
        for name, deployment in watch.fetch().items()
    }
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
    )


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
