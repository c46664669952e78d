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
  - Annotates a dashboard from the stage files of a run, to show where the concurrency changed and where history was
    scaled.
  - A measured window becomes a region with its settings. An event becomes a point with its title; an event that two
    stages recorded becomes one point. C(install), C(recreate) and C(cleanup) become regions. A failed stage becomes a
    point with its message.
  - As in the report, the newest attempt of a stage that was done counts. Marks of an older one are moved or deleted.
  - The marks have the tags C(temporal-lab), C(student:NAME), C(run:NAME) and C(stage:NAME), and one of C(window),
    C(event) and C(stage). Annotations without all of these are never changed, nor are those of other students, runs
    or dashboards. Duplicates of a mark are deleted.
  - The token needs the role Editor.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.grafana
  - temporal_lab.benchmarking.attributes.anywhere
requirements:
  - jsonschema >= 4
attributes:
  check_mode:
    description: Grafana is read, and the counts are those of a real run; nothing is changed.
    support: full
  diff_mode:
    description: The times and texts of the marks before and after.
    support: full
  idempotent:
    description: Marks that are right are not written again.
    support: full
options:
  results_dir:
    description: Folder of the results, on the host where the task runs.
    type: path
    required: true
  student:
    description: Name of the student.
    type: str
    required: true
  run:
    description: Name of the run; by default the student's latest.
    type: str
  dashboard_uid:
    description:
      - The uid of the dashboard to mark. The marks are deleted with it.
      - By default the dashboard that the run imported last, else C(temporal-lab-benchmarking).
    type: str
  state:
    description:
      - V(present) creates, changes and deletes marks until they match the results of the run.
      - V(absent) deletes all marks of the run without reading the results. A dashboard that does not exist has none.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Mark the stages of the student's latest run
  temporal_lab.benchmarking.grafana_annotations:
    results_dir: results
    student: "{{ inventory_hostname }}"

- name: Delete the marks of an earlier run
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
    - Number of marks that were created; in check mode, that would be created.
    - If the task fails halfway, the number so far.
  returned: when Grafana was asked
  type: int
  sample: 24
updated:
  description: Number of marks whose time or text was changed, counted in the same way.
  returned: when Grafana was asked
  type: int
  sample: 0
deleted:
  description: Number of marks that were deleted, counted in the same way.
  returned: when Grafana was asked
  type: int
  sample: 0
kept:
  description: Number of marks that were right already.
  returned: when Grafana was asked
  type: int
  sample: 0
problems:
  description: A sentence for each unusable result, and one if marks remain because there are too many.
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
