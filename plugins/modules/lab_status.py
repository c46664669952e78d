#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_status
short_description: What there is of the lab in a student's cluster, and which stages' outcome it shows
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Looks at the Deployments of Temporal and of the load, at Temporal itself and at its history shards.
  - Judges by what there is, not by results, so that a stage that was done by hand counts.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: It changes nothing.
  idempotent:
    support: full
    description: It changes nothing.
options:
  temporal_namespace:
    description: The Temporal namespace that the stage install makes.
    type: str
    default: default
  concurrent_workflows:
    description: Workflows in flight in the stage benchmark.
    type: int
    default: 3
  raised_concurrent_workflows:
    description: Workflows in flight in the stage concurrency.
    type: int
    default: 6
  history_replicas:
    description: History pods after the stage scale.
    type: int
    default: 2
  check:
    description: Fail unless O(stage) is done right, once its criteria are shown.
    type: bool
    default: false
  stage:
    description:
      - The stage to check, one of those that leave something in the cluster.
      - Empty is the latest of O(recorded).
    type: str
    default: ''
  recorded:
    description: The stages that the student's results have.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Has the student scaled the history service?
  temporal_lab.benchmarking.lab_status:
    namespace: student-01
    check: true
    stage: scale
"""

RETURN = r"""
found:
  description: What there is.
  returned: success
  type: dict
  contains:
    deployments:
      description: Name of each Deployment of the lab to what it lacks, in words; empty for one that is rolled out.
      type: dict
    concurrent_workflows:
      description: Workflows that the load generator is told to keep in flight; null without one.
      type: int
    history_replicas:
      description: History pods wanted; null without the Deployment.
      type: int
    shards:
      description: Shards that each history pod owns; null where it does not say.
      type: dict
    history_shards:
      description: Effective number of history shards; null when Temporal does not answer.
      type: int
    temporal_namespaces:
      description: Names of Temporal's own namespaces; null when Temporal does not answer.
      type: list
      elements: str
    doubts:
      description: Why something is unknown, one sentence each.
      type: list
      elements: str
stages:
  description: The stages that leave something in the cluster, in the order of the lab.
  returned: success
  type: list
  elements: dict
  contains:
    stage:
      description: Name of the stage.
      type: str
    done:
      description: Whether its result exists in the cluster; null if unknown.
      type: bool
    why:
      description: What speaks against it.
      type: str
    hint:
      description: What to do first.
      type: str
    criteria:
      description: What the stage leaves in the cluster, in the order in which to see to it.
      type: list
      elements: dict
      contains:
        what:
          description: The criterion, as a statement.
          type: str
        met:
          description: Whether it is so; null if unknown.
          type: bool
        why:
          description: What speaks against it.
          type: str
        hint:
          description: What to do.
          type: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.lab_status import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
