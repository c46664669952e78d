# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards and data sources that tests of the room share, and short calls of what they test."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    dashboard_export,
    resolver,
    selections,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json


def source(uid: str, kind: str = "prometheus", name: str | None = None, default: bool = False) -> Json:
    return {"id": 1, "uid": uid, "name": name or uid, "type": kind, "isDefault": default}


PROM = source("prom", default=True)
OTHER = source("p3", "nope")
REF = {"type": "prometheus", "uid": "prom"}
#: The query for Grafana's own annotations, as /apis show it (recorded exchange 109).
BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def whole() -> Json:
    """A dashboard with something of everything, none of it a default."""
    return {
        "uid": "lab-whole",
        "title": "Whole",
        "description": "All there is",
        "tags": ["lab", "temporal"],
        "editable": False,
        "fiscalYearStartMonth": 3,
        "graphTooltip": 1,
        "refresh": "10s",
        "schemaVersion": 41,
        "time": {"from": "now-15m", "to": "now"},
        "timepicker": {"hidden": True, "nowDelay": "1m"},
        "timezone": "utc",
        "weekStart": "monday",
        "liveNow": True,
        "preload": True,
        "links": [{"title": "Docs", "type": "link", "url": "https://example.org", "targetBlank": True}],
        "annotations": {
            "list": [
                {
                    "name": "Stages",
                    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                    "enable": True,
                    "iconColor": "red",
                    "target": {"type": "tags", "tags": ["temporal-lab"], "limit": 50, "matchAny": False},
                }
            ]
        },
        "templating": {
            "list": [
                {"name": "ds", "type": "datasource", "query": "prometheus", "hide": 1, "current": {"value": "prom"}},
                {
                    "name": "pod",
                    "label": "Pod",
                    "type": "query",
                    "datasource": {"type": "prometheus", "uid": "${ds}"},
                    "query": {"query": "label_values(up, pod)", "refId": "V"},
                    "includeAll": True,
                    "multi": True,
                    "refresh": 2,
                    "sort": 1,
                    "regex": "/history/",
                },
                {"name": "step", "type": "interval", "query": "1m,5m", "auto": False},
            ]
        },
        "panels": [
            {
                "id": 1,
                "type": "row",
                "title": "History",
                "collapsed": True,
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0},
                "panels": [
                    {
                        "id": 2,
                        "type": "stat",
                        "title": "Shards",
                        "gridPos": {"h": 4, "w": 6, "x": 0, "y": 1},
                        "datasource": {"type": "prometheus", "uid": "${ds}"},
                        "targets": [{"refId": "A", "expr": "sum(shards)", "instant": True}],
                        "options": {"colorMode": "value", "reduceOptions": {"calcs": ["lastNotNull"]}},
                    }
                ],
            },
            {
                "id": 3,
                "type": "timeseries",
                "title": "Latency",
                "description": "p95",
                "transparent": True,
                "gridPos": {"h": 8, "w": 12, "x": 0, "y": 5},
                "datasource": {"type": "prometheus", "uid": "prom"},
                "targets": [
                    {"refId": "A", "expr": 'histogram_quantile(0.95, x{pod=~"$pod"})', "legendFormat": "p95"},
                    {"refId": "B", "expr": "y", "hide": True, "datasource": {"type": "nope", "uid": "p3"}},
                ],
                "fieldConfig": {
                    "defaults": {
                        "unit": "s",
                        "min": 0,
                        "thresholds": {"mode": "absolute", "steps": [{"color": "green"}, {"color": "red", "value": 1}]},
                        "custom": {"lineWidth": 2, "spanNulls": False},
                    },
                    "overrides": [{"matcher": {"id": "byName", "options": "B"}, "properties": [{"id": "unit"}]}],
                },
                "options": {"legend": {"displayMode": "table", "calcs": ["mean"]}, "tooltip": {"mode": "multi"}},
                "transformations": [{"id": "organize", "options": {"renameByName": {"a": "b"}}}],
                "links": [{"title": "More", "url": "/d/x"}],
                "repeat": "pod",
                "interval": "5s",
                "maxDataPoints": 200,
            },
            {"id": 4, "type": "text", "title": "", "options": {"mode": "markdown", "content": "# Hi"}},
        ],
    }


def shared() -> Json:
    """A dashboard as Grafana exports it for others, with every form of a reference."""
    return {
        "__inputs": [
            {"name": "DS_PROM", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"},
            {"name": "VAR_JOB", "label": "job", "type": "constant", "value": "temporal"},
        ],
        "__requires": [{"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"}],
        "__elements": {
            "lib-1": {
                "uid": "lib-1",
                "name": "Library",
                "kind": 1,
                "model": {"type": "stat", "title": "Of the library", "datasource": {"uid": "${DS_PROM}"}},
            }
        },
        "uid": "shared",
        "title": "Shared",
        "annotations": {"list": [{"name": "Deploys", "datasource": "${DS_PROM}", "expr": "x"}]},
        "templating": {
            "list": [
                {"name": "pod", "type": "query", "datasource": {"uid": "$DS_PROM"}, "query": "label_values(up, pod)"},
                {"name": "job", "type": "constant", "query": "${VAR_JOB}", "current": {"value": "${VAR_JOB}"}},
            ]
        },
        "panels": [
            {"id": 1, "type": "timeseries", "datasource": "${DS_PROM}", "targets": [{"refId": "A", "expr": "a"}]},
            {
                "id": 2,
                "type": "stat",
                "datasource": {"type": "prometheus", "uid": "${DS_PROM}"},
                "targets": [{"refId": "A", "expr": "b{job='[[VAR_JOB]]'}", "datasource": {"uid": "[[DS_PROM]]"}}],
            },
            {
                "id": 3,
                "type": "row",
                "panels": [{"id": 4, "type": "stat", "datasource": "$DS_PROM"}],
            },
            {"id": 5, "gridPos": {"h": 4, "w": 6, "x": 0, "y": 9}, "libraryPanel": {"uid": "lib-1", "name": "Library"}},
            {"id": 6, "libraryPanel": {"uid": "lib-2", "name": "Of Grafana"}},
        ],
    }


# Data sources are written as Grafana lists them.


def resolve(dashboard: Json, rows: list[Json], chosen: dict[str, str], datasource: str | None = None) -> Json:
    return resolver.resolve(dashboard, DataSources(rows), chosen, datasource).dashboard


def selected(rows: list[Json], chosen: dict[str, str], datasource: str | None = None) -> frozenset[str]:
    return selections.chosen_variables(whole(), DataSources(rows), chosen, datasource)


def keep_selections(wanted: Json, stored: Json, rows: list[Json], asked: frozenset[str] = frozenset()) -> Json:
    return selections.keep_selections(wanted, stored, DataSources(rows), asked)


def exported(dashboard: Json, rows: list[Json]) -> Json:
    return dashboard_export.exported(dashboard, DataSources(rows))


def message(call: Any, *arguments: Any, **options: Any) -> str:
    """The sentence of a call that fails."""
    with pytest.raises(LabError) as raised:
        call(*arguments, **options)
    text = raised.value.msg
    assert text.endswith(".")
    assert ". " not in text
    return text
