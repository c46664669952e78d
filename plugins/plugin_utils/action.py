# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's action: it runs a task in the control node's process."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.display import Display

from ..module_utils import task as tasks
from ..module_utils.errors import LabError
from ..module_utils.foreign_text import visible
from ..module_utils.task import Context, Result, Task
from . import output
from .task_secrets import task_secrets
from .timer_slack import let_sleeps_be_late

display = Display()

# Ansible loads this before it forks a worker for each task and host. What the templates of tasks need is loaded here
# once, which each worker would do again.
for loader in (filter_loader, test_loader):
    list(loader.all())
# So is the callback that writes to stdout, which this looks at.
output.for_people()
# What is there by now stays out of the workers' garbage collection, which would copy the memory that they share.
gc.freeze()
# And it is Ansible's main process whose looking for a free worker is to cost little.
let_sleeps_be_late()


def find_task(name: str) -> Task:
    """The task of a module: ``TASK`` in the file of that name in a room of module_utils.

    Only that room is imported, and once for all hosts: Ansible loads an action before it forks.
    name: the module's name, or that of a Python module which ends with it.
    """
    name = name.rpartition(".")[2]
    rooms = [path.parent.name for path in Path(tasks.__file__).parent.glob(f"*/{name}.py")]
    if len(rooms) != 1:
        raise LookupError(f"{name}.py stands in {len(rooms)} rooms of module_utils ({', '.join(rooms)}), not in one")
    package = tasks.__name__.rpartition(".")[0]
    task: Task = importlib.import_module(f"{package}.{rooms[0]}.{name}").TASK
    task.before_fork()
    return task


class LabAction(ActionBase):
    """Run a task in process when the host is the control node, else as a module where the task can.

    Running in process costs a twentieth of a module's CPU time and lets progress be shown.
    """

    _supports_check_mode = True
    _supports_diff = True
    TRANSFERS_FILES = False

    task: Task

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        host = (task_vars or {}).get("inventory_hostname", "localhost")
        if self._connection.transport != "local":
            return self._elsewhere(host, task_vars)
        _validated, params = self.validate_argument_spec(self.task.spec, **self.task.validation)

        def show(line: str) -> None:
            output.show(f"{visible(host)}: {line}")

        def secrets() -> list[str]:
            return task_secrets(task_vars or {}, self._templar.template)

        def ask(question: str) -> str | None:
            try:
                said: bytes = display.prompt_until(f"{visible(host)}: {visible(question)}: ")
            except AnsiblePromptNoninteractive:
                return None
            return said.decode(errors="replace").strip()

        # Looking for garbage in a hundred thousand samples is a fifth of reading them, and a task is short.
        gc.disable()
        try:
            # A failure is returned, not raised: Ansible ignores failed_when and until when an action raises.
            private = Path(constants.DEFAULT_LOCAL_TMP)
            context = Context(self._task.check_mode, self._task.diff, show, secrets, private, ask)
            result.update(tasks.attempt(self.task, params, context, display.vvv))
        finally:
            gc.enable()
        return result

    def _elsewhere(self, host: str, task_vars: dict[str, Any] | None) -> Result:
        """Run the task as a module on its host."""
        if self.task.elsewhere is None:
            message = (
                f"{self._task.action} runs on the control node only, and {host} is reached by "
                f"{self._connection.transport}: add delegate_to: localhost to the task, or set ansible_connection: "
                f"local for the host."
            )
            return {"failed": True, "msg": message}
        try:
            self._task.args = self.task.elsewhere(self._task.args)
        except LabError as error:
            return {**error.details, "failed": True, "msg": error.msg}
        sent: Result = self._execute_module(task_vars=task_vars)
        return sent
