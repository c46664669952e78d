# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles install by default, by distribution and by the chart's generation, as Ansible works it out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook

ROLES = ROOT / "roles"
FILES = [
    ROLES / role / folder / "main.yml"
    for role, folder in (
        ("lab", "defaults"),
        ("preflight", "defaults"),
        ("benchmark", "defaults"),
        ("benchmark", "vars"),
        ("lab", "vars"),
        ("temporal", "defaults"),
        ("temporal", "vars"),
    )
]
ASKED = {
    "chart": "temporal_chart",
    "repo": "temporal_chart_repo",
    "version": "temporal_chart_version",
    "layers": "temporal_layers",
    "companions": "temporal_companions_of",
    "load_image": "benchmark_image",
    "load_absent": "lab_load_absent_components",
    "node_images": "preflight_images",
    "releases": "lab_releases",
    "grafana": "temporal_grafana",
    "web": "temporal_web",
}

Values = dict[str, Any]


@pytest.fixture(scope="module")
def worked_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Values]:
    """Give a function that returns what ASKED names, with some variables given as with -e; each is asked once."""
    folder = tmp_path_factory.mktemp("distributions")
    known: dict[str, Values] = {}

    def work_out(**given: Any) -> Values:
        key = json.dumps(given, sort_keys=True)
        if key not in known:
            answer = folder / f"{len(known)}.json"
            everything = "{{ {" + ", ".join(f"'{name}': {variable}" for name, variable in ASKED.items()) + "} }}"
            play = {
                "hosts": "student-01",
                "connection": "local",
                "gather_facts": False,
                # Later ones win, as with roles.
                "vars_files": [str(path) for path in FILES],
                "vars": {
                    "ansible_python_interpreter": sys.executable,
                    "role_path": str(ROLES / "temporal"),
                    "temporal_images": {"available": {"grafana/grafana:12.3.0": True, "temporalio/ui:2.42.1": False}},
                    "asked": everything,
                },
                "tasks": [{"ansible.builtin.copy": {"dest": str(answer), "content": "{{ asked | to_json }}"}}],
            }
            (folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
            done = run_playbook(folder, "student-01,", "play.yml", "-e", key)
            assert done.returncode == 0, done.stdout + done.stderr
            known[key] = json.loads(answer.read_text(encoding="utf-8"))
        return known[key]

    return work_out


@pytest.fixture(scope="module")
def upstream(worked_out: Callable[..., Values]) -> Values:
    return worked_out(lab_namespace="student-01")


@pytest.fixture(scope="module")
def embedded(worked_out: Callable[..., Values]) -> Values:
    return worked_out(lab_distribution="embedded")


def test_upstream_is_the_default_and_pinned(upstream: Values) -> None:
    assert (upstream["chart"], upstream["version"]) == ("temporal", "0.73.2")
    assert upstream["repo"].startswith("https://")
    assert upstream["load_image"].endswith("/temporalio/benchmark-workers:v1.7.0")
    assert upstream["load_absent"] == ["load"]
    assert upstream["node_images"] == []
    assert (upstream["grafana"], upstream["web"]) == (True, True)


def test_the_embedded_student_has_the_collections_own(embedded: Values) -> None:
    assert Path(embedded["chart"]).resolve() == (ROOT / "files" / "charts" / "temporal-lab").resolve()
    assert (embedded["repo"], embedded["version"]) == ("", "")
    assert embedded["load_image"] == "localhost/temporal-lab/benchmark:0.1.0"
    assert embedded["load_absent"] == []
    assert len(embedded["node_images"]) == 4
    assert (embedded["grafana"], embedded["web"]) == ("auto", "auto")
    assert embedded["layers"]["lab"] == {
        "grafana": {"enabled": True, "image": {"repository": "grafana/grafana", "tag": "12.3.0"}},
        "web": {"enabled": False, "image": {"repository": "temporalio/ui", "tag": "2.42.1"}},
    }
    assert embedded["companions"]["lab"] == []


def test_the_inventory_of_the_node_says_that_it_is_embedded() -> None:
    inventory = yaml.safe_load((ROOT / "inventory" / "hosts.yml").read_text(encoding="utf-8"))
    assert inventory["all"]["vars"]["lab_distribution"] == "embedded"


def test_another_chart_has_neither_the_repository_nor_the_version(worked_out: Callable[..., Values]) -> None:
    other = worked_out(temporal_chart="oci://registry.example/temporal")
    assert (other["repo"], other["version"]) == ("", "")


def test_the_flags_of_the_lab(upstream: Values) -> None:
    ours = upstream["layers"]["bundled"]
    assert ours["server"]["replicaCount"] == 1
    assert ours["cassandra"]["config"]["cluster_size"] == 1
    assert ours["elasticsearch"]["replicas"] == 1
    assert ours["prometheus"]["enabled"] is True
    assert ours["grafana"]["enabled"] is True
    assert upstream["companions"]["bundled"] == []


@pytest.mark.parametrize("generation", ["bundled", "separate"])
def test_what_valid_figures_need(upstream: Values, generation: str) -> None:
    ours = upstream["layers"][generation]
    assert ours["server"]["matching"]["metrics"]["annotations"]["enabled"] is True
    prometheus = ours.get("prometheus")
    if generation == "separate":
        (prometheus,) = [one["values"] for one in upstream["companions"][generation] if one["chart"] == "prometheus"]
    assert prometheus["server"]["global"] == {
        "scrape_interval": "10s",
        "scrape_timeout": "4s",
        "evaluation_interval": "10s",
    }
    exporters = ("alertmanager", "prometheus-pushgateway", "prometheus-node-exporter", "kube-state-metrics")
    assert [prometheus[name]["enabled"] for name in exporters] == [False] * 4
    # One job, so that no pod is scraped twice, with the labels that the profile asks by.
    (job,) = prometheus["serverFiles"]["prometheus.yml"]["scrape_configs"]
    assert job["job_name"] == "kubernetes-pods"
    labels = {rule["target_label"] for rule in job["relabel_configs"] if "target_label" in rule}
    assert {"pod", "kubernetes_namespace"} <= labels
    assert "namespace" not in labels


def test_nothing_of_a_student_is_of_the_whole_cluster(upstream: Values) -> None:
    prometheus = upstream["layers"]["bundled"]["prometheus"]
    assert prometheus["rbac"] == {"create": False}
    assert prometheus["kube-state-metrics"]["rbac"] == {"useClusterRole": False}
    role, binding = (yaml.safe_load(text) for text in prometheus["extraManifests"])
    assert (role["kind"], binding["kind"], binding["roleRef"]["kind"]) == ("Role", "RoleBinding", "Role")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "my-temporal-prometheus-server", "namespace": "student-01"}
    ]
    (job,) = prometheus["serverFiles"]["prometheus.yml"]["scrape_configs"]
    assert job["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"own_namespace": True}}]


def test_names_follow_the_release(worked_out: Callable[..., Values]) -> None:
    named = worked_out(lab_release="blue")
    bundled = named["layers"]["bundled"]
    assert bundled["fullnameOverride"] == "blue"
    assert bundled["grafana"]["fullnameOverride"] == "blue-grafana"
    assert bundled["prometheus"]["server"]["fullnameOverride"] == "blue-prometheus-server"
    assert named["releases"] == ["blue", "blue-database", "blue-prometheus", "blue-grafana"]


def test_a_chart_with_the_server_alone_has_companions(worked_out: Callable[..., Values]) -> None:
    """Their releases are those that cleanup knows, and what they are called is what the other stages ask for."""
    upstream = worked_out(lab_namespace="student-01")
    companions = {one["name"]: one for one in upstream["companions"]["separate"]}
    assert set(companions) == set(upstream["releases"][1:])
    stores = upstream["layers"]["separate"]["server"]["config"]["persistence"]["datastores"]
    assert [stores[name]["sql"]["databaseName"] for name in ("default", "visibility")] == [
        "temporal",
        "temporal_visibility",
    ]
    for store in stores.values():
        assert store["sql"]["connectAddr"] == "my-temporal-database-postgresql:5432"
        assert store["sql"]["existingSecret"] == "my-temporal-database-postgresql"
    assert companions["my-temporal-database"]["values"]["server"] == {"enabled": False}
    assert companions["my-temporal-prometheus"]["values"]["server"]["fullnameOverride"] == (
        "my-temporal-prometheus-server"
    )
    assert companions["my-temporal-grafana"]["values"]["fullnameOverride"] == "my-temporal-grafana"
    for name in ("my-temporal-prometheus", "my-temporal-grafana"):
        assert companions[name]["version"].count(".") == 2
    boundaries = upstream["layers"]["separate"]["server"]["config"]["metrics"]["perUnitHistogramBoundaries"]
    own = yaml.safe_load((ROOT / "files/charts/temporal-lab/values.yaml").read_text())
    assert boundaries == {"milliseconds": own["server"]["histogramBoundaries"]}
    # Before 1.0 the chart passes these settings on whole: its own defaults among them.
    tally = upstream["layers"]["bundled"]["server"]["config"]["prometheus"]
    assert (tally["timerType"], tally["listenAddress"]) == ("histogram", "0.0.0.0:9090")
    assert tally["defaultHistogramBoundaries"] == pytest.approx([one / 1000 for one in boundaries["milliseconds"]])
    # Of the old flags, which this chart refuses, there are none.
    assert set(upstream["layers"]["separate"]) == {"fullnameOverride", "server", "web"}
    without = worked_out(temporal_grafana=False)
    assert "my-temporal-grafana" not in {one["name"] for one in without["companions"]["separate"]}
