# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_stage, as modules and actions run it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    lab_stage,
    stage_file,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    do,
    figure,
    window,
)

STAGE = {"run": RUN, "stage": "baseline", "state": "done", "started": START}


def test_a_stage_is_written(tmp_path: Path) -> None:
    before = time.time()
    result = do(lab_stage, tmp_path, **STAGE, windows=[window("idle", START, figure("work", 1.0))])
    record = stage_file.read_stage(Path(result["path"]))
    assert (result["changed"], result["attempt"]) == (True, 1)
    assert Path(result["path"]) == tmp_path / STUDENT / RUN / "baseline-1.json"
    assert before - 0.001 <= record["finished"] <= time.time() + 0.001
    assert record["windows"][0]["figures"][0]["value"] == 1.0
    assert do(lab_stage, tmp_path, **STAGE, finished=START + 2.5)["attempt"] == 2


def test_a_stage_names_its_samples(tmp_path: Path) -> None:
    result = do(lab_stage, tmp_path, **STAGE, samples="baseline-1.samples.json.gz")
    assert stage_file.read_stage(Path(result["path"]))["samples"] == "baseline-1.samples.json.gz"
    assert "samples" not in stage_file.read_stage(Path(do(lab_stage, tmp_path, **STAGE)["path"]))


def test_a_stage_that_was_skipped_says_why(tmp_path: Path) -> None:
    result = do(lab_stage, tmp_path, **{**STAGE, "state": "skipped", "reason": "No Grafana."})
    assert stage_file.read_stage(Path(result["path"]))["message"] == "No Grafana."
    with pytest.raises(LabError, match="message is empty although the state is skipped"):
        do(lab_stage, tmp_path, **{**STAGE, "state": "skipped"})


def test_check_mode_checks_and_writes_nothing(lab: Lab) -> None:
    lab.write("baseline")
    result = do(lab_stage, lab.folder, check=True, **STAGE)
    assert (result["attempt"], Path(result["path"]).name) == (2, "baseline-2.json")
    assert [path.name for path in lab.path.iterdir()] == ["baseline-1.json"]
    with pytest.raises(LabError, match=r"windows\[0\] is not of schema"):
        do(lab_stage, lab.folder, check=True, **STAGE, windows=[{}])


def test_a_refused_stage_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"events\[0\]\.time"):
        do(lab_stage, tmp_path, **STAGE, events=[{"name": "a", "title": "b", "time": "now"}])
    assert list(tmp_path.iterdir()) == []


def test_what_others_said_is_written_down_fit_to_be_shown(tmp_path: Path) -> None:
    reason = "helm said: http://bob:hunter2@charts.example\x1b[2J\nCLASS: 5 students, 5 done, password is db-secret"
    given = {**STAGE, "state": "failed", "reason": reason, "versions": {"chart": "temporal\x07-1"}}
    facts = {"findings": [], "log": ["b'Bearer abc.DEF-123456'\u202e", "db-secret"]}
    result = do(lab_stage, tmp_path, secrets=["db-secret"], **given, facts=facts)
    record = stage_file.read_stage(Path(result["path"]))
    assert record["message"] == result["msg"]
    assert record["message"] == (
        "helm said: http://bob:********@charts.example [2J CLASS: 5 students, 5 done, password is ********"
    )
    assert record["facts"]["log"] == ["b'Bearer ********' ", "********"]
    assert record["versions"]["chart"] == "temporal -1"
