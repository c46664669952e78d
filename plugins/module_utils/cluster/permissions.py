# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs to be permitted in a namespace, and what of it the API server permits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..findings import Finding, finding
from ..http.shape import flag, record
from .cluster import Cluster


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
    # helm marks the Secret of a release's older revision as superseded.
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
REVIEW = record(status=record(allowed=flag))
EVERYTHING = Permission("*", "*", "*")


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


def allowed(cluster: Cluster, permission: Permission, namespace: str | None) -> bool:
    """Ask the API server whether the user may do that."""
    attributes = {
        "verb": permission.verb,
        "group": permission.group,
        "resource": permission.resource,
        "subresource": permission.subresource,
        "namespace": namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    answer = cluster.request("POST", cluster.path("selfsubjectaccessreviews"), json=review)
    return bool((cluster.checked(answer, REVIEW).get("status") or {}).get("allowed"))


def missing_permissions(cluster: Cluster, needed: Iterable[Permission]) -> list[Permission]:
    if allowed(cluster, EVERYTHING, cluster.namespace):
        return []
    return [permission for permission in needed if not allowed(cluster, permission, cluster.namespace)]
