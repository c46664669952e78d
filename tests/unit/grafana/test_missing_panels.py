# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that a Grafana cannot show are named; what every Grafana has is not asked for."""

from __future__ import annotations

from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.missing_panels import (
    missing_panels,
    panel_needs,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.schema_v2 import panel_needs_v2
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_recorder import V2

DASHBOARD: dict[str, Any] = {
    "panels": [
        {"id": 1, "type": "timeseries"},
        {"id": 2, "type": "acme-wall-panel", "title": "Wall"},
        {"id": 3, "type": "row", "panels": [{"id": 4, "libraryPanel": {"uid": "lib-1", "name": "Load"}}]},
        {"id": 5, "type": "acme-wall-panel"},
        {"id": 6, "type": "graph", "libraryPanel": {"uid": "lib-2"}},
        {"id": 7, "type": "natel-plotly-panel"},
        {"id": 8, "type": "acme-there-panel"},
        {"id": 9},
    ]
}


def test_what_is_missing_is_named_and_asked_for_once() -> None:
    asked: list[str] = []

    def plugin(name: str) -> bool:
        asked.append(name)
        return name == "acme-there-panel"

    def library(uid: str) -> bool:
        asked.append(uid)
        return uid == "lib-2"

    (warning,) = missing_panels(panel_needs(DASHBOARD), "x.json", plugin, library)
    assert 'panel 2 "Wall" (panels[1]) is of type acme-wall-panel, for which no plugin is installed' in warning
    assert "panel 5 (panels[3]) is of type acme-wall-panel" in warning
    assert "panel 4 (panels[2].panels[0]) is the library panel lib-1 (Load), which is not there" in warning
    assert "lib-2" not in warning
    assert "there-panel" not in warning
    assert "natel" not in warning
    assert asked == ["acme-wall-panel", "lib-1", "lib-2", "acme-there-panel"]


def test_an_ordinary_dashboard_asks_for_nothing() -> None:
    def never(_name: str) -> bool:
        raise AssertionError

    needs = panel_needs({"panels": [{"type": "stat"}, {"type": "graph"}]})
    assert missing_panels(needs, "x.json", never, never) == []
    assert missing_panels(panel_needs_v2(V2), "x.json", never, never) == []


def test_panels_of_the_schema_v2_are_named_by_their_elements() -> None:
    panel = {"kind": "Panel", "spec": {"id": 2, "title": "Wall", "vizConfig": {"group": "acme-wall-panel"}}}
    library = {"kind": "LibraryPanel", "spec": {"id": 3, "libraryPanel": {"uid": "lib-1", "name": "Load"}}}
    needs = panel_needs_v2({"elements": {"a": panel, "b": library}})
    (warning,) = missing_panels(needs, "x.json", lambda _type: False, lambda _uid: False)
    assert 'panel 2 "Wall" (elements.a) is of type acme-wall-panel, for which no plugin is installed' in warning
    assert "panel 3 (elements.b) is the library panel lib-1 (Load), which is not there" in warning
