# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a playbook: who is done, who failed and why, however it ended."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

HOSTS = ("ann", "bob", "cid")

#: A stage as the roles have it, but that it only fails where it is told to.
PLAY: list[dict[str, Any]] = [
    {
        "name": "The lab",
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "name": "A check that may fail",
                "ansible.builtin.fail": {"msg": "never mind"},
                "ignore_errors": True,
                "when": "inventory_hostname in ignored",
            },
            {
                "block": [
                    {
                        "name": "Wait",
                        "ansible.builtin.fail": {"msg": "not ready\nin 5 s"},
                        "when": "inventory_hostname in bad",
                    }
                ],
                "rescue": [
                    {
                        "name": "Fail the stage",
                        "ansible.builtin.fail": {
                            "msg": "{{ inventory_hostname }}, stage scale: {{ ansible_failed_result.msg }}"
                        },
                    }
                ],
            },
            {
                "name": "Ask",
                "ansible.builtin.fail": {"msg": "item {{ item }} is wrong"},
                "when": "inventory_hostname in looped and item == 2",
                "loop": [1, 2],
            },
        ],
    }
]


@pytest.fixture
def end(tmp_path: Path) -> Any:
    """Runs the play; gives the exit code and what follows the recap."""
    (tmp_path / "lab.yml").write_text(yaml.safe_dump(PLAY))

    def run(*arguments: str, hosts: tuple[str, ...] = HOSTS, retry: bool = True, **lists: list[str]) -> Any:
        inventory = {"all": {"hosts": {host: {} for host in hosts}, "vars": {"ansible_connection": "local"}}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (tmp_path / "ansible.cfg").write_text(
            "[defaults]\ncallbacks_enabled = temporal_lab.benchmarking.class_summary\n"
            + ("retry_files_enabled = true\nretry_files_save_path = results\n" if retry else "")
        )
        given = {name: lists.get(name, []) for name in ("bad", "ignored", "looped")}
        given["ansible_python_interpreter"] = sys.executable
        done = run_playbook(tmp_path, "hosts.yml", "lab.yml", "-e", json.dumps(given), *arguments)
        lines = done.stdout.partition("PLAY RECAP")[2].splitlines()
        assert "Traceback" not in done.stdout + done.stderr
        starts = [place for place, line in enumerate(lines) if line.startswith("CLASS:")]
        return done.returncode, lines[starts[0] :] if starts else []

    run.folder = tmp_path
    return run


def test_some_failed(end: Any) -> None:
    code, lines = end(bad=["bob"], looped=["cid"], ignored=["ann", "bob"])
    assert code == 2
    assert lines == [
        "CLASS: 3 students, 1 done, 2 failed",
        "bob  failed  scale: not ready in 5 s",
        "cid  failed  Ask: item 2 is wrong",
        f"To retry only these, rerun the command with --limit @{end.folder}/results/lab.retry",
    ]
    assert (end.folder / "results" / "lab.retry").read_text().split() == ["bob", "cid"]


def test_all_failed(end: Any) -> None:
    code, lines = end(bad=list(HOSTS))
    assert code == 2
    assert lines[:2] == ["CLASS: 3 students, 0 done, 3 failed", "ann  failed  scale: not ready in 5 s"]
    assert len(lines) == 5


def test_none_can_be_reached(end: Any) -> None:
    """No task runs on such a host, not even in an always section: only a callback can say it."""
    play = [{**PLAY[0], "vars": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}}]
    play[0]["tasks"] = [{"name": "Look", "ansible.builtin.ping": {}}]
    (end.folder / "lab.yml").write_text(yaml.safe_dump(play))
    code, lines = end()
    assert code == 4
    assert lines[0] == "CLASS: 3 students, 0 done, 3 unreachable"
    assert lines[1].startswith("ann  unreachable  Look: Task failed: Failed to connect to the host via ssh")
    assert lines[-1].endswith("results/lab.retry")


def test_all_are_done(end: Any) -> None:
    assert end() == (0, ["CLASS: 3 students, 3 done"])


def test_it_is_quiet_about_one_student_that_is_done(end: Any) -> None:
    assert end(hosts=("ann",)) == (0, [])
    assert end(hosts=("localhost",), bad=["localhost"])[1] == []


def test_one_student_that_failed(end: Any) -> None:
    code, lines = end(hosts=("ann",), bad=["ann"])
    assert code == 2
    assert lines == [
        "CLASS: 1 student, 0 done, 1 failed",
        "ann  failed  scale: not ready in 5 s",
        f"To retry only this one, rerun the command with --limit @{end.folder}/results/lab.retry",
    ]


def test_the_line_of_a_student_names_no_other(end: Any) -> None:
    """Ansible fills in a task's name once, for the first of its hosts."""
    failing = {"name": "Make the room of {{ inventory_hostname }}", "ansible.builtin.fail": {"msg": "no"}}
    (end.folder / "lab.yml").write_text(yaml.safe_dump([{**PLAY[0], "tasks": [failing]}]))
    assert end()[1][1:4] == [f"{host}  failed  Make the room of …: no" for host in HOSTS]


def test_what_kubernetes_core_says_is_told_in_words(end: Any) -> None:
    answer = json.dumps({"kind": "Status", "message": "exceeded quota: small, requested: pods=1", "code": 403})
    failing = {"name": "Work", "ansible.builtin.fail": {"msg": f"Failed to create object: {answer}"}}
    (end.folder / "lab.yml").write_text(yaml.safe_dump([{**PLAY[0], "tasks": [failing]}]))
    assert end()[1][1].startswith(
        "ann  failed  Work: Failed to create object (403): exceeded quota: small, requested: pods=1; the quota small of"
    )


def test_without_retry_files_the_hosts_are_named(end: Any) -> None:
    assert end(bad=["bob", "cid"], retry=False)[1][-1] == (
        "To retry only these, rerun the command with --limit bob,cid"
    )


def test_what_was_ignored_is_no_reason(end: Any) -> None:
    """A failure that is told of, and after it one that does not matter."""
    failing = {"name": "Work", "ansible.builtin.fail": {"msg": "no room"}}
    ignored = {"name": "Tidy", "ansible.builtin.fail": {"msg": "never mind"}, "ignore_errors": True}
    (end.folder / "lab.yml").write_text(
        yaml.safe_dump([{**PLAY[0], "tasks": [{"block": [failing], "always": [ignored]}]}])
    )
    assert end()[1][1] == "ann  failed  Work: no room"


def test_a_retry_file_that_could_not_be_written_is_not_named(end: Any) -> None:
    (end.folder / "results").write_text("not a folder")
    assert end(bad=["bob"])[1][-1] == "To retry only this one, rerun the command with --limit bob"
