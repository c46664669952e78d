# SPDX-License-Identifier: GPL-3.0-or-later
"""The default output without skipped tasks, and with a task's name before it runs."""

from __future__ import annotations

import json
import sys
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


#: What a cluster, helm or a plugin may say.
HOSTILE = (
    "a\x1b]0;title\x07b\nCLASS: 5 students, 5 done\r\u202e\x9b31m b'Bearer abc.DEF-0123456789' http://u:hunter2@h/"
)


# All that -v shows is among what -vvv shows.
@pytest.mark.parametrize("verbosity", ["", "-vvv"])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_others_said_is_shown_in_characters_that_are_seen(tmp_path: Path, verbosity: str, form: str) -> None:
    """A failure, a warning, an item, a difference and a result, as modules of other collections have them."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "others.py").write_text(OTHERS)
    tasks = [
        {"name": "Fails", "others": {"said": HOSTILE, "fails": True}, "ignore_errors": True},
        {"name": "Works", "others": {"said": HOSTILE}},
        {"name": "Items", "others": {"said": HOSTILE, "fails": True}, "loop": [HOSTILE], "ignore_errors": True},
        {"name": "Debug", DEBUG: {"msg": "{{ said }}"}, "vars": {"said": HOSTILE}},
    ]
    (tmp_path / "ansible.cfg").write_text(CFG.format(True) + f"callback_result_format = {form}\nlibrary = library\n")
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    arguments = ["--diff", "-e", f"ansible_python_interpreter={sys.executable}", *filter(None, [verbosity])]
    done = run_playbook(tmp_path, "ann,", "play.yml", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout + done.stderr
    assert "title" in shown
    assert not [sign for sign in shown if not sign.isprintable() and sign != "\n"]
    # What Ansible shows of the playbook itself is the user's own.
    lines = [line for line in shown.splitlines() if not line.lstrip().startswith(tuple("0123456789"))]
    assert not [line for line in lines if "hunter2" in line or "0123456789" in line]
    assert not [line for line in lines if line.startswith("CLASS:")]


OTHERS = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"said": {"type": "str"}, "fails": {"type": "bool"}}, supports_check_mode=True)
said = module.params["said"]
module.warn(said)
result = {"stdout": said, "list": [said, {said: said}], "changed": True, "diff": {"before": said, "after": said + "x"}}
if module.params["fails"]:
    module.fail_json(msg=said, **result)
module.exit_json(**result)
"""


def test_where_a_task_stands_is_shown_without_the_secrets_that_stand_there(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text(CFG.format(True))
    (tmp_path / "play.yml").write_text(
        "- hosts: all\n"
        "  gather_facts: false\n"
        "  tasks:\n"
        "    - temporal_lab.benchmarking.prometheus_info: {url: 'http://127.0.0.1:1/', url_token: token-0123456789}\n"
    )
    done = run_playbook(tmp_path, "ann,", "play.yml")
    shown = done.stdout + done.stderr
    assert done.returncode == 2
    assert "Prometheus at http://127.0.0.1:1 does not answer" in shown
    assert "token-0123456789" not in shown
