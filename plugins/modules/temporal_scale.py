#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: temporal_scale
short_description: Scale the history service and wait until its shards are in balance
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Sets the number of replicas of the history service where it differs, waits until it is rolled out, and then until
    each history pod owns some of the shards and together they own them all.
  - It does what M(temporal_lab.benchmarking.deployment_rollout) and M(temporal_lab.benchmarking.temporal_shards) do.
  - For many students ask in one task, with O(wait=false), and wait in the next, with O(since); then all wait at once.
extends_documentation_fragment:
  - temporal_lab.benchmarking.cluster
options:
  replicas:
    description: Number of history pods.
    type: int
    required: true
  wait:
    description: Whether to wait.
    type: bool
    default: true
  timeout:
    description: Seconds to wait at most for the pods; the task fails when they are over.
    type: float
    default: 300.0
  since:
    description:
      - Unix seconds from which O(timeout) and O(hopeless_after) count, such as RV(time) of the task that asked. Without
        it, and where this task changes something, they count from now.
    type: float
  hopeless_after:
    description: Seconds that a pod may be in a state that mostly does not get better before the task fails.
    type: float
    default: 120.0
  shards_timeout:
    description: Seconds to wait at most for the shards, when the pods are ready; the task fails when they are over.
    type: float
    default: 120.0
  stable_for:
    description: Seconds for which the shards must stay in balance.
    type: float
    default: 3.0
  load:
    description: Deployments of the load, which must be there and rolled out before.
    type: list
    elements: str
    default: []
  load_hint:
    description: What to do when one of O(load) is missing, as the end of a sentence.
    type: str
    default: ""
  show_env:
    description: Environment variables of O(load) to return.
    type: list
    elements: str
    default: []
  missing_hint:
    description:
      - What to do when there is no history service in the namespace, as the end of a sentence.
      - Without it the message asks whether the release is installed.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Says what would be set and does not wait.
  diff_mode:
    support: full
    description: Replicas before and after.
  idempotent:
    support: full
    description: What is as wanted is not set again.
"""

EXAMPLES = r"""
- name: Scale history to two
  temporal_lab.benchmarking.temporal_scale:
    namespace: student-01
    replicas: 2
  register: scaled
"""

RETURN = r"""
load:
  description: Replicas and the named environment variables of each Deployment of O(load); null where not set.
  returned: success
  type: dict
  sample: {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}}
shards:
  description: Shards of each history pod C(before) the change and C(after) it; null for one that does not say.
  returned: success, and when the shards did not come into balance
  type: dict
  sample: {"before": {"my-temporal-history-abc": 512},
           "after": {"my-temporal-history-abc": 255, "my-temporal-history-def": 257}}
expected:
  description: Effective number of history shards.
  returned: success
  type: int
  sample: 512
events:
  description: That the history service was rolled out; empty without O(wait).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The Deployment's name without the release, followed by C(_rolled_out).
      type: str
      sample: history_rolled_out
    title:
      description: What happened.
      type: str
      sample: history rolled out with 2 replicas
    time:
      description:
        - Unix seconds, from the cluster's own record (resolution 1 s), which is when the last pod became ready.
        - Where pods were only taken away, when the API last counted them.
      type: float
      sample: 1795453270.0
    observed:
      description: Unix seconds of the control node's clock when it was seen; null when it was so already.
      type: float
      sample: 1795453270.412
pods:
  description: The history pods.
  returned: success, and those that are not ready when the wait failed
  type: list
  elements: dict
  contains:
    deployment:
      description: The Deployment it belongs to.
      type: str
    name:
      description: Name of the pod.
      type: str
    ready:
      description: Whether it is ready.
      type: bool
    why:
      description: Why it is not ready, else empty.
      type: str
    created:
      description: Unix seconds at which it was made (resolution 1 s).
      type: float
    ready_time:
      description: Unix seconds since when it is ready (resolution 1 s).
      type: float
    restarts:
      description: How often its containers were started again.
      type: int
    node:
      description: The node it runs on.
      type: str
    image:
      description: Image of its first container.
      type: str
time:
  description: Unix seconds at which the replicas were set; null in check mode.
  returned: success
  type: float
settled_time:
  description: Unix seconds at which the balance was first seen that then lasted; null without O(wait).
  returned: success
  type: float
watched:
  description: Whether RV(settled_time) is when the balance came; else it was there at the first look.
  returned: success
  type: bool
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.scale import SPEC, run
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
