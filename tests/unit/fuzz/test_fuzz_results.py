# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz targets of what reads results: stage files, runs and classes of them, files of samples."""

from __future__ import annotations

import copy
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers import (
    answer,
    prediction,
    questions_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.compared_runs import (
    Choices,
    compare_runs,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.fact_reading import ChangeVerdict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import marks
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    profile_file,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    class_markdown,
    class_page,
    class_terminal,
    comparison_markdown,
    comparison_page,
    comparison_terminal,
    run_markdown,
    run_page,
    run_terminal,
    sealed_page,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    predictions,
    runs,
    stage_file,
    student_results,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.chosen_run import chosen_run
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_class import build_class
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_run import build_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.report import Report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_reanalyse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import as_json, damaged, fuzz, leaves, values
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_ledger_view import killed
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_used_up import resources
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    distribution,
    figure,
    full,
    series,
    window,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.stages.test_lab_reanalyse import kept
from hypothesis import strategies as st


def good_stage() -> dict[str, Any]:
    """A stage file with something of everything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Lab(Path(folder)).write(
            "scale",
            windows=[
                window(
                    "first",
                    START,
                    full(
                        "work",
                        40.0,
                        key=True,
                        interval=[30.0, None],
                        thresholds={"warn": 1.0, "relative": {"window": "idle", "warn": 2.0}},
                        compared={"window": "idle", "value": 20.0, "ratio": 2.0},
                    ),
                    full("lock", 0.001, unit="s", bound="below", observations=40.0),
                ),
                window("after", START + 120, figure("work", 50.0, key=True, by={"a": 1.0, "b": None})),
            ],
            series=[series("work", [[START, 1.0], [START + 5, None], [START + 10, 2.0]], labels={"pod": "a"}, step=5)],
            events=[{"name": "began", "title": "it began", "time": START}],
            versions={"temporal_server": "1.31.2"},
            settings={"window": 120, "scrape_interval": 5},
            facts={
                "findings": [{"id": "f", "state": "warn", "title": "t", "effect": "e", "cure": "c"}],
                "shards": {"before": {"a": 512}, "after": {"a": 256, "b": 256}, "expected": 512, "settled": 4.1},
                "restarts": {"a": 1},
                "ready_seconds": 4.0,
                "leftovers": ["x"],
            },
        )
        found: dict[str, Any] = json.loads(path.read_text())
    first = found["windows"][0]
    first["figures"][0]["noise"] = {
        "steps": 24,
        "step": 5.0,
        "low": 35.0,
        "high": None,
        "freedom": 11,
        "halves": [38.0, 42.0],
        "steady": True,
        "burst": {"start": 5.0, "length": 10.0, "share": 0.6},
    }
    first["distributions"] = [distribution("lock", (None, 0.001, [4.0, None]), (0.001, None, [0.5, 2.0]))]
    first["resources"] = resources("saturated", saturated=["machine"], throttled={"history": 0.1})
    first["completions"] = [
        {"witness": "server", "value": 40.0, "interval": [39.0, None], "reason": ""},
        {"witness": "visibility", "value": None, "interval": [None, None], "reason": "no", "by": {"Completed": 4}},
    ]
    found["ledger"] = killed()
    return found


GOOD = good_stage()
#: Figures that the lab's questions ask for, by window.
FIGURES = {"first": ("shards_acquired", "shards_closed"), "after": ("shards_per_pod",)}
SEAL = b"<!-- temporal_lab page " + b"0" * 64 + b" -->\n"


@fuzz(st.one_of(damaged(GOOD).map(as_json), st.binary(max_size=60), st.just(b"[" * 100_000)))
def test_fuzz_stage_files(text: bytes) -> None:
    """One file of two is damaged: the other is in the report, and every form of it can be written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = Lab(folder).write("baseline").with_name("scale-1.json")
        path.write_bytes(text)
        run = runs.read_run(folder, STUDENT, RUN)
        assert list(run.stages) == (["baseline"] if run.unreadable else ["baseline", "scale"])
        report = build_report(run)
        texts = [stage_file.to_json(report), run_markdown.to_markdown(report), run_terminal.to_terminal(report, "p")]
        marks.wanted(run)
        found = build_class([student_results.read_student([folder], STUDENT)])
        texts += [stage_file.to_json(found), class_markdown.to_markdown(found), class_page.to_html(found)]
        texts += [class_terminal.to_terminal(found, "p")]
        for written in texts:
            assert all(sign.isprintable() or sign == "\n" for sign in written)
            written.encode()


SERVER_CHANGES = profile_file.load(profile_file.default_path()).server_changes


@fuzz(st.tuples(damaged(GOOD).map(as_json), st.sampled_from(["base", "other"])))
def test_fuzz_comparisons(one: tuple[bytes, str]) -> None:
    """One of two runs is damaged: it is refused in a sentence, or every form of their comparison can be written."""
    text, damaged_side = one
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = {"base": as_json(GOOD), "other": as_json(GOOD), damaged_side: text}
        for side, content in sides.items():
            path = folder / side / "run" / "scale-1.json"
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        base, other = (build_report(chosen_run(folder, STUDENT, str(folder / side / "run"))) for side in sides)
        found = compare_runs(base, other, SERVER_CHANGES, Choices())
        assert found["outcome"] in ("worse", "not_worse", "undecided")
        texts = [stage_file.to_json(found), comparison_markdown.to_markdown(found), comparison_page.to_html(found)]
        texts += [comparison_terminal.to_terminal(found, "p")]
        for written in texts:
            assert all(sign.isprintable() or sign == "\n" for sign in written)
            written.encode()


QUESTIONS = questions_file.load(questions_file.default_path())
#: With a figure that the lab's questions ask for, in a window that they name.
ASKED = {
    **GOOD,
    "windows": [
        {**one, "figures": [{**found, "id": name} for found, name in zip(one["figures"], FIGURES[one["name"]])]}
        for one in GOOD["windows"]
    ],
}


@fuzz(damaged(ASKED).map(as_json))
def test_fuzz_answers(text: bytes) -> None:
    """The answers to the lab's questions by results of somebody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Lab(folder).write("scale").write_bytes(text)
        report = build_report(runs.read_run(folder, STUDENT, RUN))
        for judge in (lambda *_: ChangeVerdict("higher", "by 1"), lambda *_: ChangeVerdict("unknown")):
            json.dumps(answer.answer_questions(report, QUESTIONS, judge)).encode()


QUESTION = yaml.safe_load(questions_file.default_path().read_text(encoding="utf-8"))
YAMLISH = st.text(alphabet="[]{}:,-&*!|>'\"\n #?%@a1 ", max_size=60)


def measured_report() -> Report:
    """A report on the window of the lab's first question, with few drawings."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        figures = [figure(f"persistence_latency_{part}", 0.1, unit="s", key=True) for part in ("p50", "p99")]
        lab.write("baseline", windows=[window("baseline", START, *figures)])
        return lab.report()


MEASURED = measured_report()


@fuzz(
    st.one_of(
        damaged({**QUESTION, "questions": QUESTION["questions"][:2]}).map(lambda data: as_json(data).decode()), YAMLISH
    )
)
def test_fuzz_files_of_questions(text: str) -> None:
    """The words of somebody else's questions in a report."""
    asked = questions_file.parse.__wrapped__(text, "q.yml")
    answers = answer.answer_questions(MEASURED, asked, lambda *_: ChangeVerdict("unknown"))
    for written in (
        run_markdown.to_markdown(MEASURED, answers),
        run_terminal.to_terminal(MEASURED, "p", answers=answers),
        run_page.to_html(MEASURED, answers),
    ):
        assert all(sign.isprintable() or sign == "\n" for sign in written)


PREDICTED = {"question": "scale_worth", "direction": "up", "low": 60.0, "high": 90.0, "time": START}
PREDICTIONS = {"schema": predictions.SCHEMA_ID, "predictions": [PREDICTED, {**PREDICTED, "low": None, "high": None}]}


@fuzz(st.one_of(damaged(PREDICTIONS).map(as_json), st.binary(max_size=60), st.just(b"[" * 100_000)))
def test_fuzz_files_of_predictions(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name, predictions.FILE).write_bytes(text)
        found = predictions.read_predictions(Path(name))
        for one in found:
            assert prediction.judged(one, "higher", None, None)["text"].isprintable()
        json.dumps([predictions.newest(found, "scale_worth", START + 1)], allow_nan=False).encode()


@fuzz(
    st.one_of(
        values,
        damaged({"direction": "up", "range": [60, 90]}),
        st.lists(leaves).map(lambda ends: {"direction": "up", "range": ends}),
    )
)
def test_fuzz_predictions_of_users(given: Any) -> None:
    """What is taken can be written, and is read as it was written."""
    made = prediction.given_prediction(QUESTIONS[0], given, START)
    with tempfile.TemporaryDirectory() as name:
        predictions.write_predictions(Path(name), [made])
        assert predictions.read_predictions(Path(name)) == [made]


@fuzz(st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(lambda text: text + SEAL)))
def test_fuzz_seals(page: bytes) -> None:
    """No page that somebody else wrote has the seal."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "report.html"
        path.write_bytes(page)
        assert not sealed_page.is_sealed(path, STUDENT, RUN, b"k" * sealed_page.KEY_BYTES)


def test_what_is_damaged_is_read_before() -> None:
    """Otherwise every target below would only see that a file is refused."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        lab.write("scale").write_text(json.dumps(GOOD))
        report = lab.report()
        assert [problem for problem in report["problems"] if problem["kind"] == "file"] == []
        assert any(stage["ledger"] for stage in report["stages"])
        assert report["distributions"]


@fuzz(
    st.sampled_from(["windows", "series", "events", "ledger"]).flatmap(
        lambda field: damaged(GOOD[field]).map(lambda part: {**GOOD, field: part})
    ),
    cost=8,
)
def test_fuzz_pages(record: Any) -> None:
    """The page of a run with all of its drawings."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        lab.write("scale").write_text(json.dumps(record))
        report = lab.report()
        answers = answer.answer_questions(report, QUESTIONS, lambda *_: ChangeVerdict("unknown"))
        run_page.to_html(report, answers).encode()


def good_samples() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = samples_file.save_new(folder, "baseline", kept("baseline"))
        found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        return found


SAMPLES = good_samples()


@fuzz(damaged(SAMPLES))
def test_fuzz_samples(data: Any) -> None:
    """Damage to a file of samples is one sentence, or figures come of it."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "baseline-1.samples.json.gz"
        path.write_bytes(gzip.compress(json.dumps(copy.deepcopy(data)).encode()))
        found = samples_file.load(path)
        _bound = found.question.bound
        try:
            figures = kept_samples.figures(found)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
            # What lab_reanalyse tells of and leaves out.
            return
        json.dumps(figures)


@fuzz(damaged(SAMPLES))
def test_fuzz_working_out_again(data: Any) -> None:
    """A damaged file of samples costs itself: the other stage of the run is worked out again."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        samples_file.save_new(lab.path, "benchmark", kept("benchmark", 100))
        lab.path.joinpath("baseline-1.samples.json.gz").write_bytes(gzip.compress(as_json(data)))
        given = {"results_dir": name, "student": STUDENT, "run": RUN, "profile": None, "variables": {}}
        result = lab_reanalyse.run(given, Context())
        assert [one["result"] for one in result["stages"] if one["stage"] == "benchmark"] == ["recovered"]
        json.dumps(result).encode()
