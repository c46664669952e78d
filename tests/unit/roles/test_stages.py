# SPDX-License-Identifier: GPL-3.0-or-later
"""What every stage has around its own tasks, and what the stages agree on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, deployment, pod
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook

#: Each stage: its role, and the file of the role that is the stage.
STAGES = {
    "preflight": ("preflight", "main"),
    "install": ("temporal", "main"),
    "dashboard": ("grafana", "main"),
    "baseline": ("measure", "baseline"),
    "benchmark": ("benchmark", "main"),
    "concurrency": ("benchmark", "concurrency"),
    "scale": ("scaling", "main"),
    "cleanup": ("teardown", "main"),
    "reset": ("teardown", "reset"),
    "solve": ("solve", "main"),
}


def play(folder: Path, role: str, tasks_from: str, **given: Any) -> str:
    """What a playbook shows that imports one role for student-01."""
    task = {"name": f"temporal_lab.benchmarking.{role}", "tasks_from": tasks_from, "rolespec_validate": False}
    tasks = [{"ansible.builtin.import_role": task}]
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    given["lab_results_dir"] = str(folder / "results")
    done = run_playbook(folder, "student-01,", "-e", json.dumps(given), "play.yml")
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def recorded(folder: Path) -> list[dict[str, Any]]:
    """The stage files that were written."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("results/student-01/*/*-?.json"))]


def test_every_stage_has_the_one_wrapper() -> None:
    wrapped = {}
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        text = path.read_text()
        if "lab/tasks/stage.yml" in text:
            (task,) = yaml.safe_load(text)
            assert (path.parent / task["vars"]["lab_stage_tasks"]).is_file()
            wrapped[(path.parts[-3], path.stem)] = task["vars"]["lab_stage_name"]
        elif path != ROOT / "roles/lab/tasks/stage.yml":
            assert "rescue:" not in text, path
    assert set(wrapped) == set(STAGES.values())
    named = {stage for stage in wrapped.values() if "{" not in stage}
    assert named == set(STAGES) - {"install"}


def test_no_task_is_named_by_what_students_differ_in() -> None:
    """Ansible fills in a task's name once, for the first of its hosts."""
    same_for_all = {"lab_stage_name", "benchmark_stage", "measure_stage", "node_state"}
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        for name in re.findall(r"^ *- name: (.*\{\{.*)$", path.read_text(), re.MULTILINE):
            assert set(re.findall(r"\{\{ (\w+) \}\}", name)) <= same_for_all, (path, name)


@pytest.mark.parametrize("stage", ["install", "baseline", "concurrency", "scale", "cleanup"])
def test_a_failure_is_recorded_once_and_ends_the_stage(stage: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    given = {"lab_kubeconfig": str(missing), "lab_namespace": "student-01", "teardown_grace": 0}
    shown = play(tmp_path, *STAGES[stage], **given)
    (record,) = recorded(tmp_path)
    assert (record["stage"], record["state"]) == (stage, "failed")
    # The first task that failed says why, whichever that is.
    assert str(missing) in record["message"]
    assert f"student-01, stage {stage}:" in " ".join(shown.split())
    assert 0 < record["started"] <= record["finished"]
    assert list(tmp_path.glob("results/student-01/*/report.html"))


def test_a_preflight_that_fails_is_recorded_once_with_its_findings(tmp_path: Path) -> None:
    shown = play(tmp_path, *STAGES["preflight"], lab_kubeconfig=str(tmp_path / "missing"), lab_helm="/nowhere/helm")
    (record,) = recorded(tmp_path)
    assert (record["stage"], record["attempt"], record["state"]) == ("preflight", 1, "failed")
    fails = [found for found in record["facts"]["findings"] if found["state"] == "fail"]
    assert fails
    assert all(found["title"].rstrip(".") in record["message"] for found in fails)
    assert "student-01, stage preflight:" in " ".join(shown.split())


def test_a_login_program_that_fails_is_run_once(tmp_path: Path) -> None:
    """One that hangs has a minute each time."""
    login = tmp_path / "login"
    login.write_text(f"#!/bin/sh\necho once >> {tmp_path}/runs\necho 'enter ABCD' >&2\nexit 1\n")
    login.chmod(0o700)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(login), "interactiveMode": "Never"}
    }
    kubeconfig = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    play(tmp_path, *STAGES["preflight"], lab_kubeconfig=str(tmp_path / "kubeconfig"), lab_kubeconfig_exec=True)
    assert (tmp_path / "runs").read_text() == "once\n"
    (record,) = recorded(tmp_path)
    assert record["state"] == "failed"
    assert "enter ABCD" in record["message"]


def test_a_stage_whose_run_cannot_be_found_says_why(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("not a folder")
    shown = play(tmp_path, *STAGES["baseline"])
    assert "missing required arguments" not in shown
    assert str(tmp_path / "results") in shown


@pytest.mark.parametrize(
    ("stage", "given", "why"),
    [
        ("scale", {}, r"\b3\b.*\b2\b"),
        # As many as are wanted: what is wrong is that two of them are not ready.
        ("scale", {"scaling_history_replicas": 3}, "1 of 3 pods ready"),
        ("scale", {"lab_history_replicas": 3}, "1 of 3 pods ready"),
        ("concurrency", {}, r"\b9\b.*CONCURRENT_WORKFLOWS=6\b"),
        ("concurrency", {"benchmark_raised_concurrent_workflows": 9}, None),
        ("concurrency", {"lab_raised_concurrent_workflows": 9}, None),
        ("concurrency", {"benchmark_raised_concurrent_workflows": 8}, "CONCURRENT_WORKFLOWS=8"),
    ],
)
def test_check_judges_by_what_the_stages_use(
    stage: str, given: dict[str, int], why: str | None, api: ScriptedApi, kubeconfig: Path, tmp_path: Path
) -> None:
    names = ["my-temporal-history", "benchmark-workers", "benchmark-soak-test"]
    made = [deployment(name=name, replicas=3 if "history" in name else 1) for name in names]
    made[2] = deployment(names[2], env=[{"name": "CONCURRENT_WORKFLOWS", "value": "9"}])
    api.on("GET", "/apis/apps/v1/namespaces/default/deployments", {"items": made})
    api.on("GET", "/api/v1/namespaces/default/pods", {"items": [pod("my-temporal-history-a")]})
    shown = play(tmp_path, "check", "main", lab_kubeconfig=str(kubeconfig), check_stage=stage, **given)
    said = " ".join(shown.split())
    if why is None:
        assert f"stage {stage} is done right" in said
    else:
        assert re.search(rf"Stage {stage} in namespace default of .*: .*{why}", said), said


#: Variables of roles that mean the same, and the one that all have their default from.
SHARED = {
    "lab_temporal_namespace": ("temporal_namespace", "benchmark_temporal_namespace"),
    "lab_concurrent_workflows": ("benchmark_concurrent_workflows",),
    "lab_raised_concurrent_workflows": ("benchmark_raised_concurrent_workflows",),
    "lab_history_replicas": ("scaling_history_replicas",),
}


def test_defaults_that_must_agree_are_one_variable() -> None:
    defaults = {}
    for path in ROOT.glob("roles/*/defaults/main.yml"):
        defaults |= yaml.safe_load(path.read_text())
    for one, names in SHARED.items():
        assert "{" not in str(defaults[one])
        for name in names:
            assert one in defaults[name], name


def tasks_in(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks, those in blocks included."""
    inside = [tasks_in(entry.get(part) or []) for entry in entries for part in ("block", "rescue", "always")]
    return [*entries, *(task for part in inside for task in part)]


def test_helm_does_not_wait_for_ever() -> None:
    """It has no limit of its own for an API server that never finishes its answer, and a class waits for all."""
    found = 0
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        for task in tasks_in(yaml.safe_load(path.read_text()) or []):
            if "kubernetes.core.helm" in task or "ansible.builtin.command" in task:
                found += 1
                assert "lab_timeout" in str(task.get("timeout")), (path, task.get("name"))
                # With limits of its own too, since Ansible leaves it running.
                assert task.get("environment") == "{{ lab_helm_environment }}", (path, task.get("name"))
    assert found >= 4
