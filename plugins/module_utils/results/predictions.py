# SPDX-License-Identifier: GPL-3.0-or-later
"""What a student predicted before a stage: ``predictions.json`` in the run's folder, the newest last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, cast, get_args

from ..bounded_json import Limits, OverLimit, Unfit, fit, parse_json, shown
from ..errors import LabError
from ..files import put_file, read_regular_file
from ..foreign_text import escaped

FILE = "predictions.json"
SCHEMA_ID = "temporal_lab.benchmarking/predictions/1"
LIMITS = Limits(size=2**20, values=50_000)
#: Predictions of a run, changed ones included.
MOST = 2_000

Direction = Literal["up", "down", "same"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class Prediction(TypedDict):
    """What was predicted for a question: the direction of its change, and between what the later value will lie.

    low, high: in the figure's unit; None where no range was given. time: when it was written down, in Unix seconds.
    """

    question: str
    direction: Direction
    low: float | None
    high: float | None
    time: float


def read_predictions(folder: Path) -> list[Prediction]:
    """The predictions of a run, the oldest first; none where there is no file. Raises LabError for one that is broken.

    Its texts are fit to be shown: whoever wrote it may be a stranger.
    """
    path = folder / FILE
    try:
        there = read_regular_file(path, LIMITS.size + 1, follow=False)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LabError(f"{FILE} could not be read: {error.strerror}.") from error
    if there is None:
        raise LabError(f"{FILE} is not a regular file; the lab makes no links, pipes or folders of that name.")
    try:
        content = fit(parse_json(there[0], LIMITS))
        return [_prediction(entry) for entry in _entries(content)]
    except (OverLimit, Unfit, ValueError) as error:
        raise LabError(f"{FILE} is not a file of predictions: {error}.") from None


def write_predictions(folder: Path, predictions: Sequence[Prediction]) -> None:
    """Write a run's predictions, whole or not at all; of more than are read, the newest. Raises LabError."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, allow_nan=False) for one in predictions[-MOST:])
    text = escaped(f'{{"schema": "{SCHEMA_ID}",\n"predictions": [\n{lines}\n]}}\n')
    try:
        put_file(folder / FILE, text.encode())
    except OSError as error:
        raise LabError(
            f"Writing {folder / FILE} failed: {error.strerror}; the run's folder must be writable, with free space."
        ) from error


def newest(predictions: Sequence[Prediction], question: str, before: float | None = None) -> Prediction | None:
    """The newest prediction for a question; before: written down before this time."""
    found = [one for one in predictions if one["question"] == question and (before is None or one["time"] < before)]
    return max(found, key=lambda one: one["time"], default=None)


def _entries(content: Any) -> list[Any]:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA_ID:
        schema = content.get("schema") if isinstance(content, dict) else content
        raise ValueError(f"its schema is {shown(str(schema), 60)}, not {SCHEMA_ID}")
    entries = content.get("predictions")
    if not isinstance(entries, list) or len(entries) > MOST:
        raise ValueError(f"`predictions` is not a list of at most {MOST}")
    return entries


def _prediction(entry: Any) -> Prediction:
    if not isinstance(entry, dict) or set(entry) != set(Prediction.__annotations__):
        raise ValueError(f"a prediction has {', '.join(Prediction.__annotations__)}")
    if not isinstance(entry["question"], str) or entry["direction"] not in DIRECTIONS:
        raise ValueError("a prediction names no question, or no direction")
    for name in ("low", "high", "time"):
        value = entry[name]
        if isinstance(value, bool) or (not isinstance(value, (int, float)) and (value is not None or name == "time")):
            raise ValueError(f"{name} of a prediction is no number")
    return cast(Prediction, entry)
