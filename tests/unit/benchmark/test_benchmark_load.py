# SPDX-License-Identifier: GPL-3.0-or-later
"""The load that the programs make, seen from the server and from Prometheus."""

from __future__ import annotations

import asyncio
import re
import signal
import statistics
import time
from datetime import timedelta

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.benchmark.benchmark_lab import (
    AnswerLosingProxy,
    Lab,
    mean_in_flight,
    most_at_once,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import eventually
from benchmark import soak_test as soak_test_module
from benchmark.metrics import SoakTestMetrics
from benchmark.settings import read_settings
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig

pytestmark = pytest.mark.server

STARTED = "benchmark_workflows_started_total"
COMPLETED = "benchmark_workflows_completed_total"
FAILED = "benchmark_workflows_failed_total"
IN_FLIGHT = "benchmark_workflows_in_flight"
WANTED = "benchmark_concurrent_workflows"
END_TO_END = "benchmark_workflow_end_to_end_seconds"


def errors(operation: str) -> str:
    return f'benchmark_request_errors_total{{operation="{operation}"}}'


def test_exactly_n_in_flight(lab: Lab) -> None:
    lab.start_worker()
    begin = time.monotonic()
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=4)
    eventually(lambda: soak_test.completed() >= 4, "the first workflows completed")
    looks = []
    end = time.monotonic() + 3
    while time.monotonic() < end:
        looks.append(soak_test.metrics())
        time.sleep(0.1)
    metrics = soak_test.metrics()
    elapsed = time.monotonic() - begin
    assert soak_test.stop() == 0

    assert {look[IN_FLIGHT] for look in looks} == {4}
    assert metrics[WANTED] == 4
    # Fewer only while starts are under way, which is a small part of the time.
    open_ = [look[STARTED] - look[COMPLETED] for look in looks]
    assert max(open_) <= 4
    assert statistics.median(open_) >= 3
    assert metrics[FAILED] == 0
    # Those in flight were allowed to finish, and each loop started at most one between the last look and the signal.
    workflows = lab.closed_workflows()
    assert metrics[STARTED] <= len(workflows) <= metrics[STARTED] + 4
    assert {found.status for found in workflows} == {WorkflowExecutionStatus.COMPLETED}
    assert most_at_once(workflows) == 4
    assert mean_in_flight(workflows, timedelta(seconds=1)) > 2
    # The end-to-end time holds the server's part of it, and four loops cannot spend more than four times the time.
    assert metrics[f"{END_TO_END}_count"] == metrics[COMPLETED]
    by_server = sorted((found.close_time - found.start_time).total_seconds() for found in workflows)
    assert sum(by_server[: int(metrics[COMPLETED])]) < metrics[f"{END_TO_END}_sum"] < 4 * elapsed


@pytest.mark.parametrize(
    ("activities", "signals", "fewest", "most"),
    [(3, 1, 15, 15), (3, 0, 15, 15), (0, 0, 3, 3), (0, 1, 3, 3), (1, 3, 9, 13)],
)
def test_what_one_workflow_asks_of_the_server(lab: Lab, activities: int, signals: int, fewest: int, most: int) -> None:
    worker = lab.start("worker")
    soak_test = lab.start_soak_test(
        CONCURRENT_WORKFLOWS=2, ACTIVITIES_PER_WORKFLOW=activities, SIGNALS_PER_WORKFLOW=signals
    )
    eventually(lambda: soak_test.completed() >= 6, "workflows completed")
    assert soak_test.stop() == 0
    assert worker.running

    workflows = lab.closed_workflows()
    transitions = {found.raw_info.state_transition_count for found in workflows}
    assert fewest <= min(transitions)
    assert max(transitions) <= most
    events = lab.events(workflows[0].id)
    assert events.count("workflow_execution_signaled") == signals
    assert events.count("activity_task_completed") == activities
    if signals < 2:
        assert events.count("workflow_task_completed") == activities + 1
        assert {found.history_length for found in workflows} == {len(events)}


def test_zero_is_idle(lab: Lab) -> None:
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=0)
    time.sleep(1.5)
    metrics = soak_test.metrics()
    assert soak_test.running
    assert {name: value for name, value in metrics.items() if name.startswith("benchmark_") and value} == {}
    assert {STARTED, COMPLETED, FAILED, IN_FLIGHT, WANTED} < set(metrics)
    assert {errors(operation) for operation in ("start", "signal", "result")} < set(metrics)
    assert lab.workflows() == []
    assert soak_test.stop() == 0


def test_one_that_fails_does_not_stop_the_others(lab: Lab) -> None:
    lab.start_worker()
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=2, ACTIVITIES_PER_WORKFLOW=20)

    async def terminate_one() -> bool:
        client = await Client.connect(lab.server.endpoint)
        async for found in client.list_workflows(f"TaskQueue = '{lab.queue}' AND ExecutionStatus = 'Running'"):
            await client.get_workflow_handle(found.id).terminate(reason="by the test")
            return True
        return False

    eventually(lambda: asyncio.run(terminate_one()), "one is running and was terminated")
    eventually(lambda: soak_test.metrics()[FAILED] == 1, "the failure is counted")
    before = soak_test.completed()
    eventually(lambda: soak_test.completed() >= before + 2, "workflows complete after it")
    assert soak_test.metrics()[IN_FLIGHT] == 2
    assert soak_test.metrics()[FAILED] == 1
    assert "by the test" in soak_test.log.read_text()


def test_what_does_not_finish_in_the_grace_period_is_terminated(lab: Lab) -> None:
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=2, SHUTDOWN_GRACE_PERIOD=1)
    eventually(lambda: soak_test.metrics()[STARTED] == 2, "workflows are started, and no worker runs them")
    assert soak_test.stop() == 0
    assert [found.status for found in lab.closed_workflows()] == [WorkflowExecutionStatus.TERMINATED] * 2
    assert "2 workflows terminated, 0 could not be reached" in soak_test.log.read_text()


def test_the_last_counts_can_be_read_for_a_while(lab: Lab) -> None:
    lab.start_worker()
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=2, METRICS_GRACE_PERIOD=3600, LOG_LEVEL="DEBUG")
    eventually(lambda: soak_test.completed() >= 3, "workflows complete")
    soak_test.signal(signal.SIGTERM)
    eventually(lambda: "the last counts can be read for 3600 s more" in soak_test.log.read_text(), "it says so")
    assert not soak_test.ready
    metrics = soak_test.metrics()
    assert (metrics[STARTED], metrics[IN_FLIGHT]) == (metrics[COMPLETED], 0)
    assert f"workflows in all: {metrics[STARTED]:.0f} started, {metrics[COMPLETED]:.0f} completed, 0 failed" in (
        soak_test.log.read_text()
    )
    # At this level the log records each of them.
    took = re.findall(r"workflow benchmark-\S+ completed in (\d+\.\d{3}) s", soak_test.log.read_text())
    assert len(took) == metrics[COMPLETED]
    assert sum(map(float, took)) == pytest.approx(metrics[f"{END_TO_END}_sum"], abs=0.001 * len(took))
    # Who asks again does not want to wait.
    soak_test.signal(signal.SIGTERM)
    assert soak_test.wait() == 0


def test_without_a_worker_workflows_time_out_and_are_replaced(lab: Lab) -> None:
    soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=2, WORKFLOW_EXECUTION_TIMEOUT=1, SHUTDOWN_GRACE_PERIOD=0)
    eventually(lambda: soak_test.metrics()[FAILED] >= 2, "the time-outs are counted")
    eventually(lambda: soak_test.metrics()[STARTED] >= 4, "others are started in their place")
    assert soak_test.metrics()[COMPLETED] == 0
    assert soak_test.stop() == 0
    workflows = lab.closed_workflows()
    assert most_at_once(workflows) == 2
    assert {WorkflowExecutionStatus.TIMED_OUT, WorkflowExecutionStatus.TERMINATED} >= {
        found.status for found in workflows
    }


def test_a_server_that_goes_and_comes_back(own_lab: Lab) -> None:
    own_lab.server.start()
    worker = own_lab.start_worker()
    soak_test = own_lab.start_soak_test(CONCURRENT_WORKFLOWS=3)
    eventually(lambda: soak_test.completed() >= 3, "the first workflows completed")

    own_lab.server.kill()
    eventually(
        lambda: sum(soak_test.metrics()[errors(name)] for name in ("start", "result")) >= 6, "errors are counted"
    )
    away = soak_test.metrics()
    # What was started may still be running: nothing is started in its place, and nothing is given up.
    assert away[STARTED] - away[COMPLETED] <= 3
    assert away[FAILED] == 0
    own_lab.server.start()
    eventually(lambda: soak_test.completed() >= away[COMPLETED] + 6, "workflows complete again")
    back = soak_test.metrics()
    assert (back[IN_FLIGHT], back[FAILED]) == (3, 0)
    assert worker.running

    assert soak_test.stop() == 0
    assert worker.stop() == 0
    workflows = own_lab.closed_workflows()
    assert most_at_once(workflows) == 3
    assert {found.status for found in workflows} == {WorkflowExecutionStatus.COMPLETED}
    # What it says at its end is what the server knows of.
    count = len(workflows)
    assert f"workflows in all: {count} started, {count} completed, 0 failed" in soak_test.log.read_text()


def test_programs_wait_for_the_server_and_its_namespace(own_lab: Lab) -> None:
    settings = {"TEMPORAL_NAMESPACE": "late"}
    begun = time.monotonic()
    worker, soak_test = own_lab.start("worker", **settings), own_lab.start("soak_test", **settings)
    programs = (worker, soak_test)
    for program in programs:
        eventually(lambda program=program: "waiting for Temporal" in program.log.read_text(), "it says so")
    # It is there from the start, so that "nothing failed" is a value.
    assert soak_test.metrics()[FAILED] == 0
    own_lab.server.start()
    for program in programs:
        eventually(lambda program=program: "Namespace late is not found" in program.log.read_text(), "it says so")
        assert not program.ready
    own_lab.create_namespace("late")
    for program in programs:
        eventually(lambda program=program: program.ready, "it is ready")
    eventually(lambda: soak_test.completed() >= 3, "workflows complete")
    for program in (soak_test, worker):
        # One line every five seconds, not one for each try.
        assert program.log.read_text().count("waiting for Temporal") < 3 + (time.monotonic() - begun) / 5
        assert program.stop() == 0
        assert not program.ready


def test_an_answer_that_is_lost_starts_no_second_workflow(lab: Lab) -> None:
    lab.start_worker()
    with AnswerLosingProxy(lab.server.port, b"Benchmark", times=3) as proxy:
        soak_test = lab.start_soak_test(CONCURRENT_WORKFLOWS=1, TEMPORAL_GRPC_ENDPOINT=f"127.0.0.1:{proxy.port}")
        eventually(lambda: soak_test.completed() >= 3, "workflows complete")
        metrics = soak_test.metrics()
        assert soak_test.stop() == 0
    assert proxy.lost == 3
    assert metrics[errors("start")] == 3
    assert metrics[FAILED] == 0
    workflows = lab.closed_workflows()
    # One may have been started since: had each of the lost starts led to a second one, there were three more.
    assert metrics[STARTED] <= len(workflows) <= metrics[STARTED] + 1
    assert most_at_once(workflows) == 1


def test_a_result_that_cannot_be_read_holds_its_place_until_the_timeout(
    own_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak_test_module, "TIMEOUT_MARGIN", 0.5)
    own_lab.server.start()
    settings = read_settings(
        {"CONCURRENT_WORKFLOWS": "1", "WORKFLOW_EXECUTION_TIMEOUT": "2", "SHUTDOWN_GRACE_PERIOD": "0"}
    )
    metrics = SoakTestMetrics(Runtime.default(), 1)
    counted_after: dict[str, list[float]] = {"started": [], "failed": []}

    class Watched:
        """Notes when a workflow is counted."""

        def __init__(self, after: list[float]) -> None:
            self._after = after

        def add(self, _value: int) -> None:
            self._after.append(time.monotonic() - begun)

    metrics.workflows.update({name: Watched(after) for name, after in counted_after.items()})

    async def run() -> None:
        async def counted(name: str) -> None:
            while not counted_after[name] and time.monotonic() - begun < 240:
                await asyncio.sleep(0.05)

        stop = asyncio.Event()
        client = await Client.connect(own_lab.server.endpoint, retry_config=RetryConfig(max_retries=1))
        running = asyncio.ensure_future(soak_test_module.SoakTest(client, settings, metrics, stop).run())
        await counted("started")
        own_lab.server.kill()
        await counted("failed")
        stop.set()
        await running

    begun = time.monotonic()
    asyncio.run(run())
    (started,), (failed,) = counted_after.values()
    assert failed - started >= 2.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_programs_stop_at_once_when_there_is_no_server(own_lab: Lab, number: int) -> None:
    programs = [own_lab.start(name, SHUTDOWN_GRACE_PERIOD=3600) for name in ("worker", "soak_test")]
    for program in programs:
        eventually(lambda program=program: "waiting for Temporal" in program.log.read_text(), "it says so")
    for program in programs:
        program.signal(number)
    # The grace period is not waited for.
    assert [program.wait() for program in programs] == [0, 0]
    assert "Traceback" not in "".join(program.log.read_text() for program in programs)


def test_a_port_that_is_taken_ends_the_program_with_a_sentence(lab: Lab) -> None:
    for name in ("PROMETHEUS_ENDPOINT", "READINESS_ENDPOINT"):
        program = lab.start("soak_test", **{name: lab.server.endpoint})
        assert program.wait() == 1
        assert f"{name} {lab.server.endpoint} cannot be listened on: " in program.log.read_text()
        assert "Traceback" not in program.log.read_text()
