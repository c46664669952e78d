# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a server, made fit to be shown: one line, of bounded length, without control characters and secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

#: The longest text of a server that a message repeats, in characters.
LONGEST = 300
#: Shorter ones are no secrets, and would mask parts of ordinary words.
SHORTEST_SECRET = 4
MASK = "********"


def clip(text: str, limit: int = LONGEST) -> str:
    """Text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain(said: object, secrets: Iterable[str] = ()) -> str:
    """What a server said, as text that can stand in a sentence; empty when it is no text."""
    if not isinstance(said, str):
        return ""
    for secret in secrets:
        said = said.replace(secret, MASK)
    return clip("".join(sign if sign.isprintable() else " " for sign in said)).rstrip(".")


def secrets_of(authorization: str | None) -> list[str]:
    """The parts of an Authorization header that may never be shown, longest first."""
    scheme, _space, value = (authorization or "").partition(" ")
    found = {value}
    if scheme == "Basic":
        try:
            found.add(base64.b64decode(value).decode().partition(":")[2])
        except (binascii.Error, ValueError):
            pass
    return sorted((secret for secret in found if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
