#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_report
short_description: Make the report of a student's run from its results
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Writes C(report.html), C(report.md) and C(report.json) into the run's folder, from the stage files there alone.
  - The page is one file that needs no network and no script. It has the answers to the lab's questions, the stages, a
    table of the figures with their change from window to window, the shards of each pod, the time line, a plot for each
    key figure, and the queries.
  - The page ends with a seal, made with the user's key C($XDG_STATE_HOME/temporal_lab/report-pages.key), by which
    M(temporal_lab.benchmarking.lab_class) knows it.
  - An interrupted run gives a report of what exists. A file that cannot be used is listed under the
    report's problems.
  - Shows the key figures as a table in the terminal.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jinja2
  - jsonschema >= 4
  - matplotlib >= 3.8
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
  results_dir:
    description: Folder of the results.
    type: path
    required: true
  student:
    description: Name of the student.
    type: str
    required: true
  run:
    description: Name of the run; without it the student's latest.
    type: str
  questions:
    description:
      - Path of a file of questions that the report answers; without it the lab's own.
      - Its keys are described in C(docs/questions.md).
    type: path
  table:
    description: Whether to show the table of figures and the answers in the terminal.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Report on the student's latest run
  temporal_lab.benchmarking.lab_report:
    results_dir: results
    student: "{{ inventory_hostname }}"

- name: Make the report of an earlier run again, without the table in the terminal
  temporal_lab.benchmarking.lab_report:
    results_dir: results
    student: student-01
    run: 20261123T170102Z
    table: false
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: always
  type: str
  sample: 20261123T170102Z
paths:
  description: The files of the report.
  returned: always
  type: dict
  contains:
    html:
      description: The page.
      type: str
    markdown:
      description: The same without plots, as Markdown.
      type: str
    json:
      description: The merged run, for programs.
      type: str
stages:
  description: The state of the newest attempt of each stage that the run has, by stage.
  returned: always
  type: dict
  sample:
    baseline: done
    scale: failed
absent:
  description: Stages of the lab that the run does not have.
  returned: always
  type: list
  elements: str
answers:
  description: The questions with the answers of this run.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Id of the question.
      type: str
    stage:
      description: The stage that it is asked after.
      type: str
    question:
      description: The question in words.
      type: str
    verdict:
      description: Id of the answer in the file of questions, or V(not_measured).
      type: str
    open:
      description: Whether the results do not decide.
      type: bool
    text:
      description: The answer in words.
      type: str
figures:
  description: The key figures.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Id of the figure.
      type: str
    title:
      description: Name of the figure for people.
      type: str
    unit:
      description: Unit of the values.
      type: str
    readings:
      description: >-
        One for each window that has the figure, with C(stage), C(window), C(value) (null if unknown),
        C(bound) (V(below) or V(above) when the value is only the end of a quantile's bucket, else empty), C(state),
        C(change) from the window before as a share of one (null if unknown), and its C(verdict), V(higher), V(lower),
        V(none) for no difference beyond noise, or V(unknown).
      type: list
      elements: dict
problems:
  description:
    - Files that cannot be used, findings of the stages and figures that did not pass, each with C(kind), C(source) and
      C(text).
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.lab_report import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
