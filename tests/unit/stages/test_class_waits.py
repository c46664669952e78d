# SPDX-License-Identifier: GPL-3.0-or-later
"""A class of more students than forks waits for its windows once, and not in every worker."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook


def measuring(folder: Path, forks: int, start: float) -> str:
    """What a playbook shows that measures two windows of 10 s of two students whose cluster is not there."""
    windows = [{"name": "first", "start": start, "duration": 10}, {"name": "after", "duration": 10}]
    role = {"name": "temporal_lab.benchmarking.measure"}
    values = {"measure_stage": "scale", "measure_windows": windows, "lab_kubeconfig": str(folder / "missing")}
    play = {"hosts": "all", "gather_facts": False, "vars": values, "tasks": [{"ansible.builtin.import_role": role}]}
    (folder / "play.yml").write_text(json.dumps([play]))
    # The stage began with its first window.
    given = ("--forks", str(forks), "-e", f"lab_results_dir={folder}/results", "-e", f"lab_began={start}")
    done = run_playbook(folder, "student-01,student-02,", *given, "play.yml")
    # Whether it waited or not, both came to be measured.
    failed = re.findall(r"^fatal: \[(.+?)\].*There is no kubeconfig at", done.stdout, re.MULTILINE)
    assert sorted(failed) == ["student-01", "student-02"], done.stdout + done.stderr
    return done.stdout


def test_more_students_than_forks_wait_together_for_the_last_scrape(tmp_path: Path) -> None:
    # How long a playbook takes to start is the machine's: when the wait was over by then, a longer one is looked at.
    for left in (3, 12, 48, 192):
        begun = time.time()
        # Both windows of 10 s, and ten seconds more.
        shown = measuring(tmp_path, 1, begun - 30 + left)
        if found := re.findall(r"^student-01: waiting (\d+) s for the windows of the class$", shown, re.MULTILINE):
            break
    (seconds,) = map(int, found)
    assert 0 < seconds <= left
    assert time.time() - begun >= left - 1


@pytest.mark.parametrize(("forks", "ago"), [(2, 27), (1, 40)])
def test_who_has_a_worker_or_a_window_that_is_over_does_not(tmp_path: Path, forks: int, ago: float) -> None:
    assert "waiting" not in measuring(tmp_path, forks, time.time() - ago)
