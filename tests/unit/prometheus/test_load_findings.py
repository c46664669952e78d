# SPDX-License-Identifier: GPL-3.0-or-later
"""Was the load the one that was asked for? By figures that are written down here, and by those of a real load."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.findings import Finding
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    profile_file,
    prometheus_sample,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.load_findings import (
    in_flight_together,
    load_findings,
    stage_findings,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import WindowResult
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.benchmark.benchmark_lab import Lab, Program, Server
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import eventually
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    program,
    running_prometheus,
)
from temporalio.client import WorkflowExecution

IDS = (
    "load_requested_concurrency",
    "load_achieved_concurrency",
    "transitions_per_success",
    "load_workflow_pollers",
    "load_activity_pollers",
)
GOOD = dict(zip(IDS, (6.0, 5.96, 15.0, 16.0, 16.0)))
WHY = "Prometheus has no such metric here"


def window(**values: float | None) -> dict[str, Any]:
    """A measured window as in the results; a figure without a value is inconclusive."""
    figures = [
        {
            "id": name,
            "value": value,
            "state": "inconclusive" if value is None else "pass",
            "reason": WHY if value is None else "",
        }
        for name, value in values.items()
    ]
    return {"name": "w", "title": "w", "start": 0.0, "end": 60.0, "figures": figures}


def judged(requested: float | None, earlier: Any = None, **values: float | None) -> dict[str, Finding]:
    """The findings of a good window with some other values, by their ids."""
    found = load_findings(window(**{**GOOD, **values}), earlier or {}, requested)
    for entry in found:
        assert set(entry) == {"id", "state", "title", "effect", "cure"}
        assert entry["state"] in ("pass", "warn")
        assert (entry["state"] == "pass") == (entry["effect"] == "") == (entry["cure"] == ""), entry
    assert len({entry["id"] for entry in found}) == len(found)
    return {entry["id"]: entry for entry in found}


def test_a_good_window() -> None:
    found = judged(6, {"benchmark": {"transitions_per_success": 14.98}})
    assert {name: entry["title"] for name, entry in found.items()} == {
        "load_requested": "The soak test was told to keep 6 in flight, as was asked for",
        "load_in_flight": "5.96 of 6 workflows were in flight on average by Little's law",
        "load_transitions_per_success": ("15 state transitions per workflow success, and 15.0 in the window benchmark"),
        "load_pollers": "The workers have 16 workflow and 16 activity pollers for 6 workflows in flight",
    }
    assert {entry["state"] for entry in found.values()} == {"pass"}


def test_the_windows_of_a_stage_are_named_and_compared_with_those_before() -> None:
    names = ("first", "after")
    windows = [
        {**window(**{**GOOD, "transitions_per_success": value}), "name": name, "title": f"{name} minute"}
        for name, value in zip(names, (15.0, 18.0))
    ]
    found = [entry for entry in stage_findings(windows, {}, {}) if entry["id"] == "load_transitions_per_success"]
    assert [entry["state"] for entry in found] == ["pass", "warn"]
    assert found[1]["title"] == (
        "after minute: 18 state transitions per workflow success, and 15 in the window first: 20% more"
    )
    # With windows of the stages before, and with what the stage says that was asked for.
    earlier = {"benchmark": {"transitions_per_success": 18.0}}
    states = [
        (entry["id"], entry["state"])
        for entry in stage_findings(windows[1:], earlier, {"concurrent_workflows": 12})
        if entry["id"] in ("load_transitions_per_success", "load_in_flight")
    ]
    assert states == [("load_in_flight", "warn"), ("load_transitions_per_success", "pass")]
    assert not stage_findings(windows[:1], {}, {})[0]["title"].startswith("first minute")


@pytest.mark.parametrize(
    ("starts", "achieved", "states"),
    [
        # What the first window lacks has ended in the second: seen on a node where shards moved.
        ((0.0, 20.0), (1.35, 4.66), ["pass", "pass"]),
        ((0.0, 20.0), (1.35, 3.0), ["warn", "pass"]),
        ((0.0, 20.0), (6.0, 6.0), ["warn", "warn"]),
        # Not one after the other: what is between them nobody knows.
        ((0.0, 21.0), (1.35, 4.66), ["warn", "warn"]),
        ((0.0, 20.0), (1.35, None), ["warn", "warn"]),
    ],
)
def test_workflows_that_are_held_up_count_in_the_next_window(
    starts: tuple[float, float], achieved: tuple[float, float | None], states: list[str]
) -> None:
    windows = [
        {
            **window(**{**GOOD, "load_achieved_concurrency": value}),
            "name": str(start),
            "start": start,
            "end": start + 20,
        }
        for start, value in zip(starts, achieved)
    ]
    found = [
        entry for entry in stage_findings(windows, {}, {"concurrent_workflows": 3}) if entry["id"] == "load_in_flight"
    ]
    assert [entry["state"] for entry in found] == states
    if states == ["pass", "pass"]:
        assert found[1]["title"] == (
            "w: 4.66 of 3 workflows were in flight on average by Little's law, 3.00 over the stage's windows together: "
            "workflows held up in one window ended in another"
        )


def test_windows_of_different_length_weigh_by_it() -> None:
    windows = [
        {**window(load_achieved_concurrency=value), "start": start, "end": end}
        for start, end, value in ((0.0, 10.0, 0.0), (10.0, 40.0, 4.0))
    ]
    assert in_flight_together(windows) == 3.0
    assert in_flight_together(windows[:1]) is None


@pytest.mark.parametrize(
    ("achieved", "requested", "state", "said"),
    [
        (6.0, 6, "pass", "6 of 6 workflows"),
        (5.41, 6, "pass", "5.41 of 6 workflows"),
        (6.59, 6, "pass", "6.59 of 6 workflows"),
        (5.39, 6, "warn", "5.39 of 6 workflows were in flight on average by Little's law, 10% fewer"),
        (6.61, 6, "warn", "10% more"),
        # The figures are right, and of another load: never a fail.
        (3.0, 6, "warn", "50% fewer"),
        (12.0, 6, "warn", "100% more"),
        (0.0, 6, "warn", "0 of 6 workflows were in flight on average by Little's law, 100% fewer"),
        (1234.5, 2000, "warn", "1,234 of 2,000 workflows"),
        (None, 6, "warn", f"The number of workflows in flight is not known: {WHY}"),
    ],
)
def test_littles_law(achieved: float | None, requested: float, state: str, said: str) -> None:
    found = judged(requested, load_achieved_concurrency=achieved)["load_in_flight"]
    assert (found["state"], said in found["title"]) == (state, True), found
    if "fewer" in said:
        assert "starts failed" in found["cure"]
    if "more" in said:
        assert "more than one pod" in found["cure"]


def test_what_was_asked_for_can_be_read_from_the_soak_test() -> None:
    found = judged(None)
    assert found["load_in_flight"]["title"].startswith("5.96 of 6 workflows")
    assert found["load_pollers"]["state"] == "pass"
    assert "load_requested" not in found
    found = judged(None, load_requested_concurrency=None)
    assert found["load_in_flight"]["state"] == "warn"
    assert "how many were asked for is not known" in found["load_in_flight"]["title"]
    assert found["load_pollers"]["state"] == "warn"
    assert "how many workflows are in flight is not known" in found["load_pollers"]["title"]


@pytest.mark.parametrize(
    ("told", "state"), [(6.0, "pass"), (6.05, "pass"), (5.9, "warn"), (3.0, "warn"), (12.0, "warn"), (None, None)]
)
def test_a_setting_that_did_not_arrive(told: float | None, state: str | None) -> None:
    found = judged(6, load_requested_concurrency=told).get("load_requested")
    assert (found and found["state"]) == state
    if state == "warn":
        assert "not 6" in found["title"]
        assert "CONCURRENT_WORKFLOWS" in found["cure"]


def test_a_window_without_a_load() -> None:
    idle = dict.fromkeys(IDS)
    assert judged(0, **idle) == {}
    # Zero is what a soak test says that is told to keep none.
    assert judged(0, **{**idle, "load_achieved_concurrency": 0.0, "load_requested_concurrency": 0.0}) == {}
    assert judged(None, **{**idle, "load_achieved_concurrency": 0.0, "load_requested_concurrency": 0.0}) == {}
    found = judged(0)
    assert list(found) == ["load_in_flight"]
    assert found["load_in_flight"]["state"] == "warn"
    assert "5.96 workflows were in flight" in found["load_in_flight"]["title"]


EARLIER = {"baseline": {"transitions_per_success": None}, "benchmark": {"transitions_per_success": 15.0}}


@pytest.mark.parametrize(
    ("value", "earlier", "state", "said"),
    [
        (15.0, {}, "pass", "no earlier window has any to compare with"),
        (15.0, {"baseline": {"transitions_per_success": None}}, "pass", "no earlier window has any"),
        (15.0, {"baseline": {"transitions_per_success": 0.0}}, "pass", "no earlier window has any"),
        (15.0, {"baseline": {"other": 1.0}}, "pass", "no earlier window has any"),
        (15.7, EARLIER, "pass", "15.7 state transitions per workflow success, and 15 in the window benchmark"),
        (14.3, EARLIER, "pass", "and 15 in the window benchmark"),
        (15.8, EARLIER, "warn", "and 15 in the window benchmark: 5% more"),
        (14.2, EARLIER, "warn", "and 15 in the window benchmark: 5% fewer"),
        # Each step is small; the sum of them is not.
        (16.0, {**EARLIER, "later": {"transitions_per_success": 15.5}}, "warn", "benchmark: 7% more"),
        (None, EARLIER, "warn", f"The number of state transitions per success is not known: {WHY}"),
    ],
)
def test_transitions_per_success(value: float | None, earlier: Any, state: str, said: str) -> None:
    found = judged(6, earlier, transitions_per_success=value)["load_transitions_per_success"]
    assert (found["state"], said in found["title"]) == (state, True), found


@pytest.mark.parametrize(
    ("workflow", "activity", "state", "said", "effect"),
    [
        (6.0, 6.0, "pass", "6 workflow and 6 activity pollers for 6 workflows in flight", ""),
        (5.0, 6.0, "warn", "5 workflow and 6 activity", "workflow tasks can wait"),
        (6.0, 5.0, "warn", "6 workflow and 5 activity", ": activity tasks can wait"),
        (2.0, 1.0, "warn", "2 workflow and 1 activity", "workflow and activity tasks can wait"),
        (None, 16.0, "warn", f"The number of workflow pollers is not known: {WHY}", "cannot be told"),
        (16.0, None, "warn", f"The number of activity pollers is not known: {WHY}", "cannot be told"),
    ],
)
def test_pollers(workflow: float | None, activity: float | None, state: str, said: str, effect: str) -> None:
    found = judged(6, load_workflow_pollers=workflow, load_activity_pollers=activity)["load_pollers"]
    assert (found["state"], said in found["title"], effect in found["effect"]) == (state, True, True), found


def test_a_value_that_is_not_certain_is_not_known() -> None:
    sure = window(**GOOD)
    for figure in sure["figures"]:
        figure |= {"state": "inconclusive", "reason": "load was scraped 2 times in this window, of 24"}
    found = {entry["id"]: entry for entry in load_findings(sure, {}, 6)}
    assert {entry["state"] for entry in found.values()} == {"warn"}
    assert list(found) == ["load_in_flight", "load_transitions_per_success", "load_pollers"]
    assert all("load was scraped 2 times" in entry["title"] for entry in found.values())


def test_only_what_the_profile_has_is_judged() -> None:
    assert load_findings(window(state_transitions=5.0), {}, 6) == []
    (found,) = load_findings(window(load_activity_pollers=5.0), {}, 6)
    assert (found["state"], found["title"]) == ("warn", "The workers have 5 activity pollers for 6 workflows in flight")
    own = {figure.id for figure in profile_file.load(profile_file.default_path()).figures}
    assert set(IDS) <= own


# -- a real load ----------------------------------------------------------------------


@pytest.mark.server
def test_a_real_load(tmp_path: Path) -> None:
    """Names, labels and meaning of what the SDK and the soak test serve, from end to end."""
    server = Server(tmp_path)
    server.start()
    lab = Lab(server, tmp_path)
    try:
        pollers = {"TEMPORAL_MAX_WORKFLOW_TASK_POLLERS": 5, "TEMPORAL_MAX_ACTIVITY_TASK_POLLERS": 4}
        worker = lab.start_worker(**pollers)
        soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=3)
        eventually(lambda: soak_test.completed() >= 3, "workflows complete")
        pods = {"benchmark-workers-1": worker.metrics_port, "benchmark-soak-test-1": soak_test.metrics_port}
        targets = [
            f'{{targets: ["127.0.0.1:{port}"], labels: {{pod: {pod}, kubernetes_namespace: student-01}}}}'
            for pod, port in pods.items()
        ]
        config = (
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: kubernetes-pods, static_configs: [{', '.join(targets)}]}}]\n"
        )
        with running_prometheus(program("prometheus"), tmp_path, config) as address:
            given = {name: option.get("default") for name, option in prometheus_sample.SPEC.items()}
            given |= {"url": address, "namespace": "student-01", "scrape_interval": 1.0}
            given |= {"variables": {"task_queue": lab.queue}}
            # Prometheus takes its time until the first scrape.
            query = {"query": "count(count_over_time(up[1m]) >= 2) == 2"}
            eventually(
                lambda: requests.get(f"{address}/api/v1/query", params=query, timeout=60).json()["data"]["result"],
                "both are scraped",
            )

            def measured(start: float, length: float) -> WindowResult:
                given["windows"] = [{"name": "w", "title": None, "start": start, "duration": length}]
                (found,) = prometheus_sample.run(given, Context())["windows"]
                return cast("WindowResult", found)

            start = time.time()

            def long_enough() -> float:
                """Seconds since the start; 0 where they are too few for how long workflows take."""
                # To list them takes more of a busy machine than the load.
                time.sleep(1)
                length = time.time() - start
                return length if length >= 8 and at_the_ends(lab.workflows(), length) < 1 else 0

            length = eventually(long_enough, "workflows of which the window's ends cut few", seconds=600)
            loaded = measured(start, length)
            soak_test.stop()
            workflows = lab.closed_workflows()
            # A poller that has just got a task is not polling. Now there are none.
            eventually(lambda: pollers_of(worker) == 5 + 4, "all pollers poll")
            at_rest = measured(time.time() + 1, 8.0)
    finally:
        lab.close()
        server.kill()
    figures = {figure["id"]: figure for figure in loaded["figures"]}
    assert figures["load_requested_concurrency"]["value"] == 3
    # The server is the witness. It has fewer between a workflow's end and the next one's start, which the soak test
    # counts in part.
    achieved = figures["load_achieved_concurrency"]["value"]
    edges = at_the_ends(workflows, length)
    assert in_flight(workflows, start, start + length) - edges <= achieved <= 3 + edges
    mean = figures["load_end_to_end_mean"]["value"]
    assert 0 < mean < figures["load_end_to_end_p99"]["interval"][1]
    assert mean * figures["load_completed"]["value"] == pytest.approx(achieved, rel=0.05)
    resting = {figure["id"]: figure["value"] for figure in at_rest["figures"]}
    assert (resting["load_workflow_pollers"], resting["load_activity_pollers"]) == (5, 4)

    assert {figures[name]["state"] for name in IDS if name != "transitions_per_success"} == {"pass"}
    found = {entry["id"]: entry["state"] for entry in load_findings(loaded, {}, 3)}
    polling = [figures[name]["value"] for name in ("load_workflow_pollers", "load_activity_pollers")]
    assert found == {
        "load_requested": "pass",
        # On a busy machine it may truly have been another load.
        "load_in_flight": "pass" if abs(achieved / 3 - 1) <= 0.1 else "warn",
        # The dev server's metrics are not scraped here.
        "load_transitions_per_success": "warn",
        # Those that poll at the last scrape.
        "load_pollers": "pass" if min(polling) >= 3 else "warn",
    }
    assert {entry["id"]: entry["state"] for entry in load_findings(at_rest, {}, 3)}["load_pollers"] == "pass"
    assert load_findings(loaded, {}, 6)[1]["state"] == "warn"


def pollers_of(worker: Program) -> float:
    """How many polls a worker says that it has open."""
    return sum(value for name, value in worker.metrics().items() if name.startswith("temporal_num_pollers{"))


def at_the_ends(workflows: list[WorkflowExecution], length: float) -> float:
    """How far Little's law may be off for three workflows at a time, by what a window's ends and scrapes cut.

    A workflow counts where it ends, and what two scrapes a second apart find is divided evenly.
    """
    longest = max(
        ((one.close_time - one.start_time).total_seconds() for one in workflows if one.close_time), default=60
    )
    return 3 * (2 * longest + 1) / length


def in_flight(workflows: list[WorkflowExecution], start: float, end: float) -> float:
    """How many workflows were open on average between two times, by the server's own account."""
    spent = sum(
        max(0.0, min(one.close_time.timestamp(), end) - max(one.start_time.timestamp(), start)) for one in workflows
    )
    return spent / (end - start)
