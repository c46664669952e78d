#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_run
short_description: Find or begin a student's run of the lab
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Says which run of a student the next stage belongs to, and what that run holds already.
  - Without O(run) and O(new) it is the student's latest run; where there is none, a new one is begun.
  - A new run is named by its start in UTC, such as V(20261123T170102Z); one that begins in the same second gets a
    number added.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jsonschema >= 4
attributes:
  check_mode:
    description: The run is named, but its folder is not made.
    support: full
  diff_mode:
    description: Only a folder is made, so there is nothing to show.
    support: none
  idempotent:
    description: The second time the run already exists, except with O(new=true).
    support: partial
options:
  results_dir:
    description: Folder of the results; a run is a folder in the student's folder in it.
    type: path
    required: true
  student:
    description:
      - Name of the student, as in the inventory.
      - It is a folder's name, so it has only letters, digits and C(. _ - @ +).
    type: str
    required: true
  run:
    description: Name of the run; it is created if it does not exist.
    type: str
  new:
    description: Begin a new run. With O(run) it is an error if that run already exists.
    type: bool
    default: false
  stage:
    description: Name of the stage that is about to be done; its own windows are not in RV(windows).
    type: str
  cluster:
    description:
      - Whether the stage that begins needs a cluster.
      - If so, what the context of O(kubeconfig) gives access to is checked and written into a private file, so that
        all that the stage does is done there, whatever becomes of O(kubeconfig). RV(cluster) is the place of that file.
      - With V(optional) a cluster that cannot be used makes RV(cluster) empty, with V(required) the task fails.
    type: str
    choices: [unused, optional, required]
    default: unused
  announce:
    description: What the stage is about to do, such as V(cleanup in namespace anna); shown with the server's address.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Go on with the student's latest run
  temporal_lab.benchmarking.lab_run:
    results_dir: results
    student: "{{ inventory_hostname }}"
  register: lab_run

- name: Begin a run with a name of its own
  temporal_lab.benchmarking.lab_run:
    results_dir: results
    student: student-01
    run: more-shards
    new: true

- name: See what was measured before the stage scale
  temporal_lab.benchmarking.lab_run:
    results_dir: results
    student: "{{ inventory_hostname }}"
    stage: scale
  register: before
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: always
  type: str
  sample: 20261123T170102Z
path:
  description: The run's folder.
  returned: always
  type: str
  sample: /home/lab/results/student-01/20261123T170102Z
new:
  description: Whether the run was begun now.
  returned: always
  type: bool
time:
  description: When this task began, in Unix seconds; for a stage that begins with it the time of its start.
  returned: always
  type: float
stages:
  description: The newest attempt of each stage that the run has, by stage.
  returned: always
  type: dict
  contains:
    attempt:
      description: How many times the stage was done in this run.
      type: int
    state:
      description: One of V(done), V(failed), V(skipped), and V(unreadable) for a file that cannot be used.
      type: str
    file:
      description: Path of the stage file.
      type: str
  sample:
    baseline:
      attempt: 1
      state: done
      file: /home/lab/results/student-01/20261123T170102Z/baseline-1.json
windows:
  description:
    - With O(stage) the values that were measured in the run's other stages, by the window's name and the figure's id;
      null is an unknown value. Without it empty.
    - Of each stage the newest attempt that was done counts.
    - It is what the option C(compare) of M(temporal_lab.benchmarking.prometheus_sample) takes.
  returned: always
  type: dict
  sample:
    baseline:
      state_transitions: 0.0
      persistence_latency_p95: 0.0019
cluster:
  description: With O(cluster) the cluster of the stage, for the tasks that follow, else empty.
  returned: always
  type: dict
  contains:
    kubeconfig:
      description: Path of the file, which is removed when ansible-playbook ends.
      type: str
    context:
      description: Its context.
      type: str
    server:
      description: Address of the API server.
      type: str
    source:
      description: The kubeconfig that was given.
      type: str
    digest:
      description: SHA-256 of the file.
      type: str
    environment:
      description: Variables of the environment with which a program sees no other cluster.
      type: dict
unusable:
  description: With V(optional) of O(cluster) why the cluster cannot be used, else empty.
  returned: always
  type: str
problems:
  description: A sentence for each file of the run that cannot be used.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.lab_run import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
