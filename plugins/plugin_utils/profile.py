# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of actions that read a profile."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils.errors import LabError
from ..module_utils.prometheus.profile import default_path, load, read_text
from ..module_utils.task import Result
from .action import LabAction

# Read before Ansible forks a worker for each student, who would read it again. What is wrong with it the task says.
with contextlib.suppress(LabError):
    load(default_path())


class ProfileAction(LabAction):
    """A LabAction whose profile is sent along when the task runs on another host.

    Profiles are on the control node; the collection's own does not travel with a module.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        if self._connection.transport != "local" and self._task.args.get("profile_content") is None:
            try:
                text = read_text(self._task.args.get("profile") or default_path())
            except LabError as error:
                raise AnsibleActionFail(error.msg) from None
            self._task.args = {**self._task.args, "profile_content": text}
        return super().run(tmp, task_vars)
