# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of JSON of another shape than an API has; and what is no JSON for us at all."""

from __future__ import annotations

import json
import resource
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import memory, message
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import json_value
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.shape import (
    each,
    fault,
    fitting,
    flag,
    mapping,
    number,
    record,
    text,
    text_or_whole,
    whole,
)

LIST = record({"items": each(record({"name": text}, count=whole, ready=flag, port=text_or_whole, size=number))})


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"items": [{"name": "a", "count": 3, "ready": True, "port": "http", "size": 0.5}]}, ""),
        ({"items": [{"name": "a", "count": None, "port": 80, "size": 7, "more": [1]}]}, ""),
        ({"items": []}, ""),
        ([], "it is a list, not an object"),
        (None, "it is null, not an object"),
        ({}, "it has no items"),
        ({"items": {}}, "items is an object, not a list"),
        ({"items": [{"name": "a"}, 5]}, "items[1] is a number, not an object"),
        ({"items": [{"name": None}]}, "items[0] has no name"),
        ({"items": [{"name": ["a"]}]}, "items[0].name is a list, not a text"),
        ({"items": [{"name": "a", "count": "3"}]}, "items[0].count is a text, not a whole number"),
        ({"items": [{"name": "a", "count": True}]}, "items[0].count is true or false, not a whole number"),
        ({"items": [{"name": "a", "count": 3.5}]}, "items[0].count is the number 3.5, not a whole number"),
        ({"items": [{"name": "a", "count": 2**63}]}, "items[0].count is too large a number"),
        ({"items": [{"name": "a", "ready": 1}]}, "items[0].ready is a number, not true or false"),
        ({"items": [{"name": "a", "port": []}]}, "items[0].port is a list, not a text or a whole number"),
        (
            {"items": [{"name": "a", "size": float("inf")}]},
            "items[0].size is the number inf, not a number that can be used",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(value: Any, wrong: str) -> None:
    assert fault(LIST, value) == wrong


def test_keys_of_a_mapping_are_words_of_others() -> None:
    assert fault(mapping(text), {"app": 5}) == "app is a number, not a text"
    assert fault(mapping(text), {"\x1b[2J": 5}) == "it has a value that is a number, not a text"


def test_texts_of_a_kind() -> None:
    even = fitting(lambda value: len(value) % 2 == 0, "pair")
    assert [fault(even, value) for value in ("ab", "a", 5)] == ["", "it is no pair", "it is a number, not a text"]

    def refuse(value: str) -> None:
        raise ValueError(value)

    assert fault(fitting(refuse, "time"), "x") == "it is no time"


# -- what is no JSON --------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b'{"a": NaN}', b"[Infinity]", b"[-Infinity]", b'"\xff"', b'{"a": "\xed\xa0\x80"}', b"[" * 200]
)
def test_what_is_no_json(body: bytes) -> None:
    assert json_value(body) is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"\udc00x"', "\ufffdx"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\uD83D\uDE00\ud83d"', "\U0001f600\ufffd"),
        (rb'"\\ud800"', "\\ud800"),
        (rb'"\\\ud800"', "\\\ufffd"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_halves_of_pairs_are_neutral(body: bytes, value: Any) -> None:
    assert json_value(body) == value


def test_values_that_need_more_memory_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    body = b"[" + b"[]," * (4 * 1024 * 1024) + b"[]]"
    monkeypatch.setattr(memory, "half_of_memory", lambda: 32 * 1024 * 1024)
    assert json_value(body) is None
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_large_answer_is_read_whole() -> None:
    value = ["x" * 1000] * 3000
    body = json.dumps(value).encode()
    assert len(body) > message.LARGE
    assert json_value(body) == value


def test_half_of_memory_is_something() -> None:
    assert memory.half_of_memory() >= 512 * 1024 * 1024
