# SPDX-License-Identifier: GPL-3.0-or-later
"""A Deployment that is not as it was set: what differs, who changed it, and the error that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..foreign_text import plain
from .authors import REPLICAS, SPEC, author_of, env_path
from .authors import when as when_set
from .autoscalers import Autoscaler, autoscalers_of
from .cluster import Cluster
from .predicates import Json, replicas_wanted


class Undone(LabError):
    """Something changed what a stage had set, so that what is measured is not what was asked for."""


@dataclass(frozen=True)
class Difference:
    """``text`` goes on after the Deployment's name; ``path`` is that of the field in managedFields."""

    text: str
    path: Sequence[str]


def differences(deployment: Json, expected: Mapping[str, Any]) -> Iterator[Difference]:
    """How a Deployment differs from the ``replicas`` and ``env`` that it is to have; None is any number."""
    replicas, now = expected.get("replicas"), replicas_wanted(deployment)
    if replicas is not None and replicas != now:
        yield Difference(f"has {counted(now)} and not the {replicas} that were asked for", REPLICAS)
    containers = container_env(deployment)
    for name, value in (expected.get("env") or {}).items():
        found = {container: env[name] for container, env in containers.items() if name in env}
        if value is not None and value not in found.values():
            container, given = next(iter(found.items()), (next(iter(containers), ""), None))
            text = f"has {name}={plain(given)}" if given else f"has no {name}"
            yield Difference(f"{text} and not the {value} that was asked for", env_path(container, name))


def container_env(owner: Json) -> dict[str, dict[str, str]]:
    """The environment of each container, by name, of a pod or of a Deployment's template; text alone."""
    spec = owner.get("spec") or {}
    spec = (spec.get("template") or {}).get("spec") or spec
    return {
        container["name"]: {
            entry["name"]: entry.get("value") or "" for entry in container.get("env") or [] if "valueFrom" not in entry
        }
        for container in spec.get("containers") or []
    }


def counted(replicas: int) -> str:
    return f"{replicas} replica" if replicas == 1 else f"{replicas} replicas"


def undone(cluster: Cluster, deployment: Json, found: Difference, when: str = "") -> Undone:
    """The error for a difference, with who made it as far as the cluster tells. when: the beginning of a sentence."""
    name = deployment["metadata"]["name"]
    # Of the whole specification the lab has set a part itself.
    author = author_of(deployment, found.path, others=found.path == SPEC)
    who = (
        f": {author.text} changed that{when_set(author)}"
        if author
        else ", and the cluster does not tell who changed it"
    )
    scalers = autoscalers_of(cluster, name)
    told = "".join(f"; {one.text}" for one in scalers)
    first = begin(when, f"the Deployment {name} in namespace {cluster.namespace} {found.text}")
    return Undone(
        f"{first}{who}{told}. {cure(scalers)}",
        deployment=name,
        changed_by=author.manager if author else None,
        changed_time=author.time if author else None,
        autoscalers=[f"{one.kind}/{one.name}" for one in scalers],
    )


def begin(when: str, text: str) -> str:
    """The beginning of a sentence and what goes on after it."""
    first = when + text
    return first[0].upper() + first[1:]


def cure(scalers: Sequence[Autoscaler]) -> str:
    """What to do about it, as a sentence."""
    if scalers:
        named = " and ".join(f"{one.kind} {one.name}" for one in scalers)
        return f"Remove {named} for the time of the lab, or change its bounds, and run the stage again."
    return (
        "Stop what changes it (an autoscaler, a GitOps controller such as Argo CD, another person) for the time of the "
        "lab, and run the stage again."
    )


def refuse_bounds(cluster: Cluster, deployment: str, replicas: int, kinds: tuple[str, ...]) -> None:
    """Raise Undone, before anything is changed, where an autoscaler would undo that number of replicas."""
    against = [one for one in autoscalers_of(cluster, deployment, kinds) if not one.permits(replicas)]
    if against:
        told = "; ".join(one.text for one in against)
        raise Undone(
            f"The Deployment {deployment} in namespace {cluster.namespace} cannot be given {counted(replicas)}: {told} "
            f"and would undo it. {cure(against)}",
            deployment=deployment,
            autoscalers=[f"{one.kind}/{one.name}" for one in against],
        )
