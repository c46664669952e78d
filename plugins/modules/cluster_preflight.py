#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_preflight
short_description: Check whether the lab can run on a cluster
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Checks what can be told from the cluster's API server and the control node alone - that the cluster answers, the
    clocks, the namespace, permissions, room on the nodes, images, and helm.
  - A check that fails does not fail the task; look at RV(findings).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  wanted:
    description: Sum of the requests of all pods of the lab, as Kubernetes quantities.
    type: dict
    default: {}
    suboptions:
      cpu:
        description: Cores, such as V(1500m).
        type: str
      memory:
        description: Memory, such as V(2Gi).
        type: str
  images:
    description: Images that the lab uses.
    type: list
    elements: str
    default: []
  permissions:
    description: Permissions to check beside those that the stages always need.
    type: list
    elements: dict
    default: []
    suboptions:
      verb:
        description: Verb of the API, such as V(create).
        type: str
        required: true
      group:
        description: API group, empty for the core one.
        type: str
        default: ""
      resource:
        description: Resource as in URLs, such as V(ingresses).
        type: str
        required: true
      subresource:
        description: Subresource, such as V(log).
        type: str
        default: ""
  helm:
    description: The helm program, a name or a path.
    type: str
    default: helm
  unusable:
    description:
      - Why the cluster cannot be used, where RV(temporal_lab.benchmarking.lab_run#module:unusable) says so already.
        Then nothing is asked of it.
    type: str
    default: ""
  clock_skew_warn:
    description: Difference of the clocks in seconds from which on there is a warning; less than 1 cannot be detected.
    type: float
    default: 2.0
  clock_skew_fail:
    description: Difference of the clocks in seconds from which on the check fails.
    type: float
    default: 30.0
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
"""

EXAMPLES = r"""
- name: Can the lab run here?
  temporal_lab.benchmarking.cluster_preflight:
    kubeconfig: "{{ lab_kubeconfig }}"
    wanted:
      cpu: 1500m
      memory: 2Gi
  register: preflight
  failed_when: preflight.findings | selectattr("state", "equalto", "fail") | length > 0
"""

RETURN = r"""
findings:
  description: What was found, one entry for each check that was made.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Name of the check.
      type: str
      sample: clock
    state:
      description: V(pass), V(warn) or V(fail).
      type: str
      sample: warn
    title:
      description: What was found, in a sentence.
      type: str
      sample: The clocks of the cluster and of this machine differ by 3.5 s
    effect:
      description: What it does to the lab; empty for a pass.
      type: str
    cure:
      description: What to do; empty when nothing needs to be done.
      type: str
faults:
  description: The findings with state V(fail), each in one sentence.
  returned: success
  type: list
  elements: str
images_present:
  description: Whether each of O(images) is on all nodes; null without permission to list nodes.
  returned: success
  type: dict
  sample: {"localhost/temporal-lab/pause:1": true}
versions:
  description: Versions of Kubernetes and helm; empty if unknown.
  returned: success
  type: dict
  sample: {"kubernetes": "v1.34.4", "helm": "v3.17.2"}
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster_preflight import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
