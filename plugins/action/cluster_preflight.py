# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every task: the other files in this folder are links to this one, named for their modules."""

from __future__ import annotations

from ..plugin_utils.action import LabAction, find_task


class ActionModule(LabAction):
    task = find_task(__name__)
