#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_predict
short_description: Write down what a student predicts, before it is measured
version_added: 0.2.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Writes predictions into C(predictions.json) in the run's folder, each with its time. The report holds them against
    what was measured afterwards.
  - A prediction for a stage that the run has done already is refused. One that is there already stays as it is.
  - In a terminal it asks for those that are not in O(predictions), unless O(ask=false).
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    description: The predictions are checked, but not written.
    support: full
  diff_mode:
    description: What is predicted is in RV(predictions).
    support: none
  idempotent:
    description: The same predictions are written once.
    support: full
options:
  results_dir:
    description: Folder of the results.
    type: path
    required: true
  student:
    description: Name of the student.
    type: str
    required: true
  run:
    description: Name of the run; without it the student's latest, or a new one where there is none.
    type: str
  predictions:
    description:
      - By the id of a question V(up), V(down) or V(same), which is what its figure will do.
      - Or a mapping with C(direction) and C(range), the two numbers between which the later value will lie, in the
        figure's unit.
    type: dict
    default: {}
  questions:
    description: Path of a file of questions; without it the lab's own.
    type: path
  ask:
    description: Whether to ask in the terminal, where there is one.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Predict before the concurrency is raised
  temporal_lab.benchmarking.lab_predict:
    results_dir: results
    student: "{{ inventory_hostname }}"
    predictions:
      concurrency_throughput: up
      concurrency_shard_lock: {direction: up, range: [0.001, 0.01]}
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: always
  type: str
  sample: 20261123T170102Z
predictions:
  description: >-
    The predictions that count, by question, with C(question), C(direction), C(low) and C(high) (null without a range)
    and C(time) in Unix seconds.
  returned: always
  type: dict
open:
  description: Questions that can still be predicted and are not.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.lab_predict import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
