# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of any server: heads, bodies, compression, errors, addresses."""

from __future__ import annotations

import gzip
import io
import json
import math
import socket
import zlib
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import foreign_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.port_forward import ForwardedSocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.websocket import WebSocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.denials import denial_cure, told_plainly
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.digits import whole_number
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.durations import duration_seconds
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import limits, proxy, status
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.limits import Deadline
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Answer, Request, json_value
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.transport import Transport
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.url_options import UrlKind, checked_address
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import TEXTS, as_json, fuzz, values
from ansible_collections.temporal_lab.benchmarking.tests.unit.http.raw_server import raw_server
from hypothesis import strategies as st

SERVICE = Service("The server", secrets=("hunter2",))
BODIES = st.one_of(
    st.binary(max_size=60), values.map(as_json), st.sampled_from([b"<html>", b"\xff\xfe{}", b"[" * 5000])
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Location", "Content-Type", "Date"]),
    st.one_of(st.sampled_from(TEXTS), st.sampled_from(["Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 32 Foo"])),
    max_size=3,
)
STATUSES = st.one_of(st.sampled_from([101, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503]), st.integers(0, 999))


@fuzz(st.one_of(BODIES, st.text(alphabet='[]{}",:\\udD8cCaA0. \n', max_size=40).map(str.encode)))
def test_fuzz_json(body: bytes) -> None:
    value = json_value(body)
    # Whatever comes out can be written.
    json.dumps(value, allow_nan=True, ensure_ascii=False).encode()


@fuzz(st.tuples(STATUSES, HEADERS, BODIES))
def test_fuzz_failures(given: tuple[int, dict[str, str], bytes]) -> None:
    answer = Answer(Request("GET", "/x"), *given)
    said = status.excerpt(answer, SERVICE)
    for error in (
        status.failure(SERVICE, answer, said=said),
        status.failure(SERVICE, answer, no_path=True),
        status.unexpected(SERVICE, answer, "the API"),
    ):
        assert error.msg.isprintable()
        error.msg.encode()


class Response:
    """What read_body takes of a response."""

    def __init__(self, encoding: str, body: bytes) -> None:
        self.headers = {"Content-Encoding": encoding}
        self._body = io.BytesIO(body)

    def read(self, size: int, decode_content: bool) -> bytes:
        return self._body.read(min(size, 7))


@fuzz(
    st.tuples(
        st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]),
        st.one_of(
            st.binary(max_size=60),
            st.binary(max_size=60).map(gzip.compress),
            st.binary(max_size=60).map(zlib.compress),
            st.just(gzip.compress(b"x" * 100_000)),
        ),
    )
)
def test_fuzz_bodies(given: tuple[str, bytes]) -> None:
    try:
        assert len(limits.read_body(Response(*given), 1000)) <= 1000
    except (limits.TooLarge, limits.NotDecoded):
        pass


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 101 Switching",
        b"HTTP/1.0 302 Found",
        b"HTTP/1.1 999 ",
        b"Content-Length: 2",
        b"Content-Length: -1",
        b"Content-Length: " + "²".encode("latin-1"),
        b"Content-Encoding: gzip",
        b"Transfer-Encoding: chunked",
        b"Retry-After: 9999999",
        b"{}",
        b"ffffffffffffffffff",
        b"",
        b"\xff\xfe\x00",
    ]
)


def test_fuzz_raw_answers() -> None:
    """What comes over the connection, up to its end."""
    sent: list[bytes] = []
    with raw_server(lambda server, connection: connection.sendall(sent[-1])) as server:

        @fuzz(st.lists(LINES, max_size=6).map(b"\r\n".join))
        def target(answer: bytes) -> None:
            sent.append(answer)
            transport = Transport(server.address, SERVICE)
            try:
                transport.send(Request("GET", "/"), 30.0)
            finally:
                transport.close()

        target()


FRAMES = st.sampled_from(
    [b"\x82\x03\0ab", b"\x82\x02\1b", b"\x82\0", b"\x89\0", b"\x82\x7e\0\x03\0ab", b"\x82\x7f\xff"]
)


@fuzz(st.lists(st.one_of(st.binary(max_size=12), FRAMES), max_size=6).map(b"".join))
def test_fuzz_frames(sent: bytes) -> None:
    """What comes over a port-forward's WebSocket, as bytes and as a file."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        forwarded = ForwardedSocket(WebSocket(ours, Deadline()))
        assert len(forwarded.makefile("rb").read()) <= len(sent)
        assert forwarded.error.isprintable()


ADDRESSES = st.one_of(
    st.sampled_from(["http://[::", "http://a:b@c", "https://x:99999", "http://²:1", "file:///etc", "//", "http:///"]),
    st.text(alphabet="htp:/[]@%.0a²\\", max_size=20),
    st.sampled_from(TEXTS),
)


@fuzz(ADDRESSES)
def test_fuzz_addresses(address: str) -> None:
    checked_address(UrlKind("Thing", "/api", "username", "password"), address)


@fuzz(ADDRESSES)
def test_fuzz_proxies(address: str) -> None:
    assert proxy.proxy_of(address).host


@fuzz(st.one_of(values, st.text(max_size=50)))
def test_fuzz_words(said: Any) -> None:
    shown = foreign_text.plain(said, foreign_text.secrets_of("Basic aHVudGVyOmh1bnRlcjI="))
    assert shown.isprintable()
    assert len(shown) <= foreign_text.LONGEST
    shown.encode()


DENIALS = st.sampled_from(
    [
        "Failure when executing Helm command. Exited 1.\nstdout: ",
        "\nstderr: ",
        "admission webhook ",
        "exceeded quota: ",
        'User "a" cannot get ',
        '{"kind": "Status", "message": "',
        '"}',
        "\\1",
        "\\g<9>",
    ]
)


@fuzz(st.lists(st.one_of(DENIALS, st.sampled_from(TEXTS), st.text(max_size=6)), max_size=6).map("".join))
def test_fuzz_denials(said: str) -> None:
    denial_cure(said).encode("utf-8", "surrogatepass")
    assert foreign_text.plain(told_plainly(said)).isprintable()


@fuzz(st.one_of(st.sampled_from(TEXTS), st.text(alphabet="0123456789.mshdwy²", max_size=12)))
def test_fuzz_durations(text: str) -> None:
    try:
        assert duration_seconds(text) >= 0
    except ValueError:
        pass


@fuzz(values)
def test_fuzz_whole_numbers(text: Any) -> None:
    found = whole_number(text)
    assert found is None or math.isfinite(float(found))
