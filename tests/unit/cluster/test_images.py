# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes have an image."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.images import (
    image_name,
    images_present,
    nodes_with,
    usable_nodes,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.image_lab import (
    PAUSE,
    node,
)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("temporalio/server:1.31.2", "docker.io/temporalio/server:1.31.2"),
        (PAUSE, PAUSE),
        ("ghcr.io/temporalio/benchmark-workers:v1.6.2", "ghcr.io/temporalio/benchmark-workers:v1.6.2"),
        ("registry:5000/a", "registry:5000/a:latest"),
        ("quay.io/a@sha256:00", "quay.io/a@sha256:00"),
    ],
)
def test_names_of_images(reference: str, name: str) -> None:
    assert image_name(reference) == name


def test_an_image_must_be_on_every_node() -> None:
    both = [node("a", PAUSE, "docker.io/library/nginx:latest"), node("b", PAUSE)]
    assert images_present([PAUSE, "nginx"], both) == {PAUSE: True, "nginx": False}
    assert images_present([PAUSE], []) == {PAUSE: False}
    assert nodes_with("nginx", both) == ["a"]


def test_only_nodes_that_take_pods_count() -> None:
    good = node("a")
    assert usable_nodes([good, node("b", unschedulable=True), node("c", ready="Unknown")]) == [good]
