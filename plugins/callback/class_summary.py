# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""At the end of a playbook: who is done, who failed and why, in one line each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: class_summary
type: aggregate
short_description: Show at the end who is done, who failed and why
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - After the recap it shows one line for each host that failed or was unreachable, with the stage and the reason, and
    how to retry only those.
  - It is shown however the playbook ended, also when all hosts failed and no further task ran. Only an interrupted run
    has no summary, and one that M(temporal_lab.benchmarking.lab_plan) refused.
  - It is shown on stdout, or on stderr where the callback of stdout is one for programs, such as JSON.
  - It shows nothing for a single host that is done, and for a playbook that only localhost takes part in.
requirements:
  - enabled with C(callbacks_enabled = temporal_lab.benchmarking.class_summary) in C(ansible.cfg)
"""

import os
import re
from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.denials import told_plainly
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.foreign_text import plain
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils import output

#: How the message begins with which a stage of the roles fails: the student, and the stage.
STAGE = re.compile(r", stage (?P<stage>[a-z][a-z0-9_]*):\s+(?P<reason>.+)", re.DOTALL)
#: The task that refuses a run as a whole, for the first of its hosts.
PLAN = "temporal_lab.benchmarking.lab_plan"
#: The longest reason in characters, with the name of student and stage before it.
LONGEST_REASON = 2000
#: What a task's name is filled in with.
TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
#: How many hosts are named for --limit at most.
MOST_LIMITED = 20


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "temporal_lab.benchmarking.class_summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._playbook = ""
        # Whether the run was refused before its first stage.
        self._refused = False
        # By host: where it failed and why, the newest last.
        self._failures: dict[str, list[tuple[str, str]]] = {}
        # By host: why the first item of a loop failed that is still running.
        self._items: dict[str, str] = {}

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = os.path.abspath(playbook._file_name)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        # the result of the whole loop does not tell which item failed, from ansible-core 2.21 on
        self._items.setdefault(result.host.get_name(), _message(result.result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if ignore_errors:
            self._items.pop(result.host.get_name(), None)
        else:
            self._note(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if self._refused:
            return
        hosts = sorted(host for host in stats.processed if host != "localhost")
        bad = {host: state for host in hosts if (state := _state(stats, host))}
        if not bad and len(hosts) < 2:
            return
        counts = [f"{len(hosts) - len(bad)} done"]
        counts += [
            f"{count} {state}" for state in ("failed", "unreachable") if (count := list(bad.values()).count(state))
        ]
        output.show(f"CLASS: {len(hosts)} {'student' if len(hosts) == 1 else 'students'}, {', '.join(counts)}")
        width = max(map(len, bad), default=0)
        for host, state in bad.items():
            where, why = self._reason(host)
            output.show(f"{plain(host).ljust(width)}  {state}  {where}: {why}", C.COLOR_ERROR)
        if bad:
            output.show(
                f"To retry only {'this one' if len(bad) == 1 else 'these'}, rerun the command with "
                f"--limit {self._limit(list(bad))}"
            )

    def _note(self, result: Any) -> None:
        host, task = result.host.get_name(), result.task
        self._refused |= task.action == PLAN
        why = self._items.pop(host, "") or _message(result.result)
        self._failures.setdefault(host, []).append((_where(task), why))

    def _reason(self, host: str) -> tuple[str, str]:
        """Stage and reason of a stage's own failure, else the task of the newest failure."""
        failures = self._failures.get(host, [("unknown task", "no message was seen")])
        for _task, message in reversed(failures):
            match = STAGE.search(message)
            if match:
                return match["stage"], match["reason"]
        return failures[-1]

    def _limit(self, hosts: list[str]) -> str:
        """What to give --limit: the file that Ansible has just written, else the hosts."""
        if C.RETRY_FILES_ENABLED and self._playbook:
            name = os.path.splitext(os.path.basename(self._playbook))[0]
            path = os.path.join(C.RETRY_FILES_SAVE_PATH or os.path.dirname(self._playbook), f"{name}.retry")
            if _lines(path) == hosts:
                return f"@{path}"
        shown = ",".join(hosts[:MOST_LIMITED])
        return shown if len(hosts) <= MOST_LIMITED else f"{shown},… (all the hosts above)"


def _state(stats: Any, host: str) -> str:
    if stats.dark.get(host):
        return "unreachable"
    return "failed" if stats.failures.get(host) else ""


def _where(task: Any) -> str:
    """The name of a task, without that of its role.

    Ansible fills in the variables of the first host, for all hosts: what stands in their place names none.
    """
    written = task.get_ds()
    name = (written.get("name") if isinstance(written, dict) else None) or task.name or task.action
    return plain(TEMPLATE.sub("…", str(name)))


def _message(result: dict[str, Any]) -> str:
    """Why a task or an item of its loop failed, in one line."""
    text = result.get("msg") or result.get("stderr") or result.get("module_stderr") or ""
    return plain(told_plainly(str(text)), limit=LONGEST_REASON) or "failed without a message"


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as stream:
            return sorted(stream.read().split())
    except OSError:
        return []
