# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ways to Prometheus and to Grafana by an address have in common."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import LabError


def tls_options(
    ca_path: str | None, client_cert: str | None, client_key: str | None, validate_certs: bool
) -> tuple[bool | str, str | tuple[str, str] | None]:
    """What requests takes as ``verify`` and ``cert``. Raises LabError for a file that is not there.

    To be given with each request: of a session alone the environment's REQUESTS_CA_BUNDLE would take the place.
    """
    for option, path in (("ca_path", ca_path), ("client_cert", client_cert), ("client_key", client_key)):
        if path and not Path(path).is_file():
            raise LabError(f"There is no file {path}, which `{option}` names; correct it.")
    verify: bool | str = ca_path if ca_path and validate_certs else validate_certs
    return verify, (client_cert, client_key) if client_cert and client_key else client_cert


def cause(error: Exception, otherwise: str) -> str:
    """The operating system's or OpenSSL's own words, out of the errors that wrap them."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)|\[SSL: \w+\] ([^'\"(]+(?:: [^'\"(]+)?)", str(error))
    return (found[1] or found[2]).strip() if found else otherwise
