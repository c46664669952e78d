# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others on its way to a terminal, a log, a result or a report."""

from __future__ import annotations

import base64
import html
import json
import unicodedata
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import foreign_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.foreign_text import (
    LONGEST,
    LONGEST_SENTENCE,
    MASK,
    keep_secret,
    known_secrets,
    lines,
    plain,
    secrets_of_url,
    sentence,
    tidy,
    visible,
    without_password,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = 'p&ss wörd/"7+€'
TOKEN = "sgIwc8.dGhlIHRva2Vu_of-a.robot"


#: The same examples each time, however slow the machine.
steady = settings(deadline=None, derandomize=True, database=None)


# -- characters and length --------------------------------------------------


@steady
@given(st.text())
def test_no_text_leaves_its_line_or_hides(said: str) -> None:
    shown = plain(said)
    assert shown.isprintable()
    assert len(shown) <= LONGEST
    assert "\n" not in shown
    shown.encode()


@pytest.mark.parametrize(
    "said",
    [
        "a\x1b]0;title\x07b",  # a terminal's title
        "a\x9b31mb",  # a colour, in one byte
        "a\r\nb",
        "a\u2028b",  # a line separator
        "a\u202eb",  # right to left from here
        "a\u2066b",
        "a\u200bb",  # zero width
        "a\ufeffb",
        "a\U000e0041b",  # a tag, which nobody sees
        "a\ud800b",  # half of a pair
        "a\x00b",
    ],
)
def test_what_is_no_letter_or_sign_is_a_space(said: str) -> None:
    shown = plain(said)
    assert shown.startswith("a ")
    assert shown.endswith("b")
    assert shown.isprintable()


@pytest.mark.parametrize("unseen", ["\u3164", "\u115f", "\u034f", "\ufe0f", "\U000e0101"])
def test_letters_that_nobody_sees_are_left_out(unseen: str) -> None:
    assert plain(f"ann{unseen}") == "ann"


def test_other_languages_stay() -> None:
    assert plain("Zugriff für Ľubomíra verweigert: 拒绝 · Δ µ €") == "Zugriff für Ľubomíra verweigert: 拒绝 · Δ µ €"


def test_a_sentence_may_repeat_several_texts() -> None:
    assert sentence("a\nCLASS: 5 students, 5 done") == "a CLASS: 5 students, 5 done"
    assert len(sentence("a" * 10**6)) == LONGEST_SENTENCE


def test_lines_of_our_own_stay_lines() -> None:
    assert lines("class report\nann  failed  a\x1b[2Jb") == "class report\nann  failed  a [2Jb"
    assert lines("a\x0bb\x85c\u2028d\rCLASS: 1") == "a b c d CLASS: 1"


def test_a_value_keeps_its_form() -> None:
    value = {"a\x1b": ["b\x07", {"c": (1, 2.5, None, True)}], "text": "one\n\ttwo\r\x1b[m"}
    assert tidy(value) == {"a ": ["b ", {"c": [1, 2.5, None, True]}], "text": "one\n\ttwo  [m"}


def test_a_value_without_anything_to_hide_is_the_same() -> None:
    value = {"title": "Zeit für Δ", "labels": {"pod": "a"}, "points": [[1.0, None]]}
    assert tidy(value) == value
    assert visible("abc") == "abc"


@steady
@given(st.text() | st.text(alphabet="\x9b\u202e\u200b\ufeff\xad\u2028\ud800\U000e0041a"))
def test_json_says_the_same_in_characters_that_are_seen(said: str) -> None:
    text = foreign_text.escaped(json.dumps({said: [said]}, ensure_ascii=False))
    assert json.loads(text) == {said: [said]}
    text.encode()
    assert not [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


# -- secrets that are known -------------------------------------------------


@pytest.mark.parametrize(
    "repeated",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        html.escape(SECRET),
        f"{SECRET}\n",
    ],
)
def test_a_secret_is_masked_in_each_form(repeated: str) -> None:
    assert plain(f"you sent <{repeated}>", [SECRET]) == f"you sent <{MASK}>" or f"<{MASK} >" in plain(
        f"you sent <{repeated}>", [SECRET]
    )


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "admin", "someone@example.org"])
@pytest.mark.parametrize("after", ["", "x", "xy", "\n"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_within_base64_is_masked(user: str, after: str, encode: Any) -> None:
    """As in Basic credentials of a user whom nobody knows."""
    sent = encode(f"{user}:hunter2-and-more{after}".encode()).decode()
    shown = plain(f"no: {sent}", ["hunter2-and-more"])
    assert MASK in shown
    # What is left holds less than the secret's first and last byte.
    left = shown.removeprefix("no: ").split(MASK)
    assert sum(map(len, left)) <= len(sent) - len("hunter2-and-more") * 8 // 6 + 1


@steady
@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_comes_through(secret: str, before: str, after: str) -> None:
    shown = sentence(f"{before}{secret}{after}", [secret])
    bare = secret.strip()
    if len(bare) >= 4 and not set(bare) & set(MASK) and bare not in before + after:
        assert bare not in shown or bare in sentence(f"{before}\x00{after}")


def test_a_secret_at_a_limit_is_not_shown_in_part() -> None:
    assert TOKEN[:6] not in plain("x" * 290 + TOKEN, [TOKEN])
    # Nor at the end of what is looked at, when most of that was blank.
    for more in range(len(TOKEN) + 1):
        said = " " * (foreign_text.LOOKED_AT - more) + TOKEN + "x"
        assert plain(said, [TOKEN]) in ("", MASK)


def test_a_secret_that_holds_another_goes_first() -> None:
    assert plain("it was hunter2hunter2", ["hunter2", "hunter2hunter2"]) == f"it was {MASK}"


def test_what_is_too_short_is_no_secret() -> None:
    assert plain("a bad cat", ["a", "", " bad "]) == "a bad cat"


# -- secrets that show by their form ----------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Invalid header value b'Bearer SECRET-bearer-token\\n'", f"Invalid header value b'Bearer {MASK}\\n'"),
        ("Authorization: Basic YWRtaW46aHVudGVyMg==", f"Authorization: Basic {MASK}"),
        ('Get "http://bob:pa@ss@charts.example/index.yaml": refused', f'"http://bob:{MASK}@charts.example/index.yaml"'),
        ("https://ghp_0123456789@charts.example", f"https://{MASK}@charts.example"),
        ("token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 is bad", f"token {MASK} is bad"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----",
            f"-----BEGIN EC PRIVATE KEY-----{MASK}",
        ),
        ("-----BEGIN PRIVATE KEY----- MHcCAQEE", f"-----BEGIN PRIVATE KEY-----{MASK}"),
        ("dial: user=temporal password=hunter2 host=db", f"user=temporal password={MASK} host=db"),
        ('{"password": "hunter2", "user": "a"}', f'{{"password": {MASK}, "user": "a"}}'),
    ],
)
def test_what_has_the_form_of_a_secret_is_masked(said: str, shown: str) -> None:
    assert shown in plain(said)


@pytest.mark.parametrize(
    "said",
    [
        'secret "my-temporal-postgresql" not found',
        "couldn't find key password in Secret shop/my-temporal-postgresql",
        "Bearer authentication is off",
        "Basic authentication is off",
        'Www-Authenticate: Bearer realm="https://charts.example/token"',
        "invalid token: expired",
        "image a@sha256:0123 of https://charts.example/team@home/index.yaml",
        "0/3 nodes are available: 3 Insufficient cpu",
    ],
)
def test_other_text_stays(said: str) -> None:
    assert plain(said) == said


@pytest.mark.parametrize(
    "piece", ["a", "://", "://a", "eyJ", "eyJa.", "bearer ", "password=", "-----BEGIN PRIVATE KEY-----", "'"]
)
def test_hostile_text_costs_no_more_than_other_text(piece: str) -> None:
    """Each pattern takes linear time: a quadratic one would take minutes here."""
    assert len(plain(piece * 200_000)) <= LONGEST
    assert len(foreign_text.without_secrets(piece * 200_000)) > 0


# -- URLs -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://charts.example/a", []),
        ("https://charts.example:8443/team@home", []),
        ("https://[::1]:8443/team@home", []),
        ("charts", []),
        ("", []),
        ("https://bob:hunter2@charts.example", ["hunter2"]),
        ("https://bob:p%40ssword@charts.example", ["p%40ssword", "p@ssword"]),
        ("https://bob:pass/word@charts.example", ["pass/word"]),
        ("https://ghp_0123@charts.example", ["ghp_0123"]),
    ],
)
def test_secrets_of_a_url(url: str, secrets: list[str]) -> None:
    assert secrets_of_url(url) == secrets


def test_a_url_is_shown_without_its_password() -> None:
    assert without_password("https://bob:hunter2@charts.example/a") == f"https://bob:{MASK}@charts.example/a"
    assert without_password("https://charts.example/a") == "https://charts.example/a"


# -- what a task knows ------------------------------------------------------


def test_a_task_collects_its_secrets_and_no_others() -> None:
    keep_secret("of nobody")
    with known_secrets() as outer:
        keep_secret("one", None, "")
        with known_secrets() as inner:
            keep_secret("two")
        keep_secret("three")
    assert (outer, inner) == ({"one", "three"}, {"two"})
