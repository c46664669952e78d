# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana_dashboard in the control node's process, with its progress shown."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils.errors import LabError
from ..module_utils.grafana.grafana_dashboard import SPEC, VALIDATION, read_text
from ..module_utils.grafana.grafana_dashboard import run as import_dashboard
from ..module_utils.task import Result
from ..plugin_utils.action import LabAction


class ActionModule(LabAction):
    """The file of the dashboard is on the control node, and is sent along when the task runs on another host."""

    argument_spec = SPEC
    validation = VALIDATION
    task = staticmethod(import_dashboard)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        arguments = self._task.args
        if self._connection.transport != "local" and arguments.get("path") and arguments.get("content") is None:
            try:
                text = read_text(arguments["path"])
            except LabError as error:
                raise AnsibleActionFail(error.msg) from None
            self._task.args = {**arguments, "content": text}
        return super().run(tmp, task_vars)
