# SPDX-License-Identifier: GPL-3.0-or-later
"""The default output without skipped tasks, and with a task's name before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

CFG = "[defaults]\nstdout_callback = temporal_lab.benchmarking.unskipped\ndisplay_skipped_hosts = {}\n"
DEBUG = "ansible.builtin.debug"


@pytest.fixture
def shown(tmp_path: Path) -> Any:
    """What a play shows, by its tasks; with or without skipped ones."""

    def run(*tasks: dict[str, Any], skipped: bool = False, hosts: str = "ann,bob,") -> str:
        (tmp_path / "ansible.cfg").write_text(CFG.format(skipped))
        (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        done = run_playbook(tmp_path, hosts, "play.yml")
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    return run


def test_skipped_tasks_are_not_shown(shown: Any) -> None:
    never = {"name": "Never", DEBUG: {"msg": "no"}, "when": False}
    nothing = {"name": "Nothing", DEBUG: {"msg": "{{ item }}"}, "loop": []}
    block = {"when": False, "block": [{"name": "Inside", DEBUG: {"msg": "no"}}]}
    tasks = [never, nothing, block, {"name": "Always", DEBUG: {"msg": "yes"}}]
    output = shown(*tasks)
    assert [name for name in ("Never", "Nothing", "Inside", "Always") if f"TASK [{name}]" in output] == ["Always"]
    assert "skipping:" not in output
    assert "skipped=3" in output
    # Who wants to see them still can.
    assert shown(*tasks, skipped=True).count("skipping:") >= 6


def test_a_task_that_one_host_skips_is_shown_for_the_other(shown: Any) -> None:
    task = {"name": "Sometimes", DEBUG: {"msg": "yes"}, "when": "inventory_hostname == 'bob'"}
    output = shown(task)
    assert output.count("TASK [Sometimes]") == 1
    assert "ok: [bob]" in output
    assert "[ann]" not in output.partition("PLAY RECAP")[0]


def test_the_name_of_a_task_stands_above_its_progress(shown: Any) -> None:
    """A task without a condition is shown before it runs, and once."""
    plan = {"name": "Plan", "temporal_lab.benchmarking.lab_plan": {"tags": ["report"]}}
    output = shown(plan, hosts="ann,")
    assert output.index("TASK [Plan]") < output.index("ann: stage: report") < output.index("ok: [ann]")
    assert output.count("TASK [Plan]") == 1
