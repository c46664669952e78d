# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak test: keeps a number of workflows in flight.

Start it with `python3 -m benchmark.soak_test`; README.md has its settings and metrics.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from .metrics import SoakTestMetrics
from .program import REQUEST_TIMEOUT, Backoff, Trouble, connect, ready, sleep_unless, start
from .settings import Settings
from .workflows import SIGNAL, Benchmark, Work

log = logging.getLogger("benchmark")

#: Longer than the 20 seconds after which the server answers a long poll without news.
LONG_POLL_TIMEOUT = timedelta(seconds=30)
#: How much later than its execution timeout, in seconds, the server may end a workflow.
TIMEOUT_MARGIN = 10.0
#: Time to end what is left over after the grace period.
LAST_REQUESTS_TIMEOUT = timedelta(seconds=3)

Handle = WorkflowHandle[Any, Any]


class SoakTest:
    """A number of loops that know nothing of each other, each with one workflow in flight at a time."""

    def __init__(self, client: Client, settings: Settings, metrics: SoakTestMetrics, stop: asyncio.Event) -> None:
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._stop = stop
        self._trouble = Trouble()
        self._in_flight = 0
        self._counted = dict.fromkeys(metrics.workflows, 0)
        #: Identifiers of the workflows that may be running, also those whose start was not answered.
        self._open: set[str] = set()

    async def run(self) -> None:
        """Keep the workflows in flight until `stop` is set, then let them finish within the grace period."""
        stopped = asyncio.ensure_future(self._stop.wait())
        loops = [
            asyncio.ensure_future(self._keep_one_in_flight()) for _number in range(self._settings.concurrent_workflows)
        ]
        # A loop ends before the stop only by an error of this program: better to end than to go on with fewer.
        await asyncio.wait({stopped, *loops}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if loops:
            if self._stop.is_set():
                log.info("stopping: %d workflows in flight may finish", self._in_flight)
                await asyncio.wait(loops, timeout=self._settings.shutdown_grace)
            for loop in loops:
                if loop.done():
                    loop.result()
                loop.cancel()
            await self._terminate_open()
        # A witness of what was done that does not pass through Prometheus.
        log.info("workflows in all: %s", ", ".join(f"{count} {what}" for what, count in self._counted.items()))

    async def _keep_one_in_flight(self) -> None:
        while not self._stop.is_set():
            await self._run_workflow(f"benchmark-{uuid.uuid4()}")

    async def _run_workflow(self, workflow_id: str) -> None:
        requested = time.monotonic()
        handle = await self._start(workflow_id)
        if handle is None:
            return
        self._count("started")
        deadline = time.monotonic() + self._settings.execution_timeout + TIMEOUT_MARGIN
        # The first signal came with the start.
        for _number in range(1, self._settings.signals):
            await self._signal(handle, deadline)
        why_not = await self._why_not_completed(handle, deadline)
        self._open.discard(workflow_id)
        self._count_in_flight(-1)
        if why_not is None:
            took = time.monotonic() - requested
            self._count("completed")
            self._metrics.end_to_end.record(took)
            # A record of each workflow that passes through no histogram.
            log.debug("workflow %s completed in %.3f s", workflow_id, took)
        else:
            self._count("failed")
            self._trouble.log(f"workflow {workflow_id} did not complete: {why_not}")

    async def _start(self, workflow_id: str) -> Handle | None:
        """Start a workflow; None when stopped before that.

        A request that was not answered may have started it: the same
        identifier is used until the server says that it is there.
        """
        backoff = Backoff()
        self._open.add(workflow_id)
        while not self._stop.is_set():
            self._count_in_flight(1)
            try:
                return await self._client.start_workflow(
                    Benchmark.run,
                    Work(activities=self._settings.activities, signals=self._settings.signals),
                    id=workflow_id,
                    task_queue=self._settings.task_queue,
                    execution_timeout=timedelta(seconds=self._settings.execution_timeout),
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    start_signal=SIGNAL if self._settings.signals else None,
                    rpc_timeout=REQUEST_TIMEOUT,
                )
            except WorkflowAlreadyStartedError:
                return self._client.get_workflow_handle(workflow_id)
            except RPCError as error:
                self._count_in_flight(-1)
                self._count_error("start", error)
            await sleep_unless(self._stop, backoff.next())
        return None

    async def _signal(self, handle: Handle, deadline: float) -> None:
        backoff = Backoff()
        while time.monotonic() < deadline:
            try:
                return await handle.signal(SIGNAL, rpc_timeout=REQUEST_TIMEOUT)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    # It is not running any more: its result says why.
                    return None
                self._count_error("signal", error)
            await asyncio.sleep(backoff.next())
        return None

    async def _why_not_completed(self, handle: Handle, deadline: float) -> str | None:
        """Wait for the end of a workflow; None when it completed.

        While the result cannot be read the workflow counts as running, until
        its execution timeout has passed: to start another one would be one too many.
        """
        backoff = Backoff()
        while True:
            try:
                await handle.result(follow_runs=False, rpc_timeout=LONG_POLL_TIMEOUT)
            except WorkflowFailureError as error:
                return str(error.cause)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    return f"the server has no such object: {error}"
                self._count_error("result", error)
                if time.monotonic() > deadline:
                    return "its result could not be read before its execution timeout"
            else:
                return None
            await asyncio.sleep(backoff.next())

    async def _terminate_open(self) -> None:
        """End what did not finish in time, so that no workflow outlives the program that counts it."""
        if not self._open:
            return
        handles = [self._client.get_workflow_handle(workflow_id) for workflow_id in self._open]
        answers = await asyncio.gather(
            *(
                handle.terminate(reason="the soak test stopped", rpc_timeout=LAST_REQUESTS_TIMEOUT)
                for handle in handles
            ),
            return_exceptions=True,
        )
        not_reached = 0
        for answer in answers:
            if isinstance(answer, RPCError):
                not_reached += answer.status != RPCStatusCode.NOT_FOUND
            elif answer is not None:
                raise answer
        terminated = answers.count(None)
        if terminated or not_reached:
            log.warning(
                "not finished in the grace period of %d s: %d workflows terminated, %d could not be reached",
                self._settings.shutdown_grace,
                terminated,
                not_reached,
            )

    def _count(self, what: str) -> None:
        """Count a workflow as started, completed or failed."""
        self._counted[what] += 1
        self._metrics.workflows[what].add(1)

    def _count_in_flight(self, change: int) -> None:
        self._in_flight += change
        self._metrics.in_flight.set(self._in_flight)

    def _count_error(self, operation: str, error: RPCError) -> None:
        self._metrics.request_errors[operation].add(1)
        self._trouble.log(f"{operation} of a workflow failed, trying again: {error.status.name}: {error}")


async def run_soak_test(settings: Settings, runtime: Runtime, stop: asyncio.Event) -> None:
    """Wait for the server, then keep the workflows in flight until `stop` is set."""
    metrics = SoakTestMetrics(runtime, settings.concurrent_workflows)
    # Each failed request is to be counted: this program repeats them, not the SDK.
    client = await connect(settings, runtime, stop, RetryConfig(max_retries=1))
    if client is None:
        return
    async with ready(settings):
        await SoakTest(client, settings, metrics, stop).run()


if __name__ == "__main__":
    start(run_soak_test)
