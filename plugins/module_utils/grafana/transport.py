# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to Grafana: its own address, or a port-forward through the cluster's API server.

The API server's proxy is no way: it removes the Authorization header.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from ..cluster.connection import Cluster, Json, NotFound, ProxyTargetError, RequestFailed
from ..cluster.predicates import matches, pod_state
from ..errors import LabError
from ..url_access import cause, tls_options

try:
    import requests
    import urllib3
    import websocket
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool
except ImportError:
    requests = urllib3 = websocket = None
    HTTPConnection = HTTPConnectionPool = object

#: Seconds for a connection to come about.
CONNECT = 3.05
#: Seconds for the API server to open a port-forward.
FORWARD = 10.0
#: Protocol of a port-forward on a WebSocket: each frame begins with its channel.
CHANNELS = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
#: Bytes a frame.
CHUNK = 64 * 1024
#: Seconds after its last answer during which a forwarded connection is taken to be alive. The API server does not tell
#: when the pod at its other end has gone: only a request shows it, which is then lost.
FRESH = 1.0
#: Methods of which a second time does no harm, whatever became of the first.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})

Answer = tuple[int, Mapping[str, str], bytes]


class Unreachable(LabError):
    """No answer, or not a whole one. Another try can help.

    received: whether the request may have been received; False when there was no connection at all.
    """

    def __init__(self, msg: str, received: bool = True, **details: object) -> None:
        super().__init__(msg, **details)
        self.received = received


class Transport(Protocol):
    """A way to one Grafana. ``address`` says in messages which; it holds no secret."""

    address: str

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        """Make one request: status, headers and body, whatever the status.

        ``timeout`` is the longest silence, in seconds. Raises Unreachable, and LabError where
        another try is in vain.
        """

    def close(self) -> None:
        """Close what is open."""


def _no_netrc(request: Any) -> Any:
    """Leaves a request as it is: without an ``auth`` requests would send what it finds for the host in ~/.netrc."""
    return request


class UrlTransport:
    """To the address of a Grafana, with the path that it is served under.

    ca_path: file with the certificates of the authorities to trust, instead of the usual ones.
    client_cert and client_key: TLS certificate to show, for a proxy that asks for one.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_path: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        validate_certs: bool = True,
    ) -> None:
        if requests is None:
            raise LabError("Asking Grafana needs the Python package requests, which is not installed: install it.")
        self.address = _address(url)
        self._verify, self._cert = tls_options(ca_path, client_cert, client_key, validate_certs)
        self._session = requests.Session()
        self._session.auth = _no_netrc
        if not validate_certs:
            # The user has said so, and would be told again with each request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        try:
            response = self._session.request(
                method,
                self.address + path,
                params=params,
                data=body,
                headers=headers,
                timeout=(min(CONNECT, timeout), timeout),
                verify=self._verify,
                cert=self._cert,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise LabError(
                f"The TLS connection to Grafana at {self.address} failed ({cause(error, 'no reason given')}): give "
                f"the file of the authority that signed its certificate as `ca_path`, and a client certificate that "
                f"it accepts if it wants one."
            ) from None
        except requests.exceptions.ConnectTimeout:
            raise Unreachable(
                f"Grafana at {self.address} cannot be reached (no connection within {min(CONNECT, timeout):.3g} s): "
                f"see whether it runs and whether `url` is right.",
                received=False,
            ) from None
        except requests.exceptions.RequestException as error:
            raise _silent(error, f"Grafana at {self.address}", f"{method} {path}", timeout) from None
        return response.status_code, response.headers, response.content


class ForwardTransport:
    """To a Service through a port-forward that the API server opens, in this process.

    A connection leads to a ready pod of the Service and is kept; when it has died or its pod was replaced, the next
    one is made to the pod that is there then. What may not be repeated is sent on a connection that was just made, or
    has just answered. The cluster is not closed.
    """

    def __init__(self, cluster: Cluster, service: str, port: int | str = 80) -> None:
        self.address = f"service {service}:{port} in namespace {cluster.namespace} (through {cluster.server})"
        self._cluster = cluster
        self._service = service
        self._port = port
        self._socket: ForwardedSocket | None = None
        self._answered = 0.0
        self._pool = _ForwardPool(service, self._open)

    def close(self) -> None:
        self._pool.close()

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        query = urlencode(params, doseq=True)
        target = f"{path}?{query}" if query else path
        if method not in IDEMPOTENT and time.monotonic() - self._answered > FRESH:
            self._pool.close()
            self._pool = _ForwardPool(self._service, self._open)
        try:
            return self._ask(method, target, body, headers, timeout)
        except _Lost as lost:
            # Once and at once, on a new connection; how often and when after that is the client's matter.
            if lost.received and method not in IDEMPOTENT:
                raise
        return self._ask(method, target, body, headers, timeout)

    def _ask(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: float) -> Answer:
        asked = f"{method} {target.partition('?')[0]}"
        try:
            response = self._pool.request(
                method,
                target,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(connect=FORWARD, read=timeout),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.TimeoutError:
            raise Unreachable(
                f"Grafana at {self.address} did not answer {asked} within {timeout:.3g} s: see whether it runs and is "
                f"not overloaded."
            ) from None
        except urllib3.exceptions.HTTPError:
            said = self._socket.error if self._socket else ""
            because = f" ({said})" if said else ""
            raise _Lost(
                f"Grafana at {self.address} cut the connection before its answer to {asked} was whole{because}: see "
                f"whether its pod restarts or listens on another port than `service_port` leads to.",
                # The kubelet says so when nothing in the pod listens: nobody has received anything.
                received="refused" not in said,
            ) from None
        self._answered = time.monotonic()
        return response.status, response.headers, response.data

    def _open(self, timeout: float) -> ForwardedSocket:
        """Forward a connection to a pod of the Service as it is now."""
        try:
            self._socket = self._forward(timeout)
        except (NotFound, ProxyTargetError, RequestFailed):
            # The pod was there when the pods were listed: see which one took its place.
            self._socket = self._forward(timeout)
        return self._socket

    def _forward(self, timeout: float) -> ForwardedSocket:
        pod, port = self._target()
        path = f"{self._cluster.path('pods', pod, 'portforward')}?ports={port}"
        return ForwardedSocket(self._cluster.websocket(path, CHANNELS, timeout))

    def _target(self) -> tuple[str, int]:
        """Name of a ready pod behind the Service, and the number of the port there. Raises Unreachable, LabError."""
        where = f"service {self._service} in namespace {self._cluster.namespace}"
        service = self._cluster.find("services", self._service)
        if service is None:
            raise LabError(
                f"There is no {where}: turn Grafana on in the chart, or name its Service in the option service."
            )
        spec = service.get("spec") or {}
        selector = spec.get("selector") or {}
        if not selector:
            raise LabError(f"The {where} selects no pods, so that no port can be forwarded: give Grafana's `url`.")
        port = _service_port(spec, self._port, where)
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
                return state.name, _pod_port(pod, port, where)
        why = "; ".join(f"pod {state.name} {state.why}" for _pod, state in states) or "it has none"
        raise Unreachable(f"The {where} has no ready pod ({why}): see whether Grafana starts.", received=False)


class _Lost(Unreachable):
    """The forwarded connection was cut."""


class _ForwardConnection(HTTPConnection):
    """An HTTP connection on a socket that somebody else opens."""

    def __init__(self, *args: Any, opener: Callable[[float], ForwardedSocket], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opener = opener

    def _new_conn(self) -> Any:
        return self._opener(float(self.timeout or FORWARD))


class _ForwardPool(HTTPConnectionPool):
    ConnectionCls = _ForwardConnection

    def __init__(self, host: str, opener: Callable[[float], ForwardedSocket]) -> None:
        super().__init__(host, maxsize=1, opener=opener)


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

    def makefile(self, mode: str = "rb", *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_Reader(self), CHUNK)

    def settimeout(self, timeout: float | None) -> None:
        self._websocket.settimeout(timeout)

    def gettimeout(self) -> float | None:
        return self._websocket.gettimeout()

    def setsockopt(self, *_args: Any) -> None:
        """The connection is the API server's; nothing is to be set at it."""

    def fileno(self) -> int:
        """Readable when there is something to read or the connection has ended, by which a pool knows the latter."""
        return self._websocket.fileno()

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


def _service_port(spec: Json, wanted: int | str, where: str) -> int | str:
    """Where a port of a Service leads: a number, or the name of a container's port."""
    ports = spec.get("ports") or []
    for port in ports:
        if str(wanted) in (str(port.get("port")), str(port.get("name") or "")):
            return port.get("targetPort") or port["port"]
    known = ", ".join(str(port.get("port")) for port in ports) or "none"
    raise LabError(f"The {where} has no port {wanted}, it has {known}: correct the option service_port.")


def _pod_port(pod: Json, port: int | str, where: str) -> int:
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for container in (pod.get("spec") or {}).get("containers") or []:
        for known in container.get("ports") or []:
            if known.get("name") == port:
                return int(known["containerPort"])
    raise LabError(
        f"The {where} leads to a port named {port}, which pod {pod['metadata']['name']} does not have: give Grafana's "
        f"`url`."
    )


def _silent(error: Exception, who: str, asked: str, timeout: float) -> LabError:
    """The error for a request without an answer."""
    if isinstance(error, requests.exceptions.Timeout):
        return Unreachable(
            f"{who} did not answer {asked} within {timeout:.3g} s: see whether it runs, is not overloaded and can be "
            f"reached from here."
        )
    cut = f"{who} cut the connection in the middle of its answer to {asked}: see whether it restarts, and what a proxy "
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return Unreachable(f"{cut}in between allows.")
    if isinstance(error, requests.exceptions.ConnectionError):
        why = cause(error, "")
        if not why:
            return Unreachable(f"{cut}in between allows.")
        return Unreachable(
            f"{who} cannot be reached ({why}): see whether it runs and whether its address is right.",
            received="NewConnectionError" not in str(error),
        )
    # Its text may show a header, and with it a token.
    return LabError(f"{who} cannot be asked ({type(error).__name__}): correct its address.")


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise LabError(
            "`url` is not the address of a Grafana: it must be http:// or https://, a host, and the path before /api "
            "if there is one."
        )
    if parts.username is not None or parts.password is not None:
        raise LabError(
            f"`url` must not hold a user or a password (host {parts.hostname}): give them as `username` and `password`."
        )
    return url.rstrip("/")
