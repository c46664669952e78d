# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a class: who is done, who failed and why, how the figures lie, and whom to do again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_class, sealed_page
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.class_outliers import OUTLIER_FACTOR
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_page import HOSTILE, Page
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, START, Lab, figure, window

SETTINGS = {"concurrent_workflows": 3, "history_shards": 512, "window": 120}
VERSIONS = {"temporal_server": "1.31.2"}
#: A quantile, of which only the bucket is known.
LOCK = {"unit": "s", "direction": "lower", "observations": 500.0}


def measure(folder: Path, student: str, work: float | None, run: str = RUN, **fields: Any) -> Lab:
    """A student whose stages install and benchmark are done."""
    lab = Lab(folder, student, run)
    lab.write("install")
    given = {"settings": SETTINGS, "versions": VERSIONS, **fields}
    given.setdefault("windows", [window("load", START, figure("work", work, key=True), figure("other", 1.0))])
    lab.write("benchmark", at=160, **given)
    return lab


def do(*folders: Path, check: bool = False, **arguments: Any) -> tuple[dict[str, Any], str]:
    """Run the task with its arguments checked as Ansible does it; what it returns, and what it shows."""
    given = {"results_dirs": [str(folder) for folder in folders], **arguments}
    checked = ArgumentSpecValidator(lab_class.SPEC).validate(given)
    assert checked.error_messages == []
    shown: list[str] = []
    result = lab_class.run(checked.validated_parameters, Context(check_mode=check, show=shown.append))
    return result, "\n".join(shown)


def write_page(run: Path, text: str = "a report") -> Path:
    """A page as this user's lab writes it."""
    page = run / "report.html"
    page.write_text(sealed_page.sealed(text, run.parent.name, run.name, sealed_page.page_key(make=True)))
    return page


def model(result: dict[str, Any]) -> dict[str, Any]:
    return json.loads(Path(result["paths"]["json"]).read_text())


def student(result: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [entry for entry in model(result)["students"] if entry["student"] == name]
    return found


def row(result: dict[str, Any], group: int = 0, name: str = "work") -> dict[str, Any]:
    [entry] = model(result)["windows"]
    [found] = [row for row in entry["groups"][group]["figures"] if row["id"] == name]
    return found


# --- who is done ---------------------------------------------------------------------------------


def test_a_class_that_is_done_is_one_line(tmp_path: Path) -> None:
    for number in range(1, 31):
        measure(tmp_path, f"student-{number:02}", 40.0 + number)
    result, text = do(tmp_path)
    assert result["states"] == {"done": 30}
    assert (result["failures"], result["retry"], result["retry_path"]) == ({}, [], "")
    lines = text.splitlines()
    assert "30 students: 30 done." in lines
    assert "done: student-01, student-02, student-03, student-04, student-05 and 25 more" in lines
    assert not [line for line in lines if "student-17" in line]
    assert "--limit" not in text


def test_a_failure_is_one_line_with_its_reason(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    lab = measure(tmp_path, "bob", 41.0)
    lab.write("scale", state="failed", at=400, message="History did not settle\nin 300 s; look at its log.")
    result, text = do(tmp_path)
    assert result["failures"] == {"bob": "scale: History did not settle in 300 s; look at its log."}
    assert [line for line in text.splitlines() if line.startswith("failed ")] == [
        "failed  bob  scale: History did not settle in 300 s; look at its log."
    ]
    assert "unfinished: 1 student, not done yet: scale (ann)" in text.splitlines()
    assert result["counts"]["scale"] == {"failed": 1, "absent": 1}
    assert result["states"] == {"failed": 1, "unfinished": 1}


def test_only_the_newest_attempt_counts_and_figures_are_of_the_newest_that_was_done(tmp_path: Path) -> None:
    lab = measure(tmp_path, "ann", 40.0)
    lab.write("benchmark", state="failed", at=400)
    assert do(tmp_path)[0]["failures"] == {"ann": "benchmark: benchmark failed for a reason."}
    assert row(do(tmp_path)[0])["median"]["value"] == 40.0
    lab.write("benchmark", at=600, settings=SETTINGS, windows=[window("load", START, figure("work", 50.0))])
    result, _text = do(tmp_path)
    assert result["states"] == {"done": 1}
    assert student(result, "ann")["stages"]["benchmark"]["attempts"] == 3
    assert row(result)["median"]["value"] == 50.0


def test_nothing_recorded_is_a_state_of_its_own(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    (tmp_path / "bob" / RUN).mkdir(parents=True)
    result, text = do(tmp_path, students=["ann", "bob", "cid"])
    assert result["students"] == {"ann": "done", "bob": "nothing recorded", "cid": "nothing recorded"}
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("nothing recorded")] == ["bob", "cid"]
    assert result["counts"]["install"] == {"done": 1, "absent": 2}
    assert result["retry"] == ["bob", "cid"]


def test_a_class_without_any_result_is_told_when_it_is_named(tmp_path: Path) -> None:
    assert do(tmp_path / "later", students=["ann"])[0]["states"] == {"nothing recorded": 1}
    with pytest.raises(LabError, match=r"no student with a run in .*empty"):
        do(tmp_path / "empty")


def test_students_that_are_not_of_the_class_are_named_and_not_counted(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    measure(tmp_path, "old", 1.0)
    result, text = do(tmp_path, students=["ann"])
    assert list(result["students"]) == ["ann"]
    assert "In the results but not in the class, so not counted: old" in text
    assert [value["student"] for value in row(result)["values"]] == ["ann"]


def test_of_others_in_the_class_nothing_is_expected(tmp_path: Path) -> None:
    for name in ("ann", "cid", "old"):
        measure(tmp_path, name, 40.0)
    result, _text = do(tmp_path, students=["dan"], also=["cid", "bob", "dan", "ann"])
    assert list(result["students"].items()) == [("cid", "done"), ("dan", "nothing recorded"), ("ann", "done")]
    assert result["retry"] == ["dan"]
    with pytest.raises(LabError, match="no student"):
        do(tmp_path / "none", also=["ann"])


def test_broken_files_are_named_and_not_fatal(tmp_path: Path) -> None:
    lab = measure(tmp_path, "ann", 40.0)
    (lab.path / "benchmark-1.json").write_text("{")
    (lab.path / "scale-1.json").write_text('{"schema": "temporal_lab.benchmarking/stage/9"}')
    wrong = json.loads((lab.path / "install-1.json").read_text()) | {"windows": [{"figures": [3]}]}
    (lab.path / "install-1.json").write_text(json.dumps(wrong))
    measure(tmp_path, "bob", 41.0)
    result, text = do(tmp_path)
    assert result["students"] == {"ann": "unreadable", "bob": "unfinished"}
    reason = student(result, "ann")["reason"]
    for name in (
        "install-1.json is not a stage file",
        "benchmark-1.json is not whole JSON",
        "scale-1.json is of schema",
    ):
        assert name in reason
        assert name in text
    assert len(result["problems"]) == 3
    assert result["retry"] == ["ann"]


def test_a_stage_skipped_by_all_is_one_line(tmp_path: Path) -> None:
    for name in ("ann", "bob", "cid"):
        measure(tmp_path, name, 40.0).write("dashboard", state="skipped", message="No Grafana.")
    text = do(tmp_path)[1]
    assert [line for line in text.splitlines() if "skipped for" in line] == [
        "dashboard skipped for 3 students: No Grafana."
    ]


# --- runs and folders ----------------------------------------------------------------------------


def test_the_newest_run_counts_unless_one_is_named(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    measure(tmp_path, "ann", 90.0, run="20261124T000000Z")
    result, _text = do(tmp_path)
    assert row(result)["median"]["value"] == 90.0
    assert (student(result, "ann")["run"], student(result, "ann")["runs"]) == ("20261124T000000Z", 2)
    assert row(do(tmp_path, run=RUN)[0])["median"]["value"] == 40.0
    assert do(tmp_path, students=["ann"], run="other")[0]["states"] == {"nothing recorded": 1}


def test_slices_are_one_class(tmp_path: Path) -> None:
    one, two = tmp_path / "slice-1", tmp_path / "slice 2"
    measure(one, "ann", 40.0)
    write_page(measure(two, "bob", 60.0).path)
    measure(one, "cid", 10.0)
    measure(two, "cid", 50.0, run="20261124T000000Z")
    result, _text = do(one, two)
    assert list(result["students"]) == ["ann", "bob", "cid"]
    assert [value["value"] for value in row(result)["values"]] == [40.0, 50.0, 60.0]
    assert Path(result["paths"]["html"]) == one / "class.html"
    # The link leads there, seen from the page.
    assert student(result, "bob")["report"] == f"../slice%202/bob/{RUN}/report.html"
    assert student(result, "ann")["report"] is None


def test_a_run_that_is_in_two_slices_is_one(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    first = measure(one, "ann", 40.0, run="class")
    first.write("scale", state="failed", at=400)
    later = Lab(two, "ann", "class")
    later.write("scale", at=900)
    for folders in ((one, two), (two, one)):
        result, _text = do(*folders, dest=tmp_path)
        assert result["states"] == {"done": 1}
        assert row(result)["median"]["value"] == 40.0
        assert student(result, "ann")["stages"]["scale"]["attempts"] == 2
        assert student(result, "ann")["runs"] == 1
    later.write("scale", state="failed", at=1200, message="Not this time.")
    assert do(one, two)[0]["failures"] == {"ann": "scale: Not this time."}


def test_of_two_slices_the_figures_that_are_newer_count(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    measure(one, "ann", 40.0, run="class")
    later = [window("load", START + 900, figure("work", 50.0, key=True))]
    Lab(two, "ann", "class").write("benchmark", at=900, settings=SETTINGS, versions=VERSIONS, windows=later)
    for folder in (one, two):
        write_page(folder / "ann" / "class")
    for folders in ((one, two), (two, one)):
        result, _text = do(*folders, dest=tmp_path)
        assert row(result)["median"]["value"] == 50.0
        assert student(result, "ann")["report"] == "2/ann/class/report.html"


def test_a_slice_that_is_not_there_is_named(tmp_path: Path) -> None:
    measure(tmp_path / "1", "ann", 40.0)
    result, text = do(tmp_path / "1", tmp_path / "2")
    [problem] = result["problems"]
    assert problem["text"].startswith(f"Looking for students in {tmp_path / '2'} failed: No such file")
    assert "its results are not counted" in " ".join(text.split())


# --- figures -------------------------------------------------------------------------------------


def test_the_figures_of_a_class(tmp_path: Path) -> None:
    for name, value in (("ann", 40.0), ("bob", 60.0), ("cid", None), ("dan", 44.0)):
        measure(tmp_path, name, value)
    result, text = do(tmp_path)
    found = row(result)
    assert found["median"] == {"value": 44.0, "bound": ""}
    assert [value["student"] for value in found["values"]] == ["ann", "dan", "bob"]
    assert found["states"] == {"pass": 3, "inconclusive": 1}
    # Only key figures, as in the student's own table.
    assert [entry["id"] for entry in model(result)["windows"][0]["groups"][0]["figures"]] == ["work"]
    assert re.search(r"^Work \(1 inconclusive\) +44/s +40/s  ann +60/s  bob +3 of 4$", text, re.MULTILINE)


def test_a_distribution_is_one_row_of_the_class(tmp_path: Path) -> None:
    def waits(mean: float, p99: float | None) -> list[dict[str, Any]]:
        lock = {"unit": "s", "direction": "lower", "distribution": "lock", "key": True}
        share = {**lock, "unit": "ratio"}
        return [
            figure("work", 1.0, key=True),
            figure("lock_above_10ms", 0.01, title="Lock, share above 10 ms", **share),
            figure("lock_p99", p99, title="Lock, p99", **lock),
            figure("lock_mean", mean, title="Lock, mean", **lock),
            figure("other_p50", 0.5, title="Other, p50", **{**lock, "distribution": "other"}),
        ]

    for number, (mean, p99) in enumerate(((0.001, 0.02), (0.002, None), (0.009, 0.04)), 1):
        measure(tmp_path, f"student-{number:02}", 1.0, windows=[window("load", START, *waits(mean, p99))])
    result, text = do(tmp_path)
    assert row(result, name="lock_mean")["distribution"] == "lock"
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Lock"))
    assert [line.split() for line in lines[place - 2 : place + 2] if "─" not in line] == [
        ["median", "mean", "p50", "p99", "above", "10", "ms"],
        ["Lock", "2", "ms", "30", "ms", "1", "%"],
        ["Other", "500", "ms"],
    ]
    written = Path(result["paths"]["markdown"]).read_text()
    assert (
        "| Lock (lower is better) | 2 ms; 1 ms student-01 to 9 ms student-03 |  | "
        "30 ms; 20 ms student-01 to 40 ms student-03; 2 of 3 have a value, 1 inconclusive | "
        "1 %; 1 % all to 1 % all |"
    ) in written
    page = Path(result["paths"]["html"]).read_text()
    assert '<th scope="row">Lock<span class="hint">lower is better</span></th>' in page
    assert '<td class="number">2 ms<span class="name">1 ms student-01</span>' in page
    assert '<th scope="row">Lock, mean' not in page


def test_the_median_of_two_is_between_them(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    measure(tmp_path, "bob", 60.0)
    assert row(do(tmp_path)[0])["median"]["value"] == 50.0


def test_bounds_stay_bounds(tmp_path: Path) -> None:
    low = figure("lock", 0.001, **LOCK, interval=[0.0, 0.001], bound="below")
    for name in ("ann", "bob", "cid"):
        measure(tmp_path, name, None, windows=[window("load", START, low)])
    result, text = do(tmp_path)
    assert row(result, name="lock")["median"] == {"value": 0.001, "bound": "below"}
    assert re.search(r"^Lock +≤ 1.00 ms +≤ 1.00 ms +all +≤ 1.00 ms +all +3 of 3$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"settings": {**SETTINGS, "history_shards": 4}}, "history_shards"),
        ({"settings": {**SETTINGS, "concurrent_workflows": 6}}, "concurrent_workflows"),
        ({"versions": {"temporal_server": "1.22.0"}}, "temporal_server"),
        ({"windows": [window("load", START, figure("work", 99.0), length=30.0)]}, "window"),
    ],
)
def test_windows_of_different_settings_are_not_mixed(tmp_path: Path, other: dict[str, Any], differs: str) -> None:
    for name, value in (("ann", 40.0), ("bob", 44.0)):
        measure(tmp_path, name, value)
    measure(tmp_path, "cid", 99.0, **other)
    result, text = do(tmp_path)
    [entry] = model(result)["windows"]
    assert [group["students"] for group in entry["groups"]] == [["ann", "bob"], ["cid"]]
    assert entry["differ"] == [differs]
    assert row(result)["values"][-1]["value"] == 44.0
    assert f"other groups, shown in the report: 1 student with {differs}" in text
    page = Path(result["paths"]["html"]).read_text()
    assert f"Students differ in {differs}, so they form 2 groups." in page


def test_the_same_settings_written_differently_are_the_same(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    measure(tmp_path, "bob", 44.0, settings=dict(reversed(SETTINGS.items())) | {"window": 120.0})
    [entry] = model(do(tmp_path)[0])["windows"]
    assert len(entry["groups"]) == 1


# --- outliers ------------------------------------------------------------------------------------


def outliers(folder: Path, values: list[Any], **fields: Any) -> list[tuple[str, float]]:
    """Which of the students with these values are told of, and how far they are from the median."""
    for number, value in enumerate(values):
        given = value if isinstance(value, dict) else {"value": value}
        found = figure("work", given.pop("value"), **{**fields, **given})
        measure(folder, f"s{number}", None, windows=[window("load", START, found)])
    result, _text = do(folder)
    return [(entry["student"], round(entry["ratio"], 3)) for entry in result["outliers"]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([40.0, 41.0, 42.0, 84.0, 80.0], []),
        ([40.0, 41.0, 42.0, 90.0], [("s3", 2.169)]),
        ([40.0, 41.0, 42.0, 10.0, 200.0], [("s4", 4.878), ("s3", 0.244)]),
        ([40.0, 41.0, 0.0], [("s2", 0.0)]),
        ([40.0, 400.0], []),
        ([0.0, 0.0, 0.0, 5.0], []),
        # 6 against 2 events in two minutes is chance.
        ([2 / 120, 2 / 120, 6 / 120], []),
        ([20 / 120, 20 / 120, 60 / 120], [("s2", 3.0)]),
        ([40.0, None, None, 200.0], []),
    ],
)
def test_rates_far_from_the_median(tmp_path: Path, values: list[Any], expected: list[Any]) -> None:
    assert outliers(tmp_path, values) == expected


def bucket(value: float, low: float | None, high: float | None, **fields: Any) -> dict[str, Any]:
    return {"value": value, "interval": [low, high], **fields}


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        # 9 ms is more than twice 4 ms, but it may be 5 ms.
        (bucket(0.009, 0.005, 0.010), []),
        (bucket(0.018, 0.010, 0.020), [("s3", 4.5)]),
        (bucket(0.001, 0.0, 0.001, bound="below"), [("s3", 0.25)]),
        (bucket(0.0015, 0.001, 0.002), []),
        (bucket(20.0, 20.0, None, bound="above"), [("s3", 5000.0)]),
        # More than 1 ms may well be 4 ms.
        (bucket(0.001, 0.001, None, bound="above"), []),
        (bucket(0.018, 0.010, 0.020, state="inconclusive", reason="few"), []),
    ],
)
def test_quantiles_far_from_the_median(tmp_path: Path, last: dict[str, Any], expected: list[Any]) -> None:
    same = [bucket(0.004, 0.002, 0.005) for _number in range(3)]
    assert outliers(tmp_path, [*same, last], **LOCK) == expected


def test_an_outlier_is_an_observation(tmp_path: Path) -> None:
    for name, value in (("ann", 40.0), ("bob", 41.0), ("cid", 42.0), ("dan", 10.0)):
        measure(tmp_path, name, value)
    result, text = do(tmp_path)
    assert result["states"] == {"done": 4}
    assert result["retry"] == []
    assert "  dan: Work 10/s in benchmark, 0.25 times the median of 4 students, 40.5/s" in text.splitlines()
    assert OUTLIER_FACTOR == 2.0


# --- whom to do again ----------------------------------------------------------------------------


def test_hosts_to_do_again(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0).write("scale", at=400)
    lab = measure(tmp_path, "bob", 40.0)
    lab.write("scale", state="failed", at=400)
    measure(tmp_path, "cid", 40.0)
    names = ["ann", "bob", "cid", "dan"]
    result, text = do(tmp_path, students=names, hosts={"bob": "host-2", "dan": "host-4"})
    assert result["retry"] == ["host-2", "host-4"]
    assert Path(result["retry_path"]).read_text() == "host-2\nhost-4\n"
    assert text.splitlines()[-1].endswith(f"--limit @{tmp_path / 'class.retry'}")
    # Asked about a stage, who has not done it is to do it.
    assert do(tmp_path, students=names, stages=["scale"])[0]["retry"] == ["bob", "cid", "dan"]
    assert do(tmp_path, students=names, stages=["install"])[0]["retry"] == ["dan"]


def test_the_file_goes_when_nobody_is_left(tmp_path: Path) -> None:
    """Ansible takes an empty file in --limit for no limit: all hosts would be done again."""
    lab = measure(tmp_path, "ann", 40.0)
    lab.write("scale", state="failed", at=400)
    assert do(tmp_path)[0]["changed"]
    assert (tmp_path / "class.retry").exists()
    lab.write("scale", at=900)
    assert do(tmp_path, check=True)[0]["changed"]
    assert (tmp_path / "class.retry").exists()
    result, _text = do(tmp_path)
    assert (result["changed"], result["retry_path"]) == (True, "")
    assert not (tmp_path / "class.retry").exists()


# --- files ---------------------------------------------------------------------------------------


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    first, _text = do(tmp_path)
    assert first["changed"]
    assert do(tmp_path)[0] == {**first, "changed": False}
    assert do(tmp_path, table=False)[1] == ""


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    result, _text = do(tmp_path, check=True, dest=str(tmp_path / "new"))
    assert result["changed"]
    assert [path.name for path in tmp_path.iterdir()] == ["ann"]


@pytest.mark.parametrize("arguments", [{"students": ["../x"]}, {"run": ".."}, {"stages": ["Scale"]}])
def test_names_that_are_none_are_refused(tmp_path: Path, arguments: dict[str, Any]) -> None:
    measure(tmp_path, "ann", 40.0)
    with pytest.raises(LabError, match="cannot be"):
        do(tmp_path, **arguments)


def test_the_page(tmp_path: Path) -> None:
    write_page(measure(tmp_path, "ann", 40.0).path)
    lab = measure(tmp_path, "bob", 41.0)
    lab.write("scale", state="failed", at=400, message=HOSTILE)
    result, _text = do(tmp_path, students=["ann", "bob", "cid"])
    html = Path(result["paths"]["html"]).read_text()
    page = Page(html)
    assert page.faults == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _attributes in page.elements}
    links = [attributes["href"] for attributes in page.all("a")]
    assert [link for link in links if not link.startswith("#")] == [f"ann/{RUN}/report.html"]
    assert (tmp_path / f"ann/{RUN}/report.html").is_file()
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    assert any(HOSTILE in text for text in page.texts["td"])
    # States are words, not only colours.
    assert {"done", "failed", "nothing recorded", "unfinished", "not done"} <= set(page.texts["span"])
    assert "://" not in html.replace(HOSTILE, "")
    properties = set(re.findall(r"var\(--([a-z0-9-]+)\)", html))
    assert properties <= set(re.findall(r"--([a-z0-9-]+):", page.texts["style"][0]))
    markdown = Path(result["paths"]["markdown"]).read_text()
    assert "<script>" not in re.sub(r"\\[<>]", "", markdown)
    for line in ("| bob | failed |", "| cid | nothing recorded |", "| Work (higher is better) | 40.5/s | 40/s ann |"):
        assert line in markdown


# --- results of others ---------------------------------------------------------------------------


def test_only_pages_that_this_lab_wrote_are_linked(tmp_path: Path) -> None:
    for name in ("ann", "bob", "cid", "dan", "eve"):
        measure(tmp_path, name, 40.0)
    write_page(tmp_path / "ann" / RUN)
    (tmp_path / "bob" / RUN / "report.html").write_text("<script>alert(1)</script>")
    # The page of another student, whole and with its seal.
    (tmp_path / "cid" / RUN / "report.html").write_text((tmp_path / "ann" / RUN / "report.html").read_text())
    (tmp_path / "dan" / RUN / "report.html").symlink_to(tmp_path / "ann" / RUN / "report.html")
    result, text = do(tmp_path)
    links = [attributes["href"] for attributes in Page(Path(result["paths"]["html"]).read_text()).all("a")]
    assert [link for link in links if not link.startswith("#")] == [f"ann/{RUN}/report.html"]
    [problem] = result["problems"]
    assert problem["text"].startswith("report.html of bob, cid, dan was not written by this user's lab")
    assert "--tags report" in problem["text"]
    assert "report.html of bob, cid, dan" in " ".join(text.split())


def test_one_students_results_cannot_flood_the_terminal(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    mallory = Lab(tmp_path, "mallory")
    for stage in ("install", "scale"):
        mallory.write(stage, state="failed", message="x" * 5000)
    for number in range(1, 301):
        (mallory.path / f"cleanup-{number}.json").write_text("{")
    _result, text = do(tmp_path)
    assert len(text.splitlines()) < 400
    assert max(map(len, text.splitlines())) < 1200


def test_settings_of_any_size_take_a_line(tmp_path: Path) -> None:
    measure(tmp_path, "ann", 40.0)
    strange = {f"s{number}": {"deep": ["x" * 1000] * 5} for number in range(400)}
    measure(tmp_path, "mallory", 40.0, settings={**SETTINGS, **strange})
    result, _text = do(tmp_path)
    assert len(Path(result["paths"]["html"]).read_text()) < 100_000


def test_results_that_nobody_thought_of_cost_their_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ann", "bob"):
        measure(tmp_path, name, 40.0)
    real = lab_class.read_student

    def read_student(folders: list[Path], name: str, run: str | None) -> Any:
        if name == "bob":
            raise ZeroDivisionError("division\nby zero")
        return real(folders, name, run)

    monkeypatch.setattr(lab_class, "read_student", read_student)
    result, _text = do(tmp_path)
    assert result["students"] == {"ann": "done", "bob": "nothing recorded"}
    [problem] = result["problems"]
    assert problem["text"].startswith(
        "The results of bob are left out: The task ended with an unexpected ZeroDivisionError (division by zero)"
    )


def test_without_a_key_no_page_is_linked_and_the_report_says_why(tmp_path: Path, state_home: Path) -> None:
    write_page(measure(tmp_path, "ann", 40.0).path)
    (state_home / "temporal_lab").chmod(0o777)
    [problem] = do(tmp_path)[0]["problems"]
    assert problem["text"].startswith("report.html of ann is not linked, because this user has no key")
