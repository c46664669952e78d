# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_report, as modules and actions run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    lab_run,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.predictions import write_predictions
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    Lab,
    do,
)

OWN = """\
schema: temporal_lab.benchmarking/questions/1
windows: {load: {stage: benchmark, window: load}}
questions:
  - id: mine
    stage: benchmark
    question: Is it much?
    facts: {work: {figure: work, window: load, levels: {little: 0, much: 30}}}
    answers:
      - {id: much, when: {work: much}, text: "The work was done at {work}."}
      - {id: little, text: "No."}
    limits: All else.
    why: Because.
    source: nowhere
"""


def test_a_report_is_written_once(measured: Lab) -> None:
    shown: list[str] = []
    first = do(lab_report, measured.folder, show=shown)
    assert (first["changed"], first["run"]) == (True, RUN)
    assert {form: Path(path).name for form, path in first["paths"].items()} == {
        "html": "report.html",
        "markdown": "report.md",
        "json": "report.json",
    }
    written = json.loads(Path(first["paths"]["json"]).read_text())
    answers = written.pop("answers")
    assert written == measured.report()
    assert [{name: one[name] for name in first["answers"][0]} for one in answers] == first["answers"]
    text = Path(first["paths"]["markdown"]).read_text().replace("\\", "")
    assert all(one["text"] in text for one in answers if one["verdict"] != "not_measured")
    assert first["stages"] == {"baseline": "done", "benchmark": "done"}
    same: dict[str, Any] = {"bound": "", "state": "pass", "change": None}
    assert first["figures"][0]["readings"] == [
        {"stage": "baseline", "window": "idle", "value": 0.0, **same, "verdict": None},
        {"stage": "benchmark", "window": "load", "value": 40.0, **same, "verdict": "unknown"},
    ]
    [text] = shown
    assert text.splitlines()[-1] == f"Report: {first['paths']['html']}"
    assert do(lab_report, measured.folder) == {**first, "changed": False}
    measured.write("scale", state="failed")
    assert do(lab_report, measured.folder)["changed"]


def test_a_question_of_ones_own_is_answered(measured: Lab, tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(OWN)
    done = do(lab_report, measured.folder, questions=str(tmp_path / "own.yml"))
    assert [(one["id"], one["verdict"], one["text"]) for one in done["answers"]] == [
        ("mine", "much", "The work was done at 40/s.")
    ]
    with pytest.raises(LabError, match=r"There is no file of questions .*none\.yml"):
        do(lab_report, measured.folder, questions=str(tmp_path / "none.yml"))


def test_a_prediction_stands_beside_what_was_measured(measured: Lab) -> None:
    made = [{"question": "load_database", "direction": "up", "low": None, "high": None, "time": 1.0}]
    write_predictions(measured.path, made)
    shown: list[str] = []
    done = do(lab_report, measured.folder, show=shown)
    for form in ("html", "markdown"):
        assert "Predicted: up – undecided." in Path(done["paths"][form]).read_text()
    assert "Predicted: up – undecided." in " ".join(shown[0].split())


def test_a_broken_file_of_predictions_costs_itself(measured: Lab) -> None:
    (measured.path / "predictions.json").write_text("[")
    done = do(lab_report, measured.folder)
    assert done["problems"][0]["source"] == "predictions.json"
    assert "is not a file of predictions" in done["problems"][0]["text"]


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
