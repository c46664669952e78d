# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage dashboard as a playbook, twice, against a Grafana with a memory; and no secret anywhere.

No cluster is asked: Grafana has an address, and the token is kept in a file. tests/integration/test_grafana.py has the
other way, with a cluster.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import runs
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import Grafana, grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import PASSWORD
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RECORDED

ROOT = Path(__file__).resolve().parents[3]
STUDENT, RUN = "student-01", "20261123T183840Z"
UID = "temporal-lab-benchmarking"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with grafana_served() as served:
        yield served


@pytest.fixture
def lab(grafana: Grafana, tmp_path: Path) -> Any:
    """Runs the stage with the recorded run as the run that there is; gives what it printed."""
    shutil.copytree(RECORDED / STUDENT / RUN, tmp_path / "results" / STUDENT / RUN)
    settings = {
        "lab_results_dir": str(tmp_path / "results"),
        "lab_run": RUN,
        "grafana_url": grafana.address,
        "grafana_username": "admin",
        "grafana_password": PASSWORD,
        "grafana_token_file": str(tmp_path / "token.json"),
        "ansible_python_interpreter": sys.executable,
    }
    # What is not a secret is given on the command line; a password there would be in the list of processes.
    given = tmp_path / "settings.json"
    given.write_text(json.dumps(settings))

    def run(*arguments: str, inventory: str = f"{STUDENT},") -> subprocess.CompletedProcess[str]:
        command = [ROOT / "lab.yml", "--tags", "dashboard", "-e", f"@{given}", *arguments]
        return run_playbook(tmp_path, inventory, *command, ANSIBLE_LOG_PATH=str(tmp_path / "ansible.log"))

    run.folder = tmp_path
    return run


def recap(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = re.findall(rf"^{STUDENT} +: (.*)$", done.stdout, re.MULTILINE)
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


def newest(lab: Any) -> dict[str, Any]:
    run = runs.read_run(lab.folder / "results", STUDENT, RUN)
    return run.stages["dashboard"][-1]


def test_the_dashboard_is_imported_once_and_nothing_secret_is_shown(grafana: Grafana, lab: Any) -> None:
    first = lab("-vvvv", "--diff")
    assert recap(first)["changed"] == 3
    assert grafana.dashboards[UID]["meta"]["folderUid"] == "temporal-lab"
    assert [(one["name"], one["role"]) for one in grafana.accounts] == [("temporal-lab-student-01", "Editor")]
    assert grafana.annotations
    assert {tag for one in grafana.annotations.values() for tag in one["tags"]} >= {
        "temporal-lab",
        f"student:{STUDENT}",
        f"run:{RUN}",
        "stage:scale",
        "namespace:default",
        "release:my-temporal",
    }
    written = newest(lab)
    assert written["state"] == "done"
    assert written["facts"]["dashboard"]["version"] == 1
    url, _mark, chosen = written["facts"]["dashboard"]["url"].partition("?")
    assert url.startswith(grafana.address)
    assert parse_qs(chosen) == {
        "var-namespace": ["default"],
        "var-release": ["my-temporal"],
        "var-marks": [f"student:{STUDENT}"],
    }

    writes = list(grafana.writes)
    second = lab("-vvvv", "--diff")
    assert recap(second)["changed"] == 0
    assert grafana.writes == writes
    assert grafana.dashboards[UID]["meta"]["version"] == newest(lab)["facts"]["dashboard"]["version"] == 1

    # Whatever was printed or written, but for the file that keeps the token, and the one that gave the password.
    (key,) = grafana.keys
    kept = {lab.folder / "token.json", lab.folder / "settings.json"}
    texts = {str(path): path.read_bytes() for path in lab.folder.rglob("*") if path.is_file() and path not in kept}
    texts |= {"stdout": (first.stdout + second.stdout).encode(), "stderr": (first.stderr + second.stderr).encode()}
    assert any(path.endswith("ansible.log") for path in texts)
    for place, text in texts.items():
        assert PASSWORD.encode() not in text, place
        assert key.encode() not in text, place
        assert not re.search(rb"glsa_\w", text), place
        assert not re.search(rb"Authorization: *(?:Basic|Bearer) +[\w+/=-]{8}", text), place
    assert (lab.folder / "token.json").stat().st_mode & 0o077 == 0


def test_the_labs_own_kind_of_file_is_imported_once(grafana: Grafana, lab: Any) -> None:
    """It is wrapped, has no uid, and names a data source of another Grafana."""
    file = ROOT / "tests" / "fixtures" / "grafana" / "like_the_labs_own_file.json"
    first = lab("-e", f"grafana_dashboard_path={file}")
    assert recap(first)["changed"] == 3
    ((uid, dashboard),) = grafana.dashboards.items()
    text = json.dumps(dashboard)
    assert "PAAAA0000BBBB1111" not in text
    assert '"uid": "prom"' in text
    assert "using the data source prom for PAAAA0000BBBB1111" in " ".join(first.stdout.split())
    assert {one["dashboardUID"] for one in grafana.annotations.values()} == {uid}

    writes = list(grafana.writes)
    assert recap(lab("-e", f"grafana_dashboard_path={file}"))["changed"] == 0
    assert (grafana.writes, dashboard["meta"]["version"]) == (writes, 1)


def test_what_the_role_passes_on(grafana: Grafana, lab: Any) -> None:
    given = {
        "grafana_dashboard_uid": "mine",
        "grafana_dashboard_title": "Mine",
        "grafana_folder_uid": "ours",
        "grafana_folder_title": "Ours",
        "grafana_token_lifetime": "48h",
        "grafana_inputs": {"datasource": "prom"},
    }
    assert recap(lab("-e", json.dumps(given)))["changed"] == 3
    assert grafana.dashboards["mine"]["dashboard"]["title"] == "Mine"
    assert grafana.dashboards["mine"]["meta"]["folderUid"] == "ours"
    (token,) = grafana.keys.values()
    left = token["expires"] - datetime.now(timezone.utc)
    assert timedelta(days=1) < left <= timedelta(days=2)


def test_several_dashboards_are_imported_once_and_the_first_is_marked(grafana: Grafana, lab: Any) -> None:
    own = lab.folder / "own.json"
    own.write_text(json.dumps({"uid": "own", "title": "Own", "panels": [{"id": 1, "type": "acme-wall-panel"}]}))
    like = ROOT / "tests" / "fixtures" / "grafana" / "like_the_labs_own_file.json"
    given = {"grafana_dashboards": [str(own), {"path": str(like), "uid": "mine", "title": "Mine"}]}
    first = lab("-e", json.dumps(given))
    assert recap(first)["changed"] == 3
    assert set(grafana.dashboards) == {"own", "mine"}
    assert grafana.dashboards["mine"]["dashboard"]["title"] == "Mine"
    assert {one["dashboardUID"] for one in grafana.annotations.values()} == {"own"}
    assert newest(lab)["facts"]["dashboard"]["uid"] == "own"
    assert "is of type acme-wall-panel, for which no plugin is installed" in " ".join(
        (first.stdout + first.stderr).split()
    )
    writes = list(grafana.writes)
    assert recap(lab("-e", json.dumps(given)))["changed"] == 0
    assert grafana.writes == writes

    # What is wrong with one of them is the reason that the stage failed.
    own.write_text("{")
    failed = lab("-e", json.dumps(given))
    assert failed.returncode == 2
    assert "own.json" in newest(lab)["message"]


def test_a_folder_has_the_token_of_each_student(grafana: Grafana, lab: Any) -> None:
    given = ("-e", f"grafana_token_file={lab.folder}/tokens/")
    assert recap(lab(*given))["changed"] == 3
    assert [path.name for path in (lab.folder / "tokens").iterdir()] == [f"{STUDENT}.json"]
    assert recap(lab(*given))["changed"] == 0


def test_a_grafana_that_refuses_marks_is_told_in_a_sentence(grafana: Grafana, lab: Any) -> None:
    grafana.refuse = ("/api/annotations",)
    done = lab()
    assert done.returncode == 2
    assert "GET /api/annotations (400)" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert newest(lab)["state"] == "failed"


def test_check_mode_makes_nothing(grafana: Grafana, lab: Any) -> None:
    done = lab("--check")
    assert "Traceback" not in done.stdout + done.stderr
    assert recap(done)["failed"] == 0
    assert (grafana.accounts, grafana.writes) == ([], [])
    assert not (lab.folder / "token.json").exists()


def test_a_class_in_one_grafana_has_a_folder_for_each_student(grafana: Grafana, lab: Any) -> None:
    """Each sees their own, the instructors all; a second run changes nothing."""
    students = [STUDENT, "student-02", "a.very.long.name.of.a.student"]
    folders = {STUDENT: "temporal-lab-student-01", "student-02": "temporal-lab-student-02"}
    inventory = ",".join(students) + ","
    given = {
        "grafana_token_file": f"{lab.folder}/tokens/",
        "grafana_student_folders": True,
        "grafana_student_user": "Ada",
        "grafana_instructor_teams": ["instructors"],
        "grafana_prometheus_url": "http://prometheus.{{ inventory_hostname }}.example:9090",
        "lab_run": "",
    }
    first = lab("-e", json.dumps(given), inventory=inventory)
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(grafana.folders) == len(grafana.dashboards) == len(grafana.permissions) == 3
    assert len(grafana.datasources) == 1 + 3
    for student, folder in folders.items():
        (account,) = (one["id"] for one in grafana.accounts if one["name"] == f"temporal-lab-{student}")
        assert grafana.permissions[folder] == [
            {"userId": account, "permission": 2},
            {"teamId": 3, "permission": 2},
            {"userId": 70, "permission": 1},
        ]
        (dashboard,) = (one for one in grafana.dashboards.values() if one["meta"]["folderUid"] == folder)
        (source, *_others) = (
            one for one in dashboard["dashboard"]["templating"]["list"] if one["type"] == "datasource"
        )
        assert source["current"]["value"] == folder
    for folder in grafana.folders:
        assert len(folder) <= 40
    writes = list(grafana.writes)
    second = lab("-e", json.dumps(given), inventory=inventory)
    assert re.findall(r"changed=(\d+)", second.stdout) == ["0", "0", "0"]
    assert grafana.writes == writes
