# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts, values and clusters that do not fit together, judged without a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..findings import Finding, finding
from .chart import Chart, numbers
from .chart_values import dig

#: The last chart with databases, Prometheus and Grafana of its own whose defaults work.
PINNED = "0.73.2"
#: Top-level values that charts from 1.0 on refuse.
OLD_FLAGS = ("cassandra", "elasticsearch", "prometheus", "grafana", "mysql", "postgresql")
#: Server from which on a chart before 1.0 needs two settings that it does not have by itself.
SPRIG_SERVER = (1, 30)
#: What Elasticsearch is called, whatever its release is called.
SEARCH = "elasticsearch-master"


def judge_pin(chart: Chart, pinned: bool) -> Finding:
    if pinned:
        return finding("chart", "pass", f"The chart is {chart.name} {chart.version}")
    return finding(
        "chart",
        "warn",
        f"The chart {chart.name} is not pinned; its newest version is {chart.version}",
        "A later version brings another server, and figures are then not comparable.",
        f"Pin it, with temporal_chart_version {PINNED} or {chart.version}.",
    )


def judge_flags(chart: Chart, pinned: bool, values: Mapping[str, Any]) -> Finding | None:
    """Values of charts before 1.0 for one that refuses them. values: all layers."""
    old = [key for key in OLD_FLAGS if values.get(key)]
    if chart.generation != "separate" or not old:
        return None
    which = f"The chart temporal {chart.version}" + ("" if pinned else ", the newest as none is pinned,")
    return finding(
        "chart_flags",
        "fail",
        f"{which} has no {', '.join(old)}",
        "It does not render with these values.",
        f"Pin the chart that has them with temporal_chart_version {PINNED}, or take them out of temporal_values: from "
        f"1.0 on they are releases of their own (temporal_companions).",
    )


def judge_server(chart: Chart, values: Mapping[str, Any]) -> Finding | None:
    """A server that is newer than what a chart before 1.0 starts by itself."""
    if chart.generation != "bundled":
        return None
    server = str(dig(values, "server.image.tag") or chart.app_version)
    if (numbers(server) or numbers(chart.app_version))[:2] < SPRIG_SERVER or dig(values, "server.useEntrypointScript"):
        return None
    wanted = {"setConfigFilePath": True, "configMapsToMount": "sprig"}
    missing = [
        f"server.{key}={str(value).lower()}" for key, value in wanted.items() if value != dig(values, f"server.{key}")
    ]
    if not missing:
        return None
    return finding(
        "chart_server",
        "fail",
        f"The chart temporal {chart.version} with server {server} lacks {' and '.join(missing)}",
        "The server's pods crash-loop without its configuration.",
        f"Give both in temporal_values, server.setConfigFilePath=true and server.configMapsToMount=sprig, or take the "
        f"chart {PINNED} with its own server.",
    )


def judge_search(chart: Chart, values: Mapping[str, Any], owner: str | None, release: str) -> Finding | None:
    """owner: the release whose Elasticsearch is in the namespace, None without one."""
    if owner is None or owner == release or not bundles_search(chart, values):
        return None
    return finding(
        "elasticsearch",
        "fail",
        f"Release {owner} has its Elasticsearch in this namespace, and that of {release} would have the same name "
        f"{SEARCH}",
        "Two releases with it cannot be in one namespace.",
        "Give the student a namespace of its own (lab_namespace), or uninstall the other release.",
    )


def bundles_search(chart: Chart, values: Mapping[str, Any]) -> bool:
    return chart.generation == "bundled" and dig(values, "elasticsearch.enabled") is not False


def judge_monitors(asked: Sequence[str], known: bool) -> Finding | None:
    """asked: where values ask for a ServiceMonitor. known: whether the cluster knows that kind."""
    if not asked or known:
        return None
    return finding(
        "service_monitor",
        "fail",
        f"{', '.join(asked)} enables a ServiceMonitor, but this cluster has no such resource",
        "Helm fails on the first one.",
        "Install the Prometheus Operator with its custom resource definitions first, or disable it: the lab's "
        "Prometheus finds pods by their annotations.",
    )
