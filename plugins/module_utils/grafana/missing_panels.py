# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that a Grafana cannot show: their library panel is not there, or no plugin of their type is installed.

Grafana saves them without a word, and shows an error in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .angular import GONE
from .dashboard_parts import described, panels
from .json_values import Json, as_object

#: Types of panels that every Grafana from 11 on has, or migrates when a dashboard is opened; nobody is asked for them.
BUILT_IN = frozenset(
    {
        "alertlist",
        "annolist",
        "barchart",
        "bargauge",
        "candlestick",
        "canvas",
        "dashlist",
        "datagrid",
        "debug",
        "flamegraph",
        "gauge",
        "geomap",
        "gettingstarted",
        "grafana-piechart-panel",
        "grafana-singlestat-panel",
        "grafana-worldmap-panel",
        "graph",
        "heatmap",
        "histogram",
        "live",
        "logs",
        "news",
        "nodeGraph",
        "piechart",
        "row",
        "singlestat",
        "stat",
        "state-timeline",
        "status-history",
        "table",
        "table-old",
        "text",
        "timeseries",
        "traces",
        "trend",
        "welcome",
        "xychart",
    }
)


def panel_needs(dashboard: Json) -> Iterator[tuple[str, object, Json]]:
    """Each panel of a classic dashboard, described, with its type and its ``libraryPanel``, empty for none."""
    for place, panel in panels(dashboard):
        yield described(place, panel), panel.get("type"), as_object(panel.get("libraryPanel"))


def missing_panels(
    needs: Iterable[tuple[str, object, Json]],
    name: str,
    has_plugin: Callable[[str], bool],
    has_library_panel: Callable[[str], bool],
) -> list[str]:
    """A warning that names the panels that cannot be shown; empty if there is none.

    needs: of each panel, as ``panel_needs`` has it. name: what the warning calls the dashboard's text. has_plugin,
    has_library_panel: whether Grafana has one, by its id or uid; each is asked once for each. Types whose plugin is
    gone for good are left to ``angular_warning``.
    """
    known: dict[tuple[str, str], bool] = {}

    def has(kind: str, which: str) -> bool:
        if (kind, which) not in known:
            known[kind, which] = (has_plugin if kind == "plugin" else has_library_panel)(which)
        return known[kind, which]

    found = []
    for what, kind, library in needs:
        uid = library.get("uid")
        if isinstance(uid, str) and uid:
            if not has("library panel", uid):
                titled = f" ({library['name']})" if library.get("name") else ""
                found.append(f"{what} is the library panel {uid}{titled}, which is not there")
        elif isinstance(kind, str) and kind and kind not in BUILT_IN and kind not in GONE and not has("plugin", kind):
            found.append(f"{what} is of type {kind}, for which no plugin is installed")
    if not found:
        return []
    return [
        f"The dashboard in {name} has panels that this Grafana cannot show: {', '.join(found)}: export the dashboard "
        f"with its library panels, and have plugins installed, or leave such panels out."
    ]
