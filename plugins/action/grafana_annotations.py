# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana_annotations in the control node's process."""

from __future__ import annotations

from ..module_utils.grafana.connect import VALIDATION
from ..module_utils.grafana.grafana_annotations import SPEC, run
from ..plugin_utils.action import LabAction


class ActionModule(LabAction):
    argument_spec = SPEC
    validation = VALIDATION
    task = staticmethod(run)
