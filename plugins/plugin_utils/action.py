# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the collection's actions: tasks run in the control node's process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, test_loader
from ansible.utils.display import Display

from ..module_utils.errors import LabError
from ..module_utils.task import Context, Params, Result

display = Display()

# Ansible loads this before it forks a worker for each task and host. What the templates of tasks need is loaded here
# once, which each worker would do again.
for loader in (filter_loader, test_loader):
    list(loader.all())
# What is there by now stays out of the workers' garbage collection, which would copy the memory that they share.
gc.freeze()


class LabAction(ActionBase):
    """Run a task in process when the host is the control node, else as a module.

    A subclass names its ``argument_spec`` and its ``task`` (see
    module_utils.task), and further keywords of the argument validation in
    ``validation`` (required_if, mutually_exclusive ...). Running in process
    costs a twentieth of a module's CPU time and lets progress be shown.
    """

    _supports_check_mode = True
    _supports_diff = True
    TRANSFERS_FILES = False

    argument_spec: dict[str, Any] = {}
    validation: dict[str, Any] = {}
    task: Callable[[Params, Context], Result]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        result = super().run(tmp, task_vars)
        if self._connection.transport != "local":
            return self._execute_module(task_vars=task_vars)
        _validated, params = self.validate_argument_spec(self.argument_spec, **self.validation)
        host = (task_vars or {}).get("inventory_hostname", "localhost")

        def show(line: str) -> None:
            display.display(f"{host}: {line}")

        # Looking for garbage in a hundred thousand samples is a fifth of reading them, and a task is short.
        gc.disable()
        try:
            result.update(type(self).task(params, Context(self._task.check_mode, self._task.diff, show)))
        except LabError as error:
            # Returned, not raised: of an exception Ansible takes neither failed_when nor until into account.
            result.update(error.details, failed=True, msg=error.msg)
        finally:
            gc.enable()
        return result
