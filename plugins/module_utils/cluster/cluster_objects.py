# SPDX-License-Identifier: GPL-3.0-or-later
"""Task cluster_objects: which of some objects there are, and what they are."""

from __future__ import annotations

from typing import Any

from ..task import Context, Params, Result, Task
from .cluster import KINDS, METADATA, Cluster
from .connect import CLUSTER

SPEC: dict[str, Any] = {
    **CLUSTER,
    "kind": {"type": "str", "required": True, "choices": sorted(set(KINDS) - {"secrets", "selfsubjectaccessreviews"})},
    "names": {"type": "list", "elements": "str", "required": True},
    "metadata_only": {"type": "bool", "default": False},
}


def run(params: Params, _context: Context) -> Result:
    """Return ``resources``, those of the names that there are, in their order. Raises LabError."""
    accept = METADATA if params["metadata_only"] else "application/json"
    with Cluster.from_params(params) as cluster:
        found = [cluster.find(params["kind"], name, accept=accept) for name in params["names"]]
    return {"changed": False, "resources": [one for one in found if one is not None]}


TASK = Task(SPEC, run)
