# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows in which the machines had other work are not compared."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import run_markdown
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_view import build_view
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.other_work import other_work_fault
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import START, Lab, figure, window

REASON = "other work used 0.90 of 2 cores in the later window and 0.20 in the earlier one"


def resources(other: float, own: float = 1.0, cores: float | None = 2.0, **more: Any) -> Any:
    machines = [{"name": "n", "used": other + own, "cores": cores}]
    cpu = {"history": own * 0.6, "database": own * 0.4}
    return {
        **{"state": "free", "reason": "", "saturated": [], "machines": machines, "cpu": cpu, "throttled": {}},
        **more,
    }


def test_other_work_in_one_window() -> None:
    assert other_work_fault(resources(0.2), resources(0.9)) == REASON
    assert other_work_fault(resources(0.9), resources(0.2)).endswith(
        "0.20 of 2 cores in the later window and 0.90 in the earlier one"
    )
    assert "in the other window and 0.20 in the base one" in other_work_fault(
        resources(0.2), resources(0.9), ("base", "other")
    )


@pytest.mark.parametrize(("after", "told"), [(0.39, False), (0.42, True), (0.01, False)])
def test_a_tenth_of_the_cores_is_tolerated(after: float, told: bool) -> None:
    assert bool(other_work_fault(resources(0.2), resources(after))) is told
    # Of twenty cores that is two.
    assert other_work_fault(resources(0.2, cores=20.0), resources(after, cores=20.0)) == ""


def test_what_the_labs_own_work_brings_with_it_is_tolerated_in_its_direction_only() -> None:
    """Own work of 0.8 cores more brings 0.2 of others'; other work that grows as the lab's falls is what took it."""
    assert other_work_fault(resources(0.2, own=0.4), resources(0.55, own=1.2)) == ""
    assert other_work_fault(resources(0.55, own=1.2), resources(0.2, own=0.4)) == ""
    assert other_work_fault(resources(0.2, own=0.4), resources(0.65, own=1.2))
    assert other_work_fault(resources(0.2, own=1.2), resources(0.55, own=0.4))
    assert other_work_fault(resources(0.55, own=0.4), resources(0.2, own=1.2))


@pytest.mark.parametrize(
    "unknown",
    [
        None,
        resources(0.9, state="unknown", reason="two scrapes"),
        resources(0.9, machines=[]),
        resources(0.9, machines=[{"name": "n", "used": None, "cores": 2.0}]),
        resources(0.9, cpu={}),
        resources(0.9, machines=[{"name": "another", "used": 1.9, "cores": 2.0}]),
    ],
    ids=["not measured", "unknown", "no machine", "use not known", "no components", "another machine"],
)
def test_what_is_not_known_voids_nothing(unknown: Any) -> None:
    assert other_work_fault(resources(0.2), unknown) == ""
    assert other_work_fault(unknown, resources(0.2)) == ""


def test_unknown_cores_void_nothing() -> None:
    assert other_work_fault(resources(0.2, cores=None), resources(0.9, cores=None)) == ""


def noisy(name: str, value: float) -> dict[str, Any]:
    noise = {"steps": 24, "step": 5.0, "low": value - 1, "high": value + 1, "freedom": 3, "halves": [value, value]}
    return figure(name, value, noise={**noise, "steady": True})


def write(lab: Lab, *others: float) -> None:
    for place, (stage, other) in enumerate(zip(("baseline", "benchmark", "concurrency"), others)):
        figures = noisy("work", 100.0 + 50 * place), noisy("calm", 100.0)
        measured = {**window("w", START + 200 * place, *figures), "resources": resources(other)}
        lab.write(stage, at=200.0 * place, windows=[measured])


def test_no_change_is_told_of_such_windows(lab: Lab) -> None:
    write(lab, 0.2, 0.9, 0.9)
    report = lab.report()
    rows = {row["id"]: [reading["change"] for reading in row["readings"]] for row in report["figures"]}
    for name in ("work", "calm"):
        assert (rows[name][1]["verdict"], rows[name][1]["reason"]) == ("unknown", REASON)
        assert (rows[name][1]["low"], rows[name][1]["high"]) == (None, None)
    assert (rows["work"][2]["verdict"], rows["calm"][2]["verdict"]) == ("higher", "none")


def test_the_report_says_so(lab: Lab) -> None:
    write(lab, 0.2, 0.9)
    report = lab.report()
    work = build_view(report)["key"][0]["cells"][1]
    assert (work["change"], work["why"]) == ("+50 %?", REASON)
    assert "(+50 %?)" in run_markdown.to_markdown(report)
    assert f"{REASON}." in run_markdown.to_markdown(report)
