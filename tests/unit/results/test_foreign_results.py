# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of others: what is no regular file, far too much, or made to break a report costs itself and nothing else."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    attempts,
    derived_file,
    merged_problems,
    names,
    run_bounds,
    runs,
    stage_file,
    student_results,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_class import build_class
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    figure,
    series,
    window,
)

Place = Callable[[Path], object]


def in_time(job: Callable[[], Any]) -> Any:
    """The job's result; a job that waits for ever fails the test instead of ending it."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(job()), daemon=True)
    thread.start()
    thread.join(60)
    assert found, "it is still waiting"
    return found[0]


def write_record(lab: Lab, stage: str, **fields: Any) -> Path:
    """A stage file that no lab has written: nothing of it is checked."""
    path = lab.write(stage)
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path


# --- what is no regular file ---------------------------------------------------------------------

NO_FILES: list[tuple[str, Place]] = [
    ("a pipe", os.mkfifo),
    ("a folder", Path.mkdir),
    ("a link to a device that never ends", lambda path: path.symlink_to("/dev/zero")),
    ("a link to a file", lambda path: path.symlink_to("/etc/passwd")),
    ("a link to itself", lambda path: path.symlink_to(path.name)),
]
no_files = pytest.mark.parametrize(
    "place", [place for _name, place in NO_FILES], ids=[name for name, _place in NO_FILES]
)


@no_files
def test_what_is_no_regular_file_is_not_read(lab: Lab, place: Place) -> None:
    lab.write("baseline")
    place(lab.path / "scale-1.json")
    run = in_time(lambda: runs.read_run(lab.folder, STUDENT, RUN))
    assert list(run.stages) == ["baseline"]
    assert [problem.text for problem in run.problems] == [
        "scale-1.json is not a regular file; stage files are never links, pipes or folders."
    ]


@pytest.mark.parametrize("place", [NO_FILES[0][1], NO_FILES[2][1], NO_FILES[3][1]], ids=["pipe", "device", "link"])
def test_a_report_takes_the_place_of_what_is_no_regular_file(tmp_path: Path, place: Place) -> None:
    path = tmp_path / "report.html"
    place(path)
    assert in_time(lambda: derived_file.replace_file(path, "text"))
    assert path.read_text() == "text"
    assert not path.is_symlink()
    assert Path("/etc/passwd").read_text() != "text"


def test_a_sign_that_has_no_bytes_does_not_end_a_report(tmp_path: Path) -> None:
    assert derived_file.replace_file(tmp_path / "report.md", "a\ud800b")
    assert not derived_file.replace_file(tmp_path / "report.md", "a\ud800b")
    assert (tmp_path / "report.md").read_text() == "a?b"


# --- links to folders ----------------------------------------------------------------------------


def test_a_link_to_a_students_folder_is_told_and_the_others_are_found(tmp_path: Path) -> None:
    Lab(tmp_path / "results", "ann").write("install")
    Lab(tmp_path / "else", "bob").write("install")
    (tmp_path / "results" / "bob").symlink_to(tmp_path / "else" / "bob")
    (tmp_path / "results" / "readme").symlink_to("/etc/passwd")
    found, [problem] = student_results.find_students([tmp_path / "results"])
    assert found == ["ann"]
    assert problem.startswith(f"{tmp_path / 'results' / 'bob'} is a link to a folder, and links are not followed")
    with pytest.raises(LabError, match="bob is a link"):
        runs.list_runs(tmp_path / "results", "bob")


def test_a_link_to_a_run_is_told_and_the_other_runs_are_found(lab: Lab) -> None:
    lab.write("install")
    Lab(lab.folder / "else", STUDENT, "20261124T170000Z").write("install", state="failed")
    (lab.path.parent / "20261124T170000Z").symlink_to(lab.folder / "else" / STUDENT / "20261124T170000Z")
    assert runs.list_runs(lab.folder, STUDENT) == [RUN]
    found = student_results.read_student([lab.folder], STUDENT)
    assert found.run == RUN
    [problem] = found.problems
    assert problem.startswith("The run 20261124T170000Z is a link to a folder")
    with pytest.raises(LabError, match="is a link"):
        runs.read_run(lab.folder, STUDENT, "20261124T170000Z")


@pytest.mark.parametrize("linked", ["student", "run"])
def test_nothing_is_written_through_a_link(lab: Lab, linked: str) -> None:
    (lab.folder / "else").mkdir()
    path = lab.path if linked == "run" else lab.path.parent
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(lab.folder / "else")
    for job in (
        lambda: runs.make_run_folder(lab.path),
        lambda: lab.write("scale"),
        lambda: attempts.write_samples(lab.path, "scale", b""),
    ):
        with pytest.raises(LabError, match="is a link"):
            job()
    assert list((lab.folder / "else").iterdir()) == []


def test_results_may_themselves_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    Lab(tmp_path / "results").write("scale")
    assert runs.latest_run(tmp_path / "results", STUDENT) == RUN


# --- too much ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"message": "A" * 20_000_000, "state": "failed"}, "is larger than 16 MiB"),
        ({"facts": {"many": [0] * 1_000_001}}, "more than 1,000,000 values"),
        ({"facts": {f"k{number}": 0 for number in range(501)}}, "facts is not of schema"),
        ({"events": [{"name": "e", "title": "t", "time": START}] * 1001}, "events is not of schema"),
        ({"windows": [window(f"w{number}", START) for number in range(51)]}, "windows is not of schema"),
        ({"facts": {"size": 1e300}}, "facts.size is larger"),
        ({"windows": [window("w", START, figure("x", 1e308))]}, "windows[0].figures[0].value is larger"),
        ({"windows": [window("w", START, figure("x", 1.0, title="t" * 501))]}, "title is not of schema"),
        ({"message": "\ud800", "state": "failed"}, "message is empty"),
    ],
)
def test_a_file_beyond_the_limits_is_left_out_with_the_reason(lab: Lab, fields: dict[str, Any], told: str) -> None:
    lab.write("baseline")
    write_record(lab, "scale", **fields)
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert list(run.stages) == ["baseline"]
    [problem] = run.problems
    assert problem.text.startswith("scale-1.json ")
    assert told in problem.text
    assert len(problem.text) < 600


def test_texts_are_made_fit_to_be_shown(lab: Lab) -> None:
    path = write_record(lab, "scale", facts={"a\x1b[2J": "b\rCLASS: done\u202e\ud800"}, message="one\n## two")
    record = stage_file.read_stage(path)
    assert record["facts"] == {"a [2J": "b CLASS: done  "}
    assert record["message"] == "one ## two"


def test_a_long_message_is_cut_and_not_lost(lab: Lab) -> None:
    record = stage_file.read_stage(lab.write("scale", state="failed", message="x" * 100_000))
    assert record["message"] == "x" * stage_file.MOST_MESSAGE


def test_a_number_that_no_attempt_has_leaves_a_name_for_the_next(lab: Lab) -> None:
    lab.path.mkdir(parents=True)
    (lab.path / f"scale-{'9' * 200}.json").write_text("{}")
    assert lab.write("scale").name == "scale-1.json"
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert (list(run.stages), run.problems) == (["scale"], [])


def test_of_very_many_files_the_newest_attempts_and_the_labs_stages_are_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_FILES", 4)
    monkeypatch.setattr(runs, "MOST_OTHER_STAGES", 1)
    for stage in ("scale", "scale", "scale", "install", "aaa", "bbb"):
        lab.write(stage)
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert {stage: [record["attempt"] for record in records] for stage, records in run.stages.items()} == {
        "aaa": [1],
        "install": [1],
        "scale": [2, 3],
    }
    [problem] = run.problems
    assert problem.text.startswith("2 stage files in ")


def test_of_very_large_files_as_many_are_read_as_fit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        lab.write("scale", facts={"bulk": ["x" * 1000] * 10, "number": number})
    monkeypatch.setattr(runs, "MOST_BYTES", 25_000)
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert [record["attempt"] for record in run.stages["scale"]] == [2, 3]
    assert "1 stage files" in run.problems[0].text


def test_a_stage_with_more_than_a_report_takes_loses_its_content_and_no_other(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_bounds, "MOST_CELLS", 6)
    lab.write("baseline", windows=[window("idle", START, figure("a", 1.0), figure("b", 1.0))])
    rows = [figure(f"c{number}", 1.0) for number in range(5)]
    lab.write("benchmark", at=200, windows=[window("load", START + 200, *rows)])
    lab.write("scale", at=400, windows=[window("first", START + 400, figure("a", 2.0))])
    report = lab.report()
    assert [entry["stage"] for entry in report["windows"]] == ["baseline", "scale"]
    assert [stage["stage"] for stage in report["stages"] if stage["state"] == "done"] == [
        "baseline",
        "benchmark",
        "scale",
    ]
    assert [problem["text"] for problem in report["problems"]] == [
        "The windows, series and events of benchmark-1.json are left out: with them the run has more than 6 values."
    ]


@pytest.mark.parametrize("limit", ["MOST_WINDOWS", "MOST_EVENTS", "MOST_SERIES", "MOST_POINTS", "MOST_ROWS"])
def test_each_kind_of_content_has_a_limit(measured: Lab, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    assert measured.report()["problems"] == [
        problem for problem in measured.report()["problems"] if problem["kind"] != "file"
    ]
    monkeypatch.setattr(run_bounds, limit, 0)
    report = measured.report()
    assert {problem["source"] for problem in report["problems"] if problem["kind"] == "file"} >= {"baseline-1.json"}


def test_a_class_takes_no_more_of_a_student_than_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_bounds, "MOST_WINDOWS", 2)
    windows = [window(f"w{number}", START + 200 * number, figure("a", 1.0)) for number in range(3)]
    Lab(tmp_path, "ann").write("benchmark", windows=windows[:2])
    Lab(tmp_path, "bob").write("benchmark", windows=windows)
    students = [student_results.read_student([tmp_path], name) for name in ("ann", "bob")]
    report = build_class(students)
    assert [entry["window"] for entry in report["windows"]] == ["w0", "w1"]
    assert [(problem["source"], problem["text"][-32:]) for problem in report["problems"]] == [
        ("bob", "the run has more than 2 windows.")
    ]


def test_findings_beyond_all_measure_are_cut(lab: Lab) -> None:
    finding = {"state": "warn", "effect": "", "cure": ""}
    findings = [{**finding, "id": f"f{number}", "title": f"finding {number}"} for number in range(5000)]
    lab.write("preflight", facts={"findings": [*findings, *findings]})
    problems = lab.report()["problems"]
    assert len(problems) == merged_problems.MOST_FINDINGS


# --- arithmetic ----------------------------------------------------------------------------------


def test_a_change_from_next_to_nothing_has_no_ratio(lab: Lab) -> None:
    for at, value in ((0, 5e-324), (200, 1e18)):
        lab.write("baseline" if not at else "scale", at=at, windows=[window("w", START + at, figure("a", value))])
    [row] = lab.report()["figures"]
    change = row["readings"][1]["change"]
    assert (change["absolute"], change["ratio"]) == (1e18, None)


def test_a_value_far_from_a_median_of_next_to_nothing_is_no_outlier(tmp_path: Path) -> None:
    for number, value in enumerate((5e-324, 5e-324, 5e-324, 1e18)):
        Lab(tmp_path, f"s{number}").write("scale", windows=[window("w", START, figure("a", value, unit="s"))])
    students = [student_results.read_student([tmp_path], f"s{number}") for number in range(4)]
    report = build_class(students)
    assert report["outliers"] == []
    stage_file.to_json(report)


def test_points_are_joined_whatever_they_are(lab: Lab) -> None:
    points = [[START, 1e18], [START + 5, -1e18], [START + 5, None], [START + 1, 5e-324]]
    lab.write("scale", series=[series("a", points, step=5e-324)])
    [merged] = lab.report()["series"]
    assert [time for time, _value in merged["points"]] == [START, START + 1, START + 5]


# --- modes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_results_are_for_their_owner_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        name = runs.create_run(tmp_path / "results", STUDENT)
        lab = Lab(tmp_path / "results", STUDENT, name)
        lab.write("scale")
        attempts.write_samples(lab.path, "scale", b"")
        derived_file.replace_file(lab.path / "report.html", "text")
        Lab(tmp_path / "other" / "results", "ann").write("scale")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


def test_the_names_of_files_and_stages_have_limits() -> None:
    assert names.STAGE_FILE.fullmatch(f"{'a' * 100}-999999.json")
    for name in (f"{'a' * 101}-1.json", "a-1000000.json", "a-0.json", "a-1.json\n", "../a-1.json"):
        assert not names.STAGE_FILE.fullmatch(name)
    with pytest.raises(LabError, match="at most 100"):
        names.check_stage_name("a" * 101)
