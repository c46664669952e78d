#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: temporal_namespace
short_description: Make a Temporal namespace and wait until it is usable
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Creates a namespace in Temporal (not in Kubernetes) through the HTTP API of its frontend, reached through the
    proxy of the Kubernetes API server.
  - Each server process keeps a copy of the namespaces and renews it now and then. The task waits until frontend and
    history know the new one, so that a worker that starts afterwards finds it.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  name:
    description: Name of the Temporal namespace.
    type: str
    default: default
  retention:
    description:
      - How long closed workflows are kept, such as V(24h), V(7d) or V(1h30m).
      - Without it a new namespace keeps them for 24 hours, and one that exists stays as it is.
    type: str
  state:
    description: The namespace is to exist; Temporal's HTTP API cannot remove one.
    type: str
    choices: [present]
    default: present
  timeout:
    description: Seconds to wait for the frontend, and then for the namespace; the task fails when they are over.
    type: float
    default: 60.0
  missing_hint:
    description:
      - What to do if the object does not exist, used as the end of an error message.
      - Without it the message asks whether the release is installed.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Says whether the namespace would be created or its retention set.
  diff_mode:
    support: full
    description: Name and retention before and after.
  idempotent:
    support: full
    description: A namespace that is as wanted is left alone.
"""

EXAMPLES = r"""
- name: The Temporal namespace that the load works in
  temporal_lab.benchmarking.temporal_namespace:
    kubeconfig: "{{ lab_kubeconfig }}"
    name: default
    retention: 24h
"""

RETURN = r"""
name:
  description: Name of the Temporal namespace.
  returned: success
  type: str
  sample: default
retention:
  description: How long closed workflows are kept, in seconds.
  returned: success
  type: int
  sample: 86400
before:
  description: Retention before the task in seconds; null when there was no such namespace.
  returned: success
  type: int
waited:
  description: How long it took until the namespace was usable, in seconds.
  returned: success
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_namespace import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
