#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_info
short_description: Tell what a Prometheus is and what it scrapes
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Asks a Prometheus for its version and retention, its clock, and its targets with their last errors.
  - Names the addresses that are scraped by more than one target, whose series count twice.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.prometheus
  - temporal_lab.benchmarking.attributes.anywhere
attributes:
  check_mode:
    description: Nothing is changed, so it does the same.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
  idempotent:
    description: Nothing is changed.
    support: full
options:
  job:
    description: Return only the targets of this job; without it all.
    type: str
"""

EXAMPLES = r"""
- name: See what is scraped
  temporal_lab.benchmarking.prometheus_info:
    namespace: student-01
    job: kubernetes-pods
  register: prometheus

- name: Every pod must be scraped without an error
  ansible.builtin.assert:
    that: prometheus.targets | rejectattr('health', 'eq', 'up') | length == 0
"""

RETURN = r"""
version:
  description: Version of Prometheus, null when its build did not note one.
  returned: always
  type: str
revision:
  description: Revision of its source, null when its build did not note one.
  returned: always
  type: str
retention:
  description: How long, or how much, it keeps.
  returned: always
  type: str
  sample: 15d
clock_skew:
  description: Seconds by which its clock is ahead of this machine's.
  returned: always
  type: float
targets:
  description: Its active targets.
  returned: always
  type: list
  elements: dict
  contains:
    job:
      description: Job of the target.
      type: str
    pod:
      description: Label C(pod) of the target, empty when it has none.
      type: str
    health:
      description: Result of the last scrape, V(up), V(down) or V(unknown).
      type: str
    last_error:
      description: Error of the last scrape, empty when it went well.
      type: str
    scrape_interval:
      description: Seconds between two scrapes, null where Prometheus does not say.
      type: float
    scrape_url:
      description: Address that is scraped.
      type: str
    labels:
      description: All labels of the target.
      type: dict
duplicates:
  description: Addresses that more than one target scrapes, of all jobs.
  returned: always
  type: list
  elements: dict
  contains:
    scrape_url:
      description: Address that is scraped.
      type: str
    jobs:
      description: Jobs of the targets that do.
      type: list
      elements: str
notes:
  description: Warnings and infos of Prometheus, and that it does not list its targets.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.prometheus_info import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
