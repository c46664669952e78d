# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs held against each other: what is worse, what is not known, and what cannot be compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.compared_runs import (
    Choices,
    compare_runs,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.comparison import (
    ComparedFigure,
    ComparedRun,
    ComparedValue,
    ComparedWindow,
    Comparison,
    ComparisonProblem,
    ConditionDifference,
    Outcome,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.comparison_view import VERDICTS
from ansible_collections.temporal_lab.benchmarking.tests.unit.answers.compared_lab import (
    LATER,
    load,
    noisy,
    write_run,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    Lab,
    recorded_report,
    window,
)

CHANGES = profile_file.load(profile_file.default_path()).server_changes


def compare(base: Lab, other: Lab, **choices: Any) -> dict[str, Any]:
    return compare_runs(base.report(), other.report(), CHANGES, Choices(**choices))


def verdicts(comparison: dict[str, Any]) -> dict[str, str]:
    return {figure["id"]: figure["verdict"] for window in comparison["windows"] for figure in window["figures"]}


def of(comparison: dict[str, Any], figure: str) -> dict[str, Any]:
    [found] = [one for window in comparison["windows"] for one in window["figures"] if one["id"] == figure]
    return found


def test_a_run_is_not_worse_than_itself(tmp_path: Path) -> None:
    lab = write_run(tmp_path, RUN)
    found = compare(lab, lab)
    assert set(verdicts(found).values()) == {"same"}
    assert (found["outcome"], found["reasons"], found["differences"]) == ("not_worse", [], [])
    assert of(found, "workflow_successes")["change"]["absolute"] == 0


def test_worse_goes_by_the_direction_of_each_figure(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN)
    less = compare(base, write_run(tmp_path, LATER, *load(80.0, 0.008)))
    assert verdicts(less) == {
        "workflow_successes": "worse",
        "service_latency_p95": "better",
        "signal_requests": "changed",
    }
    assert less["outcome"] == "worse"
    assert less["reasons"] == ["Worse beyond noise and its threshold: Workflow successes in benchmark, the load one."]
    more = compare(base, write_run(tmp_path, "more", *load(120.0, 0.012)))
    assert verdicts(more) == {
        "workflow_successes": "better",
        "service_latency_p95": "worse",
        "signal_requests": "changed",
    }
    change = of(more, "service_latency_p95")["change"]
    assert 0 < change["low"] < 0.002 < change["high"]
    assert change["verdict"] == "higher"


def test_a_difference_within_noise_is_none(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN, *load(100.0, spread=0.2))
    found = compare(base, write_run(tmp_path, LATER, *load(85.0, spread=0.2)))
    assert verdicts(found)["workflow_successes"] == "same"
    assert found["outcome"] == "not_worse"


def test_what_is_worse_by_less_than_the_threshold_does_not_decide(tmp_path: Path) -> None:
    base, other = write_run(tmp_path, RUN), write_run(tmp_path, LATER, *load(90.0))
    assert compare(base, other, threshold=0.11)["outcome"] == "not_worse"
    found = of(compare(base, other, threshold=0.11), "workflow_successes")
    assert (found["verdict"], found["worse_enough"]) == ("worse", False)
    assert compare(base, other, threshold=0.09)["outcome"] == "worse"
    own = compare(base, other, threshold=0.11, thresholds={"workflow_successes": 0.05})
    assert own["outcome"] == "worse"
    assert compare(base, other, thresholds={"workflow_successes": 0.2})["outcome"] == "not_worse"


def test_from_none_to_some_is_beyond_every_share(tmp_path: Path) -> None:
    def errors(value: float) -> dict[str, Any]:
        return noisy("service_errors", value, direction="lower")

    found = compare(write_run(tmp_path, RUN, errors(0.0)), write_run(tmp_path, LATER, errors(3.0)), threshold=50.0)
    assert (of(found, "service_errors")["verdict"], found["outcome"]) == ("worse", "worse")


def test_only_key_figures_with_a_direction_decide_and_those_with_a_threshold(tmp_path: Path) -> None:
    def figures(errors: float) -> tuple[dict[str, Any], ...]:
        return (*load(), noisy("load_failed", errors, direction="lower", key=False))

    base, other = write_run(tmp_path, RUN, *figures(10.0)), write_run(tmp_path, LATER, *figures(20.0))
    found = compare(base, other)
    assert (of(found, "load_failed")["verdict"], of(found, "load_failed")["decides"]) == ("worse", False)
    assert of(found, "signal_requests")["decides"] is False
    assert found["outcome"] == "not_worse"
    assert compare(base, other, thresholds={"load_failed": 0.5})["outcome"] == "worse"


def test_all_figures_that_decide_are_judged_together(tmp_path: Path) -> None:
    """One in twenty is found by chance: what alone would be a change is none among many that did not change."""

    def figures(value: float, others: int, key: bool) -> list[dict[str, Any]]:
        return [noisy("odd", value), *(noisy(f"even_{number}", 100.0, key=key) for number in range(others))]

    def verdict(name: str, others: int, key: bool = True) -> str:
        base = write_run(tmp_path, f"base{name}", *figures(100.0, others, key))
        return of(compare(base, write_run(tmp_path, f"other{name}", *figures(103.2, others, key))), "odd")["verdict"]

    assert verdict("alone", 0) == "better"
    assert verdict("crowd", 40) == "same"
    # Figures that do not decide do not make those that do the less certain.
    assert verdict("apart", 40, key=False) == "better"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"settings": {"concurrent_workflows": 6}}, "concurrent_workflows is 3 in the base run and 6 in the other"),
        ({"settings": {"history_shards": 4}}, "history_shards is 512 in the base run and 4 in the other"),
        ({"length": 60.0}, "the windows have different lengths: 2 min in the base run, 1 min in the other"),
    ],
)
def test_windows_under_other_conditions_are_not_compared(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    found = compare(write_run(tmp_path, RUN), write_run(tmp_path, LATER, *load(10.0), **changed))
    [window] = found["windows"]
    assert window["state"] == "not_comparable"
    assert reason in window["reason"]
    assert set(verdicts(found).values()) == {"not_comparable"}
    assert of(found, "workflow_successes")["other"]["value"] == 10.0
    assert found["outcome"] == "undecided"
    assert reason in found["reasons"][0]


def test_another_chart_is_another_distribution_and_its_version_is_not(tmp_path: Path) -> None:
    def run(name: str, chart: str) -> Lab:
        lab = write_run(tmp_path, name)
        lab.write("preflight", versions={"kubernetes": f"v1.{len(chart)}"})
        lab.write("install", versions={"chart": chart})
        return lab

    base = run(RUN, "temporal-lab-0.1.0")
    assert compare(base, run("same", "temporal-lab-0.2.0"))["outcome"] == "not_worse"
    other = compare(base, run("other", "temporal-0.73.2"))
    assert "chart is temporal-lab in the base run and temporal in the other" in other["windows"][0]["reason"]
    assert [(one["kind"], one["name"], one["effect"]) for one in other["differences"]] == [
        ("setting", "chart", "not_compared"),
        ("version", "kubernetes", "told"),
        ("version", "chart", "told"),
    ]


def test_a_setting_may_differ_where_that_is_allowed(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN)
    other = write_run(tmp_path, LATER, *load(80.0), settings={"history_replicas": 2})
    assert compare(base, other)["outcome"] == "undecided"
    found = compare(base, other, allowed=["history_replicas"])
    assert found["outcome"] == "worse"
    assert [(one["name"], one["effect"], one["stages"]) for one in found["differences"]] == [
        ("history_replicas", "allowed", ["benchmark"])
    ]


def test_a_setting_of_one_stage_keeps_no_other_from_being_compared(tmp_path: Path) -> None:
    runs = []
    for name, in_flight in ((RUN, 6), (LATER, 12)):
        lab = write_run(tmp_path, name)
        windows = [window("six", START + 210, *load())]
        lab.write("concurrency", at=200, windows=windows, settings={"concurrent_workflows": in_flight})
        runs.append(lab)
    found = compare(*runs)
    assert [(one["stage"], one["state"]) for one in found["windows"]] == [
        ("benchmark", "compared"),
        ("concurrency", "not_comparable"),
    ]


def test_what_only_one_run_recorded_is_told_and_a_scrape_interval_too(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN, settings={"scrape_interval": 10}, versions={"kubernetes": "v1.34.4"})
    found = compare(base, write_run(tmp_path, LATER, settings={"new": 1}))
    assert [(one["kind"], one["name"], one["base"], one["other"], one["effect"]) for one in found["differences"]] == [
        ("setting", "scrape_interval", 10, 5, "told"),
        ("setting", "new", None, 1, "told"),
        ("version", "kubernetes", "v1.34.4", None, "told"),
    ]
    assert found["outcome"] == "not_worse"


def test_a_server_version_that_changes_a_figures_meaning_keeps_it_from_being_compared(tmp_path: Path) -> None:
    def run(name: str, version: str | None, transitions: float) -> Lab:
        figures = [*load(), noisy("state_transitions", transitions), noisy("schedule_to_start_p95", 1.0, unit="s")]
        return write_run(tmp_path, name, *figures, versions={"temporal_server": version})

    base = run(RUN, "1.31.2", 500.0)
    same = compare(base, run("patch", "1.31.5", 400.0))
    assert verdicts(same)["state_transitions"] == "worse"
    found = compare(base, run("minor", "1.32.0", 400.0))
    assert found["outcome"] == "not_worse"
    assert verdicts(found) == {
        "workflow_successes": "same",
        "service_latency_p95": "same",
        "signal_requests": "same",
        "state_transitions": "not_comparable",
        # A figure that is no part of a distribution here is not one of schedule_to_start.
        "schedule_to_start_p95": "same",
    }
    reason = of(found, "state_transitions")["reason"]
    assert reason.startswith("from Temporal 1.32 on it means something else")
    assert reason.endswith("(base 1.31.2, other 1.32.0)")
    unknown = of(compare(base, run("unknown", None, 400.0)), "state_transitions")
    assert unknown["verdict"] == "not_comparable"
    assert "the server's version in the other run is not known" in unknown["reason"]
    both = of(compare(run("one", None, 500.0), run("two", None, 400.0)), "state_transitions")
    assert "the server's version in both runs is not known" in both["reason"]


def test_a_distribution_in_the_table_stands_for_its_figures(tmp_path: Path) -> None:
    def run(name: str, version: str) -> Lab:
        part = noisy("persistence_latency_p95", 0.01, unit="s", direction="lower", distribution="persistence_latency")
        return write_run(tmp_path, name, part, versions={"temporal_server": version})

    found = compare(run(RUN, "1.31.2"), run(LATER, "1.32.0"))
    assert verdicts(found) == {"persistence_latency_p95": "not_comparable"}
    assert found["outcome"] == "undecided"


@pytest.mark.parametrize(
    ("other", "verdict", "reason"),
    [
        ({"unit": "ms"}, "not_comparable", "its unit is s in the base run and ms in the other"),
        ({"direction": "none"}, "not_comparable", "differ on which way is better"),
        ({"definition": "two"}, "not_comparable", "profiles that the runs were measured with work it out in different"),
        ({"metrics": ["lock"]}, "not_comparable", "it was measured from wait in the base run and from lock in the"),
        ({"bound": "below"}, "unknown", "in at least one of the runs it is only a bound"),
        ({"noise": {"steps": 6, "step": 5.0}}, "unknown", "the other run's window has 6 scrapes, too few"),
        ({"state": "inconclusive", "reason": "why"}, "unknown", "the other run's window is inconclusive"),
        (
            {"value": None, "state": "error", "reason": "No series."},
            "unknown",
            "run has no value of it: No series",
        ),
    ],
)
def test_figures_that_are_not_alike_or_not_known_are_not_judged(
    tmp_path: Path, other: dict[str, Any], verdict: str, reason: str
) -> None:
    fields = {"unit": "s", "direction": "lower", "definition": "one"}
    base = write_run(tmp_path, RUN, noisy("wait", 1.0, **fields))
    found = of(compare(base, write_run(tmp_path, LATER, {**noisy("wait", 2.0, **fields), **other})), "wait")
    assert (found["verdict"], found["worse_enough"]) == (verdict, False)
    assert reason in found["reason"]


def test_a_base_whose_noise_is_not_known_decides_nothing(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN, noisy("work", 100.0, noise={"steps": 6, "step": 5.0}))
    found = compare(base, write_run(tmp_path, LATER, noisy("work", 50.0)))
    assert "the base run's window has 6 scrapes" in of(found, "work")["reason"]
    assert found["outcome"] == "undecided"


def test_a_window_without_a_figure_that_decides_decides_nothing(tmp_path: Path) -> None:
    lab = write_run(tmp_path, RUN, noisy("work", 1.0, direction="none"))
    found = compare(lab, lab)
    assert (found["outcome"], found["reasons"]) == (
        "undecided",
        ["benchmark, the load one has no figure that decides."],
    )


@pytest.mark.parametrize(("direction", "worse"), [("higher", 60.0), ("lower", 140.0)])
def test_noise_that_would_hide_a_worse_run_does_not_call_it_as_good(
    tmp_path: Path, direction: str, worse: float
) -> None:
    def run(name: str, value: float, spread: float) -> Lab:
        return write_run(tmp_path, name, noisy("work", value, spread=spread, direction=direction))

    found = compare(run("base", 100.0, 0.4), run("other", worse, 0.4))
    figure = of(found, "work")
    assert (figure["verdict"], figure["seen"], found["outcome"]) == ("same", False, "undecided")
    assert figure["may_be_worse"] > 0.8
    assert re.search(r"too little is known: Work: the noise would hide that it is \d+ % worse", found["reasons"][0])
    assert compare(run("base", 100.0, 0.4), run("other", worse, 0.4), precision=1.5)["outcome"] == "not_worse"
    # What it may be better by is no matter.
    better = of(compare(run("two", 100.0, 0.4), run("better", 200.0 - worse, 0.4)), "work")
    assert (better["verdict"], better["seen"]) == ("same", True)
    assert better["may_be_worse"] < 0.4


def test_a_figure_with_a_threshold_of_its_own_has_to_be_known(tmp_path: Path) -> None:
    bound = noisy("wait", 1.0, unit="s", direction="lower", bound="below")
    lab = write_run(tmp_path, RUN, *load(), bound)
    assert compare(lab, lab)["outcome"] == "not_worse"
    found = compare(lab, lab, thresholds={"wait": 0.1})
    assert (found["outcome"], found["reasons"]) == (
        "undecided",
        ["Wait in benchmark, the load one is not known: in at least one of the runs it is only a bound."],
    )


def test_a_figure_that_one_run_lacks_is_missing(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN, *load(), noisy("more", 1.0))
    found = of(compare(base, write_run(tmp_path, LATER)), "more")
    assert (found["verdict"], found["reason"], found["other"]) == ("missing", "the other run does not have it", None)


def test_a_run_that_was_cut_off_is_not_called_as_good(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN)
    base.write("concurrency", at=200, windows=[window("six", START + 210, *load())])
    other = write_run(tmp_path, LATER)
    found = compare(base, other)
    assert [(one["stage"], one["state"]) for one in found["windows"]] == [
        ("benchmark", "compared"),
        ("concurrency", "missing"),
    ]
    assert found["windows"][1]["reason"] == "the other run did not do the stage concurrency"
    assert found["outcome"] == "undecided"
    assert compare(base, other, stages=["benchmark"])["outcome"] == "not_worse"
    other.write("concurrency", state="failed", at=200)
    assert (
        "failed in the stage concurrency: concurrency failed for a reason"
        in compare(base, other)["windows"][1]["reason"]
    )


def test_worse_counts_though_a_window_is_missing(tmp_path: Path) -> None:
    base = write_run(tmp_path, RUN)
    base.write("concurrency", at=200, windows=[window("six", START + 210, *load())])
    assert compare(base, write_run(tmp_path, LATER, *load(50.0)))["outcome"] == "worse"


def test_a_stage_that_failed_after_the_compared_attempt_is_noted(tmp_path: Path) -> None:
    other = write_run(tmp_path, LATER)
    other.write("benchmark", state="failed", at=300)
    [window] = compare(write_run(tmp_path, RUN), other)["windows"]
    assert window["notes"] == ["The newest attempt at benchmark in the other run is failed; attempt 1 is compared."]


def test_runs_of_schema_1_say_that_their_noise_is_not_known() -> None:
    report = recorded_report()
    found = compare_runs(report, report, CHANGES, Choices())
    assert found["outcome"] == "undecided"
    known = [one for window in found["windows"] for one in window["figures"] if one["verdict"] != "unknown"]
    assert known == []
    assert any("does not say how far noise goes" in one["reason"] for one in found["windows"][1]["figures"])


def test_a_drift_within_the_windows_is_no_difference_between_them(tmp_path: Path) -> None:
    def run(name: str, value: float, halves: list[float], steady: bool) -> Lab:
        figure = noisy("work", value)
        figure["noise"] = {**figure["noise"], "halves": halves, "steady": steady}
        return write_run(tmp_path, name, figure)

    base, steady = run(RUN, 100.0, [90.0, 110.0], False), run("steady", 110.0, [110.0, 110.0], True)
    found = of(compare(base, steady), "work")
    assert (found["verdict"], "drift" in found["reason"]) == ("unknown", True)
    # What goes beyond the drift is one, however many days lie between the runs.
    assert of(compare(base, run("far", 150.0, [150.0, 150.0], True)), "work")["verdict"] == "better"


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"stages": ["benchmrk"]}, "window of the stage 'benchmrk' of compare_stages .did you mean 'benchmark'"),
        ({"thresholds": {"signal_requests": 0.1}}, "'signal_requests' in compare_thresholds cannot be worse"),
        ({"thresholds": {"workflow_success": 0.1}}, "'workflow_success' in compare_thresholds .*'workflow_successes'"),
    ],
)
def test_a_choice_that_fits_neither_run_is_refused(tmp_path: Path, choices: dict[str, Any], reason: str) -> None:
    lab = write_run(tmp_path, RUN)
    with pytest.raises(LabError, match=reason):
        compare(lab, lab, **choices)


def test_runs_without_a_window_are_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write("install")
    with pytest.raises(LabError, match=r"neither the run .* has measured a window"):
        compare(lab, lab)


def test_what_was_saturated_in_one_run_alone_is_noted(tmp_path: Path) -> None:
    def run(name: str, saturated: list[str], used: float, cores: float | None = 2.0, beside: float = 0.0) -> Lab:
        lab = Lab(tmp_path, name=name)
        resources = {
            "state": "saturated" if saturated else "free",
            "reason": "",
            "saturated": saturated,
            "machines": [{"name": "node", "used": used + beside, "cores": cores}],
            "cpu": {"history": used},
            "throttled": {},
        }
        lab.write("benchmark", windows=[{**window("load", START, *load()), "resources": resources}])
        return lab

    found = compare(run(RUN, [], 1.0), run(LATER, ["machine"], 1.9))
    assert found["windows"][0]["notes"] == [
        "In the other run machine was saturated, in the one it is compared with not."
    ]
    # What the machine did besides was the same: nothing.
    assert {figure["verdict"] for figure in found["windows"][0]["figures"]} == {"same"}
    busy = of(compare(run("calm", [], 1.0), run("busy", [], 1.0, beside=0.8)), "workflow_successes")
    assert (busy["verdict"], busy["reason"]) == (
        "unknown",
        "other work used 0.80 of 2 cores in the other run's window and 0.00 in the base run's one",
    )
    cores = compare(run("two", [], 1.0), run("four", [], 1.0, cores=4.0))["differences"]
    assert [(one["kind"], one["base"], one["other"], one["effect"]) for one in cores] == [("machine", 2.0, 4.0, "told")]
    unknown = compare(run("known", [], 1.0), run("unknown", [], 1.0, cores=None))["differences"]
    assert [(one["base"], one["other"]) for one in unknown] == [(2.0, None)]


def test_the_page_on_comparisons_has_the_fields_of_the_types() -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text.partition("## The file")[2]))
    types = (Comparison, ComparedRun, ConditionDifference, ComparedWindow, ComparedFigure, ComparedValue)
    for of in (*types, ComparisonProblem):
        assert set(get_type_hints(of)) <= named, of
    verdicts = set(re.findall(r"`([\w ]+)`", text.partition("| verdict | meaning |")[2].partition("\n\n")[0]))
    # As reports write them: a change of neither direction is called higher or lower.
    assert set(VERDICTS.values()) - {"changed"} <= verdicts
    assert set(get_args(Outcome)) <= set(re.findall(r"`(\w+)`", text.partition("| outcome |")[2]))
