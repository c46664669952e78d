# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/argument_specs.yml and README.md of each role say what defaults/main.yml and tasks/ have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
#: Types of Ansible whose value may be a text.
TEXTS = {"str", "path", "raw"}
#: Types of Ansible that a value of each Python type fits. A template may be of any type; raw takes all.
FITTING = {str: {"str"}, bool: {"bool"}, int: {"int", "float"}, list: {"list"}, dict: {"dict"}}


def read(role: str, name: str) -> Any:
    path = ROOT / "roles" / role / name
    return yaml.safe_load(path.read_text()) if path.is_file() else {}


def entry_points(role: str) -> dict[str, Any]:
    specs: dict[str, Any] = read(role, "meta/argument_specs.yml")["argument_specs"]
    return specs


@pytest.mark.parametrize("role", ROLES)
def test_the_spec_has_the_variables_of_the_defaults(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    for entry, spec in entry_points(role).items():
        assert set(spec["options"]) == set(defaults), entry
        assert spec["description"].endswith("."), entry
        for name, option in spec["options"].items():
            value = defaults[name]
            # A template is no value of the type, and documentation that says so is refused.
            if isinstance(value, str) and "{{" in value and option["type"] not in TEXTS:
                assert "default" not in option, name
            else:
                # True == 1, and a list of tuples is a list: the types are compared too.
                assert (option["default"], type(option["default"])) == (value, type(value)), name
            assert option["description"].endswith("."), name
            if not (isinstance(value, str) and "{{" in value):
                assert option["type"] == "raw" or option["type"] in FITTING[type(value)], name
                assert value in option.get("choices", [value]), name
            assert ("elements" in option) == (option["type"] == "list"), name


@pytest.mark.parametrize("role", ROLES)
def test_the_entry_points_are_files_of_tasks(role: str) -> None:
    files = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert set(entry_points(role)) <= files
    # What playbooks and roles import is described.
    text = "".join(path.read_text() for folder in ("playbooks", "roles") for path in (ROOT / folder).rglob("*.yml"))
    imports = re.findall(rf"name: temporal_lab\.benchmarking\.{role}\n((?: +\w.*\n)*)", text)
    used = {match[1] if (match := re.search(r"tasks_from: (\w+)", after)) else "main" for after in imports}
    assert used <= set(entry_points(role))


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_lists_every_variable_and_entry_point(role: str) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE)
    spec = next(iter(entry_points(role).values()))["options"]
    assert rows == [(name, option["type"]) for name, option in spec.items()]
    for entry, point in entry_points(role).items():
        assert entry == "main" or point["short_description"] in text
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (play,) = yaml.safe_load(example)
    named = {**spec, **entry_points("lab")["stage"]["options"]}
    (task,) = play["tasks"]
    assert set(task["vars"]) <= set(named)


def test_secrets_are_called_so() -> None:
    for role in ROLES:
        for name, option in next(iter(entry_points(role).values()))["options"].items():
            assert option.get("no_log", False) == name.endswith(("password", "_token", "_headers")), name


def test_the_defaults_are_valid(tmp_path: Path) -> None:
    """Ansible's own validation, which a playbook may leave on, takes every default as it is before the first task."""
    found = [(role, entry) for role in ROLES for entry in entry_points(role) if role != "lab"]
    tasks = [
        {"ansible.builtin.import_role": {"name": f"temporal_lab.benchmarking.{role}", "tasks_from": entry}}
        for role, entry in found
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = run_playbook(tmp_path, "ann,", "--tags", "always", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok={len(found)} " in done.stdout
    # It notices a value of another type.
    done = run_playbook(tmp_path, "ann,", "--tags", "always", "-e", "scaling_history_replicas=many", "play.yml")
    assert done.returncode == 2
    assert "scaling_history_replicas" in done.stdout


def test_the_stages_of_a_class_do_not_pay_for_validation() -> None:
    """One task more for each student and role: the lab's own imports leave it out."""
    for folder in ("playbooks", "roles"):
        for path in (ROOT / folder).rglob("*.yml"):
            text = path.read_text()
            assert text.count("rolespec_validate: false") == len(re.findall(r"(?:import|include)_role:\n", text)), path
