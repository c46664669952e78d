# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of others: counted before it is read, and its texts fit to be shown."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.bounded_json import (
    LEVELS,
    MOST_NUMBER,
    MOST_TEXT,
    Limits,
    OverLimit,
    Unfit,
    fit,
    parse_json,
)

LIMITS = Limits(size=1000, values=50)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'"' + b"x" * 999 + b'"', "larger than"),
        (b"[" + b"0," * 49 + b"0]", ""),
        (b"[" + b"0," * 50 + b"0]", "more than 50 values"),
        (b"[" * 51, "more than 50 values"),
        (b"{" * 51, "more than 50 values"),
    ],
)
def test_too_much_is_refused_before_it_is_parsed(content: bytes, reason: str) -> None:
    if not reason:
        assert parse_json(content, LIMITS) == [0] * 50
        return
    with pytest.raises(OverLimit, match=reason):
        parse_json(content, LIMITS)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1} x', b"\xef\xbb\xbf{}", b"9" * 5000])
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(content, Limits(10_000, 50))


def test_deep_json_is_over_the_limit() -> None:
    with pytest.raises(OverLimit, match="nested too deeply"):
        parse_json(b"[" * 5000 + b"]" * 5000, Limits(20_000, 20_000))


def test_good_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, None, True, "zoë – µs · 学生", ""], "b": {"c": -(2**63), "d": 5e-324}}
    assert fit(value) == value
    assert json.dumps(fit((1, 2))) == "[1, 2]"


@pytest.mark.parametrize(
    "sign", ["\x1b[2J", "\x07", "\x9b", "\r", "\n", "\t", "\b", "\0", "\u202e", "\u2066", "\ud800", "\uffff", "\u2028"]
)
def test_no_sign_of_a_text_acts_on_a_terminal_or_page(sign: str) -> None:
    fitted = fit({f"key{sign}": [f"a{sign}b"]})
    [(key, [text])] = fitted.items()
    assert key.isprintable()
    assert text.isprintable()
    assert text[0] + text[-1] == "ab"
    json.dumps(fitted, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [0, math.nan]}, "a[1] is nan"),
        ({"a": {"b": math.inf}}, "a.b is inf"),
        ([2 * MOST_NUMBER], "[0] is larger"),
        ([-(10**400)], "[0] is larger"),
        ({"t": "x" * (MOST_TEXT + 1)}, "t is a text of 10,001 characters"),
        ({"k": {1: 2}}, "k has the key 1, which is not text"),
        ({"s": {1, 2}}, "s is of the type set"),
        (object(), "is of the type object"),
    ],
)
def test_what_is_no_measurement_is_refused_with_its_place(value: Any, told: str) -> None:
    with pytest.raises(Unfit) as caught:
        fit(value)
    assert str(caught.value).startswith(told)


def test_depth_has_a_limit_that_python_is_far_from() -> None:
    def deep(levels: int) -> Any:
        value: Any = 0
        for _level in range(levels):
            value = [value]
        return value

    assert fit(deep(LEVELS)) == deep(LEVELS)
    with pytest.raises(Unfit, match="nested too deeply") as caught:
        fit(deep(900))
    assert len(str(caught.value)) < 200
