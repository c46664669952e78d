# SPDX-License-Identifier: GPL-3.0-or-later
"""Beyond one control node: two ansible-runners at once, each with a slice of the class, and one class report.

Asks a real cluster: LAB_KUBECONFIG is the path of its kubeconfig. Nothing is changed there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
KUBECONFIG = os.environ.get("LAB_KUBECONFIG", "")
PATHS = os.pathsep.join([str(BIN), os.environ["PATH"]])
RUNNER = shutil.which("ansible-runner", path=PATHS)

pytestmark = [
    pytest.mark.skipif(not KUBECONFIG, reason="LAB_KUBECONFIG does not name a cluster"),
    pytest.mark.skipif(RUNNER is None, reason="ansible-runner is not installed"),
]

#: Seconds for one playbook, on a machine that has other things to do as well.
PATIENCE = 120
#: The slices as an automation controller would make them: each the pattern of its hosts.
SLICES = {"one": "students[0:1]", "two": "students[2:3]"}
STUDENTS = ("student-01", "student-02", "student-03", "student-04")


def environment() -> dict[str, str]:
    """No settings of Ansible but the project's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RUNNER_"))}
    # Outside a collection's folder this link is made by make setup.
    return own | {"PATH": PATHS, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}


def prepare(folder: Path) -> Path:
    """A private data folder for a runner: the class's whole inventory, and where its results go."""
    hosts = {name: {"lab_kubeconfig": KUBECONFIG} for name in STUDENTS}
    # One student's cluster cannot be reached, in one of the slices.
    hosts["student-04"]["lab_kubeconfig"] = "{{ lab_mended | default('/nowhere/kubeconfig') }}"
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory = {"all": {"children": {"students": {"hosts": hosts}}, "vars": variables}}
    for name, content in (
        ("inventory/hosts.yml", inventory),
        ("env/extravars", {"lab_results_dir": str(folder / "results")}),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content))
    return folder


def start(folder: Path, limit: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a runner with a slice: the stage preflight, which only looks."""
    command = [RUNNER, "run", str(folder), "--project-dir", str(ROOT), "--playbook", "lab.yml", "--ident", "slice"]
    command += ["--rotate-artifacts", "0", "--limit", limit, "--cmdline", " ".join(["--tags preflight", *arguments])]
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )


def merge(folder: Path) -> dict[str, Any]:
    """Make the class report of both slices with the playbook for it; return its model."""
    given = {
        "report_results_dirs": [str(folder / name / "results") for name in SLICES],
        "report_dest": str(folder / "class"),
        "report_class": list(STUDENTS),
        "report_stages": ["preflight"],
    }
    command = [BIN / "ansible-playbook", "playbooks/class_report.yml", "-e", json.dumps(given)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "class" / "class.json").read_text())


def test_two_runners_at_once_make_one_class(tmp_path):
    folders = {name: prepare(tmp_path / name) for name in SLICES}
    runners = {name: start(folders[name], limit) for name, limit in SLICES.items()}
    assert all(runner.poll() is None for runner in runners.values())
    printed = {name: runner.communicate(timeout=PATIENCE)[0] for name, runner in runners.items()}
    assert {name: runner.returncode for name, runner in runners.items()} == {"one": 0, "two": 2}, printed

    # Each did its own students alone, both at the same time.
    spans = []
    for name, students in (("one", STUDENTS[:2]), ("two", STUDENTS[2:])):
        stages = [json.loads(path.read_text()) for path in (folders[name] / "results").glob("*/*/preflight-1.json")]
        assert sorted(stage["student"] for stage in stages) == list(students), printed[name]
        spans.append((min(stage["started"] for stage in stages), max(stage["finished"] for stage in stages)))
        artifacts = folders[name] / "artifacts" / "slice"
        assert (artifacts / "rc").read_text() == str(runners[name].returncode)
        assert list((artifacts / "job_events").glob("*.json"))
    assert max(start for start, _end in spans) < min(end for _start, end in spans), spans

    report = merge(tmp_path)
    assert {entry["student"]: entry["state"] for entry in report["students"]} == {
        **dict.fromkeys(STUDENTS[:3], "done"),
        "student-04": "failed",
    }
    assert "/nowhere/kubeconfig" in report["students"][3]["reason"]
    # Who failed has a report already; the page leads there.
    assert (tmp_path / "class" / report["students"][3]["report"]).is_file()
    retry = tmp_path / "class" / "class.retry"
    assert retry.read_text() == "student-04\n"

    # Just those again, by the runner that has the results of them.
    shutil.rmtree(folders["two"] / "artifacts")
    again = start(folders["two"], f"@{retry}", "-e", f"lab_mended={KUBECONFIG}")
    output = again.communicate(timeout=PATIENCE)[0]
    assert again.returncode == 0, output
    assert merge(tmp_path)["states"] == {"done": 4}
    assert not retry.exists()
