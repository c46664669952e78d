# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's default output without skipped tasks, and with each task's name before it runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unskipped
type: stdout
short_description: Default output, without skipped tasks
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - The output of P(ansible.builtin.default#callback). With C(display_skipped_hosts) off it does not show skipped tasks,
    as that one does, but still shows the name of a task before it runs, so that its progress stands below it.
  - Only a task with C(when) or a loop may be skipped. Its name is shown with its first result.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - C(stdout_callback = temporal_lab.benchmarking.unskipped) and C(display_skipped_hosts = false) in C(ansible.cfg)
"""

from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "temporal_lab.benchmarking.unskipped"

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        super()._task_start(task, prefix)
        # A strategy in which hosts do not go together has no task whose name could be shown for all.
        together = self._last_task_name is not None
        if together and self._last_task_banner != task._uuid and not (task.when or task.loop is not None):
            self._print_task_banner(task)
