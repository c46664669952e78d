#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_class
short_description: Make the report of a class from the results of its students
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Writes C(class.html), C(class.md) and C(class.json) from the stage files of all students alone.
  - It shows in one line each who is done, who failed and why; how the key figures are distributed over the class; and
    which values are far from the class's median. These are observations, never a verdict.
  - Students whose stages were measured under different settings, such as another number of shards or another version
    of the server, are never put into one median.
  - Writes C(class.retry) with the hosts to retry, for C(--limit @class.retry); removes it when there are none.
  - Several folders of results, such as those of job slices, are one class.
  - The page links to a student's C(report.html) only if it bears the seal of this user's
    M(temporal_lab.benchmarking.lab_report). Students with another page are named in RV(problems).
  - A file that cannot be used is named and never fatal. Of each student it reads only what the class report uses; the
    student's own report, see M(temporal_lab.benchmarking.lab_report), checks all of it.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jinja2
  - jsonschema >= 4
attributes:
  check_mode:
    description: The report is made but not written.
    support: full
  diff_mode:
    description: The files are too large for a difference that helps.
    support: none
  idempotent:
    description: The same results give the same files.
    support: full
options:
  results_dirs:
    description: Folders of results. A student may be in more than one of them.
    type: list
    elements: path
    required: true
    aliases: [results_dir]
  students:
    description:
      - Names of the students of the class. One without results has nothing recorded, and is not left out.
      - Without it and O(also) the class is all students in the results.
    type: list
    elements: str
    default: []
  also:
    description:
      - Names of students who belong to the class as well, but are left out when nothing is recorded of them, such as
        those who are not in C(--limit) this time. Their order is that of the report.
    type: list
    elements: str
    default: []
  run:
    description: Name of the run; without it each student's newest.
    type: str
  stages:
    description:
      - Consider only these stages. A student who has not done one of them is listed for a retry.
      - Without it all stages that any student has are shown, and a missing one is not a failure.
    type: list
    elements: str
    default: []
  hosts:
    description: Inventory hosts by student, where they are not named alike, for C(class.retry).
    type: dict
    default: {}
  dest:
    description: Folder for the report; without it the first of O(results_dirs).
    type: path
  table:
    description: Whether to show the report in the terminal.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Report on the class
  temporal_lab.benchmarking.lab_class:
    results_dir: results
    students: "{{ groups['all'] }}"

- name: Report on a class that two runners did, and name who has to retry the stage scale
  temporal_lab.benchmarking.lab_class:
    results_dirs:
      - slice-1/results
      - slice-2/results
    stages: [scale]
    dest: class
"""

RETURN = r"""
paths:
  description: The files of the report.
  returned: always
  type: dict
  contains:
    html:
      description: The page.
      type: str
    markdown:
      description: The same as Markdown.
      type: str
    json:
      description: The merged class, for programs.
      type: str
states:
  description: >-
    How many students are V(failed), V(unreadable) (a stage file cannot be read), V(nothing recorded), V(unfinished)
    (they lack a stage that another student has) and V(done).
  returned: always
  type: dict
  sample:
    failed: 1
    done: 29
counts:
  description: By stage, how many students are in which state of it.
  returned: always
  type: dict
  sample:
    scale:
      failed: 1
      done: 29
students:
  description: The state of each student.
  returned: always
  type: dict
  sample:
    student-01: done
failures:
  description: For each student who failed, the stages that failed and why.
  returned: always
  type: dict
  sample:
    student-02: "scale: the history service did not settle in 300 s."
retry:
  description: The hosts to retry.
  returned: always
  type: list
  elements: str
retry_path:
  description: The file with these hosts; empty when there is none.
  returned: always
  type: str
outliers:
  description: >-
    Values more than twice the median of their group, or less than half of it, each with C(student), C(stage),
    C(window), C(figure), C(value), C(median) and C(ratio); the farthest first.
  returned: always
  type: list
  elements: dict
problems:
  description: Files and folders that cannot be used, each with C(source) (the student, or empty) and C(text).
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.lab_class import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
