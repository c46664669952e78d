# SPDX-License-Identifier: GPL-3.0-or-later
"""What users set and how they start the lab: values that are refused, where results go, and every strategy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.settings import SETTINGS, Flag, Names
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab

LAB = ROOT / "lab.yml"


def shown(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def inventory(folder: Path, **students: dict[str, Any]) -> str:
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": students}}))
    return "hosts.yml"


def test_a_students_wrong_value_ends_the_run_before_anything_happens(tmp_path: Path) -> None:
    hosts = inventory(tmp_path, ann={"lab_window": "2m"}, bob={"lab_settle": "20 sec"})
    given = {"lab_results_dir": str(tmp_path / "results"), "report_table": "maybe"}
    done = run_playbook(tmp_path, hosts, LAB, "--tags", "report", "-e", json.dumps(given))
    assert done.returncode == 2
    assert "Nothing was done: lab_settle is '20 sec' for bob; it must be a length of time" in shown(done)
    assert "report_table is 'maybe'; it must be true or false" in shown(done)
    assert done.stdout.count("fatal: ") == 1
    assert not (tmp_path / "results").exists()


def test_a_value_of_the_play_is_checked_as_well(tmp_path: Path) -> None:
    values = {"lab_timeout": "5 min", "lab_results_dir": str(tmp_path / "results")}
    play = {"ansible.builtin.import_playbook": "temporal_lab.benchmarking.lab", "vars": values}
    (tmp_path / "own.yml").write_text(json.dumps([play]))
    done = run_playbook(tmp_path, "ann,bob,", "own.yml", "--tags", "report")
    assert done.returncode == 2
    assert "Nothing was done: lab_timeout is '5 min'; it must be" in shown(done)


def test_a_value_that_cannot_be_worked_out_is_left_to_the_task_that_uses_it(tmp_path: Path) -> None:
    hosts = inventory(tmp_path, ann={"scaling_history_replicas": "{{ nobody }}", "lab_window": "{{ 60 + 60 }}"})
    Lab(tmp_path / "results", "ann", "class").write("install")
    done = run_playbook(tmp_path, hosts, LAB, "--tags", "report", "-e", f"lab_results_dir={tmp_path}/results")
    assert done.returncode == 0, shown(done)


#: As text, which is what -e gives, and what roles make of it.
READ = {"lab_settle": ("20s", 20), "lab_timeout": ("1h30m", 5400), "lab_window": ("2.5", 2.5)}


def test_text_becomes_seconds_where_it_is_used(tmp_path: Path) -> None:
    names = {name: f"{{{{ {name}_seconds }}}}" for name in READ}
    tasks = [
        {"ansible.builtin.import_role": {"name": "temporal_lab.benchmarking.lab", "tasks_from": "begin"}},
        {"ansible.builtin.assert": {"that": "found == expected"}},
    ]
    expected = {name: value for name, (_text, value) in READ.items()}
    values = {"found": names, "expected": expected, "lab_stage_cluster": "unused"}
    play = {"hosts": "all", "gather_facts": False, "vars": values, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    given = [argument for name, (text, _value) in READ.items() for argument in ("-e", f"{name}={text}")]
    done = run_playbook(tmp_path, "ann,", "play.yml", *given)
    assert done.returncode == 0, shown(done)


@pytest.mark.parametrize("where", ["the command line", "the inventory"])
def test_false_as_text_is_false(where: str, tmp_path: Path) -> None:
    Lab(tmp_path / "results", "ann", "20261123T170102Z").write("install")
    flags = {name: "false" for name, kind in SETTINGS.items() if isinstance(kind, Flag)}
    hosts = inventory(tmp_path, ann=flags if where == "the inventory" else {})
    options = [argument for name in flags for argument in ("-e", f"{name}=false")] if where != "the inventory" else []
    done = run_playbook(tmp_path, hosts, LAB, "--tags", "report", "-e", f"lab_results_dir={tmp_path}/results", *options)
    assert done.returncode == 0, shown(done)
    # No new run, and no table.
    assert [path.name for path in (tmp_path / "results" / "ann").iterdir()] == ["20261123T170102Z"]


def test_a_list_as_text_is_refused(tmp_path: Path) -> None:
    (name,) = [name for name, kind in SETTINGS.items() if isinstance(kind, Names)]
    done = run_playbook(tmp_path, "ann,", LAB, "--tags", "report", "-e", f"{name}=grafana")
    assert f"{name} is 'grafana'; it must be a list of names" in shown(done)


def test_a_misspelt_variable_of_the_command_line_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("lab_windw: 20s\n")
    given = ("-e", "lab_setle=20s", "-e", "@more.yml", "-e", f"lab_results_dir={tmp_path}/results", "-e", "lab_room=3")
    done = run_playbook(tmp_path, "ann,bob,", LAB, "--tags", "report", "-e", "temporal_version=1", *given)
    assert done.returncode == 2
    assert (
        "Nothing was done: the lab has no variable lab_setle (did you mean lab_settle?); "
        "the lab has no variable lab_windw (did you mean lab_window?)."
    ) in shown(done)
    assert not (tmp_path / "results").exists()


def test_a_misspelt_variable_of_the_inventory_is_told_of_once(tmp_path: Path) -> None:
    """Another collection's role may have it. What roles register is no variable of anybody's."""
    students = {name: {"lab_setle": "20s", "lab_room": 3, "node_exporter_version": "1"} for name in ("ann", "bob")}
    hosts = inventory(tmp_path, **students)
    for student in students:
        Lab(tmp_path / "results", student, "20261123T170102Z").write("install")
    play = {"ansible.builtin.import_playbook": "temporal_lab.benchmarking.lab", "vars": {"lab_timeot": 5}}
    (tmp_path / "twice.yml").write_text(json.dumps([play, play]))
    done = run_playbook(tmp_path, hosts, "twice.yml", "--tags", "report", "-e", f"lab_results_dir={tmp_path}/results")
    assert done.returncode == 0, shown(done)
    told = sorted({line.strip() for line in done.stdout.splitlines() if "is ignored" in line})
    assert [line.partition(": ")[2] for line in told] == [
        "lab_setle is ignored: the lab has no variable lab_setle (did you mean lab_settle?)",
        "lab_timeot is ignored: the lab has no variable lab_timeot (did you mean lab_timeout?)",
    ]
    assert done.stdout.count("lab_setle is ignored") == 2


# -- where results go ----------------------------------------------------------


def own_playbook(folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = folder / "own.yml"
    path.write_text(json.dumps([{"ansible.builtin.import_playbook": "temporal_lab.benchmarking.lab"}]))
    return path


def students_with_runs(place: Path) -> list[str]:
    return sorted(path.parent.name for path in place.glob("*/*Z"))


@pytest.mark.parametrize("given", ["", "out/of/the/way"])
@pytest.mark.parametrize("shell", ["", "/", "gone"])
def test_results_go_beside_the_playbook_wherever_it_is_started(shell: str, given: str, tmp_path: Path) -> None:
    playbook = own_playbook(tmp_path / "class")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # What the shell says of its folder is nothing, or wrong.
    options = ["-e", f"lab_results_dir={given}"] if given else []
    done = run_playbook(elsewhere, "ann,", playbook, "--tags", "report", *options, PWD=shell)
    # There is nothing to report on yet, but the run's folder was made.
    assert "has no stage to report on" in shown(done)
    assert students_with_runs(tmp_path / "class" / (given or "results")) == ["ann"]
    assert not list(elsewhere.glob("*results*"))


def test_results_of_an_installed_collections_playbook_go_to_the_working_folder(tmp_path: Path) -> None:
    done = run_playbook(tmp_path, "ann,", "temporal_lab.benchmarking.lab", "--tags", "report", PWD="/")
    assert "has no stage to report on" in shown(done)
    assert students_with_runs(tmp_path / "results") == ["ann"]


def test_results_where_they_went_before_are_told_of(tmp_path: Path) -> None:
    playbook = own_playbook(tmp_path / "class")
    Lab(tmp_path / "elsewhere" / "results", "ann", "20261123T170102Z").write("install")
    elsewhere = tmp_path / "elsewhere"
    done = run_playbook(elsewhere, "ann,", playbook, "--tags", "report", PWD=str(elsewhere))
    assert f"those of earlier runs are in {elsewhere}/results: move them" in shown(done)
    done = run_playbook(
        elsewhere,
        "ann,",
        playbook,
        "--tags",
        "report",
        "-e",
        "lab_results_dir=../elsewhere/results",
        PWD=str(elsewhere),
    )
    assert done.returncode == 0, shown(done)
    assert "those of earlier runs" not in shown(done)


# -- strategies ----------------------------------------------------------------


def test_the_playbooks_have_the_strategy_that_they_are_made_for() -> None:
    for path in ROOT.glob("playbooks/*.yml"):
        (play,) = yaml.safe_load(path.read_text())
        assert play["strategy"] == "ansible.builtin.linear", path


def test_no_role_has_a_task_that_ends_the_play_under_another_strategy() -> None:
    """Actions that Ansible runs once for all hosts are an error there, whether they would be skipped or not."""
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        text = path.read_text()
        assert "ansible.builtin.pause" not in text, path
        assert "ansible.builtin.add_host" not in text, path
        assert "ansible.builtin.group_by" not in text, path


@pytest.mark.parametrize("strategy", ["free", "host_pinned", "linear"])
def test_the_lab_works_under_every_strategy(strategy: str, tmp_path: Path) -> None:
    for student in ("ann", "bob"):
        Lab(tmp_path / "results", student, "20261123T170102Z").write("install")
    options = ("--tags", "report", "-e", f"lab_results_dir={tmp_path}/results")
    done = run_playbook(tmp_path, "ann,bob,", LAB, *options, ANSIBLE_STRATEGY=strategy)
    assert done.returncode == 0, shown(done)
    # Once for all, which is what the other strategies do not have.
    assert done.stdout.count("stage for 2 students: report") == 1


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_roles_work_in_plays_of_others_with_another_strategy(strategy: str, tmp_path: Path) -> None:
    """Every role reaches its first task that needs a cluster; the class waits for its windows in each worker."""
    missing = str(tmp_path / "missing")
    windows = [{"name": "first", "start": 1, "duration": 2}]
    values = {
        "measure_stage": "scale",
        "measure_windows": windows,
        "lab_kubeconfig": missing,
        "lab_results_dir": str(tmp_path / "results"),
    }
    role = {"name": "temporal_lab.benchmarking.measure", "rolespec_validate": False}
    tasks = [{"ansible.builtin.import_role": role}]
    play = {"hosts": "all", "gather_facts": False, "vars": values, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = run_playbook(
        tmp_path, "ann,bob,", "play.yml", "--forks", "1", "-e", "lab_began=1", ANSIBLE_STRATEGY=strategy
    )
    assert done.returncode == 2
    for student in ("ann", "bob"):
        assert f"fatal: [{student}]: FAILED!" in done.stdout
    assert shown(done).count(f"There is no kubeconfig at {missing}") >= 2
    assert "bypasses the host loop" not in shown(done)
