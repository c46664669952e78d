# SPDX-License-Identifier: GPL-3.0-or-later
"""A run, merged: which attempts count, changes between windows, series, and what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
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

NOISE = {"steps": 24, "step": 5.0, "low": 0.9, "high": 1.1, "freedom": 3, "halves": [0.9, 1.1], "steady": True}


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
    bare = [
        reading["change"] and {name: reading["change"][name] for name in ("absolute", "ratio")}
        for reading in row["readings"]
    ]
    assert bare == [
        None,
        {"absolute": 5.0, "ratio": 0.5},
        None,
        None,
        {"absolute": -30.0, "ratio": -1.0},
        {"absolute": 0.0, "ratio": 0.0},
        {"absolute": 5.0, "ratio": None},
        {"absolute": -1.0, "ratio": -0.2},
    ]


def noisy(value: float, error: float, **noise: Any) -> dict[str, Any]:
    """Noise of a figure that lies within an error of its value, but for one time in twenty."""
    return {**NOISE, "low": value - error, "high": value + error, "halves": [value, value], **noise}


def test_a_change_is_one_only_beyond_noise(lab: Lab) -> None:
    lab.write(
        "baseline",
        windows=[
            window("a", START, figure("work", 100.0, noise=noisy(100.0, 5.0))),
            window("b", START + 200, figure("work", 150.0, noise=noisy(150.0, 5.0))),
            window("c", START + 400, figure("work", 152.0, noise=noisy(152.0, 5.0))),
            window("d", START + 600, figure("work", 300.0, noise={"steps": 4, "step": 5.0})),
            window("e", START + 800, figure("work", 100.0)),
        ],
        finished=START + 2000,
    )
    [row] = lab.report()["figures"]
    changes = [reading["change"] for reading in row["readings"][1:]]
    assert [change["verdict"] for change in changes] == ["higher", "none", "unknown", "unknown"]
    higher, same, short, old = changes
    assert 35 < higher["low"] < 50 < higher["high"] < 65
    assert same["low"] < 0 < same["high"]
    assert [higher["reason"], same["reason"]] == ["", ""]
    assert short["reason"] == (
        "the later window has 4 scrapes, too few to tell noise: that takes 12, a window of 1 min"
    )
    assert old["reason"] == "the earlier window has 4 scrapes, too few to tell noise: that takes 12, a window of 1 min"
    assert (short["low"], short["high"], short["ratio"]) == (None, None, pytest.approx(148 / 152))


def test_what_is_inconclusive_did_not_change(lab: Lab) -> None:
    before, after = (figure("work", value, noise=noisy(value, 1.0)) for value in (100.0, 200.0))
    for state, one, other in (("inconclusive", before, after), ("error", before, after)):
        for which, figures in (
            ("earlier", ({**one, "state": state}, other)),
            ("later", (one, {**other, "state": state})),
        ):
            windows = [window(f"w{n}", START + 200 * n, each) for n, each in enumerate(figures)]
            lab.write("baseline", windows=windows, finished=START + 2000)
            change = lab.report()["figures"][0]["readings"][1]["change"]
            assert (change["verdict"], change["reason"]) == ("unknown", f"the value of the {which} window is {state}")


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


def test_the_newest_done_attempt_is_shown(measured: Lab) -> None:
    measured.write("benchmark", at=900, windows=[window("load", START + 910, figure("work", 50.0))])
    report = measured.report()
    assert [reading and reading["value"] for reading in report["figures"][0]["readings"]] == [0.0, 50.0]
    assert stage_of(report, "benchmark")["shown_attempt"] == 2


def test_an_unreadable_attempt_is_the_state_but_the_one_before_is_shown(measured: Lab) -> None:
    (measured.path / "benchmark-2.json").write_text('{"schema"')
    report = measured.report()
    stage = stage_of(report, "benchmark")
    assert (stage["state"], stage["shown_attempt"]) == ("unreadable", 1)
    assert [problem["kind"] for problem in report["problems"]] == ["file", "inconclusive"]
    assert len(report["windows"]) == 2


def test_what_all_figures_of_a_distribution_say_of_a_window_is_one_problem(lab: Lab) -> None:
    def wait(p99: float | None) -> list[dict[str, Any]]:
        return [
            figure("wait_mean", None, title="Wait, mean", distribution="wait"),
            figure("wait_p99", p99, title="Wait, p99", distribution="wait"),
        ]

    lab.write("baseline", windows=[window("idle", START, *wait(None))])
    lab.write("benchmark", at=900, windows=[window("load", START + 910, *wait(1.0))])
    assert [problem["source"] for problem in lab.report()["problems"]] == ["Wait, baseline", "Wait, mean, benchmark"]


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


def test_a_reading_has_what_its_figure_has(lab: Lab) -> None:
    old, new = figure("old", 1.0), full("new", 1.0, bound="below", interval=[None, 1.0], observations=3.5, noise=NOISE)
    lab.write("baseline", windows=[window("idle", START, old, new)])
    first, second = (row["readings"][0] for row in lab.report()["figures"])
    others = {"thresholds", "compared", "promql_parts", "promql_smoothed", "definition"}
    assert set(second) - set(first) == set(BESIDE) - others
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


def finding(state: str, title: str = "T", **fields: Any) -> dict[str, Any]:
    return {"id": "x", "state": state, "title": title, "effect": "E", "cure": "C", **fields}


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
