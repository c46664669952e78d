# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that need Angular are refused, with their places."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.angular import refuse_angular
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    message,
    whole,
)


def test_panels_that_need_angular_are_named_with_their_places() -> None:
    dashboard = {
        "title": "x",
        "schemaVersion": 16,
        "panels": [
            {"id": 1, "type": "timeseries"},
            {"id": 2, "type": "graph", "title": "Requests"},
            {"id": 3, "type": "row", "panels": [{"id": 4, "type": "grafana-piechart-panel"}]},
            {"id": 5, "type": "table", "styles": [{}]},
        ],
        "rows": [{"panels": [{"type": "singlestat"}]}],
        "__elements": {"lib": {"uid": "lib", "kind": 1, "model": {"type": "table-old", "title": "Old"}}},
    }
    text = message(refuse_angular, dashboard, "x.json")
    for part in (
        'panel 2 "Requests" (panels[1]) is of type graph; use timeseries',
        "panel 4 (panels[2].panels[0]) is of type grafana-piechart-panel; use piechart",
        "panel 5 (panels[3]) is a table from before Grafana 7",
        "panel (rows[0].panels[0]) is of type singlestat; use stat",
        'panel "Old" (__elements[lib]) is of type table-old; use table',
    ):
        assert part in text
    assert "timeseries (" not in text


def test_panels_without_angular_are_taken() -> None:
    dashboard = {"title": "x", "schemaVersion": 39, "panels": [{"id": 1, "type": "table", "styles": []}, {"id": 2}]}
    refuse_angular(dashboard, "x.json")
    refuse_angular(whole(), "x.json")
