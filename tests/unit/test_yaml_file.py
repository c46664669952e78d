# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML of others ends in values or in one sentence, whatever it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.yaml_file import (
    DEEPEST,
    LARGEST,
    MOST,
    NotYaml,
    check_yaml,
    compose_yaml,
    read_yaml,
    read_yaml_file,
)

WHAT, CURE = "The file k", "get another one"


def refusal(text: str | bytes) -> str:
    """Why the text is refused: by each of the ways to read it."""
    with pytest.raises(NotYaml) as read:
        read_yaml(text, WHAT, CURE)
    with pytest.raises(NotYaml) as composed:
        compose_yaml(text, WHAT, CURE)
    assert read.value.msg == composed.value.msg
    assert read.value.msg.startswith(f"{WHAT} ")
    assert read.value.msg.endswith(f": {CURE}.")
    assert read.value.msg.isprintable()
    assert len(read.value.msg) < 300
    return read.value.msg


def test_values_are_read_from_text_bytes_and_files(tmp_path: Path) -> None:
    expected = {"a": [1, 2.5, True, None, "é"], "b": {"c": "007"}}
    text = "a: [1, 2.5, true, null, é]\nb: {c: '007'}\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_yaml(text.encode(encoding), WHAT, CURE) == expected
    (tmp_path / "f").write_text(text, encoding="utf-8")
    assert read_yaml_file(tmp_path / "f", WHAT, CURE) == read_yaml(text, WHAT, CURE) == expected
    data, node = compose_yaml(text, WHAT, CURE)
    assert data == expected
    assert node.value[1][0].start_mark.line == 1
    assert read_yaml("", WHAT, CURE) is None
    assert compose_yaml("# nothing", WHAT, CURE) == (None, None)


def test_aliases_are_read_as_far_as_a_person_writes_them() -> None:
    text = "base: &base {image: a}\nmore: {<<: *base, tag: b}\nlist: [*base, *base]\n"
    values = read_yaml(text, WHAT, CURE)
    assert values["more"] == {"image": "a", "tag": "b"}
    assert values["list"] == [{"image": "a"}] * 2


@pytest.mark.parametrize(
    "text",
    [
        "[" * 300_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "? " * 400_000,
        "\n".join(" " * level + "a:" for level in range(1000)),
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
    ],
)
def test_deep_nesting_is_refused_before_anything_recurses(text: str) -> None:
    assert f"deeper than {DEEPEST} levels" in refusal(text)


def test_nesting_as_deep_as_allowed_is_read() -> None:
    value = read_yaml("[" * DEEPEST + "]" * DEEPEST, WHAT, CURE)
    depth = 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == DEEPEST - 1


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 10)]
    assert f"more than {MOST:,} values (line " in refusal("\n".join(lines))
    merged = ["a0: &a0 {k0: 1}"]
    merged += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}" for n in range(1, 40)]
    assert f"more than {MOST:,} values (line " in refusal("\n".join(merged))


def test_too_many_values_are_refused() -> None:
    assert f"more than {MOST:,} values" in refusal("[" + "1," * (MOST + 1) + "1]")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: *nothing"])
def test_an_alias_to_itself_or_to_nothing_is_refused(text: str) -> None:
    assert "an alias that leads to itself or to nothing, *" in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "(line "),
        ("a: 1\n b: 2", "(line 2)"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "is not YAML"),
        ("a: \0", "is not YAML"),
        ("a: \x1b[31m", "is not YAML"),
        ("? [a]\n: b", "unhashable key"),
        ("a: !!int abc", "ValueError"),
        ("a: !!int ''", "IndexError"),
        ("a: !!float ''", "IndexError"),
        ("a: !!bool abc", "KeyError"),
        ("a: !!timestamp abc", "AttributeError"),
        ("a: 2001-99-99", "ValueError"),
        ("a: 2001-01-01T00:00:00+99:00", "ValueError"),
        ("a: !!binary é", "is not YAML"),
        ("a: !!omap [1]", "is not YAML"),
        ("a: " + "9" * 5000, "a number of 5000 characters (line 1)"),
        ("a: 1" + ":59" * 30_000, "a number of 90001 characters (line 1)"),
        ("é".encode("latin-1"), "is not text in UTF-8"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        ("#" * (LARGEST + 1), "is larger than 1 MiB"),
    ],
)
def test_what_is_no_yaml_is_said_in_one_sentence(text: str | bytes, said: str) -> None:
    assert said in refusal(text)


def test_files_that_do_not_end_or_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(NotYaml, match="is not a regular file: get another one"):
            read_yaml_file(path, WHAT, CURE)
    (tmp_path / "large").write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(NotYaml, match="is larger than 1 MiB"):
        read_yaml_file(tmp_path / "large", WHAT, CURE)
    assert read_yaml_file(tmp_path / "large", WHAT, CURE, largest=2 * LARGEST) is None
    with pytest.raises(FileNotFoundError):
        read_yaml_file(tmp_path / "none", WHAT, CURE)


def test_checked_text_can_go_to_another_parser() -> None:
    assert check_yaml("a: !vault x".encode("utf-8-sig"), WHAT, CURE) == "a: !vault x"


#: All have the hash 0.
SAME = 2**61 - 1


@pytest.mark.parametrize(
    "text",
    [
        "{" + ", ".join(f"{SAME * n}: 1" for n in range(1, 30_000)) + "}",
        "{" + ", ".join(f"0x{SAME * n:x}: 1" for n in range(1, 30_000)) + "}",
        "{" + ", ".join(f"!!int ' {SAME * n}': 1" for n in range(1, 20_000)) + "}",
        "\n".join(f"? {SAME * n}" for n in range(1, 30_000)),
        f"- [{', '.join(f'&a{n} {SAME * n}' for n in range(1, 9_000))}]\n"
        f"- {{{', '.join(f'*a{n} : 1' for n in range(1, 9_000))}}}",
    ],
)
def test_keys_that_are_made_to_share_a_hash_are_refused(text: str) -> None:
    assert "has more than 1,000 keys that are no plain text" in refusal(text)


@pytest.mark.parametrize("number", ["1:" * 400_000 + "1", " " + "1:" * 400_000 + "1", "9" * 500_000])
@pytest.mark.parametrize("tag", ["!!int", "!!float"])
def test_a_number_is_as_long_in_quotes(number: str, tag: str) -> None:
    assert "has a number of " in refusal(f"a: {tag} '{number}'")


def test_keys_as_people_write_them() -> None:
    text = "{" + ", ".join(f"k{n}: {{{n}: 1}}" for n in range(900)) + "}"
    assert len(read_yaml(text, WHAT, CURE)) == 900
    long = "a" * 500
    assert read_yaml(f"'{long}': '{'1' * 200}'", WHAT, CURE) == {long: "1" * 200}
