# SPDX-License-Identifier: GPL-3.0-or-later
"""lab_measure in the control node's process, with its progress shown."""

from __future__ import annotations

from ..module_utils.prometheus.connect import VALIDATION
from ..module_utils.stages.lab_measure import (
    SPEC,
    run,
)
from ..plugin_utils.profile import ProfileAction


class ActionModule(ProfileAction):
    argument_spec = SPEC
    validation = VALIDATION
    task = staticmethod(run)
