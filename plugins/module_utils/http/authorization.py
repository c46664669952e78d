# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization headers."""

from __future__ import annotations

import base64

from ..errors import LabError
from ..foreign_text import keep_secret


class TokenDamaged(LabError):
    """A token that none can be."""


def basic(username: str, password: str) -> str:
    """The Authorization header of a user with a password."""
    sent = base64.b64encode(f"{username}:{password}".encode()).decode()
    keep_secret(password, sent)
    return f"Basic {sent}"


def bearer(token: str, what: str = "The token") -> str:
    """The Authorization header of a token. Raises TokenDamaged, without showing it.

    what: the token in a message, such as "The Grafana token".
    """
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # Checked here, because the error of the HTTP library would show the token.
        raise TokenDamaged(f"{what} is empty or holds characters that no token has: give the token alone.")
    keep_secret(token)
    return f"Bearer {token}"
