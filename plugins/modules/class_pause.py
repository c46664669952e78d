#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: class_pause
short_description: Wait once for a whole class
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Waits for some seconds, and shows for how many. With C(run_once) a class of more students than forks waits in one
    process, and not in every worker.
  - Unlike M(ansible.builtin.pause) it can be part of a play with the strategy V(free) or V(host_pinned), in which each
    student waits.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    description: It does not wait.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
  idempotent:
    description: It changes nothing.
    support: full
options:
  seconds:
    description: How long to wait. It is rounded up, and nothing is waited for when it is negative.
    type: float
    required: true
  reason:
    description: What for, after the words C(waiting 30 s).
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Wait for the windows of the class
  temporal_lab.benchmarking.class_pause:
    seconds: 120
    reason: for the windows of the class
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
waited:
  description: How many seconds it waited.
  returned: success
  type: int
  sample: 120
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.class_pause import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
