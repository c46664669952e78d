#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_objects
short_description: Read objects of a student's namespace by their names
version_added: 0.2.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Says which of some objects there are, and what they are.
  - Unlike C(kubernetes.core.k8s_info) it follows no redirect of the API server, and reads only so much of an answer.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  kind:
    description: Their kind, as in URLs. Secrets are not read.
    type: str
    required: true
    choices:
      - configmaps
      - deployments
      - endpoints
      - endpointslices
      - events
      - jobs
      - namespaces
      - nodes
      - persistentvolumeclaims
      - pods
      - replicasets
      - serviceaccounts
      - services
      - statefulsets
  names:
    description: Their names.
    type: list
    elements: str
    required: true
  metadata_only:
    description: Whether to read only their metadata.
    type: bool
    default: false
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
- name: Look for Grafana
  temporal_lab.benchmarking.cluster_objects:
    kubeconfig: "{{ lab_kubeconfig }}"
    namespace: "{{ lab_namespace }}"
    kind: deployments
    names: [my-temporal-grafana]
  register: grafana
"""

RETURN = r"""
resources:
  description: The objects that there are, in the order of O(names).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster_objects import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
