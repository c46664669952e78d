# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before a chart is installed, and what is told about an earlier release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import temporal_release
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import (
    NAMESPACE,
    installed_helm,
    secret,
    write_chart,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    Asked,
    ScriptedApi,
    Task,
    status,
)

SEARCH = "/apis/apps/v1/namespaces/default/statefulsets/elasticsearch-master"
MONITORS = "/apis/monitoring.coreos.com/v1"
CLAIMS = f"{NAMESPACE}/configmaps/temporal-lab"
APPS = "/apis/apps/v1/namespaces/default"
MINE = {"app.kubernetes.io/managed-by": "temporal-lab"}


def script_claims(api: ScriptedApi, *releases: str) -> None:
    """The lab's list of what it installed."""
    api.on("GET", CLAIMS, {"metadata": {"labels": MINE}, "data": dict.fromkeys(releases, "installed")})
    api.on("PATCH", CLAIMS, {})


def script_charts(api: ScriptedApi, **charts: str) -> None:
    """The one Deployment of each release, of that chart."""
    api.on("GET", f"{APPS}/statefulsets", {"items": []})

    def answer(asked: Asked) -> Answer:
        release = asked.query["labelSelector"].rpartition("=")[2].replace("-", "_")
        labels = {"helm.sh/chart": charts[release]} if release in charts else {}
        return Answer({"items": [{"metadata": {"name": "a", "labels": labels}}]})

    api.on("GET", f"{APPS}/deployments", answer)


@pytest.fixture(scope="module")
def helm() -> str:
    return installed_helm()


def test_the_layer_of_the_charts_generation_is_taken(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on(
        "GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "deployed"), secret("other", 3, "failed")]}
    )
    script_claims(api, "my-temporal")
    layers = {"bundled": {"a": {"b": 1, "c": 1}}, "separate": {"d": 1}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, layers=layers, values={"a": {"c": 2}}, helm=helm)
    assert result["chart"] == {
        "name": "temporal",
        "version": "0.73.2",
        "app_version": "1.29.1",
        "generation": "bundled",
    }
    assert result["chart_values"] == {"a": {"b": 1, "c": 2}}
    assert [(entry["id"], entry["state"]) for entry in result["findings"]] == [("chart", "pass")]
    assert (result["faults"], result["unfinished"], result["good_revision"]) == ([], False, 1)
    assert result["releases"] == ["my-temporal", "other"]
    (asked,) = [entry for entry in api.asked if entry.path.endswith("/secrets")]
    assert asked.query["labelSelector"] == "owner=helm"
    assert "PartialObjectMetadataList" in asked.headers["Accept"]


@pytest.mark.parametrize(
    ("may", "labels", "taken"),
    [
        (True, {}, True),
        (True, {"temporal-lab/kind": "student"}, False),
        (False, {}, False),
    ],
    ids=["an administrator", "a student's namespace", "another account"],
)
def test_objects_of_the_whole_cluster_are_for_administrators_and_not_for_students(
    task: Task,
    api: ScriptedApi,
    helm: str,
    tmp_path: Path,
    may: bool,
    labels: dict[str, str],
    taken: bool,
) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    script_claims(api)
    api.on("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"status": {"allowed": may}})
    api.on("GET", NAMESPACE, {"metadata": {"name": "default", "labels": labels}})
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    asked = {"layers": {"bundled": {"a": {"b": 1, "c": 1}}}, "cluster_layers": {"bundled": {"a": {"b": 2}}}}
    result = task(temporal_release, chart=chart, values={"a": {"c": 3}}, helm=helm, **asked)
    assert result["chart_values"] == {"a": {"b": 2 if taken else 1, "c": 3}}
    (review,) = [entry for entry in api.asked if entry.path.endswith("selfsubjectaccessreviews")]
    assert review.body["spec"]["resourceAttributes"] == {"verb": "*", "group": "*", "resource": "*"}
    task(temporal_release, chart=chart, helm=helm, layers=asked["layers"], cluster_layers={"lab": {"a": 1}})
    # Of another chart there is nothing to ask for.
    assert len([entry for entry in api.asked if entry.path.endswith("selfsubjectaccessreviews")]) == 1


def test_what_the_cluster_has_against_it(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "failed", modifiedAt="1795625000")]})
    api.on("GET", SEARCH, {"metadata": {"annotations": {"meta.helm.sh/release-name": "other"}}})
    script_claims(api, "my-temporal")
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
    api.on("POST", f"{NAMESPACE}/configmaps", {})
    api.on("GET", MONITORS, answer)
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, values=values, helm=helm)
    assert (len(result["faults"]) == 1) is refused


def test_only_the_releases(task: Task, api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 2, "pending-upgrade")]})
    script_claims(api, "my-temporal")
    result = task(temporal_release, helm="/nowhere/helm")
    assert (result["releases"], result["unfinished"], result["chart"]) == (["my-temporal"], True, None)
    assert (result["ours"], result["kept"], "msg" in result) == (["my-temporal"], [], False)
    assert result["findings"] == []
    assert api.calls() == [f"GET {NAMESPACE}/secrets", f"GET {CLAIMS}"]


# -- whose a release is -------------------------------------------------------


def test_what_is_about_to_be_installed_is_written_down(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    api.on("POST", f"{NAMESPACE}/configmaps", {})
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    given = {"chart": chart, "helm": helm, "companions": ["my-temporal-database"], "installs": ["my-temporal-cache"]}
    result = task(temporal_release, **given)
    assert (result["faults"], result["changed"]) == ([], False)
    (made,) = [asked.body for asked in api.asked if asked.method == "POST"]
    assert (made["metadata"]["name"], made["metadata"]["labels"]) == ("temporal-lab", MINE)
    # This chart needs no database beside it: one that somebody has is not the lab's.
    assert sorted(made["data"]) == ["my-temporal", "my-temporal-cache"]

    # What is in the list is not written again, and what is not is added.
    script_claims(api, "my-temporal", "my-temporal-cache")
    task(temporal_release, **given)
    assert api.calls("PATCH") == []
    script_claims(api, "my-temporal")
    task(temporal_release, **given)
    (patch,) = [asked.body for asked in api.asked if asked.method == "PATCH"]
    assert list(patch["data"]) == ["my-temporal-cache"]


def test_a_chart_from_1_0_on_has_its_companions_written_down(
    task: Task, api: ScriptedApi, helm: str, tmp_path: Path
) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    api.on("POST", f"{NAMESPACE}/configmaps", {})
    chart = write_chart(tmp_path / "temporal", "1.6.0", app="1.31.2")
    task(temporal_release, chart=chart, helm=helm, companions=["my-temporal-database"])
    (made,) = [asked.body for asked in api.asked if asked.method == "POST"]
    assert sorted(made["data"]) == ["my-temporal", "my-temporal-database"]


def test_check_mode_and_a_fault_write_nothing_down(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    task(temporal_release, chart=chart, helm=helm, check=True)
    values = {"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}
    assert len(task(temporal_release, chart=chart, helm=helm, values=values)["faults"]) == 1
    assert {asked.method for asked in api.asked} == {"GET"}


def test_a_release_of_somebody_else_is_not_upgraded(task: Task, api: ScriptedApi, helm: str, tmp_path: Path) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 7, "deployed")]})
    api.on("POST", f"{NAMESPACE}/configmaps", {})
    script_charts(api, my_temporal="temporal-0.73.2")
    chart = write_chart(tmp_path / "temporal", "0.73.2")
    result = task(temporal_release, chart=chart, helm=helm)
    (fault,) = result["faults"]
    for fact in ("did not install my-temporal", "namespace default", api.url, "temporal_adopt"):
        assert fact in fault
    assert api.calls("POST") == []
    # Whoever takes it over says so, and then it is the lab's.
    assert task(temporal_release, chart=chart, helm=helm, adopt=True)["faults"] == []
    assert api.calls("POST") == [f"POST {NAMESPACE}/configmaps"]


def test_a_release_of_the_collections_own_chart_is_the_labs(
    task: Task, api: ScriptedApi, helm: str, tmp_path: Path
) -> None:
    """As an earlier version, which kept no list, installed it."""
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret("my-temporal", 1, "deployed")]})
    api.on("POST", f"{NAMESPACE}/configmaps", {})
    script_charts(api, my_temporal="temporal-lab-0.1.0")
    assert task(temporal_release, helm=helm)["ours"] == ["my-temporal"]
    chart = write_chart(tmp_path / "temporal-lab", "0.1.0", "temporal-lab", "1.31.2")
    assert task(temporal_release, chart=chart, helm=helm)["faults"] == []


def test_what_cleanup_may_uninstall(task: Task, api: ScriptedApi) -> None:
    names = ("my-temporal", "my-temporal-grafana", "my-temporal-database", "shop")
    api.on("GET", f"{NAMESPACE}/secrets", {"items": [secret(name, 1, "deployed") for name in names]})
    script_charts(api, my_temporal_database="temporal-lab-0.1.0")
    # The Prometheus was uninstalled by a cleanup that was cut off.
    script_claims(api, "my-temporal", "my-temporal-prometheus")
    companions = [f"my-temporal-{name}" for name in ("database", "prometheus", "grafana")]
    result = task(temporal_release, companions=companions)
    assert result["ours"] == ["my-temporal", "my-temporal-database", "my-temporal-prometheus"]
    (why,) = result["kept"]
    assert why.startswith(f"Release my-temporal-grafana in namespace default of {api.url} stays: ")
    assert "lab_companions" in why
    assert result["msg"] == why


def test_a_list_that_is_not_the_labs_is_an_error(task: Task, api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    api.on("GET", CLAIMS, {"metadata": {"labels": {"team": "platform"}}, "data": {"my-temporal": ""}})
    with pytest.raises(LabError, match=r"^The ConfigMap temporal-lab in namespace default is not the lab's"):
        task(temporal_release)


def test_two_labs_that_write_at_once_both_are_in_the_list(
    task: Task, api: ScriptedApi, helm: str, tmp_path: Path
) -> None:
    api.on("GET", f"{NAMESPACE}/secrets", {"items": []})
    other = {"metadata": {"labels": MINE}, "data": {"other": "installed"}}
    api.on("GET", CLAIMS, status(404, "not found", "NotFound"), other)
    api.on("POST", f"{NAMESPACE}/configmaps", status(409, "it exists", "AlreadyExists"))
    api.on("PATCH", CLAIMS, {})
    task(temporal_release, chart=write_chart(tmp_path / "temporal", "0.73.2"), helm=helm)
    (patch,) = [asked.body for asked in api.asked if asked.method == "PATCH"]
    assert list(patch["data"]) == ["my-temporal"]
