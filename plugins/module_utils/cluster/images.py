# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images the nodes have, by what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterable

from .predicates import Json, condition


def usable_nodes(nodes: Iterable[Json]) -> list[Json]:
    """Nodes that are ready and take new pods."""
    return [
        node
        for node in nodes
        if condition(node, "Ready").get("status") == "True" and not (node.get("spec") or {}).get("unschedulable")
    ]


def image_name(reference: str) -> str:
    """A reference in the form in which nodes list it: with registry and tag."""
    first, slash, _rest = reference.partition("/")
    if not slash:
        reference = f"docker.io/library/{reference}"
    elif "." not in first and ":" not in first and first != "localhost":
        reference = f"docker.io/{reference}"
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def nodes_with(image: str, nodes: list[Json]) -> list[str]:
    """Names of the nodes that list an image.

    A kubelet lists the 50 largest of its images unless configured otherwise, so
    that one which is not listed may still be there.
    """
    name = image_name(image)
    return [
        node["metadata"]["name"]
        for node in nodes
        if any(name in (listed.get("names") or []) for listed in (node.get("status") or {}).get("images") or [])
    ]


def images_present(images: list[str], nodes: list[Json]) -> dict[str, bool]:
    """Which images are on every one of the nodes, as nodes_with finds them."""
    return {image: bool(nodes) and len(nodes_with(image, nodes)) == len(nodes) for image in images}
