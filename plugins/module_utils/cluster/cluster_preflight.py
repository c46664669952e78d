# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_preflight: can the lab run on this cluster, judged by the cluster and the control node alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import LabError
from ..findings import Finding, finding, sentence, show_faulty
from ..http.errors import Refused
from ..task import Context, Params, Result, Task
from .cluster import Cluster
from .connect import CLUSTER
from .images import (
    images_present,
    usable_nodes,
)
from .kubeconfig import require_kubernetes
from .predicates import Json, finished

try:
    from kubernetes import utils
except ImportError:
    # require_kubernetes names the missing package.
    pass

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
    "clock_skew_warn": {"type": "float", "default": 2.0},
    "clock_skew_fail": {"type": "float", "default": 30.0},
}


@dataclass(frozen=True)
class Permission:
    """One thing that a user may do in a namespace, in the words of the API."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    @property
    def what(self) -> str:
        """What it is about, as kubectl names it: ``deployments.apps/scale``."""
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{name}/{self.subresource}" if self.subresource else name


def _each(verbs: str, group: str, *resources: str) -> list[Permission]:
    return [Permission(verb, resource, group) for resource in resources for verb in verbs.split()]


#: What the stages do in the student's namespace.
NEEDED: tuple[Permission, ...] = (
    *_each("get list create patch delete", "", "services", "configmaps", "secrets", "serviceaccounts"),
    # helm notes in the Secret of a release's older revision that there is a newer one.
    Permission("update", "secrets"),
    *_each("get list create patch delete", "apps", "deployments", "statefulsets"),
    *_each("list delete", "apps", "replicasets"),
    *_each("get list create patch delete", "batch", "jobs"),
    *_each("list delete", "", "pods"),
    *_each("list delete", "", "persistentvolumeclaims"),
    *_each("get create patch delete", "rbac.authorization.k8s.io", "roles", "rolebindings"),
    Permission("get", "pods", subresource="log"),
    # A port-forward over a WebSocket is a GET, to which newer API servers want create as well.
    Permission("get", "pods", subresource="portforward"),
    Permission("create", "pods", subresource="portforward"),
    Permission("get", "pods", subresource="proxy"),
    Permission("get", "services", subresource="proxy"),
    Permission("create", "services", subresource="proxy"),
    Permission("patch", "deployments", "apps", "scale"),
)
EVERYTHING = Permission("*", "*", "*")
#: Images with this prefix are made by the node role and are in no registry.
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


def judge_permissions(missing: list[Permission], checked: int) -> Finding:
    if not missing:
        return finding("permissions", "pass", "All that the lab does is permitted")
    verbs: dict[str, list[str]] = {}
    for permission in missing:
        verbs.setdefault(permission.what, []).append(permission.verb)
    named = "; ".join(f"{' '.join(asked)} {what}" for what, asked in verbs.items())
    return finding(
        "permissions",
        "fail",
        f"{len(missing)} of {checked} permissions are missing: {named}",
        "A stage that needs one of them will fail.",
        "Ask the owner of the cluster for them in this namespace.",
    )


def judge_nodes(nodes: list[Json]) -> Finding:
    usable = usable_nodes(nodes)
    title = f"{len(usable)} of {len(nodes)} nodes are ready and take pods"
    if usable:
        return finding("nodes", "pass", title)
    return finding("nodes", "fail", title, "No pod can start.", "Check kubectl describe nodes.")


def quantity(text: str) -> float:
    """The number of a Kubernetes quantity, such as 0.5 for 500m. Raises ValueError."""
    parse: Any = utils.parse_quantity
    return float(parse(text))


def free_resources(nodes: list[Json], pods: list[Json]) -> dict[str, float]:
    """CPU (cores) and memory (bytes) of the nodes that the pods on them have not requested."""
    names = {node["metadata"]["name"] for node in nodes}
    free = {
        name: sum((quantity(node["status"]["allocatable"][name]) for node in nodes), start=0.0)
        for name in ("cpu", "memory")
    }
    for pod in pods:
        if finished(pod) or (pod.get("spec") or {}).get("nodeName") not in names:
            continue
        for container in pod["spec"].get("containers") or []:
            requests = (container.get("resources") or {}).get("requests") or {}
            for name in free:
                free[name] -= quantity(requests.get(name, "0"))
    return free


def wanted_resources(wanted: dict[str, str | None]) -> dict[str, float]:
    """Cores and bytes that are wanted, by name; what is not given is left out. Raises LabError."""
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
    """One finding for each resource that is wanted. all_pods: what others have requested was taken off."""
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


def judge_helm(helm: str, version: str | None) -> Finding:
    """version: what the program says, None when there is no such program."""
    if version is None:
        return finding(
            "helm",
            "fail",
            f"There is no program {helm}",
            "The chart cannot be installed.",
            "Install helm 3, or give its path.",
        )
    found = re.match(r"v?(\d+)\.", version)
    if found and found[1] == "3":
        return finding("helm", "pass", f"helm is {version}")
    return finding(
        "helm",
        "fail",
        f"{helm} is not helm 3 but {version or 'something else'}",
        "kubernetes.core 6 cannot use it.",
        "Install helm 3, or give its path.",
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


def allowed(cluster: Cluster, permission: Permission, namespace: str | None) -> bool:
    """Ask the API server whether the user may do that."""
    attributes = {
        "verb": permission.verb,
        "group": permission.group,
        "resource": permission.resource,
        "subresource": permission.subresource,
        "namespace": namespace,
    }
    answer = cluster.create(
        "selfsubjectaccessreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        },
    )
    return bool((answer.get("status") or {}).get("allowed"))


def missing_permissions(cluster: Cluster, needed: Iterable[Permission]) -> list[Permission]:
    if allowed(cluster, EVERYTHING, cluster.namespace):
        return []
    return [permission for permission in needed if not allowed(cluster, permission, cluster.namespace)]


def helm_version(helm: str) -> str | None:
    """What ``helm version`` says, None when there is no such program."""
    program = shutil.which(helm)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "version", "--template", "{{.Version}}"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


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
    """Findings about nodes, resources and images, and which images are present (None: not known)."""
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
    findings.append(judge_helm(params["helm"], helm))
    show_faulty(findings, context.show)
    return {
        "changed": False,
        "findings": findings,
        "faults": [sentence(entry) for entry in findings if entry["state"] == "fail"],
        "images_present": present,
        "versions": versions,
    }


TASK = Task(SPEC, run)
