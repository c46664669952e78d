# SPDX-License-Identifier: GPL-3.0-or-later
"""Which annotations a run should have, and what makes those that are there into them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import marks
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.marks import FoundMark, Mark
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import runs
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RECORDED,
    RUN,
    START,
    STUDENT,
    Lab,
    window,
    write_measured,
)

#: The start of the lab in milliseconds.
MS = round(START * 1000)
UID = "temporal-lab-benchmarking"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def wanted(lab: Lab) -> list[Mark]:
    return marks.wanted(runs.read_run(lab.folder, lab.student, lab.name))


def shape(found: list[Mark]) -> list[tuple[str, str, str, float, float]]:
    """Stage, kind, text, and the times in seconds after the lab's start."""
    return [(one.stage, one.kind, one.text, (one.start - MS) / 1000, (one.end - MS) / 1000) for one in found]


def mark(text: str = "scale: first", start: int = MS, end: int = MS + 120_000, **fields: str) -> Mark:
    names = {"student": STUDENT, "run": RUN, "stage": "scale", "kind": "window", **fields}
    return Mark(**names, text=text, start=start, end=end)


def annotation(number: int, one: Mark, **fields: Any) -> dict[str, Any]:
    """A mark as Grafana gives it (exchange A18)."""
    return {
        "id": number,
        "dashboardId": 1,
        "dashboardUID": UID,
        "created": 1795451848853,
        "updated": 1795451848853,
        "time": one.start,
        "timeEnd": one.end,
        "text": one.text,
        "tags": one.tags,
        "login": "sa-1-marks",
        "data": {},
        **fields,
    }


# --- what should be there ------------------------------------------------------------------------


def test_windows_are_regions_and_events_are_points(lab: Lab) -> None:
    write_measured(lab)
    assert shape(wanted(lab)) == [
        ("baseline", "event", "it began", 10, 10),
        ("baseline", "window", "baseline: the idle one", 10, 130),
        ("benchmark", "window", "benchmark: the load one", 170, 290),
    ]


def test_what_grafana_is_told(lab: Lab) -> None:
    write_measured(lab)
    assert wanted(lab)[1].body == {
        "time": 1795453210000,
        "timeEnd": 1795453330000,
        "tags": ["temporal-lab", "student:student-01", f"run:{RUN}", "stage:baseline", "window"],
        "text": "baseline: the idle one",
    }


@pytest.mark.parametrize(
    ("title", "settings", "text"),
    [
        (
            "first 120 s",
            {"concurrent_workflows": 6, "history_replicas": 2},
            "first 120 s (6 in flight, 2 history pods)",
        ),
        ("6 in flight", {"concurrent_workflows": 6, "history_replicas": 1}, "6 in flight (1 history pod)"),
        ("idle", {"concurrent_workflows": 0}, "idle (0 in flight)"),
        ("first 120 s", {"window": 120}, "first 120 s"),
        (" ", {}, "first"),
    ],
)
def test_a_window_says_what_was_set(lab: Lab, title: str, settings: dict[str, Any], text: str) -> None:
    lab.write("scale", windows=[{**window("first", START), "title": title}], settings=settings)
    assert wanted(lab)[0].text == f"scale: {text}"


def test_settings_are_those_of_the_window_s_own_stage(lab: Lab) -> None:
    for number, stage in enumerate(("benchmark", "scale"), start=1):
        lab.write(
            stage, at=160 * number, windows=[window("w", START + 160 * number)], settings={"history_replicas": number}
        )
    assert [one.text for one in wanted(lab)] == [
        "benchmark: the w one (1 history pod)",
        "scale: the w one (2 history pods)",
    ]


def test_what_two_stages_noted_is_one_event(lab: Lab) -> None:
    event = {"name": "rolled_out", "title": "workers rolled out", "time": START + 20}
    lab.write("benchmark", events=[event])
    lab.write("concurrency", at=160, events=[{**event, "observed": None}])
    assert shape(wanted(lab)) == [("benchmark", "event", "workers rolled out", 20, 20)]


def test_events_that_look_the_same_are_one_mark(lab: Lab) -> None:
    event = {"title": "rolled out", "time": START}
    lab.write("benchmark", events=[{"name": "a", **event}, {"name": "b", **event}, {"name": "c", **event, "title": ""}])
    assert [one.text for one in wanted(lab)] == ["c", "rolled out"]


def test_stages_that_change_the_cluster_are_regions(lab: Lab) -> None:
    for number, stage in enumerate(("preflight", "install", "cleanup", "recreate")):
        lab.write(stage, at=200 * number)
    lab.write("dashboard", "skipped", at=800)
    assert shape(wanted(lab)) == [
        ("install", "stage", "install", 200, 350),
        ("cleanup", "stage", "cleanup", 400, 550),
        ("recreate", "stage", "recreate", 600, 750),
    ]


def test_a_stage_that_was_skipped_changed_nothing(lab: Lab) -> None:
    lab.write("recreate", "skipped")
    assert wanted(lab) == []


def test_a_failed_stage_is_a_point_with_its_message(lab: Lab) -> None:
    lab.write("scale", "failed", message="history did not\n  get ready.")
    lab.write("install", "failed", at=300)
    assert shape(wanted(lab)) == [
        ("scale", "stage", "scale failed: history did not get ready.", 150, 150),
        ("install", "stage", "install", 300, 450),
        ("install", "stage", "install failed: install failed for a reason.", 450, 450),
    ]


def test_a_long_message_is_cut(lab: Lab) -> None:
    lab.write("scale", "failed", message="x" * 5000)
    [one] = wanted(lab)
    assert len(one.text) == 300
    assert one.text.endswith("x…")


def test_the_newest_attempt_that_was_done_counts(lab: Lab) -> None:
    lab.write("baseline", "failed")
    lab.write("baseline", at=200, windows=[window("idle", START + 210)])
    lab.write("baseline", at=400, windows=[window("idle", START + 410)])
    assert shape(wanted(lab)) == [("baseline", "window", "baseline: the idle one", 410, 530)]


def test_a_stage_that_changed_the_cluster_twice_is_the_newest(lab: Lab) -> None:
    lab.write("install")
    lab.write("install", at=200)
    assert shape(wanted(lab)) == [("install", "stage", "install", 200, 350)]


def test_a_failure_after_it_was_done_is_marked_too(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START + 10)])
    lab.write("baseline", "failed", at=200, message="no.")
    assert shape(wanted(lab)) == [
        ("baseline", "window", "baseline: the idle one", 10, 130),
        ("baseline", "stage", "baseline failed: no.", 350, 350),
    ]


def test_times_are_whole_milliseconds(lab: Lab) -> None:
    # As a float, the end is a little less than it is written.
    lab.write("scale", windows=[window("first", START + 0.001, length=0.008)])
    [one] = wanted(lab)
    assert (one.start, one.end) == (MS + 1, MS + 9)
    assert (type(one.start), type(one.end)) == (int, int)


def test_no_end_is_before_its_start(lab: Lab) -> None:
    lab.write("install")
    run = runs.read_run(lab.folder, lab.student, lab.name)
    # No stage file can say so; Grafana would take it without a word.
    run.stages["install"][0]["finished"] = START - 5
    assert shape(marks.wanted(run)) == [("install", "stage", "install", 0, 0)]


def test_the_recorded_run() -> None:
    run = runs.latest_run(RECORDED, "student-01")
    assert run is not None
    found = marks.wanted(runs.read_run(RECORDED, "student-01", run))
    texts = [one.text for one in found]
    assert {"concurrency: 6 in flight (1 history pod)", "history rolled out with 2 replicas"} <= set(texts)
    # Noted by benchmark and by concurrency.
    assert texts.count("benchmark-workers rolled out with 1 replica") == 1
    first, after = (one for one in found if one.stage == "scale" and one.kind == "window")
    assert first.end == after.start
    assert [one.stage for one in found if one.kind == "stage"] == ["install", "cleanup", "recreate"]
    # Milliseconds of the year that they are of: seconds would be of 1970.
    assert all(1_795_000_000_000 < one.start <= one.end < 1_796_000_000_000 for one in found)
    assert [one.kind for one in found].count("window") == 5
    assert len(found) == len(set(found))
    # Found again as they are, nothing is left to do.
    there = marks.ours([annotation(number, one) for number, one in enumerate(found)], "student-01", run, UID)
    left = marks.difference(found, there)
    assert (left.create, left.update, left.delete, len(left.keep)) == ([], [], [], len(found))


# --- what is there -------------------------------------------------------------------------------


def test_our_marks_are_recognised() -> None:
    region, point = mark(), mark("scaled", MS, MS, kind="event")
    found = marks.ours(
        [annotation(1, region), annotation(2, point), annotation(3, point, timeEnd=0)], STUDENT, RUN, UID
    )
    assert found == [FoundMark(1, region), FoundMark(2, point), FoundMark(3, point)]


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": mark(student="student-02").tags},
        {"tags": mark(student="STUDENT-01").tags},
        {"tags": mark(run="20261123T180000Z").tags},
        {"tags": [tag for tag in mark().tags if tag != "temporal-lab"]},
        {"tags": [tag for tag in mark().tags if tag != "window"]},
        {"tags": [tag for tag in mark().tags if tag != "stage:scale"]},
        {"tags": None},
        {"dashboardUID": "another"},
        {"dashboardUID": ""},
    ],
)
def test_marks_of_others_are_not_ours(fields: dict[str, Any]) -> None:
    assert marks.ours([annotation(1, mark(), **fields)], STUDENT, RUN, UID) == []


@pytest.mark.parametrize("fields", [{"id": None}, {"time": "soon"}, {"tags": 5}])
def test_an_answer_of_another_shape_is_a_sentence(fields: dict[str, Any]) -> None:
    with pytest.raises(LabError, match=r"GET /api/annotations .* shape"):
        marks.ours([annotation(1, mark(), **fields)], STUDENT, RUN, UID)


# --- what to do ----------------------------------------------------------------------------------


def test_what_is_right_is_kept() -> None:
    one, other = mark(), mark("scaled", MS, MS, kind="event")
    left = marks.difference([one, other], [FoundMark(1, one), FoundMark(2, other)])
    assert left == marks.MarkChanges([], [], [], [FoundMark(1, one), FoundMark(2, other)])


def test_a_window_that_moved_is_updated_and_not_doubled() -> None:
    there = FoundMark(7, mark())
    moved = mark(start=MS + 60_000, end=MS + 180_000)
    assert marks.difference([moved], [there]) == marks.MarkChanges([], [(there, moved)], [], [])


def test_a_window_with_another_end_or_text_is_updated() -> None:
    there = FoundMark(7, mark())
    longer, renamed = mark(end=MS + 240_000), mark("scale: first 240 s", end=MS + 240_000)
    assert marks.difference([longer], [there]).update == [(there, longer)]
    assert marks.difference([renamed], [there]) == marks.MarkChanges([], [(there, renamed)], [], [])


def test_other_stages_kinds_and_times_are_not_paired() -> None:
    there = FoundMark(7, mark())
    for other in (mark(stage="benchmark"), mark(kind="event"), mark("scale: other", start=MS + 1)):
        assert marks.difference([other], [there]) == marks.MarkChanges([other], [], [there], [])


def test_the_same_one_is_kept_although_another_could_be_paired_with_it() -> None:
    stays, moves = mark(), mark(start=MS + 500_000, end=MS + 620_000)
    there = [FoundMark(1, stays), FoundMark(2, mark(start=MS + 400_000, end=MS + 520_000))]
    # The one that moved comes first: it must not take the place of the one that stays.
    assert marks.difference([moves, stays], there) == marks.MarkChanges([], [(there[1], moves)], [], [there[0]])


def test_marks_that_moved_are_paired_with_the_nearest() -> None:
    def point(second: int) -> Mark:
        return mark("rolled out", MS + second * 1000, MS + second * 1000, kind="event")

    there = [FoundMark(1, point(0)), FoundMark(2, point(100))]
    left = marks.difference([point(102), point(3)], there)
    assert left.update == [(there[1], point(102)), (there[0], point(3))]


def test_second_ones_go_and_the_oldest_stays() -> None:
    there = [FoundMark(number, mark()) for number in (9, 4, 6)]
    left = marks.difference([mark()], there)
    assert [one.id for one in left.keep] == [4]
    assert [one.id for one in left.delete] == [6, 9]
    assert (left.create, left.update) == ([], [])


def test_marks_of_an_older_attempt_go() -> None:
    old = FoundMark(3, mark("gone", MS - 1000, MS - 1000, kind="event"))
    left = marks.difference([mark()], [FoundMark(1, mark()), old])
    assert (left.delete, left.update, left.create) == ([old], [], [])


def test_a_mark_with_a_tag_too_many_is_put_right() -> None:
    [there] = marks.ours([annotation(1, mark(), tags=[*mark().tags, "mine"])], STUDENT, RUN, UID)
    assert marks.difference([mark()], [there]) == marks.MarkChanges([], [(there, mark())], [], [])


def test_marks_of_an_older_version_get_the_tags_of_their_place() -> None:
    more = marks.place_tags("student-01", "my-temporal")
    assert more == ("namespace:student-01", "release:my-temporal")
    new = replace(mark(), more=more)
    [there] = marks.ours([annotation(1, mark())], STUDENT, RUN, UID, more)
    assert marks.difference([new], [there]).update == [(there, new)]
    [there] = marks.ours([annotation(1, new)], STUDENT, RUN, UID, more)
    assert marks.difference([new], [there]).keep == [there]


def test_the_order_of_tags_does_not_matter() -> None:
    [there] = marks.ours([annotation(1, mark(), tags=mark().tags[::-1])], STUDENT, RUN, UID)
    assert marks.difference([mark()], [there]).keep == [there]


def test_without_wanted_ones_all_go() -> None:
    there = [FoundMark(1, mark()), FoundMark(2, replace(mark(), stage="benchmark"))]
    assert marks.difference([], there) == marks.MarkChanges([], [], there, [])


def test_people_see_times_and_texts() -> None:
    assert marks.as_text([mark(start=MS + 1500), mark("scaled", MS, MS, kind="event")]) == (
        "2026-11-23T17:00:00.000Z  scaled\n2026-11-23T17:00:01.500Z to 2026-11-23T17:02:00.000Z  scale: first\n"
    )
