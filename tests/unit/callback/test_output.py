# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress and the class summary beside a callback of stdout that is read by a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

#: A callback of its own that writes one JSON object for each event, as ansible.posix.jsonl does.
JSONL = '''
DOCUMENTATION = """
name: {name}
type: stdout
short_description: a line for each event
"""
import json
from {module} import {base} as Base

class CallbackModule(Base):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "{name}"

    def v2_runner_on_ok(self, result):
        self._display.display(json.dumps({{"ok": result._host.get_name()}}))

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps({{"processed": sorted(stats.processed)}}))
'''
PLAN = {"name": "Plan", "temporal_lab.benchmarking.lab_plan": {"tags": ["report"]}}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a play with a task that shows progress, under a callback made from another."""

    def run(callback: str, base: str, module: str = "ansible.plugins.callback") -> Any:
        plugins = tmp_path / "callbacks"
        plugins.mkdir()
        (plugins / "lines.py").write_text(JSONL.format(name="lines", module=module, base=base))
        (tmp_path / "ansible.cfg").write_text(
            f"[defaults]\nstdout_callback = {callback}\ncallback_plugins = callbacks\n"
            "callbacks_enabled = temporal_lab.benchmarking.class_summary\nretry_files_enabled = true\n"
            # ansible-core deprecates its own callback oneline.
            f"deprecation_warnings = {callback != 'oneline'}\n"
        )
        (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [PLAN]}]))
        return run_playbook(tmp_path, "ann,bob,", "play.yml")

    return run


def test_a_programs_stdout_stays_its_own(run: Any) -> None:
    done = run("lines", "CallbackBase")
    assert done.returncode == 0, done.stderr
    *hosts, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(host["ok"] for host in hosts) == ["ann", "bob"]
    assert last == {"processed": ["ann", "bob"]}
    assert "ann: stage: report" in done.stderr
    assert "CLASS: 2 students, 2 done" in done.stderr


@pytest.mark.parametrize(
    "callback",
    ["default", "ansible.builtin.default", "minimal", "oneline", "temporal_lab.benchmarking.unskipped", "lines"],
)
def test_people_see_it_where_they_look(run: Any, callback: str) -> None:
    """Also with a callback made from the default one, as those of AWX and of ansible-navigator are."""
    done = run(callback, "CallbackModule", "ansible.plugins.callback.default")
    assert done.returncode == 0, done.stderr
    assert "ann: stage: report" in done.stdout
    assert "CLASS: 2 students, 2 done" in done.stdout
