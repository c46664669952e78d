# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose API server answers with given JSON, whatever it is, and objects that are as they should be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig import KubeconfigContext
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Answer, Request
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import as_json

STAMP = "2026-11-23T17:01:02Z"


class FuzzCluster(Cluster):
    """Answers a path by its last parts that ``world`` has: a list is the items of a list, other values as they are."""

    def __init__(self, world: Any) -> None:
        access: Any = SimpleNamespace(server="http://127.0.0.1:1", cluster={}, user={}, shown="k", context="c")
        login: Any = SimpleNamespace(authorization=lambda: None)
        super().__init__(KubeconfigContext("k", "c", access, None, login), "ns", "lab", patience=0.0)
        self.world = world if isinstance(world, dict) else {}
        self.sleep = lambda _seconds: None

    def send(self, request: Request, seconds: float) -> Answer:
        parts = request.path.split("?")[0].strip("/").split("/")
        for start in range(len(parts)):
            key = "/".join(parts[start:])
            if key in self.world:
                value = self.world[key]
                body = (
                    value
                    if isinstance(value, bytes)
                    else as_json({"items": value} if isinstance(value, list) else value)
                )
                return Answer(request, 200, {"Date": "Mon, 23 Nov 2026 17:01:02 GMT"}, body)
        return Answer(request, 404, {}, b'{"kind": "Status", "message": "not found"}')


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "ns",
        "uid": f"uid-{name}",
        "labels": {"app": "x", "app.kubernetes.io/instance": "lab", "app.kubernetes.io/part-of": "temporal-lab"},
        "annotations": {"prometheus.io/port": "9090"},
        "creationTimestamp": STAMP,
        "generation": 2,
        "ownerReferences": [{"uid": "uid-r", "kind": "ReplicaSet", "name": "r"}],
        "finalizers": ["kubernetes"],
        "managedFields": [{"manager": "m", "operation": "Update", "time": STAMP, "fieldsV1": {"f:status": {}}}],
        **more,
    }


CONTAINER = {
    "name": "main",
    "image": "docker.io/library/a:1",
    "env": [{"name": "CONCURRENT_WORKFLOWS", "value": "3"}],
    "ports": [{"name": "http", "containerPort": 3000}],
    "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}},
}
CONDITION = {"type": "Ready", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": STAMP}
STATE = {"terminated": {"reason": "Error", "exitCode": 1}}
POD = {
    "metadata": metadata("pod-1"),
    "spec": {"nodeName": "node-1", "containers": [CONTAINER], "initContainers": [CONTAINER]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [CONDITION],
        "containerStatuses": [
            {"name": "main", "ready": True, "restartCount": 1, "image": "a", "state": STATE, "lastState": STATE}
        ],
        "initContainerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "image": "a", "state": STATE}],
    },
}


def waiting(reason: str) -> dict[str, Any]:
    """A pod whose container waits."""
    status = {
        **POD["status"],
        "conditions": [{**CONDITION, "status": "False"}],
        "initContainerStatuses": [],
        "containerStatuses": [
            {
                "name": "main",
                "restartCount": 3,
                "state": {"waiting": {"reason": reason, "message": "no"}},
                "lastState": STATE,
            }
        ],
    }
    return {**POD, "metadata": metadata("pod-2"), "status": status}


def deployment(name: str) -> dict[str, Any]:
    return {
        "metadata": metadata(name),
        "spec": {
            "replicas": 1,
            "selector": {
                "matchLabels": {"app": "x"},
                "matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}],
            },
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [CONTAINER]}},
        },
        "status": {
            "observedGeneration": 2,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
            "conditions": [{"type": "ReplicaFailure", "status": "False"}],
        },
    }


NODE = {
    "metadata": metadata("node-1"),
    "spec": {"unschedulable": False},
    "status": {
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "conditions": [CONDITION],
        "images": [{"names": ["docker.io/library/a:1"], "sizeBytes": 5}],
    },
}
SERVICE = {
    "metadata": metadata("lab-frontend"),
    "spec": {"selector": {"app": "x"}, "ports": [{"port": 80, "name": "http", "targetPort": "http"}, {"port": 7243}]},
}
HELM = {
    "owner": "helm",
    "name": "lab",
    "version": "2",
    "status": "pending-upgrade",
    "createdAt": "1795453262",
    "modifiedAt": "1795453263",
}
TEMPORAL = "services/lab-frontend:7243/proxy/api/v1"
FAILURE = {"code": 5, "details": [{"@type": "type.googleapis.com/temporal.api.errordetails.v1.NotFoundFailure"}]}
WORLD: dict[str, Any] = {
    "version": {"gitVersion": "v1.34.0"},
    "namespaces/ns": {"metadata": metadata("ns"), "status": {"phase": "Active", "conditions": [CONDITION]}},
    "selfsubjectaccessreviews": {"status": {"allowed": True}},
    "deployments": [deployment("lab-history"), deployment("lab-frontend"), deployment("benchmark-soak-test")],
    "deployments/lab-history": deployment("lab-history"),
    "pods": [POD, waiting("CrashLoopBackOff")],
    "nodes": [NODE],
    "services/lab-frontend": SERVICE,
    "secrets": [{"metadata": metadata("sh.helm.release.v1.lab.v2", labels=HELM)}],
    "secrets/lab-grafana": {
        "metadata": metadata("lab-grafana"),
        "data": {"admin-user": "YQ==", "admin-password": "YQ=="},
    },
    "statefulsets/elasticsearch-master": {"metadata": metadata("elasticsearch-master")},
    "apis/monitoring.coreos.com/v1": {"resources": [{"name": "servicemonitors"}]},
    "pods/pod-2/log": b"a line\n",
    "pods/pod-1:9090/proxy/metrics": b'numshards_gauge{a="b"} 512\n',
    f"{TEMPORAL}/cluster-info": {"historyShardCount": 512, "serverVersion": "1.31.2", "persistenceStore": "sql"},
    f"{TEMPORAL}/namespaces": {"namespaces": [{"namespaceInfo": {"name": "default"}}], "nextPageToken": ""},
    f"{TEMPORAL}/namespaces/default": {
        "namespaceInfo": {"name": "default"},
        "config": {"workflowExecutionRetentionTtl": "86400s"},
    },
    f"{TEMPORAL}/namespaces/default/workflows/temporal-lab-probe": FAILURE,
    f"{TEMPORAL}/namespaces/default/workflow-count": {
        "count": "9",
        "groups": [{"groupValues": [{"data": "IkNvbXBsZXRlZCI="}], "count": "9"}],
    },
}
