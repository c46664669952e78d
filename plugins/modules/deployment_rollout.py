#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_rollout
short_description: Set replicas or environment of Deployments and wait until they are rolled out
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Sets the number of replicas and environment variables of Deployments where they differ, then waits until each is
    rolled out - all pods are of the new revision and ready, and the old ones are gone.
  - While it waits on the control node it shows how far the pods are and what holds them up.
  - Fails before the time is over when a pod's state will not get better by itself, with the reason and the last
    lines of its log, and when no pod may be made, as for want of quota, for 30 seconds.
  - With neither O(replicas) nor O(env) it only waits.
  - While it waits it reads back what was set, and fails as soon as something else has changed it.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.anywhere
options:
  deployments:
    description: Names of the Deployments.
    type: list
    elements: str
    required: true
  replicas:
    description: Number of replicas for each of the Deployments; without it the number stays.
    type: int
  env:
    description:
      - Environment variables to set on the container of each Deployment; others stay. A Deployment with several
        containers is refused.
      - Values are text or numbers.
    type: dict
  show_env:
    description: Environment variables to return as well, without setting them.
    type: list
    elements: str
    default: []
  wait:
    description: Whether to wait.
    type: bool
    default: true
  timeout:
    description: Seconds to wait at most; the task fails when they are over.
    type: float
    default: 300.0
  since:
    description:
      - Unix seconds from which O(timeout) and O(hopeless_after) count, such as RV(time) of the task that asked. Without
        it, and where this task changes something, they count from now.
      - So a change that an earlier task requested for many hosts is waited for once, not once per batch of forks.
    type: float
  asked:
    description:
      - The result of the task of this module that asked, with O(wait=false). O(timeout) and O(hopeless_after) count
        from its RV(time).
      - What it set is read back, and not set again. The task fails where something has undone it, such as an
        autoscaler, and says who it was as far as the cluster tells.
    type: dict
  at_least:
    description: Replicas that each of the Deployments must have; V(1) refuses one that is scaled to zero.
    type: int
    default: 0
  only_ours:
    description:
      - Whether only a Deployment is changed whose release the lab installed, or whose replicas the lab has set. Any
        other stays as it is, and a line says so.
    type: bool
    default: false
  hopeless_after:
    description:
      - Seconds that a pod may be in a state that rarely gets better (it is crash-looping, its image
        cannot be pulled, it refers to something that does not exist) before the task fails.
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
    description: Says what would be set and does not wait.
  diff_mode:
    support: full
    description: Replicas and environment variables before and after.
  idempotent:
    support: full
    description: What is as wanted is not set again.
"""

EXAMPLES = r"""
- name: Scale history to two and wait until both pods are ready
  temporal_lab.benchmarking.deployment_rollout:
    kubeconfig: "{{ lab_kubeconfig }}"
    deployments: [my-temporal-history]
    replicas: 2
    missing_hint: run the tag install first.
  register: scaled

- name: Six workflows in flight
  temporal_lab.benchmarking.deployment_rollout:
    kubeconfig: "{{ lab_kubeconfig }}"
    deployments: [benchmark-soak-test]
    env:
      CONCURRENT_WORKFLOWS: 6
"""

RETURN = r"""
before:
  description: Replicas and the named environment variables of each Deployment as they were; null where not set.
  returned: success
  type: dict
  sample: {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "3"}}}
after:
  description: The same as they are now, or would be.
  returned: success
  type: dict
  sample: {"benchmark-soak-test": {"replicas": 1, "env": {"CONCURRENT_WORKFLOWS": "6"}}}
events:
  description: That each Deployment was rolled out, in the order of the times; empty without O(wait).
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
        - Where pods were only removed, when the API last counted them.
      type: float
      sample: 1795453270.0
    observed:
      description: Unix seconds of the control node's clock when it was seen; null when it was so already.
      type: float
      sample: 1795453270.412
pods:
  description: The pods of the Deployments.
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
logs:
  description: Last lines of the containers that hold the rollout up, by pod.
  returned: when the wait failed
  type: dict
time:
  description: Unix seconds at which all was set as wanted; null in check mode.
  returned: success
  type: float
watched:
  description: Whether it was seen to be rolled out; else it was so before.
  returned: success
  type: bool
held:
  description:
    - What has to stay as it is from now on, for O(temporal_lab.benchmarking.lab_measure#module:held). Empty without a
      wait.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the Deployment.
      type: str
    replicas:
      description: Its number of replicas.
      type: int
    env:
      description: Its environment variables that are named in O(env) or O(show_env); null where not set.
      type: dict
    restarts:
      description: Restarts of each of its pods until then.
      type: dict
    uid:
      description: Its uid.
      type: str
    generation:
      description: Its generation, which every change of its specification raises.
      type: int
    revision:
      description: The label C(pod-template-hash) of its pods.
      type: str
    pods:
      description: Names of its pods.
      type: list
      elements: str
    set_by:
      description:
        - Who set its replicas, by the cluster's record; C(temporal-lab-benchmarking) is this collection. Empty where
          there is no record.
      type: str
waited:
  description: How long it waited, in seconds, counted from O(since) where that is given.
  returned: success
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.deployment_rollout import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
