# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that a Grafana cannot show are named; what every Grafana has is not asked for."""

from __future__ import annotations

from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.missing_panels import missing_panels

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

    (warning,) = missing_panels(DASHBOARD, "x.json", plugin, library)
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

    assert missing_panels({"panels": [{"type": "stat"}, {"type": "graph"}]}, "x.json", never, never) == []
