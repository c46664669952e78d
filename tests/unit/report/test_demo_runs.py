# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of five real runs of the node, recorded: what each answers, and that its numbers are figures of the run."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.formatting import value_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_reanalyse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.demo_runs import (
    ANSWERS,
    DEMO,
    NAMES,
    answered,
    copied,
    reported,
)

EXPECTED: dict[str, Any] = yaml.safe_load(ANSWERS.read_text())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def reports(results: Path) -> dict[str, dict[str, Any]]:
    return {name: reported(results, name) for name in NAMES}


def measured(results: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every window of a run as its stage file has it, with the name of its stage."""
    for path in sorted(results.glob(f"{name}/*/*-?.json")):
        record = json.loads(path.read_text())
        for window in record.get("windows") or []:
            yield record["stage"], window


@pytest.mark.parametrize("name", NAMES)
def test_each_question_has_the_answer_of_this_run_with_its_numbers(
    name: str, reports: dict[str, dict[str, Any]]
) -> None:
    assert answered(reports[name]) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_a_figure_of_the_run(name: str, reports: dict[str, dict[str, Any]], results: Path) -> None:
    report = reports[name]
    files = {(stage, window["name"]): window for stage, window in measured(results, name)}
    checked = 0
    for answer in report["answers"]:
        for shown in answer["evidence"]:
            place = report["windows"][shown["window"]]
            window = files[(place["stage"], place["name"])]
            (figure,) = [one for one in window["figures"] if one["id"] == shown["figure"]]
            if figure["value"] is None:
                assert shown["text"] == "not known"
            else:
                assert shown["text"] == value_text(figure["value"], figure["unit"], figure.get("bound", ""))
            checked += 1
    assert checked >= 5


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_on_the_page_and_in_markdown(name: str, reports: dict[str, dict[str, Any]]) -> None:
    page = " ".join(html.unescape(re.sub(r"<[^>]+>", "", reports[name]["html"])).split())
    text = " ".join(reports[name]["markdown"].replace("\\", "").split())
    for answer in reports[name]["answers"]:
        if answer["verdict"] != "not_measured":
            assert answer["text"] in page, answer["id"]
            assert answer["text"] in text, answer["id"]


def test_answers_differ_as_the_runs_differ() -> None:
    """No question that more than one run measured under other circumstances has a canned answer."""
    verdicts = {
        question: {EXPECTED[name][question]["verdict"] for name in NAMES} - {"not_measured"}
        for question in EXPECTED["normal"]
    }
    assert len(verdicts["load_transitions"]) > 1
    assert len(verdicts["concurrency_throughput"]) > 1
    # Where the verdict is the same, the numbers are the run's own.
    for question in verdicts:
        numbers = [tuple(found["numbers"]) for run in EXPECTED.values() if (found := run[question])["numbers"]]
        assert len(set(numbers)) == len(numbers), question


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_samples_give_the_same_figures_again(name: str, tmp_path: Path) -> None:
    shutil.copytree(DEMO / name, tmp_path / name)
    recorded = {(stage, window["name"]): window for stage, window in measured(tmp_path, name)}
    params = {"results_dir": str(tmp_path), "student": name, "run": None, "profile": None, "variables": {}}
    again = lab_reanalyse.run(params, Context())
    assert again["problems"] == []
    assert len(again["stages"]) == len({stage for stage, _window in recorded})
    for stage, window in measured(tmp_path, name):
        before = recorded[stage, window["name"]]
        assert told(window) == told(before), stage


def told(window: dict[str, Any]) -> dict[str, Any]:
    """What a window's figures say, to twelve digits."""

    def rounded(value: Any) -> Any:
        return float(f"{value:.12g}") if isinstance(value, float) else value

    return {
        figure["id"]: (rounded(figure["value"]), list(map(rounded, figure.get("interval") or [])), figure["state"])
        for figure in window["figures"]
    }


def test_the_recordings_tell_nothing_of_who_made_them() -> None:
    for path in DEMO.rglob("*.json"):
        text = path.read_text()
        assert not re.search(r"/(?:root|home|tmp|work)/", text), path
