# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_release: which chart a release is made of, with which values, and whether that can go well.

Known combinations that fail, or that give wrong figures, are told before anything is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..findings import Finding, finding, sentence, show_faulty
from ..formatting import duration_text
from ..http.errors import NotFound
from ..task import Context, Params, Result, Task
from .cluster import METADATA, METADATA_LIST, Cluster
from .connect import CLUSTER
from .predicates import Json, seconds

IMPORT_ERROR: ImportError | None = None
try:
    import yaml
except ImportError as error:
    IMPORT_ERROR = error

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

#: The last chart with databases, Prometheus and Grafana of its own whose defaults work.
PINNED = "0.73.2"
#: Top-level values that charts from 1.0 on refuse.
OLD_FLAGS = ("cassandra", "elasticsearch", "prometheus", "grafana", "mysql", "postgresql")
#: Server from which on a chart before 1.0 needs two settings that it does not have by itself.
SPRIG_SERVER = (1, 30)
#: What Elasticsearch is called, whatever its release is called.
SEARCH = "elasticsearch-master"
MONITORS = "apis/monitoring.coreos.com/v1"
#: Seconds that helm may take to fetch a chart.
FETCH = 120.0

#: States of a release that are neither good nor gone, as helm writes them.
UNFINISHED = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling", "failed", "unknown")
#: States that can be gone back to.
GOOD = ("deployed", "superseded")


@dataclass(frozen=True)
class Chart:
    """A chart as its Chart.yaml says.

    generation: ``lab`` for the collection's own; of upstream's, ``bundled`` for those before 1.0, which bring
    databases, Prometheus and Grafana, and ``separate`` for those that are the server alone.
    """

    name: str
    version: str
    app_version: str

    @property
    def generation(self) -> str:
        if self.name == "temporal-lab":
            return "lab"
        return "bundled" if numbers(self.version)[:1] == (0,) else "separate"


@dataclass(frozen=True)
class Revision:
    """One revision of a release; ``time`` is its last change in Unix seconds."""

    release: str
    number: int
    status: str
    time: float


# -- judging, without a cluster ---------------------------------------------


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: ``v1.30.3-rc.1`` is (1, 30, 3), and ``latest`` is ()."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Two layers of values: the second's on top, mappings joined and everything else replaced."""
    result = dict(ours)
    for key, value in theirs.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def dig(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as ``server.image.tag``, None when there is none."""
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def monitors(values: Any, path: str = "") -> Iterator[str]:
    """Paths of the ServiceMonitors that values ask for."""
    if not isinstance(values, Mapping):
        return
    for key, value in values.items():
        here = f"{path}.{key}" if path else str(key)
        if key == "serviceMonitor" and isinstance(value, Mapping) and value.get("enabled") is True:
            yield f"{here}.enabled"
        else:
            yield from monitors(value, here)


def is_pinned(reference: str, version: str) -> bool:
    """Whether it is the same chart another day: a file, or a whole version and not a range of them."""
    return is_path(reference) or re.fullmatch(r"v?\d+\.\d+\.\d+\S*", version) is not None


def is_path(reference: str) -> bool:
    return not reference.startswith("oci://") and os.path.exists(os.path.expanduser(reference))


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


def good_revision(revisions: Sequence[Revision]) -> int | None:
    """The last revision that can be gone back to."""
    return max((revision.number for revision in revisions if revision.status in GOOD), default=None)


def unfinished(revisions: Sequence[Revision]) -> Revision | None:
    """The last of a release's revisions when it is neither good nor gone, else None."""
    last = max(revisions, key=lambda revision: revision.number, default=None)
    return last if last is not None and last.status in UNFINISHED else None


def judge_earlier(revisions: Sequence[Revision], mend: str, now: float) -> Finding | None:
    """A finding if helm was interrupted earlier. revisions: those of the release. mend: how to repair it."""
    last = unfinished(revisions)
    if last is None:
        return None
    good = good_revision(revisions)
    title = (
        f"Release {last.release} has been {last.status} for {duration_text(max(0.0, now - last.time))} "
        f"(revision {last.number})"
    )
    back = "there is no good revision to go back to" if good is None else f"goes back to revision {good}"
    if mend == "uninstall" or (mend == "rollback" and good is not None):
        does = "it is uninstalled first" if mend == "uninstall" else f"it is rolled back to revision {good} first"
        return finding("earlier_release", "warn", title, f"As temporal_mend says, {does}.")
    if mend == "rollback":
        return finding(
            "earlier_release", "fail", title, f"For temporal_mend rollback, {back}.", "Set temporal_mend to uninstall."
        )
    wait = "wait for a helm that may still be running, or " if last.status != "failed" else ""
    return finding(
        "earlier_release",
        "fail",
        title,
        "The cluster does not match any revision.",
        f"{wait}set temporal_mend to rollback ({back}) or uninstall (which installs it again).".capitalize(),
    )


# -- asking -----------------------------------------------------------------


def read_chart(helm: str, reference: str, repo: str, version: str) -> Chart:
    """What Chart.yaml says, of a folder, a packed chart, an OCI reference or a repository's chart. Raises LabError."""
    if IMPORT_ERROR is not None:
        raise LabError("The Python package yaml is missing from the Python that runs this task: install PyYAML.")
    where = f"The chart {reference}" + (f" {version}" if version else "") + (f" of {repo}" if repo else "")
    other = "give temporal_chart a folder or a packed chart, or an address that this machine reaches"
    program = shutil.which(helm)
    if program is None:
        raise LabError(f"{where} cannot be read, as there is no program {helm}: install helm 3, or give its path.")
    options = [*(("--repo", repo) if repo else ()), *(("--version", version) if version else ())]
    command = [program, "show", "chart", os.path.expanduser(reference), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH, check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"{where} cannot be read, as helm did not get it in {FETCH:.0f} s: {other}.") from None
    except OSError as failure:
        raise LabError(f"{where} cannot be read, as {helm} cannot be run ({failure.strerror}): {other}.") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split()).removeprefix("Error: ").rstrip(".") or "no output from helm"
        raise LabError(f"{where} cannot be read ({said}): {other}.")
    try:
        found = yaml.safe_load(done.stdout)
        chart = Chart(str(found["name"]), str(found["version"]), str(found.get("appVersion", "")))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise LabError(f"{where} is not a chart that helm can read: {other}.") from None
    if chart.name not in ("temporal", "temporal-lab"):
        raise LabError(f"{where} is the chart {chart.name}, but the lab has values only for temporal and temporal-lab.")
    return chart


def read_revisions(cluster: Cluster) -> list[Revision]:
    """The revisions of all releases in the namespace, by the labels of helm's Secrets and never their data."""
    revisions = []
    for entry in cluster.list_objects("secrets", "owner=helm", accept=METADATA_LIST):
        metadata = entry["metadata"]
        labels = metadata.get("labels") or {}
        if not str(labels.get("version", "")).isdigit():
            continue
        # A new revision can have the label of the one before it: the Secret itself may be younger.
        times = [float(labels[key]) for key in ("createdAt", "modifiedAt") if str(labels.get(key, "")).isdigit()]
        when = max([seconds(metadata.get("creationTimestamp")) or 0.0, *times])
        status = labels.get("status", "unknown")
        revisions.append(Revision(labels.get("name", ""), int(labels["version"]), status, when))
    return revisions


def search_owner(cluster: Cluster) -> str | None:
    """The release of the Elasticsearch in the namespace; empty when it is of no release."""
    found = cluster.find("statefulsets", SEARCH, accept=METADATA)
    if found is None:
        return None
    return str((found["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name", ""))


def knows_monitors(cluster: Cluster) -> bool:
    try:
        resources: list[Json] = cluster.get_json(f"/{MONITORS}").get("resources") or []
    except NotFound:
        return False
    return any(resource.get("name") == "servicemonitors" for resource in resources)


def run(params: Params, context: Context, now: Callable[[], float] = time.time) -> Result:
    """Return ``chart``, ``values``, ``findings``, ``faults``, ``releases``, ``unfinished`` and ``good_revision``."""
    release = params["release"]
    findings: list[Finding | None] = []
    result: Result = {"changed": False, "chart": None, "values": params["values"]}
    with Cluster.from_params(params) as cluster:
        revisions = read_revisions(cluster)
        own = [revision for revision in revisions if revision.release == release]
        if params["chart"]:
            chart = read_chart(params["helm"], params["chart"], params["repo"], params["version"])
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
