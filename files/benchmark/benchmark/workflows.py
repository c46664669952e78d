# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow that the soak test starts and the worker runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

#: The signal that a workflow waits for before its first activity.
SIGNAL = "go"
MESSAGE = "test"


@dataclass
class Work:
    """What one workflow does: how many signals it waits for, and how many activities it then runs."""

    activities: int
    signals: int


@activity.defn
async def echo(message: str) -> str:
    """Give the message back at once: the load is on the server, not on the worker."""
    return message


@workflow.defn
class Benchmark:
    """Wait for the signals, then run the activities one after another.

    One after another, because activities side by side would share a workflow
    task now and then, and the number of state transitions would vary.
    """

    def __init__(self) -> None:
        self._signals = 0

    @workflow.run
    async def run(self, work: Work) -> None:
        await workflow.wait_condition(lambda: self._signals >= work.signals)
        for _number in range(work.activities):
            await workflow.execute_activity(echo, MESSAGE, start_to_close_timeout=timedelta(seconds=5))

    @workflow.signal(name=SIGNAL)
    def go(self) -> None:
        self._signals += 1
