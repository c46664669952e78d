# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others, made fit to be shown and kept: the one way of it to a terminal, a log, a result or a report.

Others are clusters, pods, helm, login plugins, Prometheus, Grafana, and who wrote a kubeconfig, a roster or results.
``plain`` is for a sentence, ``tidy`` for a whole value. Both are pure: which secrets are masked is given to them.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, quote_plus, unquote

#: The longest text of others that a message repeats, in characters.
LONGEST = 300
#: The longest sentence of the collection, which may repeat several such texts.
LONGEST_SENTENCE = 2000
#: What is looked at of a text, however much of it there is.
LOOKED_AT = 65536
#: Shorter ones are no secrets, and would mask parts of ordinary words.
SHORTEST_SECRET = 4
#: A secret of fewer bytes leaves too little of itself inside a longer text in base64 to be told from other text.
SHORTEST_HIDDEN = 6
MASK = "********"

# Characters that count as printable and that nobody sees: fillers, joiners, selectors of variants.
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
_UNSEEN = dict.fromkeys((*map(ord, _FILLERS), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
# Control, format and surrogate characters that JSON lets stand as they are.
_UNESCAPED = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# What has the form of a secret, whoever's it is. Each takes linear time, however hostile the text.
_FORMS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END).)*", re.DOTALL), rf"\1{MASK}"),
    (re.compile(r"://([^\s/?#\"'<>]*)@"), lambda found: f"://{_user(found[1])}{MASK}@"),
    (re.compile(r"(?i)\b(bearer\s+)(?![a-z]+\b[^-._~+/])[a-z0-9._~+/-]{6,}=*"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(authorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer|token)\s+)[^\s'\",]+"), rf"\1{MASK}"),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+)?"), MASK),
    (
        re.compile(
            r"(?i)((?:password|passwd|token|secret|api[_-]?key)(?:=|['\"]\s*:\s*(?=['\"])))"
            r"('[^']*'|\"[^\"]*\"|[^\s'\"&;,)\]}]+)"
        ),
        rf"\1{MASK}",
    ),
)


def plain(said: object, secrets: Iterable[str] = (), limit: int = LONGEST) -> str:
    """What others said, as text that can stand in a sentence; empty when it is no text.

    One line of at most ``limit`` characters, of characters that are seen, without what is or looks like a secret.
    """
    if not isinstance(said, str):
        return ""
    cut = len(said) > LOOKED_AT
    forms = _forms_of(secrets)
    text = _masked(" ".join(visible(_masked(said[:LOOKED_AT], forms)).split()), forms)
    if cut:
        # The part of a secret that the cut left is no longer known as one.
        text = text[: -max(map(len, forms), default=0) or None]
    return clip(text, limit).rstrip(".")


def sentence(said: str, secrets: Iterable[str] = ()) -> str:
    """A whole sentence of the collection's own, which may repeat what others said."""
    forms = _forms_of(secrets)
    return clip(_masked(visible(_masked(said[:LOOKED_AT], forms)), forms), LONGEST_SENTENCE)


def lines(said: str, secrets: Iterable[str] = ()) -> str:
    """Lines of the collection's own, such as a table, which may repeat what others said."""
    forms = _forms_of(secrets)
    return "\n".join(visible(line) for line in _masked(said, forms).split("\n"))


def tidy(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A value as JSON has them, each text in it made visible and without secrets; its lines stay lines."""
    return _tidy(value, _forms_of(secrets))


def _tidy(value: Any, forms: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _tidy_text(value, forms)
    if isinstance(value, dict):
        return {_tidy(key, forms): _tidy(entry, forms) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tidy(entry, forms) for entry in value]
    return value


def _tidy_text(text: str, forms: tuple[str, ...]) -> str:
    masked = _masked(text, forms)
    if masked.isascii() and masked.isprintable():
        return masked
    return "\n".join(visible(line, keep="\t") for line in masked.split("\n"))


def visible(text: str, keep: str = "") -> str:
    """A text in which each character is seen: no control, format or surrogate characters, so one line.

    keep: characters that stay although they are none of these.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in keep else " " for sign in text).translate(_UNSEEN)


def escaped(text: str) -> str:
    """A JSON text with the same value, in which each character is seen: also by who looks at its file in a terminal."""
    return _UNESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], text)


def clip(text: str, limit: int = LONGEST) -> str:
    """Text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """A text of any form in which only secrets are masked, such as a traceback."""
    return _masked(text, _forms_of(secrets))


def _masked(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, MASK)
    for pattern, mask in _FORMS:
        text = pattern.sub(mask, text)
    return text


def _user(found: str) -> str:
    """The user of a URL, which is no secret when a password follows."""
    user, colon, _password = found.partition(":")
    return user + colon if colon else ""


# -- secrets ----------------------------------------------------------------


def _forms_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every form in which the secrets may come back, longest first."""
    found = {form for secret in secrets for form in _written(secret)}
    return tuple(sorted((form for form in found if len(form) >= SHORTEST_SECRET), key=lambda form: (-len(form), form)))


def _written(secret: str) -> Iterator[str]:
    """A secret as it is, and in each encoding that it may have been sent or repeated in."""
    bare = secret.strip()
    if len(bare) < SHORTEST_SECRET:
        return
    yield secret
    yield bare
    yield visible(bare)
    for quoted in (quote(bare, safe=""), quote(bare), quote_plus(bare)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    for ascii_only in (True, False):
        yield json.dumps(bare, ensure_ascii=ascii_only)[1:-1]
    yield repr(bare)[1:-1]
    yield html.escape(bare)
    yield from _base64(bare.encode("utf-8", "surrogatepass"))


def _base64(secret: bytes) -> Iterator[str]:
    """The base64 of a secret, also of one that stands within a longer text, such as a user's and a password."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode()
        yield encode(secret).decode().rstrip("=")
        if len(secret) < SHORTEST_HIDDEN:
            continue
        for before in range(3):
            # Three bytes are four characters: of those that hold bits of what stands beside it nothing is known.
            text = encode(b"\0" * before + secret).decode().rstrip("=")
            known = text[(0, 2, 3)[before] : (before + len(secret)) * 8 // 6]
            yield known


def secrets_of(authorization: str | None) -> list[str]:
    """The parts of an Authorization header that may never be shown, longest first."""
    scheme, _space, value = (authorization or "").partition(" ")
    found = {value}
    if scheme.lower() == "basic":
        try:
            found.add(base64.b64decode(value).decode().partition(":")[2])
        except (binascii.Error, ValueError):
            pass
    return sorted((secret for secret in found if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)


def secrets_of_url(url: str) -> list[str]:
    """The password in a URL, or what stands in its place, as it is written there and as it is meant."""
    rest = url.partition("://")[2]
    authority = rest.partition("/")[0]
    if "@" not in authority and not re.fullmatch(r"[^:]*(:\d*)?|\[.*", authority):
        # A slash in a password that should have been encoded.
        authority = rest
    inside, at, _host = authority.rpartition("@")
    _name, _colon, password = inside.partition(":")
    written = password or inside
    return [text for text in dict.fromkeys((written, unquote(written))) if at and len(text) >= SHORTEST_SECRET]


def without_password(url: str) -> str:
    """A URL as messages show it."""
    return _masked(url, _forms_of(secrets_of_url(url)))


_known: ContextVar[set[str] | None] = ContextVar("_known", default=None)


@contextmanager
def known_secrets() -> Iterator[set[str]]:
    """Collect what ``keep_secret`` is told meanwhile: a task masks it in whatever it returns and shows."""
    found: set[str] = set()
    token = _known.set(found)
    try:
        yield found
    finally:
        _known.reset(token)


def keep_secret(*secrets: str | None) -> None:
    """Tell the task that runs, if one does, that these may never be shown."""
    known = _known.get()
    if known is not None:
        known.update(secret for secret in secrets if secret)
