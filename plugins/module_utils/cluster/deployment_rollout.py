# SPDX-License-Identifier: GPL-3.0-or-later
"""Task deployment_rollout: set replicas or environment of Deployments and wait until they are rolled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..errors import LabError
from ..http.errors import NotFound, RequestFailed, Unreachable
from ..http.redaction import clip
from ..task import Context, Params, Result, Task, as_given
from .cluster import Cluster
from .connect import CLUSTER
from .predicates import (
    DOUBTFUL,
    HOPELESS,
    Json,
    PodState,
    WorkloadState,
    deployment_state,
    finished,
    matches,
    pod_state,
    replicas_wanted,
    rolled_out_time,
)
from .wait import Look, Waited, seconds_since, wait_for

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

#: A pod of the old revision may still be there, in the state that the change is to cure.
OLD_PODS_LEAVE = 5.0
#: Seconds after which a pod that may not be created, as for want of quota, will not be: old pods have left by then.
QUOTA_FREES = 30.0
LOG_LINES = 20
#: How many pods a sentence names.
NAMED = 2


@dataclass(frozen=True)
class Change:
    """What one Deployment needs: ``patch`` is None when it is as wanted.

    before, after: ``replicas`` (the number) and ``env`` (of the names that were asked for).
    scale: only the number of replicas differs, so the scale subresource is patched.
    """

    before: Json
    after: Json
    patch: Json | None = None
    scale: bool = False


def change_of(
    deployment: Json,
    replicas: int | None,
    env: Mapping[str, str] | None,
    show_env: Sequence[str] = (),
) -> Change:
    """What to patch so that a Deployment has these replicas and its one container this environment. Raises LabError.

    show_env: variables that stand beside it as they are.
    """
    now = replicas_wanted(deployment)
    before: Json = {"replicas": now, "env": {}}
    after: Json = {"replicas": now if replicas is None else replicas, "env": {}}
    spec: Json = {}
    if after["replicas"] != now:
        spec["replicas"] = replicas
    if env or show_env:
        env = env or {}
        target = _only_container(deployment)
        there = {entry["name"]: entry for entry in target.get("env") or []}
        entries = []
        for name in show_env:
            before["env"][name] = after["env"][name] = _shown(there.get(name))
        for name, value in env.items():
            entry = there.get(name)
            before["env"][name] = _shown(entry)
            after["env"][name] = value
            if entry is None or "valueFrom" in entry or (entry.get("value") or "") != value:
                # A strategic merge keeps a reference beside the value unless it is taken away.
                reference = {"valueFrom": None} if entry and "valueFrom" in entry else {}
                entries.append({"name": name, "value": value, **reference})
        if entries:
            spec["template"] = {"spec": {"containers": [{"name": target["name"], "env": entries}]}}
    if not spec:
        return Change(before, after)
    return Change(before, after, {"spec": spec}, scale="template" not in spec)


def _only_container(deployment: Json) -> Json:
    containers: list[Json] = deployment["spec"]["template"]["spec"]["containers"]
    if len(containers) != 1:
        owner, names = deployment["metadata"]["name"], ", ".join(entry["name"] for entry in containers)
        raise LabError(
            f"Deployment {owner} has {len(containers)} containers ({names}): set the environment of a Deployment that "
            f"has one, and change this one with kubectl set env."
        )
    return containers[0]


def _shown(entry: Json | None) -> str | None:
    if entry is None:
        return None
    return "(a reference)" if "valueFrom" in entry else entry.get("value") or ""


def env_text(env: Mapping[str, Any] | None) -> dict[str, str]:
    """The environment as the API wants it: text. A number is taken as it is written; the rest is ambiguous."""
    texts = {}
    for name, value in (env or {}).items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise LabError(f"The value of {name} in env is {value!r}, which is not text or a number: put it in quotes.")
        texts[str(name)] = str(value)
    return texts


def short_name(name: str, release: str) -> str:
    """A Deployment's name without the release: ``history`` for ``my-temporal-history``."""
    prefix = release + "-"
    return name[len(prefix) :] if name.startswith(prefix) and len(name) > len(prefix) else name


@dataclass(frozen=True)
class Snapshot:
    """What one look at the cluster found; workloads by name, pods by Deployment."""

    deployments: dict[str, Json]
    states: dict[str, WorkloadState]
    pods: dict[str, list[Json]]

    @property
    def done(self) -> bool:
        return all(state.done for state in self.states.values())

    def pod_states(self) -> dict[str, list[PodState]]:
        return {name: [pod_state(pod) for pod in pods if not finished(pod)] for name, pods in self.pods.items()}


@dataclass
class Watch:
    """Looks at the workloads of one task, and remembers since when each is done and each pod is in trouble."""

    cluster: Cluster
    deployments: list[str]
    hopeless_after: float
    missing_hint: str
    wall: Callable[[], float] = time.time
    observed: dict[str, float] = field(default_factory=dict)
    troubled: dict[str, float] = field(default_factory=dict)
    looked: bool = False

    def fetch(self) -> dict[str, Json]:
        """The Deployments by name: one request for one of them, one request for several."""
        if len(self.deployments) == 1:
            one = self.cluster.find("deployments", self.deployments[0])
            found = {} if one is None else {self.deployments[0]: one}
        else:
            found = {entry["metadata"]["name"]: entry for entry in self.cluster.list_objects("deployments")}
        for name in self.deployments:
            if name not in found:
                hint = self.missing_hint or f"is release {self.cluster.release} installed there?"
                raise NotFound(f"There is no Deployment {name} in namespace {self.cluster.namespace}: {hint}")
        return {name: found[name] for name in self.deployments}

    def snapshot(self) -> Snapshot:
        deployments = self.fetch()
        pods = self._pods(deployments)
        states = {name: deployment_state(entry, pods[name]) for name, entry in deployments.items()}
        return Snapshot(deployments, states, pods)

    def _pods(self, deployments: dict[str, Json]) -> dict[str, list[Json]]:
        selectors = {name: entry["spec"]["selector"] for name, entry in deployments.items()}
        query = ""
        if len(selectors) == 1:
            labels = next(iter(selectors.values())).get("matchLabels") or {}
            query = ",".join(f"{key}={value}" for key, value in labels.items())
        pods = self.cluster.list_objects("pods", query)
        return {
            name: [pod for pod in pods if matches(selector, pod["metadata"].get("labels") or {})]
            for name, selector in selectors.items()
        }

    def look(self, elapsed: float) -> Look[Snapshot]:
        """One look for the waiter. Raises LabError for a state that waiting does not cure."""
        snapshot = self.snapshot()
        for name, state in snapshot.states.items():
            if state.done:
                self.observed.setdefault(name, self.wall())
            else:
                self.observed.pop(name, None)
        self._fail_early(snapshot, elapsed)
        return Look(snapshot.done, snapshot, self.text(snapshot))

    def text(self, snapshot: Snapshot) -> str:
        """The state in a line: "history 1 of 2 pods ready · my-temporal-history-abc has no node: …".

        Where many are not done it names them only, and of their pods the first.
        """
        states = {short_name(name, self.cluster.release): state for name, state in snapshot.states.items()}
        shown = {name: state for name, state in states.items() if not state.done} or states
        if len(shown) > NAMED and not snapshot.done:
            parts = [f"{_and(list(shown))} are not ready"]
        else:
            parts = [f"{name} {state.text}" for name, state in shown.items()]
        parts += [f"{name}: {state.why}" for name, state in shown.items() if state.why]
        parts += [f"{pod.name} {pod.why}" for pod in self._unready(snapshot)[:1]]
        return " · ".join(parts)

    @staticmethod
    def _unready(snapshot: Snapshot) -> list[PodState]:
        """The pods that hold a rollout up; those that are only leaving come last."""
        pods = [
            pod
            for name, states in snapshot.pod_states().items()
            if not snapshot.states[name].done
            for pod in states
            if not pod.ready
        ]
        return sorted(pods, key=lambda pod: pod.terminating)

    def _fail_early(self, snapshot: Snapshot, elapsed: float) -> None:
        if elapsed >= QUOTA_FREES and any(state.refused for state in snapshot.states.values()):
            raise self.failure(f"will not roll out (after {elapsed:.0f} s)", snapshot, elapsed)
        seen = set()
        for pod in self._unready(snapshot):
            # Between two crashes a container runs for a moment: only a pod that is ready is out of trouble.
            if pod.name not in self.troubled and pod.reason not in HOPELESS | DOUBTFUL:
                continue
            seen.add(pod.name)
            since = self.troubled.setdefault(pod.name, self._troubled_from(pod, elapsed))
            patience = OLD_PODS_LEAVE if pod.reason in HOPELESS else self.hopeless_after
            if pod.reason in HOPELESS | DOUBTFUL and elapsed - since >= patience:
                verdict = f"will not roll out (it has been so for {elapsed - since:.0f} s)"
                raise self.failure(verdict, snapshot, elapsed)
        self.troubled = {name: since for name, since in self.troubled.items() if name in seen}
        self.looked = True

    def _troubled_from(self, pod: PodState, elapsed: float) -> float:
        """Seconds of the wait when the trouble of a pod began: seen first now, or as old as a pod that it made."""
        if self.looked or pod.created is None:
            return elapsed
        age = max(0.0, self.wall() - pod.created)
        return elapsed - age if age < elapsed else elapsed

    def failure(self, verdict: str, snapshot: Snapshot, elapsed: float) -> LabError:
        """The error that names what is not done, why, and what the failing containers said last."""
        names = [short_name(name, self.cluster.release) for name, state in snapshot.states.items() if not state.done]
        pods = self._unready(snapshot)
        reasons = [f"{pod.name} {pod.why}" for pod in pods[:NAMED]]
        if len(pods) > NAMED:
            reasons.append(f"and {len(pods) - NAMED} more pods")
        reasons += [
            f"{short_name(name, self.cluster.release)}: {state.why}"
            for name, state in snapshot.states.items()
            if state.why
        ]
        if not reasons:
            reasons = [f"{name} has {state.text}" for name, state in snapshot.states.items() if not state.done]
        logs = {pod.name: self.log(pod) for pod in pods[:NAMED] if pod.container}
        for pod, lines in logs.items():
            if lines:
                reasons.append(f"the last words of {pod} were: {clip(lines[-1])}")
        return LabError(
            f"{_and(names)} in namespace {self.cluster.namespace} {verdict}: {'; '.join(reasons)}.",
            waited=round(elapsed, 3),
            pods=[pod.as_result() for pod in pods],
            logs=logs,
        )

    def log(self, pod: PodState) -> list[str]:
        """The last lines of the container that is the cause; empty when there are none to be had."""
        query = {"container": pod.container, "tailLines": str(LOG_LINES)}
        if pod.reason == "CrashLoopBackOff":
            query["previous"] = "true"
        try:
            text = self.cluster.get_text(self.cluster.path("pods", pod.name, "log"), query, patience=0)
        except (Unreachable, RequestFailed):
            return []
        return [line for line in text.splitlines() if line.strip()]


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class RolloutRequest:
    """What is wanted of Deployments: the options of the task, by their names."""

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
    """What became of Deployments. Times are Unix seconds.

    before, after: replicas and environment by Deployment. events, pods: as the task returns them.
    watched: whether the wait saw it happen. waited: seconds. time: when it was asked for; None in check mode.
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
        observed = round(watch.observed[name], 3) if live else None
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
                "time": observed if moment is None else moment,
                "observed": observed,
            }
        )
    return sorted(events, key=lambda event: event["time"])


TASK = Task(SPEC, run, elsewhere=as_given)
