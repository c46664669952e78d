# SPDX-License-Identifier: GPL-3.0-or-later
"""The merged model: which attempts count, changes between windows, series, and what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_view import build_view
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_figures import BESIDE
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.report import key_figures
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    full,
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


@pytest.mark.parametrize(
    ("before", "after"),
    [({"bound": "below"}, {"bound": "below"}), ({"bound": "below"}, {}), ({}, {"bound": "above"})],
)
def test_no_change_is_claimed_where_a_value_is_only_a_bound(
    lab: Lab, before: dict[str, str], after: dict[str, str]
) -> None:
    windows = [
        window("w1", START, figure("lock", 0.001, **before)),
        window("w2", START + 120, figure("lock", 0.001, **after)),
    ]
    lab.write("scale", windows=windows, finished=START + 300)
    report = lab.report()
    assert [reading["change"] for reading in report["figures"][0]["readings"]] == [None, None]
    assert [cell["change"] for cell in build_view(report)["key"][0]["cells"]] == ["", ""]


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
    assert [row["id"] for row in key_figures(lab.report()["figures"])] == ["a", "b"]
    lab.write("baseline", windows=[window("idle", START, figure("a", 1.0), figure("b", 2.0, key=True))])
    assert [row["id"] for row in key_figures(lab.report()["figures"])] == ["b"]


def test_a_later_failure_does_not_hide_what_was_measured(measured: Lab) -> None:
    measured.write("benchmark", state="failed", at=900, message="The server is gone.")
    report = measured.report()
    stage = stage_of(report, "benchmark")
    assert (stage["state"], stage["message"], stage["shown_attempt"]) == ("failed", "The server is gone.", 1)
    assert [attempt["state"] for attempt in stage["attempts"]] == ["done", "failed"]
    assert [item["stage"] for item in report["windows"]] == ["baseline", "benchmark"]
    [shown] = [item for item in build_view(report)["stages"] if item["stage"] == "benchmark"]
    assert shown["notes"] == ["the report shows attempt 1", "attempt 1 done"]


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
    told = build_view(report)
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
    assert ("first look" in build_view(report)["first_look"]) is first_look


def test_settings_tell_which_stage_had_which_value(measured: Lab) -> None:
    settings = {item["name"]: item["values"] for item in measured.report()["settings"]}
    assert settings["window"] == [{"value": 120, "stages": ["baseline", "benchmark"]}]
    assert settings["load"] == [{"value": 0, "stages": ["baseline"]}, {"value": 3, "stages": ["benchmark"]}]
    assert dict(build_view(measured.report())["settings"]) == {
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
    told = build_view(lab.report())
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
        "Both sums equal the effective shard count, 512.",
        "The shards settled 4.1 s after the new pod was created.",
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"expected": 1024}, "The effective shard count is 1,024, but the sum is 512 before and 512 after."),
        ({"expected": None}, "The effective shard count was not read from Temporal."),
        ({"settled": None}, "The shards did not settle while they were observed."),
        ({"after": {"a": 512, "b": 0}}, "Afterwards b owned no shard."),
        ({"after": {"a": 255, "b": None}}, "Not every pod reported its shards after, so that sum is not known."),
        ({"after": {}}, "Not every pod reported its shards after, so that sum is not known."),
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


# --- how well the figures are known --------------------------------------------------------------


def test_a_reading_has_what_its_figure_has(lab: Lab) -> None:
    old, new = figure("old", 1.0), full("new", 1.0, bound="below", interval=[None, 1.0], observations=3.5)
    lab.write("baseline", windows=[window("idle", START, old, new)])
    first, second = (row["readings"][0] for row in lab.report()["figures"])
    assert set(second) - set(first) == set(BESIDE) - {"thresholds", "compared"}
    assert {name: second[name] for name in set(second) - set(first)} == {
        name: new[name] for name in BESIDE if name in new
    }


def test_how_well_the_figures_are_known(doubtful: Lab) -> None:
    assert doubtful.report()["known"] == {
        "coverage": {"value": 0.833, "windows": [1]},
        "largest_gap": {"value": 12.504, "windows": [1], "scrape_interval": 5},
        "cross_checked": 4,
        "differences": [
            {
                "reason": "PromQL leaves out the first value of series that began in the window",
                "readings": [{"figure": "work", "unit": "1/s", "window": 1}],
            }
        ],
        "bounds": [{"figure": "lock", "unit": "s", "window": place} for place in (0, 1)],
    }


def test_of_a_figure_without_a_value_nothing_is_known(lab: Lab) -> None:
    none = full("load", None, coverage=0.0, largest_gap=100.0, promql=3.0, promql_reason="no value is given here: why")
    lab.write("baseline", windows=[window("idle", START, none, full("work", 1.0))], settings={"scrape_interval": 5})
    known = lab.report()["known"]
    assert (known["coverage"]["value"], known["largest_gap"]["value"]) == (1.0, 5.0)
    assert (known["cross_checked"], known["differences"]) == (1, [])


def test_reasons_that_differ_in_the_number_of_series_are_one(lab: Lab) -> None:
    reason = "PromQL counts {} series twice, from a second scrape of the same process"
    figures = [
        full(f"f{count}", 1.0, promql=2.0, promql_difference=1.0, promql_reason=reason.format(count))
        for count in (2, 31)
    ]
    lab.write("baseline", windows=[window("idle", START, *figures)])
    [group] = lab.report()["known"]["differences"]
    assert group["reason"] == "PromQL counts series twice, from a second scrape of the same process"
    assert [place["figure"] for place in group["readings"]] == ["f2", "f31"]


@pytest.mark.parametrize(
    ("bound", "promql", "differs"),
    [("below", 0.5, False), ("below", 1.5, True), ("above", 1.0, False), ("above", 0.5, True), ("below", None, True)],
)
def test_promql_inside_the_bucket_does_not_contradict_a_bound(
    lab: Lab, bound: str, promql: float | None, differs: bool
) -> None:
    lab.write(
        "baseline", windows=[window("idle", START, full("lock", 1.0, bound=bound, promql=promql, promql_reason="why"))]
    )
    assert bool(lab.report()["known"]["differences"]) is differs


def test_old_results_say_little_of_it(recorded: dict[str, Any], measured: Lab) -> None:
    assert [row["name"] for row in build_view(recorded)["known"]["rows"]] in (
        ["Lowest coverage"],
        ["Lowest coverage", "Largest gap", "Against PromQL"],
        ["Lowest coverage", "Largest gap", "Against PromQL", "Only bounds"],
    )
    assert build_view(measured.report())["known"] == {"rows": [], "line": ""}
    assert build_view(measured.report())["bounds"] == ""


def known_rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in build_view(report)["known"]["rows"]}


def test_how_well_the_figures_are_known_in_words(doubtful: Lab) -> None:
    rows = known_rows(doubtful.report())
    assert rows["Lowest coverage"]["text"] == "83.3 % of the scrapes due in B benchmark took place"
    assert rows["Largest gap"]["text"] == "12.5 s between two samples, in B benchmark; Prometheus scraped every 5 s"
    assert rows["Against PromQL"]["text"] == "1 of 4 values is more than 5 % away from PromQL's own answer"
    assert rows["Against PromQL"]["items"] == [
        {
            "text": "PromQL leaves out the first value of series that began in the window: −17 %",
            "figures": "Work (B)",
        }
    ]
    assert rows["Only bounds"]["items"] == [{"text": "Lock: ≤ 1.00 ms in A, B", "figures": ""}]


def test_many_figures_of_one_reason_are_not_all_named(lab: Lab) -> None:
    def other(number: int) -> dict[str, Any]:
        value = None if number == 7 else 1.0 + number / 10
        difference = None if value is None else number / 10
        return full(f"f{number}", 1.0, key=number == 9, promql=value, promql_difference=difference, promql_reason="why")

    lab.write("baseline", windows=[window("idle", START, *(other(number) for number in range(1, 10)))])
    row = known_rows(lab.report())["Against PromQL"]
    assert row["text"] == "8 of 9 values are more than 5 % away from PromQL's own answer; PromQL has no answer for 1"
    [item] = row["items"]
    assert item["text"] == "why: +10 % to +90 %"
    assert item["figures"] == "F9 (A); F1 (A); F2 (A); F3 (A); F4 (A); and 4 more"


def test_where_all_is_well_it_is_said_shortly(lab: Lab) -> None:
    windows = [window("w1", START, full("work", 1.0)), window("w2", START + 120, full("work", 1.0))]
    lab.write("baseline", windows=windows, settings={"scrape_interval": 5}, finished=START + 300)
    told = build_view(lab.report())["known"]
    assert [row["text"] for row in told["rows"]] == [
        "100 %: every scrape that was due took place",
        "5 s between two samples, in every window; Prometheus scraped every 5 s",
        "none of 2 values is more than 5 % away from PromQL's own answer",
    ]
    assert told["line"] == ""


def details(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in build_view(report)["queries"] if item["id"] == name)
    return found


def test_the_details_of_a_figure(doubtful: Lab) -> None:
    told = details(doubtful.report(), "work")
    assert [head["title"] for head in told["heads"]] == [
        "Value",
        "Coverage",
        "Largest gap",
        "Series",
        "PromQL",
        "State",
        "At (UTC)",
    ]
    first, second = told["rows"]
    assert (first["cells"]["value"], first["cells"]["promql"], first["cells"]["series"]) == (
        ("40 1/s", "exact"),
        ("40/s", "±0 %"),
        ("", ""),
    )
    assert second["cells"]["value"] == ("145.246086666667 1/s", "at least 139/s")
    assert (second["cells"]["coverage"][0], second["cells"]["gap"][0]) == ("83.3 %", "12.5 s")
    assert (second["cells"]["series"][0], second["cells"]["promql"]) == ("24 new, 2 gone", ("120/s", "−17 %"))
    assert told["metrics"] == ["work"]
    assert told["remarks"] == [
        {"text": text, "letters": ["B"]}
        for text in (
            "Thresholds: warn below 100/s; relative to the window idle warn below 0.9 times.",
            "The window idle had 40/s; this is 3.63 times that.",
            "2 series ended; what was counted after the last scrape is lost.",
            "PromQL leaves out the first value of 24 series that began in the window.",
        )
    ]


def test_the_details_of_a_bound(doubtful: Lab) -> None:
    told = details(doubtful.report(), "lock")
    assert "Observations" in [head["title"] for head in told["heads"]]
    assert "Series" not in [head["title"] for head in told["heads"]]
    assert told["rows"][1]["cells"]["value"] == ("≤ 0.001 s", "between 0 and 1 ms")
    assert told["rows"][1]["cells"]["observations"] == ("368", "")
    # A share of a value that is not known is not known.
    assert told["rows"][1]["cells"]["promql"] == ("500 µs", "")
    assert told["remarks"][-1] == {"text": "PromQL interpolates inside the smallest bucket.", "letters": []}


def test_what_old_results_do_not_have_is_not_shown(measured: Lab) -> None:
    told = details(measured.report(), "work")
    assert [head["title"] for head in told["heads"]] == ["Value", "State", "At (UTC)"]
    assert (told["metrics"], told["remarks"]) == ([], [])
    assert "raw samples" not in build_view(measured.report())["about_queries"]


def test_a_figure_without_a_value_says_why_once(lab: Lab) -> None:
    none = full("work", None, interval=[1.0, 2.0], promql=3.0, promql_reason="no value is given here: no observations")
    lab.write("baseline", windows=[window("idle", START, none)])
    told = details(lab.report(), "work")
    assert [remark["text"] for remark in told["remarks"]] == ["inconclusive: no observations."]
    assert (told["rows"][0]["cells"]["value"], told["rows"][0]["cells"]["promql"]) == (("–", ""), ("3/s", ""))


def test_all_that_can_happen_to_series(lab: Lab) -> None:
    happened = {"new_series": 1, "gone_series": 2, "unknown_series": 3, "double_series": 4, "resets": 5}
    lab.write("baseline", windows=[window("idle", START, full("work", 1.0, **happened))])
    report = lab.report()
    assert details(report, "work")["rows"][0]["cells"]["series"][0] == "1 new, 2 gone, 3 unknown, 4 double, 5 reset"
    assert "a reset is a counter" in build_view(report)["about_queries"]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({}, {}, "The window idle had 1 ms; this is 2 times that."),
        ({"bound": "below"}, {}, "The window idle had ≤ 1.00 ms."),
        ({}, {"bound": "above"}, "The window idle had 1 ms."),
    ],
)
def test_a_bound_is_not_so_many_times_another_value(
    lab: Lab, before: dict[str, str], after: dict[str, str], text: str
) -> None:
    compared = {"window": "idle", "value": 0.001, "ratio": 2.0}
    lab.write("baseline", windows=[window("idle", START, full("lock", 0.001, unit="s", **before))])
    lab.write(
        "scale",
        windows=[window("first", START + 200, full("lock", 0.002, unit="s", compared=compared, **after))],
    )
    assert text in [remark["text"] for remark in details(lab.report(), "lock")["remarks"]]


def test_nothing_to_compare_with_is_said(lab: Lab) -> None:
    compared = {"window": "idle", "value": None, "ratio": None}
    lab.write("scale", windows=[window("first", START, full("lock", 0.002, compared=compared))])
    assert [remark["text"] for remark in details(lab.report(), "lock")["remarks"]] == [
        "The window idle has no value to compare with."
    ]


def test_each_query_names_its_windows_where_there_are_several(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, full("work", 1.0, query="q1"))])
    assert details(lab.report(), "work")["queries"] == [{"query": "q1", "letters": []}]
    lab.write("scale", windows=[window("first", START + 200, full("work", 1.0, query="q2"))])
    assert details(lab.report(), "work")["queries"] == [
        {"query": "q1", "letters": ["A"]},
        {"query": "q2", "letters": ["B"]},
    ]


# --- findings ------------------------------------------------------------------------------------


def finding(state: str, title: str = "T", **fields: Any) -> dict[str, Any]:
    return {"id": "x", "state": state, "title": title, "effect": "E", "cure": "C", **fields}


def test_findings_of_any_stage_are_problems(lab: Lab) -> None:
    lab.write("preflight", facts={"findings": [finding("pass", "fine"), finding("warn", "clock")]})
    figures = [figure("work", 1.0, state="fail", reason="too little")]
    found = [finding("warn", "clock"), finding("fail", "late", cure="")]
    lab.write("baseline", windows=[window("idle", START, *figures)], facts={"findings": found})
    (lab.path / "scale-1.json").write_text("{")
    report = lab.report()
    assert [(problem["kind"], problem["source"], problem["text"]) for problem in report["problems"][1:]] == [
        ("finding_fail", "baseline", "late"),
        ("finding_warn", "preflight", "clock"),
        ("finding_warn", "baseline", "clock"),
        ("fail", "Work, baseline", "too little"),
    ]
    assert report["problems"][0]["kind"] == "file"
    assert (report["problems"][1]["effect"], report["problems"][1]["cure"]) == ("E", "")
    [_file, late, clock, _figure] = build_view(report)["problems"]
    assert (late["state"], late["word"], late["stages"]) == ("fail", "fail", "baseline")
    assert (clock["state"], clock["word"], clock["stages"]) == ("warn", "warn", "preflight, baseline")
    assert (clock["effect"], clock["cure"]) == ("E", "C")


def test_a_later_failure_adds_its_findings(lab: Lab) -> None:
    both = finding("warn", "both")
    lab.write("baseline", facts={"findings": [finding("fail", "forgotten")]})
    lab.write("baseline", facts={"findings": [finding("warn", "shown"), both]})
    lab.write("baseline", state="failed", facts={"findings": [both, finding("fail", "newest")]})
    assert [problem["text"] for problem in lab.report()["problems"]] == ["newest", "shown", "both"]


@pytest.mark.parametrize("findings", [None, "late", {"a": 1}, ["late", 3, None, {}, {"state": ["warn"]}]])
def test_findings_of_another_shape_are_no_problems(lab: Lab, findings: Any) -> None:
    lab.write("baseline", facts={"findings": findings})
    assert lab.report()["problems"] == []


def test_a_finding_without_a_title_is_still_told(lab: Lab) -> None:
    lab.write("baseline", facts={"findings": [{"state": "warn", "id": "clock"}, {"state": "fail"}]})
    assert [problem["text"] for problem in lab.report()["problems"]] == ["no title was recorded", "clock"]
