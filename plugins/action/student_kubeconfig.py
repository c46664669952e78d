# SPDX-License-Identifier: GPL-3.0-or-later
"""student_kubeconfig in the control node's process."""

from __future__ import annotations

from ..module_utils.students.student_kubeconfig import (
    SPEC,
    run,
)
from ..plugin_utils.action import LabAction


class ActionModule(LabAction):
    argument_spec = SPEC
    task = staticmethod(run)
