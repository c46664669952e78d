# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers that a run's results give to the lab's questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from ..results.predictions import Prediction, newest
from ..results.report import Report
from .fact_reading import UNKNOWN_TEXT, Evidence, FactReading, Judge, place_of, read_fact
from .prediction import JudgedPrediction, judged
from .question import UNKNOWN, Mention, Question, Text
from .questions_file import REASONS

#: Verdict of a question whose stage has no window in the run.
NOT_MEASURED = "not_measured"


class AnswerPart(TypedDict):
    """A piece of an answer's text. figures: ids of the figures that it is read from, none for plain words."""

    text: str
    figures: list[str]


class Answer(TypedDict):
    """A question with the answer of this run.

    verdict: id of the answer in the file of questions, or ``not_measured``. open: the results do not decide.
    facts: the state of each fact, by its name. prediction: what was predicted before the window, and whether it is
    right; None where nothing was.
    """

    id: str
    stage: str
    question: str
    verdict: str
    open: bool
    text: str
    parts: list[AnswerPart]
    facts: dict[str, str]
    evidence: list[Evidence]
    limits: str
    why: str
    source: str
    prediction: JudgedPrediction | None


def answer_questions(
    report: Report, questions: Sequence[Question], judge: Judge, predictions: Sequence[Prediction] = ()
) -> list[Answer]:
    """The answers to questions, in their order.

    judge: says what is known of a change. predictions: of the run; those from before a window count.
    """
    return [_answer(report, question, judge, predictions) for question in questions]


def _answer(report: Report, question: Question, judge: Judge, predictions: Sequence[Prediction]) -> Answer:
    if not any(window["stage"] == question.stage for window in report["windows"]):
        plain = f"The stage {question.stage} has not been measured in this run."
        return _made(question, NOT_MEASURED, True, [{"text": plain, "figures": []}], {}, None)
    readings = {fact.name: read_fact(report, fact, judge) for fact in question.facts}
    for verdict in question.verdicts:
        if all(readings[name].state in states for name, states in verdict.when.items()):
            prediction = _prediction(report, question, readings, predictions)
            return _made(question, verdict.id, verdict.open, _parts(verdict.text, readings), readings, prediction)
    raise AssertionError(f"{question.id}: the last answer holds where no other does")


def _prediction(
    report: Report, question: Question, readings: Mapping[str, FactReading], predictions: Sequence[Prediction]
) -> JudgedPrediction | None:
    """The newest prediction from before the window that it is for, held against what was measured."""
    if not question.predict:
        return None
    fact = question.fact(question.predict)
    place = place_of(report, fact.window)
    made = newest(predictions, question.id, None if place is None else report["windows"][place]["start"])
    if made is None:
        return None
    row = next((row for row in report["figures"] if row["id"] == fact.figure and place is not None), None)
    return judged(made, readings[question.predict].state, row, place)


def _made(
    question: Question,
    verdict: str,
    is_open: bool,
    parts: list[AnswerPart],
    readings: Mapping[str, FactReading],
    prediction: JudgedPrediction | None,
) -> Answer:
    evidence = {
        (one["figure"], one["unit"], one["window"]): one for reading in readings.values() for one in reading.evidence
    }
    return {
        "id": question.id,
        "stage": question.stage,
        "question": question.question,
        "verdict": verdict,
        "open": is_open,
        "text": "".join(part["text"] for part in parts),
        "parts": parts,
        "facts": {name: reading.state for name, reading in readings.items()},
        "evidence": list(evidence.values()),
        "limits": question.limits,
        "why": question.why,
        "source": question.source,
        "prediction": prediction,
    }


def _parts(text: Text, readings: Mapping[str, FactReading]) -> list[AnswerPart]:
    """The text's pieces, in which the words of a fact name the figures that they are of."""
    return [{"text": piece, "figures": []} if isinstance(piece, str) else _mentioned(piece, readings) for piece in text]


def _mentioned(mention: Mention, readings: Mapping[str, FactReading]) -> AnswerPart:
    if mention.fact == REASONS:
        return {"text": _reasons(readings.values()), "figures": []}
    reading = readings[mention.fact]
    return {
        "text": reading.texts.get(mention.which, UNKNOWN_TEXT),
        "figures": list(dict.fromkeys(one["figure"] for one in reading.evidence)),
    }


def _reasons(readings: Iterable[FactReading]) -> str:
    """Why facts are not known; what has the same reason stands together."""
    subjects: dict[str, list[str]] = {}
    for reading in readings:
        if reading.state == UNKNOWN and reading.reason:
            subjects.setdefault(reading.reason, []).append(reading.subject)
    texts = [
        f"{' and '.join(dict.fromkeys(filter(None, found)))}: {reason}" if any(found) else reason
        for reason, found in subjects.items()
    ]
    return "; ".join(texts) or "no reason is given"
