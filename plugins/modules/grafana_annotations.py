#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: grafana_annotations
short_description: Mark the stages of a run on its Grafana dashboard
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Makes annotations on a dashboard from the stage files of a run, so that one sees where the concurrency changed and
    where history was scaled.
  - A measured window is a region that says what was set. An event is a point with its title; what two stages noted is
    one. C(install), C(recreate) and C(cleanup) are regions. A stage that failed is a point with its message.
  - As in the report, the newest attempt of a stage that was done counts. Marks of an older one are moved or removed.
  - The marks have the tags C(temporal-lab), C(student:NAME), C(run:NAME) and C(stage:NAME), and one of C(window),
    C(event) and C(stage). Annotations without all of these are never touched, nor are those of other students, runs
    or dashboards. Of marks that are there twice one is left.
  - The token of an account with the role Editor is enough.
extends_documentation_fragment:
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
requirements:
  - jsonschema >= 4
attributes:
  check_mode:
    description: Grafana is asked, and nothing is changed there.
    support: full
  diff_mode:
    description: Times and texts of the marks before and after.
    support: full
  idempotent:
    description: Marks that are right are left alone.
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
  dashboard_uid:
    description: The uid of the dashboard that the marks belong to. They are deleted with it.
    type: str
    default: temporal-lab-benchmarking
  state:
    description:
      - V(present) makes the marks of the run those that its results say.
      - V(absent) removes all marks of the run. The results are not read, and a dashboard that is not there has none.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Mark the stages of the student's latest run
  temporal_lab.benchmarking.grafana_annotations:
    results_dir: results
    student: "{{ inventory_hostname }}"

- name: Remove the marks of an earlier run
  temporal_lab.benchmarking.grafana_annotations:
    results_dir: results
    student: student-01
    run: 20261123T170102Z
    state: absent
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: success
  type: str
  sample: 20261123T170102Z
dashboard_uid:
  description: The uid of the dashboard.
  returned: success
  type: str
  sample: temporal-lab-benchmarking
created:
  description:
    - Number of marks that were made, in check mode of those that would be.
    - When the task fails on its way, those so far.
  returned: when Grafana was asked
  type: int
  sample: 24
updated:
  description: Number of marks that were given another time or text, counted in the same way.
  returned: when Grafana was asked
  type: int
  sample: 0
deleted:
  description: Number of marks that were removed, counted in the same way.
  returned: when Grafana was asked
  type: int
  sample: 0
kept:
  description: Number of marks that were right already.
  returned: when Grafana was asked
  type: int
  sample: 0
problems:
  description: A sentence for each result that cannot be used, and when marks are left because there are too many.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_annotations import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
