# SPDX-License-Identifier: GPL-3.0-or-later
"""The class report from playbooks: at the end of a play in which students failed, and over slices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab

#: As playbooks/lab.yml could have it: the stages in a block, the class report at the end whatever happened.
PLAY: list[dict[str, Any]] = [
    {
        "name": "The lab",
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "block": [
                    {
                        "name": "A stage",
                        "ansible.builtin.fail": {"msg": "no"},
                        "when": "inventory_hostname in bad",
                    }
                ],
                "always": [
                    {
                        "name": "Report on the class",
                        "ansible.builtin.import_role": {
                            "name": "temporal_lab.benchmarking.report",
                            "tasks_from": "class",
                        },
                    }
                ],
            }
        ],
    }
]


def play(folder: Path, playbook: Path, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
    inventory = {
        "all": {
            "hosts": {"host-1": {"lab_student": "ann"}, "host-2": {"lab_student": "bob"}, "cid": {}},
            "vars": {"ansible_connection": "local", "lab_run": "class"},
        }
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))
    given["ansible_python_interpreter"] = sys.executable
    return run_playbook(folder, "hosts.yml", playbook, "-e", json.dumps(given), *arguments, PWD=str(folder))


def write(folder: Path, student: str, state: str = "done") -> None:
    Lab(folder, student, "class").write("install", state=state)


def model(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "class.json").read_text())


def test_the_whole_class_is_reported_on_though_all_failed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    write(results, "ann")
    write(results, "bob", state="failed")
    playbook = tmp_path / "lab.yml"
    playbook.write_text(yaml.safe_dump(PLAY))
    done = play(tmp_path, playbook, bad=["host-1", "host-2", "cid"])
    assert done.returncode == 2, done.stdout + done.stderr
    # Once, though three hosts failed; names of hosts and students differ.
    assert done.stdout.count("3 students: 1 failed, 1 nothing recorded, 1 done.") == 1
    assert "failed            bob  install: install failed for a reason." in done.stdout
    assert {entry["student"]: entry["state"] for entry in model(results)["students"]} == {
        "ann": "done",
        "bob": "failed",
        "cid": "nothing recorded",
    }
    assert (results / "class.retry").read_text() == "host-2\ncid\n"
    # With --limit the others stay in the report, but nothing is expected of them.
    done = play(tmp_path, playbook, "--limit", "host-2", bad=[])
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry["student"] for entry in model(results)["students"]] == ["ann", "bob"]
    assert (results / "class.retry").read_text() == "host-2\n"


def test_slices_are_merged(tmp_path: Path) -> None:
    write(tmp_path / "slice-1" / "results", "ann")
    write(tmp_path / "slice-2" / "results", "bob")
    done = play(
        tmp_path,
        ROOT / "playbooks" / "class_report.yml",
        report_results_dirs=["slice-1/results", "slice-2/results"],
        report_dest="class",
        report_class=["ann", "bob", "cid"],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 students: 1 nothing recorded, 2 done." in done.stdout
    assert (tmp_path / "class" / "class.html").is_file()
    assert (tmp_path / "class" / "class.retry").read_text() == "cid\n"
