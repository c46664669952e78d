# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels of plugins that need Angular, which Grafana dropped in version 12, and that nothing replaces.

Grafana 11 to 12.4 show others themselves when a dashboard is opened: graph, singlestat, table-old, old tables,
grafana-singlestat-panel, grafana-piechart-panel and grafana-worldmap-panel; Grafana 12 natel-discrete-panel, too.
"""

from __future__ import annotations

from ..errors import LabError
from .dashboard_parts import described, panels
from .json_values import Json

#: Panel types that no longer work, and a type that can replace each; empty where there is none.
GONE = {
    "agenty-flowcharting-panel": "",
    "blackmirror1-singlestat-math-panel": "stat",
    "blackmirror1-statusbygroup-panel": "",
    "btplc-peak-report-panel": "",
    "btplc-status-dot-panel": "",
    "btplc-trend-box-panel": "",
    "digrich-bubblechart-panel": "",
    "michaeldmoore-multistat-panel": "bargauge",
    "mtanda-heatmap-epoch-panel": "heatmap",
    "mtanda-histogram-panel": "histogram",
    "natel-plotly-panel": "xychart",
    "neocat-cal-heatmap-panel": "heatmap",
    "petrslavotinek-carpetplot-panel": "heatmap",
    "savantly-heatmap-panel": "heatmap",
    "vonage-status-panel": "stat",
}


def angular_panels(dashboard: Json) -> list[str]:
    """The panels whose plugin is gone, each with its id, title, place and type, for a message."""
    found = []
    for place, panel in panels(dashboard):
        kind = panel.get("type")
        if isinstance(kind, str) and kind in GONE:
            other = f"; use {GONE[kind]}" if GONE[kind] else ""
            found.append(f"{described(place, panel)} is of type {kind}{other}")
    return found


def refuse_angular(dashboard: Json, name: str) -> None:
    """Raise LabError with all panels whose plugin is gone. name: what errors call the dashboard's text."""
    found = angular_panels(dashboard)
    if found:
        raise LabError(
            f"The dashboard in {name} has panels that need Angular, which Grafana no longer has: {', '.join(found)}.",
            panels=found,
        )


def angular_warning(dashboard: Json, name: str) -> list[str]:
    """A warning that names all panels whose plugin is gone; empty if there is none."""
    found = angular_panels(dashboard)
    if not found:
        return []
    return [
        f"The dashboard in {name} has panels that Grafana will show empty, because their plugins need Angular: "
        f"{', '.join(found)}."
    ]
