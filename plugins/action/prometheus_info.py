# SPDX-License-Identifier: GPL-3.0-or-later
"""prometheus_info in the control node's process."""

from __future__ import annotations

from ..module_utils.prometheus.connect import VALIDATION
from ..module_utils.prometheus.prometheus_info import (
    SPEC,
    run,
)
from ..plugin_utils.action import LabAction


class ActionModule(LabAction):
    argument_spec = SPEC
    validation = VALIDATION
    task = staticmethod(run)
