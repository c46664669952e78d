#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_measure
short_description: Measure the windows of a stage and write down its results
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Waits until the windows of a stage are over, reads their figures from Prometheus as
    M(temporal_lab.benchmarking.prometheus_sample) does, and writes the stage file as
    M(temporal_lab.benchmarking.lab_stage) does, with the state V(done).
  - What is O(held) is read back before the wait, while windows run, and when they are over. Where something has changed
    it, the task fails, says who it was as far as the cluster tells, and writes neither windows nor samples.
  - A window that begins before the stage is refused.
  - Windows are compared with those of the run's other stages where the profile asks for it.
  - The versions and the effective number of shards are asked of Temporal itself.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.prometheus
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jsonschema >= 4
attributes:
  check_mode:
    description: The profile and the windows are checked, and Temporal's versions read; there is no wait and no result.
    support: full
  diff_mode:
    description: Each time new files are written, so there is nothing to compare them with.
    support: none
  idempotent:
    description: Each time another attempt is written. The figures of a window that is over stay the same.
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
    description: Name of the run; without it the student's latest, or a new one where there is none.
    type: str
  stage:
    description: Name of the stage, of lower-case letters, digits and C(_).
    type: str
    required: true
  started:
    description: When the stage began, in Unix seconds. The course of the figures begins then, if not with a window.
    type: float
    required: true
  windows:
    description: The windows to read.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the window, another one for each.
        type: str
        required: true
      title:
        description: Name of the window for people; without it O(windows[].name).
        type: str
      start:
        description:
          - Start in Unix seconds, on this machine's clock.
          - The first window needs it; another one without it begins where the one before it ends.
        type: float
      duration:
        description: Length in seconds.
        type: float
        required: true
  events:
    description: What happened to the cluster. Each event has C(name), C(title) and C(time) in Unix seconds.
    type: list
    elements: dict
    default: []
  settings:
    description:
      - Effective settings of the stage, by name; durations in seconds.
      - The number of history shards, the first window's length and the scrape interval are added.
    type: dict
    default: {}
  facts:
    description: What the stage found out, by name. C(findings) about the load are added.
    type: dict
    default: {}
  cluster:
    description:
      - The cluster that the stage acted on, as RV(temporal_lab.benchmarking.lab_run#module:cluster) is.
      - Its address is kept in the stage file. Where its file was changed meanwhile, a stage that is done fails instead.
    type: dict
    default: {}
  profile:
    description:
      - Path of the profile, on the control node.
      - Without it the collection's own profile is used.
    type: path
  variables:
    description: Values for variables of the profile, by name.
    type: dict
    default: {}
  scrape_interval:
    description:
      - Seconds between two scrapes.
      - Without it Prometheus is asked, and the longest interval among the targets of the profile counts.
      - Systems that do not tell it, such as Thanos, Mimir and Prometheus before 2.30, need it.
    type: float
  absent_components:
    description: Components of the profile that are known not to be there; their figures are left out.
    type: list
    elements: str
    default: []
  keep_samples:
    description: Whether the raw samples are kept beside the stage file, in C(<stage>-<number>.samples.json.gz).
    type: bool
    default: true
  held:
    description:
      - What must stay as it is until the windows are over, as M(temporal_lab.benchmarking.deployment_rollout) and
        M(temporal_lab.benchmarking.temporal_scale) return it.
      - Of a Deployment that must not be there, or have no replicas, C(name) and C(replicas) with V(0).
    type: list
    elements: dict
    default: []
  changed_at:
    description:
      - When the change was made that the windows are of, in Unix seconds by the cluster's clock. Windows may begin then
        where an earlier attempt of the same run made it.
    type: float
  temporal_namespace:
    description:
      - Temporal namespace of the load.
      - Temporal's Visibility is asked how many workflows completed in it; a window with a load costs one request.
    type: str
    default: default
  progress_figures:
    description:
      - Ids of the figures in the line of progress.
      - Without it these are the key figures that have a short title.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Measure two minutes under load
  temporal_lab.benchmarking.lab_measure:
    namespace: student-01
    results_dir: results
    student: student-01
    stage: benchmark
    started: "{{ began }}"
    settings: {concurrent_workflows: 3}
    windows:
      - name: benchmark
        title: 3 in flight
        start: "{{ load_ready }}"
        duration: 120
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: success
  type: str
stages:
  description: What the run had before, as M(temporal_lab.benchmarking.lab_run) returns it.
  returned: success
  type: dict
path:
  description: Path of the stage file; null in check mode.
  returned: success
  type: str
attempt:
  description: Number of the attempt; null in check mode.
  returned: success
  type: int
samples:
  description: Path of the file with the raw samples; null when none are kept. In check mode the one to come.
  returned: success
  type: str
figures:
  description: Values by window and figure, null for an unknown one. All else about them is in the stage file.
  returned: success
  type: dict
  sample: {"benchmark": {"state_transitions": 188.2, "shard_lock_latency_mean": 0.001}}
findings:
  description:
    - Whether the load was the one requested, by the figures of each window.
    - The requested load is C(concurrent_workflows) of O(settings), otherwise what the soak test reports.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Name of the check.
      type: str
      sample: load_in_flight
    state:
      description: V(pass) or V(warn).
      type: str
    title:
      description: What was found, in a sentence.
      type: str
      sample: 2.97 of 3 workflows were in flight on average by Little's law
    effect:
      description: What it does to the figures; empty for a pass.
      type: str
    cure:
      description: What to do; empty when nothing needs to be done.
      type: str
notes:
  description: Warnings and infos of Prometheus, and what else is to be known about the figures.
  returned: success
  type: list
  elements: str
waited:
  description: Seconds of waiting for the windows.
  returned: success
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.lab_measure import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
