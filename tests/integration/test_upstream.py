# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab on the chart of Temporal's own project, on a real cluster; run by the molecule scenario `upstream`.

The stages from preflight to report were done when this begins, in LAB_FOLDER, with the chart at TEMPORAL_LAB_CHART.
What the chart makes is a table of facts here, which the lab relies on: the chart itself is no part of the project.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.integration import scenario
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import ROOT, message
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    BIN,
    FOLDER,
    KUBECONFIG,
    NAMESPACE,
    RUN,
    TEMPORAL,
    kubectl,
)
from ansible_collections.temporal_lab.benchmarking.tests.integration.test_lab import (
    ALWAYS,
    BY_HAND,
    MEASURED,
    changed,
    figures,
    promql,
    stage,
)

CHART = os.environ["TEMPORAL_LAB_CHART"]
LOADED = [name for name in MEASURED if name != "baseline"]

# ------------------------------------------------------------------ facts of chart 0.73.2

VERSION = "0.73.2"
#: Ports of the pods of each role, in the order of the manifest.
ROLES = {
    "frontend": {"rpc": 7233, "membership": 6933, "http": 7243, "metrics": 9090},
    "history": {"rpc": 7234, "membership": 6934, "metrics": 9090},
    "matching": {"rpc": 7235, "membership": 6935, "metrics": 9090},
    "worker": {"membership": 6939, "metrics": 9090},
}
#: Ports of Services and where they lead, None for a headless one that has the ports of its pods.
SERVICES = {
    "my-temporal-frontend": {7233: "rpc", 7243: "http"},
    "my-temporal-frontend-headless": None,
    "my-temporal-history-headless": None,
    "my-temporal-matching-headless": None,
    "my-temporal-worker-headless": None,
    "my-temporal-prometheus-server": {80: 9090},
}
CONFIGMAPS = {"my-temporal-sprig-config", "my-temporal-dynamic-config", "my-temporal-prometheus-server"}
#: The values of the lab's command, and what is needed where there is neither Cassandra nor Elasticsearch.
FLAGS = (
    "server.replicaCount=1,prometheus.enabled=true,cassandra.enabled=false,elasticsearch.enabled=false,"
    "grafana.enabled=false,server.config.persistence.default.driver=sql,"
    "server.config.persistence.visibility.driver=sql"
)


def objects(kind: str) -> dict[str, dict[str, Any]]:
    """The student's objects of a kind by name."""
    return {entry["metadata"]["name"]: entry for entry in json.loads(kubectl("get", kind, "-o", "json"))["items"]}


def lab(*arguments: str) -> subprocess.CompletedProcess:
    return scenario.lab("--extra-vars", f"@{ROOT}/extensions/molecule/upstream/vars/upstream.yml", *arguments)


def helm(*arguments: str) -> subprocess.CompletedProcess:
    command = [str(BIN / "helm"), f"--kubeconfig={KUBECONFIG}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_a_deployment_of_this_form(role):
    deployment = objects("deployments")[f"my-temporal-{role}"]
    template = deployment["spec"]["template"]
    labels = {
        "app.kubernetes.io/name": "temporal",
        "app.kubernetes.io/instance": "my-temporal",
        "app.kubernetes.io/component": role,
    }
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert labels.items() <= template["metadata"]["labels"].items()
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/job"] == f"temporal-{role}"
    assert (annotations["prometheus.io/scrape"], annotations["prometheus.io/port"]) == ("true", "9090")
    (container,) = template["spec"]["containers"]
    assert container["name"] == f"temporal-{role}"
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == ROLES[role]
    assert "readinessProbe" not in container
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert environment["TEMPORAL_SERVICES"] == role


def test_services():
    found = objects("services")
    for name, ports in SERVICES.items():
        spec = found[name]["spec"]
        if ports is None:
            assert spec["clusterIP"] == "None"
            pods = ROLES[name.split("-")[2]]
            expected = {port: key for key, port in pods.items() if key != "http"}
            expected |= {7239: "rpc"} if "worker" in name else {}
        else:
            expected = ports
        assert {port["port"]: port["targetPort"] for port in spec["ports"]} == expected, name


def test_the_rest_of_the_release():
    assert set(objects("configmaps")) >= CONFIGMAPS
    job = objects("jobs")["my-temporal-schema-1"]
    # A plain Job, which each upgrade makes anew under another number.
    assert "helm.sh/hook" not in (job["metadata"].get("annotations") or {})
    assert job["status"]["succeeded"] == 1
    steps = [container["name"] for container in job["spec"]["template"]["spec"]["initContainers"]]
    assert steps == [
        f"{step}-{store}-store" for step in ("create", "setup", "update") for store in ("default", "visibility")
    ]


def test_what_the_chart_would_do_by_itself():
    """Why the lab has values of its own: with the lab's flags alone the figures would be wrong or missing."""
    done = helm("template", "my-temporal", CHART, "--set", FLAGS)
    assert done.returncode == 0, done.stderr
    rendered = {(entry["kind"], entry["metadata"]["name"]): entry for entry in yaml.safe_load_all(done.stdout) if entry}
    scraped = {
        role: rendered["Deployment", f"my-temporal-{role}"]["spec"]["template"]["metadata"]["annotations"].get(
            "prometheus.io/scrape"
        )
        for role in ROLES
    }
    assert scraped == {"frontend": "true", "history": "true", "worker": "true", "matching": None}
    config = yaml.safe_load(rendered["ConfigMap", "my-temporal-prometheus-server"]["data"]["prometheus.yml"])
    assert config["global"]["scrape_interval"] == "1m"
    twice = {"kubernetes-pods", "kubernetes-service-endpoints"}
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert twice <= set(jobs)
    # A metric without a label `namespace` of its own gets Kubernetes' one, and one with it keeps Temporal's.
    assert jobs["kubernetes-pods"]["honor_labels"] is True
    steps = rendered["Job", "my-temporal-schema-1"]["spec"]["template"]["spec"]["initContainers"]
    assert not [step for step in steps if "namespace" in step["name"]]
    # Of the same name for all students of a cluster.
    assert ("ClusterRole", "my-temporal-prometheus-server") in rendered
    exporters = {"my-temporal-kube-state-metrics", "my-temporal-prometheus-pushgateway"}
    assert exporters <= {name for kind, name in rendered if kind == "Deployment"}
    assert ("DaemonSet", "my-temporal-prometheus-node-exporter") in rendered


def test_nothing_but_what_the_lab_needs_is_installed():
    names = set(objects("deployments"))
    assert names == {f"my-temporal-{role}" for role in ROLES} | {
        "my-temporal-prometheus-server",
        "benchmark-workers",
        "benchmark-soak-test",
    }
    assert objects("daemonsets") == {}
    assert set(objects("statefulsets")) == {"my-temporal-database-postgresql"}


def test_two_students_share_nothing_in_the_cluster():
    """The release's own values, with exporters on, for two namespaces: no object of theirs is of the whole cluster."""
    values = FOLDER / "values.yaml"
    values.write_text(helm("get", "values", "my-temporal").stdout.partition("\n")[2])
    on = "prometheus.kube-state-metrics.enabled=true,prometheus.prometheus-pushgateway.enabled=true"
    for namespace in ("student-01", "student-02"):
        done = helm("template", "my-temporal", CHART, "-n", namespace, "-f", str(values), "--set", on)
        assert done.returncode == 0, done.stderr
        kinds = {entry["kind"] for entry in yaml.safe_load_all(done.stdout) if entry}
        assert {"Role", "RoleBinding", "Deployment"} <= kinds
        assert [kind for kind in kinds if kind.startswith("Cluster")] == []


# ------------------------------------------------------------------ the results


@pytest.mark.parametrize("name", ["preflight", "install", *MEASURED])
def test_the_stage_is_done(name):
    written = stage(name)
    assert written["state"] == "done", written["message"]


def test_it_is_the_chart_that_was_given():
    assert stage("install")["versions"]["chart"] == f"temporal-{VERSION}"
    info = json.loads(kubectl("get", "--raw", f"{TEMPORAL}/cluster-info"))
    assert stage("install")["versions"]["temporal_server"] == info["serverVersion"]


def test_what_is_measured_was_looked_at_before():
    findings = {found["id"]: found["state"] for found in stage("install")["facts"]["findings"]}
    looked_at = ("targets", "double_scrapes", "metrics", "units", "prometheus_clock", "shards")
    assert {name: findings[name] for name in looked_at} == dict.fromkeys(looked_at, "pass")


@pytest.mark.parametrize("name", MEASURED)
def test_the_figures_of_the_lab_are_there(name):
    for window in stage(name)["windows"]:
        found = figures(window)
        for figure in ALWAYS:
            assert found[figure]["value"] is not None or found[figure]["by"], (window["name"], found[figure])
        assert sum(found["shards_per_pod"]["by"].values()) == 512
        if name != "baseline":
            assert found["shard_lock_latency_p95"]["value"] > 0
            assert found["state_transitions"]["value"] > 1
            assert found["workflow_successes"]["value"] > 0.1
            assert found["poll_sync_rate"]["value"] > 0


def test_idle_is_idle():
    found = figures(stage("baseline")["windows"][0])
    assert found["workflow_successes"]["value"] == 0
    assert found["signal_requests"]["value"] == 0


@pytest.mark.parametrize("name", LOADED)
@pytest.mark.parametrize("figure", BY_HAND)
def test_a_figure_is_that_of_promql_asked_by_hand(name, figure):
    for window in stage(name)["windows"]:
        length = f"{round((window['end'] - window['start']) * 1000)}ms"
        (answer,) = promql(BY_HAND[figure].replace("$w", length), window["end"])
        found = figures(window)[figure]
        assert found["promql"] == pytest.approx(float(answer["value"][1]), rel=1e-6)
        if abs(found["promql_difference"]) > 0.05:
            assert found["promql_reason"]
        else:
            assert found["value"] == pytest.approx(found["promql"], rel=0.06)


def test_scale_proves_the_balance():
    shards = stage("scale")["facts"]["shards"]
    assert shards["expected"] == 512
    assert (len(shards["before"]), len(shards["after"])) == (1, 2)
    assert sum(shards["after"].values()) == 512
    assert all(shards["after"].values())


def test_the_dashboards_queries_are_the_same():
    """A panel of the lab's dashboard asks by these labels, whatever the chart."""
    for metric in ("state_transition_count_count", "persistence_requests", "numshards_gauge"):
        labels = f'job="kubernetes-pods",kubernetes_namespace="{NAMESPACE}"'
        found = promql(f"{metric}{{{labels}}}", stage("scale")["finished"])
        assert found, metric
        assert {series["metric"]["app_kubernetes_io_name"] for series in found} == {"temporal"}


def test_the_report_is_there():
    assert "State transitions" in (RUN / "report.html").read_text()
    assert json.loads((RUN / "report.json").read_text())["student"] == "student-01"


# ------------------------------------------------------------------ refusals, before anything is changed


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"server": {"configMapsToMount": "dockerize"}}, "server.configMapsToMount=sprig"),
        ({"server": {"metrics": {"serviceMonitor": {"enabled": True}}}}, "Prometheus Operator"),
    ],
)
def test_what_cannot_work_is_refused(values, said):
    before = helm("list", "--all").stdout
    merged = "{{ good | combine(bad, recursive=true) }}"
    variables = yaml.safe_load((ROOT / "extensions/molecule/upstream/vars/upstream.yml").read_text())
    given = {"good": variables["temporal_values"], "bad": values, "temporal_values": merged}
    run = lab("--tags", "install", "-e", json.dumps(given))
    assert run.returncode != 0
    assert said in message(run)
    assert helm("list", "--all").stdout == before


def test_a_load_without_a_workflow_is_refused():
    run = lab("--tags", "concurrency", "-e", "benchmark_raised_concurrent_workflows=0", "-e", "lab_run=refused")
    assert run.returncode != 0
    assert "--tags reset" in message(run)


def test_install_again_changes_nothing():
    run = lab("--tags", "install")
    assert run.returncode == 0, run.stdout
    assert changed(run) == 0


def deployed() -> tuple[str, str]:
    """Status and revision of the release."""
    (found,) = json.loads(helm("list", "--all", "--filter", "^my-temporal$", "--output", "json").stdout)
    return found["status"], found["revision"]


def test_a_failed_release_is_told_and_rolled_back():
    # No cluster takes a negative number of replicas.
    broken = helm("upgrade", "my-temporal", CHART, "--reuse-values", "--set", "server.replicaCount=-1")
    assert broken.returncode != 0
    assert deployed() == ("failed", "2")
    told = lab("--tags", "install")
    assert told.returncode != 0
    # Helm's own label for the time is that of the revision before.
    assert re.search(r"Release my-temporal has been failed for ([\d.]+ s|1 min( \d+ s)?) \(revision 2\)", message(told))
    assert "set temporal_mend to rollback (goes back to revision 1) or uninstall" in message(told)
    assert deployed() == ("failed", "2")
    run = lab("--tags", "install", "-e", "temporal_mend=rollback")
    assert run.returncode == 0, run.stdout
    assert deployed() == ("deployed", "3")


def test_a_helm_that_was_killed_is_told_and_its_release_uninstalled():
    command = [str(BIN / "helm"), f"--kubeconfig={KUBECONFIG}", "upgrade", "my-temporal", CHART, "--wait"]
    # No node has this image, so that helm waits.
    upgrade = subprocess.Popen([*command, "--reuse-values", "--set", "server.image.tag=nothing"])
    try:
        until = time.monotonic() + 60
        while deployed()[0] != "pending-upgrade":
            assert upgrade.poll() is None
            assert time.monotonic() < until
            time.sleep(0.5)
    finally:
        upgrade.kill()
        upgrade.wait()
    told = lab("--tags", "install")
    assert told.returncode != 0
    assert re.search(r"Release my-temporal has been pending-upgrade for .* \(revision 4\)", message(told))
    assert "wait for a helm that may still be running" in message(told)
    run = lab("--tags", "install", "-e", "temporal_mend=uninstall")
    assert run.returncode == 0, run.stdout
    assert deployed() == ("deployed", "1")


# ------------------------------------------------------------------ cleanup and recreate, in this order


def test_cleanup_leaves_nothing():
    run = lab("--tags", "cleanup")
    assert run.returncode == 0, run.stdout
    kinds = "deployments,statefulsets,jobs,pods,services,persistentvolumeclaims,secrets"
    assert kubectl("get", kinds, "-o", "name").split() == []


def test_recreate_starts_from_an_empty_database():
    run = lab("--tags", "recreate")
    assert run.returncode == 0, run.stdout
    facts = stage("recreate")["facts"]
    assert facts["fresh_database"] is True
    assert facts["shards_owned"] == 512


def test_teardown_takes_everything_away():
    run = lab("--tags", "teardown")
    assert run.returncode == 0, run.stdout
    assert kubectl("get", "deployments,statefulsets,pods,secrets", "-o", "name") == ""
