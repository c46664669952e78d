# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with images, and probe pods."""

from __future__ import annotations

from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.probes import (
    probe_name,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    pod,
)

GRAFANA = "grafana/grafana:12.3.0"
WEB = "temporalio/ui:2.41.0"
PAUSE = "localhost/temporal-lab/pause:1"
NO_PROGRAM = {"terminated": {"reason": "StartError", "exitCode": 128}}
NO_IMAGE = {"waiting": {"reason": "ErrImagePull", "message": "failed to resolve it: network is unreachable"}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}


def node(name: str = "lab", *listed: str, ready: str = "True", unschedulable: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"unschedulable": unschedulable},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "images": [{"names": [image]} for image in listed],
        },
    }


def probe(image: str, state: Any, **options: Any) -> dict[str, Any]:
    found = pod(probe_name(image), state=state, **{"phase": "Pending", **options})
    found["status"]["containerStatuses"][0]["name"] = "probe"
    return found
