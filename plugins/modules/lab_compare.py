#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_compare
short_description: Compare two runs by their results, and fail where the later one is worse
version_added: 0.2.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Compares the windows of two runs, each with the one of the same stage and name, figure by figure, and judges each
    difference by the noise of both windows. C(docs/compare.md) explains it.
  - Writes C(comparison.html), C(comparison.md) and C(comparison.json), and shows the key figures in the terminal.
  - Fails where a figure that decides is worse beyond noise and its threshold, and where that cannot be said.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - google-re2
  - jinja2
  - jsonschema >= 4
  - numpy
attributes:
  check_mode:
    description: The comparison is made but not written.
    support: full
  diff_mode:
    description: The files are too large for a difference that helps.
    support: none
  idempotent:
    description: The same results give the same files.
    support: full
options:
  results_dir:
    description: Folder of the results.
    type: path
    required: true
  student:
    description: Name of the student whose runs are meant where a run is given by its name alone.
    type: str
    required: true
  base:
    description:
      - The run that is compared with. The name of a run of the student, of another student (the newest run), or both as
        C(student/run); or the path of a run's folder, of a student's folder, or of a stage file.
      - Without it the student's run before O(other).
    type: str
  other:
    description: The run that is compared, given as O(base) is; without it the student's newest.
    type: str
  stages:
    description: The stages whose windows are compared; without it all.
    type: list
    elements: str
    default: []
  threshold:
    description: The share of the base value by which a figure has to be worse, such as V(0.05).
    type: float
    default: 0.05
  thresholds:
    description: The same for some figures, by their ids. A figure that is named here decides, whether it is key or not.
    type: dict
    default: {}
  precision:
    description:
      - A figure that may be worse by more than this share, by its noise, is not known well enough to decide.
      - If no figure of a window is, the outcome is V(undecided).
    type: float
    default: 0.5
  allowed:
    description: Names of settings that may differ between the runs, such as V(history_replicas).
    type: list
    elements: str
    default: []
  profile:
    description: Path of a profile whose C(server_changes) count beside those of the collection's own.
    type: path
  dest:
    description: Folder for the files; without it the student's folder in O(results_dir).
    type: path
  table:
    description: Whether to show the comparison in the terminal.
    type: bool
    default: true
  fail:
    description: Whether to fail where the other run is worse, or where that is not known.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Compare the student's newest run with the one before
  temporal_lab.benchmarking.lab_compare:
    results_dir: results
    student: "{{ inventory_hostname }}"

- name: Gate an upgrade of Temporal
  temporal_lab.benchmarking.lab_compare:
    results_dir: results
    student: student-01
    base: /srv/benchmarks/temporal-1.30/20261123T170102Z
    stages: [benchmark, concurrency]
    threshold: 0.1
    thresholds:
      workflow_successes: 0.05
"""

RETURN = r"""
outcome:
  description: V(worse), V(not_worse) or V(undecided).
  returned: always
  type: str
  sample: not_worse
worse:
  description: The figures that are worse beyond noise and their threshold, each with its window and change.
  returned: always
  type: list
  elements: str
reasons:
  description: What the outcome rests on, in sentences.
  returned: always
  type: list
  elements: str
base:
  description: The run that was compared with, with C(student), C(run), C(started) and C(server).
  returned: always
  type: dict
other:
  description: The run that was compared, in the same form.
  returned: always
  type: dict
paths:
  description: Path of the files by form, C(html), C(markdown) and C(json).
  returned: always
  type: dict
exit_code:
  description: What P(temporal_lab.benchmarking.exit_code#callback) lets ansible-playbook end with.
  returned: when the other run is worse
  type: int
  sample: 3
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.lab_compare import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
