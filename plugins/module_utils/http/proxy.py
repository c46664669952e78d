# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy leads to a server, by the rules of the environment variables http_proxy, https_proxy and no_proxy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import LabError
from ..foreign_text import keep_secret

#: Any of them, in any case, can name a proxy.
VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Proxy:
    """A proxy, without its credentials where it is shown. scheme: http, https, socks5 …"""

    url: str
    scheme: str
    host: str
    port: int
    credentials: str

    def __repr__(self) -> str:
        return f"Proxy({self.shown})"

    @property
    def shown(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_of(url: str) -> Proxy:
    """The proxy of a URL; without a scheme it is an HTTP proxy. Raises LabError, without showing credentials."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise LabError("The URL of the proxy has no host: correct the environment or the kubeconfig's proxy-url.")
    keep_secret(parts.password, unquote(parts.password or ""))
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Proxy(bare, parts.scheme, parts.hostname, port, credentials)


def environment_proxy(address: str) -> Proxy | None:
    """The proxy that the environment names for an address, None for none. Raises LabError."""
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in VARIABLES):
        return None
    utils = _requests_utils()
    url = utils.select_proxy(address, utils.get_environ_proxies(address))
    return proxy_of(url) if url else None


def _requests_utils() -> Any:
    """What knows the rules of no_proxy. Imported late, because only those behind a proxy need it."""
    try:
        from requests import utils
    except ImportError:
        raise LabError("Asking through a proxy needs the Python package requests: install it.") from None
    return utils
