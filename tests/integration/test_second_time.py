# SPDX-License-Identifier: GPL-3.0-or-later
"""make lab, make node-down, and make lab again: what ran once runs a second time, on the state that was kept.

Run by the molecule scenario `node`, with the node of LAB_FOLDER. Its pods start with it: seconds later Prometheus has
scraped none of them, and the lab begins all the same.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import run

FOLDER = Path(os.environ.get("LAB_FOLDER", "/nowhere"))
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
#: The stages that look before they do anything, and one that measures.
STAGES = "preflight,install,baseline"

pytestmark = pytest.mark.skipif("LAB_FOLDER" not in os.environ, reason="LAB_FOLDER does not name a node's folder")


def node(playbook: str) -> None:
    done = run([PLAYBOOK, f"playbooks/{playbook}.yml", "-e", f"node_folder={FOLDER}"], timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def lab(name: str, stages: str = STAGES) -> subprocess.CompletedProcess[str]:
    """The lab as make lab runs it, in a run of this name."""
    settings = {
        "lab_kubeconfig": str(FOLDER / ".node" / "kubeconfig"),
        "lab_results_dir": str(FOLDER / "results-again"),
        "lab_run": name,
        # Four scrapes: the shortest window that is not refused.
        "lab_window": "20s",
    }
    done = run([PLAYBOOK, "lab.yml", "--tags", stages, "-e", json.dumps(settings)], timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def stage(name: str, stage_name: str) -> dict[str, Any]:
    """The one attempt of a stage in a run."""
    (path,) = (FOLDER / "results-again" / "student-01" / name).glob(f"{stage_name}-[0-9].json")
    return json.loads(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def first_time() -> None:
    node("node_up")
    lab("first", "preflight,install")


@pytest.mark.parametrize("name", ["after-down", "again"])
def test_the_lab_runs_a_second_time(name: str) -> None:
    if name == "after-down":
        node("node_down")
        node("node_up")
    done = lab(name)
    # The cluster has what it had; nothing is installed anew.
    assert re.search(r"^student-01 .* changed=0 ", done.stdout, re.MULTILINE), done.stdout
    assert stage(name, "install")["facts"]["release_changed"] is False
    for looked in ("preflight", "install"):
        findings = stage(name, looked)["facts"]["findings"]
        assert [found for found in findings if found["state"] == "fail"] == []
    (window,) = stage(name, "baseline")["windows"]
    figures = {figure["id"]: figure for figure in window["figures"]}
    assert figures["persistence_requests"]["value"] > 0


def test_a_node_that_is_up_or_down_already_is_left_so() -> None:
    for playbook in ("node_up", "node_down", "node_down", "node_up"):
        node(playbook)
