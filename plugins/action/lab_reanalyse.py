# SPDX-License-Identifier: GPL-3.0-or-later
"""lab_reanalyse in the control node's process."""

from __future__ import annotations

from typing import Any

from ..module_utils.stages.lab_reanalyse import SPEC
from ..module_utils.stages.lab_reanalyse import run as reanalyse
from ..module_utils.task import Result
from ..plugin_utils.action import LabAction
from ..plugin_utils.profile import ProfileAction


class ActionModule(ProfileAction):
    argument_spec = SPEC
    task = staticmethod(reanalyse)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        if self._task.args.get("profile"):
            return super().run(tmp, task_vars)
        # The profile is the one in the samples: none is sent along.
        return LabAction.run(self, tmp, task_vars)
