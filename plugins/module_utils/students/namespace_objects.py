# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a student's namespace gets: its limits, its network, and its account with what that may do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from ..cluster.ours import MANAGED, STUDENT, STUDENTS
from ..cluster.predicates import Json
from ..task import Params

#: The lab's objects carry this label. A namespace without it belongs to someone else.
LABELS = MANAGED
#: The name under which the API server records which fields the lab manages.
MANAGER = "temporal-lab"
#: URL parts of each kind that a student's namespace gets, in the order in which they are created.
KINDS: dict[str, tuple[str, str]] = {
    "ResourceQuota": ("v1", "resourcequotas"),
    "LimitRange": ("v1", "limitranges"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "Role": ("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings"),
}
#: Priority classes of every cluster with which a pod would drive those of others from a node.
PRIORITIES = ("system-cluster-critical", "system-node-critical")


def is_ours(found: Json) -> bool:
    labels = found["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in LABELS.items())


def driving(classes: Iterable[Json]) -> list[str]:
    """Names of the PriorityClasses with which a pod would drive those of others from a node."""
    values = {entry["metadata"]["name"]: entry for entry in classes}
    usual = max([entry["value"] for entry in values.values() if entry.get("globalDefault")], default=0)
    above = {name for name, entry in values.items() if entry["value"] > usual}
    return sorted({*PRIORITIES, *above})


def documents(params: Params, api_servers: Iterable[str] = (), priorities: Iterable[str] = PRIORITIES) -> list[Json]:
    """The objects that a student gets, the Namespace first.

    api_servers: addresses that its proxy may ask from. priorities: classes that the student's pods may not have.
    """
    name, account = params["namespace"], params["account"]
    found = [_namespace(params)]
    if params["quota"]:
        found.append(_document(params, "ResourceQuota", spec={"hard": _texts(params["quota"])}))
    found.append(_document(params, "ResourceQuota", f"{account}-priority", spec=no_pods_of(priorities)))
    if params["container_limits"]:
        limits = {kind: _texts(values) for kind, values in params["container_limits"].items()}
        found.append(_document(params, "LimitRange", spec={"limits": [{"type": "Container", **limits}]}))
    if params["isolated"]:
        spec = network_policy(api_servers, params["network_sources"], params["egress"])
        found.append(_document(params, "NetworkPolicy", spec=spec))
    # Pods that are given this account do not get its token unasked.
    found.append(_document(params, "ServiceAccount", automountServiceAccountToken=False))
    own = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [name], "verbs": ["get"]}
    found.append(_document(params, "Role", rules=[own, *params["rules"]]))
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": name}
    found.append(_document(params, "RoleBinding", roleRef=reference, subjects=[subject]))
    return found


def no_pods_of(priorities: Iterable[str]) -> Json:
    """A ResourceQuota that leaves no room for pods of these priority classes."""
    chosen = {"scopeName": "PriorityClass", "operator": "In", "values": list(priorities)}
    return {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [chosen]}}


def network_policy(api_servers: Iterable[str], sources: Iterable[str], egress: bool) -> Json:
    """Who may ask the student's pods, and with ``egress`` false whom they may ask.

    The API server's proxy asks from the API server's own address, or on some managed clusters from an agent in
    kube-system. A kubelet may always ask the pods of its node.
    """
    servers = [{"ipBlock": {"cidr": f"{address}/{_bits(address)}"}} for address in api_servers]
    own: Json = {"podSelector": {}}
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    further = [{"ipBlock": {"cidr": source}} for source in sources]
    spec: Json = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [own, system, *servers, *further]}],
    }
    if not egress:
        ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        spec["policyTypes"].append("Egress")
        # Prometheus finds its pods by asking the API server.
        spec["egress"] = [{"to": [own, *servers, *further]}, {"to": [system], "ports": ports}]
    return spec


def _namespace(params: Params) -> Json:
    security = {f"pod-security.kubernetes.io/{mode}": params["pod_security"] for mode in ("enforce", "warn")}
    metadata = {
        "name": params["namespace"],
        "labels": {**LABELS, **STUDENTS, **security},
        "annotations": {STUDENT: params["student"]},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _document(params: Params, kind: str, name: str = "", **content: Any) -> Json:
    metadata = {"name": name or params["account"], "namespace": params["namespace"], "labels": LABELS}
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, **content}


def _texts(quantities: dict[str, Any]) -> dict[str, str]:
    """Quantities as the API has them: a number of YAML is text there."""
    return {name: str(value) for name, value in quantities.items()}


def _bits(address: str) -> int:
    return ipaddress.ip_address(address).max_prefixlen
