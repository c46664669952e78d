# SPDX-License-Identifier: GPL-3.0-or-later
"""What was used up, in words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.resource_words import (
    resource_sentence,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.used_up import NOT_RULED_OUT, used_up

ONE = [{"name": "10.0.0.1:10250", "used": 1.98, "cores": 2.0}]
CPU = {"history": 0.7, "database": 0.41, "load": 0.33, "worker": 0.001}


def resources(state: str = "free", reason: str = "", **more: Any) -> Any:
    found = {"state": state, "reason": reason, "saturated": [], "machines": ONE, "cpu": CPU, "throttled": {}}
    return {**found, **more}


TWO = [{"name": "b", "used": 1.98, "cores": 2.0}, {"name": "a", "used": 0.5, "cores": 4.0}]
OF_IT = "of which history 0.70, database 0.41, load 0.33"
SENTENCES = {
    f"The machine was used up: 1.98 of 2 cores, {OF_IT}, all else 0.54.": resources("saturated", saturated=["machine"]),
    f"The machine had cores to spare: 1.20 of 2 cores, {OF_IT}.": resources(
        machines=[{"name": "n", "used": 1.2, "cores": 2.0}]
    ),
    (
        f"The 2 machines had one that was used up: 2.48 of 6 cores, the busiest b with 1.98 of 2, "
        f"{OF_IT}, all else 1.04."
    ): (resources("saturated", saturated=["machine b"], machines=TWO)),
    (
        f"The machine had cores to spare: 1.98 of 4 cores, {OF_IT}, all else 0.54. Stopped at their limit of CPU: "
        f"history for 12 % of the time."
    ): resources(
        "saturated",
        saturated=["history"],
        throttled={"history": 0.12},
        machines=[{"name": "n", "used": 1.98, "cores": 4.0}],
    ),
    f"The machine: 1.98 of 2 cores, {OF_IT}, all else 0.54. Not certain: two scrapes.": resources(
        "unknown", "two scrapes", saturated=["machine"]
    ),
    "How much CPU was in use is not known: nobody may ask.": resources(
        "unknown", "nobody may ask", machines=[], cpu={}
    ),
    "How much CPU was in use is not known: no row; of what is known, history 0.70 cores.": resources(
        "unknown", "no row", machines=[], cpu={"history": 0.7}
    ),
    "The machine: 1.00 cores, of which history 0.70, all else 0.30. Not certain: no cores.": resources(
        "unknown", "no cores", machines=[{"name": "n", "used": 1.0, "cores": None}], cpu={"history": 0.7}
    ),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence(text: str) -> None:
    assert resource_sentence(SENTENCES[text]) == text


def test_windows_of_which_the_same_is_said_stand_together() -> None:
    unknown = resources("unknown", "nobody may ask", machines=[], cpu={})
    each = [unknown, resources(), unknown, None]
    windows = [
        {"stage": stage, "name": stage, "title": stage, "start": 0.0, "end": 1.0, "resources": one}
        for stage, one in zip(("baseline", "benchmark", "concurrency", "scale"), each)
    ]
    report: Any = {"windows": windows}
    assert [(one["windows"], one["state"]) for one in used_up(report)] == [
        ("A baseline and C concurrency", "unknown"),
        ("B benchmark", "free"),
    ]
    # Without it other work cannot be ruled out, which is said there and only there.
    assert [one["text"].endswith(NOT_RULED_OUT) for one in used_up(report)] == [True, False]
