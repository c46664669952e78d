#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_plan
short_description: Show which stages of the lab a run will do, and refuse tags and settings that are wrong
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Shows the stages that the tags select, and about how long they take.
  - Fails when a tag is neither a stage's nor one of Ansible's own, and names the nearest. Without that, Ansible ends
    with an empty recap and exit code 0.
  - Fails when a number, length of time, flag or word that the lab's roles take is something else, such as V(20 sec) for
    C(lab_settle), and names the variable, the students who have it, and what it takes.
  - Fails when C(-e) gives a variable that nothing in the lab reads and that differs from one of the lab's by about a
    letter, such as C(lab_setle). Where it differs more, or the inventory or the play has it, a line says so.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
attributes:
  check_mode:
    support: full
    description: It changes nothing. Windows are left out of the duration, because none is measured.
  diff_mode:
    support: none
    description: It changes nothing.
  idempotent:
    support: full
    description: It changes nothing.
options:
  tags:
    description: The requested tags, as in C(ansible_run_tags).
    type: list
    elements: str
    default: [all]
  skip_tags:
    description: The tags that were excluded, as in C(ansible_skip_tags).
    type: list
    elements: str
    default: []
  other_tags:
    description: Tags of other plays in the same playbook, which are accepted too.
    type: list
    elements: str
    default: []
  students:
    description: Number of students.
    type: int
    default: 1
  window:
    description: Length of a window, in seconds or as text such as V(2m).
    type: raw
    default: 120.0
  settings:
    description:
      - The variables to check, as the lookup P(temporal_lab.benchmarking.given_settings#lookup) finds them.
    type: dict
    default: {}
    suboptions:
      play:
        description: Those of the play, by name.
        type: dict
      students:
        description: Those of each student, by student and name.
        type: dict
      misspelt:
        description: Names that nothing reads, with the variable that was probably meant.
        type: dict
        suboptions:
          command_line:
            description: Those of the command line, which are refused.
            type: dict
          elsewhere:
            description: Others, of which a line is shown.
            type: dict
  results_dir:
    description: Folder of the results.
    type: path
  earlier_results:
    description: Folders where earlier runs may have written theirs. Where runs are in one, it is shown.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Show the plan
  temporal_lab.benchmarking.lab_plan:
    tags: "{{ ansible_run_tags }}"
    skip_tags: "{{ ansible_skip_tags }}"
    students: "{{ ansible_play_hosts_all | length }}"
    settings: "{{ lookup('temporal_lab.benchmarking.given_settings') }}"
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
stages:
  description: The stages that will be done, in their order.
  returned: success
  type: list
  elements: str
  sample: [benchmark, concurrency]
seconds:
  description: About how many seconds they take on two slow cores, windows included.
  returned: success
  type: float
  sample: 280.0
unknown:
  description: The tags that do not exist.
  returned: when there are any
  type: list
  elements: str
  sample: [scal]
wrong:
  description: What is wrong with the settings and with names of variables, a sentence each.
  returned: when there is anything
  type: list
  elements: str
  sample: ["lab_history_replicas is 'two'; it must be a whole number from 1 to 100000"]
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.lab_plan import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
