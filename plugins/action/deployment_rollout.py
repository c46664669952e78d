# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.deployment_rollout import (
    SPEC,
    run,
)
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils.action import LabAction


class ActionModule(LabAction):
    argument_spec = SPEC
    task = staticmethod(run)
