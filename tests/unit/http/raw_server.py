# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that a function plays on the bare connection, for answers that no HTTP library would send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class RawServer:
    """heads: the requests' first lines and headers, as they came."""

    address: str = ""
    heads: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def drip(self, connection: socket.socket, pieces: Iterator[bytes], pause: float) -> None:
        """Send one piece after the other, until nobody listens any more."""
        for piece in pieces:
            connection.sendall(piece)
            if self.over.wait(pause):
                return


@contextmanager
def raw_server(play: Callable[[RawServer, socket.socket], None]) -> Iterator[RawServer]:
    """Serve connections one after the other; ``play`` is called once a request's head has come."""
    server = RawServer()
    listening = socket.create_server(("127.0.0.1", 0))
    server.address = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def serve() -> None:
        while True:
            try:
                connection, _peer = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    head = b""
                    while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                        head += more
                    server.heads.append(head)
                    play(server, connection)
                except OSError:
                    # The client hung up, which is what most of the tests are about.
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        # Closing alone does not wake a thread that accepts.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
