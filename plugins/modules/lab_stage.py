#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_stage
short_description: Write down what a stage of the lab did
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Writes a stage file into the student's run, as the stage's next attempt. Nothing is ever overwritten, and a file
    appears whole or not at all.
  - Content that is not of the schema is refused, with the place and the reason.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jsonschema >= 4
attributes:
  check_mode:
    description: The content is checked; nothing is written.
    support: full
  diff_mode:
    description: Each time a new file is written, so there is nothing to compare it with.
    support: none
  idempotent:
    description: Each time another attempt is written.
    support: none
options:
  results_dir:
    description: Folder of the results; folders that are missing are made.
    type: path
    required: true
  student:
    description:
      - Name of the student, as in the inventory.
      - It is a folder's name, so it has only letters, digits and C(. _ - @ +).
    type: str
    required: true
  run:
    description: Name of the run, as M(temporal_lab.benchmarking.lab_run) returns it.
    type: str
    required: true
  stage:
    description: Name of the stage, of lower-case letters, digits and C(_).
    type: str
    required: true
  state:
    description: How the stage ended.
    type: str
    choices: [done, failed, skipped]
    required: true
  reason:
    description: One sentence on why the stage failed or was skipped; needed then. It is C(message) in the stage file.
    type: str
    default: ""
  started:
    description: When the stage began, in Unix seconds.
    type: float
    required: true
  finished:
    description: When the stage ended, in Unix seconds; without it the time of writing.
    type: float
  events:
    description: What happened to the cluster. Each event has C(name), C(title) and C(time) in Unix seconds.
    type: list
    elements: dict
    default: []
  windows:
    description:
      - The windows with their figures, as M(temporal_lab.benchmarking.prometheus_sample) returns them.
      - Each has C(name), C(title), C(start), C(end) and C(figures).
    type: list
    elements: dict
    default: []
  series:
    description:
      - The course of figures for plots, as M(temporal_lab.benchmarking.prometheus_sample) returns it.
      - Each has C(figure), C(title), C(unit), C(labels) and C(points).
    type: list
    elements: dict
    default: []
  samples:
    description:
      - Name of the file in the run's folder that keeps the raw samples of the windows.
      - M(temporal_lab.benchmarking.lab_measure) writes such a file and says its name by itself.
    type: str
  versions:
    description: Versions of what took part, by name.
    type: dict
    default: {}
  settings:
    description: Effective settings of the stage, by name; durations in seconds.
    type: dict
    default: {}
  facts:
    description: What the stage found out, by name.
    type: dict
    default: {}
  cluster:
    description:
      - The cluster that the stage acted on, as RV(temporal_lab.benchmarking.lab_run#module:cluster) is.
      - Its address is kept in the stage file. Where its file was changed meanwhile, a stage that is done fails instead.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Write down the baseline
  temporal_lab.benchmarking.lab_stage:
    results_dir: results
    student: "{{ inventory_hostname }}"
    run: "{{ lab_run.run }}"
    stage: baseline
    state: done
    started: "{{ baseline_started }}"
    windows: "{{ baseline.windows }}"
    series: "{{ baseline.series }}"

- name: Write down that there is no dashboard
  temporal_lab.benchmarking.lab_stage:
    results_dir: results
    student: "{{ inventory_hostname }}"
    run: "{{ lab_run.run }}"
    stage: dashboard
    state: skipped
    reason: There is no Grafana in this lab.
    started: "{{ now().timestamp() }}"
"""

RETURN = r"""
path:
  description: The stage file; in check mode the one that would be written.
  returned: always
  type: str
  sample: /home/lab/results/student-01/20261123T170102Z/baseline-1.json
attempt:
  description: How many times the stage was done in this run, this time included.
  returned: always
  type: int
  sample: 1
msg:
  description: The reason, as it was given.
  returned: when a reason was given
  type: str
  sample: There is no Grafana in this lab.
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.lab_stage import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
