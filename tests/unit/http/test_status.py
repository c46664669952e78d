# SPDX-License-Identifier: GPL-3.0-or-later
"""From answers to typed errors with one sentence, without secrets."""

from __future__ import annotations

import datetime
from email.utils import format_datetime
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.foreign_text import (
    clip,
    plain,
    secrets_of,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import status as statuses
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import (
    TokenDamaged,
    basic,
    bearer,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    Conflict,
    NotFound,
    Refused,
    RequestFailed,
    TemporaryFailure,
    UnexpectedAnswer,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Answer, Request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service

SECRET = "s3cret-of-the-test"
REQUEST = Request("GET", "/x", {"token": SECRET})


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(REQUEST, status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, UnexpectedAnswer),
        (302, UnexpectedAnswer),
        (400, RequestFailed),
        (401, Refused),
        (403, Refused),
        (404, NotFound),
        (405, RequestFailed),
        (409, Conflict),
        (412, Conflict),
        (413, RequestFailed),
        (422, RequestFailed),
        (429, TemporaryFailure),
        (500, TemporaryFailure),
        (501, RequestFailed),
        (502, TemporaryFailure),
        (503, TemporaryFailure),
        (504, TemporaryFailure),
        (999, RequestFailed),
    ],
)
def test_each_status_is_an_error_of_one_sentence(status: int, error: type[RequestFailed]) -> None:
    failed = statuses.failure(Service("The server"), answer(status), said="too bad", code="E1")
    assert failed.__class__ is error
    assert (failed.status, failed.said, failed.code) == (status, "too bad", "E1")
    assert f"({status}" in failed.msg
    assert "GET /x" in failed.msg
    assert "server" in failed.msg
    assert failed.msg.endswith(".")
    assert ". " not in failed.msg
    assert SECRET not in failed.msg


def test_a_service_knows_its_own_cures() -> None:
    service = Service("Grafana", {403: "ask Ann", "moved": "go there", "5xx": "wait", "no_path": "mind the path"})
    for status, cure in ((403, "ask Ann"), (307, "go there"), (502, "wait")):
        assert statuses.failure(service, answer(status)).msg.endswith(f"; {cure}.")
    found = statuses.failure(service, answer(404), no_path=True)
    assert "has no /x (404); mind the path." in found.msg
    assert isinstance(found, NotFound)


def test_where_a_redirect_leads_is_told_without_its_query() -> None:
    location = f"https://sso.example/login?state={SECRET}"
    failed = statuses.failure(Service("Grafana"), answer(302, Location=location))
    assert "https://sso.example/login (302)" in failed.msg
    assert SECRET not in failed.msg


RETRY = [
    ("", None),
    ("5", 5.0),
    (" 5 ", 5.0),
    ("-5", None),
    ("\u00b2", None),
    ("9" * 18, statuses.LONGEST_WAIT),
    ("9" * 5000, statuses.LONGEST_WAIT),
    ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
    ("soon", None),
]


@pytest.mark.parametrize(("text", "seconds"), RETRY, ids=[entry[0][:32] for entry in RETRY])
def test_the_wait_that_a_header_asks_for(text: str, seconds: float | None) -> None:
    assert statuses.retry_after({"Retry-After": text}) in (seconds, None if seconds == 0.0 else seconds)


def test_a_date_to_wait_for() -> None:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=300)
    wait = statuses.retry_after({"Retry-After": format_datetime(moment, usegmt=True)})
    assert wait is not None
    assert 200 < wait <= 300


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html>SSO</html>", "a page of HTML"),
        (b'{"a": [', "breaks off after 7 bytes"),
        (b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"", "nothing"),
        (b"5", "no answer of Grafana (content type text/plain)"),
        (b'{"a": 1}', "no answer of Grafana"),
    ],
)
def test_an_answer_that_is_none_of_the_api(body: bytes, what: str) -> None:
    failed = statuses.unexpected(Service("The server"), answer(200, body, Content_Type="text/plain"), "Grafana")
    assert "GET /x at the server was answered with" in failed.msg
    assert what in failed.msg
    assert "SSO" not in failed.msg


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "no"}', "no"),
        (b'{"message": {"a": 1}, "error": "but"}', "but"),
        (b'{"message": [[1]], "error": 5}', '{"message": [[1]], "error": 5}'),
        (b"<p>x</p>", "a page of HTML"),
        (b"busy\n\x1b[2Jnow", "busy [2Jnow"),
        (b"", "Service Unavailable"),
        (b"\xff", "\ufffd"),
    ],
)
def test_what_a_server_said(body: bytes, said: str) -> None:
    assert statuses.excerpt(answer(503, body), Service("S")) == said


# -- words and secrets ------------------------------------------------------


@pytest.mark.parametrize("said", [None, 5, [1], {"a": SECRET}])
def test_only_text_is_repeated(said: Any) -> None:
    assert plain(said) == ""


def test_text_is_one_line_of_bounded_length_without_control_characters() -> None:
    assert plain("a\r\n\tb\x1b]0;title\x07c\u202ed.") == "a b ]0;title c d"
    assert len(plain("x" * 1000)) == 300
    assert clip("a" * 10, 5) == "aaaa…"


@pytest.mark.parametrize("header", [basic("admin", SECRET), bearer(SECRET)])
def test_what_was_sent_to_be_let_in_is_masked(header: str) -> None:
    secrets = secrets_of(header)
    said = plain(f"you sent {header}, which is {SECRET}", secrets)
    assert SECRET not in said
    assert header.split()[1] not in said
    # A secret at the limit is not shown in part either.
    assert SECRET[:8] not in plain("x" * 290 + SECRET, secrets)
    assert SECRET not in repr(Service("S", secrets=tuple(secrets)))


def test_no_secret_is_no_mask() -> None:
    assert secrets_of(None) == []
    assert secrets_of(basic("a", "b")) == [basic("a", "b").split()[1]]


@pytest.mark.parametrize("token", ["", " ", f"{SECRET}\nX-Other: 1", f"{SECRET}\u20ac", f"{SECRET} two"])
def test_a_token_that_is_none_is_not_shown(token: str) -> None:
    with pytest.raises(TokenDamaged, match="`url_token` is empty or holds characters") as failed:
        bearer(token, "`url_token`")
    assert SECRET not in failed.value.msg


def test_spaces_around_a_token_do_not_matter() -> None:
    assert bearer(" abc\n") == "Bearer abc"
