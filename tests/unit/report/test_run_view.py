# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's report says, in words and formatted values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_view import build_view
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    full,
    window,
)


def stage_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(stage for stage in report["stages"] if stage["stage"] == name)


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


def test_a_later_failure_does_not_hide_what_was_measured(measured: Lab) -> None:
    measured.write("benchmark", state="failed", at=900, message="The server is gone.")
    report = measured.report()
    stage = stage_of(report, "benchmark")
    assert (stage["state"], stage["message"], stage["shown_attempt"]) == ("failed", "The server is gone.", 1)
    assert [attempt["state"] for attempt in stage["attempts"]] == ["done", "failed"]
    assert [item["stage"] for item in report["windows"]] == ["baseline", "benchmark"]
    [shown] = [item for item in build_view(report)["stages"] if item["stage"] == "benchmark"]
    assert shown["notes"] == ["the report shows attempt 1", "attempt 1 done"]


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
        ({"after": {"a": 255, "b": None}}, "Not every pod reported its shards after, so that sum is unknown."),
        ({"after": {}}, "Not every pod reported its shards after, so that sum is unknown."),
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
