# SPDX-License-Identifier: GPL-3.0-or-later
"""The patch that gives one Deployment the requested replicas and environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from .predicates import Json, replicas_wanted


@dataclass(frozen=True)
class DeploymentChange:
    """What one Deployment needs: ``patch`` is None when it is as wanted.

    before, after: ``replicas`` (the number) and ``env`` (of the requested names).
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
) -> DeploymentChange:
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
        return DeploymentChange(before, after)
    return DeploymentChange(before, after, {"spec": spec}, scale="template" not in spec)


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
