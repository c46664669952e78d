#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_preflight
short_description: Check whether figures measured with Prometheus will be right
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Looks at what makes figures wrong without a word - scrapes that are too far apart, pods that do not answer or are
    scraped twice, metrics under other names or in another unit, clocks that differ, history pods that are left out.
  - Each finding says what it does to the figures and how to cure it.
  - A check that fails does not fail the task; look at RV(findings) or RV(faults). Prometheus not answering is a finding
    too.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.profile
  - temporal_lab.benchmarking.prometheus
  - temporal_lab.benchmarking.attributes.anywhere
attributes:
  check_mode:
    description: Nothing is changed, so it does the same, but it does not wait.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
  idempotent:
    description: Nothing is changed.
    support: full
options:
  window:
    description: Length in seconds of the windows that are going to be measured.
    type: float
    default: 120.0
  scrape_interval:
    description:
      - Seconds between two scrapes.
      - Without it Prometheus is asked, and the longest interval among the targets of the profile counts.
      - Systems that do not tell it, such as Thanos, Mimir and Prometheus before 2.30, need it.
    type: float
  history_shards:
    description:
      - The number of history shards that Temporal itself says, as C(temporal_cluster_info) returns it.
      - Without it the sum over the history pods is told, but not judged.
    type: int
  wait:
    description:
      - Seconds to look again, every two seconds, for as long as a few more scrapes may cure all that fails. The pods of
        a fresh install or of a cluster that has just started need a scrape or two. A line of progress says what is
        waited for.
      - When something fails that no scrape cures, such as a scrape interval or credentials, it does not wait.
    type: float
    default: 0.0
  clock_skew_warn:
    description: Difference of the clocks in seconds from which on there is a warning.
    type: float
    default: 2.0
  clock_skew_fail:
    description: Difference of the clocks in seconds from which on the check fails.
    type: float
    default: 30.0
"""

EXAMPLES = r"""
- name: Read how many shards there are
  temporal_lab.benchmarking.temporal_cluster_info:
    namespace: student-01
  register: cluster

- name: Will two-minute windows give right figures?
  temporal_lab.benchmarking.prometheus_preflight:
    namespace: student-01
    window: 120
    history_shards: "{{ cluster.history_shards }}"
    server_version: "{{ cluster.server_version }}"
    wait: 60
  register: preflight
  failed_when: preflight.faults | length > 0

- name: The same of a Prometheus with an address, whose labels are those of the upstream chart
  temporal_lab.benchmarking.prometheus_preflight:
    url: https://prometheus.example.org
    url_token: "{{ vault_prometheus_token }}"
    namespace: student-01
    variables:
      kubernetes_namespace_label: namespace
      temporal_namespace_label: exported_namespace
  register: preflight
"""

RETURN = r"""
findings:
  description:
    - What was found, one entry for each check that was made.
    - These are C(prometheus), C(prometheus_clock), C(scrape_interval), C(targets), C(double_scrapes), C(metrics),
      C(units) and C(shards). Only C(prometheus) is there when it does not answer. C(prometheus_api) is one more when
      it answered and then did not, and those that would come after it are missing.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the check.
      type: str
      sample: scrape_interval
    state:
      description: V(pass), V(warn) or V(fail).
      type: str
      sample: fail
    title:
      description: What was found, in a sentence.
      type: str
      sample: "A scrape every 60 s: 2 in a window of 120 s"
    effect:
      description: What it does to the figures; empty for a pass.
      type: str
    cure:
      description: What to do; empty for a pass.
      type: str
faults:
  description: The findings with state V(fail), each in one sentence.
  returned: always
  type: list
  elements: str
scrape_interval:
  description: Seconds between two scrapes, the longest of the profile's targets; null when not known.
  returned: always
  type: float
clock_skew:
  description: Seconds by which the clock of Prometheus is ahead of this machine's; null when not known.
  returned: always
  type: float
frameworks:
  description: Naming frameworks of the profile's metrics that were found, V(tally) or V(opentelemetry).
  returned: always
  type: list
  elements: str
prometheus_version:
  description: Version of Prometheus, null when it does not say or does not answer.
  returned: always
  type: str
waited:
  description: Seconds of looking.
  returned: always
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.prometheus_preflight import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
