# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before a chart is installed, and what is told about an earlier release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import temporal_release
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import (
    NAMESPACE,
    installed_helm,
    secret,
    write_chart,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, Task, status

SEARCH = "/apis/apps/v1/namespaces/default/statefulsets/elasticsearch-master"
MONITORS = "/apis/monitoring.coreos.com/v1"


@pytest.fixture(scope="module")
def helm() -> str:
    return installed_helm()


def test_the_layer_of_the_charts_generation_is_taken(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on(
        "GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "deployed"), secret("other", 3, "failed")]}
    )
    layers = {"bundled": {"a": {"b": 1, "c": 1}}, "separate": {"d": 1}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, layers=layers, values={"a": {"c": 2}}, helm=helm)
    assert result["chart"] == {
        "name": "temporal",
        "version": "0.73.2",
        "app_version": "1.29.1",
        "generation": "bundled",
    }
    assert result["values"] == {"a": {"b": 1, "c": 2}}
    assert [(entry["id"], entry["state"]) for entry in result["findings"]] == [("chart", "pass")]
    assert (result["faults"], result["unfinished"], result["good_revision"]) == ([], False, 1)
    assert result["releases"] == ["my-temporal", "other"]
    (asked,) = [entry for entry in api.asked if entry.path.endswith("/secrets")]
    assert asked.query["labelSelector"] == "owner=helm"
    assert "PartialObjectMetadataList" in asked.headers["Accept"]


def test_what_the_cluster_has_against_it(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "failed", modifiedAt="1795625000")]})
    api.on("GET", SEARCH, {"metadata": {"annotations": {"meta.helm.sh/release-name": "other"}}})
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    chart = write_chart(tmp_path / "temporal", "0.74.0", app="1.30.3")
    result = task(temporal_release, chart=chart, values=values, helm=helm)
    failed = [entry["id"] for entry in result["findings"] if entry["state"] == "fail"]
    assert failed == ["chart_server", "elasticsearch", "service_monitor", "earlier_release"]
    assert len(result["faults"]) == 4
    assert result["unfinished"] is True
    # Each is shown at the terminal as well.
    assert [line.partition(":")[0] for line in task.lines] == ["fail"] * 4


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"resources": [{"name": "servicemonitors"}]}, False),
        ({"resources": [{"name": "podmonitors"}]}, True),
        (status(404, "not found", "NotFound"), True),
    ],
)
def test_whether_the_cluster_knows_service_monitors(
    task: Task, api: ScriptedApi, helm: str, tmp_path: Path, answer: Any, refused: bool
) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    api.on("GET", MONITORS, answer)
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, values=values, helm=helm)
    assert (len(result["faults"]) == 1) is refused


def test_only_the_releases(task: Task, api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 2, "pending-upgrade")]})
    result = task(temporal_release, helm="/nowhere/helm")
    assert (result["releases"], result["unfinished"], result["chart"]) == (["my-temporal"], True, None)
    assert result["findings"] == []
    assert api.calls() == [f"GET {NAMESPACE}/secrets"]
