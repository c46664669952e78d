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
  - Before it changes anything it refuses a number that a HorizontalPodAutoscaler would undo. While it waits, and at the
    end, it reads the number back, and fails where something has changed it.
  - It fails where the number was there before and someone else has set it, because then nothing was scaled.
  - For many students ask in one task, with O(wait=false), and wait in the next, with O(asked); then all wait at once.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  replicas:
    description: Number of history pods.
    type: int
    required: true
  wait:
    description: Whether to wait.
    type: bool
    default: true
  settle:
    description:
      - Decide which cluster the stage acts on, for the tasks that follow, and return it as RV(cluster).
      - See the option O(temporal_lab.benchmarking.lab_run#module:cluster) of M(temporal_lab.benchmarking.lab_run).
    type: bool
    default: false
  timeout:
    description: Seconds to wait at most for the pods; the task fails when they are over.
    type: float
    default: 300.0
  asked:
    description:
      - The result of the task that asked, with O(wait=false). O(timeout) and O(hopeless_after) count from its RV(time),
        and what it says of before the change is returned. The number is read back, and not set again.
    type: dict
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
    description: Deployments of the load, which must be there with at least one replica, and rolled out, before.
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
cluster:
  description: The cluster of the stage, for the tasks that follow.
  returned: success with O(settle)
  type: dict
  contains:
    kubeconfig:
      description: Path of the file, which is removed when ansible-playbook ends.
      type: str
    context:
      description: Its context.
      type: str
    server:
      description: Address of the API server.
      type: str
    source:
      description: The kubeconfig that was given.
      type: str
    digest:
      description: SHA-256 of the file.
      type: str
    environment:
      description: Variables of the environment with which a program sees no other cluster.
      type: dict
load:
  description: Replicas and the named environment variables of each Deployment of O(load); null where not set.
  returned: success
  type: dict
  sample: {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}}
shards:
  description: The shards, as they are kept in the stage's facts.
  returned: success, and when the shards did not come into balance
  type: dict
  contains:
    before:
      description: Shards of each history pod before the change; null for one that does not say.
      type: dict
      sample: {"my-temporal-history-abc": 512}
    after:
      description: The same after it.
      type: dict
      sample: {"my-temporal-history-abc": 255, "my-temporal-history-def": 257}
    expected:
      description: Effective number of history shards.
      returned: success, with O(wait)
      type: int
      sample: 512
    settled:
      description: Seconds from RV(began) until the balance was first seen that then lasted.
      returned: where it was watched
      type: float
      sample: 4.1
began:
  description:
    - Unix seconds at which the newest history pod was made (resolution 1 s), which is when shards begin to move, and
      at the earliest when it was asked for. Where pods were only taken away, when that was asked for.
    - In check mode the time at which it was asked; null without O(wait).
  returned: success
  type: float
  sample: 1795453266.0
events:
  description:
    - That the newest history pod was made, that the history service was rolled out, and that the shards were in
      balance, which is known only where it was watched. Empty without O(wait).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: C(history_scaling), C(history_rolled_out) or C(shards_settled).
      type: str
      sample: history_rolled_out
    title:
      description: What happened.
      type: str
      sample: history rolled out with 2 replicas
    time:
      description:
        - Unix seconds, from the cluster's own record (resolution 1 s); of the roll-out when the last pod became ready,
          or when pods were only removed, when the API last counted them.
        - Of the balance the control node's clock when it was first seen.
      type: float
      sample: 1795453270.0
    observed:
      description: Of the roll-out, Unix seconds of the control node's clock when it was seen; null when it was before.
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
held:
  description:
    - What has to stay as it is from now on, of O(load) and of the history service, as
      M(temporal_lab.benchmarking.deployment_rollout) returns it. Without O(wait), of O(load) alone.
  returned: success
  type: list
  elements: dict
changed_at:
  description:
    - RV(began) where it was this collection that set the number of replicas, now or earlier; null where it was not,
      where the cluster keeps no record of it, and without O(wait).
  returned: success
  type: float
started:
  description: Unix seconds at which this task began.
  returned: success
  type: float
time:
  description: Unix seconds at which the replicas were set; null in check mode.
  returned: success
  type: float
watched:
  description: Whether it was seen from the change on, so that it is known when the balance came.
  returned: success
  type: bool
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.temporal_scale import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
