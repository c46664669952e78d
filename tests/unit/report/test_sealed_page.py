# SPDX-License-Identifier: GPL-3.0-or-later
"""A class page links only to pages that this user's lab wrote, for that student and run, as they were written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_report, sealed_page
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.sealed_page import (
    is_sealed,
    page_key,
    sealed,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, STUDENT, Lab, do

KEY = bytes(range(32))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(sealed("<html>ä</html>\n", "ann", "r", KEY))
    return path


def test_a_page_is_known_by_its_seal(page: Path) -> None:
    assert is_sealed(page, "ann", "r", KEY)


@pytest.mark.parametrize(
    ("student", "run", "key"), [("bob", "r", KEY), ("ann", "s", KEY), ("annr", "", KEY), ("ann", "r", KEY[::-1])]
)
def test_a_seal_is_for_one_student_run_and_user(page: Path, student: str, run: str, key: bytes) -> None:
    assert not is_sealed(page, student, run, key)


def test_a_page_that_was_changed_is_not_known(page: Path) -> None:
    text = page.read_text()
    for changed in (text.replace("ä", "<script>"), text + " ", "x" + text, text.rstrip("\n"), "", text[-80:]):
        page.write_text(changed)
        assert not is_sealed(page, "ann", "r", KEY)
    page.write_text(sealed(text, "ann", "r", KEY))
    assert is_sealed(page, "ann", "r", KEY)


def test_a_link_or_a_pipe_is_no_page(page: Path) -> None:
    (page.parent / "link").symlink_to(page)
    os.mkfifo(page.parent / "pipe")
    for name in ("link", "pipe", "none"):
        assert not is_sealed(page.parent / name, "ann", "r", KEY)


def test_without_a_key_nothing_is_sealed_and_nothing_known(page: Path) -> None:
    assert sealed("text", "ann", "r", b"") == "text"
    assert not is_sealed(page, "ann", "r", b"")
    page.write_text(sealed("text", "ann", "r", KEY))
    assert not is_sealed(page, "ann", "r", b"")


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_key_is_made_once_for_its_owner_alone(state_home: Path, umask: int) -> None:
    assert page_key(make=False) == b""
    before = os.umask(umask)
    try:
        key = page_key(make=True)
    finally:
        os.umask(before)
    assert len(key) == 32
    assert page_key(make=True) == page_key(make=False) == key
    [path] = state_home.rglob(sealed_page.KEY_FILE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_key_that_others_can_read_or_change_is_none(state_home: Path) -> None:
    page_key(make=True)
    [path] = state_home.rglob(sealed_page.KEY_FILE)
    path.chmod(0o640)
    assert page_key(make=True) == b""
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert page_key(make=True) == b""


def test_without_a_place_for_the_key_a_report_is_made_all_the_same(
    measured: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/none")
    do(lab_report, measured.folder)
    assert (measured.path / "report.html").read_text().endswith("</html>\n")


def test_a_report_is_sealed_and_a_second_one_is_no_change(measured: Lab) -> None:
    assert do(lab_report, measured.folder)["changed"]
    assert not do(lab_report, measured.folder)["changed"]
    assert is_sealed(measured.path / "report.html", STUDENT, RUN, page_key(make=False))


def test_check_mode_makes_no_key(measured: Lab, state_home: Path) -> None:
    do(lab_report, measured.folder, check=True)
    assert list(state_home.rglob("*")) == []
