# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of what is read of a server: how long, and how much after decompression."""

from __future__ import annotations

import functools
import http.client
import io
import math
import time
import zlib
from collections.abc import Callable
from typing import Any

#: Bytes that are read and decompressed at a time.
CHUNK = 128 * 1024
#: Largest body in bytes, after decompression.
LARGEST = 32 * 1024 * 1024


class TooLarge(Exception):
    """A body exceeds the limit."""


class NotDecoded(Exception):
    """A body is compressed in an unknown way, or damaged."""


class Deadline:
    """When reading from a connection must be over, whatever trickles in. Shared by the connections of a transport."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.until = float("inf")
        #: Whether something of the answer has come.
        self.begun = False

    def begin(self, seconds: float) -> None:
        """Let an answer take so many seconds from now on."""
        self.until = self.clock() + seconds
        self.begun = False

    def left(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        left = self.until - self.clock()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class TimedReader(io.RawIOBase):
    """Reads from a socket's file until a deadline.

    A socket's own timeout limits each pause only: a byte every few seconds would keep its reader for hours.
    """

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left()
        silence = self._sock.gettimeout()
        if left < (math.inf if silence is None else silence):
            self._sock.settimeout(left)
        read: int | None = self._file.readinto(buffer)
        self._deadline.begun = self._deadline.begun or bool(read)
        return read

    def exactly(self, size: int) -> bytes:
        """So many bytes, and nothing beyond them; fewer only at the end."""
        found = bytearray()
        while len(found) < size:
            piece = bytearray(min(CHUNK, size - len(found)))
            read = self.readinto(piece)
            if not read:
                break
            found += piece[:read]
        return bytes(found)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


class _ExactReader(TimedReader):
    """Reads nothing ahead, so that after a switch of protocols all that comes is for the next reader."""

    def read(self, size: int = -1) -> bytes:
        return self.readall() if size < 0 else self.exactly(size)


class _TimedSocket:
    """What http.client needs of a socket to read a response."""

    def __init__(self, sock: Any, deadline: Deadline, ahead: bool) -> None:
        self._sock = sock
        self._deadline = deadline
        self._ahead = ahead

    def makefile(self, _mode: str) -> io.BufferedReader | _ExactReader:
        if not self._ahead:
            return _ExactReader(self._sock, self._deadline)
        return io.BufferedReader(TimedReader(self._sock, self._deadline), CHUNK)


@functools.cache
def timed(pool_class: Any, ahead: bool = True) -> Any:
    """A class of urllib3's connection pools, whose connections read their responses until the pool's ``deadline``.

    ahead: whether more may be read than belongs to a response, which is quicker.

    Made once for each class, because making classes costs more than making a connection.
    """

    def response_class(connection: Any, sock: Any, *args: Any, **options: Any) -> http.client.HTTPResponse:
        limited: Any = _TimedSocket(sock, connection.deadline, ahead)
        return http.client.HTTPResponse(limited, *args, **options)

    def new_connection(pool: Any) -> Any:
        connection = pool_class._new_conn(pool)
        connection.deadline = pool.deadline
        return connection

    connection_class = type("TimedConnection", (pool_class.ConnectionCls,), {"response_class": response_class})
    return type("TimedPool", (pool_class,), {"ConnectionCls": connection_class, "_new_conn": new_connection})


def read_body(response: Any, largest: int) -> bytes:
    """The body of a response of urllib3 that was not read yet, decompressed while it comes.

    Raises TooLarge as soon as more than ``largest`` bytes came, so that a small body that inflates to gigabytes is
    never held; NotDecoded; and what urllib3 raises.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _plain_body(response, largest)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise NotDecoded(f"encoding {encoding[:40]}")
    return _inflated_body(response, largest)


def _plain_body(response: Any, largest: int) -> bytes:
    pieces, size = [], 0
    while piece := response.read(CHUNK, decode_content=False):
        size += len(piece)
        if size > largest:
            raise TooLarge
        pieces.append(piece)
    return b"".join(pieces)


def _inflated_body(response: Any, largest: int) -> bytes:
    pieces, size = [], 0
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    while compressed := response.read(CHUNK, decode_content=False):
        more = True
        while more:
            if inflater.eof:
                # A gzip file may consist of several.
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                piece = inflater.decompress(compressed, CHUNK)
            except zlib.error:
                raise NotDecoded("damaged") from None
            size += len(piece)
            if size > largest:
                raise TooLarge
            pieces.append(piece)
            compressed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            # A piece that is full may leave more inside, though all input is consumed.
            more = bool(compressed) or (len(piece) == CHUNK and not inflater.eof)
    if pieces and not inflater.eof:
        raise NotDecoded("cut")
    return b"".join(pieces)
