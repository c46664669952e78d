# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders from which root takes programs: nobody else may be able to write there, nor put another in their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import owned_folder
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.owned_folder import folder_fault, own_folder

CURE = "set XDG_CACHE_HOME to another folder"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(0o755)
    return folder


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_missing_folder_is_made_for_its_owner_alone(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        own_folder(home / ".cache" / "lab", "The cache", CURE)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (home / ".cache", home / ".cache" / "lab")] == [0o700, 0o700]


def test_a_folder_that_others_can_only_read_stays_as_it_is(home: Path) -> None:
    (home / "lab").mkdir(0o755)
    own_folder(home / "lab", "The cache", CURE)
    assert (home / "lab").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("name", "mode", "told"),
    [
        ("home/lab", 0o777, "every user can write to"),
        ("home/lab", 0o1777, "every user can write to"),
        ("home", 0o777, "every user can write to"),
        ("home", 0o1777, ""),
        ("home/lab", 0o770, "the group"),
    ],
)
def test_where_others_can_write_nothing_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: int, told: str
) -> None:
    monkeypatch.setattr(owned_folder, "_private_group", lambda status: False)
    (tmp_path / "home" / "lab").mkdir(parents=True)
    (tmp_path / name).chmod(mode)
    if not told:
        own_folder(tmp_path / "home" / "lab", "The cache", CURE)
        return
    with pytest.raises(LabError) as caught:
        own_folder(tmp_path / "home" / "lab", "The cache", CURE)
    assert f"because {told} " in caught.value.msg
    assert str(tmp_path / name) in caught.value.msg
    assert caught.value.msg.endswith(f"or {CURE}.")


def test_nothing_is_made_where_everybody_can_write(home: Path) -> None:
    home.chmod(0o777)
    with pytest.raises(LabError, match="every user can write"):
        own_folder(home / "lab", "The cache", CURE)
    assert list(home.iterdir()) == []


def test_the_folder_itself_must_be_the_users_own_even_if_root_made_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "lab").mkdir()
    if home.stat().st_uid == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        assert folder_fault(home / "lab").endswith("lab belongs to the user root")
    else:
        assert folder_fault(home / "lab") == ""


def test_where_a_link_leads_is_looked_at_too(home: Path) -> None:
    (home / "open").mkdir()
    (home / "open" / "lab").mkdir()
    (home / "lab").symlink_to(home / "open" / "lab")
    assert folder_fault(home / "lab") == ""
    (home / "open").chmod(0o777)
    assert folder_fault(home / "lab") == f"every user can write to {home / 'open'}"


def test_a_group_of_the_users_own_is_nobody_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.chmod(0o775)
    monkeypatch.setattr(owned_folder, "_private_group", lambda status: True)
    assert folder_fault(home) == ""


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(LabError, match=r"The cache .* cannot be used: "):
        own_folder(home / "file" / "lab", "The cache", CURE)
