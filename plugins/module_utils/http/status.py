# SPDX-License-Identifier: GPL-3.0-or-later
"""From an answer that is not the one hoped for to a typed error with one sentence: the one table of statuses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from ..foreign_text import plain
from .errors import Conflict, NotFound, Refused, RequestFailed, TemporaryFailure, UnexpectedAnswer
from .message import Answer
from .service import Service

#: Statuses after which another try can help.
TEMPORARY = frozenset({429, 500, 502, 503, 504})
#: The longest time that a server can ask to wait, in seconds; anything longer is as good as never.
LONGEST_WAIT = 366 * 24 * 3600.0


@dataclass(frozen=True)
class Meaning:
    """What a status means: the type of its error, a sentence, and what to do where the service knows no better.

    sentence: {who} the server at the beginning of a sentence, {inside} within it, {asked} the request,
    {because} the server's own words after a colon, {wait} how long it asks to wait.
    """

    error: type[RequestFailed]
    sentence: str
    cure: str


MEANINGS: dict[int, Meaning] = {
    400: Meaning(RequestFailed, "{who} refused {asked} (400){because}", "correct what was sent"),
    401: Meaning(
        Refused,
        "{who} rejected the credentials for {asked} (401){because}",
        "they are wrong or have expired: renew them",
    ),
    403: Meaning(Refused, "{who} denied {asked} (403){because}", "ask its owner for that permission"),
    404: Meaning(
        NotFound, "{who} has no object for {asked} (404){because}", "check whether it was deleted, and try again"
    ),
    409: Meaning(
        Conflict,
        "{who} refused {asked} (409){because}",
        "someone else changed or created it in the meantime: run the task again",
    ),
    412: Meaning(
        Conflict,
        "{who} refused {asked} (412){because}",
        "someone else changed or created it in the meantime: run the task again",
    ),
    413: Meaning(
        RequestFailed,
        "What {asked} sent is too large for {inside} (413){because}",
        "make it smaller or raise the limit there",
    ),
    422: Meaning(RequestFailed, "{who} refused {asked} (422){because}", "correct what was sent"),
    429: Meaning(
        TemporaryFailure,
        "{who} limits the rate of requests (429 to {asked}){wait}{because}",
        "try again later, with fewer hosts at once",
    ),
}
#: A 404 that the server itself does not give for an object: there is no such path at that address.
NO_PATH = Meaning(NotFound, "{who} has no {path} (404){because}", "correct its address")
REDIRECT = Meaning(
    UnexpectedAnswer, "{who} redirects {asked} to {place} ({status})", "give the address of the server itself"
)
SERVER_ERROR = Meaning(
    RequestFailed,
    "{who} failed to answer {asked} ({status}){because}",
    "check whether it is starting, overloaded or out of disk space, and try again",
)
OTHER = Meaning(RequestFailed, "{who} refused {asked} ({status}){because}", "check the server's log for the reason")


def failure(
    service: Service,
    answer: Answer,
    *,
    asked: str = "",
    said: str = "",
    because: str = "",
    code: str = "",
    no_path: bool = False,
    details: Mapping[str, Any] | None = None,
) -> RequestFailed:
    """The error for an answer that is not a success.

    asked: what was asked, where that is not best told by method and path.
    said, code: the server's own words, made plain already, and its own name of the error.
    because: stands in the sentence instead of its words.
    no_path: a 404 means that there is no such path.
    """
    status = answer.status
    meaning = _meaning(status, no_path)
    wait = retry_after(answer.headers)
    sentence = meaning.sentence.format(
        who=service.who,
        inside=service.inside,
        asked=asked or answer.request.asked,
        because=because or (f": {said}" if said else ""),
        path=answer.request.path,
        wait=f", retry after {wait:.0f} s" if wait else "",
        status=status,
        place=plain(answer.headers.get("Location", "").partition("?")[0], service.secrets) or "another place",
    )
    case = "moved" if meaning is REDIRECT else "no_path" if meaning is NO_PATH else "5xx" if status >= 500 else status
    cure = service.cure(case, meaning.cure)
    kind = TemporaryFailure if status in TEMPORARY else meaning.error
    return kind(f"{sentence}; {cure}.", status, said, code, **(details or {}))


def _meaning(status: int, no_path: bool) -> Meaning:
    if no_path and status == 404:
        return NO_PATH
    if 300 <= status < 400:
        return REDIRECT
    return MEANINGS.get(status) or (SERVER_ERROR if status >= 500 else OTHER)


def unexpected(
    service: Service, answer: Answer, api: str, details: Mapping[str, Any] | None = None, what: str = ""
) -> UnexpectedAnswer:
    """The error for a success whose body is not what the API says.

    api: whose answer was expected, such as "Grafana". what: what is wrong with its JSON, where that is known.
    """
    start = answer.body[:4096].lstrip()[:1]
    if what:
        what = f"something unexpected: {plain(what, service.secrets)}"
    elif start == b"<":
        what = "a page of HTML instead of JSON: a proxy or login page stands in between"
    elif start in (b"{", b"[") and answer.json() is None:
        what = f"JSON that breaks off after {len(answer.body)} bytes or is nested too deeply"
    elif not start:
        what = "nothing instead of JSON"
    else:
        kind = plain(answer.headers.get("Content-Type"), service.secrets) or "unnamed"
        what = f"something that is no answer of {api} (content type {kind})"
    cure = service.cure("strange", "see what listens there, and what a proxy in between allows")
    sentence = f"{answer.request.asked} at {service.inside} was answered with {what}; {cure}."
    return UnexpectedAnswer(sentence, answer.status, **(details or {}))


def words(answer: Answer, service: Service, *keys: str) -> str:
    """The server's own words in an answer: the first text of its JSON under one of the keys, else nothing."""
    value = answer.json()
    if isinstance(value, dict):
        for key in keys:
            said = plain(value.get(key), service.secrets)
            if said:
                return said
    return ""


def excerpt(answer: Answer, service: Service) -> str:
    """The beginning of an answer of an unknown kind: its words, its text, that it is a page, or the status' name."""
    said = words(answer, service, "message", "error")
    if said:
        return said
    if answer.body.lstrip()[:1] == b"<":
        return "a page of HTML"
    said = plain(answer.body[:4096].decode("utf-8", "replace"), service.secrets)
    return said or phrase(answer.status)


def phrase(status: int) -> str:
    """The standard's name of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, from a number or a date; None when it asks for nothing that is either."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time.time()), LONGEST_WAIT) if text else None
    except (TypeError, ValueError, OverflowError):  # before Python 3.10 it is a TypeError
        return None
