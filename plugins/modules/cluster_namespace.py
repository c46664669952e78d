#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_namespace
short_description: Make the Kubernetes namespace of a lab, or delete it if the lab made it
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - With O(state=present) it makes the namespace where there is none, with the label
    C(app.kubernetes.io/managed-by=temporal-lab) and the annotation C(temporal-lab/student). One that exists stays as
    it is and gets neither.
  - With O(state=absent) it deletes the namespace, with all that is in it, only if it has that label, is not another
    student's by that annotation, and is none of Kubernetes' own. It deletes by uid, and waits until the namespace is
    gone. Any other namespace stays, and a line says why.
  - For the namespaces of a class with their limits there is M(temporal_lab.benchmarking.student_namespace).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  student:
    description: Name of the student whose namespace it is.
    type: str
    required: true
  state:
    description: Whether there is to be the namespace.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description: Seconds to wait at most until the namespace is gone; the task fails when they are over.
    type: float
    default: 120.0
attributes:
  check_mode:
    support: full
    description: Says what would be made or deleted.
  diff_mode:
    support: none
    description: The namespace is there or not.
  idempotent:
    support: full
    description: Neither what is there nor what is gone is touched again.
"""

EXAMPLES = r"""
- name: Make the student's namespace
  temporal_lab.benchmarking.cluster_namespace:
    kubeconfig: "{{ lab_kubeconfig }}"
    namespace: student-01
    student: student-01

- name: Delete it again
  temporal_lab.benchmarking.cluster_namespace:
    kubeconfig: "{{ lab_kubeconfig }}"
    namespace: student-01
    student: student-01
    state: absent
"""

RETURN = r"""
there:
  description: Whether there is the namespace afterwards.
  returned: success
  type: bool
kept:
  description: With O(state=absent), why the namespace stays, as a sentence; empty where it does not.
  returned: success
  type: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster_namespace import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
