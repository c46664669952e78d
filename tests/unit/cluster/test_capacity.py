# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes have free, and whether it is enough."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.capacity import (
    free_resources,
    judge_resources,
    wanted_resources,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    node,
    pod,
    using,
)


def test_what_is_free() -> None:
    pods = [
        using("500m", "1Gi", node="lab"),
        using("1", "1Gi", node="another"),
        using("1", "1Gi", node="lab", phase="Succeeded"),
        pod("without-requests"),
    ]
    assert free_resources([node()], pods) == {"cpu": 1.5, "memory": 3 * 2.0**30}


def test_what_is_wanted() -> None:
    assert wanted_resources({"cpu": "1500m", "memory": None}) == {"cpu": 1.5}
    with pytest.raises(LabError, match=r"wanted\.memory is '4 GB'"):
        wanted_resources({"cpu": None, "memory": "4 GB"})


def test_resources() -> None:
    free = {"cpu": 1.5, "memory": 2.0**30}
    enough, short = judge_resources(free, {"cpu": 1.5, "memory": 2 * 2.0**30}, all_pods=True)
    assert (enough["id"], enough["state"], short["id"], short["state"]) == ("cpu", "pass", "memory", "fail")
    assert short["title"] == "the lab needs 2.0 GiB of memory; 1.0 are free"
    (unsure,) = judge_resources(free, {"cpu": 1.0}, all_pods=False)
    assert unsure["state"] == "warn"
