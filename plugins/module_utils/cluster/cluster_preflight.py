# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_preflight: can the lab run on this cluster, judged by the cluster and the control node alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import LabError
from ..findings import Finding, finding, sentence, show_faulty
from ..http.errors import Refused
from ..task import Context, Params, Result, Task
from .capacity import free_resources, judge_resources, require_kubernetes, wanted_resources
from .cluster import Cluster
from .connect import CLUSTER
from .helm import core_version, helm_version, judge_helm
from .images import images_present, usable_nodes
from .permissions import NEEDED, Permission, allowed, judge_permissions, missing_permissions
from .predicates import Json

SPEC: dict[str, Any] = {
    **CLUSTER,
    "wanted": {
        "type": "dict",
        "default": {},
        "options": {"cpu": {"type": "str"}, "memory": {"type": "str"}},
    },
    "images": {"type": "list", "elements": "str", "default": []},
    "permissions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "verb": {"type": "str", "required": True},
            "group": {"type": "str", "default": ""},
            "resource": {"type": "str", "required": True},
            "subresource": {"type": "str", "default": ""},
        },
    },
    "helm": {"type": "str", "default": "helm"},
    "unusable": {"type": "str", "default": ""},
    "clock_skew_warn": {"type": "float", "default": 2.0},
    "clock_skew_fail": {"type": "float", "default": 30.0},
}


#: Images with this prefix are built by the node role and are in no registry.
LOCAL_IMAGES = "localhost/"


# -- judging, without a cluster ---------------------------------------------


def judge_clock(skew: float | None, warn: float, fail: float) -> Finding:
    """skew: seconds that the cluster's clock is ahead of the control node's."""
    if skew is None:
        return finding("clock", "warn", "The API server's response has no date", "The clocks cannot be compared.", "")
    title = f"The clocks of the cluster and of this machine differ by {abs(skew):.1f} s"
    if abs(skew) <= warn:
        return finding("clock", "pass", title)
    return finding(
        "clock",
        "fail" if abs(skew) > fail else "warn",
        title,
        f"Windows that begin at an event recorded by this machine are {abs(skew):.1f} s off.",
        "Synchronise both clocks with NTP.",
    )


def judge_namespace(name: str, found: Json | None, may_create: bool) -> Finding:
    """found: the Namespace, None when there is none."""
    if found is None and may_create:
        return finding("namespace", "pass", f"Namespace {name} does not exist and may be created")
    if found is None:
        return finding(
            "namespace",
            "fail",
            f"Namespace {name} does not exist and may not be created",
            "Nothing can be installed.",
            "Have the owner of the cluster create it, or name another one in the option namespace.",
        )
    if (found.get("status") or {}).get("phase") == "Terminating":
        return finding(
            "namespace",
            "fail",
            f"Namespace {name} is being deleted",
            "Nothing can be installed into it.",
            "Wait until it is gone, or name another one in the option namespace.",
        )
    return finding("namespace", "pass", f"Namespace {name} exists")


def judge_nodes(nodes: list[Json]) -> Finding:
    usable = usable_nodes(nodes)
    title = f"{len(usable)} of {len(nodes)} nodes are ready and take pods"
    if usable:
        return finding("nodes", "pass", title)
    return finding("nodes", "fail", title, "No pod can start.", "Check kubectl describe nodes.")


def judge_images(present: dict[str, bool]) -> Finding:
    missing = [image for image, there in present.items() if not there]
    local = [image for image in missing if image.startswith(LOCAL_IMAGES)]
    if not missing:
        return finding("images", "pass", f"All {len(present)} images are on the nodes")
    if local:
        return finding(
            "images",
            "fail",
            f"{len(local)} images are missing from some nodes and have no registry: {', '.join(local)}",
            "Their pods cannot start.",
            "Restart the embedded node, which loads them, or use images from a registry.",
        )
    return finding(
        "images",
        "warn",
        f"{len(missing)} of {len(present)} images are missing from some nodes: {', '.join(missing)}",
        "The first install takes as long as they take to pull.",
        "Nothing, if the nodes can reach the registry.",
    )


# -- asking -----------------------------------------------------------------


def clock_skew(before: float, date: str | None, after: float) -> float | None:
    """Seconds that a server's clock is ahead, from its Date header and the times around the request."""
    if not date:
        return None
    try:
        # The header leaves the fraction of the second off.
        told = parsedate_to_datetime(date).timestamp() + 0.5
    except (TypeError, ValueError):
        return None
    return round(told - (before + after) / 2, 1)


def is_of_lab(pod: Json, cluster: Cluster) -> bool:
    """Whether a pod belongs to the release or the load of this student: what it uses is the lab's own."""
    labels = pod["metadata"].get("labels") or {}
    return pod["metadata"].get("namespace") == cluster.namespace and (
        labels.get("app.kubernetes.io/instance") == cluster.release
        or labels.get("app.kubernetes.io/part-of") == "temporal-lab"
    )


def check_nodes(
    cluster: Cluster, wanted: dict[str, float], images: list[str]
) -> tuple[list[Finding], dict[str, bool | None]]:
    """Findings about nodes, resources and images, and which images are present (None: unknown)."""
    try:
        nodes = cluster.list_objects("nodes")
    except Refused:
        unknown = finding(
            "nodes",
            "warn",
            "No permission to list nodes",
            "Free capacity and images are unknown.",
            "Ask for permission to list nodes, or just try to install.",
        )
        return [unknown], dict.fromkeys(images)
    findings = [judge_nodes(nodes)]
    usable = usable_nodes(nodes)
    if wanted:
        all_pods = True
        try:
            pods = [pod for pod in cluster.list_objects("pods", path="/api/v1/pods") if not is_of_lab(pod, cluster)]
        except Refused:
            pods, all_pods = [], False
        findings += judge_resources(free_resources(usable, pods), wanted, all_pods)
    present = images_present(images, usable)
    if images:
        findings.append(judge_images(present))
    return findings, {**present}


def check_namespace(cluster: Cluster) -> Finding:
    try:
        found = cluster.find("namespaces", cluster.namespace)
    except Refused:
        return finding(
            "namespace",
            "warn",
            f"No permission to read namespace {cluster.namespace}",
            "It is assumed to exist.",
            "",
        )
    may_create = found is None and allowed(cluster, Permission("create", "namespaces"), None)
    return judge_namespace(cluster.namespace, found, may_create)


def run(params: Params, context: Context, wall: Callable[[], float] = time.time) -> Result:
    """Return ``findings``, ``faults`` (the fails as sentences), ``images_present`` and ``versions``.

    Nothing is changed, and a check that fails raises nothing.
    """
    require_kubernetes()
    wanted = wanted_resources(params["wanted"])
    helm = helm_version(params["helm"])
    versions = {"kubernetes": "", "helm": helm or ""}
    findings: list[Finding] = []
    present: dict[str, bool | None] = dict.fromkeys(params["images"])
    try:
        if params["unusable"]:
            # A login program that hangs would take its minute again.
            raise LabError(params["unusable"])
        with Cluster.from_params(params) as cluster:
            before = wall()
            answer = cluster.request("GET", "/version")
            skew = clock_skew(before, answer.headers.get("Date"), wall())
            versions["kubernetes"] = str(cluster.decode(answer).get("gitVersion", ""))
            findings.append(
                finding("cluster", "pass", f"{cluster.server} answers, Kubernetes {versions['kubernetes']}")
            )
            findings.append(judge_clock(skew, params["clock_skew_warn"], params["clock_skew_fail"]))
            findings.append(check_namespace(cluster))
            needed = [*NEEDED, *(Permission(**entry) for entry in params["permissions"])]
            findings.append(judge_permissions(missing_permissions(cluster, needed), len(needed)))
            about_nodes, present = check_nodes(cluster, wanted, params["images"])
            findings += about_nodes
    except LabError as error:
        name = "api" if findings else "cluster"
        findings.append(finding(name, "fail", error.msg, "No stage can run on this cluster.", "Correct that first."))
    findings.append(judge_helm(params["helm"], helm, core_version()))
    show_faulty(findings, context.show)
    return {
        "changed": False,
        "findings": findings,
        "faults": [sentence(entry) for entry in findings if entry["state"] == "fail"],
        "images_present": present,
        "versions": versions,
    }


TASK = Task(SPEC, run)
