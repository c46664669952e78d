# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-lived pods that try to pull an image each: only a node can tell whether it can be pulled.

A probe pod makes one try. Its program need not exist, because a kubelet pulls the image before it creates the
container.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from ..errors import LabError
from ..http.errors import Conflict, NotFound, Refused, RequestFailed, TemporaryFailure, Unreachable
from .cluster import Cluster
from .ours import PART_OF, delete_ours
from .predicates import IMAGE_REASONS, Json, finished, pod_state
from .wait import Look

CONTAINER = "probe"
PROBE = "temporal-lab-image"
LABELS = {"app.kubernetes.io/name": PROBE, **PART_OF}
SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
#: Waiting reasons of a container whose image the kubelet has: they occur only after the pull.
AFTER_PULL = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "RunContainerError",
    }
)
#: Reason of a container that is given up with its pod and may never have been created.
STATUS_UNKNOWN = "ContainerStatusUnknown"
#: Characters of a kubelet's message that are shown.
CAUSE_LENGTH = 160


@dataclass(frozen=True)
class ImageVerdict:
    """Whether an image is available (None: unknown), and why as a sentence without its full stop."""

    available: bool | None
    reason: str


def probe_name(image: str) -> str:
    """Name of the pod that tries to pull an image."""
    return f"{PROBE}-{hashlib.sha256(image.encode()).hexdigest()[:10]}"


def probe_pod(image: str, lifetime: int) -> Json:
    """The pod that tries to pull an image, for ``lifetime`` seconds at most.

    It keeps the restricted Pod Security Standard and names its limits, which a quota may ask for.
    """
    resources = {"cpu": "10m", "memory": "16Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": probe_name(image), "labels": LABELS},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "activeDeadlineSeconds": lifetime,
            # So that it is gone as soon as it is deleted.
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": CONTAINER,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/temporal-lab-probe"],
                    "resources": {"requests": resources, "limits": resources},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


def cause(message: str) -> str:
    """First line of a kubelet's message; of a long one the end, where the innermost error stands."""
    line = next(iter(message.strip().splitlines()), "").rstrip(". ")
    if len(line) <= CAUSE_LENGTH:
        return line
    end = line[-CAUSE_LENGTH:]
    return f"… {end.partition(': ')[2] or end}"


def not_known(image: str, why: str) -> ImageVerdict:
    return ImageVerdict(None, f"unknown whether {image} can be pulled: {why.rstrip('.')}")


def judge_probe(image: str, pod: Json, holders: list[str]) -> ImageVerdict | None:
    """What its probe pod shows about an image, None while it shows nothing.

    holders: nodes that had the image before; a pod on one of them proves no pull.
    """
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    state = next((entry.get("state") or {} for entry in statuses if entry["name"] == CONTAINER), {})
    waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
    reason = waiting.get("reason")
    if reason in IMAGE_REASONS:
        return ImageVerdict(False, f"{image} cannot be pulled: {cause(waiting.get('message') or reason)}")
    was_created = bool(terminated) and terminated.get("reason") != STATUS_UNKNOWN
    if "running" in state or was_created or reason in AFTER_PULL:
        held = pod["spec"].get("nodeName") in holders
        return ImageVerdict(True, f"{image} is on a node" if held else f"{image} could be pulled")
    if finished(pod):
        return not_known(image, f"its pod {pod_state(pod).why}")
    return None


@dataclass
class Probes:
    """One pod for each image, watched until each has a verdict, and deleted afterwards.

    holders: by image, the nodes that have it. lifetime: seconds after which the pods stop by themselves.
    verdicts: what is known. created: images whose pod there is. asked_for: images whose pod there may be. uids: of the
    pods that were created, by image.
    """

    cluster: Cluster
    holders: dict[str, list[str]]
    lifetime: int
    verdicts: dict[str, ImageVerdict] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    uids: dict[str, str] = field(default_factory=dict)
    asked_for: set[str] = field(default_factory=set)

    @property
    def pending(self) -> list[str]:
        return [image for image in self.holders if image not in self.verdicts]

    def look(self, _elapsed: float) -> Look[dict[str, str]]:
        """The value is, by pending image, what its pod waits for; empty if unknown."""
        for image in self.pending:
            if image not in self.created:
                self._create(image)
        pods = {}
        if self.pending:
            pods = {pod["metadata"]["name"]: pod for pod in self.cluster.list_objects("pods", SELECTOR)}
        held_up = {}
        for image in self.pending:
            pod = pods.get(probe_name(image)) if image in self.created else None
            verdict = judge_probe(image, pod, self.holders[image]) if pod else None
            if verdict:
                self.verdicts[image] = verdict
            else:
                held_up[image] = pod_state(pod).why if pod and not pod["spec"].get("nodeName") else ""
        return Look(not held_up, held_up, self._text(list(held_up)))

    def _text(self, pending: list[str]) -> str:
        if pending:
            return f"trying to pull {', '.join(pending)}"
        found = sum(verdict.available is True for verdict in self.verdicts.values())
        return f"{found} of {len(self.verdicts)} images could be pulled"

    def _create(self, image: str) -> None:
        """Create the pod of an image; when that cannot be done yet, the next look tries again."""
        self.asked_for.add(image)
        try:
            made = self.cluster.create("pods", probe_pod(image, self.lifetime))
            metadata = made.get("metadata")
            self.uids[image] = str(metadata.get("uid") or "") if isinstance(metadata, dict) else ""
            self.created.add(image)
        except TemporaryFailure:
            raise
        except Conflict:
            # Left by a probe that was cut off; one of somebody else's stays, and nothing is known of the image.
            _uid, why = delete_ours(self.cluster, "pods", probe_name(image))
            if why:
                self.asked_for.discard(image)
                self.verdicts[image] = not_known(image, why)
        except (Refused, NotFound) as error:
            self.asked_for.discard(image)
            # A namespace gets its service account a moment after it is created.
            if "error looking up service account" not in error.said:
                self.verdicts[image] = not_known(image, error.msg)
        except RequestFailed as error:
            self.verdicts[image] = not_known(image, error.msg)

    def delete(self) -> list[str]:
        """Delete the pods; return a sentence for each that may have stayed."""
        stayed: list[str] = []
        for image in sorted(self.asked_for):
            try:
                if image in self.created:
                    self.cluster.delete("pods", probe_name(image), self.uids.get(image, ""))
                else:
                    delete_ours(self.cluster, "pods", probe_name(image))
            except Unreachable as error:
                # The others would be waited for as long, in vain.
                return [*stayed, f"Pods {PROBE}-* may be left in namespace {self.cluster.namespace}: {error.msg}"]
            except LabError as error:
                stayed.append(f"Pod {probe_name(image)} is left in namespace {self.cluster.namespace}: {error.msg}")
        return stayed
