#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_available
short_description: Find out whether pods of a cluster can have an image
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - An image is available when every node that takes pods has it, or when a node can pull it.
  - For each image that is not on every node, a short-lived pod in O(namespace) tries to pull it. Its program need not
    exist, as the image is pulled before the container is created. All pods try at once and are deleted afterwards.
  - Pulling an image leaves it on the node that pulled it.
  - The task does not fail if an image is unavailable or this is unknown; check RV(available).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  images:
    description: References of images, such as V(grafana/grafana:12.3.0).
    type: list
    elements: str
    required: true
  pull:
    description: Whether to try pulling; otherwise only the lists of the nodes are looked at.
    type: bool
    default: true
  timeout:
    description: Seconds that pulling is tried at most, for all images together.
    type: float
    default: 60.0
notes:
  - The namespace must exist; as long as it does not, pulling cannot be tried.
  - Beside listing nodes, it needs the permissions to create, list and delete pods in O(namespace). Without one of them
    it is unknown whether an image can be pulled.
attributes:
  check_mode:
    support: full
    description: Creates no pods, as with O(pull=false).
  diff_mode:
    support: none
    description: It changes nothing.
  idempotent:
    support: full
    description: It changes nothing that stays but the images on the nodes.
"""

EXAMPLES = r"""
- name: Can Grafana be installed?
  temporal_lab.benchmarking.image_available:
    kubeconfig: "{{ lab_kubeconfig }}"
    images:
      - grafana/grafana:12.3.0
  register: images

- name: Say why not
  ansible.builtin.debug:
    msg: "{{ images.reasons['grafana/grafana:12.3.0'] }}"
  when: images.available['grafana/grafana:12.3.0'] is not true
"""

RETURN = r"""
available:
  description: Whether each of O(images) is available; null if unknown.
  returned: success
  type: dict
  sample: {"grafana/grafana:12.3.0": true, "registry.example/a:1": null}
reasons:
  description: Why, one sentence for each of O(images), without a full stop.
  returned: success
  type: dict
  sample:
    grafana/grafana:12.3.0: grafana/grafana:12.3.0 could be pulled
    registry.example/a:1: unknown after 60 s whether registry.example/a:1 can be pulled
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.image_available import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
