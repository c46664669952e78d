# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers to the lab's questions in words, with links to the figures that they are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from ..answers.answer import NOT_MEASURED, Answer
from ..results.report import Report
from .columns import columns
from .words import counted


class LinkedText(TypedDict):
    """A piece of a text. figure: id of the figure that it is read from, whose details it links to; else empty."""

    text: str
    figure: str


class EvidenceRow(TypedDict):
    """A figure that an answer rests on. values: letter, name and value of each window."""

    figure: str
    title: str
    values: list[tuple[str, str, str]]


class AnswerView(TypedDict):
    """A question with its answer. word: what is shown beside one that is open, else empty.

    predicted: what was predicted, and whether it is right; empty where nothing was. outcome: right, wrong, undecided.
    """

    id: str
    question: str
    verdict: str
    word: str
    text: str
    parts: list[LinkedText]
    evidence: list[EvidenceRow]
    limits: str
    why: str
    source: str
    predicted: str
    outcome: str


class StageAnswers(TypedDict):
    """The questions of a stage. note: stands in place of answers where the stage was not measured, else empty."""

    stage: str
    note: str
    answers: list[AnswerView]


def answer_view(report: Report, answers: Sequence[Answer]) -> list[StageAnswers]:
    """The answers by stage, in their order."""
    stages: dict[str, list[Answer]] = {}
    for answer in answers:
        stages.setdefault(answer["stage"], []).append(answer)
    return [_stage(report, stage, found) for stage, found in stages.items()]


def _stage(report: Report, stage: str, answers: Sequence[Answer]) -> StageAnswers:
    if all(answer["verdict"] == NOT_MEASURED for answer in answers):
        note = f"{counted(len(answers), 'question')} open: the stage has not been measured in this run."
        return {"stage": stage, "note": note, "answers": []}
    return {"stage": stage, "note": "", "answers": [_answer(report, answer) for answer in answers]}


def _answer(report: Report, answer: Answer) -> AnswerView:
    parts: list[LinkedText] = [
        {"text": part["text"], "figure": part["figures"][0] if part["figures"] else ""} for part in answer["parts"]
    ]
    prediction = answer["prediction"]
    return {
        "id": answer["id"],
        "question": answer["question"],
        "verdict": answer["verdict"],
        "word": "open" if answer["open"] else "",
        "text": answer["text"],
        "parts": parts,
        "evidence": _evidence(report, answer),
        "limits": answer["limits"],
        "why": answer["why"],
        "source": answer["source"],
        "predicted": f"Predicted: {prediction['text']} – {prediction['outcome']}." if prediction else "",
        "outcome": prediction["outcome"] if prediction else "",
    }


def _evidence(report: Report, answer: Answer) -> list[EvidenceRow]:
    windows = columns(report)
    titles = {row["id"]: row["title"] for row in report["figures"]}
    rows: dict[str, EvidenceRow] = {}
    for one in sorted(answer["evidence"], key=lambda one: one["window"]):
        row = rows.setdefault(
            one["figure"], {"figure": one["figure"], "title": titles.get(one["figure"], one["figure"]), "values": []}
        )
        window = windows[one["window"]]
        row["values"].append((window["letter"], window["name"], one["text"]))
    return list(rows.values())
