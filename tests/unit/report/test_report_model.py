# SPDX-License-Identifier: GPL-3.0-or-later
"""The merged model: which attempts count, changes between windows, series, and what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import model, view
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import (
    START,
    Lab,
    figure,
    series,
    window,
)


def stage_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(stage for stage in report["stages"] if stage["stage"] == name)


def test_the_recorded_run_is_merged_whole(recorded: dict[str, Any]) -> None:
    assert json.loads(json.dumps(recorded, allow_nan=False)) == recorded
    assert all(len(row["readings"]) == len(recorded["windows"]) for row in recorded["figures"])
    assert [event["time"] for event in recorded["events"]] == sorted(event["time"] for event in recorded["events"])
    assert {item["figure"] for item in recorded["series"]} <= {row["id"] for row in recorded["figures"]}
    assert not [problem for problem in recorded["problems"] if problem["kind"] == "file"]


def test_a_change_is_against_the_window_before(lab: Lab) -> None:
    values = [10.0, 15.0, None, 30.0, 0.0, 0.0, 5.0, 4.0]
    lab.write(
        "baseline",
        windows=[window(f"w{n}", START + 200 * n, figure("work", value)) for n, value in enumerate(values)],
        finished=START + 2000,
    )
    [row] = lab.report()["figures"]
    assert [reading["change"] for reading in row["readings"]] == [
        None,
        {"absolute": 5.0, "ratio": 0.5},
        None,
        None,
        {"absolute": -30.0, "ratio": -1.0},
        {"absolute": 0.0, "ratio": 0.0},
        {"absolute": 5.0, "ratio": None},
        {"absolute": -1.0, "ratio": -0.2},
    ]


def test_windows_stand_in_the_order_of_the_lab_not_of_the_clock(lab: Lab) -> None:
    lab.write("scale", windows=[window("first", START), window("after", START + 120)])
    lab.write("baseline", at=5000, windows=[window("idle", START + 5000)])
    assert [item["name"] for item in lab.report()["windows"]] == ["idle", "first", "after"]


def test_a_window_without_a_figure_has_no_reading(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0))])
    lab.write("scale", windows=[window("first", START + 200, figure("shards", 2.0))])
    assert [(row["id"], [bool(reading) for reading in row["readings"]]) for row in lab.report()["figures"]] == [
        ("work", [True, False]),
        ("shards", [False, True]),
    ]


def test_figures_of_different_units_are_not_compared(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("lock", 2.0, unit="ms"))])
    lab.write("scale", windows=[window("first", START + 200, figure("lock", 0.002, unit="s"))])
    rows = lab.report()["figures"]
    assert [row["unit"] for row in rows] == ["ms", "s"]
    assert all(reading is None or reading["change"] is None for row in rows for reading in row["readings"])


def test_key_figures_are_those_that_are_marked_or_else_all(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("a", 1.0), figure("b", 2.0))])
    assert [row["id"] for row in model.key_figures(lab.report()["figures"])] == ["a", "b"]
    lab.write("baseline", windows=[window("idle", START, figure("a", 1.0), figure("b", 2.0, key=True))])
    assert [row["id"] for row in model.key_figures(lab.report()["figures"])] == ["b"]


def test_a_later_failure_does_not_hide_what_was_measured(measured: Lab) -> None:
    measured.write("benchmark", state="failed", at=900, message="The server is gone.")
    report = measured.report()
    stage = stage_of(report, "benchmark")
    assert (stage["state"], stage["message"], stage["shown_attempt"]) == ("failed", "The server is gone.", 1)
    assert [attempt["state"] for attempt in stage["attempts"]] == ["done", "failed"]
    assert [item["stage"] for item in report["windows"]] == ["baseline", "benchmark"]
    [shown] = [item for item in view.build_view(report)["stages"] if item["stage"] == "benchmark"]
    assert shown["notes"] == ["what follows is from attempt 1", "attempt 1 done"]


def test_the_newest_done_attempt_is_shown(measured: Lab) -> None:
    measured.write("benchmark", at=900, windows=[window("load", START + 910, figure("work", 50.0))])
    report = measured.report()
    assert [reading and reading["value"] for reading in report["figures"][0]["readings"]] == [0.0, 50.0]
    assert stage_of(report, "benchmark")["shown_attempt"] == 2


def test_a_run_that_was_cut_off_says_what_is_missing(measured: Lab) -> None:
    report = measured.report()
    assert report["absent"] == [
        "preflight",
        "install",
        "dashboard",
        "concurrency",
        "scale",
        "cleanup",
        "recreate",
    ]
    assert stage_of(report, "scale")["state"] == "absent"
    told = view.build_view(report)
    assert "Not in this run: preflight, install" in told["summary"]
    assert [stage["word"] for stage in told["stages"] if stage["stage"] == "scale"] == ["not done"]
    assert "report" not in [stage["stage"] for stage in told["stages"]]


def test_an_unreadable_attempt_is_the_state_but_the_one_before_is_shown(measured: Lab) -> None:
    (measured.path / "benchmark-2.json").write_text('{"schema"')
    report = measured.report()
    stage = stage_of(report, "benchmark")
    assert (stage["state"], stage["shown_attempt"]) == ("unreadable", 1)
    assert [problem["kind"] for problem in report["problems"]] == ["file", "inconclusive"]
    assert len(report["windows"]) == 2


def test_a_stage_with_nothing_but_an_unreadable_file(lab: Lab) -> None:
    lab.path.mkdir(parents=True)
    (lab.path / "extra-1.json").write_text("")
    report = lab.report()
    assert (report["started"], report["windows"], report["figures"]) == (None, [], [])
    assert [(stage["stage"], stage["state"]) for stage in report["stages"] if stage["state"] != "absent"] == [
        ("extra", "unreadable")
    ]


def test_stages_that_the_lab_does_not_have_come_last(lab: Lab) -> None:
    lab.write("zebra", at=0)
    lab.write("apple", at=10)
    lab.write("recreate", at=20)
    names = [stage["stage"] for stage in lab.report()["stages"]]
    assert names[-3:] == ["recreate", "zebra", "apple"]


def test_what_two_stages_noted_is_one_event_of_the_stage_it_was_in(lab: Lab) -> None:
    rollout = {"name": "rolled_out", "title": "history rolled out", "time": START + 1010}
    other = {**rollout, "time": START + 20}
    lab.write("install", at=2000, events=[rollout])
    lab.write("benchmark", at=0, events=[other])
    lab.write("recreate", at=1000, events=[rollout])
    assert lab.report()["events"] == [{"stage": "benchmark", **other}, {"stage": "recreate", **rollout}]


def test_problems_are_told_gravest_first(lab: Lab) -> None:
    states = ["warn", "inconclusive", "error", "fail", "pass"]
    figures = [figure(state, 1.0, state=state, reason=f"because {state}") for state in states]
    lab.write("baseline", windows=[window("idle", START, *figures)])
    problems = lab.report()["problems"]
    assert [problem["kind"] for problem in problems] == ["fail", "error", "inconclusive", "warn"]
    assert problems[0] == {"kind": "fail", "source": "Fail, baseline", "text": "because fail"}


@pytest.mark.parametrize(("length", "first_look"), [(120.0, False), (119.5, False), (30.0, True), (300.0, False)])
def test_a_first_look_is_a_run_with_short_windows(lab: Lab, length: float, first_look: bool) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0), length=length)])
    report = lab.report()
    assert report["first_look"] is first_look
    assert report["window"] == length
    assert ("first look" in view.build_view(report)["first_look"]) is first_look


def test_settings_tell_which_stage_had_which_value(measured: Lab) -> None:
    settings = {item["name"]: item["values"] for item in measured.report()["settings"]}
    assert settings["window"] == [{"value": 120, "stages": ["baseline", "benchmark"]}]
    assert settings["load"] == [{"value": 0, "stages": ["baseline"]}, {"value": 3, "stages": ["benchmark"]}]
    assert dict(view.build_view(measured.report())["settings"]) == {
        "window": "2 min",
        "scrape interval": "5 s",
        "load": "0 (baseline); 3 (benchmark)",
    }


def test_series_of_the_stages_become_one(lab: Lab) -> None:
    pods = [{"pod": "a"}, {"pod": "b"}]
    lab.write("baseline", series=[series("work", [[START + 5, 2.0], [START, 1.0]], labels=pods[0], query="q", step=5)])
    lab.write(
        "scale",
        series=[
            series("work", [[START + 5, 2.5], [START + 60, 3.0]], labels=pods[0], query="q", step=10),
            series("work", [[START + 60, 4.0]], labels=pods[1]),
        ],
    )
    first, second = lab.report()["series"]
    assert first["points"] == [[START, 1.0], [START + 5, 2.5], [START + 60, 3.0]]
    assert (first["step"], first["queries"]) == (10, ["q"])
    assert (second["labels"], second["step"]) == ({"pod": "b"}, None)


def shards_of(facts: dict[str, Any], lab: Lab) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    lab.write("scale", facts=facts)
    told = view.build_view(lab.report())
    return told["shards"], [item for stage in told["facts"] for item in stage["items"]]


def test_shards_before_and_after(lab: Lab) -> None:
    shards = {"before": {"a": 512}, "after": {"a": 255, "b": 257}, "expected": 512, "settled": 4.1}
    [table], others = shards_of({"shards": shards}, lab)
    assert table["rows"] == [
        {"pod": "a", "before": "512", "after": "255", "share": "49.8 %"},
        {"pod": "b", "before": "–", "after": "257", "share": "50.2 %"},
    ]
    assert (table["before"], table["after"], others) == ("512", "512", [])
    assert table["sentences"] == [
        "Both sums are the effective shard count, 512.",
        "The shards settled 4.1 s after the new pod was made.",
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"expected": 1024}, "The sum is not the effective shard count, 1,024: it is 512 before and 512 after."),
        ({"expected": None}, "The effective shard count was not read from Temporal."),
        ({"settled": None}, "The shards did not settle while they were watched."),
        ({"after": {"a": 512, "b": 0}}, "Afterwards no shard was owned by b."),
        ({"after": {"a": 255, "b": None}}, "Not every pod told its shards after, so that sum is not known."),
        ({"after": {}}, "Not every pod told its shards after, so that sum is not known."),
    ],
)
def test_shards_that_are_not_right_are_told(lab: Lab, fields: dict[str, Any], sentence: str) -> None:
    shards = {"before": {"a": 512}, "after": {"a": 255, "b": 257}, "expected": 512, "settled": 4.1, **fields}
    [table], _others = shards_of({"shards": shards}, lab)
    assert sentence in table["sentences"]
    assert ("Both sums" in " ".join(table["sentences"])) is (not {"expected"} & set(fields) and "sum" not in sentence)


def test_an_unknown_share_is_not_zero(lab: Lab) -> None:
    [table], _others = shards_of({"shards": {"before": {"a": 1}, "after": {"a": 1, "b": None}, "expected": 1}}, lab)
    assert [row["after"] for row in table["rows"]] == ["1", "not known"]
    assert [row["share"] for row in table["rows"]] == ["–", "–"]
    assert table["after"] == "not known"


@pytest.mark.parametrize(
    ("facts", "item"),
    [
        ({"ready_seconds": 46.2}, {"name": "Ready after", "text": "46.2 s"}),
        ({"restarts": {"a": 0, "b": 0}}, {"name": "Restarts", "text": "none"}),
        ({"restarts": {"a": 0, "b": 2}}, {"name": "Restarts", "lines": ["b: 2"]}),
        ({"waited_seconds": 72.4}, {"name": "Waited", "text": "1 min 12 s"}),
        ({"leftovers": []}, {"name": "Leftovers", "text": "none"}),
        ({"leftovers": ["pvc/a"]}, {"name": "Leftovers", "lines": ["pvc/a"]}),
        (
            {"findings": [{"id": "x", "state": "warn", "title": "T", "effect": "E", "cure": None}]},
            {"name": "Findings", "findings": [{"state": "warn", "title": "T", "effect": "E", "cure": ""}]},
        ),
        ({"something_new": {"a": [1, None]}}, {"name": "something new", "text": '{"a": [1, null]}'}),
        ({"ready_seconds": None}, {"name": "ready seconds", "text": "not known"}),
        ({"ready_seconds": "soon"}, {"name": "ready seconds", "text": "soon"}),
        ({"restarts": 3}, {"name": "restarts", "text": "3"}),
        ({"leftovers": "pvc/a"}, {"name": "leftovers", "text": "pvc/a"}),
        ({"findings": ["odd"]}, {"name": "findings", "text": '["odd"]'}),
        ({"shards": {"before": 512}}, {"name": "shards", "text": '{"before": 512}'}),
        ({"flag": True}, {"name": "flag", "text": "yes"}),
    ],
)
def test_facts_known_and_unknown(lab: Lab, facts: dict[str, Any], item: dict[str, Any]) -> None:
    assert shards_of(facts, lab) == ([], [item])
