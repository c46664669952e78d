# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts, and why a TLS or TCP connection did not come about."""

from __future__ import annotations

import os
import re
import ssl

try:
    import urllib3
except ImportError:
    pass


def tls_context(
    authorities: str | None = None,
    certificate: str | None = None,
    key: str | None = None,
    verify: bool = True,
    data: str | None = None,
) -> ssl.SSLContext:
    """A context that trusts the authorities of a PEM file or folder (None: the system's) and shows a certificate.

    data: the authorities themselves, in PEM, in place of a file.
    verify: False trusts anybody, as the user or the kubeconfig says. Raises OSError for files that cannot be used.
    """
    folder = authorities if authorities and os.path.isdir(authorities) else None
    context = ssl.create_default_context(cafile=None if folder else authorities, capath=folder, cadata=data)
    # Python 3.13 turns this on by default; authorities made by older Kubernetes installers do not pass it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(certificate, key)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Whoever turned verification off knows; a warning with each request tells nothing new.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return context


def causes(error: BaseException) -> list[BaseException]:
    """The error and all that it names as its cause, outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            todo += [getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args]
    return found


def reason(found: list[BaseException]) -> str:
    """The innermost cause of a failed connection, in the words of the operating system or of OpenSSL; else empty."""
    for cause in reversed(found):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate verify failed: {cause.verify_message or 'no reason given'}"
        if isinstance(cause, ssl.SSLError):
            return (cause.reason or re.sub(r" \(_ssl.*", "", str(cause))).replace("_", " ").lower()
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return ""
