# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_predict: predictions are written before a stage, and not after it."""

from __future__ import annotations

import json
import os
import pty
import select
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers import questions_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.predictions import read_predictions
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_predict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS, ROOT, run_playbook
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, STUDENT, Lab, do


def predict(lab: Lab, **given: Any) -> dict[str, Any]:
    return do(lab_predict, lab.folder, run=RUN, **given)


def test_predictions_are_written_once_with_their_time(lab: Lab) -> None:
    before = time.time()
    given = {"concurrency_throughput": "up", "scale_worth": {"direction": "same", "range": [10, 20]}}
    done = predict(lab, predictions=given)
    assert done["changed"]
    assert before - 1 <= done["predictions"]["scale_worth"]["time"] <= time.time() + 1
    assert [(one["question"], one["direction"], one["low"]) for one in read_predictions(lab.path)] == [
        ("concurrency_throughput", "up", None),
        ("scale_worth", "same", 10),
    ]
    assert "concurrency_latency" in done["open"]
    again = predict(lab, predictions=given)
    assert (again["changed"], again["predictions"]) == (False, done["predictions"])


def test_a_changed_mind_is_kept_beside_the_first(lab: Lab) -> None:
    predict(lab, predictions={"scale_worth": "up"})
    done = predict(lab, predictions={"scale_worth": "down"})
    assert done["predictions"]["scale_worth"]["direction"] == "down"
    assert [one["direction"] for one in read_predictions(lab.path)] == ["up", "down"]


def test_one_that_comes_too_late_is_refused(lab: Lab) -> None:
    predict(lab, predictions={"concurrency_throughput": "up"})
    lab.write("concurrency")
    with pytest.raises(LabError, match=rf"for concurrency_latency comes too late: run {RUN} did the stage concurrency"):
        predict(lab, predictions={"concurrency_latency": "up"})
    with pytest.raises(LabError, match="comes too late"):
        predict(lab, predictions={"concurrency_throughput": "down"})
    # What is there already may stay in a file of variables; other stages are open still.
    done = predict(lab, predictions={"concurrency_throughput": "up", "scale_worth": "up"})
    assert done["changed"]
    assert "concurrency_latency" not in done["open"]


def test_check_mode_writes_nothing(lab: Lab) -> None:
    lab.path.mkdir(parents=True)
    done = do(lab_predict, lab.folder, check=True, run=RUN, predictions={"scale_worth": "up"})
    assert done["changed"]
    assert not (lab.path / "predictions.json").exists()


def test_a_question_that_there_is_not(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"nothing to predict for 'scale_wort' .did you mean 'scale_worth'"):
        predict(lab, predictions={"scale_wort": "up"})
    with pytest.raises(LabError, match="nothing to predict for 'scale_balance'"):
        predict(lab, predictions={"scale_balance": "up"})


def asking(lab: Lab, *said: str | None, **given: Any) -> tuple[dict[str, Any], list[str]]:
    """The task with a user who says this, line by line."""
    asked: list[str] = []
    answers = iter(said)

    def ask(question: str) -> str | None:
        asked.append(question)
        return next(answers)

    params = {name: option.get("default") for name, option in lab_predict.SPEC.items()}
    params.update(results_dir=str(lab.folder), student=STUDENT, run=RUN, **given)
    return lab_predict.run(params, Context(ask=ask)), asked


def test_it_asks_for_what_was_not_given_until_it_is_a_direction(lab: Lab) -> None:
    lab.write("benchmark")
    done, asked = asking(lab, "maybe", " UP ", "", "same", "", "", predictions={"scale_worth": "up"})
    assert {name: one["direction"] for name, one in done["predictions"].items()} == {
        "scale_worth": "up",
        "concurrency_throughput": "up",
        "concurrency_shard_lock": "same",
    }
    # Not for a stage that is done, nor for what was given.
    assert len(asked) == 5
    assert not any("under load" in question or "second history pod" in question for question in asked)


def test_without_a_terminal_it_asks_nothing(lab: Lab) -> None:
    done, asked = asking(lab, None)
    assert (done["predictions"], len(asked)) == ({}, 1)
    done, asked = asking(lab, ask=False)
    assert asked == []


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    options = {"results_dir": str(tmp_path / "results"), "student": "ann", "run": "r"}
    tasks = [{"temporal_lab.benchmarking.lab_predict": options}]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return tmp_path


def test_a_playbook_without_a_terminal_goes_on(playbook: Path) -> None:
    done = run_playbook(playbook, "ann,", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (playbook / "results" / "ann" / "r" / "predictions.json").exists()


def test_a_playbook_asks_in_a_terminal(playbook: Path) -> None:
    """Through Ansible's own prompt: the worker that runs the task has no terminal."""
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "ann,", "-c", "local", "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(playbook)
        os.execve(sys.executable, command, environment)
    shown = b""
    end = time.monotonic() + HANGS
    while time.monotonic() < end:
        # Ansible drops what is typed before it listens: whoever is not answered types it again.
        if not select.select([terminal], [], [], 1)[0]:
            if b"/same" in shown:
                os.write(terminal, b"down\r")
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            # The other end was closed: the playbook is over.
            break
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown.decode(errors="replace")
    assert b"ann: Will writes wait longer" in shown
    assert {one["question"]: one["direction"] for one in read_predictions(playbook / "results" / "ann" / "r")} == {
        question.id: "down" for question in questions_file.load(questions_file.default_path()) if question.predict
    }
