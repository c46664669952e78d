# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's JSON of what is chosen above the panels, and of the annotations on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.line_style import EVENT
from dashboard_panels import SOURCE
from dashboard_queries import DashboardQueries

#: Seconds between scrapes in the collection's own chart: the value until Prometheus can tell.
SCRAPE_INTERVAL = 5
#: Chosen at first where the profile has it, or has no quantile.
USUAL_QUANTILE = 0.95


def variables(queries: DashboardQueries, values: Mapping[str, str], choices: Sequence[float], marks: str) -> list[Json]:
    """What is chosen above the panels. The profile's own variables are hidden: they are the same for a whole lab.

    values: of the profile's own variables. choices: the quantiles to choose from. marks: the tag of all marks, which a
    link replaces by that of one student or run.
    """
    data_source = {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Prometheus",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }
    own = [
        {
            "current": {"selected": True, "text": value, "value": value},
            "hide": 2,
            "label": name.replace("_", " "),
            "name": name,
            "options": [{"selected": True, "text": value, "value": value}],
            "query": value,
            "skipUrlSync": False,
            "type": "textbox",
        }
        for name, value in {**values, "marks": marks}.items()
    ]
    # The choice of namespaces uses all filters but that on the namespace itself.
    ours = query.selector("up", [one for one in queries.filters if "__namespace__" not in one])
    label = next(one for one in queries.filters if "__namespace__" in one).partition("=")[0]
    pods = next((pods for pods in queries.profile.components.values() if "__release__" in pods), "__release__")
    interval = f"clamp_min(round({queries.between_scrapes()}), 1) or vector({SCRAPE_INTERVAL})"
    quantiles = [(f"p{query.number(value * 100)}", query.number(value)) for value in choices]
    wanted = [figure.quantile for figure in queries.profile.figures if figure.quantile is not None]
    usual = [USUAL_QUANTILE] if USUAL_QUANTILE in wanted or not wanted else []
    default = next((one for one in [*usual, *wanted] if one in choices), choices[0])
    options = [{"selected": value == query.number(default), "text": text, "value": value} for text, value in quantiles]
    return [
        data_source,
        *own,
        _asked("namespace", "Kubernetes namespace", queries.dashboard(f"label_values({ours}, {label})"), 1),
        _asked(
            "release",
            "Release",
            queries.dashboard(f"label_values({query.selector('up', queries.filters)}, pod)"),
            1,
            f"/^{pods.replace('__release__', '(.+)', 1)}$/",
        ),
        {
            "current": next(option for option in options if option["selected"]),
            "hide": 0,
            "includeAll": False,
            "label": "Quantile",
            "multi": False,
            "name": "quantile",
            "options": options,
            "query": ", ".join(f"{text} : {value}" for text, value in quantiles),
            "skipUrlSync": False,
            "type": "custom",
        },
        {
            **_asked("scrape_interval", "Seconds between scrapes", f"query_result({interval})", 3, r"/^\{\} (\d+) /"),
            "hide": 2,
            # A link must not carry it to a lab with another scrape interval.
            "skipUrlSync": True,
        },
    ]


def _asked(name: str, label: str, text: str, kind: int, regex: str = "") -> Json:
    """A variable whose values come from Prometheus. kind: Grafana's number for the type of query."""
    return {
        "current": {},
        "datasource": SOURCE,
        "definition": text,
        "hide": 0,
        "includeAll": False,
        "label": label,
        "multi": False,
        "name": name,
        "options": [],
        "query": {"qryType": kind, "query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        # On each refresh of the time range: what is installed while the dashboard is open appears.
        "refresh": 2,
        "regex": regex,
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def annotation_queries(marks: str) -> list[Json]:
    """The marks of the lab's stages, which have the tag ``marks``, of the namespace and release that are chosen.

    Grafana replaces variables in tags. Each query has a switch above the panels. Windows are light; events, of which
    a run has many, are off at first. Grafana's own query is off: it would show those of this dashboard twice.
    """
    source = {"type": "grafana", "uid": "-- Grafana --"}
    chosen = [marks, "namespace:${namespace}", "release:${release}", "${marks}"]
    shown = [
        ("Windows", "window", "rgba(110, 159, 255, 0.35)", True),
        ("Stages", "stage", "rgba(142, 142, 142, 0.35)", True),
        ("Events", "event", EVENT, False),
    ]
    return [
        {
            "builtIn": 1,
            "datasource": source,
            "enable": False,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
            "type": "dashboard",
        },
        *(
            {
                "datasource": source,
                "enable": enabled,
                "hide": False,
                "iconColor": colour,
                "name": name,
                "target": {"limit": 500, "matchAny": False, "tags": [*chosen, kind], "type": "tags"},
            }
            for name, kind, colour, enabled in shown
        ),
    ]
