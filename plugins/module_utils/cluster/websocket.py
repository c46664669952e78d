# SPDX-License-Identifier: GPL-3.0-or-later
"""WebSockets to the API server, over the same connections as requests: TLS, proxies, limits and errors are theirs.

Only so much of RFC 6455 as the API server speaks: whole binary messages, of bounded size.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any
from urllib.parse import parse_qsl

from ..http import status
from ..http.limits import Deadline, TimedReader
from ..http.message import Request
from ..http.transport import Transport
from .cluster import Cluster

try:
    from urllib3.util import wait_for_read
except ImportError:
    # The transport names the missing package.
    pass

#: Seconds in which the API server must have switched to the WebSocket.
OPEN = 10.0
#: Bytes of the largest message that is taken. The API server sends at most 64 KiB at a time.
LARGEST = 1024 * 1024
#: What an answer's key is made with, by the standard.
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10


class WebSocket:
    """An open WebSocket. deadline: when whatever is read must have come."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock = sock
        self._reader = TimedReader(sock, deadline)

    def receive(self) -> bytes | None:
        """The next binary message; None at the end, or when something else than this protocol is spoken.

        Raises TimeoutError and other OSErrors.
        """
        while True:
            opcode, payload = self._frame()
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == BINARY:
                return payload
            elif opcode != PONG:
                return None

    def _frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; CLOSE at the end, and for what may not come."""
        head = self._reader.exactly(2)
        if len(head) < 2:
            return CLOSE, b""
        opcode, length = head[0] & 0x0F, head[1] & 0x7F
        if head[0] & 0xF0 != 0x80 or head[1] & 0x80 or (opcode >= CLOSE and length > 125):
            # A fragment, an extension or a masked frame.
            return CLOSE, b""
        if length > 125:
            size = 2 if length == 126 else 8
            told = self._reader.exactly(size)
            length = int.from_bytes(told, "big") if len(told) == size else LARGEST + 1
        if length > LARGEST:
            return CLOSE, b""
        payload = self._reader.exactly(length)
        return (opcode, payload) if len(payload) == length else (CLOSE, b"")

    def send(self, data: bytes) -> None:
        """Send a binary message. Raises OSError."""
        self._send(BINARY, data)

    def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
        else:
            length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        masked = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        self._sock.sendall(bytes([0x80 | opcode]) + length + mask + masked.to_bytes(size, "big"))

    def has_more(self) -> bool:
        """Whether something has come that was not read yet."""
        pending = getattr(self._sock, "pending", None)
        return bool(pending is not None and pending()) or bool(wait_for_read(self._sock, 0))

    def settimeout(self, timeout: float | None) -> None:
        self._sock.settimeout(timeout)

    def gettimeout(self) -> float | None:
        timeout: float | None = self._sock.gettimeout()
        return timeout

    def fileno(self) -> int:
        return int(self._sock.fileno())

    def shutdown(self) -> None:
        """Close it, without the handshake for that, which would wait for the other side."""
        self._reader.close()
        self._sock.close()


def open_websocket(
    cluster: Cluster, path: str, subprotocol: str, timeout: float, deadline: Deadline | None = None
) -> WebSocket:
    """Open a WebSocket to the API server, trusted and let in as requests are.

    path: with its query. timeout: seconds for a connection to come about. deadline: of what is read later on.
    Raises the errors of http.errors.
    """
    deadline = deadline or Deadline()
    path, _mark, query = path.partition("?")
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": subprotocol,
    }
    authorization = cluster.target.authorization()
    if authorization:
        headers["Authorization"] = authorization
    request = Request("GET", path, dict(parse_qsl(query)), None, headers, timeout, OPEN)
    switched: list[Any] = []
    tls = cluster.target.tls
    transport = Transport(
        cluster.server,
        cluster.service,
        tls=None if tls is None else lambda: tls,
        server_name=cluster.target.server_name,
        proxy=cluster.proxy,
        switched=switched.append,
    )
    try:
        answer = transport.send(request, min(OPEN, deadline.left()))
    finally:
        # What was switched is no connection of the transport any more.
        transport.close()
    try:
        if not switched:
            if 200 <= answer.status < 300:
                raise status.unexpected(cluster.service, answer, "the Kubernetes API")
            raise cluster.failure(answer)
        accepted = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
        agreed = (answer.headers.get("Sec-WebSocket-Accept"), answer.headers.get("Sec-WebSocket-Protocol"))
        if agreed != (accepted, subprotocol):
            what = f"a switch to another protocol than the WebSocket {subprotocol}"
            raise status.unexpected(cluster.service, answer, "the Kubernetes API", what=what)
    except BaseException:
        for sock in switched:
            sock.close()
        raise
    return WebSocket(switched[0], deadline)
