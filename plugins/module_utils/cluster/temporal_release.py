# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_release: the chart and values of a release, and whether they can work.

Combinations that are known to fail, or to give wrong figures, are reported before anything is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..findings import Finding, sentence, show_faulty
from ..http.errors import NotFound
from ..http.shape import each, record, text
from ..task import Context, Params, Result, Task
from .chart import find_source, is_pinned, read_chart
from .chart_findings import (
    SEARCH,
    bundles_search,
    judge_flags,
    judge_monitors,
    judge_pin,
    judge_search,
    judge_server,
)
from .chart_values import merged, monitors
from .cluster import METADATA, Cluster
from .connect import CLUSTER
from .predicates import Json
from .revisions import good_revision, judge_earlier, read_revisions, unfinished

MEND = ("none", "rollback", "uninstall")
SPEC: dict[str, Any] = {
    **CLUSTER,
    "chart": {"type": "str"},
    "repo": {"type": "str", "default": ""},
    "version": {"type": "str", "default": ""},
    "layers": {"type": "dict", "default": {}},
    "values": {"type": "dict", "default": {}},
    "mend": {"type": "str", "choices": list(MEND), "default": "none"},
    "helm": {"type": "str", "default": "helm"},
}

MONITORS = "apis/monitoring.coreos.com/v1"
RESOURCES = record(resources=each(record(name=text)))


def search_owner(cluster: Cluster) -> str | None:
    """The release of the Elasticsearch in the namespace; empty when it is of no release."""
    found = cluster.find("statefulsets", SEARCH, accept=METADATA)
    if found is None:
        return None
    return str((found["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name") or "")


def knows_monitors(cluster: Cluster) -> bool:
    try:
        answer = cluster.checked(cluster.request("GET", f"/{MONITORS}"), RESOURCES)
    except NotFound:
        return False
    resources: list[Json] = answer.get("resources") or []
    return any(resource.get("name") == "servicemonitors" for resource in resources)


def run(params: Params, context: Context, now: Callable[[], float] = time.time) -> Result:
    """Return what the documentation of the module says: ``chart``, its ``source`` and ``values``, ``findings`` …"""
    release = params["release"]
    findings: list[Finding | None] = []
    result: Result = {"changed": False, "chart": None, "source": None, "values": params["values"]}
    with Cluster.from_params(params) as cluster:
        revisions = read_revisions(cluster)
        own = [revision for revision in revisions if revision.release == release]
        if params["chart"]:
            source = find_source(params["helm"], params["chart"], params["repo"], params["version"], context.private)
            chart = read_chart(params["helm"], source.chart, source.repo, source.version)
            values = merged(params["layers"].get(chart.generation) or {}, params["values"])
            pinned = is_pinned(params["chart"], params["version"])
            asked = list(monitors(values))
            findings += [
                judge_pin(chart, pinned),
                judge_flags(chart, pinned, values),
                judge_server(chart, values),
                judge_search(chart, values, search_owner(cluster), release) if bundles_search(chart, values) else None,
                judge_monitors(asked, knows_monitors(cluster)) if asked else None,
                judge_earlier(own, params["mend"], now()),
            ]
            result["source"] = asdict(source)
            result["chart"] = {
                "name": chart.name,
                "version": chart.version,
                "app_version": chart.app_version,
                "generation": chart.generation,
            }
            result["values"] = values
    found = [entry for entry in findings if entry is not None]
    show_faulty(found, context.show)
    return {
        **result,
        "findings": found,
        "faults": [sentence(entry) for entry in found if entry["state"] == "fail"],
        "releases": sorted({revision.release for revision in revisions}),
        "unfinished": unfinished(own) is not None,
        "good_revision": good_revision(own),
    }


TASK = Task(SPEC, run)
