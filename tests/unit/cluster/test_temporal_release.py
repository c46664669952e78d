# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before a chart is installed, and what is told about an earlier release."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import temporal_release
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart import (
    Chart,
    is_pinned,
    numbers,
    read_chart,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_findings import (
    judge_flags,
    judge_monitors,
    judge_pin,
    judge_search,
    judge_server,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_values import merged, monitors
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.revisions import (
    Revision,
    good_revision,
    judge_earlier,
    read_revisions,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.findings import sentence
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, Task, status

OWN = Chart("temporal-lab", "0.1.0", "1.31.2")
GOOD = Chart("temporal", "0.73.2", "1.29.1")
NEXT = Chart("temporal", "0.74.0", "1.30.3")
NEW = Chart("temporal", "1.6.0", "1.31.2")
SPRIG = {"server": {"setConfigFilePath": True, "configMapsToMount": "sprig"}}
NAMESPACE = "/api/v1/namespaces/default"
SEARCH = "/apis/apps/v1/namespaces/default/statefulsets/elasticsearch-master"
MONITORS = "/apis/monitoring.coreos.com/v1"


# -- judging ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("chart", "generation"),
    [
        (OWN, "lab"),
        (GOOD, "bundled"),
        (NEXT, "bundled"),
        (NEW, "separate"),
        (Chart("temporal", "v2.0.0", ""), "separate"),
    ],
)
def test_generations(chart: Chart, generation: str) -> None:
    assert chart.generation == generation


def test_numbers_of_a_version() -> None:
    assert numbers("v1.30.3-rc.1") == (1, 30, 3)
    assert numbers("latest") == ()


def test_two_layers_of_values() -> None:
    ours = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    assert merged(ours, {"a": {"c": [3]}, "d": {"g": 2}, "e": None}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"g": 2},
        "e": None,
    }
    assert ours["a"] == {"b": 1, "c": [1, 2]}


@pytest.mark.parametrize(
    ("reference", "version", "pinned"),
    [
        ("temporal", "0.73.2", True),
        ("temporal", "v1.0.0-rc.3", True),
        ("temporal", "", False),
        ("temporal", "0.73", False),
        ("temporal", "^0.73.0", False),
        ("temporal", ">=0.70.0", False),
        ("oci://registry.example/temporal", "", False),
        ("oci://registry.example/temporal", "0.73.2", True),
        (str(Path(__file__).parent), "", True),
    ],
)
def test_pinned(reference: str, version: str, pinned: bool) -> None:
    assert is_pinned(reference, version) is pinned


def test_a_chart_that_is_not_pinned_is_warned_of() -> None:
    assert judge_pin(NEW, True)["state"] == "pass"
    found = judge_pin(NEW, False)
    assert found["state"] == "warn"
    assert "temporal_chart_version 0.73.2 or 1.6.0" in found["cure"]


@pytest.mark.parametrize("flag", ["cassandra", "elasticsearch", "prometheus", "grafana", "mysql", "postgresql"])
def test_old_flags_with_a_chart_that_has_none_of_them(flag: str) -> None:
    # This chart refuses the key, whatever it says.
    found = judge_flags(NEW, False, {flag: {"enabled": False}, "server": {}})
    assert found is not None
    assert found["state"] == "fail"
    assert f"has no {flag}" in found["title"]
    assert "newest as none is pinned" in found["title"]
    assert "temporal_chart_version 0.73.2" in found["cure"]
    assert judge_flags(GOOD, False, {flag: {"enabled": False}}) is None


def test_no_old_flags() -> None:
    assert judge_flags(NEW, False, {"server": {"replicaCount": 1}, "grafana": {}, "cassandra": None}) is None


@pytest.mark.parametrize(
    ("chart", "values", "lacks"),
    [
        (GOOD, {}, ""),
        (NEXT, {}, "server.setConfigFilePath=true and server.configMapsToMount=sprig"),
        (NEXT, SPRIG, ""),
        (NEXT, {"server": {"setConfigFilePath": True}}, "server.configMapsToMount=sprig"),
        (NEXT, {"server": {"setConfigFilePath": False, "configMapsToMount": "sprig"}}, "server.setConfigFilePath=true"),
        (NEXT, {"server": {"useEntrypointScript": True}}, ""),
        (NEXT, {"server": {"image": {"tag": "1.29.1"}}}, ""),
        # A tag that says nothing: the chart's own server counts.
        (NEXT, {"server": {"image": {"tag": "mine"}}}, "server.setConfigFilePath=true and"),
        (GOOD, {"server": {"image": {"tag": "1.31.2"}}}, "server.setConfigFilePath=true and"),
        (GOOD, merged(SPRIG, {"server": {"image": {"tag": "1.31.2"}}}), ""),
        (NEW, {}, ""),
        (OWN, {}, ""),
    ],
)
def test_a_server_that_the_chart_cannot_start_by_itself(chart: Chart, values: dict[str, Any], lacks: str) -> None:
    found = judge_server(chart, values)
    if not lacks:
        assert found is None
    else:
        assert found is not None
        assert (found["state"], lacks in found["title"]) == ("fail", True)
        assert "server.setConfigFilePath=true and server.configMapsToMount=sprig" in found["cure"]


@pytest.mark.parametrize(
    ("chart", "values", "owner", "refused"),
    [
        (GOOD, {}, "other", True),
        (GOOD, {"elasticsearch": {"replicas": 1}}, "other", True),
        (GOOD, {}, "", True),
        (GOOD, {}, "my-temporal", False),
        (GOOD, {}, None, False),
        (GOOD, {"elasticsearch": {"enabled": False}}, "other", False),
        (NEW, {}, "other", False),
        (OWN, {}, "other", False),
    ],
)
def test_two_releases_with_elasticsearch(
    chart: Chart, values: dict[str, Any], owner: str | None, refused: bool
) -> None:
    found = judge_search(chart, values, owner, "my-temporal")
    assert (found is not None and found["state"] == "fail") is refused
    if found:
        assert "lab_namespace" in found["cure"]


def test_service_monitors() -> None:
    values = {
        "server": {
            "metrics": {"serviceMonitor": {"enabled": True}},
            "history": {"metrics": {"serviceMonitor": {"enabled": True}}},
            "worker": {"metrics": {"serviceMonitor": {"enabled": False}}},
            "matching": {"metrics": {"serviceMonitor": {}}},
        }
    }
    asked = list(monitors(values))
    assert asked == ["server.metrics.serviceMonitor.enabled", "server.history.metrics.serviceMonitor.enabled"]
    assert judge_monitors(asked, True) is None
    assert judge_monitors([], False) is None
    found = judge_monitors(asked, False)
    assert found is not None
    assert found["state"] == "fail"
    assert asked[1] in found["title"]


def revisions(*states: str) -> list[Revision]:
    return [Revision("my-temporal", number, state, 100.0 * number) for number, state in enumerate(states, 1)]


@pytest.mark.parametrize(
    ("states", "good"),
    [
        (["failed"], None),
        (["superseded", "deployed"], 2),
        (["superseded", "deployed", "failed"], 2),
        (["superseded", "superseded", "failed", "pending-upgrade"], 2),
        (["pending-install"], None),
    ],
)
def test_the_revision_to_go_back_to(states: list[str], good: int | None) -> None:
    assert good_revision(revisions(*states)) == good


@pytest.mark.parametrize(
    ("states", "mend", "state", "said"),
    [
        (["deployed"], "none", None, ""),
        (["failed", "deployed"], "none", None, ""),
        ([], "none", None, ""),
        (["failed"], "none", "fail", "no good revision to go back to) or uninstall (which installs it again"),
        (["deployed", "failed"], "none", "fail", "rollback (goes back to revision 1)"),
        (["deployed", "failed"], "rollback", "warn", "it is rolled back to revision 1 first"),
        (["deployed", "failed"], "uninstall", "warn", "it is uninstalled first"),
        (["failed"], "rollback", "fail", "set temporal_mend to uninstall"),
        (["pending-install"], "none", "fail", "wait for a helm that may still be running"),
        (["deployed", "pending-upgrade"], "rollback", "warn", "revision 1"),
        (["uninstalling"], "uninstall", "warn", "uninstalled"),
    ],
)
def test_an_earlier_release(states: list[str], mend: str, state: str | None, said: str) -> None:
    found = judge_earlier(revisions(*states), mend, 100.0 * len(states) + 725)
    assert (found["state"] if found else None) == state
    if found:
        told = sentence(found)
        assert f"Release my-temporal has been {states[-1]} for 12 min 5 s (revision {len(states)})" in told
        assert said in told
        if mend == "none":
            assert re.search(r"set temporal_mend to rollback \(.+\) or uninstall", told)


# -- charts, read by helm itself --------------------------------------------


@pytest.fixture(scope="module")
def helm() -> str:
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if beside.exists() else shutil.which("helm")
    if not found:
        pytest.fail("helm was not found: put it on PATH")
    return found


def write_chart(folder: Path, version: str, name: str = "temporal", app: str = "1.29.1") -> str:
    folder.mkdir(exist_ok=True)
    about = {"apiVersion": "v2", "name": name, "version": version, "appVersion": app}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    return str(folder)


def test_a_folder_and_a_packed_chart(helm: str, tmp_path: Path) -> None:
    folder = write_chart(tmp_path / "temporal", "0.73.2")
    assert read_chart(helm, folder, "", "") == GOOD
    packed = shutil.make_archive(str(tmp_path / "temporal-0.73.2"), "gztar", tmp_path, "temporal")
    named = Path(packed).rename(tmp_path / "temporal-0.73.2.tgz")
    assert read_chart(helm, str(named), "", "") == GOOD


@pytest.mark.parametrize(
    ("reference", "said"),
    [("nothing-there", "cannot be read"), ("other", "chart nginx, but the lab has values only for temporal")],
)
def test_what_is_no_chart_of_temporal(helm: str, tmp_path: Path, reference: str, said: str) -> None:
    write_chart(tmp_path / "other", "1.0.0", "nginx")
    with pytest.raises(LabError, match=said):
        read_chart(helm, str(tmp_path / reference), "", "")


def test_no_helm(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no program /nowhere/helm: install helm 3"):
        read_chart("/nowhere/helm", str(tmp_path), "", "")


# -- conversations ----------------------------------------------------------


def secret(name: str, version: int, state: str, **times: str) -> dict[str, Any]:
    labels = {"owner": "helm", "name": name, "version": str(version), "status": state, **times}
    return {"metadata": {"labels": labels, "creationTimestamp": "2026-11-25T17:00:00Z"}}


def test_revisions_by_the_labels_of_helm(cluster: Cluster, api: ScriptedApi) -> None:
    """The time is the latest that is known: helm gives a new revision the label of the one before it."""
    made = 1795626000
    items = [
        secret("a", 1, "superseded", createdAt=str(made), modifiedAt=str(made + 100)),
        secret("a", 2, "failed", modifiedAt=str(made - 100)),
        secret("b", 1, "pending-install", createdAt=str(made + 1)),
        {"metadata": {"labels": {"owner": "helm", "name": "odd"}}},
    ]
    api.on("GET", f"{NAMESPACE}/secrets", {"items": items})
    assert read_revisions(cluster) == [
        Revision("a", 1, "superseded", made + 100.0),
        Revision("a", 2, "failed", float(made)),
        Revision("b", 1, "pending-install", made + 1.0),
    ]


def test_the_layer_of_the_charts_generation_is_taken(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on(
        "GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "deployed"), secret("other", 3, "failed")]}
    )
    layers = {"bundled": {"a": {"b": 1, "c": 1}}, "separate": {"d": 1}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, layers=layers, values={"a": {"c": 2}}, helm=helm)
    assert result["chart"] == {
        "name": "temporal",
        "version": "0.73.2",
        "app_version": "1.29.1",
        "generation": "bundled",
    }
    assert result["values"] == {"a": {"b": 1, "c": 2}}
    assert [(entry["id"], entry["state"]) for entry in result["findings"]] == [("chart", "pass")]
    assert (result["faults"], result["unfinished"], result["good_revision"]) == ([], False, 1)
    assert result["releases"] == ["my-temporal", "other"]
    (asked,) = [entry for entry in api.asked if entry.path.endswith("/secrets")]
    assert asked.query["labelSelector"] == "owner=helm"
    assert "PartialObjectMetadataList" in asked.headers["Accept"]


def test_what_the_cluster_has_against_it(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "failed", modifiedAt="1795625000")]})
    api.on("GET", SEARCH, {"metadata": {"annotations": {"meta.helm.sh/release-name": "other"}}})
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    chart = write_chart(tmp_path / "temporal", "0.74.0", app="1.30.3")
    result = task(temporal_release, chart=chart, values=values, helm=helm)
    failed = [entry["id"] for entry in result["findings"] if entry["state"] == "fail"]
    assert failed == ["chart_server", "elasticsearch", "service_monitor", "earlier_release"]
    assert len(result["faults"]) == 4
    assert result["unfinished"] is True
    # Each is shown at the terminal as well.
    assert [line.partition(":")[0] for line in task.lines] == ["fail"] * 4


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"resources": [{"name": "servicemonitors"}]}, False),
        ({"resources": [{"name": "podmonitors"}]}, True),
        (status(404, "not found", "NotFound"), True),
    ],
)
def test_whether_the_cluster_knows_service_monitors(
    task: Task, api: ScriptedApi, helm: str, tmp_path: Path, answer: Any, refused: bool
) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    api.on("GET", MONITORS, answer)
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, values=values, helm=helm)
    assert (len(result["faults"]) == 1) is refused


def test_only_the_releases(task: Task, api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 2, "pending-upgrade")]})
    result = task(temporal_release, helm="/nowhere/helm")
    assert (result["releases"], result["unfinished"], result["chart"]) == (["my-temporal"], True, None)
    assert result["findings"] == []
    assert api.calls() == [f"GET {NAMESPACE}/secrets"]
