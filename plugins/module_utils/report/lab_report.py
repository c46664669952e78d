# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_report: makes a run's report from its results."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..answers import questions_file
from ..answers.answer import Answer, answer_questions
from ..answers.judge import judge_of
from ..errors import LabError
from ..results.derived_file import replace_file
from ..results.merged_run import build_report
from ..results.predictions import FILE as PREDICTIONS
from ..results.predictions import read_predictions
from ..results.report import Report, key_figures
from ..results.runs import latest_run, read_run
from ..results.stage_file import to_json
from ..task import Context, Params, Result, Task
from .run_markdown import to_markdown
from .run_page import prepare_page, to_html
from .run_terminal import to_terminal
from .sealed_page import page_key, sealed

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "questions": {"type": "path"},
    "table": {"type": "bool", "default": True},
}


def run(params: Params, context: Context) -> Result:
    """Write report.html, report.md and report.json into the run's folder. Raises LabError.

    Returns ``run``, ``paths``, ``stages``, ``absent``, ``answers``, ``figures`` and ``problems``.
    """
    questions = questions_file.load(params["questions"] or questions_file.default_path())
    results_dir, student = Path(os.path.abspath(params["results_dir"])), params["student"]
    name = params["run"] or latest_run(results_dir, student)
    if name is None:
        raise LabError(
            f"There is no run of {student} in {results_dir} to report on; run a stage of the lab first, "
            "or give the right results_dir."
        )
    found = read_run(results_dir, student, name)
    if not found.stages and not found.unreadable:
        raise LabError(
            f"The run {name} of {student} has no stage to report on in {found.path}; run a stage of the lab first, "
            "or give another run."
        )
    report = build_report(found)
    try:
        predictions = read_predictions(found.path)
    except LabError as error:
        predictions = []
        report["problems"].insert(0, {"kind": "file", "source": PREDICTIONS, "text": error.msg})
    answers = answer_questions(report, questions, judge_of(report), predictions)
    texts = {
        "html": sealed(to_html(report, answers), student, name, page_key(make=not context.check_mode)),
        "markdown": to_markdown(report, answers),
        "json": to_json({**report, "answers": answers}),
    }
    files = {"html": "report.html", "markdown": "report.md", "json": "report.json"}
    paths = {form: found.path / file for form, file in files.items()}
    changed = [replace_file(paths[form], text, context.check_mode) for form, text in texts.items()]
    if params["table"]:
        # One call: lines of students that finish at the same time do not mix.
        context.show_lines([f"run {name}", *to_terminal(report, str(paths["html"]), answers=answers).split("\n")])
    return {
        "changed": any(changed),
        "run": name,
        "paths": {form: str(path) for form, path in paths.items()},
        **_summary(report, answers),
    }


def _summary(report: Report, answers: Sequence[Answer]) -> Result:
    """The stages' states, the answers and the key figures, without queries and series."""
    return {
        "stages": {stage["stage"]: stage["state"] for stage in report["stages"] if stage["state"] != "absent"},
        "absent": report["absent"],
        "answers": [
            {
                "id": answer["id"],
                "stage": answer["stage"],
                "question": answer["question"],
                "verdict": answer["verdict"],
                "open": answer["open"],
                "text": answer["text"],
            }
            for answer in answers
        ],
        "figures": [
            {
                "id": figure["id"],
                "title": figure["title"],
                "unit": figure["unit"],
                "readings": [
                    {
                        "stage": window["stage"],
                        "window": window["name"],
                        "value": reading["value"],
                        "bound": reading.get("bound", ""),
                        "state": reading["state"],
                        "change": reading["change"]["ratio"] if reading["change"] else None,
                        "verdict": reading["change"]["verdict"] if reading["change"] else None,
                    }
                    for window, reading in zip(report["windows"], figure["readings"])
                    if reading is not None
                ],
            }
            for figure in key_figures(report["figures"])
        ],
        "problems": [
            {"kind": problem["kind"], "source": problem["source"], "text": problem["text"]}
            for problem in report["problems"]
        ],
    }


def before_fork() -> None:
    """Load what all students' reports need; what is missing is named when a report is made."""
    with contextlib.suppress(LabError):
        prepare_page()
        questions_file.load(questions_file.default_path())


TASK = Task(SPEC, run, before_fork=before_fork)
