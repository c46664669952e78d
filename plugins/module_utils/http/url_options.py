# SPDX-License-Identifier: GPL-3.0-or-later
"""The options ``url``, ``ca_path``, ``client_cert``, ``client_key`` and ``validate_certs`` of several tasks."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import LabError
from .limits import LARGEST
from .proxy import environment_proxy
from .service import Service
from .tls import reason, tls_context
from .transport import Transport


@dataclass(frozen=True)
class UrlKind:
    """What an address should lead to.

    title: its name, such as Grafana. before: the path that comes after the address, such as /api.
    username, password: the options that take what must not stand in an address.
    """

    title: str
    before: str
    username: str
    password: str


def url_transport(
    kind: UrlKind,
    url: str,
    cures: Mapping[int | str, str],
    *,
    ca_path: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    validate_certs: bool = True,
    largest: int = LARGEST,
) -> Transport:
    """A transport to an address, through the environment's proxy where it names one.

    ca_path: file with the certificates of the authorities to trust, instead of the usual ones.
    client_cert, client_key: TLS certificate to show, and its key where it is not in the same file.
    Raises LabError for an invalid address and for files that do not exist.
    """
    address = checked_address(kind, url)
    files = {"ca_path": ca_path, "client_cert": client_cert, "client_key": client_key}
    for option, path in files.items():
        if path and not os.path.isfile(path):
            raise LabError(f"There is no file {path}, which `{option}` names; correct it.")

    def context() -> ssl.SSLContext:
        authorities = ca_path or _usual_authorities() if validate_certs else None
        try:
            return tls_context(authorities, client_cert, client_key, validate_certs)
        except OSError as error:
            named = " or ".join(f"`{option}`" for option, path in files.items() if path) or "REQUESTS_CA_BUNDLE"
            raise LabError(
                f"A file of {named} cannot be used as a certificate or key ({reason([error]) or 'no PEM'}); correct it."
            ) from None

    service = Service(f"{kind.title} at {address}", cures)
    return Transport(address, service, tls=context, proxy=environment_proxy(address), largest=largest)


def checked_address(kind: UrlKind, url: str) -> str:
    """The address in an option ``url``, without a slash at its end. Raises LabError."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise LabError(
            f"`url` is not the address of a {kind.title}: it must be http:// or https://, a host, and the path before "
            f"{kind.before} if there is one."
        )
    if parts.username is not None or parts.password is not None:
        raise LabError(
            f"`url` must not hold a user or a password (host {parts.hostname}): give them as `{kind.username}` and "
            f"`{kind.password}`."
        )
    return url.rstrip("/")


def _usual_authorities() -> str | None:
    """Those of REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else certifi's; None for the system's."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if named:
        return named
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()
