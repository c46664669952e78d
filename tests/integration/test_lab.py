# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as a student runs it, on a real cluster; run by the molecule scenario `lab`.

The stages from preflight to report were done when this begins, in LAB_FOLDER.
What they say is compared with what kubectl says, asked by hand.
"""

from __future__ import annotations

import html.parser
import json
import os
import re
import subprocess
import time
from urllib.parse import quote

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import ROOT, environment, message
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import run as run_program
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    BIN,
    FOLDER,
    KUBECONFIG,
    NAMESPACE,
    PROMETHEUS,
    RUN,
    TEMPORAL,
    kubectl,
    lab,
)

MEASURED = ("baseline", "benchmark", "concurrency", "scale")
#: Figures that every measured window has, also the idle one.
ALWAYS = ("state_transitions", "persistence_latency_p95", "workflow_successes", "shards_per_pod")


def changed(run: subprocess.CompletedProcess) -> int:
    return int(re.search(r"^student-01 .* changed=(\d+)", run.stdout, re.MULTILINE)[1])


def stage(name: str, attempt: int = 1) -> dict:
    return json.loads((RUN / f"{name}-{attempt}.json").read_text())


def figures(window: dict) -> dict[str, dict]:
    return {figure["id"]: figure for figure in window["figures"]}


def promql(query: str, time: float) -> list[dict]:
    """Ask Prometheus by hand, past all code of the collection."""
    answer = json.loads(kubectl("get", "--raw", f"{PROMETHEUS}/query?query={quote(query)}&time={time}"))
    assert answer["status"] == "success"
    return answer["data"]["result"]


# ------------------------------------------------------------------ the results


@pytest.mark.parametrize("name", ["preflight", "install", *MEASURED])
def test_the_stage_is_done(name):
    written = stage(name)
    assert written["state"] == "done", written["message"]
    assert written["started"] < written["finished"]


def test_the_dashboard_is_skipped_with_the_reason():
    written = stage("dashboard")
    assert written["state"] == "skipped"
    assert "no Grafana in this lab, because" in written["message"]


def test_nothing_restarted_at_install():
    restarts = stage("install")["facts"]["restarts"]
    assert restarts
    assert set(restarts.values()) == {0}


@pytest.mark.parametrize("name", MEASURED)
def test_the_figures_of_the_lab_are_there(name):
    for window in stage(name)["windows"]:
        found = figures(window)
        for figure in ALWAYS:
            assert found[figure]["value"] is not None or found[figure]["by"], (window["name"], found[figure])
        if name != "baseline":
            assert found["shard_lock_latency_p95"]["value"] > 0
            assert found["state_transitions"]["value"] > 1
            assert found["workflow_successes"]["value"] > 0.1


def test_idle_is_idle():
    found = figures(stage("baseline")["windows"][0])
    assert found["workflow_successes"]["value"] == 0
    assert found["signal_requests"]["value"] == 0


def test_signals_are_not_zero_under_load():
    assert figures(stage("benchmark")["windows"][0])["signal_requests"]["value"] > 0


#: The same questions in PromQL, as one would type them; $w is the window.
BY_HAND = {
    "state_transitions": 'sum(rate(state_transition_count_count{job="kubernetes-pods",namespace="default"}[$w]))',
    "workflow_successes": 'sum(rate(workflow_success{job="kubernetes-pods",namespace="default"}[$w]))',
    "persistence_latency_p95": (
        'histogram_quantile(0.95, sum by (le) (rate(persistence_latency_bucket{job="kubernetes-pods"}[$w])))'
    ),
    "shard_lock_latency_p95": (
        "histogram_quantile(0.95, sum by (le) "
        '(rate(semaphore_latency_bucket{job="kubernetes-pods",operation="ShardInfo"}[$w])))'
    ),
}


@pytest.mark.parametrize("name", ["benchmark", "concurrency", "scale"])
@pytest.mark.parametrize("figure", BY_HAND)
def test_promqls_answer_beside_a_figure_is_that_of_promql_asked_by_hand(name, figure):
    """Which of the two is right is for tests/integration/test_measure.py: increase() carries growth on to the edges."""
    for window in stage(name)["windows"]:
        length = f"{round((window['end'] - window['start']) * 1000)}ms"
        (answer,) = promql(BY_HAND[figure].replace("$w", length), window["end"])
        found = figures(window)[figure]
        assert found["promql"] == pytest.approx(float(answer["value"][1]), rel=1e-6)
        if abs(found["promql_difference"]) > 0.05:
            assert found["promql_reason"]
        else:
            assert found["value"] == pytest.approx(found["promql"], rel=0.06)


def test_every_figure_names_the_query_that_promql_was_asked():
    window = stage("benchmark")["windows"][0]
    figure = figures(window)["state_transitions"]
    (answer,) = promql(figure["query"], figure["time"])
    assert figure["promql"] == pytest.approx(float(answer["value"][1]), rel=1e-9)


@pytest.mark.parametrize("name", ["benchmark", "concurrency", "scale"])
def test_the_load_was_the_one_that_was_asked_for(name):
    """By Little's law, by the work of a workflow, and by the workers' pollers; a short window cuts some workflows."""
    findings = stage(name)["facts"]["findings"]
    assert {"load_in_flight", "load_transitions_per_success", "load_pollers"} <= {found["id"] for found in findings}
    assert [found for found in findings if found["state"] == "fail"] == []
    wanted = {"benchmark": 3, "concurrency": 6, "scale": 6}[name]
    assert stage(name)["settings"]["concurrent_workflows"] == wanted
    windows = stage(name)["windows"]
    in_flight = [figures(window)["load_achieved_concurrency"]["value"] for window in windows]
    # Workflows that moving shards held up in a window ended in the next.
    assert sum(in_flight) / len(in_flight) == pytest.approx(wanted, rel=0.25)
    for window in windows:
        found = figures(window)
        assert found["load_requested_concurrency"]["value"] == wanted
        # A start with its signal, a workflow task for each of three activities and one more, and the activities. Of a
        # workflow that an end of the window cuts, all or none may be inside; a few tasks are done twice.
        ended = found["workflow_successes"]["value"] * (window["end"] - window["start"])
        assert found["transitions_per_success"]["value"] == pytest.approx(15, rel=0.03 + wanted / ended)


def test_windows_say_what_they_used_up():
    """By the kubelet, which the lab's Prometheus may ask where an administrator installed it.

    In 20 seconds it looks once or twice at each pod, so that of some windows not all is known.
    """
    windows = [(name, window) for name in MEASURED for window in stage(name)["windows"]]
    known = [(name, window) for name, window in windows if window["resources"]["state"] != "unknown"]
    assert known, [window["resources"]["reason"] for _name, window in windows]
    parts = {"frontend", "history", "matching", "worker", "database", "prometheus"}
    for name, window in known:
        used = window["resources"]
        (machine,) = used["machines"]
        assert machine["cores"] == os.cpu_count()
        assert 0 < machine["used"] <= 1.05 * machine["cores"]
        assert set(used["cpu"]) <= parts | (set() if name == "baseline" else {"load", "workers"})
        assert used["throttled"] == {}
    assert {part for _name, window in known for part in window["resources"]["cpu"]} >= {"history", "database"}


def test_what_is_measured_was_looked_at_before():
    findings = {found["id"]: found for found in stage("install")["facts"]["findings"]}
    looked_at = ("targets", "double_scrapes", "metrics", "units", "prometheus_clock", "shards")
    assert {name: findings[name]["state"] for name in looked_at} == dict.fromkeys(looked_at, "pass")
    # Four scrapes in a window are enough to tell something, and not much.
    assert findings["scrape_interval"]["state"] == "warn"
    assert "20 s" in findings["scrape_interval"]["title"]


def test_figures_are_worked_out_again_without_the_cluster():
    before = sorted(path.name for path in RUN.glob("*.json"))
    for name in MEASURED:
        assert (RUN / stage(name)["samples"]).is_file()
    run = lab("--tags", "reanalyse", "-e", "lab_kubeconfig=/nowhere")
    assert run.returncode == 0, run.stdout
    for name in MEASURED:
        assert re.search(rf"^{name}: the same figures from {name}-\d+\.samples\.json\.gz$", run.stdout, re.MULTILINE)
    assert sorted(path.name for path in RUN.glob("*.json")) == before


def test_scale_proves_the_balance():
    shards = stage("scale")["facts"]["shards"]
    info = json.loads(kubectl("get", "--raw", f"{TEMPORAL}/cluster-info"))
    assert shards["expected"] == info["historyShardCount"]
    assert len(shards["before"]) == 1
    assert len(shards["after"]) == 2
    assert sum(shards["before"].values()) == sum(shards["after"].values()) == info["historyShardCount"]
    assert all(shards["after"].values())
    assert 0 < shards["settled"] < 120


def test_windows_are_anchored_on_what_happened():
    """The first window of scale begins when the second history pod was made; the other follows at once.

    The cluster's clock has whole seconds, and no window begins before its stage.
    """
    pods = json.loads(kubectl("get", "pods", "-l", "app.kubernetes.io/component=history", "-o", "json"))["items"]
    made = max(pod["metadata"]["creationTimestamp"] for pod in pods)
    first, after = stage("scale")["windows"]
    shown = subprocess.run(["date", "-u", "-d", made, "+%s"], capture_output=True, text=True, check=True).stdout
    assert first["start"] == max(float(shown), stage("scale")["started"])
    assert after["start"] == first["end"]


def test_the_load_is_what_the_generator_counted_itself():
    """Successes by the server and completions by the generator are the same within the noise of two scrapes."""
    for name in ("benchmark", "concurrency"):
        found = figures(stage(name)["windows"][0])
        assert found["load_completed"]["value"] == pytest.approx(found["workflow_successes"]["value"], rel=0.05)


# ------------------------------------------------------------------ the report


class Checker(html.parser.HTMLParser):
    """Finds out what a page would load, and which plots it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.plots = 0

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.plots += tag == "svg"
        if tag in ("script", "link", "img", "iframe"):
            self.loads.append(str(given))


def test_the_report_is_one_offline_page_with_plots():
    page = (RUN / "report.html").read_text()
    checker = Checker()
    checker.feed(page)
    assert checker.loads == []
    assert checker.plots >= 5
    assert "State transitions" in page
    assert "first look" in page.lower()


def test_the_report_is_there_as_markdown_and_json():
    assert "State transitions" in (RUN / "report.md").read_text()
    assert json.loads((RUN / "report.json").read_text())["student"] == "student-01"


# ------------------------------------------------------------------ stages alone, again, and without their ground


def test_all_stages_are_listed():
    listed = subprocess.run(
        [BIN / "ansible-playbook", "lab.yml", "--list-tags"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    tags = set(re.search(r"TASK TAGS: \[(.*)\]", listed)[1].split(", "))
    stages = {"preflight", "install", "dashboard", "baseline", "benchmark", "concurrency", "scale", "report"}
    assert stages | {"cleanup", "recreate", "check", "solve", "status", "reset", "teardown", "reanalyse"} <= tags


@pytest.mark.parametrize("tag", ["concurrency", "scale"])
def test_a_stage_again_changes_nothing_and_reads_the_same_window(tag):
    run = lab("--tags", tag)
    assert run.returncode == 0, run.stdout
    assert changed(run) == 0
    first, again = stage(tag, 1), stage(tag, 2)
    if tag == "scale":
        assert [window["start"] for window in first["windows"]] == [window["start"] for window in again["windows"]]
    else:
        assert again["windows"][0]["start"] >= again["started"]


def test_check_and_status_say_what_there_is():
    run = lab("--tags", "status,check", "-e", "check_stage=scale")
    assert run.returncode == 0, run.stdout
    assert "workflows to keep in flight: 6" in run.stdout
    assert "stage scale is done right" in run.stdout
    wrong = lab("--tags", "check", "-e", "check_stage=cleanup")
    assert wrong.returncode != 0
    assert "run --tags cleanup" in message(wrong)


def test_baseline_refuses_a_loaded_server():
    run = lab("--tags", "baseline")
    assert run.returncode != 0
    assert "--tags reset" in message(run)


@pytest.mark.parametrize(
    ("tag", "cure"),
    [
        ("baseline", "--tags install"),
        ("benchmark", "--tags install"),
        ("concurrency", "--tags install"),
        ("scale", "--tags benchmark"),
    ],
)
def test_a_stage_without_its_ground_names_the_tag_that_lays_it(tag, cure):
    run = lab("--tags", tag, "-e", "lab_namespace=kube-public", "-e", "lab_run=empty")
    assert run.returncode != 0
    said = message(run)
    assert cure in said
    assert "Traceback" not in run.stdout + run.stderr


def test_a_report_without_results_says_what_is_missing():
    run = lab("--tags", "report", "-e", "lab_run=nothing")
    assert run.returncode != 0
    assert "Traceback" not in run.stdout + run.stderr
    assert "nothing" in message(run)


def test_a_window_too_short_is_refused_before_it_is_waited_for():
    run = lab("--tags", "concurrency", "-e", "lab_window=15s", "-e", "lab_run=short")
    assert run.returncode != 0
    assert "15" in message(run)


def test_a_cluster_that_does_not_answer_is_named():
    broken = FOLDER / "broken.kubeconfig"
    broken.write_text(re.sub(r"https://[0-9.]+:6443", "https://127.0.0.1:9", KUBECONFIG.read_text()))
    run = lab("--tags", "preflight", "-e", f"lab_kubeconfig={broken}", "-e", "lab_run=broken")
    assert run.returncode != 0
    assert "https://127.0.0.1:9" in message(run)
    assert "Traceback" not in run.stdout + run.stderr


# ------------------------------------------------------------------ what something undoes


HISTORY = "deployment/my-temporal-history"


def autoscaler(most: int) -> None:
    """A real HorizontalPodAutoscaler of history; without metrics it keeps the number within its bounds."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "my-temporal-history"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    made = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "thrift"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": most, "metrics": [metric]},
    }
    kubectl("apply", "-f", "-", text=json.dumps(made))


@pytest.fixture
def one_history_pod():
    """One history pod again, and in the end no autoscaler."""
    kubectl("scale", HISTORY, "--replicas=1")
    kubectl("rollout", "status", HISTORY, "--timeout=120s")
    yield
    kubectl("delete", "hpa", "thrift", "--ignore-not-found")


def failed_scale(run: str) -> dict:
    """The one attempt at scale of a run: it failed, and nothing was measured."""
    folder = FOLDER / "results" / "student-01" / run
    assert sorted(path.name for path in folder.glob("scale-*")) == ["scale-1.json"]
    written = json.loads((folder / "scale-1.json").read_text())
    assert (written["state"], written["windows"]) == ("failed", [])
    return written


def test_scale_under_an_autoscaler_changes_nothing_and_names_it(one_history_pod):
    autoscaler(1)
    run = lab("--tags", "scale", "-e", "lab_run=bounded")
    assert run.returncode != 0
    assert "HorizontalPodAutoscaler thrift keeps it at 1 to 1 replicas" in failed_scale("bounded")["message"]
    assert kubectl("get", HISTORY, "-o", "jsonpath={.spec.replicas}") == "1"


def test_what_an_autoscaler_undoes_in_the_middle_fails_within_a_minute(one_history_pod):
    """It comes when history has two pods, and takes one away at its next look, which is every 15 s."""
    autoscaler(2)
    command = [BIN / "ansible-playbook", "lab.yml", "--tags", "scale"]
    settings = {
        "lab_kubeconfig": str(KUBECONFIG),
        "lab_namespace": NAMESPACE,
        "lab_results_dir": str(FOLDER / "results"),
        "lab_run": "undone",
        # Of two windows in a row: it is over long before them.
        "lab_window": "120s",
    }
    with subprocess.Popen(
        [*command, "--extra-vars", json.dumps(settings)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    ) as scaling:
        try:
            until = time.monotonic() + 120
            while kubectl("get", HISTORY, "-o", "jsonpath={.status.readyReplicas}") != "2":
                assert scaling.poll() is None, scaling.communicate()[0]
                assert time.monotonic() < until
                time.sleep(0.5)
            autoscaler(1)
            undone = time.time()
            shown, _nothing = scaling.communicate(timeout=240)
        finally:
            scaling.kill()
    assert scaling.returncode != 0, shown
    written = failed_scale("undone")
    for fact in (
        "my-temporal-history",
        "has 1 replica",
        "an autoscaler (kube-controller-manager) changed that",
        "HorizontalPodAutoscaler thrift keeps it at 1 to 1 replicas",
    ):
        assert fact in written["message"]
    # Two windows of two minutes would have taken four.
    assert written["finished"] - undone < 60


def test_history_that_somebody_else_scaled_was_not_scaled_by_the_stage(one_history_pod):
    kubectl("scale", HISTORY, "--replicas=2")
    run = lab("--tags", "scale", "-e", "lab_run=theirs")
    assert run.returncode != 0
    assert "had 2 replicas before this stage, set by kubectl" in failed_scale("theirs")["message"]


def test_a_load_that_is_scaled_to_zero_is_refused():
    kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
    run = lab("--tags", "concurrency", "-e", "lab_run=idle")
    kubectl("scale", "deployment/benchmark-soak-test", "--replicas=1")
    assert run.returncode != 0
    assert "benchmark-soak-test in namespace" in message(run)
    assert "has 0 replicas, so it does nothing" in message(run)


# ------------------------------------------------------------------ cleanup and recreate, in this order


def test_a_stage_that_is_there_is_solved_without_a_change():
    run = lab("--tags", "solve", "-e", "lab_stage=scale")
    assert run.returncode == 0, run.stdout
    assert changed(run) == 0
    assert stage("solve")["facts"]["solved"] == "scale"
    refused = lab("--tags", "solve", "-e", "lab_stage=scal")
    assert refused.returncode != 0
    assert "did you mean scale?" in message(refused)


def test_reset_goes_back_to_before_a_stage_in_the_same_run():
    run = lab("--tags", "reset", "-e", "lab_stage=scale")
    assert run.returncode == 0, run.stdout
    deployments = json.loads(kubectl("get", "deployments", "-o", "json"))["items"]
    names = {entry["metadata"]["name"]: entry["spec"]["replicas"] for entry in deployments}
    assert (names["my-temporal-history"], names["benchmark-soak-test"]) == (1, 1)
    assert stage("reset")["state"] == "done"
    checked = lab("--tags", "check", "-e", "lab_stage=concurrency")
    assert checked.returncode == 0, checked.stdout


def test_reset_goes_back_to_after_the_install():
    run = lab("--tags", "reset")
    assert run.returncode == 0, run.stdout
    deployments = json.loads(kubectl("get", "deployments", "-o", "json"))["items"]
    names = {entry["metadata"]["name"]: entry["spec"]["replicas"] for entry in deployments}
    assert "benchmark-soak-test" not in names
    assert names["my-temporal-history"] == 1


def test_cleanup_leaves_nothing_and_removes_what_helm_leaves():
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "left-behind", "labels": {"app.kubernetes.io/instance": "my-temporal"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    (FOLDER / "claim.json").write_text(json.dumps(volume))
    kubectl("apply", "-f", str(FOLDER / "claim.json"))
    run = lab("--tags", "cleanup", "-e", "teardown_grace=5")
    assert run.returncode == 0, run.stdout
    assert stage("cleanup")["facts"]["leftovers"] == ["persistentvolumeclaims/left-behind"]
    kinds = "deployments,statefulsets,jobs,pods,services,persistentvolumeclaims,secrets"
    assert kubectl("get", kinds, "-o", "name").split() == []
    again = lab("--tags", "cleanup")
    assert again.returncode == 0, again.stdout
    assert changed(again) == 0


def test_recreate_starts_from_an_empty_database():
    run = lab("--tags", "recreate")
    assert run.returncode == 0, run.stdout
    written = stage("recreate")
    assert written["facts"]["fresh_database"] is True
    assert written["facts"]["shards_owned"] == written["settings"]["history_shards"]
    assert "recreate" in (RUN / "report.md").read_text()


def test_an_upgrade_keeps_what_was_scaled_and_the_password():
    kubectl("scale", "deployment/my-temporal-history", "--replicas=2")
    secret = kubectl("get", "secret", "my-temporal-postgresql", "-o", "jsonpath={.data.password}")
    run = lab(
        "--tags", "install", "-e", json.dumps({"temporal_values": {"prometheus": {"server": {"retention": "2d"}}}})
    )
    assert run.returncode == 0, run.stdout
    assert changed(run) == 1
    assert kubectl("get", "deployment", "my-temporal-history", "-o", "jsonpath={.spec.replicas}") == "2"
    assert kubectl("get", "secret", "my-temporal-postgresql", "-o", "jsonpath={.data.password}") == secret


def test_teardown_takes_everything_away():
    run = lab("--tags", "teardown")
    assert run.returncode == 0, run.stdout
    assert kubectl("get", "deployments,statefulsets,pods,secrets", "-o", "name") == ""
    # The scenario made the namespace itself.
    assert kubectl("get", "namespace", NAMESPACE, "-o", "name").strip() == f"namespace/{NAMESPACE}"
    assert "the lab did not make it" in " ".join(run.stdout.split())


def test_a_namespace_that_the_lab_made_is_deleted():
    elsewhere = f"{NAMESPACE}-made"
    # The stage fails where the chart does not exist: the namespace was made before.
    run = lab("--tags", "install", "-e", f"lab_namespace={elsewhere}", "-e", "lab_run=made", "-e", "temporal_chart=/no")
    assert run.returncode != 0
    labels = json.loads(kubectl("get", "namespace", elsewhere, "-o", "json"))["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "temporal-lab"
    run = lab("--tags", "teardown", "-e", f"lab_namespace={elsewhere}", "-e", "lab_run=made")
    assert run.returncode == 0, run.stdout
    assert kubectl("get", "namespace", elsewhere, "--ignore-not-found", "-o", "name") == ""


def test_a_release_of_somebody_else_is_neither_upgraded_nor_uninstalled():
    """Of another chart, with the name of the lab's."""
    chart = FOLDER / "theirs"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: shop, version: 1.0.0}")
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}}
    (chart / "templates" / "all.yaml").write_text(json.dumps(theirs))
    helm = [BIN / "helm", f"--kubeconfig={KUBECONFIG}"]
    assert run_program([*helm, "install", "my-temporal", str(chart)]).returncode == 0
    for tag in ("install", "cleanup"):
        run = lab("--tags", tag, "-e", "lab_run=foreign")
        assert run.returncode != 0
        assert "the lab did not install" in message(run).lower()
        assert "temporal_adopt" in message(run)
    assert kubectl("get", "configmap", "shop", "-o", "name").strip() == "configmap/shop"
    assert run_program([*helm, "uninstall", "my-temporal"]).returncode == 0
