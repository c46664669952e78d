# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a Service through a port-forward that the API server opens, in this process.

For what the API server's proxy cannot carry: it removes the Authorization header.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ..errors import LabError
from ..http.errors import NotFound, RequestFailed, TemporaryFailure, UnexpectedAnswer, Unreachable, Untrusted
from ..http.limits import timed
from ..http.message import Answer, Request
from ..http.service import Service
from ..http.transport import Transport
from .cluster import Cluster, Json
from .predicates import matches, pod_state

try:
    import websocket
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool
except ImportError:
    # Cluster names the missing package.
    HTTPConnection = HTTPConnectionPool = object  # type: ignore[assignment,misc] # never used then

#: Seconds for the API server to open a port-forward.
OPEN = 10.0
#: Protocol of a port-forward on a WebSocket: each frame begins with its channel.
CHANNELS = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
#: Bytes a frame.
CHUNK = 64 * 1024
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
                self._socket = ForwardedSocket(open_websocket(self._cluster, path, CHANNELS, timeout))
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
        if isinstance(port, int) or port.isdigit():
            return int(port)
        for container in (pod.get("spec") or {}).get("containers") or []:
            for known in container.get("ports") or []:
                if known.get("name") == port:
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
        return self._opener(float(timeout) if isinstance(timeout, (int, float)) else OPEN)


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


# -- WebSockets -------------------------------------------------------------


def open_websocket(cluster: Cluster, path: str, subprotocol: str, timeout: float) -> Any:
    """Open a WebSocket (websocket-client) to the API server, trusted and let in as requests are.

    timeout: the longest silence in seconds. Raises the errors of http.errors.
    """
    target = cluster.target
    tls: Json = {"context": target.tls} if target.tls is not None else {}
    if target.server_name:
        tls["server_hostname"] = target.server_name
    authorization = target.authorization()
    request = Request("GET", path.partition("?")[0], headers={"Authorization": authorization} if authorization else {})
    opened: Any = websocket.WebSocket(sslopt=tls)
    direct = None
    try:
        way = _proxy_options(cluster)
        if not way:
            # The library takes a proxy from the environment, unless it is given the connection itself.
            way["socket"] = direct = _connect(cluster.server, tls, timeout)
        opened.connect(
            "ws" + cluster.server.removeprefix("http") + path,
            header=[f"{name}: {value}" for name, value in request.headers.items()],
            subprotocols=[subprotocol],
            timeout=timeout,
            redirect_limit=0,
            **way,
        )
    except websocket.WebSocketBadStatusException as error:
        body = getattr(error, "resp_body", None) or b""
        raise cluster.failure(Answer(request, error.status_code, {}, body)) from None
    except (websocket.WebSocketException, OSError) as error:
        if direct is not None:
            direct.close()
        if opened.handshake_response is not None:
            raise _moved(cluster, request, opened.handshake_response.status) from None
        raise cluster.transport.no_connection(error) from None
    if opened.handshake_response.status != 101:
        opened.shutdown()
        raise _moved(cluster, request, opened.handshake_response.status)
    return opened


def _moved(cluster: Cluster, request: Request, status: int) -> UnexpectedAnswer:
    failure = cluster.failure(Answer(request, status, {}, b""))
    return UnexpectedAnswer(failure.msg, status)


def _connect(address: str, tls: Json, timeout: float) -> socket.socket:
    """A connection to the API server itself, with TLS where its address says so."""
    server = urlsplit(address)
    secure = server.scheme == "https"
    plain = socket.create_connection((server.hostname or "", server.port or (443 if secure else 80)), timeout)
    if not secure:
        return plain
    try:
        wrapped: socket.socket = tls["context"].wrap_socket(
            plain, server_hostname=tls.get("server_hostname") or server.hostname
        )
    except OSError:
        plain.close()
        raise
    return wrapped


def _proxy_options(cluster: Cluster) -> Json:
    """The proxy that requests take, for a WebSocket; empty without one."""
    proxy = cluster.proxy
    if proxy is None:
        return {}
    if proxy.scheme != "http":
        raise LabError(
            f"A port-forward cannot go through the {proxy.scheme} proxy {proxy.shown}: give the address of the server "
            f"itself (grafana_url, measure_prometheus_url), or a kubeconfig with an http proxy or none."
        )
    options: Json = {"http_proxy_host": proxy.host, "http_proxy_port": proxy.port, "http_no_proxy": ["-"]}
    if proxy.credentials:
        user, _colon, password = proxy.credentials.partition(":")
        options["http_proxy_auth"] = (user, password)
    return options


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
        try:
            opcode, frame = self._websocket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            raise TimeoutError("timed out") from None
        except websocket.WebSocketException:
            # Closed without a word, or no WebSocket any more.
            self._ended = True
            return
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self._ended = True
        if opcode != websocket.ABNF.OPCODE_BINARY or not frame.data:
            return
        channel, content = frame.data[0], frame.data[1:]
        if channel not in self._begun:
            self._begun.add(channel)
        elif channel == DATA:
            self._rest += content
        elif channel == ERROR and content:
            self.error = " ".join(content.decode("utf-8", "replace").split())[-300:]
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
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            if self._ended:
                raise BrokenPipeError("the forwarded connection has ended")
            try:
                self._websocket.send_binary(bytes([DATA]) + bytes(view[start : start + CHUNK]))
            except websocket.WebSocketTimeoutException:
                raise TimeoutError("timed out") from None
            except websocket.WebSocketException:
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
            # Without the closing handshake, which would wait for the other side.
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
