# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus over samples that are written down in the test, and servers that answer by script.

The Debian package ``prometheus`` must be installed: without it the tests fail.
Set TEMPORAL_LAB_PROMETHEUS to the path of another Prometheus to test that too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import (
    ENDS_WITH_ITS_STARTER,
    HANGS,
    free_port,
)

#: Start of the synthetic samples, and how long they go on; a scrape every five seconds.
BASE = 1_700_000_000
SPAN = 600
INTERVAL = 5


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not on PATH: install the Debian package prometheus"
    return found


@contextmanager
def running_prometheus(binary: str, folder: Path, config: str, *options: str) -> Iterator[str]:
    """Run Prometheus on loopback with a folder as its data; gives its address."""
    (folder / "prometheus.yml").write_text(config)
    address = f"http://127.0.0.1:{free_port()}"
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *ENDS_WITH_ITS_STARTER,
                binary,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address={address.removeprefix('http://')}",
                "--log.level=warn",
                *options,
            ],
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + 240
        while not answers(f"{address}/-/ready"):
            assert process.poll() is None, log.read_text()
            if time.monotonic() > until:
                pytest.fail(f"Prometheus did not get ready: {log.read_text()}")
            time.sleep(0.05)
        yield address
    finally:
        # Nothing that it would still write is read.
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60):
            return True
    except OSError:
        return False


def counter(metric: str, labels: str, per_second: float, first: int = 0, last: int = SPAN, start: float = 1e6) -> str:
    """Samples of a counter that grows evenly, between two seconds after BASE.

    It begins high: `increase` does not extrapolate a counter to before it was zero.
    """
    return gauge(metric, labels, lambda second: start + per_second * (second - first), first, last)


def gauge(metric: str, labels: str, value: Any, first: int = 0, last: int = SPAN, step: int = INTERVAL) -> str:
    """Samples of a series; ``value`` is a number or a function of the second after BASE."""
    of = value if callable(value) else lambda _second: value
    # Two seconds off the window's edges, as a real scrape would be.
    seconds = range(first + 2, last, step)
    return "".join(f"{metric}{{{labels}}} {of(second)} {BASE + second}\n" for second in seconds)


def make_blocks(folder: Path, samples: str) -> None:
    """Write samples into a folder as blocks of Prometheus."""
    text = folder / "samples.txt"
    text.write_text(samples + "# EOF\n")
    command = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr


def binaries() -> list[str]:
    other = os.environ.get("TEMPORAL_LAB_PROMETHEUS")
    return ["prometheus", other] if other else ["prometheus"]


@dataclass
class Script:
    """What a server answers, one entry a request; the last one is repeated.

    An answer is (status, headers, body), or the name of a way not to answer:
    ``cut`` in the middle of the body, or ``hang``.
    """

    answers: list[Any]
    address: str = ""
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(answers: list[Any], tls: Any = None) -> Iterator[Script]:
    """Serve a script on loopback; ``tls`` is an SSLContext for https."""
    script = Script(list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            script.requests.append((self.command, self.path, dict(self.headers), body))
            answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            if answer == "hang":
                script.over.wait(10)
                self.close_connection = True
                return
            status, headers, content = (200, {}, b'{"status":') if isinstance(answer, str) else answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(1000 if isinstance(answer, str) else len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = isinstance(answer, str)

        do_GET = do_POST = handle_one

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is what the tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    script.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


#: The form of a request by the names of its fields, each with its last value.
Form = dict[str, str]


@contextmanager
def dialect(
    upstream: str,
    before: Callable[[str, Form, Message], tuple[int, bytes] | None] | None = None,
    after: Callable[[str, Any], Any] | None = None,
) -> Iterator[str]:
    """A proxy before a real Prometheus that answers as another system does; gives its address.

    before: is given path, form and headers of a request, and answers it itself or not. after: is given the path and
    the JSON that Prometheus answered with, and returns what is answered instead.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            answer = (
                before(parts.path, dict(parse_qsl(f"{parts.query}&{body.decode()}")), self.headers) if before else None
            )
            if answer is None:
                kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
                request = urllib.request.Request(upstream + self.path, body or None, kind, method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=60) as response:
                        answer = response.status, response.read()
                except urllib.error.HTTPError as error:
                    answer = error.code, error.read()
                if after and answer[0] == 200:
                    answer = 200, json.dumps(after(parts.path, json.loads(answer[1]))).encode()
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST = pass_on

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
