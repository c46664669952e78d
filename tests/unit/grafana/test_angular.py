# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels whose plugin is gone are named with their places; those that Grafana migrates by itself are taken."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.angular import (
    angular_panels,
    angular_warning,
    refuse_angular,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    message,
    whole,
)

DASHBOARD = {
    "title": "x",
    "schemaVersion": 16,
    "panels": [
        {"id": 1, "type": "timeseries"},
        {"id": 2, "type": "natel-plotly-panel", "title": "Requests"},
        {"id": 3, "type": "row", "panels": [{"id": 4, "type": "vonage-status-panel"}]},
    ],
    "rows": [{"panels": [{"type": "btplc-trend-box-panel"}]}],
    "__elements": {"lib": {"uid": "lib", "kind": 1, "model": {"type": "savantly-heatmap-panel", "title": "Old"}}},
}
NAMED = (
    'panel 2 "Requests" (panels[1]) is of type natel-plotly-panel; use xychart',
    "panel 4 (panels[2].panels[0]) is of type vonage-status-panel; use stat",
    "panel (rows[0].panels[0]) is of type btplc-trend-box-panel",
    'panel "Old" (__elements[lib]) is of type savantly-heatmap-panel; use heatmap',
)


def test_panels_whose_plugin_is_gone_are_named_with_their_places() -> None:
    assert sorted(angular_panels(DASHBOARD)) == sorted(NAMED)
    text = message(refuse_angular, DASHBOARD, "x.json")
    (warning,) = angular_warning(DASHBOARD, "x.json")
    for part in NAMED:
        assert part in text
        assert part in warning


@pytest.mark.parametrize(
    "kind",
    [
        "graph",
        "singlestat",
        "table-old",
        "grafana-singlestat-panel",
        "grafana-piechart-panel",
        "grafana-worldmap-panel",
        "natel-discrete-panel",
    ],
)
def test_panels_that_grafana_migrates_are_taken(kind: str) -> None:
    dashboard = {"title": "x", "panels": [{"id": 1, "type": kind, "title": "p"}]}
    refuse_angular(dashboard, "x.json")
    assert angular_warning(dashboard, "x.json") == []


def test_panels_without_angular_are_taken() -> None:
    dashboard = {"title": "x", "schemaVersion": 16, "panels": [{"id": 1, "type": "table", "styles": [{}]}, {"id": 2}]}
    refuse_angular(dashboard, "x.json")
    refuse_angular(whole(), "x.json")
