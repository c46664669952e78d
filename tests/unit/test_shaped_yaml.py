# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of profiles and files of questions, which a stranger may have written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import shaped_yaml as shape
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError


def read(make: Any, text: str) -> Any:
    """What ``make`` takes of the text's key ``value``."""
    return shape.read_shaped(
        f"first: 1\nvalue: {text}\n", "f.yml", "file", ("list", "entry"), lambda data: make(data["value"], ("value",))
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"a\\x1b[2Jb"', "a [2Jb"),
        ('"a\\u202eb\\u2028c\\x9bd\\x07e"', "a b c d e"),
        ('"a\\r\\nfake: ok=1\\n"', "a fake: ok=1"),
        (">\n  folded\n  words\n", "folded words"),
        ("≤ 5 µs, 12 %", "≤ 5 µs, 12 %"),
    ],
)
def test_words_stand_on_one_line_and_are_seen(text: str, words: str) -> None:
    assert read(shape.text, text) == words


@pytest.mark.parametrize("text", ['"\\x1b\\u202e"', '""', '" \\n"', "5", "null", "[a]"])
def test_what_holds_no_words_is_no_text(text: str) -> None:
    with pytest.raises(LabError, match=r"^f\.yml:2: `value`: .* is not text\.$"):
        read(shape.text, text)


def test_words_are_bounded() -> None:
    with pytest.raises(LabError, match=r"`value`: is a text of 20,000 characters, more than 10,000"):
        read(shape.text, "a" * 20_000)


def test_what_is_more_than_words_is_not_changed_but_refused() -> None:
    def matcher(value: Any, path: shape.Place) -> str:
        return shape.text(value, path, re.compile(r'job="[^"]*"'), "a matcher")

    assert read(matcher, "'job=\"a  b\"'") == 'job="a  b"'
    with pytest.raises(LabError, match="is not a matcher"):
        read(matcher, '"job=\\"a\\u200bb\\""')


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("-1.5", -1.5), ("1.0e+19", 1e19)])
def test_numbers(text: str, number: float) -> None:
    assert read(shape.number, text) == number


@pytest.mark.parametrize("text", [".nan", ".inf", "-.inf", "1.0e+20", "9" * 40])
def test_what_cannot_be_calculated_with_is_no_number(text: str) -> None:
    with pytest.raises(LabError, match=r"^f\.yml:2: `value`: .* is not a number within ±1e\+19\.$"):
        read(shape.number, text)


@pytest.mark.parametrize("text", ["true", '"1"', "null", "[1]"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(LabError, match=r"`value`: .* is not a number\.$"):
        read(shape.number, text)
