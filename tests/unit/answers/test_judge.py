# SPDX-License-Identifier: GPL-3.0-or-later
"""A change in an answer is what the noise of both windows makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.judge import change_size, judge_of
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import START, Lab, figure, window


def noise(value: float, half: float, **fields: Any) -> dict[str, Any]:
    return {"steps": 24, "step": 5.0, "low": value - half, "high": value + half, "freedom": 3, "steady": True, **fields}


@pytest.fixture
def report(tmp_path: Path) -> Any:
    """Three windows: the value doubles in the second and is back in the third."""
    lab = Lab(tmp_path)
    for at, stage, value in ((0, "baseline", 20.0), (200, "benchmark", 40.0), (400, "concurrency", 20.4)):
        figures = [
            figure("told", value, noise=noise(value, 1.0)),
            figure("silent", value),
            figure("bound", value, bound="below"),
            figure("zero", 0.0 if stage == "baseline" else value, noise=noise(value, 1.0)),
        ]
        lab.write(stage, at=at, windows=[window("w", START + at, *figures)])
    return lab.report()


def row(report: Any, name: str) -> Any:
    return next(row for row in report["figures"] if row["id"] == name)


def test_a_change_beyond_noise_and_one_within_it(report: Any) -> None:
    judge = judge_of(report)
    up = judge(row(report, "told"), 0, 1)
    assert (up.state, up.reason) == ("higher", "")
    assert up.size.startswith("+9")
    assert judge(row(report, "told"), 1, 2).state == "lower"
    # Windows that do not follow each other.
    back = judge(row(report, "told"), 0, 2)
    assert (back.state, back.size) == ("same", "within ±7.4 %")


def test_no_change_is_no_answer_where_noise_would_hide_a_large_one(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for at, stage, value in ((0, "baseline", 20.0), (200, "benchmark", 19.0)):
        figures = [figure(f"by_{half}", value, noise=noise(value, half)) for half in (4, 9)]
        lab.write(stage, at=at, windows=[window("w", START + at, *figures)])
    run = lab.report()
    assert judge_of(run)(row(run, "by_4"), 0, 1).state == "same"
    found = judge_of(run)(row(run, "by_9"), 0, 1)
    assert (found.state, found.reason) == ("unknown", "noise would hide a change by half")
    assert row(run, "by_9")["readings"][1]["change"]["verdict"] == "none"


@pytest.mark.parametrize(("name", "reason"), [("silent", "does not say how far noise goes"), ("bound", "only a bound")])
def test_without_noise_nothing_is_a_change(report: Any, name: str, reason: str) -> None:
    found = judge_of(report)(row(report, name), 0, 1)
    assert found.state == "unknown"
    assert reason in found.reason


def test_what_an_answer_says_of_neighbours_is_what_the_tables_say(report: Any) -> None:
    judge = judge_of(report)
    for name in ("told", "silent", "zero"):
        for place in (1, 2):
            change = row(report, name)["readings"][place]["change"]
            state = judge(row(report, name), place - 1, place).state
            assert state == {"none": "same"}.get(change["verdict"], change["verdict"])


def test_sizes() -> None:
    change: Any = {"absolute": 5.0, "ratio": 0.5, "verdict": "higher", "low": 4.0, "high": 6.0, "reason": ""}
    assert change_size(change, "1/s", 10.0) == "+40 % to +60 %"
    assert change_size(change, "1/s", -10.0) == "+40 % to +60 %"
    assert change_size(change, "1/s", 0.0) == "4/s to 6/s more"
    assert change_size({**change, "low": None}, "1/s", 10.0) == "+50 %"
    assert change_size({**change, "verdict": "unknown"}, "1/s", 10.0) == "+50 %"
    assert change_size({**change, "verdict": "none", "low": -2.0}, "1/s", 10.0) == "within ±60 %"
    assert change_size({**change, "low": None, "ratio": None}, "1/s", 0.0) == ""
