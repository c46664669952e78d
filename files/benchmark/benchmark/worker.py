# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: runs the workflows and activities that the soak test asks for.

Start it with `python3 -m benchmark.worker`; README.md has its settings.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorSimpleMaximum, UnsandboxedWorkflowRunner, Worker

from .program import Backoff, Trouble, connect, ready, sleep_unless, start
from .settings import Settings
from .workflows import Benchmark, echo

log = logging.getLogger("benchmark")


async def run_worker(settings: Settings, runtime: Runtime, stop: asyncio.Event) -> None:
    """Work until `stop` is set; start anew when the SDK gives a worker up."""
    backoff = Backoff()
    trouble = Trouble()
    while not stop.is_set():
        client = await connect(settings, runtime, stop)
        if client is None:
            return
        try:
            await _work(client, settings, stop)
        except (RPCError, RuntimeError) as error:
            trouble.log(f"the worker ended: {error}")
            await sleep_unless(stop, backoff.next())


def _worker(client: Client, settings: Settings) -> Worker:
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[Benchmark],
        activities=[echo],
        # The workflow is known to be deterministic; the sandbox would load modules anew for each workflow.
        workflow_runner=UnsandboxedWorkflowRunner(),
        # Not used for versioning; without one the SDK hashes the byte code of all modules at the start.
        build_id="benchmark",
        # Eager activities skip the matching service whenever the worker has room: a varying number of
        # state transitions, and no load on matching.
        disable_eager_activity_execution=True,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(settings.workflow_task_pollers),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(settings.activity_task_pollers),
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_grace),
    )


async def _work(client: Client, settings: Settings, stop: asyncio.Event) -> None:
    """Run one worker until `stop` is set or the SDK raises."""
    worker = _worker(client, settings)
    running = asyncio.ensure_future(worker.run())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        # The SDK checks the Temporal namespace before it starts its pollers.
        while not (worker.is_running or running.done() or stop.is_set()):
            await asyncio.sleep(0.02)
        if worker.is_running:
            async with ready(settings):
                await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            shutdown = asyncio.ensure_future(worker.shutdown())
            await asyncio.wait({running}, timeout=settings.shutdown_grace)
            shutdown.cancel()
        if running.done():
            running.result()
        else:
            log.warning("stopped after %s s without waiting for the last tasks", settings.shutdown_grace)
    finally:
        stopped.cancel()
        running.cancel()


if __name__ == "__main__":
    start(run_worker)
