# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts, values and clusters that do not fit together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart import (
    Chart,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_findings import (
    judge_flags,
    judge_monitors,
    judge_pin,
    judge_search,
    judge_server,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_values import merged, monitors
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import (
    GOOD,
    NEW,
    NEXT,
    OWN,
)

SPRIG = {"server": {"setConfigFilePath": True, "configMapsToMount": "sprig"}}


def test_a_chart_that_is_not_pinned_is_warned_of() -> None:
    assert judge_pin(NEW, True)["state"] == "pass"
    found = judge_pin(NEW, False)
    assert found["state"] == "warn"
    assert "temporal_chart_version 0.73.2 or 1.6.0" in found["cure"]


@pytest.mark.parametrize("flag", ["cassandra", "elasticsearch", "prometheus", "grafana", "mysql", "postgresql"])
def test_old_flags_with_a_chart_that_has_none_of_them(flag: str) -> None:
    # This chart refuses the key, whatever it says.
    found = judge_flags(NEW, False, {flag: {"enabled": False}, "server": {}})
    assert found is not None
    assert found["state"] == "fail"
    assert f"has no {flag}" in found["title"]
    assert "newest as none is pinned" in found["title"]
    assert "temporal_chart_version 0.73.2" in found["cure"]
    assert judge_flags(GOOD, False, {flag: {"enabled": False}}) is None


def test_no_old_flags() -> None:
    assert judge_flags(NEW, False, {"server": {"replicaCount": 1}, "grafana": {}, "cassandra": None}) is None


@pytest.mark.parametrize(
    ("chart", "values", "lacks"),
    [
        (GOOD, {}, ""),
        (NEXT, {}, "server.setConfigFilePath=true and server.configMapsToMount=sprig"),
        (NEXT, SPRIG, ""),
        (NEXT, {"server": {"setConfigFilePath": True}}, "server.configMapsToMount=sprig"),
        (NEXT, {"server": {"setConfigFilePath": False, "configMapsToMount": "sprig"}}, "server.setConfigFilePath=true"),
        (NEXT, {"server": {"useEntrypointScript": True}}, ""),
        (NEXT, {"server": {"image": {"tag": "1.29.1"}}}, ""),
        # A tag that says nothing: the chart's own server counts.
        (NEXT, {"server": {"image": {"tag": "mine"}}}, "server.setConfigFilePath=true and"),
        (GOOD, {"server": {"image": {"tag": "1.31.2"}}}, "server.setConfigFilePath=true and"),
        (GOOD, merged(SPRIG, {"server": {"image": {"tag": "1.31.2"}}}), ""),
        (NEW, {}, ""),
        (OWN, {}, ""),
    ],
)
def test_a_server_that_the_chart_cannot_start_by_itself(chart: Chart, values: dict[str, Any], lacks: str) -> None:
    found = judge_server(chart, values)
    if not lacks:
        assert found is None
    else:
        assert found is not None
        assert (found["state"], lacks in found["title"]) == ("fail", True)
        assert "server.setConfigFilePath=true and server.configMapsToMount=sprig" in found["cure"]


@pytest.mark.parametrize(
    ("chart", "values", "owner", "refused"),
    [
        (GOOD, {}, "other", True),
        (GOOD, {"elasticsearch": {"replicas": 1}}, "other", True),
        (GOOD, {}, "", True),
        (GOOD, {}, "my-temporal", False),
        (GOOD, {}, None, False),
        (GOOD, {"elasticsearch": {"enabled": False}}, "other", False),
        (NEW, {}, "other", False),
        (OWN, {}, "other", False),
    ],
)
def test_two_releases_with_elasticsearch(
    chart: Chart, values: dict[str, Any], owner: str | None, refused: bool
) -> None:
    found = judge_search(chart, values, owner, "my-temporal")
    assert (found is not None and found["state"] == "fail") is refused
    if found:
        assert "lab_namespace" in found["cure"]


def test_service_monitors() -> None:
    values = {
        "server": {
            "metrics": {"serviceMonitor": {"enabled": True}},
            "history": {"metrics": {"serviceMonitor": {"enabled": True}}},
            "worker": {"metrics": {"serviceMonitor": {"enabled": False}}},
            "matching": {"metrics": {"serviceMonitor": {}}},
        }
    }
    asked = list(monitors(values))
    assert asked == ["server.metrics.serviceMonitor.enabled", "server.history.metrics.serviceMonitor.enabled"]
    assert judge_monitors(asked, True) is None
    assert judge_monitors([], False) is None
    found = judge_monitors(asked, False)
    assert found is not None
    assert found["state"] == "fail"
    assert asked[1] in found["title"]
