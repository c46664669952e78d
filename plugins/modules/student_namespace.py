#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: student_namespace
short_description: Make a student's Kubernetes namespace with what bounds it, or take it away
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Creates a Namespace, a ResourceQuota, a LimitRange and a NetworkPolicy in it, and a ServiceAccount with a Role and a
    RoleBinding, all of them with the label C(app.kubernetes.io/managed-by=temporal-lab).
  - A second ResourceQuota leaves no room for pods of the priority classes C(system-cluster-critical) and
    C(system-node-critical), or of others above the cluster's default, which would drive the pods of others from their
    nodes.
  - They are applied by the API server (server-side apply), so that what others have set beside stays. Objects of
    these kinds with that label that are no longer wanted are deleted.
  - Admission policies for all students of the cluster (C(files/admission/students.yaml)) are applied where they are
    missing or differ, and are removed with the last student's Namespace.
  - A Namespace without the label, or with another student's name in its annotation C(temporal-lab/student), is
    neither changed nor deleted.
  - Nothing else is created outside of the namespace. The Role lets its account read the Namespace itself, which needs
    no ClusterRole.
  - It is asked with the instructor's access, who must hold all that O(rules) gives away.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.instructor
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    description: >-
      The API server computes each change. It cannot do so for objects of a Namespace that does not exist yet; for those
      the requested objects are shown.
    support: full
  diff_mode:
    description: Shows each object that changes, as it was and as it is.
    support: full
  idempotent:
    description: Objects that are already as requested are not touched.
    support: full
options:
  student:
    description: Whose Namespace it is, for its annotation.
    type: str
    required: true
  state:
    description: V(absent) deletes the Namespace with all that is in it.
    type: str
    choices: [present, absent]
    default: present
  account:
    description: Name of the student's ServiceAccount; those of the other objects begin with it.
    type: str
    default: student
  rules:
    description: Rules of the Role, in the words of the API (C(apiGroups), C(resources), C(verbs), C(resourceNames)).
    type: list
    elements: dict
    default: []
  quota:
    description: The C(hard) limits of a ResourceQuota; none when empty.
    type: dict
    default: {}
  container_limits:
    description: C(default), C(defaultRequest), C(min) and C(max) of a LimitRange for containers; none when empty.
    type: dict
    default: {}
  isolated:
    description:
      - Whether a NetworkPolicy lets only the student's own pods, pods of kube-system, the addresses of the API servers
        and O(network_sources) reach the student's pods. Kubelets always reach the pods of their node.
      - It does something only where the cluster's network plugin enforces policies.
    type: bool
    default: true
  network_sources:
    description: >-
      Further networks that may reach the student's pods, such as the tunnel addresses of control plane nodes, where
      the network plugin lets requests of the API server's proxy come from these.
    type: list
    elements: str
    default: []
  egress:
    description: >-
      Whether the student's pods may ask anybody. Otherwise only each other, DNS in kube-system, the API servers and
      O(network_sources).
    type: bool
    default: true
  pod_security:
    description: >-
      Pod Security Standard that pods of the Namespace must keep. V(privileged) lets a student become root on a node,
      and from there everybody.
    type: str
    choices: [privileged, baseline, restricted]
    default: baseline
  policy:
    description:
      - Whether ValidatingAdmissionPolicies hold the students of the cluster. They refuse externalIPs and types other
        than ClusterIP of Services, Secrets with tokens that never end, finalizers, and pods with network volumes, with
        a chosen node, or that tolerate the taint of control plane nodes.
      - V(wanted) warns where they cannot be made, because the instructor may not or Kubernetes is older than 1.30.
        V(required) fails there. V(none) leaves them alone.
    type: str
    choices: [wanted, required, none]
    default: wanted
  wait:
    description: Whether V(absent) waits until the Namespace is gone.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for that.
    type: float
    default: 120.0
requirements:
  - kubernetes >= 31
"""

EXAMPLES = r"""
- name: A namespace for one student
  temporal_lab.benchmarking.student_namespace:
    namespace: student-01
    student: student-01
    rules:
      - apiGroups: [apps]
        resources: [deployments]
        verbs: [get, list, watch, create, patch, delete]
    quota:
      requests.cpu: 1500m
      pods: 30

- name: All of it goes
  temporal_lab.benchmarking.student_namespace:
    namespace: student-01
    student: student-01
    state: absent
"""

RETURN = r"""
changes:
  description: What was created, changed or deleted, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [ResourceQuota student changed]
gone:
  description: Whether the Namespace is gone.
  returned: success
  type: bool
policy:
  description: >-
    V(enforced) when admission policies hold the student, V(missing) when the cluster has none, V(none) when none was
    wanted.
  returned: when O(state=present)
  type: str
  sample: enforced
held_by:
  description: Why the Namespace still exists, in the API server's words.
  returned: when it is not gone in time
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student_namespace import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
