#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: temporal_cluster_info
short_description: Read what a Temporal cluster says about itself
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Asks the HTTP API of Temporal's frontend, through the proxy of the Kubernetes API server.
  - The number of history shards is the effective one. The one in a chart's values is not, once a database exists.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.anywhere
options:
  wait:
    description: Whether to wait for the frontend to answer.
    type: bool
    default: false
  timeout:
    description: Seconds to wait at most; the task fails when they are over.
    type: float
    default: 120.0
  missing_hint:
    description:
      - What to do if the object does not exist, used as the end of an error message.
      - Without it the message asks whether the release is installed.
    type: str
    default: ""
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
- name: Ask Temporal how many shards it has
  temporal_lab.benchmarking.temporal_cluster_info:
    kubeconfig: "{{ lab_kubeconfig }}"
    wait: true
  register: temporal
"""

RETURN = r"""
history_shards:
  description: Effective number of history shards.
  returned: success
  type: int
  sample: 512
server_version:
  description: Version of the Temporal server.
  returned: success
  type: str
  sample: 1.31.2
persistence_store:
  description: The database that the server says it uses.
  returned: success
  type: str
  sample: postgres12
namespaces:
  description: Names of the Temporal namespaces.
  returned: success
  type: list
  elements: str
  sample: [default, temporal-system]
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_cluster_info import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
