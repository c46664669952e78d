#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: temporal_shards
short_description: Read how many history shards each history pod owns
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Reads the gauge C(numshards_gauge) from the metrics of every history pod, through the proxy of the Kubernetes API
    server, so that it is as fresh as can be and needs no Prometheus.
  - The shards are balanced when each history pod is ready and owns some, and the sum is the effective number that
    Temporal's frontend tells.
  - The task does not fail if shards are not balanced in time; check RV(balanced).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.anywhere
options:
  wait:
    description: Whether to wait until the shards are balanced.
    type: bool
    default: false
  timeout:
    description: Seconds to wait at most.
    type: float
    default: 120.0
  since:
    description: Unix seconds from which O(timeout) counts; without it it counts from now.
    type: float
  stable_for:
    description: Seconds for which the shards must stay balanced.
    type: float
    default: 3.0
  missing_hint:
    description:
      - What to do if the object does not exist, used as the end of an error message.
      - Without it the message asks whether the release is installed.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reads only; with O(wait) it reads once and does not wait.
  diff_mode:
    support: none
    description: It changes nothing.
  idempotent:
    support: full
    description: It changes nothing.
"""

EXAMPLES = r"""
- name: Wait until two history pods share the shards
  temporal_lab.benchmarking.temporal_shards:
    kubeconfig: "{{ lab_kubeconfig }}"
    wait: true
  register: shards
  failed_when: not shards.balanced
"""

RETURN = r"""
pods:
  description: Shards owned by each history pod; null for one that does not say (yet).
  returned: success
  type: dict
  sample: {"my-temporal-history-abc": 255, "my-temporal-history-def": 257}
sum:
  description: Shards of all history pods; null while one of them does not say.
  returned: success
  type: int
  sample: 512
expected:
  description: Effective number of history shards.
  returned: success
  type: int
  sample: 512
balanced:
  description: Whether the shards are balanced, and with O(wait) have been for O(stable_for) seconds.
  returned: success
  type: bool
settled_time:
  description:
    - Unix seconds of the control node's clock at which the balance was first seen that then lasted (resolution 1 s).
    - Null without O(wait), and when it did not come.
  returned: success
  type: float
watched:
  description: Whether the balance was seen to come; else it was there at the first look.
  returned: success
  type: bool
waited:
  description: How long it waited, in seconds, counted from O(since) where that is given.
  returned: success
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_shards import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
