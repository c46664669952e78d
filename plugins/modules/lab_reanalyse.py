#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: lab_reanalyse
short_description: Work the figures of a run out again from its kept samples
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Takes the newest kept samples of each stage of a run, and works the figures out again from them. No cluster and no
    Prometheus is needed.
  - Where the figures differ from those of the stage's newest attempt that was done, they are written as the next
    attempt, with everything else as it was measured. C(facts.reanalysed) says from which file and with which profile.
  - A stage whose run was cut off after its samples were kept is recovered, and has its stage file then.
  - Windows are compared with earlier ones of the run in the order of their times.
  - Figures can be new or changed as long as their series were read. One whose series were not read has no value and is
    V(inconclusive). The course for plots stays that which was read.
  - Everything is calculated before the first file is written, and nothing is ever overwritten.
extends_documentation_fragment:
  - temporal_lab.benchmarking.attributes.control_node
requirements:
  - jsonschema >= 4
  - PyYAML
attributes:
  check_mode:
    description: The figures are calculated and nothing is written.
    support: full
  diff_mode:
    description: A new file is written, so there is nothing to compare it with.
    support: none
  idempotent:
    description: Figures that are the same already are not written again.
    support: full
options:
  results_dir:
    description: Folder of the results.
    type: path
    required: true
  student:
    description: Name of the student.
    type: str
    required: true
  run:
    description: Name of the run; without it the student's latest.
    type: str
  profile:
    description:
      - Path of a profile on the control node, in place of the one that is kept with the samples.
      - Its filters must be the same, because everything was read through them.
    type: path
  variables:
    description:
      - Values for variables of the profile, by name.
      - Those that the samples were read with count where they are not given.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Work the figures of the latest run out again, and recover what was cut off
  temporal_lab.benchmarking.lab_reanalyse:
    results_dir: results
    student: "{{ inventory_hostname }}"

- name: See what another profile makes of an earlier run
  temporal_lab.benchmarking.lab_reanalyse:
    results_dir: results
    student: student-01
    run: 20261123T170102Z
    profile: my-profile.yml
"""

RETURN = r"""
run:
  description: Name of the run.
  returned: always
  type: str
  sample: 20261123T170102Z
path:
  description: The run's folder.
  returned: always
  type: str
  sample: /home/lab/results/student-01/20261123T170102Z
stages:
  description: The stages that were measured, in the order of their windows.
  returned: always
  type: list
  elements: dict
  contains:
    stage:
      description: Name of the stage.
      type: str
    result:
      description:
        - V(same) when the figures are those of the newest attempt that was done; nothing was written.
        - V(again) when they differ and are the next attempt now.
        - V(recovered) when no attempt was of these samples, and one is now.
        - V(unkept) when the newest attempt that was done has no samples that can be used; nothing was written.
      type: str
    samples:
      description: Name of the file with the samples, null when V(unkept).
      type: str
    attempt:
      description: Number of the attempt that counts now; in check mode the one that would be written.
      type: int
    file:
      description: Path of its stage file.
      type: str
  sample:
    - stage: baseline
      result: same
      samples: baseline-1.samples.json.gz
      attempt: 1
      file: /home/lab/results/student-01/20261123T170102Z/baseline-1.json
    - stage: benchmark
      result: recovered
      samples: benchmark-1.samples.json.gz
      attempt: 1
      file: /home/lab/results/student-01/20261123T170102Z/benchmark-1.json
problems:
  description: A sentence for each file of samples that cannot be used.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.lab_reanalyse import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
