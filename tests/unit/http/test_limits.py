# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is broken or hostile costs bounded time and memory, and always ends in an error of the lab."""

from __future__ import annotations

import gzip
import itertools
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    UnexpectedAnswer,
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import (
    Answer,
    Request,
    json_value,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.transport import Transport
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster import cluster_lab
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi
from ansible_collections.temporal_lab.benchmarking.tests.unit.http.raw_server import RawServer, raw_server

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"


def get(address: str, seconds: float = 5.0, largest: int = 2 * MIB) -> Answer:
    transport = Transport(address, Service("The server"), largest=largest)
    try:
        return transport.send(Request("GET", "/x", silence=seconds), seconds)
    finally:
        transport.close()


def inflating(megabytes: int) -> bytes:
    """A gzip file of so many equal megabytes, which takes a thousandth of that."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b"a" * MIB) for _megabyte in range(megabytes)) + packer.flush()


# -- size -------------------------------------------------------------------


def test_a_small_body_that_inflates_to_a_large_one_is_never_held(api: ScriptedApi) -> None:
    body = inflating(200)
    assert len(body) < MIB
    api.on("GET", "/x", cluster_lab.Answer(body, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedAnswer, match="GET /x with more than 2 MiB"):
            get(api.url)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_without_an_end_is_given_up_at_the_limit() -> None:
    def play(_server: RawServer, connection: socket.socket) -> None:
        connection.sendall(OK + b"Connection: close\r\n\r\n")
        while True:
            connection.sendall(b" " * MIB)

    with raw_server(play) as server, pytest.raises(UnexpectedAnswer, match="more than 2 MiB"):
        get(server.address)


@pytest.mark.parametrize(("size", "fits"), [(2 * MIB, True), (2 * MIB + 1, False)])
@pytest.mark.parametrize("packed", [False, True])
def test_the_limit_is_exact(api: ScriptedApi, size: int, fits: bool, packed: bool) -> None:
    body = b"x" * size
    headers = {"Content-Encoding": "gzip"} if packed else {}
    api.on("GET", "/x", cluster_lab.Answer(gzip.compress(body, 1) if packed else body, headers=headers))
    if fits:
        assert get(api.url).body == body
    else:
        with pytest.raises(UnexpectedAnswer):
            get(api.url)


# -- compression ------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"one") + gzip.compress(b"two"), "gzip"),
        (zlib.compress(b"onetwo"), "deflate"),
        (b"onetwo", "identity"),
    ],
    ids=["gzip in two parts", "zlib", "none"],
)
def test_what_is_compressed_is_decompressed(api: ScriptedApi, body: bytes, encoding: str) -> None:
    api.on("GET", "/x", cluster_lab.Answer(body, headers={"Content-Encoding": encoding}))
    assert get(api.url).body == b"onetwo"
    assert api.asked[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"{}", "gzip"), (gzip.compress(b"x" * 1000)[:-9], "gzip"), (b"{}", "br"), (b"{}", ",".join(["gzip"] * 20))],
    ids=["not gzip", "cut", "unknown", "twenty times"],
)
def test_what_cannot_be_decompressed_is_no_whole_answer(api: ScriptedApi, body: bytes, encoding: str) -> None:
    api.on("GET", "/x", cluster_lab.Answer(body, headers={"Content-Encoding": encoding}))
    with pytest.raises(Unreachable, match="compression"):
        get(api.url)


# -- time -------------------------------------------------------------------


def body_in_drops() -> Iterator[bytes]:
    return itertools.chain([OK + b"Connection: close\r\n\r\n"], itertools.repeat(b" "))


def headers_in_drops() -> Iterator[bytes]:
    return itertools.chain([OK], (b"X-%d: y\r\n" % number for number in itertools.count()))


def chunks_in_drops() -> Iterator[bytes]:
    return itertools.chain([OK + b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\na\r\n"))


@pytest.mark.parametrize("pieces", [body_in_drops, headers_in_drops, chunks_in_drops])
def test_an_answer_that_trickles_in_ends_with_the_total_time(pieces: Callable[[], Iterator[bytes]]) -> None:
    """No pause is as long as the silence that is allowed, so that the total time ends it, also on a slow machine."""
    with raw_server(lambda server, connection: server.drip(connection, pieces(), 0.02)) as server:
        transport = Transport(server.address, Service("The server"))
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"The server did not finish its answer to GET /x within 1 s"):
            transport.send(Request("GET", "/x", silence=0.99), 1)
        assert time.monotonic() - began < 60


# -- what is no HTTP --------------------------------------------------------

NOT_HTTP = {
    "no status line": b"\xff\xfe garbage\r\n\r\n",
    "nothing": b"",
    "a length below zero": OK + b"Content-Length: -1\r\n\r\n{}",
    "600 headers": OK + b"".join(b"X-%d: y\r\n" % number for number in range(600)) + b"\r\n",
    "a header of a megabyte": OK + b"X: " + b"y" * MIB + b"\r\n\r\n",
    "chunks without a size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "fewer bytes than announced": OK + b"Content-Length: 10\r\n\r\n{}",
}


@pytest.mark.parametrize("answer", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_no_http_is_an_error_of_the_lab(answer: bytes) -> None:
    def play(_server: RawServer, connection: socket.socket) -> None:
        connection.sendall(answer)

    with raw_server(play) as server:
        if answer.startswith(OK + b"Content-Length: -1"):
            # The library reads over a wrong length.
            assert get(server.address).body == b"{}"
        else:
            with pytest.raises(Unreachable, match=r"^The server closed the connection .* GET /x"):
                get(server.address)


# -- JSON -------------------------------------------------------------------


@pytest.mark.parametrize("depth", [101, 100_000])
def test_json_that_is_nested_too_deeply_is_none(depth: int) -> None:
    assert json_value(b'{"a":' + b"[" * depth + b"]" * depth + b"}") is None


def test_json_of_a_bearable_depth_is_read() -> None:
    value = json_value(b'{"a":' + b"[" * 99 + b"]" * 99 + b"}")
    assert isinstance(value, dict)
    assert json_value(b"5") == 5
    assert json_value(b"[[]]", deepest=2) == [[]]
    assert json_value(b"[[]]", deepest=1) is None


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":"\xff"}', b'{"a":' + b"9" * 5000 + b"}"])
def test_what_is_no_json_is_none(text: bytes) -> None:
    assert json_value(text) is None
