# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_run, as modules and actions run it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    lab_run,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    do,
    figure,
    window,
)


def test_a_first_run_is_begun_and_gone_on_with(tmp_path: Path) -> None:
    first = do(lab_run, tmp_path)
    assert re.fullmatch(r"\d{8}T\d{6}Z", first["run"])
    assert (first["changed"], first["new"], first["stages"]) == (True, True, {})
    assert Path(first["path"]).is_dir()
    second = do(lab_run, tmp_path)
    assert second == {**first, "changed": False, "new": False, "time": second["time"]}
    assert time.time() - 60 < first["time"] <= second["time"] <= time.time() + 0.001


def test_new_runs_do_not_share_a_name(tmp_path: Path) -> None:
    names = {do(lab_run, tmp_path, new=True)["run"] for _number in range(3)}
    assert len(names) == 3


def test_a_run_by_name(tmp_path: Path) -> None:
    assert do(lab_run, tmp_path, run="more-shards", new=True)["new"]
    assert not do(lab_run, tmp_path, run="more-shards")["new"]
    with pytest.raises(LabError, match="more-shards already exists"):
        do(lab_run, tmp_path, run="more-shards", new=True)


def test_check_mode_makes_no_run(tmp_path: Path) -> None:
    result = do(lab_run, tmp_path, check=True)
    assert (result["changed"], result["new"]) == (True, True)
    assert do(lab_run, tmp_path, check=True, run="x")["new"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_tells_the_newest_attempts(lab: Lab) -> None:
    lab.write("baseline", state="failed")
    lab.write("baseline")
    lab.write("scale")
    (lab.path / "scale-2.json").write_text("")
    result = do(lab_run, lab.folder)
    assert result["stages"] == {
        "baseline": {"attempt": 2, "state": "done", "file": str(lab.path / "baseline-2.json")},
        "scale": {"attempt": 2, "state": "unreadable", "file": str(lab.path / "scale-2.json")},
    }
    [problem] = result["problems"]
    assert problem.startswith("scale-2.json is not whole JSON")


def test_a_run_tells_what_other_stages_measured(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0))])
    lab.write("baseline", windows=[window("idle", START, figure("work", 2.0), figure("lock", None))])
    lab.write("baseline", state="failed")
    lab.write("scale", windows=[window("first", START + 300, figure("work", 5.0)), window("idle", START + 400)])
    lab.write("again", windows=[window("first", START + 200, figure("work", 4.0))])
    idle = {"work": 2.0, "lock": None}
    assert do(lab_run, lab.folder, stage="scale")["windows"] == {"idle": idle, "first": {"work": 4.0}}
    assert do(lab_run, lab.folder, stage="baseline")["windows"] == {"first": {"work": 5.0}, "idle": {}}
    assert do(lab_run, lab.folder, stage="again")["windows"]["first"] == {"work": 5.0}
    # Of two windows of a name the later one counts.
    assert do(lab_run, lab.folder, stage="report")["windows"] == {"idle": {}, "first": {"work": 5.0}}
    assert do(lab_run, lab.folder, stage="report", run="other")["windows"] == {}
    # Nobody asks for them.
    assert do(lab_run, lab.folder)["windows"] == {}


def test_what_is_left_out_of_a_stage_is_not_checked_and_the_rest_is(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0))])
    path = lab.path / "baseline-1.json"
    record = json.loads(path.read_text())
    record["series"] = "broken"
    record["windows"][0]["figures"][0]["coverage"] = "broken"
    path.write_text(json.dumps(record))
    assert do(lab_run, lab.folder, stage="scale")["windows"] == {"idle": {"work": 1.0}}
    record["windows"][0]["figures"][0]["value"] = "1"
    path.write_text(json.dumps(record))
    found = do(lab_run, lab.folder, stage="scale")
    assert (found["windows"], found["stages"]["baseline"]["state"]) == ({}, "unreadable")
    assert "windows[0].figures[0].value" in found["problems"][0]
