# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all, and what is secret is never readable by others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.files import (
    private_file_beside,
    put_file,
    read_regular_file,
    write_new_file,
)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        put_file(path, content)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(OSError):
        put_file(tmp_path / "folder", b"text")
    assert names(tmp_path) == ["folder"]


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_new_file(path, b"one")
    assert not write_new_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["file"]


def test_a_private_file_is_for_its_owner_and_moved_by_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    with private_file_beside(path, "text") as beside:
        assert beside.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        os.replace(beside, path)
    assert read_regular_file(path, 2) == (b"te", 0o600)
    with private_file_beside(path, "other"):
        pass
    assert path.read_text() == "text"
    assert names(path.parent) == ["secret"]


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_regular_file(tmp_path / "pipe", 10) is None
    assert read_regular_file(tmp_path, 10) is None
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "none", 10)
