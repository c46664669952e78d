# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resources of a cluster say about themselves; pure functions over the API's objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..foreign_text import plain

Json = dict[str, Any]

#: Seconds by which a Deployment's status may lag behind its pods, the resolution of times included.
STATUS_DELAY = 2.0
#: Waiting reasons that no time cures.
HOPELESS = frozenset({"ErrImageNeverPull", "InvalidImageName"})
#: Waiting reasons that mostly stay, but may pass: a registry or a Secret can come back.
DOUBTFUL = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImagePullBackOff",
        "RunContainerError",
    }
)
IMAGE_REASONS = frozenset({"ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"})


def seconds(stamp: str | None) -> float | None:
    """Unix seconds of an RFC 3339 time of the API, None for none. Raises ValueError."""
    if not stamp:
        return None
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    # Without a zone it would be this machine's, and some years cannot be converted.
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def condition(resource: Json, kind: str) -> Json:
    """The condition of that type, empty when the resource has none."""
    for entry in (resource.get("status") or {}).get("conditions") or []:
        if entry.get("type") == kind:
            found: Json = entry
            return found
    return {}


def matches(selector: Json, labels: dict[str, str]) -> bool:
    """Whether labels meet a label selector (matchLabels and matchExpressions); an empty one meets none."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    if not wanted and not expressions:
        return False
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(expression, labels) for expression in expressions)


def _meets(expression: Json, labels: dict[str, str]) -> bool:
    key: str = expression["key"]
    operator: str = expression["operator"]
    values: list[str] = expression.get("values") or []
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    return (key in labels) == (operator == "Exists")


# -- pods -------------------------------------------------------------------


@dataclass(frozen=True)
class PodState:
    """One pod.

    why: why it is not ready, as the end of a sentence; empty when it is ready.
    reason: the API's word for that, such as CrashLoopBackOff; empty when it has none.
    container: the container that is the cause; empty when none is.
    created: Unix seconds (resolution 1 s) of its making.
    ready_time: Unix seconds (resolution 1 s) of the change to ready, None while it is not ready.
    restarts: of all its containers. image: of its first container.
    """

    name: str
    ready: bool
    terminating: bool
    why: str
    reason: str
    container: str
    created: float | None
    ready_time: float | None
    restarts: int
    node: str
    image: str

    def as_result(self) -> Json:
        """The pod as tasks return it."""
        return {
            "name": self.name,
            "ready": self.ready,
            "why": self.why,
            "created": self.created,
            "ready_time": self.ready_time,
            "restarts": self.restarts,
            "node": self.node,
            "image": self.image,
        }


def finished(pod: Json) -> bool:
    """Whether the pod has ended for good, as an evicted one or one of a Job; it counts for no workload."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def pod_state(pod: Json) -> PodState:
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    terminating = bool(metadata.get("deletionTimestamp"))
    ready_condition = condition(pod, "Ready")
    ready = ready_condition.get("status") == "True" and not terminating
    why, reason, container = ("", "", "") if ready else _why(pod)
    statuses = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    containers = spec.get("containers") or []
    return PodState(
        name=metadata["name"],
        ready=ready,
        terminating=terminating,
        why=why,
        reason=reason,
        container=container,
        created=seconds(metadata.get("creationTimestamp")),
        ready_time=seconds(ready_condition.get("lastTransitionTime")) if ready else None,
        restarts=sum(int(entry.get("restartCount") or 0) for entry in statuses),
        node=spec.get("nodeName") or "",
        image=containers[0].get("image", "") if containers else "",
    )


def _why(pod: Json) -> tuple[str, str, str]:
    """Why a pod is not ready: the end of a sentence, the API's reason and the container."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "is terminating", "Terminating", ""
    if finished(pod):
        reason = status.get("reason") or status["phase"]
        return _with(f"has ended ({reason})", status.get("message")), reason, ""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        reason = scheduled.get("reason") or "Unschedulable"
        return _with("has no node", scheduled.get("message") or reason), reason, ""
    containers = (pod.get("spec") or {}).get("initContainers") or []
    # A sidecar is an init container that runs on; nothing waits for it.
    sidecars = {container["name"] for container in containers if container.get("restartPolicy") == "Always"}
    for entry in status.get("initContainerStatuses") or []:
        found = _init_container(entry, sidecar=entry["name"] in sidecars)
        if found:
            return found
    for entry in status.get("containerStatuses") or []:
        found = _container(entry)
        if found:
            return found
    if not (pod.get("spec") or {}).get("nodeName"):
        return "waits for a node", "Pending", ""
    if not status.get("containerStatuses"):
        return "was not started by its node yet", "Pending", ""
    gate: Json = next((c for c in status.get("conditions") or [] if c.get("status") != "True"), {})
    return _with("is not ready", gate.get("message") or gate.get("reason")), gate.get("reason") or "", ""


def _init_container(entry: Json, sidecar: bool) -> tuple[str, str, str] | None:
    name, state = entry["name"], entry.get("state") or {}
    if "running" in state:
        return None if sidecar else (f"waits for its init container {name}", "Initializing", name)
    if "terminated" in state:
        code = state["terminated"].get("exitCode")
        return None if code == 0 else (f"init container {name} ended with exit code {code}", "Error", name)
    return _waiting(entry, "init container ")


def _container(entry: Json) -> tuple[str, str, str] | None:
    name, state = entry["name"], entry.get("state") or {}
    if "terminated" in state:
        ended = state["terminated"]
        reason = ended.get("reason") or "Error"
        return f"container {name} has ended ({_ending(ended)})", reason, name
    if "running" in state:
        if entry.get("ready"):
            return None
        last = (entry.get("lastState") or {}).get("terminated")
        before = f", after {_restarts(entry)} ({_ending(last)})" if last else ""
        return f"container {name} runs but its readiness probe does not pass yet{before}", "NotReady", name
    return _waiting(entry, "container ")


def _waiting(entry: Json, kind: str) -> tuple[str, str, str]:
    name, waiting = entry["name"], (entry.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason") or "Waiting"
    if reason in IMAGE_REASONS:
        return _with(f"{kind}{name} has no image {entry.get('image')} ({reason})", waiting.get("message")), reason, name
    if reason == "CrashLoopBackOff":
        last = (entry.get("lastState") or {}).get("terminated") or {}
        return f"{kind}{name} is crash-looping ({_ending(last)}, {_restarts(entry)})", reason, name
    if reason in ("ContainerCreating", "PodInitializing", "Waiting"):
        return f"{kind}{name} is being created", reason, name
    return _with(f"{kind}{name} cannot start ({reason})", waiting.get("message")), reason, name


def _ending(terminated: Json) -> str:
    """How a container ended: OOMKilled is the one reason that says more than its exit code."""
    if terminated.get("reason") == "OOMKilled":
        return "OOMKilled: it needs more memory than its limit"
    if terminated.get("exitCode") is None:
        return "exit code unknown"
    return f"exit code {terminated['exitCode']}"


def last_ending(pod: Json) -> str:
    """How a container of a pod ended before its last restart; empty where none was restarted."""
    for entry in (pod.get("status") or {}).get("containerStatuses") or []:
        last = (entry.get("lastState") or {}).get("terminated")
        if last:
            return _ending(last)
    return ""


def _restarts(entry: Json) -> str:
    count = int(entry.get("restartCount") or 0)
    return f"{count} restart" if count == 1 else f"{count} restarts"


def _with(text: str, message: str | None) -> str:
    said = plain(message)
    return f"{text}: {said}" if said else text


# -- workloads --------------------------------------------------------------


@dataclass(frozen=True)
class WorkloadState:
    """A Deployment.

    done: it is as its specification wants it. text: how far it is, "1 of 2 pods ready".
    why: what holds it up beside its pods, empty when nothing is known.
    refused: the API server does not let its pods be made, as for want of quota.
    """

    done: bool
    text: str
    why: str = ""
    refused: bool = False


def replicas_wanted(workload: Json) -> int:
    """``spec.replicas``; the API's default is one."""
    value = workload["spec"].get("replicas")
    return 1 if value is None else int(value)


def deployment_state(deployment: Json, pods: list[Json]) -> WorkloadState:
    """Whether a Deployment is rolled out: all its pods are new and available, and the old ones are gone.

    pods: those that its selector finds. As the API does not count pods that are
    terminating, they are looked at here.
    """
    status, wanted = deployment.get("status") or {}, replicas_wanted(deployment)
    living = [pod for pod in pods if not finished(pod)]
    observed = int(status.get("observedGeneration") or 0) >= int(deployment["metadata"].get("generation") or 0)
    counts = [int(status.get(name) or 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    counts += [len(living), sum(pod_state(pod).ready for pod in living)]
    done = observed and all(count == wanted for count in counts)
    return WorkloadState(
        done,
        _deployment_text(deployment, living, observed),
        "" if done else _deployment_why(deployment, observed),
        refused=not done and observed and condition(deployment, "ReplicaFailure").get("status") == "True",
    )


def _deployment_text(deployment: Json, pods: list[Json], observed: bool) -> str:
    """How far a Deployment is: "1 of 2 pods ready, 1 old pod remains"."""
    if not observed:
        return "its controller has not observed the change yet"
    status, wanted = deployment.get("status") or {}, replicas_wanted(deployment)
    current = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    leaving = len(pods) - len(current)
    if int(status.get("replicas") or 0) > int(status.get("updatedReplicas") or 0):
        # Both revisions run: the newest pod is of the new one, once there is one of it.
        newest = max(current, key=lambda pod: pod["metadata"].get("creationTimestamp") or "", default=None)
        revision = _revision(newest) if newest and status.get("updatedReplicas") else None
        new = [pod for pod in current if revision is not None and _revision(pod) == revision]
        leaving += len(current) - len(new)
        current = new
    ready = sum(pod_state(pod).ready for pod in current)
    text = f"{min(ready, wanted)} of {wanted} pods ready" if wanted else "no pods wanted"
    return f"{text}, {leaving} old {'pod remains' if leaving == 1 else 'pods remain'}" if leaving else text


def _revision(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get("pod-template-hash", ""))


def _deployment_why(deployment: Json, observed: bool) -> str:
    if deployment["spec"].get("paused"):
        return "its rollout is paused (kubectl rollout resume)"
    failure = condition(deployment, "ReplicaFailure")
    if observed and failure.get("status") == "True":
        return _with("no pod could be created", failure.get("message"))
    return ""


def rolled_out_time(deployment: Json, pods: list[Json]) -> float | None:
    """When a rolled out Deployment came to be so, by the cluster's own record (Unix seconds, resolution 1 s).

    That is when the last of its pods became ready. When its status changed after
    that, pods were taken away or had to be ready for a while, and it is when it
    last changed. None when the API keeps no such record.
    """
    ready = max((moment for moment in (pod_state(pod).ready_time for pod in pods) if moment is not None), default=None)
    counted = _status_time(deployment)
    if ready is None or (counted is not None and counted > ready + STATUS_DELAY):
        return counted
    return ready


def _status_time(deployment: Json) -> float | None:
    """When the status last changed, from the API's record of who manages which field."""
    times = [
        seconds(entry.get("time"))
        for entry in deployment["metadata"].get("managedFields") or []
        if "f:status" in (entry.get("fieldsV1") or {})
    ]
    return max((moment for moment in times if moment is not None), default=None)
