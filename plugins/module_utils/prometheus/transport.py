# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to Prometheus: its own address, or the proxy of the cluster's API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..cluster.connection import Cluster
from ..errors import LabError
from ..url_access import cause, tls_options

try:
    import requests
except ImportError:
    requests = None

#: Seconds for a connection to come about.
CONNECT = 3.05
#: Answers that the client judges itself; the rest of the cluster's refusals are told by Cluster.
JUDGED = (400, 422, 429, 500, 502, 503, 504)

Answer = tuple[int, Mapping[str, str], bytes]


class Unreachable(LabError):
    """No answer, or not a whole one. Another try can help."""


class Transport(Protocol):
    """A way to one Prometheus. ``address`` says in messages which; it holds no secret."""

    address: str

    def request(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Answer:
        """Make one request: status, headers and body, whatever the status.

        ``timeout`` is the longest silence, in seconds. ``params`` are the form of a
        POST and the query of a GET. Raises Unreachable, and LabError where another
        try is in vain.
        """


class ClusterTransport:
    """Through the proxy of the API server to a Service; Cluster tries again when the API server is silent."""

    def __init__(self, cluster: Cluster, service: str, port: int | str = 80) -> None:
        self.address = f"service {service}:{port} in namespace {cluster.namespace} (through {cluster.server})"
        self._cluster = cluster
        self._service = service
        self._port = port

    def request(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Answer:
        response = self._cluster.request(
            method,
            self._cluster.service_proxy(self._service, self._port, path),
            query=params if method == "GET" else None,
            data=params if method == "POST" else None,
            timeout=(min(CONNECT, timeout), timeout),
            allowed=JUDGED,
            idempotent=True,
            patience=timeout,
        )
        return response.status_code, response.headers, response.content


class UrlTransport:
    """To the address of a Prometheus.

    ca_path: file with the certificates of the authorities to trust, instead of the usual ones.
    username and password (basic), token (bearer), client_cert and client_key (TLS) say who asks.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        ca_path: str | None = None,
        validate_certs: bool = True,
    ) -> None:
        if requests is None:
            raise LabError("Asking Prometheus needs the Python package requests, which is not installed: install it.")
        self.address = _address(url)
        self._verify, self._cert = tls_options(ca_path, client_cert, client_key, validate_certs)
        self._session = requests.Session()
        # Always a function: without one requests would send what it finds for the host in ~/.netrc.
        self._session.auth = _authorization(username, password, token)

    def request(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Answer:
        try:
            response = self._session.request(
                method,
                self.address + path,
                params=params if method == "GET" else None,
                data=params if method == "POST" else None,
                headers={"Accept": "application/json"},
                timeout=(min(CONNECT, timeout), timeout),
                verify=self._verify,
                cert=self._cert,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise LabError(
                f"The TLS connection to Prometheus at {self.address} failed ({cause(error, 'no reason given')}): give "
                f"the file of the authority that signed its certificate as `ca_path`, and a client certificate that "
                f"it accepts if it wants one."
            ) from None
        except requests.exceptions.Timeout:
            raise Unreachable(
                f"Prometheus at {self.address} did not answer {method} {path} within {timeout:.3g} s: see whether it "
                f"runs, is not overloaded and can be reached from here."
            ) from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise self._cut(method, path) from None
        except requests.exceptions.ConnectionError as error:
            why = cause(error, "")
            if not why:
                raise self._cut(method, path) from None
            raise Unreachable(
                f"Prometheus at {self.address} cannot be reached ({why}): see whether it runs and whether `url` is "
                f"right."
            ) from None
        except requests.exceptions.RequestException as error:
            # Its text may show a header, and with it a token.
            raise LabError(
                f"Prometheus at {self.address} cannot be asked ({type(error).__name__}): correct `url` and the options "
                f"that say who asks."
            ) from None
        return response.status_code, response.headers, response.content

    def _cut(self, method: str, path: str) -> Unreachable:
        return Unreachable(
            f"Prometheus at {self.address} cut the connection in the middle of its answer to {method} {path}: see "
            f"whether it restarts, and what a proxy in between allows."
        )


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise LabError(
            "`url` is not the address of a Prometheus: it must be http:// or https://, a host, and the path before "
            "/api/v1 if there is one."
        )
    if parts.username is not None or parts.password is not None:
        raise LabError(
            f"`url` must not hold a user or a password (host {parts.hostname}): give them as `url_username` and "
            f"`url_password`."
        )
    return url.rstrip("/")


def _authorization(username: str | None, password: str | None, token: str | None) -> Any:
    if username is not None:
        return requests.auth.HTTPBasicAuth(username, password or "")
    token = (token or "").strip()
    if not (token.isascii() and token.isprintable()):
        raise LabError("`url_token` holds characters that no token can have: give the token alone.")

    def bearer(request: Any) -> Any:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return bearer
