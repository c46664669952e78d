# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana_service_account in the control node's process, with its progress shown."""

from __future__ import annotations

from ..module_utils.grafana.connect import VALIDATION
from ..module_utils.grafana.grafana_service_account import (
    SPEC,
    run,
)
from ..plugin_utils.action import LabAction


class ActionModule(LabAction):
    argument_spec = SPEC
    validation = VALIDATION
    task = staticmethod(run)
