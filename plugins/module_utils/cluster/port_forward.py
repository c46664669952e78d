# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a Service through a port-forward that the API server opens, in this process.

For what the API server's proxy cannot carry: it removes the Authorization header.
"""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Callable
from typing import Any

from ..digits import whole_number
from ..errors import LabError
from ..foreign_text import plain
from ..http.errors import NotFound, RequestFailed, TemporaryFailure, Unreachable, Untrusted
from ..http.limits import timed
from ..http.message import CONNECT, Answer, Request
from ..http.service import Service
from ..http.transport import Transport
from .cluster import Cluster, Json
from .predicates import matches, pod_state
from .websocket import open_websocket

try:
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool
except ImportError:
    # Cluster names the missing package.
    HTTPConnection = HTTPConnectionPool = object  # type: ignore[assignment,misc] # never used then

#: Protocol of a port-forward on a WebSocket: each frame begins with its channel.
CHANNELS = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
#: Bytes a message that is sent, and of what the kubelet says.
CHUNK = 64 * 1024
LONGEST_ERROR = 300
#: Seconds after its last answer during which a forwarded connection is taken to be alive. The API server does not tell
#: when the pod at its other end has gone: only a request shows it, which is then lost.
FRESH = 1.0


class ForwardTransport(Transport):
    """To a Service through a port-forward.

    A connection leads to a ready pod of the Service and is kept; when it has died or its pod was replaced, the next
    one is made to the pod that is there then. What may not be repeated is sent on a connection that was just made, or
    has just answered. The cluster is not closed.
    """

    def __init__(self, cluster: Cluster, name: str, port: int | str, service: Service, url_option: str) -> None:
        """name, port: the Service in the cluster. url_option: the option that takes an address instead."""
        super().__init__(f"http://{name}", service)
        self._cluster = cluster
        self._name = name
        self._wanted = port
        self._url_option = url_option
        self._socket: ForwardedSocket | None = None
        self._answered = 0.0

    def send(self, request: Request, seconds: float) -> Answer:
        if not request.idempotent and time.monotonic() - self._answered > FRESH:
            self.close()
        answer = super().send(request, seconds)
        self._answered = time.monotonic()
        return answer

    def open_pool(self) -> Any:
        pool = timed(_ForwardPool)(self._name, maxsize=1, opener=self._open)
        pool.deadline = self._deadline
        return pool

    def explain(self, request: Request, error: Exception, seconds: float) -> LabError:
        failure = super().explain(request, error, seconds)
        said = self._socket.error if self._socket else ""
        if not said or not isinstance(failure, Unreachable):
            return failure
        # The kubelet says "connection refused" when nothing in the pod listens: nobody has received anything.
        return Unreachable(
            f"{self.service.who} cut the connection before its answer to {request.asked} was whole ({said}): see "
            f"whether its pod restarts or listens on another port than `service_port` leads to.",
            received="refused" not in said,
        )

    def _open(self, timeout: float) -> ForwardedSocket:
        """Forward a connection to a pod of the Service as it is now."""
        try:
            # How often this is tried again is for the request to say.
            with self._cluster.patient(0.0):
                pod, port = self._target()
                path = f"{self._cluster.path('pods', pod, 'portforward')}?ports={port}"
                self._socket = ForwardedSocket(open_websocket(self._cluster, path, CHANNELS, timeout, self._deadline))
        except Untrusted:
            raise
        except (NotFound, TemporaryFailure, Unreachable) as error:
            # The pod was there when the pods were listed: see which one took its place.
            raise Unreachable(error.msg, received=False) from None
        except RequestFailed as error:
            # An answer of the API server, which nobody may take for one of the Service.
            raise Unreachable(error.msg, received=False, lasting=True) from None
        return self._socket

    def _target(self) -> tuple[str, int]:
        """Name of a ready pod behind the Service, and the number of the port there. Raises Unreachable, LabError."""
        where = f"service {self._name} in namespace {self._cluster.namespace}"
        service = self._cluster.find("services", self._name)
        if service is None:
            raise LabError(
                f"There is no {where}: {self.service.cure('absent', 'name another one in the option service')}."
            )
        spec = service.get("spec") or {}
        selector = spec.get("selector") or {}
        if not selector:
            raise LabError(f"The {where} selects no pods, so no port can be forwarded: give `{self._url_option}`.")
        port = _service_port(spec, self._wanted, where)
        labels = ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
        pods = [
            pod
            for pod in self._cluster.list_objects("pods", labels)
            if matches({"matchLabels": selector}, pod["metadata"].get("labels") or {})
        ]
        # The youngest first: during a rollout the others are about to go.
        pods.sort(key=lambda pod: pod["metadata"].get("creationTimestamp") or "", reverse=True)
        states = [(pod, pod_state(pod)) for pod in pods]
        for pod, state in states:
            if state.ready:
                return state.name, self._pod_port(pod, port, where)
        why = "; ".join(f"pod {state.name} {state.why}" for _pod, state in states) or "it has none"
        raise Unreachable(f"The {where} has no ready pod ({why}): check whether it starts.", received=False)

    def _pod_port(self, pod: Json, port: int | str, where: str) -> int:
        number = port if isinstance(port, int) else whole_number(port)
        if number is not None:
            return number
        for container in (pod.get("spec") or {}).get("containers") or []:
            for known in container.get("ports") or []:
                if known.get("name") == port and known.get("containerPort"):
                    return int(known["containerPort"])
        raise LabError(
            f"The {where} leads to a port named {port}, which pod {pod['metadata']['name']} does not have: give "
            f"`{self._url_option}`."
        )


class _ForwardConnection(HTTPConnection):
    """An HTTP connection on a socket that the caller opens."""

    def __init__(self, *args: Any, opener: Callable[[float], ForwardedSocket], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opener = opener

    def _new_conn(self) -> Any:
        timeout = self.timeout
        return self._opener(float(timeout) if isinstance(timeout, (int, float)) else CONNECT)


class _ForwardPool(HTTPConnectionPool):
    ConnectionCls = _ForwardConnection


def _service_port(spec: Json, wanted: int | str, where: str) -> int | str:
    """Where a port of a Service leads: a number, or the name of a container's port."""
    ports = spec.get("ports") or []
    for port in ports:
        if str(wanted) in (str(port.get("port")), str(port.get("name") or "")):
            target: int | str = port.get("targetPort") or port["port"]
            return target
    known = ", ".join(str(port.get("port")) for port in ports) or "none"
    raise LabError(f"The {where} has no port {wanted}, it has {known}: correct the option service_port.")


# -- the forwarded connection ------------------------------------------------


class ForwardedSocket:
    """What of a socket an HTTP connection needs, over the WebSocket of a port-forward. No thread is behind it.

    error: what the kubelet said that went wrong at its end, else empty.
    """

    def __init__(self, opened: Any) -> None:
        self.error = ""
        self._websocket = opened
        self._readers = 0
        self._closed = False
        self._ended = False
        self._rest = b""
        # Each channel begins with a frame that only holds the port. Read now, because later
        # anything to be read on an idle connection is taken for its end.
        self._begun: set[int] = set()
        try:
            while len(self._begun) < 2 and not self._ended:
                self._frame()
        except OSError:
            self._ended = True

    def _frame(self) -> None:
        """Take in one frame. Raises TimeoutError and other OSErrors."""
        message = self._websocket.receive()
        if message is None:
            # Closed, or no WebSocket any more.
            self._ended = True
        if not message:
            return
        channel, content = message[0], message[1:]
        if channel not in self._begun:
            self._begun.add(channel)
        elif channel == DATA:
            self._rest += content
        elif channel == ERROR and content:
            self.error = plain(content[-LONGEST_ERROR:].decode("utf-8", "replace"))
            self._ended = True

    def recv_into(self, buffer: Any) -> int:
        """Bytes that came; 0 at the end."""
        while not self._rest and not self._ended:
            self._frame()
        taken = min(len(buffer), len(self._rest))
        buffer[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken

    def sendall(self, data: Any) -> None:
        # The kubelet may have said already that nothing listens, and closed the connection.
        while not self._ended and not self._rest and self._websocket.has_more():
            self._frame()
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            if self._ended:
                raise BrokenPipeError("the forwarded connection has ended")
            try:
                self._websocket.send(bytes([DATA]) + bytes(view[start : start + CHUNK]))
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
                # As of any socket whose other end is closed: whoever sends then reads why.
                raise BrokenPipeError("the forwarded connection has ended") from None

    def makefile(self, _mode: str = "rb", buffering: int = CHUNK) -> io.BufferedReader | io.RawIOBase:
        """A file that reads from it; ``buffering`` 0 gives one without a buffer."""
        self._readers += 1
        reader = _Reader(self)
        return io.BufferedReader(reader, buffering) if buffering else reader

    def settimeout(self, timeout: float | None) -> None:
        self._websocket.settimeout(timeout)

    def gettimeout(self) -> float | None:
        timeout: float | None = self._websocket.gettimeout()
        return timeout

    def setsockopt(self, *_args: Any) -> None:
        """The connection is the API server's; nothing is to be set at it."""

    def fileno(self) -> int:
        """Readable when there is something to read or the connection has ended, by which a pool knows the latter."""
        return int(self._websocket.fileno())

    def shutdown(self, _how: int) -> None:
        self._ended = True

    def close(self) -> None:
        """Close, when the last answer that is being read is over, as a socket does."""
        self._closed = True
        self._release()

    def reader_closed(self) -> None:
        self._readers -= 1
        self._release()

    def _release(self) -> None:
        if self._closed and self._readers <= 0 and self._websocket is not None:
            self._websocket.shutdown()


class _Reader(io.RawIOBase):
    """The reading end of a forwarded socket as a file."""

    def __init__(self, source: ForwardedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._source.reader_closed()
