# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles measure and report as playbooks: stages keep their samples, and are written again from them without a cluster.

Prometheus and ansible-playbook are real; of the cluster only what the role asks of Temporal is scripted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import kept_samples, samples_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import stage_file
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, write_kubeconfig
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import PROFILE, openmetrics
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    make_blocks,
    program,
    running_prometheus,
)

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[3]
NAMESPACE = "/api/v1/namespaces/student-01"

#: 2 a second up to second 80, then 6: the window after that has three times as much.
SERIES = {'up{pod="app-1"}': "1x60", 'm_total{pod="app-1"}': "0+10x20 230+30x39", 'g{pod="app-1"}': "7x60"}
CONFIG = "global: {scrape_interval: 5s}\nscrape_configs: [{job_name: pods, static_configs: []}]\n"
#: The total may be at most twice that of the window `idle`.
RELATIVE = PROFILE.replace(
    "kind: total, components: [app], sources: [{metric: m_total}]}",
    "kind: total, components: [app], sources: [{metric: m_total}], direction: lower, "
    "thresholds: {relative: {window: idle, warn: 2}}}",
)


def playbook(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_playbook(folder, "student-01,", *arguments)


def changed(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    return "changed=0 " not in done.stdout


def measuring(name: str, start: float, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "ansible.builtin.import_role": {"name": "temporal_lab.benchmarking.measure"},
        "vars": {
            "measure_stage": name,
            "measure_windows": [
                {"name": {"baseline": "idle", "benchmark": "load"}[name], "title": name, "start": start, "duration": 60}
            ],
            "measure_events": [{"name": "began", "title": f"{name} began", "time": start}],
            "measure_facts": {"seen": {name: [1, None]}},
            "measure_settings": settings,
        },
    }


def test_stages_keep_their_samples_and_are_written_again_from_them(tmp_path: Path) -> None:
    make_blocks(tmp_path, openmetrics("student-01", SERIES, BASE))
    profile = tmp_path / "profile.yml"
    profile.write_text(RELATIVE)
    tasks = [
        {"ansible.builtin.import_role": {"name": "temporal_lab.benchmarking.lab", "tasks_from": "begin"}},
        measuring("baseline", BASE, {"concurrent_workflows": 0}),
        measuring("benchmark", BASE + 90, {"concurrent_workflows": 3}),
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    given = {
        "lab_results_dir": str(tmp_path / "results"),
        "lab_run": "run",
        "lab_namespace": "student-01",
        # No window may begin before its stage.
        "lab_began": BASE,
        "ansible_python_interpreter": sys.executable,
    }
    api = ScriptedApi()
    api.on("GET", f"{NAMESPACE}/services/my-temporal-frontend", {"spec": {"ports": [{"port": 7243}]}})
    http = f"{NAMESPACE}/services/my-temporal-frontend:7243/proxy/api/v1"
    api.on("GET", f"{http}/cluster-info", {"historyShardCount": 512, "serverVersion": "1.31.2"})
    api.on("GET", f"{http}/namespaces", {"namespaces": []})
    try:
        with running_prometheus(program("prometheus"), tmp_path, CONFIG) as address:
            more = {
                "lab_kubeconfig": str(write_kubeconfig(tmp_path / "kubeconfig", api.url)),
                "measure_prometheus_url": address,
                "measure_profile": str(profile),
            }
            done = playbook(tmp_path, "play.yml", "-e", json.dumps({**given, **more}))
            assert not changed(done), done.stdout
    finally:
        api.close()

    # -- each stage has its samples, and was compared with the one before
    run = tmp_path / "results" / "student-01" / "run"
    samples = [f"{stage}-1.samples.json.gz" for stage in ("baseline", "benchmark")]
    assert sorted(path.name for path in run.iterdir()) == sorted([*samples, "baseline-1.json", "benchmark-1.json"])
    first, second = (stage_file.read_stage(run / f"{stage}-1.json") for stage in ("baseline", "benchmark"))
    assert [first["samples"], second["samples"]] == samples
    total = second["windows"][0]["figures"][0]
    assert (first["windows"][0]["figures"][0]["value"], total["value"]) == (120, 360)
    assert (total["state"], total["compared"]) == ("warn", {"window": "idle", "value": 120, "ratio": 3})
    assert samples_file.load(run / samples[1]).question.server_version == "1.31.2"

    # -- nothing to do, and neither a cluster nor Prometheus to do it with
    again = ("--tags", "reanalyse", str(ROOT / "playbooks" / "lab.yml"), "-e", json.dumps(given))
    same = playbook(tmp_path, *again)
    assert not changed(same)
    assert "benchmark: the same figures from benchmark-1.samples.json.gz" in same.stdout
    assert (run / "report.html").exists()

    # -- a run that was cut off between reading and writing
    (run / "benchmark-1.json").unlink()
    assert changed(playbook(tmp_path, *again))
    recovered = stage_file.read_stage(run / "benchmark-1.json")
    told = {"samples": samples[1], "profile": str(profile)}
    assert recovered["facts"] == {**second["facts"], "reanalysed": told}
    assert recovered["finished"] == pytest.approx(second["finished"], abs=30)
    assert {**recovered, "facts": None, "finished": None} == {**second, "facts": None, "finished": None}

    # -- another question to the same samples, and the report of it
    other = tmp_path / "other.yml"
    other.write_text(RELATIVE.replace("id: mean, title: T,", "id: twice, title: Twice as much, key: true,"))
    assert changed(playbook(tmp_path, *again, "-e", f"report_profile={other}"))
    assert [path.name for path in sorted(run.glob("*-2.json"))] == ["baseline-2.json", "benchmark-2.json"]
    figures = {
        figure["id"]: figure for figure in stage_file.read_stage(run / "benchmark-2.json")["windows"][0]["figures"]
    }
    assert (figures["twice"]["value"], figures["twice"]["promql_reason"]) == (7, kept_samples.NOT_ASKED)
    assert figures["total"] == total
    assert "Twice as much" in (run / "report.md").read_text()
    assert not changed(playbook(tmp_path, *again, "-e", f"report_profile={other}"))
