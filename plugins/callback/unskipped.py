# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's default output without skipped tasks, and with each task's name before it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unskipped
type: stdout
short_description: Default output, without skipped tasks
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - The output of P(ansible.builtin.default#callback). With C(display_skipped_hosts) off it does not show skipped tasks,
    as that one does, but still shows the name of a task before it runs, so that its progress stands below it.
  - Only a task with C(when) or a loop may be skipped. Its name is shown with its first result.
  - What tasks return is shown without control characters and without what has the form of a secret, whatever a cluster,
    helm or a plugin said.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - C(stdout_callback = temporal_lab.benchmarking.unskipped) and C(display_skipped_hosts = false) in C(ansible.cfg)
"""

import dataclasses
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default
from ansible.template import Templar
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.foreign_text import sentence, tidy
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import texts
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils.task_secrets import task_secrets

COLLECTION = "temporal_lab.benchmarking."
#: What ansible-core from 2.19 on shows of a task beside its result.
MESSAGES = ("exception", "warnings", "deprecations")
#: Fields of these that are of several lines: those of others are set in, so that they begin nowhere at the left, and
#: those of the user's own playbook have their numbers.
LINES = ("formatted_traceback", "help_text")
OWN_LINES = ("formatted_source_context",)


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "temporal_lab.benchmarking.unskipped"

    def __init__(self) -> None:
        super().__init__()
        self._secrets: dict[Any, list[str]] = {}

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        super()._task_start(task, prefix)
        # A strategy in which hosts do not go together has no task whose name could be shown for all.
        together = self._last_task_name is not None
        if together and self._last_task_banner != task._uuid and not (task.when or task.loop is not None):
            self._print_task_banner(task)

    def _print_task_banner(self, task: Any) -> None:
        if self._last_task_name is not None:
            # A name may be made of a student's.
            self._last_task_name = sentence(self._last_task_name)
        super()._print_task_banner(task)

    # -- what others said ---------------------------------------------------

    def v2_runner_on_ok(self, result: Any) -> None:
        super().v2_runner_on_ok(self._tidied(result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        super().v2_runner_on_failed(self._tidied(result, failed=True), ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        super().v2_runner_on_unreachable(self._tidied(result, failed=True))

    def v2_runner_on_skipped(self, result: Any) -> None:
        super().v2_runner_on_skipped(self._tidied(result))

    def v2_runner_retry(self, result: Any) -> None:
        super().v2_runner_retry(self._tidied(result, failed=True))

    def v2_runner_item_on_ok(self, result: Any) -> None:
        super().v2_runner_item_on_ok(self._tidied(result))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        super().v2_runner_item_on_failed(self._tidied(result, failed=True))

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        super().v2_runner_item_on_skipped(self._tidied(result))

    def v2_on_file_diff(self, result: Any) -> None:
        super().v2_on_file_diff(self._tidied(result))

    def _get_item_label(self, result: Any) -> Any:
        label = super()._get_item_label(result)
        return label if label is None else sentence(str(label))

    def _tidied(self, result: Any, failed: bool = False) -> Any:
        """A task's result, which is a copy for callbacks, with its texts made fit to be shown.

        failed: what went wrong may repeat what was sent, so the student's secrets are looked for too.
        """
        secrets = self._secrets_for(result) if failed else []
        # By this name ansible-core before 2.19 has it as well.
        found = result._result
        kept = {name: found.pop(name) for name in MESSAGES if name in found}
        shown = tidy(found, secrets)
        found.clear()
        # Before ansible-core 2.19 an exception is the text of its traceback.
        field = {"exception": "formatted_traceback"}
        tidied = {name: tidied_message(message, secrets, field.get(name, "")) for name, message in kept.items()}
        found.update(shown, **tidied)
        current = getattr(self, "_current_task_result", None)
        if current is not None and not isinstance(current, SimpleNamespace):
            self._current_task_result = SimpleNamespace(
                **{name: tidied_message(getattr(current, name, None), secrets) for name in MESSAGES}
            )
        return result

    def _secrets_for(self, result: Any) -> list[str]:
        """The secrets of a task's host, read when its first task fails."""
        host, task = result._host, result._task
        if host not in self._secrets:
            self._secrets[host] = []
            # What cannot be found out must not end the run.
            with suppress(Exception):
                manager = self._play.get_variable_manager()
                variables = manager.get_vars(play=self._play, host=host, task=task)
                self._secrets[host] = task_secrets(variables, Templar(manager._loader, variables).template)
        return self._secrets[host] + _written_secrets(task)


def _written_secrets(task: Any) -> list[str]:
    """What a playbook gives to options of the collection's tasks that are no_log: Ansible shows where a task stands."""
    found: list[str] = []
    if str(task.action).startswith(COLLECTION):
        with suppress(Exception):
            # Only here: it is loaded with the first task, and looks at this callback.
            from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils.action import find_task

            for name, option in find_task(task.action).spec.items():
                if option.get("no_log"):
                    found += [text for text in texts(task.args.get(name)) if "{{" not in text]
    return found


def tidied_message(message: Any, secrets: Sequence[str] = (), field: str = "") -> Any:
    """An error or a warning of Ansible's, a text or an object that holds several, with its texts fit to be shown.

    field: the name of the object's field that this is.
    """
    if dataclasses.is_dataclass(message) and not isinstance(message, type):
        fields = {entry.name: getattr(message, entry.name) for entry in dataclasses.fields(message)}
        tidied = {name: tidied_message(value, secrets, name) for name, value in fields.items()}
        changed = {name: value for name, value in tidied.items() if value is not fields[name]}
        return dataclasses.replace(message, **changed) if changed else message
    if isinstance(message, str):
        if field in OWN_LINES:
            return tidy(message, secrets)
        return textwrap.indent(tidy(message, secrets), "  ") if field in LINES else sentence(message, secrets)
    if isinstance(message, tuple):
        return tuple(tidied_message(entry, secrets) for entry in message)
    return [tidied_message(entry, secrets) for entry in message] if isinstance(message, Sequence) else message
