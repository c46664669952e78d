# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard's queries with its variables replaced as Grafana does it, to ask Prometheus without Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query

Json = dict[str, Any]


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced. Raises KeyError for one without a value."""
    return re.sub(
        r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<plain>\w+))",
        lambda found: values[found["braced"] or found["plain"]],
        text,
    )


def values_of(dashboard: Json, namespace: str, release: str, step: float = 5) -> dict[str, str]:
    """Values of all variables: those that the dashboard begins with, and what Grafana would put in for a step."""
    chosen = {one["name"]: one["current"].get("value", "") for one in dashboard["templating"]["list"]}
    return {
        **chosen,
        "namespace": namespace,
        "release": release,
        "scrape_interval": query.number(step),
        "__interval": query.duration(step),
        "__rate_interval": query.duration(query.LEAST_SCRAPES * step),
    }


def queries_of(dashboard: Json, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """All queries of the panels, ready to be asked: the name of panel and query, and its text."""
    return [
        (f"{panel['type']} {panel['title']} {one['refId']}", interpolated(one["expr"], values))
        for panel in dashboard["panels"]
        for one in panel.get("targets", [])
    ]
