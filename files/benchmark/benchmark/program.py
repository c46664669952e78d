# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two programs share: start, stop, waiting for the server, telling that they are ready."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import (
    GrpcCompression,
    KeepAliveConfig,
    RetryConfig,
    RPCError,
    TLSConfig,
)

from .metrics import metrics_runtime
from .settings import Settings, SettingsError, read_settings, split_endpoint

log = logging.getLogger("benchmark")

Program = Callable[[Settings, Runtime, asyncio.Event], Awaitable[None]]

#: Seconds between two lines about the same trouble.
QUIET = 5.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
REQUEST_TIMEOUT = timedelta(seconds=10)


class Backoff:
    """Delays that double from 0.1 seconds to the longest, each shortened by up to half at random.

    Without the random part all that failed together would come back together.
    """

    def __init__(self, longest: float = 5.0) -> None:
        self._delay = 0.1
        self._longest = longest

    def next(self) -> float:
        """Return the seconds to wait before the next try."""
        delay = self._delay
        self._delay = min(2 * delay, self._longest)
        return delay * random.uniform(0.5, 1)


class Trouble:
    """Logs failures that come in numbers: one line every few seconds, with a count of those left out."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self._left_out = 0

    def log(self, sentence: str) -> None:
        if time.monotonic() - self._last < QUIET:
            self._left_out += 1
            return
        left_out = f" ({self._left_out} more failures since the last line)" if self._left_out else ""
        log.warning("%s%s", sentence, left_out)
        self._last = time.monotonic()
        self._left_out = 0


class OncePerQuiet(logging.Filter):
    """Lets one line of each logger through every few seconds: all pollers meet the same trouble."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, record.levelno)
        now = time.monotonic()
        if now - self._last.get(key, float("-inf")) < QUIET:
            return False
        self._last[key] = now
        return True


class CannotListen(Exception):
    """An address of the settings cannot be listened on: one sentence."""

    def __init__(self, name: str, address: str, why: object) -> None:
        super().__init__(f"{name} {address} cannot be listened on: {why}.")


def start(program: Program) -> None:
    """Run a program until it ends or SIGTERM or SIGINT asks it to; ends the process.

    Exit codes: 0 stopped as asked, 1 an address cannot be listened on or an
    error of the program, 2 a setting that is not allowed.
    """
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    _log_to_stderr(settings.log_level)
    code = 1
    try:
        asyncio.run(_run_until_signal(program, settings))
        code = 0
    except CannotListen as error:
        print(error, file=sys.stderr)
    except Exception:
        log.exception("stopped by an error of this program")
    # The SDK's threads call into Python to the end: an interpreter that shuts down
    # under them aborts, which would make a clean stop look like a crash.
    logging.shutdown()
    os._exit(code)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level, format=LOG_FORMAT)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    handler.addFilter(OncePerQuiet())
    library = logging.getLogger("temporalio")
    library.addHandler(handler)
    library.propagate = False
    library.setLevel(max(logging.WARNING, logging.getLevelName(level)))


async def _run_until_signal(program: Program, settings: Settings) -> None:
    try:
        runtime = metrics_runtime(settings.prometheus_endpoint)
    except ValueError as error:
        raise CannotListen("PROMETHEUS_ENDPOINT", settings.prometheus_endpoint, error) from None
    stop, at_once = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    await program(settings, runtime, stop)
    if settings.metrics_grace and not at_once.is_set():
        log.info("stopped; the last counts can be read for %d s more", settings.metrics_grace)
        await sleep_unless(at_once, settings.metrics_grace)
    log.info("stopped")


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but wake at once when `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass


async def connect(
    settings: Settings, runtime: Runtime, stop: asyncio.Event, retry: RetryConfig | None = None
) -> Client | None:
    """Connect as soon as the server answers and the Temporal namespace exists; None when stopped before.

    `retry` says how the client repeats its own requests; None is the SDK's default.
    """
    # A program has one connection to make: it may ask every second.
    backoff = Backoff(longest=1.0)
    trouble = Trouble()
    stopped = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            attempt = asyncio.ensure_future(_connect_once(settings, runtime, retry))
            await asyncio.wait({attempt, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                attempt.cancel()
                return None
            try:
                client = attempt.result()
            # The SDK raises RuntimeError when no connection can be made.
            except (RPCError, RuntimeError) as error:
                trouble.log(f"waiting for Temporal at {settings.endpoint}: {error}")
                await sleep_unless(stop, backoff.next())
            else:
                log.info("connected to %s, Temporal namespace %s", settings.endpoint, settings.namespace)
                return client
        return None
    finally:
        stopped.cancel()


async def _connect_once(settings: Settings, runtime: Runtime, retry: RetryConfig | None) -> Client:
    tls = settings.tls
    client = await Client.connect(
        settings.endpoint,
        namespace=settings.namespace,
        tls=TLSConfig(server_root_ca_cert=tls.ca, client_cert=tls.cert, client_private_key=tls.key) if tls else False,
        retry_config=retry,
        # A frontend that is gone without a word is noticed in 20 seconds, not in 45.
        keep_alive_config=KeepAliveConfig(interval_millis=15_000, timeout_millis=5_000),
        connect_timeout=timedelta(seconds=5),
        # Messages of a few hundred bytes: compression would cost the server CPU for nothing.
        grpc_compression=GrpcCompression.NONE,
        runtime=runtime,
    )
    request = DescribeNamespaceRequest(namespace=settings.namespace)
    await client.workflow_service.describe_namespace(request, timeout=REQUEST_TIMEOUT)
    return client


@asynccontextmanager
async def ready(settings: Settings) -> AsyncIterator[None]:
    """Accept connections on the readiness endpoint: a TCP probe finds it open only inside this block."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    host, port = split_endpoint(settings.readiness_endpoint)
    try:
        server = await asyncio.start_server(hang_up, host, port)
    except OSError as error:
        raise CannotListen("READINESS_ENDPOINT", settings.readiness_endpoint, error.strerror) from None
    async with server:
        log.info("ready")
        yield
