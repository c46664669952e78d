#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: temporal_release
short_description: Look at a chart of Temporal, its values and its release before anything is installed
version_added: 0.1.0
author:
  - The Temporal lab developers (@temporal-lab)
description:
  - Finds out what chart O(chart) is, merges its values of two layers, and looks for what is known to go wrong with them
    in this cluster.
  - It also checks whether an earlier helm left the release pending or failed, and whether the lab installed it. One
    that it did not install is a fault, because installing would change what somebody else runs.
  - With O(chart) and without a fault it writes down in the ConfigMap C(temporal-lab) that the lab installs these
    releases, so that they, and only they, are uninstalled later.
  - The task does not fail for a combination that cannot work; check RV(faults).
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.attributes.control_node
options:
  chart:
    description:
      - The chart as helm takes it - a folder, a packed chart, an OCI reference, or a name with O(repo).
      - Without it only the releases in O(namespace) are looked at.
    type: str
  repo:
    description: Address of the repository that has O(chart).
    type: str
    default: ""
  version:
    description: Version of O(chart) in its repository or registry; empty takes the newest, which is warned of.
    type: str
    default: ""
  layers:
    description:
      - Values by generation of the chart, of which those of the chart's own are taken.
      - V(lab) is the collection's own chart, V(bundled) that of the Temporal project before 1.0, V(separate) the same
        from 1.0 on.
    type: dict
    default: {}
  cluster_layers:
    description:
      - The same, for what brings objects of the whole cluster, such as a ClusterRole. They take precedence over
        O(layers).
      - Taken if the account may do everything in the cluster, and O(namespace) is not that of a student of a shared
        cluster (C(temporal-lab/kind=student)).
    type: dict
    default: {}
  values:
    description:
      - Values on top of those of O(layers) and O(cluster_layers).
      - Mappings are joined, everything else is replaced.
    type: dict
    default: {}
  mend:
    description:
      - How to repair a release that an earlier helm left pending or failed. The task itself does not repair it.
      - With V(none) such a release is a fault, and with V(rollback) when it has no good revision.
    type: str
    choices: [none, rollback, uninstall]
    default: none
  companions:
    description:
      - Releases that may be installed beside it.
      - With O(chart) they count only for a chart that needs them (generation V(separate)).
    type: list
    elements: str
    default: []
  installs:
    description: Releases that will be installed beside it, whatever the chart is.
    type: list
    elements: str
    default: []
  adopt:
    description: Whether a release of these names that the lab did not install becomes the lab's.
    type: bool
    default: false
  helm:
    description: The helm program, a name or a path.
    type: str
    default: helm
requirements:
  - PyYAML and helm 3 for a chart
attributes:
  check_mode:
    support: full
    description: Reads only, and writes nothing down.
  diff_mode:
    support: none
    description: It changes nothing but its own list.
  idempotent:
    support: full
    description: What is in the list is not written again. The list is no change for C(changed).
"""

EXAMPLES = r"""
- name: Look at the chart and the release
  temporal_lab.benchmarking.temporal_release:
    kubeconfig: "{{ lab_kubeconfig }}"
    chart: temporal
    repo: "{{ temporal_chart_repo }}"
    version: 0.73.2
    layers:
      bundled:
        prometheus:
          server:
            global:
              scrape_interval: 10s
    values: "{{ temporal_values }}"
  register: looked

- name: Stop before anything is installed
  ansible.builtin.fail:
    msg: "{{ looked.faults | join('; ') }}"
  when: looked.faults | length > 0
"""

RETURN = r"""
chart:
  description: What the chart says about itself; null without O(chart).
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: temporal
    version:
      description: Its version.
      type: str
      sample: 0.73.2
    app_version:
      description: The version of the Temporal server that it installs.
      type: str
      sample: 1.29.1
    generation:
      description: V(lab), V(bundled) or V(separate), see O(layers).
      type: str
      sample: bundled
source:
  description:
    - Where helm gets the chart; null without O(chart).
    - O(chart), O(repo) and O(version); but a chart of a repository with user and password in its address was downloaded
      into a private folder, so that the password is not among the arguments of programs.
  returned: success
  type: dict
  contains:
    chart:
      description: A folder, a packed chart, an OCI reference, or a name in the repository.
      type: str
      sample: temporal
    repo:
      description: Address of the repository; empty when the chart is none of a repository's.
      type: str
      sample: https://go.temporal.io/helm-charts
    version:
      description: Version of the chart; empty for the newest, or where there is only one.
      type: str
      sample: 0.73.2
chart_values:
  description: The merged values.
  returned: success
  type: dict
findings:
  description: What was found, one entry for each check that says something.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Name of the check.
      type: str
      sample: chart_flags
    state:
      description: V(pass), V(warn) or V(fail).
      type: str
      sample: fail
    title:
      description: What was found, in a sentence.
      type: str
      sample: The chart temporal 1.6.0 has no cassandra
    effect:
      description: What it does; empty for a pass.
      type: str
    cure:
      description: What to do; empty when nothing needs to be done.
      type: str
faults:
  description: The findings with state V(fail), each in one sentence.
  returned: success
  type: list
  elements: str
releases:
  description: Names of the releases in O(namespace).
  returned: success
  type: list
  elements: str
  sample: [my-temporal]
ours:
  description:
    - Of O(release) and the releases beside it, those that the lab installed, by the ConfigMap or by having the
      collection's own chart.
    - One in the list may be uninstalled already, after an interrupted cleanup.
  returned: success
  type: list
  elements: str
  sample: [my-temporal]
kept:
  description: A sentence for each of them that somebody else installed; empty with O(chart).
  returned: success
  type: list
  elements: str
unfinished:
  description: Whether the release is pending or failed.
  returned: success
  type: bool
good_revision:
  description: The last revision of the release that can be gone back to; null without one.
  returned: success
  type: int
  sample: 2
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_release import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
