# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at Deployments that roll out, and at what holds them up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import LabError
from ..foreign_text import plain
from ..http.errors import NotFound, RequestFailed, Unreachable
from .cluster import Cluster
from .predicates import (
    DOUBTFUL,
    HOPELESS,
    Json,
    PodState,
    WorkloadState,
    deployment_state,
    finished,
    pod_state,
    replicas_wanted,
)
from .undone import differences, undone
from .wait import Look
from .workloads import find_deployments, pods_of

#: A pod of the old revision may still be there, in the state that the change is to cure.
OLD_PODS_LEAVE = 5.0
#: Seconds for which a paused rollout may stay paused: someone may be about to resume it.
PAUSED = 10.0
#: Seconds after which a pod that may not be created, as for want of quota, will not be: old pods have left by then.
QUOTA_FREES = 30.0
LOG_LINES = 20
#: Characters at the end of a log that are looked at.
LOG_SIZE = 64 * 1024
#: How many pods a sentence names.
NAMED = 2


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
    """Looks at the workloads of one task, and remembers since when each is done and each pod is in trouble.

    expected: by Deployment, the ``replicas`` and ``env`` that were asked for. at_least: replicas that each must have.
    """

    cluster: Cluster
    deployments: list[str]
    hopeless_after: float
    missing_hint: str
    wall: Callable[[], float] = time.time
    expected: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    at_least: int = 0
    observed: dict[str, float] = field(default_factory=dict)
    troubled: dict[str, float] = field(default_factory=dict)
    looked: bool = False

    def fetch(self) -> dict[str, Json]:
        """The Deployments by name: one request for one of them, one request for several."""
        found = find_deployments(self.cluster, self.deployments)
        for name in self.deployments:
            if name not in found:
                hint = self.missing_hint or f"is release {self.cluster.release} installed there?"
                raise NotFound(f"There is no Deployment {name} in namespace {self.cluster.namespace}: {hint}")
        return found

    def check(self, deployments: Mapping[str, Json]) -> None:
        """Raise Undone where a Deployment is not as it was asked for, and LabError where it has too few replicas."""
        for name, deployment in deployments.items():
            for difference in differences(deployment, self.expected.get(name) or {}):
                raise undone(self.cluster, deployment, difference)
            if replicas_wanted(deployment) < self.at_least:
                hint = self.missing_hint or "scale it up"
                raise LabError(
                    f"The Deployment {name} in namespace {self.cluster.namespace} has {replicas_wanted(deployment)} "
                    f"replicas, so it does nothing: {hint}."
                )

    def snapshot(self) -> Snapshot:
        deployments = self.fetch()
        self.check(deployments)
        pods = pods_of(self.cluster, deployments)
        states = {name: deployment_state(entry, pods[name]) for name, entry in deployments.items()}
        return Snapshot(deployments, states, pods)

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
        if elapsed >= PAUSED and any(held_paused(entry) for entry in snapshot.deployments.values()):
            raise self.failure(f"cannot roll out (after {elapsed:.0f} s)", snapshot, elapsed)
        if elapsed >= QUOTA_FREES and any(state.refused for state in snapshot.states.values()):
            raise self.failure(f"cannot roll out (after {elapsed:.0f} s)", snapshot, elapsed)
        seen = set()
        for pod in self._unready(snapshot):
            # Between two crashes a container runs for a moment: only a pod that is ready is out of trouble.
            if pod.name not in self.troubled and pod.reason not in HOPELESS | DOUBTFUL:
                continue
            seen.add(pod.name)
            since = self.troubled.setdefault(pod.name, self._troubled_from(pod, elapsed))
            patience = OLD_PODS_LEAVE if pod.reason in HOPELESS else self.hopeless_after
            if pod.reason in HOPELESS | DOUBTFUL and elapsed - since >= patience:
                verdict = f"cannot roll out (for {elapsed - since:.0f} s so far)"
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
                reasons.append(f"last log line of {pod}: {lines[-1]}")
        return LabError(
            f"{_and(names)} in namespace {self.cluster.namespace} {verdict}: {'; '.join(reasons)}.",
            waited=round(elapsed, 3),
            pods=[pod.as_result() for pod in pods],
            logs=logs,
        )

    def log(self, pod: PodState) -> list[str]:
        """The last lines of the container that is the cause; empty if there are none."""
        query = {"container": pod.container, "tailLines": str(LOG_LINES)}
        if pod.reason == "CrashLoopBackOff":
            query["previous"] = "true"
        try:
            text = self.cluster.get_text(self.cluster.path("pods", pod.name, "log"), query, patience=0)
        except (Unreachable, RequestFailed):
            return []
        # Whatever was sent instead of so many lines.
        return [shown for line in text[-LOG_SIZE:].splitlines()[-LOG_LINES:] if (shown := plain(line))]


def held_paused(deployment: Json) -> bool:
    """Whether a Deployment has pods of an older template and is paused, so that no time replaces them."""
    status = deployment.get("status") or {}
    observed = int(status.get("observedGeneration") or 0) >= int(deployment["metadata"].get("generation") or 0)
    old = int(status.get("updatedReplicas") or 0) < int(status.get("replicas") or 0)
    return bool(deployment["spec"].get("paused")) and observed and old


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
