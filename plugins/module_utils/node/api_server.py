# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node's API server says, asked with kubectl."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LabError
from .config import NODE_NAME
from .layout import Layout
from .system import command


def kubectl(layout: Layout, *arguments: str, timeout: float = 60.0) -> str:
    """Run kubectl against the node and return what it printed."""
    beside = Path(sys.executable).parent / "kubectl"
    program = str(beside) if beside.exists() else "kubectl"
    return command([program, f"--kubeconfig={layout.kubeconfig}", *arguments], timeout=timeout)


def ready_since(node: Mapping[str, Any], started: float) -> bool:
    """Say whether a Node object reports Ready, and has done so after ``started`` (Unix seconds).

    A node that was stopped still is called Ready by its object for a while.
    """
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            heartbeat = datetime.datetime.fromisoformat(condition["lastHeartbeatTime"].replace("Z", "+00:00"))
            # Heartbeats have whole seconds.
            return heartbeat.timestamp() >= int(started)
    return False


def image_names(node: Mapping[str, Any]) -> set[str]:
    """Return the names of the images on a Node; one whose name a newer image has taken over has none left."""
    return {name for image in node["status"].get("images") or () for name in image.get("names") or ()}


def node_ready(layout: Layout, images: Iterable[str] = (), started: float = 0.0) -> bool:
    """Say whether the API server answers, and the node has been Ready after ``started`` and names these images."""
    try:
        node = json.loads(kubectl(layout, "get", "node", NODE_NAME, "--request-timeout=3s", "--output=json"))
    except LabError:
        return False
    return ready_since(node, started) and set(images) <= image_names(node)


def api_ready(layout: Layout) -> bool:
    try:
        return kubectl(layout, "get", "--raw=/readyz", "--request-timeout=2s").strip() == "ok"
    except LabError:
        return False
