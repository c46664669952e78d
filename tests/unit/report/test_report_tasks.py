# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks lab_run, lab_stage and lab_report, as modules and actions run them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    lab_run,
    lab_stage,
    stage_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    figure,
    window,
)


def do(task: Any, folder: Path, check: bool = False, show: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
    """Run a task with its arguments checked as Ansible does it."""
    checked = ArgumentSpecValidator(task.SPEC).validate({"results_dir": str(folder), "student": STUDENT, **arguments})
    assert checked.error_messages == []
    shown = [] if show is None else show
    result: dict[str, Any] = task.run(checked.validated_parameters, Context(check_mode=check, show=shown.append))
    return result


# --- lab_run -------------------------------------------------------------------------------------


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


# --- lab_stage -----------------------------------------------------------------------------------

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


# --- lab_report ----------------------------------------------------------------------------------


def test_a_report_is_written_once(measured: Lab) -> None:
    shown: list[str] = []
    first = do(lab_report, measured.folder, show=shown)
    assert (first["changed"], first["run"]) == (True, RUN)
    assert {form: Path(path).name for form, path in first["paths"].items()} == {
        "html": "report.html",
        "markdown": "report.md",
        "json": "report.json",
    }
    assert json.loads(Path(first["paths"]["json"]).read_text()) == measured.report()
    assert first["stages"] == {"baseline": "done", "benchmark": "done"}
    assert first["figures"][0]["readings"] == [
        {"stage": "baseline", "window": "idle", "value": 0.0, "bound": "", "state": "pass", "change": None},
        {"stage": "benchmark", "window": "load", "value": 40.0, "bound": "", "state": "pass", "change": None},
    ]
    [text] = shown
    assert text.splitlines()[-1] == f"Report: {first['paths']['html']}"
    assert do(lab_report, measured.folder) == {**first, "changed": False}
    measured.write("scale", state="failed")
    assert do(lab_report, measured.folder)["changed"]


def test_no_table_when_none_is_wanted(measured: Lab) -> None:
    shown: list[str] = []
    do(lab_report, measured.folder, show=shown, table=False)
    assert shown == []


def test_check_mode_writes_no_report(measured: Lab) -> None:
    files = sorted(measured.path.iterdir())
    assert do(lab_report, measured.folder, check=True)["changed"]
    assert sorted(measured.path.iterdir()) == files


def test_the_latest_run_is_reported_on(measured: Lab) -> None:
    Lab(measured.folder, name="20261124T000000Z").write("preflight", at=90000)
    assert do(lab_report, measured.folder)["run"] == "20261124T000000Z"
    assert do(lab_report, measured.folder, run=RUN)["run"] == RUN


def test_without_results_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="There is no run of student-01"):
        do(lab_report, tmp_path)
    do(lab_run, tmp_path, run="empty")
    with pytest.raises(LabError, match="has no stage to report on"):
        do(lab_report, tmp_path)
    with pytest.raises(LabError, match="has no stage to report on"):
        do(lab_report, tmp_path, run="absent")


def test_a_report_takes_the_place_of_a_broken_one(measured: Lab) -> None:
    (measured.path / "report.html").write_bytes(b"\xff half")
    result = do(lab_report, measured.folder)
    assert Path(result["paths"]["html"]).read_text().startswith("<!DOCTYPE html>")
    assert not [path for path in measured.path.iterdir() if path.name.startswith(".")]
