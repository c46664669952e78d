# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage files: building, checking, writing and reading them, and the runs that hold them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    attempts,
    derived_file,
    names,
    runs,
    schema,
    stage_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.schema import stage_schema
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RECORDED,
    RUN,
    START,
    STUDENT,
    Lab,
    figure,
    full,
    series,
    window,
)
from jsonschema import Draft202012Validator

ROOM = "ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results"


def minimal(**fields: Any) -> dict[str, Any]:
    return {
        "student": STUDENT,
        "run": RUN,
        "stage": "baseline",
        "state": "done",
        "started": START,
        "finished": START + 1,
        **fields,
    }


def python(*arguments: str, code: str) -> subprocess.Popen[str]:
    """Another Python with this one's import path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


# --- schema --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", schema.VERSIONS)
def test_schema_is_a_schema(version: str) -> None:
    Draft202012Validator.check_schema(stage_schema(version))
    assert stage_schema(version)["properties"]["schema"]["const"] == schema.FAMILY + version


def test_a_newer_schema_has_all_fields_of_the_older_ones() -> None:
    def fields(of: Any) -> set[str]:
        parts = of["properties"], of["properties"]["windows"]["items"]["properties"]
        return {name for part in (*parts, parts[1]["figures"]["items"]["properties"]) for name in part}

    older, newer = map(stage_schema, schema.VERSIONS)
    assert fields(older) < fields(newer)


def test_a_task_that_runs_where_the_collection_is_not_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "a" / "b" / "c" / "schema.py"))
    stage_schema.cache_clear()
    try:
        with pytest.raises(LabError, match=r"stage-2\.json: No such file.* control node"):
            schema.fit_stage({})
    finally:
        stage_schema.cache_clear()


@pytest.mark.parametrize("path", sorted(RECORDED.rglob("*-*.json")), ids=lambda path: path.name)
def test_recorded_files_are_of_the_schema(path: Path) -> None:
    record = json.loads(path.read_text())
    assert list(Draft202012Validator(stage_schema(str(schema.version_of(record)))).iter_errors(record)) == []


def of_schema_1(path: Path, **fields: Any) -> None:
    """Make a stage file one of schema 1."""
    record = {**json.loads(path.read_text()), "schema": "temporal_lab.benchmarking/stage/1", **fields}
    path.write_text(json.dumps(record))


def test_a_stage_of_schema_1_is_read_as_one_of_the_newest(lab: Lab) -> None:
    old = [window("idle", START, full("work", 1.5, question="How much?", distribution="all"))]
    path = lab.write("baseline", windows=old, settings={"window": 120})
    before = stage_file.read_stage(path)
    of_schema_1(path)
    assert stage_file.read_stage(path) == before


def test_what_schema_1_does_not_have_is_not_taken_from_a_file_of_it(lab: Lab) -> None:
    """It was held against no schema, so it may be anything."""
    path = lab.write("baseline", windows=[window("idle", START, figure("work", 1.5))])
    before = stage_file.read_stage(path)
    figures = [{**figure("work", 1.5), "heard": 5}]
    of_schema_1(path, windows=[{**window("idle", START), "figures": figures, "distributions": 5}], more={})
    assert stage_file.read_stage(path) == before


@pytest.mark.parametrize(
    ("buckets", "place", "reason"),
    [
        ([(0.0, 0.1, [1]), (0.05, 0.2, [1])], "[1]", "begins before the bucket before it ends"),
        ([(0.0, None, [1]), (0.05, 0.2, [1])], "[1]", "begins before the bucket before it ends"),
        ([(0.0, 0.1, [1]), (None, 0.2, [1])], "[1]", "begins before the bucket before it ends"),
        ([(0.1, 0.1, [1])], "[0].to", r"\(0.1\) is not above where the bucket begins"),
        ([(0.0, 0.1, [1, None]), (0.1, 0.2, [1])], "[1].counts", "another number of steps"),
        ([(0.0, 0.1, [-1])], "[0].counts", "below zero"),
        ([(0.0, 0.1, ["1"])], "[0].counts[0]", "'1' is not of type"),
        ([(0.0, 0.1, [0] * 1001)], "[0].counts", "is not of schema"),
    ],
)
def test_buckets_that_contradict_themselves_are_refused(
    lab: Lab, buckets: list[tuple[Any, ...]], place: str, reason: str
) -> None:
    shape = [dict(zip(("above", "to", "counts"), bucket)) for bucket in buckets]
    waits = {"id": "wait", "title": "Wait", "unit": "s", "start": START, "step": 5.0, "buckets": shape}
    wrong = {**window("idle", START), "distributions": [waits]}
    with pytest.raises(LabError, match=re.escape(f"windows[0].distributions[0].buckets{place} ") + ".*" + reason):
        lab.write("baseline", windows=[wrong])
    fine = {**waits, "buckets": [{"above": None, "to": 0.1, "counts": [1.5, None]}]}
    record = stage_file.read_stage(lab.write("baseline", windows=[{**wrong, "distributions": [fine]}]))
    assert record["windows"][0]["distributions"] == [fine]


# --- building ------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(lab: Lab) -> None:
    content = {
        "windows": [window("idle", START, figure("work", 1.5, key=True), figure("shards", None, by={"pod-ä": 512}))],
        "series": [series("work", [[START, 1.0], [START + 5, None]], labels={"pod": "a"}, step=5)],
        "events": [{"name": "began", "title": "«it» began", "time": START}],
        "versions": {"kubernetes": "v1.34.4", "prometheus": None},
        "settings": {"window": 120},
        "facts": {"anything": [1, {"deep": True}]},
    }
    path = lab.write("baseline", **content)
    record = stage_file.read_stage(path)
    assert {name: record[name] for name in content} == content
    assert record["schema"] == "temporal_lab.benchmarking/stage/2"
    assert (record["stage"], record["attempt"], record["started"]) == ("baseline", 1, START)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"windows": [window("a", START, figure("x", "12"))]}, "windows[0].figures[0].value", "'12' is not of type"),  # type: ignore[arg-type]
        ({"windows": [window("a", START, figure("x", float("nan")))]}, "windows[0].figures[0].value", "null"),
        ({"windows": [window("a", START, figure("x", None, state="pass"))]}, "windows[0].figures[0].state", "pass"),
        ({"windows": [window("a", START, figure("x", 1.0), figure("x", 2.0))]}, "windows[0].figures[1].id", "second"),
        ({"windows": [window("a", START), window("a", START)]}, "windows[1].name", "second time"),
        ({"windows": [window("a", START, length=0.0)]}, "windows[0].end", "not after its start"),
        ({"windows": [{"name": "a"}]}, "windows[0]", "required"),
        ({"events": [{"name": "a", "title": "b", "time": START * 1000}]}, "events[0].time", "maximum"),
        ({"events": [{"name": "a", "title": "b", "time": True}]}, "events[0].time", "not of type"),
        ({"series": [series("x", [[None, 1.0]])]}, "series[0].points[0][0]", "not of type"),
        ({"series": [series("x", [[START, 1.0, 2.0]])]}, "series[0].points[0]", "too long"),
        ({"facts": {"when": {"set": {1, 2}}}}, "facts.when.set", "type set"),
        ({"facts": {"many": 10**400}}, "facts.many", "larger"),
        ({"facts": {"by": {1: 2}}}, "facts.by", "not text"),
        ({"versions": {"x": 1.5}}, "versions.x", "not of type"),
        ({"state": "failed"}, "message", "empty"),
        ({"state": "broken"}, "state", "not one of"),
        ({"finished": START - 1}, "finished", "before started"),
    ],
)
def test_invalid_content_is_refused_with_place_and_reason(fields: dict[str, Any], path: str, reason: str) -> None:
    with pytest.raises(LabError) as caught:
        stage_file.build_stage(**minimal(**fields))
    assert f": {path} " in caught.value.msg
    assert reason in caught.value.msg


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "-rf", "a b", "a\n", "a:b", "x" * 201]
)
def test_names_that_are_no_safe_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabError, match="cannot be a folder's name"):
        stage_file.build_stage(**minimal(student=name))
    with pytest.raises(LabError, match="cannot be a folder's name"):
        stage_file.build_stage(**minimal(run=name))
    with pytest.raises(LabError, match="cannot be a folder's name"):
        runs.create_run(tmp_path, name)
    with pytest.raises(LabError, match="cannot be a folder's name"):
        runs.read_run(tmp_path, STUDENT, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["student-01", "zoë", "a.example.org", "user@host", "_x", "x" * 200])
def test_usual_names_are_taken(name: str) -> None:
    assert stage_file.build_stage(**minimal(student=name))["student"] == name


def test_the_file_of_samples_is_optional(lab: Lab) -> None:
    """Stage files that were written before there was the field are read as ever."""
    without = stage_file.read_stage(lab.write("baseline"))
    assert "samples" not in without
    named = stage_file.read_stage(lab.write("baseline", samples="baseline-1.samples.json.gz"))
    assert named["samples"] == "baseline-1.samples.json.gz"
    assert {**named, "samples": 0, "attempt": 0} == {**without, "samples": 0, "attempt": 0}
    with pytest.raises(LabError, match="samples is not of schema"):
        lab.write("baseline", samples="../scale-1.samples.json.gz")


def test_a_stage_name_cannot_leave_the_folder() -> None:
    with pytest.raises(LabError, match="stage name"):
        stage_file.build_stage(**minimal(stage="../x"))


# --- writing -------------------------------------------------------------------------------------


def test_an_attempt_never_replaces_another(lab: Lab) -> None:
    paths = [lab.write("scale", facts={"number": number}) for number in range(11)]
    assert [path.name for path in paths] == [f"scale-{number}.json" for number in range(1, 12)]
    assert [stage_file.read_stage(path)["facts"]["number"] for path in paths] == list(range(11))
    assert sorted(path.name for path in lab.path.iterdir()) == sorted(path.name for path in paths)


def test_a_file_that_appears_meanwhile_is_left_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    other = lab.write("scale", facts={"other": True})
    monkeypatch.setattr(attempts, "next_attempt", lambda folder, stage: 1)
    path = lab.write("scale")
    assert path.name == "scale-2.json"
    assert stage_file.read_stage(path)["attempt"] == 2
    assert stage_file.read_stage(other)["facts"] == {"other": True}


def test_attempts_count_on_after_a_broken_file(lab: Lab) -> None:
    lab.path.mkdir(parents=True)
    (lab.path / "scale-4.json").write_text("{")
    assert lab.write("scale").name == "scale-5.json"


WRITER = f"""
import sys
from {ROOM}.attempts import write_stage
from {ROOM}.stage_file import build_stage
folder, mark = sys.argv[1:]
record = build_stage(student="{STUDENT}", run="{RUN}", stage="scale", state="done", started={START},
                     finished={START + 1}, facts={{"writer": mark, "bulk": ["x" * 100] * 200}})
print("ready", flush=True)
sys.stdin.readline()
for _number in range(25):
    write_stage(folder, record)
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    writers = [python(str(tmp_path), mark, code=WRITER) for mark in ("a", "b")]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _output, errors = writer.communicate(timeout=HANGS)
        assert (writer.returncode, errors) == (0, "")
    run = runs.read_run(tmp_path, STUDENT, RUN)
    assert run.problems == []
    records = run.stages["scale"]
    assert [record["attempt"] for record in records] == list(range(1, 51))
    assert sorted(record["facts"]["writer"] for record in records) == ["a"] * 25 + ["b"] * 25
    assert len(list(run.path.iterdir())) == 50, "a temporary file was left behind"


KILLED = f"""
import os, signal, sys
from {ROOM}.attempts import write_stage
from {ROOM}.stage_file import build_stage
record = build_stage(student="{STUDENT}", run="{RUN}", stage="scale", state="done", started={START},
                     finished={START + 1}, facts={{"bulk": ["x" * 100] * 2000}})
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], die)
write_stage(sys.argv[1], record)
"""


@pytest.mark.parametrize("moment", ["fsync", "link"])
def test_a_writer_killed_at_the_worst_moment_leaves_no_named_file(tmp_path: Path, moment: str) -> None:
    writer = python(str(tmp_path), moment, code=KILLED)
    writer.communicate(timeout=HANGS)
    assert writer.returncode == -signal.SIGKILL
    run = runs.read_run(tmp_path, STUDENT, RUN)
    assert (run.stages, run.problems) == ({}, [])
    assert [path.name.startswith(".") for path in run.path.iterdir()] == [True]
    assert Lab(tmp_path).write("scale").name == "scale-1.json"


ENDLESS = f"""
import sys
from {ROOM}.attempts import write_stage
from {ROOM}.stage_file import build_stage
record = build_stage(student="{STUDENT}", run="{RUN}", stage="scale", state="done", started={START},
                     finished={START + 1}, facts={{"bulk": ["x" * 100] * 3000}})
while True:
    write_stage(sys.argv[1], record)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    writer = python(str(tmp_path), code=ENDLESS)
    deadline = time.monotonic() + 240
    while not list(tmp_path.rglob("scale-3.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.kill()
    writer.communicate(timeout=HANGS)
    run = runs.read_run(tmp_path, STUDENT, RUN)
    assert run.problems == []
    assert len(run.stages["scale"]) >= 3
    assert {len(record["facts"]["bulk"]) for record in run.stages["scale"]} == {3000}


KEEPER = f"""
import sys
from pathlib import Path
from {ROOM}.attempts import write_samples
folder, mark = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for _number in range(25):
    write_samples(Path(folder), "scale", mark.encode() * 20000)
"""


def test_two_processes_keep_samples_at_once(tmp_path: Path) -> None:
    writers = [python(str(tmp_path), mark, code=KEEPER) for mark in ("a", "b")]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _output, errors = writer.communicate(timeout=HANGS)
        assert (writer.returncode, errors) == (0, "")
    names = [f"scale-{number}.samples.json.gz" for number in range(1, 51)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    found = [(tmp_path / name).read_text() for name in names]
    assert sorted(found) == ["a" * 20000] * 25 + ["b" * 20000] * 25
    assert attempts.newest_samples(tmp_path) == {"scale": tmp_path / names[-1]}


def test_samples_that_appear_meanwhile_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer takes the number between the look and the link."""
    link = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        Path(target).write_bytes(b"other")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    path = attempts.write_samples(tmp_path, "scale", b"mine")
    assert (path.name, path.read_bytes()) == ("scale-2.samples.json.gz", b"mine")
    assert (tmp_path / "scale-1.samples.json.gz").read_bytes() == b"other"
    assert len(list(tmp_path.iterdir())) == 2


def test_samples_that_cannot_be_kept_are_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(LabError, match=r"Keeping the samples of stage scale in .* failed: "):
        attempts.write_samples(tmp_path / "run", "scale", b"")
    with pytest.raises(LabError, match="stage name"):
        attempts.write_samples(tmp_path, "../x", b"")


def test_a_results_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(LabError, match="results_dir must be a writable folder"):
        Lab(tmp_path / "results").write("scale")
    with pytest.raises(LabError, match=r"failed|cannot be made"):
        runs.create_run(tmp_path / "results", STUDENT)


def test_a_derived_file_is_replaced_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    assert derived_file.replace_file(path, "a", check_mode=True)
    assert not path.exists()
    assert derived_file.replace_file(path, "a")
    assert not derived_file.replace_file(path, "a")
    assert derived_file.replace_file(path, "b", check_mode=True)
    assert path.read_text() == "a"
    assert derived_file.replace_file(path, "b")
    assert path.read_text() == "b"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.md"]


# --- runs ----------------------------------------------------------------------------------------


def test_a_run_is_named_by_its_utc_start() -> None:
    assert names.run_id(START + 62.9) == "20261123T170102Z"


def test_runs_of_the_same_second_get_different_names(tmp_path: Path) -> None:
    names = [runs.create_run(tmp_path, STUDENT, START) for _number in range(11)]
    assert names == [RUN] + [f"{RUN}-{number}" for number in range(2, 12)]
    assert runs.list_runs(tmp_path, STUDENT) == names
    assert runs.latest_run(tmp_path, STUDENT) == f"{RUN}-11"


def test_the_latest_run_is_by_start_not_by_name(tmp_path: Path) -> None:
    named = Lab(tmp_path, name="aaa")
    named.write("baseline", at=3600)
    runs.create_run(tmp_path, STUDENT, START)
    runs.create_run(tmp_path, STUDENT, START + 7200)
    assert runs.list_runs(tmp_path, STUDENT) == [RUN, "aaa", names.run_id(START + 7200)]


def test_a_student_without_results_has_no_run(tmp_path: Path) -> None:
    assert runs.list_runs(tmp_path / "none", STUDENT) == []
    assert runs.latest_run(tmp_path, STUDENT) is None


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not whole JSON"),
        (b'{"schema": "temporal_lab.benchmarking/stage/1", "stu', "not whole JSON"),
        (b"\xff\xfe\x00", "not whole JSON"),
        (b"[" * 100000, "nested too deeply"),
        (b"[]", "not a stage file"),
        (b"null", "not a stage file"),
        (b'{"schema": "temporal_lab.benchmarking/stage/3"}', "does not know"),
        (b'{"schema": 5}', "not a stage file"),
        (b'{"schema": NaN}', "not a stage file"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem_and_the_rest_is_read(lab: Lab, content: bytes, told: str) -> None:
    lab.write("baseline")
    (lab.path / "scale-2.json").write_bytes(content)
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert list(run.stages) == ["baseline"]
    assert run.unreadable == {("scale", 2): "scale-2.json"}
    [problem] = run.problems
    assert problem.source == "scale-2.json"
    assert problem.text.startswith("scale-2.json")
    assert told in problem.text


def test_a_folder_or_a_renamed_file_in_place_of_a_stage_file_is_a_problem(lab: Lab) -> None:
    lab.write("baseline").rename(lab.path / "benchmark-1.json")
    (lab.path / "scale-1.json").mkdir()
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert run.stages == {}
    assert [problem.source for problem in run.problems] == ["benchmark-1.json", "scale-1.json"]
    assert "rename it to match" in run.problems[0].text


def test_a_file_of_another_student_is_used_and_told(lab: Lab) -> None:
    path = lab.write("baseline")
    moved = lab.folder / "student-02" / RUN
    moved.mkdir(parents=True)
    path.rename(moved / path.name)
    run = runs.read_run(lab.folder, "student-02", RUN)
    assert list(run.stages) == ["baseline"]
    assert "student-01" in run.problems[0].text


def test_other_files_in_the_folder_are_no_stages(lab: Lab) -> None:
    lab.write("baseline")
    for name in ("report.json", "notes.txt", ".scale-1.json.1-ab.tmp", "scale-01.json", "scale-0.json", "Scale-1.json"):
        (lab.path / name).write_text("{")
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert (list(run.stages), run.problems) == (["baseline"], [])


def test_attempts_are_read_in_the_order_of_their_numbers(lab: Lab) -> None:
    for _number in range(12):
        lab.write("scale")
    run = runs.read_run(lab.folder, STUDENT, RUN)
    assert [record["attempt"] for record in run.stages["scale"]] == list(range(1, 13))
