# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU and memory that the nodes have free, and whether that is enough for the lab."""

from __future__ import annotations

from typing import Any

from ..errors import LabError
from ..findings import Finding, finding
from .predicates import Json, finished

IMPORT_ERROR: ImportError | None = None
try:
    from kubernetes import utils
except ImportError as error:
    IMPORT_ERROR = error


def require_kubernetes() -> None:
    """Raises LabError when a Python package that this needs is missing."""
    if IMPORT_ERROR is not None:
        raise LabError(
            f"The Python package {IMPORT_ERROR.name or 'kubernetes'} is missing from the Python that runs this task: "
            f"install the packages kubernetes and requests into it."
        )


def quantity(text: str) -> float:
    """The number of a Kubernetes quantity, such as 0.5 for 500m. Raises ValueError."""
    parse: Any = utils.parse_quantity
    return float(parse(text))


def free_resources(nodes: list[Json], pods: list[Json]) -> dict[str, float]:
    """CPU (cores) and memory (bytes) of the nodes that the pods on them have not requested."""
    names = {node["metadata"]["name"] for node in nodes}
    free = {
        name: sum((quantity(_allocatable(node).get(name) or "0") for node in nodes), start=0.0)
        for name in ("cpu", "memory")
    }
    for pod in pods:
        if finished(pod) or (pod.get("spec") or {}).get("nodeName") not in names:
            continue
        for container in pod["spec"].get("containers") or []:
            requests = (container.get("resources") or {}).get("requests") or {}
            for name in free:
                free[name] -= quantity(requests.get(name) or "0")
    return free


def _allocatable(node: Json) -> Json:
    """What a node has for pods; nothing before its kubelet has said so."""
    found: Json = (node.get("status") or {}).get("allocatable") or {}
    return found


def wanted_resources(wanted: dict[str, str | None]) -> dict[str, float]:
    """Requested cores and bytes, by name; what is not given is left out. Raises LabError."""
    numbers = {}
    for name, asked in wanted.items():
        if asked is None:
            continue
        try:
            numbers[name] = quantity(asked)
        except ValueError:
            raise LabError(f"wanted.{name} is {asked!r}, which is no Kubernetes quantity such as 2 or 4Gi.") from None
    return numbers


def judge_resources(free: dict[str, float], wanted: dict[str, float], all_pods: bool) -> list[Finding]:
    """One finding for each requested resource. all_pods: whether the requests of other pods were subtracted."""
    findings = []
    for name, need in wanted.items():
        unit, size = ("GiB", 2.0**30) if name == "memory" else ("cores", 1.0)
        kept = "free" if all_pods else "allocatable on the nodes, before what other pods use"
        title = f"the lab needs {need / size:.1f} {unit} of {name}; {free[name] / size:.1f} are {kept}"
        if free[name] >= need:
            findings.append(finding(name, "pass" if all_pods else "warn", title))
        else:
            findings.append(
                finding(
                    name,
                    "fail",
                    title,
                    "Pods of the lab will wait for a node.",
                    "Free some, add a node, or lower the requests in the values of the chart.",
                )
            )
    return findings
