# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that need Angular, which Grafana dropped in version 12."""

from __future__ import annotations

from ..errors import LabError
from .dashboard_parts import described, panels
from .json_values import Json

#: Panel types that need Angular, and the type that replaces each; empty where there is none.
ANGULAR = {
    "agenty-flowcharting-panel": "",
    "blackmirror1-singlestat-math-panel": "stat",
    "blackmirror1-statusbygroup-panel": "",
    "btplc-peak-report-panel": "",
    "btplc-status-dot-panel": "",
    "btplc-trend-box-panel": "",
    "digrich-bubblechart-panel": "",
    "grafana-piechart-panel": "piechart",
    "grafana-singlestat-panel": "stat",
    "grafana-worldmap-panel": "geomap",
    "graph": "timeseries",
    "michaeldmoore-multistat-panel": "bargauge",
    "mtanda-heatmap-epoch-panel": "heatmap",
    "mtanda-histogram-panel": "histogram",
    "natel-discrete-panel": "state-timeline",
    "natel-plotly-panel": "xychart",
    "neocat-cal-heatmap-panel": "heatmap",
    "petrslavotinek-carpetplot-panel": "heatmap",
    "savantly-heatmap-panel": "heatmap",
    "singlestat": "stat",
    "table-old": "table",
    "vonage-status-panel": "stat",
}
#: From this schema version on, a panel of type table is the one without Angular.
TABLE_SCHEMA = 24


def refuse_angular(dashboard: Json, name: str) -> None:
    """Raise LabError with all panels that need Angular. name: what errors call the dashboard's text."""
    schema = dashboard.get("schemaVersion")
    old = isinstance(schema, int) and schema < TABLE_SCHEMA
    faults = []
    for place, panel in panels(dashboard):
        kind = panel.get("type")
        if kind == "table" and old and panel.get("styles"):
            faults.append(f"{described(place, panel)} is a table from before Grafana 7; use table")
        elif isinstance(kind, str) and kind in ANGULAR:
            other = f"; use {ANGULAR[kind]}" if ANGULAR[kind] else ""
            faults.append(f"{described(place, panel)} is of type {kind}{other}")
    if faults:
        raise LabError(
            f"The dashboard in {name} has panels that need Angular, which Grafana no longer has: {', '.join(faults)}.",
            panels=faults,
        )
