# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSockets to an API server that plays them frame by frame, and to one that does not mean well."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import websocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.websocket import (
    LARGEST,
    WebSocket,
    open_websocket,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    Refused,
    UnexpectedAnswer,
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.limits import Deadline
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    one_sentence,
    write_kubeconfig,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.http.raw_server import RawServer, raw_server

PROTOCOL = "v4.channel.k8s.io"
PATH = "/api/v1/namespaces/default/pods/a/portforward"


def accepted(head: bytes, protocol: str = PROTOCOL) -> bytes:
    """The answer that switches, by the standard's own words."""
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
    assert key is not None
    digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + b"Sec-WebSocket-Accept: "
        + base64.b64encode(digest)
        + f"\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
    )


def frame(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([first | opcode]) + length + payload


def opened(tmp_path: Path, server: RawServer, deadline: Deadline | None = None) -> WebSocket:
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", server.address))) as cluster:
        return open_websocket(cluster, f"{PATH}?ports=3000", PROTOCOL, 30.0, deadline)


def unmasked(sent: bytes) -> bytes:
    """The payload of a short frame as a client must send it."""
    assert sent[1] & 0x80
    size = sent[1] & 0x7F
    return bytes(byte ^ sent[2 + index % 4] for index, byte in enumerate(sent[6 : 6 + size]))


def test_messages_both_ways(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def play(server: RawServer, connection: socket.socket) -> None:
        # The first message comes with the answer: it must not be lost.
        connection.sendall(accepted(server.heads[0]) + frame(2, b"one") + frame(9, b"there?") + frame(2, b"x" * 60000))
        # A pong of 12 bytes and a message of 11.
        while sum(map(len, heard)) < 23:
            heard.append(connection.recv(1000))
        connection.sendall(frame(10, b"") + frame(2, b"") + frame(8, b"\x03\xe8"))
        server.over.wait(60)

    with raw_server(play) as server:
        found = opened(tmp_path, server)
        assert found.receive() == b"one"
        assert found.receive() == b"x" * 60000
        found.send(b"hello")
        assert [found.receive(), found.receive()] == [b"", None]
        found.shutdown()
    head = server.heads[0]
    assert head.startswith(f"GET {PATH}?ports=3000 HTTP/1.1".encode())
    assert f"Authorization: Bearer {TOKEN}".encode() in head
    told = b"".join(heard)
    assert (told[0], unmasked(told)) == (0x8A, b"there?")
    assert (told[12], unmasked(told[12:])) == (0x82, b"hello")


def test_a_long_message_is_sent_whole() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        WebSocket(ours, Deadline()).send(b"ab" * 35000)
        ours.shutdown(socket.SHUT_WR)
        sent = b"".join(iter(lambda: theirs.recv(65536), b""))
    assert sent[:2] == b"\x82\xff"
    assert int.from_bytes(sent[2:10], "big") == 70000
    mask = sent[10:14]
    assert bytes(byte ^ mask[index % 4] for index, byte in enumerate(sent[14:])) == b"ab" * 35000


NOT_SPOKEN = {
    "nothing": b"",
    "half a head": b"\x82",
    "half a length": b"\x82\x7e\x00",
    "less than announced": b"\x82\x05abc",
    "a fragment": frame(2, b"a", first=0),
    "a continuation": frame(0, b"a"),
    "text": frame(1, b"a"),
    "an extension": frame(2, b"a", first=0xC0),
    "masked": b"\x82\x81\x00\x00\x00\x00a",
    "too large": b"\x82\x7f" + (LARGEST + 1).to_bytes(8, "big"),
    "nine exabytes": b"\x82\x7f" + b"\x7f" + b"\xff" * 7,
    "a long ping": b"\x89\x7e\x00\xff" + b"a" * 255,
    "garbage": b"\xff\xfe\xfd\xfc",
}


@pytest.mark.parametrize("sent", NOT_SPOKEN.values(), ids=NOT_SPOKEN)
def test_what_is_not_spoken_is_the_end(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        assert WebSocket(ours, Deadline()).receive() is None


def test_pings_without_end_are_over_at_the_deadline() -> None:
    ticks = itertools.count()
    deadline = Deadline(lambda: float(next(ticks)))
    deadline.until = 20.0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(9, b"") * 1000)
        with pytest.raises(TimeoutError):
            WebSocket(ours, deadline).receive()


@pytest.mark.parametrize(
    ("play", "error", "said"),
    [
        (lambda head: accepted(head, "other"), UnexpectedAnswer, "a switch to another protocol than the WebSocket v4"),
        (
            lambda head: re.sub(rb"Accept: \S+", b"Accept: nonsense", accepted(head)),
            UnexpectedAnswer,
            "a switch to another protocol",
        ),
        (lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", UnexpectedAnswer, "no answer of the Kuber"),
        (lambda head: b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n", UnexpectedAnswer, "redirects GET"),
        (
            lambda head: (
                b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                b'27\r\n{"kind": "Status", "message": "no one"}\r\n0\r\n\r\n'
            ),
            Refused,
            "no one",
        ),
        (
            lambda head: b"HTTP/1.1 400 No\r\nContent-Length: 99999999999999999999\r\n\r\n",
            Unreachable,
            "closed the con",
        ),
        (lambda head: b"HTTP/1.1 101 Yes\r\nConnection: close\r\n\r\n", Unreachable, "closed the connection"),
        (lambda head: b"\xff\xff\r\n\r\n", Unreachable, "closed the connection"),
    ],
)
def test_an_answer_that_is_no_switch(
    tmp_path: Path, play: Callable[[bytes], bytes], error: type[Exception], said: str
) -> None:
    with (
        raw_server(lambda server, connection: connection.sendall(play(server.heads[0]))) as server,
        pytest.raises(error, match=said) as failure,
    ):
        opened(tmp_path, server)
    one_sentence(failure.value)  # type: ignore[arg-type] # each is a LabError


def test_an_answer_that_trickles_in_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "OPEN", 1.0)
    pieces = itertools.chain([b"HTTP/1.1 101 Switching Protocols\r\n"], (b"X-%d: y\r\n" % n for n in itertools.count()))
    with (
        raw_server(lambda server, connection: server.drip(connection, pieces, 0.05)) as server,
        pytest.raises(Unreachable, match=r"within 1 s|closed the connection"),
    ):
        opened(tmp_path, server)
