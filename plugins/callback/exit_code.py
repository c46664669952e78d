# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets ansible-playbook end with 3 where runs were compared and one was worse, and nothing else failed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: exit_code
type: aggregate
short_description: End with 3 where a compared run is worse
version_added: 0.2.0
author: The Temporal lab developers (@temporal-lab)
description:
  - ansible-playbook ends with 2 whatever task failed. With this callback it ends with 3 where every failure of the
    playbook is one of M(temporal_lab.benchmarking.lab_compare) that found the other run to be worse.
  - Without it such a playbook ends with 2, never with 0.
  - Name it last, since no other callback is told of the playbook's end after it.
requirements:
  - enabled with C(callbacks_enabled = temporal_lab.benchmarking.exit_code) in C(ansible.cfg)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase

#: The task whose failures have a code of their own.
TASK = "temporal_lab.benchmarking.lab_compare"
#: The one code that it gives.
WORSE = 3


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "temporal_lab.benchmarking.exit_code"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._worse = 0
        self._others = 0

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if ignore_errors:
            return
        if result.task.action == TASK and result.result.get("exit_code") == WORSE:
            self._worse += 1
        else:
            self._others += 1

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._others += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        # A rescued failure is none: then Ansible ends with 0.
        if self._worse and not self._others and any(stats.failures.values()):
            raise SystemExit(WORSE)
