#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: wait_absent
short_description: Wait until the objects of a release are gone, and remove leftovers
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Waits until no object matches the label selectors.
  - With O(remove) it deletes what still exists after O(grace) seconds and is not being deleted by someone else,
    such as the PersistentVolumeClaims of a StatefulSet.
  - It deletes by uid, so that an object that was made meanwhile with the same name stays.
  - Reads only the metadata of objects, never the data of a Secret.
  - The task does not fail if objects are not gone in time; check RV(gone).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  selectors:
    description: Label selectors; it waits for every object that matches any of them. None of them may be empty.
    type: list
    elements: str
    required: true
  kinds:
    description: Kinds that O(selectors) are for.
    type: list
    elements: str
    choices: [deployments, statefulsets, jobs, replicasets, pods, services, persistentvolumeclaims, configmaps, secrets]
    default: [deployments, statefulsets, jobs, replicasets, pods, services, persistentvolumeclaims, configmaps, secrets]
  remove:
    description: Whether to delete what still exists after O(grace) seconds.
    type: bool
    default: false
  first:
    description:
      - Objects to delete before anything else, as C(kind/name), one after another, each with what it owns.
      - One without a label of the lab is left as it is; RV(kept) says so.
    type: list
    elements: str
    default: []
  last:
    description: The same, to delete when everything else is gone.
    type: list
    elements: str
    default: []
  grace:
    description: Seconds to wait before anything counts as left over.
    type: float
    default: 30.0
  timeout:
    description: Seconds to wait at most, O(grace) included.
    type: float
    default: 120.0
attributes:
  check_mode:
    support: full
    description: Lists in RV(leftovers) what is there now and nobody is deleting, deletes nothing and does not wait.
  diff_mode:
    support: none
    description: The names are in RV(leftovers).
  idempotent:
    support: full
    description: When nothing is there, nothing is done.
"""

EXAMPLES = r"""
- name: Nothing of the release may stay
  temporal_lab.benchmarking.wait_absent:
    kubeconfig: "{{ lab_kubeconfig }}"
    selectors:
      - app.kubernetes.io/instance=my-temporal
      - app.kubernetes.io/part-of=temporal-lab
    remove: true
  register: rest
  failed_when: not rest.gone
"""

RETURN = r"""
gone:
  description: Whether everything is gone.
  returned: success
  type: bool
deleted:
  description: What was deleted, or in check mode would be, of O(first) and O(last).
  returned: success
  type: list
  elements: str
  sample: [deployments/benchmark-soak-test]
kept:
  description: A sentence for each of O(first) and O(last) that stays because the lab did not make it.
  returned: success
  type: list
  elements: str
leftovers:
  description:
    - What still existed after O(grace) seconds and was not being deleted, as C(kind/name).
    - With O(remove) it was deleted.
  returned: success
  type: list
  elements: str
  sample: [persistentvolumeclaims/data-my-temporal-postgresql-0]
remaining:
  description: What still exists at the end, and what holds it.
  returned: success
  type: list
  elements: str
waited:
  description: How long it waited, in seconds.
  returned: success
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.wait_absent import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
