# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run a name or path means, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.chosen_run import chosen_run, run_before
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.runs import Run
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, STUDENT, Lab

LATER = "20261124T170000Z"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for student, name in ((STUDENT, RUN), (STUDENT, LATER), ("ann", RUN)):
        Lab(folder, student, name).write("install")
    return folder


def named(run: Run) -> tuple[str, str, list[str]]:
    return run.student, run.name, sorted(run.stages)


@pytest.mark.parametrize(
    ("given", "student", "run"),
    [
        (RUN, STUDENT, RUN),
        (STUDENT, STUDENT, LATER),
        ("ann", "ann", RUN),
        (f"{STUDENT}/{RUN}", STUDENT, RUN),
        (f"ann/{RUN}", "ann", RUN),
    ],
)
def test_a_name_is_a_run_a_student_or_both(results: Path, given: str, student: str, run: str) -> None:
    assert named(chosen_run(results, STUDENT, given)) == (student, run, ["install"])


def test_a_path_is_a_runs_folder_whatever_it_is_called_now(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ci" / "before the upgrade" / "artifact"
    shutil.copytree(results / STUDENT / RUN, folder)
    monkeypatch.chdir(tmp_path)
    for place in (str(folder), "ci/before the upgrade/artifact", f"{folder}/"):
        found = chosen_run(results, STUDENT, place)
        assert named(found) == (STUDENT, RUN, ["install"])
        assert found.problems == []


def test_a_path_is_a_students_folder_or_a_stage_file(results: Path, tmp_path: Path) -> None:
    assert named(chosen_run(tmp_path, "other", str(results / STUDENT))) == (STUDENT, LATER, ["install"])
    file = results / "ann" / RUN / "install-1.json"
    assert named(chosen_run(tmp_path, "other", str(file))) == ("ann", RUN, ["install"])


def test_what_is_nothing_is_told_with_the_runs_that_there_are(results: Path) -> None:
    with pytest.raises(LabError, match=rf"20261125 is neither a run of {STUDENT} nor a student .*{RUN}, {LATER} there"):
        chosen_run(results, STUDENT, "20261125")
    with pytest.raises(LabError, match="bob has no run there"):
        chosen_run(results, "bob", "../nothing")


def test_a_report_is_no_run(results: Path) -> None:
    report = results / STUDENT / RUN / "report.json"
    report.write_text("{}")
    with pytest.raises(LabError, match=f"give the folder of the run, {report.parent}"):
        chosen_run(results, STUDENT, str(report))


def test_a_folder_with_files_of_several_runs_is_refused(results: Path) -> None:
    Lab(results, "ann", RUN).write("baseline")
    shutil.copy(results / "ann" / RUN / "baseline-1.json", results / STUDENT / RUN)
    with pytest.raises(LabError, match="has stage files of several runs"):
        chosen_run(results, STUDENT, str(results / STUDENT / RUN))


def test_strangers_files_are_refused(results: Path, tmp_path: Path) -> None:
    (results / STUDENT / RUN / "install-1.json").write_text("{}")
    with pytest.raises(LabError, match=r"cannot be compared: install-1.json is not a stage file"):
        chosen_run(results, STUDENT, RUN)
    link = tmp_path / "link"
    link.symlink_to(results / STUDENT / LATER)
    with pytest.raises(LabError, match="is a link"):
        chosen_run(results, STUDENT, str(link))
    pipe = tmp_path / "install-1.json"
    pipe.symlink_to(results / STUDENT / LATER / "install-1.json")
    with pytest.raises(LabError):
        chosen_run(results, STUDENT, str(pipe))
    (results / STUDENT / "20261126T170000Z").mkdir()
    with pytest.raises(LabError, match="there is no stage file in it"):
        chosen_run(results, STUDENT, "20261126T170000Z")


def test_the_run_before(results: Path, tmp_path: Path) -> None:
    assert run_before(results, STUDENT, chosen_run(results, STUDENT, LATER)) == RUN
    # A run of someone else has none before it: the student's newest is what it is compared with.
    assert run_before(results, STUDENT, chosen_run(results, STUDENT, "ann")) == LATER
    with pytest.raises(LabError, match="There is no earlier run of student-01"):
        run_before(results, STUDENT, chosen_run(results, STUDENT, RUN))
