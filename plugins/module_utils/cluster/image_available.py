# SPDX-License-Identifier: GPL-3.0-or-later
"""Task image_available: can pods of this cluster have an image, as the nodes have it or can pull it.

Whether it can be pulled, only a node can tell: probes.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..http.errors import Refused
from ..task import Context, Params, Result, Task
from .cluster import Cluster
from .connect import CLUSTER
from .images import images_present, nodes_with, usable_nodes
from .predicates import Json
from .probes import ImageVerdict, Probes, not_known
from .wait import wait_for

SPEC: dict[str, Any] = {
    **CLUSTER,
    "images": {"type": "list", "elements": "str", "required": True},
    "pull": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 60.0},
}

#: Seconds after the timeout at which a probe pod that could not be deleted stops trying.
AFTERLIFE = 30


def pull(
    cluster: Cluster, holders: dict[str, list[str]], timeout: float, show: Callable[[str], None]
) -> tuple[dict[str, ImageVerdict], list[str]]:
    """Try to pull the images of ``holders`` (by image, the nodes that have it), all at once.

    Return a verdict for each, and a sentence for each pod that could not be deleted.
    """
    probes = Probes(cluster, holders, math.ceil(timeout) + AFTERLIFE)
    stayed: list[str] = []
    try:
        waited = wait_for(cluster, timeout, show, probes.look)
        for image, why in waited.value.items():
            late = f"unknown after {timeout:g} s whether {image} can be pulled"
            probes.verdicts[image] = ImageVerdict(None, f"{late}: its pod {why}" if why else late)
    except Refused as error:
        # No permission to list pods.
        probes.verdicts.update({image: not_known(image, error.msg) for image in probes.pending})
    finally:
        stayed = probes.delete()
    return probes.verdicts, stayed


def without_pull(image: str, nodes: list[Json] | None) -> ImageVerdict:
    """The verdict on an image that is missing from some nodes, without trying to pull it; nodes: None if unknown."""
    found = "unknown whether the nodes have {}" if nodes is None else "{} is missing from some nodes"
    return ImageVerdict(None, f"{found.format(image)}; pulling was not tried")


def run(params: Params, context: Context) -> Result:
    """Return ``available`` and ``reasons`` by image, and ``warnings`` when a probe pod could not be deleted."""
    images = list(dict.fromkeys(params["images"]))
    stayed: list[str] = []
    with Cluster.from_params(params) as cluster:
        nodes: list[Json] | None
        try:
            nodes = usable_nodes(cluster.list_objects("nodes"))
        except Refused:
            nodes = None
        present = images_present(images, nodes or [])
        missing = [image for image in images if not present[image]]
        verdicts = {image: ImageVerdict(True, f"{image} is on every node") for image in images if present[image]}
        if not params["pull"] or context.check_mode:
            verdicts.update({image: without_pull(image, nodes) for image in missing})
        elif missing:
            holders = {image: nodes_with(image, nodes or []) for image in missing}
            pulled, stayed = pull(cluster, holders, params["timeout"], context.show)
            verdicts.update(pulled)
    return {
        "changed": False,
        "available": {image: verdicts[image].available for image in images},
        "reasons": {image: verdicts[image].reason for image in images},
        **({"warnings": stayed} if stayed else {}),
    }


TASK = Task(SPEC, run)
