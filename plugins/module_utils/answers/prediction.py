# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions: reading what a student gives, and holding it against what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from ..bounded_json import MOST_NUMBER
from ..errors import LabError
from ..formatting import interval_text
from ..results.predictions import DIRECTIONS, Direction, Prediction
from ..results.report import FigureRow
from ..shaped_yaml import meant
from .question import Question

#: The state of a change that each direction predicts.
STATES: Mapping[Direction, str] = {"up": "higher", "down": "lower", "same": "same"}

Outcome = Literal["right", "wrong", "undecided"]


class JudgedPrediction(TypedDict):
    """A prediction beside what was measured. text: what was predicted, in words."""

    direction: Direction
    low: float | None
    high: float | None
    time: float
    outcome: Outcome
    text: str


def given_prediction(question: Question, given: Any, now: float) -> Prediction:
    """A prediction as a user gives it: a direction, or ``direction`` and a ``range``. Raises LabError."""
    value = given if isinstance(given, dict) else {"direction": given}
    place = f"The prediction for {question.id}"
    odd = sorted(map(str, set(value) - {"direction", "range"}))
    if odd:
        raise LabError(f"{place} has {', '.join(odd)}: give a direction, and a range if you like.")
    direction = value.get("direction")
    if direction not in DIRECTIONS:
        raise LabError(f"{place} has the direction {direction!r}{meant(direction, DIRECTIONS)}.")
    ends = value.get("range", [None, None])
    if ends != [None, None] and not _is_range(ends):
        raise LabError(f"{place} has the range {ends!r}: give two numbers, the lower one first, such as [60, 90].")
    return {"question": question.id, "direction": direction, "low": ends[0], "high": ends[1], "time": round(now, 3)}


def _is_range(ends: Any) -> bool:
    return (
        isinstance(ends, list)
        and len(ends) == 2
        and all(isinstance(end, (int, float)) and not isinstance(end, bool) and abs(end) <= MOST_NUMBER for end in ends)
        and ends[0] <= ends[1]
    )


def judged(prediction: Prediction, state: str, row: FigureRow | None, place: int | None) -> JudgedPrediction:
    """A prediction held against what was measured.

    state: of the change. row, place: the figure and the later window, for a range; None where it was not measured.
    It is right if all that it says is, and wrong if any of it is.
    """
    outcomes: list[Outcome] = [_direction(prediction["direction"], state)]
    text: str = prediction["direction"]
    if prediction["low"] is not None and prediction["high"] is not None:
        outcomes.append(_range(prediction["low"], prediction["high"], row, place))
        text += f", {interval_text(prediction['low'], prediction['high'], row['unit'] if row else '')}"
    outcome: Outcome = "wrong" if "wrong" in outcomes else "undecided" if "undecided" in outcomes else "right"
    return {
        "direction": prediction["direction"],
        "low": prediction["low"],
        "high": prediction["high"],
        "time": prediction["time"],
        "outcome": outcome,
        "text": text,
    }


def _direction(direction: Direction, state: str) -> Outcome:
    if state not in STATES.values():
        return "undecided"
    return "right" if STATES[direction] == state else "wrong"


def _range(low: float, high: float, row: FigureRow | None, place: int | None) -> Outcome:
    """Whether a value lies in a range, by the interval that it certainly lies in."""
    reading = row["readings"][place] if row is not None and place is not None else None
    if reading is None or reading["value"] is None or reading["state"] in ("inconclusive", "error"):
        return "undecided"
    ends = reading.get("interval") or [reading["value"], reading["value"]]
    lowest, highest = ends[0], ends[1]
    if (lowest is not None and lowest > high) or (highest is not None and highest < low):
        return "wrong"
    if lowest is not None and highest is not None and low <= lowest and highest <= high:
        return "right"
    return "undecided"
