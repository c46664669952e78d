# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all, and under no umask can others read what is private."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.files import (
    make_private_folder,
    private_file_beside,
    private_opener,
    put_file,
    read_regular_file,
    write_new_file,
)


@pytest.fixture(autouse=True, params=[0o000, 0o077, 0o277], ids="umask {:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        put_file(path, content)
        assert path.read_bytes() == content
        assert mode(path) == 0o600
    assert names(tmp_path) == ["file"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other")
    (tmp_path / "file").symlink_to(tmp_path / "other")
    put_file(tmp_path / "file", b"mine")
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "other").read_text() == "other"


def test_what_is_meant_for_others_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    put_file(tmp_path / "file", b"text", mode=None)
    os.umask(umask)
    assert mode(tmp_path / "file") == 0o644


def test_folders_are_made_for_their_owner_alone_at_every_level(tmp_path: Path) -> None:
    assert make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3
    (tmp_path / "a").chmod(0o755)
    assert not make_private_folder(tmp_path / "a" / "b" / "c")
    assert mode(tmp_path / "a") == 0o755


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(FileExistsError):
            make_private_folder(path)


def test_a_lock_is_private_and_no_link(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w", encoding="utf-8", opener=private_opener):
        pass
    assert mode(tmp_path / "lock") & 0o077 == 0
    (tmp_path / "link").symlink_to(tmp_path / "made")
    with pytest.raises(OSError), open(tmp_path / "link", "w", encoding="utf-8", opener=private_opener):
        pass
    assert not (tmp_path / "made").exists()


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
        assert mode(beside) == 0o600
        assert mode(path.parent) == 0o700
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


def test_a_link_is_followed_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    assert read_regular_file(tmp_path / "link", 10) is not None
    assert read_regular_file(tmp_path / "link", 10, follow=False) is None
    assert read_regular_file(tmp_path / "loop", 10, follow=False) is None
    with pytest.raises(OSError):
        read_regular_file(tmp_path / "loop", 10)
