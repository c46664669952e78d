# SPDX-License-Identifier: GPL-3.0-or-later
"""The exit code of ansible-playbook after a comparison."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.answers.compared_lab import LATER, load, write_run
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN

LAB = ROOT / "playbooks" / "lab.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of ann, who is worse than before, of bob, who is not, and of cid, of whom nothing is known."""
    results = tmp_path / "results"
    for student in ("ann", "bob", "cid"):
        write_run(results, RUN, student=student)
    write_run(results, LATER, *load(80.0), student="ann")
    write_run(results, LATER, student="bob")
    write_run(results, LATER, *load(80.0), student="cid", settings={"concurrent_workflows": 6})
    # As a user has them.
    shutil.copy(ROOT / "ansible.cfg", tmp_path)
    return tmp_path


def compare(folder: Path, hosts: str, *arguments: str, **variables: Any) -> Any:
    given = json.dumps({"lab_results_dir": str(folder / "results"), **variables})
    return run_playbook(folder, hosts, LAB, "--tags", "compare", "-e", given, *arguments)


def test_worse_is_3_and_not_worse_is_0(folder: Path) -> None:
    done = compare(folder, "bob,")
    assert done.returncode == 0, done.stdout + done.stderr
    done = compare(folder, "ann,bob,")
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"Run {LATER} of ann is worse than run {RUN} of ann" in done.stdout
    # The callbacks before it have said what they say.
    assert "CLASS: 2 students, 1 done, 1 failed" in done.stdout
    assert compare(folder, "ann,", "-e", f"base={LATER} other={RUN}").returncode == 0
    assert compare(folder, "ann,", compare_fail=False).returncode == 0
    assert compare(folder, "ann,", compare_threshold="0.3").returncode == 0


def test_everything_else_is_2(folder: Path) -> None:
    done = compare(folder, "cid,")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "is not known: benchmark, the load one is not compared" in done.stdout
    # One of whom nothing is known is not hidden behind one that is worse.
    assert compare(folder, "ann,cid,").returncode == 2
    assert compare(folder, "dan,").returncode == 2
    assert compare(folder, "ann,", compare_threshold="much").returncode == 2


def test_without_the_callback_worse_is_2(folder: Path) -> None:
    (folder / "ansible.cfg").unlink()
    assert compare(folder, "ann,").returncode == 2
