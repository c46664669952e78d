#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: embedded_node
short_description: A real single-node Kubernetes on this machine, from package registries alone
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Builds and runs Kubernetes, etcd, a DNS server and containerd in a network, mount and process namespace
    of their own, with the images of the lab ready in it.
  - For machines that have neither a cluster nor a container registry.
  - Builds are kept in C($XDG_CACHE_HOME/temporal_lab/builds) and rebuilt only when their version, flags or
    sources change. The node's state is kept in C($XDG_STATE_HOME/temporal_lab).
  - Needs root, and Debian 12 with the packages in C(requirements/debian.txt).
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
options:
  state:
    description:
      - V(built) builds all that is needed and starts nothing.
      - V(started) builds, then brings the node up; a node whose processes were killed is healed first.
      - V(stopped) ends the node and removes all its traces but its state folder, so that the next start is quick
        and brings back what ran in it.
      - V(absent) also removes the state folder.
      - V(queried) changes nothing and returns what there is.
    type: str
    default: started
    choices: [built, started, stopped, absent, queried]
  folder:
    description:
      - The folder the node belongs to; its path decides the node's name, so that two folders have two nodes.
      - A link C(.node) in it points to the node's state folder, which holds the node's kubeconfig.
    type: path
    required: true
  files:
    description: The collection's folder C(files); needed for the states V(built) and V(started).
    type: path
  network:
    description:
      - The network between the machine and the node, a C(/30) such as V(10.99.4.0/30).
      - Without it a free one in C(10.99.0.0/16) is taken.
    type: str
attributes:
  check_mode:
    support: full
    description: Changes nothing and says whether something would be.
  diff_mode:
    support: none
    description: There is no text to compare.
  idempotent:
    support: full
    description: A node that is already in the requested state is not touched.
requirements:
  - cryptography
  - supervisor
"""

EXAMPLES = r"""
- name: Bring the embedded node up
  temporal_lab.benchmarking.embedded_node:
    folder: /srv/lab
    files: /srv/lab/files
  register: node

- name: Leave no trace of it
  temporal_lab.benchmarking.embedded_node:
    folder: /srv/lab
    state: absent
"""

RETURN = r"""
name:
  description: Name of the node's network namespace and cgroup.
  returned: always
  type: str
  sample: temporal-lab-3f2a1c
context:
  description: Name of the context in the node's kubeconfig.
  returned: always
  type: str
  sample: temporal-lab-3f2a1c
kubeconfig:
  description: Path of the node's kubeconfig; none when the node was never started.
  returned: always
  type: str
state_folder:
  description: The folder with all that outlives the node's processes; its logs are below it.
  returned: always
  type: str
address:
  description: The node's address, reachable from this machine only.
  returned: always
  type: str
  sample: 10.99.4.2
ready:
  description: Whether the API server answers and the node is Ready.
  returned: always
  type: bool
programs:
  description: State of each of the node's processes, as the supervisor names it.
  returned: always
  type: dict
  sample: {"etcd": "RUNNING"}
remains:
  description: What there is of the node on this machine, in words; empty when nothing is left.
  returned: always
  type: list
  elements: str
seconds:
  description: How long the task took, in seconds.
  returned: always
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.embedded_node import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
