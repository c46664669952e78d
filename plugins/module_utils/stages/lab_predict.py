# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_predict: writes down what a student predicts, before it is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..answers import questions_file
from ..answers.prediction import given_prediction
from ..answers.question import Question
from ..errors import LabError
from ..formatting import clock_text
from ..results.lab_run import open_run
from ..results.predictions import DIRECTIONS, Prediction, newest, read_predictions, write_predictions
from ..results.runs import Run
from ..results.stage_file import without_figures
from ..shaped_yaml import meant
from ..task import Context, Params, Result, Task

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "predictions": {"type": "dict", "default": {}},
    "questions": {"type": "path"},
    "ask": {"type": "bool", "default": True},
}

#: Asks one line of the user; None where there is no terminal.
Ask = Callable[[str], "str | None"]


def run(params: Params, context: Context) -> Result:
    """Write predictions into the run's folder. Raises LabError, for one that comes too late as well.

    Returns ``run``, ``predictions`` (those that count now, by question) and ``open`` (questions without one).
    """
    questions = questions_file.load(params["questions"] or questions_file.default_path())
    asked = {question.id: question for question in questions if question.predict}
    unknown = [name for name in params["predictions"] if name not in asked]
    if unknown:
        raise LabError(f"There is nothing to predict for {unknown[0]!r}{meant(unknown[0], asked)}.")
    opened = open_run(
        Path(os.path.abspath(params["results_dir"])),
        params["student"],
        params["run"],
        check_mode=context.check_mode,
        keep=without_figures,
    )
    found = opened.run
    before = read_predictions(found.path) if os.path.isdir(found.path) else []
    now = time.time()
    added = [_given(found, asked[name], given, before, now) for name, given in params["predictions"].items()]
    new = [one for one in added if one is not None]
    if params["ask"]:
        open_ones = [
            question
            for question in asked.values()
            if question.id not in params["predictions"] and _measured(found, question) is None
        ]
        new += _asked(open_ones, before, context.ask)
    if new and not context.check_mode:
        write_predictions(found.path, [*before, *new])
    known = {name: newest([*before, *new], name) for name in asked}
    return {
        "changed": bool(new) or opened.made,
        "run": found.name,
        "predictions": {name: one for name, one in known.items() if one is not None},
        "open": [name for name, one in known.items() if one is None and _measured(found, asked[name]) is None],
    }


def _measured(run: Run, question: Question) -> float | None:
    """When the question's stage was first measured in this run; None where it was not."""
    return min((record["started"] for record in run.stages.get(question.stage, ())), default=None)


def _given(run: Run, question: Question, given: Any, before: list[Prediction], now: float) -> Prediction | None:
    """A prediction that was given; None where it is written down already. Raises LabError for one that is too late."""
    prediction = given_prediction(question, given, now)
    there = newest(before, question.id)
    if there is not None and {**there, "time": 0} == {**prediction, "time": 0}:
        return None
    began = _measured(run, question)
    if began is not None:
        raise LabError(
            f"The prediction for {question.id} comes too late: run {run.name} did the stage {question.stage} at "
            f"{clock_text(began)} UTC. Predict before a stage, or begin another run with lab_run_new=true."
        )
    return prediction


def _asked(questions: list[Question], before: list[Prediction], ask: Ask) -> list[Prediction]:
    """What the user answers, question by question; nothing where there is no terminal."""
    found: list[Prediction] = []
    for question in questions:
        there = newest(before, question.id)
        kept = f", Enter keeps {there['direction']}" if there else ", Enter for no prediction"
        while True:
            said = ask(f"{question.predicts} [{'/'.join(DIRECTIONS)}{kept}]")
            if said is None:
                return found
            word = said.strip().lower()
            if word in DIRECTIONS or not word:
                break
        if word and (there is None or word != there["direction"]):
            found.append(given_prediction(question, word, time.time()))
    return found


def before_fork() -> None:
    """Load what all students need."""
    questions_file.load(questions_file.default_path())


TASK = Task(SPEC, run, before_fork=before_fork)
