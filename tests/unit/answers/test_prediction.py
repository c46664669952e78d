# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions: what is taken for one, and what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers import answer, questions_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.fact_reading import ChangeVerdict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.prediction import (
    given_prediction,
    judged,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import predictions
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import START, Lab, figure, window

QUESTIONS = questions_file.load(questions_file.default_path())
(QUESTION,) = [question for question in QUESTIONS if question.id == "concurrency_throughput"]


def prediction(direction: str, low: float | None = None, high: float | None = None, time: float = 1.0) -> Any:
    return {"question": QUESTION.id, "direction": direction, "low": low, "high": high, "time": time}


def row(**reading: Any) -> Any:
    return {"unit": "1/s", "readings": [None, figure("state_transitions", **reading)]}


@pytest.mark.parametrize(
    ("direction", "state", "outcome"),
    [
        ("up", "higher", "right"),
        ("up", "lower", "wrong"),
        ("up", "same", "wrong"),
        ("same", "same", "right"),
        ("down", "lower", "right"),
        ("down", "higher", "wrong"),
        ("same", "unknown", "undecided"),
        ("up", "unknown", "undecided"),
    ],
)
def test_a_direction_is_right_if_the_change_is_that(direction: str, state: str, outcome: str) -> None:
    assert judged(prediction(direction), state, None, None)["outcome"] == outcome


@pytest.mark.parametrize(
    ("reading", "outcome"),
    [
        ({"value": 50.0, "interval": [49.0, 51.0]}, "right"),
        ({"value": 50.0}, "right"),
        ({"value": 60.5, "interval": [59.0, 62.0]}, "undecided"),
        ({"value": 70.0, "interval": [69.0, 71.0]}, "wrong"),
        ({"value": 50.0, "interval": [49.0, None]}, "undecided"),
        ({"value": 70.0, "interval": [69.0, None]}, "wrong"),
        ({"value": None}, "undecided"),
        ({"value": 50.0, "state": "inconclusive", "reason": "why"}, "undecided"),
    ],
)
def test_a_range_is_right_if_the_value_certainly_lies_in_it(reading: dict[str, Any], outcome: str) -> None:
    found = judged(prediction("up", 40.0, 60.0), "higher", row(**reading), 1)
    assert found["outcome"] == outcome
    assert found["text"] == "up, between 40 and 60/s"


def test_one_wrong_part_makes_it_wrong() -> None:
    assert judged(prediction("down", 40.0, 60.0), "higher", row(value=50.0), 1)["outcome"] == "wrong"
    assert judged(prediction("up", 40.0, 60.0), "unknown", row(value=90.0), 1)["outcome"] == "wrong"
    assert judged(prediction("up", 40.0, 60.0), "higher", None, None)["outcome"] == "undecided"


def test_what_a_user_gives() -> None:
    assert given_prediction(QUESTION, "up", 5.0) == prediction("up", time=5.0)
    given = {"direction": "same", "range": [1, 2.5]}
    assert given_prediction(QUESTION, given, 5.0) == prediction("same", 1, 2.5, time=5.0)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("upp", "the direction 'upp' .did you mean 'up'"),
        (None, "the direction None"),
        (True, "the direction True"),
        ({"range": [1, 2]}, "the direction None"),
        ({"direction": "up", "rnage": [1, 2]}, "has rnage: give a direction"),
        ({"direction": "up", "range": [2, 1]}, "two numbers, the lower one first"),
        ({"direction": "up", "range": [True, 2]}, "two numbers"),
        ({"direction": "up", "range": ["1", "2"]}, "two numbers"),
        ({"direction": "up", "range": 5}, "two numbers"),
        ({"direction": "up", "range": [1, 2, 3]}, "two numbers"),
        # A file with such an end could not be written, or not be read again.
        ({"direction": "up", "range": [1, float("inf")]}, "two numbers"),
        ({"direction": "up", "range": [float("nan"), 1]}, "two numbers"),
        ({"direction": "up", "range": [-1e20, 1]}, "two numbers"),
        ({"direction": "up", "range": [1, 10**400]}, "two numbers"),
    ],
)
def test_what_is_no_prediction_is_refused_by_name(given: Any, fault: str) -> None:
    with pytest.raises(LabError, match=rf"^The prediction for concurrency_throughput .*{fault}"):
        given_prediction(QUESTION, given, 5.0)


def test_the_newest_from_before_the_window_counts(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for at, stage in ((0, "benchmark"), (400, "concurrency")):
        lab.write(stage, at=at, windows=[window(stage, START + at + 10, figure("state_transitions", 20.0 + at))])
    made = [prediction("down", time=START), prediction("up", time=START + 300), prediction("same", time=START + 420)]
    found = answer.answer_questions(lab.report(), [QUESTION], lambda *_: ChangeVerdict("higher"), made)
    assert found[0]["prediction"] is not None
    assert (found[0]["prediction"]["direction"], found[0]["prediction"]["outcome"]) == ("up", "right")
    late = [prediction("same", time=START + 410)]
    found = answer.answer_questions(lab.report(), [QUESTION], lambda *_: ChangeVerdict("higher"), late)
    assert found[0]["prediction"] is None


# --- the file ------------------------------------------------------------------------------------


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert predictions.read_predictions(tmp_path) == []
    made = [prediction("up"), prediction("down", 1.0, 2.0, time=7.0)]
    predictions.write_predictions(tmp_path, made)
    assert predictions.read_predictions(tmp_path) == made
    assert (tmp_path / predictions.FILE).stat().st_mode & 0o777 == 0o600


def test_of_more_than_are_read_the_newest_are_written(tmp_path: Path) -> None:
    made = [prediction("up", time=float(number)) for number in range(predictions.MOST + 3)]
    predictions.write_predictions(tmp_path, made)
    assert predictions.read_predictions(tmp_path) == made[3:]


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"schema": "other", "predictions": []}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": {}}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": [{}]}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": [{"question": "a", "direction": "left", '
        '"low": null, "high": null, "time": 1}]}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": [{"question": "a", "direction": "up", '
        '"low": true, "high": null, "time": 1}]}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": [{"question": "a", "direction": "up", '
        '"low": null, "high": null, "time": null}]}',
        '{"schema": "temporal_lab.benchmarking/predictions/1", "predictions": [{"question": "a", "direction": ["up"], '
        '"low": null, "high": NaN, "time": 1}]}',
    ],
)
def test_what_is_no_file_of_predictions(tmp_path: Path, content: str) -> None:
    (tmp_path / predictions.FILE).write_text(content)
    with pytest.raises(LabError, match=r"^predictions\.json is not a file of predictions: "):
        predictions.read_predictions(tmp_path)


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("{}")
    (tmp_path / predictions.FILE).symlink_to(tmp_path / "other")
    with pytest.raises(LabError, match=r"predictions\.json"):
        predictions.read_predictions(tmp_path)
