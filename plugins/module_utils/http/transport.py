# SPDX-License-Identifier: GPL-3.0-or-later
"""One try of a request, over connections to one server that are kept."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from ..errors import LabError
from .errors import UnexpectedAnswer, Unreachable, Untrusted
from .limits import LARGEST, Deadline, NotDecoded, TooLarge, read_body, timed
from .message import USER_AGENT, Answer, Request
from .proxy import Proxy
from .service import Service
from .tls import causes, reason

IMPORT_ERROR: ImportError | None = None
try:
    import urllib3
    from urllib3 import exceptions
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError as error:
    IMPORT_ERROR = error


class Sender(Protocol):
    """A way to one server. ``service`` says in messages which; it holds no secret."""

    service: Service

    def send(self, request: Request, seconds: float) -> Answer:
        """Make a request once, in so many seconds at most; return whatever is answered.

        Raises Unreachable, and other LabErrors where another try is in vain.
        """

    def close(self) -> None:
        """Close what is open."""


class Transport:
    """Makes requests to one server, one at a time, follows no redirects, and reads no more than it must.

    Nothing of the environment counts but what is given: no proxy, no authorities, no ~/.netrc.
    largest: bytes of the largest body that is read, after decompression.
    """

    def __init__(
        self,
        address: str,
        service: Service,
        *,
        tls: Callable[[], ssl.SSLContext] | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        largest: int = LARGEST,
        switched: Callable[[Any], None] | None = None,
    ) -> None:
        """Raises ValueError for an address that cannot be one.

        address: http or https, host, port, and a path that goes before those of requests.
        tls: gives the context of connections; called when the first one is made.
        server_name: the name in the server's certificate, where it is not the host's.
        switched: takes the socket of a connection that an answer of 101 has switched to another protocol.
        """
        require_urllib3()
        self.address = address
        self.service = service
        self._deadline = Deadline()
        self._largest = largest
        self._switched = switched
        self._proxy = proxy
        self._tls = tls
        self._server_name = server_name
        self._parts = urlsplit(address.rstrip("/"))
        self._port = self._parts.port
        self._port = self._parts.port
        self._pool: Any = None
        # A plain proxy is asked for the whole URL, everybody else for the path.
        through = proxy is not None and proxy.scheme.startswith("http") and self._parts.scheme == "http"
        self._prefix = self._parts.geturl() if through else self._parts.path
        self._headers = {"Accept-Encoding": "gzip", "User-Agent": USER_AGENT}

    def close(self) -> None:
        """Close the connections; another request opens one again."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def send(self, request: Request, seconds: float) -> Answer:
        """Make a request once; return whatever is answered.

        seconds: how long it may take in all. Raises Unreachable, Untrusted, UnexpectedAnswer for a body that is too
        large, and LabError when no request can be made with the address.
        """
        target = self._prefix + request.path
        if request.query:
            target += "?" + urlencode(request.query, doseq=True)
        self._deadline.begin(seconds)
        response: Any = None
        try:
            if self._pool is None:
                self._pool = self.open_pool()
            response = self._pool.request(
                request.method,
                target,
                body=request.body,
                headers={**self._headers, **request.headers},
                timeout=urllib3.Timeout(connect=min(request.connect, seconds), read=min(request.silence, seconds)),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            if response.status == 101 and self._switched is not None:
                self._hand_over(response, self._switched)
            answer = Answer(request, response.status, response.headers, read_body(response, self._largest))
        except TooLarge:
            raise UnexpectedAnswer(
                f"{self.service.who} answered {request.asked} with more than {self._largest // 1024 // 1024} MiB; "
                f"{self.service.cure('large', 'see what listens there')}.",
                response.status,
            ) from None
        except NotDecoded as error:
            raise self._cut(request, f" (compression: {error})") from None
        except (exceptions.HTTPError, OSError, ValueError) as error:
            raise self.explain(request, error, seconds) from None
        else:
            response = None
        finally:
            if response is not None:
                # The rest of the answer is of no use, so neither is the connection.
                response.close()
        return answer

    @staticmethod
    def _hand_over(response: Any, switched: Callable[[Any], None]) -> None:
        connection = response.connection
        if connection is None or connection.sock is None:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        # Nobody else closes it from now on.
        sock, connection.sock = connection.sock, None
        switched(sock)

    def open_pool(self) -> Any:
        """A pool of connections to the server. Raises LabError when it cannot be had."""
        host, secure = self._parts.hostname or "", self._parts.scheme == "https"
        options: dict[str, Any] = {"maxsize": 1}
        if secure:
            options |= self._tls_options()
        if self._proxy is not None:
            return self._proxied_pool(self._proxy, host, options)
        ahead = self._switched is None
        pool = timed(HTTPSConnectionPool if secure else HTTPConnectionPool, ahead)(host, self._port, **options)
        pool.deadline = self._deadline
        return pool

    def _tls_options(self) -> dict[str, Any]:
        context = self._tls() if self._tls is not None else ssl.create_default_context()
        options: dict[str, Any] = {"ssl_context": context, "cert_reqs": context.verify_mode}
        if self._server_name:
            options["server_hostname"] = self._server_name
            options["assert_hostname"] = self._server_name if context.check_hostname else False
        return options

    def _proxied_pool(self, proxy: Proxy, host: str, options: dict[str, Any]) -> Any:
        auth = urllib3.make_headers(proxy_basic_auth=proxy.credentials) if proxy.credentials else None
        manager: Any
        if proxy.scheme.startswith("socks"):
            try:
                from urllib3.contrib.socks import SOCKSProxyManager
            except ImportError:
                raise LabError(
                    f"The proxy {proxy.shown} speaks SOCKS, for which the Python package PySocks is missing: "
                    f"install it."
                ) from None
            user, _colon, password = proxy.credentials.partition(":")
            manager = SOCKSProxyManager(proxy.url, username=user or None, password=password or None, **options)
        else:
            manager = urllib3.ProxyManager(proxy.url, proxy_headers=auth, **options)
        ahead = self._switched is None
        manager.pool_classes_by_scheme = {
            scheme: timed(pool_class, ahead) for scheme, pool_class in manager.pool_classes_by_scheme.items()
        }
        pool = manager.connection_from_host(host, self._port, self._parts.scheme)
        pool.deadline = self._deadline
        return pool

    # -- what went wrong ----------------------------------------------------

    def explain(self, request: Request, error: Exception, seconds: float) -> LabError:
        """The error for a request without a whole answer."""
        service, found = self.service, causes(error)
        if isinstance(error, (exceptions.LocationValueError, UnicodeError)):
            # Its text may show the address, which may contain a secret.
            cure = service.cure("address", "correct its address")
            return LabError(f"The request to {service.inside} failed ({type(error).__name__}): {cure}.")
        refused = isinstance(error, (exceptions.NewConnectionError, exceptions.ProxyError))
        if refused or _untrusted(found):
            return self.no_connection(error)
        if isinstance(error, exceptions.ConnectTimeoutError):
            return self._silent(f"no connection within {min(request.connect, seconds):.3g} s")
        if any(isinstance(cause, (exceptions.TimeoutError, TimeoutError)) for cause in found):
            what = f"did not answer {request.asked} within {min(request.silence, seconds):.3g} s"
            if self._deadline.begun and self._deadline.clock() >= self._deadline.until:
                what = f"did not finish its answer to {request.asked} within {seconds:.3g} s"
            cure = service.cure("slow", "check that it runs, is not overloaded and can be reached from here")
            return Unreachable(f"{service.who} {what}: {cure}.")
        said = reason(found)
        return self._cut(request, f" ({said})" if said else "")

    def no_connection(self, error: Exception) -> Unreachable:
        """The error for a connection that did not come about."""
        found = causes(error)
        through = ""
        if self._proxy is not None and any(isinstance(cause, exceptions.ProxyError) for cause in found):
            through = f" through the proxy {self._proxy.shown}"
        untrusted = _untrusted(found)
        if not untrusted:
            return self._silent(reason(found) or "no connection", through)
        cure = self.service.cure("untrusted", "give the CA certificate that signed its certificate")
        if "version number" in untrusted or "http request" in untrusted:
            cure = "no TLS there, check whether the address should begin with http:// or have another port"
        return Untrusted(f"No trusted connection to {self.service.inside}{through} ({untrusted}): {cure}.")

    def _silent(self, why: str, through: str = "") -> Unreachable:
        cure = self.service.cure("silent", "check that it runs and that its address is right")
        return Unreachable(f"{self.service.who} does not answer{through} ({why}): {cure}.", received=False)

    def _cut(self, request: Request, because: str) -> Unreachable:
        cure = self.service.cure("cut", "check whether it restarts, and the limits of any proxy in between")
        return Unreachable(
            f"{self.service.who} closed the connection while answering {request.asked}{because}: {cure}."
        )


def require_urllib3() -> None:
    """Raises LabError when the Python package that makes the connections is missing."""
    if IMPORT_ERROR is not None:
        raise LabError(
            "The Python package urllib3 is missing from the Python that runs this task: install requests, which "
            "brings it."
        )


def _untrusted(found: list[BaseException]) -> str:
    """Why TLS did not come about, when another try would end the same; else empty."""
    for cause in found:
        # A server that stops, or a load balancer without one, ends TLS without a word: that passes.
        if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return ""
        if isinstance(cause, ssl.SSLError):
            return reason(found) or "no reason given"
        if isinstance(cause, ssl.CertificateError):
            return str(cause)
    return ""
