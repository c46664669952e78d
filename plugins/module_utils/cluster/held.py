# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to stay as it is from the end of a rollout to the end of the windows: Deployments and their pods.

A task that waits for a rollout returns it (``held``), and the task that measures reads it back: before it waits, while
windows run, and when they are over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import LabError
from ..findings import Finding, finding
from ..http.errors import RequestFailed, Unreachable
from .authors import OWN, REPLICAS, SPEC, TEMPLATE, author_of, authors_of
from .cluster import Cluster
from .predicates import Json, deployment_state, finished, last_ending, pod_state, replicas_wanted
from .undone import Difference, Undone, begin, container_env, counted, cure, differences, undone
from .workloads import find_deployments, pods_of

#: Label of a pod that says of which of a Deployment's ReplicaSets it is.
REVISION = "pod-template-hash"
#: How many pods a sentence names.
NAMED = 3


@dataclass(frozen=True)
class Held:
    """A Deployment as it was when its rollout was over.

    env: the variables that a stage has set or shown. revision: of its ReplicaSet, empty where its pods do not say.
    restarts: of each of its pods until then. set_by: whose its number of replicas is, by the cluster's record, this
    lab first; empty where it has none. A Deployment with no replicas need not exist.
    """

    name: str
    replicas: int
    env: Mapping[str, str | None] = field(default_factory=dict)
    uid: str = ""
    generation: int = 0
    revision: str = ""
    pods: Sequence[str] = ()
    set_by: str = ""
    restarts: Mapping[str, int] = field(default_factory=dict)

    def as_result(self) -> Json:
        return {**asdict(self), "env": dict(self.env), "pods": list(self.pods), "restarts": dict(self.restarts)}


def held_now(deployment: Json, pods: Iterable[Json], env: Mapping[str, str | None]) -> Held:
    """What is to stay of a Deployment that is rolled out."""
    living = [pod for pod in pods if not finished(pod)]
    author = author_of(deployment, REPLICAS)
    own = any(one.own for one in authors_of(deployment, REPLICAS))
    metadata = deployment["metadata"]
    return Held(
        name=metadata["name"],
        replicas=replicas_wanted(deployment),
        env=dict(env),
        uid=metadata.get("uid") or "",
        generation=int(metadata.get("generation") or 0),
        revision=min(revisions(living), default="") if len(revisions(living)) == 1 else "",
        pods=sorted(pod["metadata"]["name"] for pod in living),
        set_by=OWN if own else author.manager if author else "",
        restarts={state.name: state.restarts for state in map(pod_state, living)},
    )


def revisions(pods: Iterable[Json]) -> set[str]:
    found = {str((pod["metadata"].get("labels") or {}).get(REVISION) or "") for pod in pods}
    return found - {""}


def read_held(given: Sequence[Mapping[str, Any]]) -> list[Held]:
    """What tasks returned as ``held``; of two of one Deployment the last counts. Raises LabError."""
    found: dict[str, Held] = {}
    for entry in given:
        try:
            held = Held(**entry)
            found[held.name] = Held(
                str(held.name),
                int(held.replicas),
                {str(name): None if value is None else str(value) for name, value in held.env.items()},
                str(held.uid),
                int(held.generation),
                str(held.revision),
                [str(name) for name in held.pods],
                restarts={str(name): int(number) for name, number in held.restarts.items()},
            )
        except (AttributeError, TypeError, ValueError):
            raise LabError(
                "`held` takes what deployment_rollout and temporal_scale return as `held`: at least `name` and "
                "`replicas` of each Deployment."
            ) from None
    return list(found.values())


@dataclass(frozen=True)
class Holding:
    """Reads back what has to stay."""

    cluster: Cluster
    held: Sequence[Held]

    def check(self, when: str) -> list[Finding]:
        """Read Deployments and pods back; return what is no failure and yet good to know. Raises Undone and others.

        when: the beginning of a sentence, such as "While the windows ran, ".
        """
        deployments = self.check_deployments(when)
        running = {one.name: one for one in self.held if one.replicas and one.name in deployments}
        if not running:
            return []
        pods = pods_of(self.cluster, {name: deployments[name] for name in running})
        return [
            found for name, one in running.items() for found in self._pods(one, deployments[name], pods[name], when)
        ]

    def glance(self) -> None:
        """Read the Deployments back while windows run. Only that something was undone is raised."""
        with contextlib.suppress(RequestFailed, Unreachable):
            self.check_deployments("While the windows ran, ")

    def check_deployments(self, when: str) -> dict[str, Json]:
        """Read the Deployments alone back: one request. Raises Undone and others."""
        if not self.held:
            return {}
        there = find_deployments(self.cluster, [one.name for one in self.held])
        for one in self.held:
            deployment = there.get(one.name)
            if deployment is not None:
                self._same(one, deployment, when)
            elif one.replicas:
                text = f"the Deployment {one.name} in namespace {self.cluster.namespace} was deleted"
                raise Undone(f"{begin(when, text)}. {cure(())}", deployment=one.name)
        return there

    def _same(self, one: Held, deployment: Json, when: str) -> None:
        now, metadata = replicas_wanted(deployment), deployment["metadata"]
        if now != one.replicas:
            text = f"has {counted(now)}, and had {one.replicas} before"
            raise undone(self.cluster, deployment, Difference(text, REPLICAS), when)
        if one.uid and metadata.get("uid") != one.uid:
            raise undone(self.cluster, deployment, Difference("was deleted and made again", SPEC), when)
        for difference in differences(deployment, {"env": one.env}):
            raise undone(self.cluster, deployment, difference, when)
        generation = int(metadata.get("generation") or 0)
        if one.generation and generation != one.generation:
            text = f"was changed (generation {one.generation} became {generation}), whatever it is now"
            raise undone(self.cluster, deployment, Difference(text, SPEC), when)

    def _pods(self, one: Held, deployment: Json, pods: Sequence[Json], when: str) -> list[Finding]:
        own = [pod for pod in pods if not finished(pod)]
        others = sorted(revisions(own) - {one.revision}) if one.revision else []
        if others:
            strange = [pod["metadata"]["name"] for pod in own if revisions([pod]) & set(others)]
            text = f"runs pods of another revision ({_some(strange)})"
            raise undone(self.cluster, deployment, Difference(text, TEMPLATE), when)
        for pod in own:
            env = {name: value for values in container_env(pod).values() for name, value in values.items()}
            for name, value in one.env.items():
                if value is not None and name in env and env[name] != value:
                    text = f"has a pod ({pod['metadata']['name']}) with {name}={env[name]} and not {value}"
                    raise undone(self.cluster, deployment, Difference(text, TEMPLATE), when)
        new = sorted({pod["metadata"]["name"] for pod in own} - set(one.pods)) if one.pods else []
        states = [pod_state(pod) for pod in own]
        unready = [state.name for state in states if not state.ready]
        restarted = {
            state.name: state.restarts - one.restarts.get(state.name, 0)
            for state in states
            if state.restarts > one.restarts.get(state.name, 0)
        }
        found = []
        if restarted and one.restarts:
            times = sum(restarted.values())
            why = ", ".join(dict.fromkeys(ending for pod in own if (ending := last_ending(pod))))
            found.append(
                finding(
                    "pods_restarted",
                    "warn",
                    f"{one.name} restarted {'once' if times == 1 else f'{times} times'} since its rollout "
                    f"({_some(list(restarted))}{f'; {why}' if why else ''})",
                    "What a process counted since its last scrape is lost, and its work stood still for a while.",
                    "See why (kubectl describe pod), and run the stage again.",
                )
            )
        if new:
            found.append(
                finding(
                    "pods_replaced",
                    "warn",
                    f"{one.name} has other pods than before the windows ({_some(new)})",
                    "Figures are those of two generations of pods, and of the time between them.",
                    "See why the old ones went (kubectl get events), and run the stage again.",
                )
            )
        if unready and not deployment_state(deployment, own).done:
            found.append(
                finding(
                    "pods_unready",
                    "warn",
                    f"{len(unready)} of {len(own)} pods of {one.name} are not ready at the end ({_some(unready)})",
                    "The load, or what served it, was less than what was asked for.",
                    "See what holds them up (kubectl describe pod), and run the stage again.",
                )
            )
        return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
