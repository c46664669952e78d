# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_release: the chart and values of a release, and whether they can work.

Combinations that are known to fail, or to give wrong figures, are reported before anything is installed. A release that
the lab did not install is neither upgraded nor uninstalled; those that it is about to install are written down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..findings import Finding, finding, sentence, show_faulty
from ..http.errors import NotFound
from ..http.shape import each, record, text
from ..kubernetes_names import check_companions
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
from .ours import CLAIMS, STUDENTS, claim, installed_by_us, labels_of, read_claims
from .permissions import EVERYTHING, allowed
from .predicates import Json
from .revisions import good_revision, judge_earlier, read_revisions, unfinished

MEND = ("none", "rollback", "uninstall")
SPEC: dict[str, Any] = {
    **CLUSTER,
    "chart": {"type": "str"},
    "repo": {"type": "str", "default": ""},
    "version": {"type": "str", "default": ""},
    "layers": {"type": "dict", "default": {}},
    "cluster_layers": {"type": "dict", "default": {}},
    "values": {"type": "dict", "default": {}},
    "mend": {"type": "str", "choices": list(MEND), "default": "none"},
    "helm": {"type": "str", "default": "helm"},
    "companions": {"type": "list", "elements": "str", "default": []},
    "installs": {"type": "list", "elements": "str", "default": []},
    "adopt": {"type": "bool", "default": False},
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


def may_change_all(cluster: Cluster) -> bool:
    """Whether a release may bring objects of the whole cluster.

    Not into the namespace of a student of a shared cluster, who could use what they permit to see others.
    """
    if not allowed(cluster, EVERYTHING, None):
        return False
    namespace = cluster.find("namespaces", cluster.namespace, accept=METADATA)
    return namespace is None or not STUDENTS.items() <= labels_of(namespace).items()


def run(params: Params, context: Context, now: Callable[[], float] = time.time) -> Result:
    """Return what the documentation of the module says: ``chart``, its ``source``, ``chart_values``, ``findings`` …"""
    release = params["release"]
    names = list(dict.fromkeys([release, *params["installs"], *params["companions"]]))
    check_companions(names[1:])
    findings: list[Finding | None] = []
    result: Result = {"changed": False, "chart": None, "source": None, "chart_values": params["values"]}
    with Cluster.from_params(params) as cluster:
        revisions = read_revisions(cluster)
        own = [revision for revision in revisions if revision.release == release]
        installed = {revision.release for revision in revisions}
        claims = read_claims(cluster)
        if params["chart"]:
            source = find_source(params["helm"], params["chart"], params["repo"], params["version"], context.private)
            chart = read_chart(params["helm"], source.chart, source.repo, source.version)
            if chart.generation != "separate":
                # Such a chart needs no release beside it but those that are named.
                names = list(dict.fromkeys([release, *params["installs"]]))
            layer = params["layers"].get(chart.generation) or {}
            wide = params["cluster_layers"].get(chart.generation) or {}
            if wide and may_change_all(cluster):
                layer = merged(layer, wide)
            values = merged(layer, params["values"])
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
            result["chart_values"] = values
        ours = installed_by_us(cluster, [name for name in names if name in installed], claims)
        foreign = [name for name in names if name in installed - ours]
        if params["chart"] and foreign and not params["adopt"]:
            findings.append(judge_foreign(cluster, foreign))
        found = [entry for entry in findings if entry is not None]
        if params["chart"] and not any(entry["state"] == "fail" for entry in found) and not context.check_mode:
            claim(cluster, names, claims)
        kept = [] if params["chart"] else [stays(cluster, name) for name in foreign]
    show_faulty(found, context.show)
    return {
        **result,
        "findings": found,
        "faults": [sentence(entry) for entry in found if entry["state"] == "fail"],
        "releases": sorted(installed),
        # Those that were claimed too: an interrupted cleanup has uninstalled them and left what they made.
        "ours": sorted(ours | (claims.releases & set(names))),
        "kept": kept,
        **({"msg": " ".join(kept)} if kept else {}),
        "unfinished": unfinished(own) is not None,
        "good_revision": good_revision(own),
    }


def judge_foreign(cluster: Cluster, releases: Sequence[str]) -> Finding:
    named = " and ".join(releases)
    return finding(
        "foreign_release",
        "fail",
        f"The lab did not install {named} in namespace {cluster.namespace} of {cluster.server}",
        "Installing would change what somebody else runs.",
        "Give another lab_namespace or lab_release. If an earlier version of the lab installed it, or the lab is to "
        "take it over, set temporal_adopt to true.",
    )


def stays(cluster: Cluster, release: str) -> str:
    return (
        f"Release {release} in namespace {cluster.namespace} of {cluster.server} stays: the lab did not install it "
        f"(the ConfigMap {CLAIMS} lists what it did). If it is yours, run helm uninstall {release}, or let the lab "
        f"take it over with --tags install -e temporal_adopt=true; one beside Temporal can be left out of "
        f"lab_companions."
    )


TASK = Task(SPEC, run)
