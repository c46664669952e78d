#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_apply
short_description: Apply objects to a student's namespace
version_added: 0.2.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Applies objects with server-side apply, so that the API server says what a change is, in check mode too.
  - Unlike C(kubernetes.core.k8s) it follows no redirect of the API server, and reads only so much of an answer.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  definition:
    description:
      - The objects, each with C(apiVersion), C(kind) and C(metadata.name). They go to O(namespace).
      - Fields that others manage are taken over where the definition has them, and left alone where it has not.
    type: list
    elements: dict
    required: true
attributes:
  check_mode:
    support: full
    description: The API server makes a dry run.
  diff_mode:
    support: full
    description: Shows each object that changes, without what the API server maintains.
  idempotent:
    support: full
    description: An object that is as it should be is left alone.
"""

EXAMPLES = r"""
- name: Deploy a program
  temporal_lab.benchmarking.cluster_apply:
    kubeconfig: "{{ lab_kubeconfig }}"
    namespace: "{{ lab_namespace }}"
    definition: "{{ lookup('ansible.builtin.template', 'program.yml.j2') | from_yaml_all }}"
"""

RETURN = r"""
changes:
  description: What was created or changed, or would be in check mode, as text.
  returned: success
  type: list
  elements: str
  sample: [Deployment benchmark-workers created]
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster_apply import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
