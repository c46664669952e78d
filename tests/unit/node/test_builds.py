# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of builds, with small parts that really are built."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import stat
import threading

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import builds, go
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.parts import Part, parts
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.progress import Progress


@pytest.fixture
def workshop(tmp_path):
    files = tmp_path / "files"
    (files / "source").mkdir(parents=True)
    (files / "source" / "a.txt").write_text("one")
    return builds.Workshop(tmp_path / "cache", files, "/nonexistent/go", "go version go1.26.8 linux/amd64")


@pytest.fixture(autouse=True)
def small_disk(monkeypatch):
    monkeypatch.setattr(builds, "FREE_DISK", 1)


def part(name: str = "first", **changes) -> Part:
    """A part that copies a file and counts how often it is built."""
    script = "cat {files}/source/a.txt > {out}/built; echo x >> {files}/../count-" + name
    return dataclasses.replace(Part(name, f"part {name}", 1, (("sh", "-c", script),), sources=("source",)), **changes)


def counted(workshop, name="first") -> int:
    file = workshop.files.parent / f"count-{name}"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_a_part_is_built_once(workshop):
    lines: list[str] = []
    folders = builds.build([part()], workshop, lines.append)
    assert (folders["first"] / "built").read_text() == "one"
    assert builds.build([part()], workshop, lines.append) == folders
    assert counted(workshop) == 1
    assert builds.missing([part()], workshop) == []


def test_a_changed_source_is_a_new_build(workshop):
    before = builds.build([part()], workshop, str)["first"]
    (workshop.files / "source" / "a.txt").write_text("two")
    after = builds.build([part()], workshop, str)["first"]
    assert before != after
    assert (after / "built").read_text() == "two"


@pytest.mark.parametrize(
    "change",
    [{"commands": (("true",),)}, {"environment": {"A": "b"}}, {"sources": ()}],
    ids=["commands", "environment", "sources"],
)
def test_the_key_follows_what_decides_the_content(workshop, change):
    key = builds.keys([part()], workshop.files, workshop.go_version)
    assert builds.keys([part(**change)], workshop.files, workshop.go_version) != key


def test_the_key_follows_the_parts_needed_and_the_go_version(workshop):
    first, second = part(), part("second", needs=("first",))
    key = builds.keys([first, second], workshop.files, "go1")["second"]
    assert builds.keys([part(environment={"A": "b"}), second], workshop.files, "go1")["second"] != key
    go = part(commands=(("go", "version"),))
    assert builds.keys([go], workshop.files, "go1") != builds.keys([go], workshop.files, "go2")
    assert builds.keys([first], workshop.files, "go1") == builds.keys([first], workshop.files, "go2")


def test_a_part_finds_the_one_it_needs(workshop):
    second = part("second", commands=(("sh", "-c", "cp {first}/built {out}/copied"),), needs=("first",))
    folders = builds.build([part(), second], workshop, str)
    assert (folders["second"] / "copied").read_text() == "one"


def test_a_build_that_was_cut_off_is_done_again(workshop):
    partial = workshop.cache / "builds" / "first.partial"
    partial.mkdir(parents=True)
    (partial / "half").write_text("half")
    folder = builds.build([part()], workshop, str)["first"]
    assert sorted(entry.name for entry in folder.iterdir()) == ["built"]


def test_two_at_once_build_it_once(workshop):
    slow = part(commands=(("sleep", "0.3"), *part().commands))
    threads = [threading.Thread(target=builds.build, args=([slow], workshop, str)) for _thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(workshop) == 1


@pytest.mark.parametrize(
    ("says", "cure"),
    [
        ("dial tcp 192.0.2.1:443: connect: connection refused", "a package registry did not answer"),
        ("Could not resolve 'packages.example'", "a package registry did not answer"),
        ("write /x: no space left on device", "the disk is full"),
        ("main.go:1: syntax error", "read the log"),
    ],
)
def test_a_failed_build_says_what_and_what_to_do(workshop, says, cure):
    failing = part(commands=(("sh", "-c", f'echo "{says}"; exit 3'),))
    with pytest.raises(LabError) as caught:
        builds.build([failing], workshop, str)
    assert caught.value.msg.startswith("building part first failed: `sh -c …` ended with 3 (")
    assert says.split(":")[0] in caught.value.msg
    assert cure in caught.value.msg
    assert str(workshop.cache / "builds" / "first.log") in caught.value.msg
    assert builds.missing([failing], workshop) == [failing]


def test_a_missing_command_is_named(workshop):
    with pytest.raises(LabError, match="needs the command no-such-command, which this machine does not have"):
        builds.build([part(commands=(("no-such-command",),))], workshop, str)


def test_too_little_disk_is_said_before_anything_is_built(workshop, monkeypatch):
    monkeypatch.setattr(builds, "FREE_DISK", 1 << 60)
    with pytest.raises(LabError, match="free some, or set XDG_CACHE_HOME"):
        builds.build([part()], workshop, str)
    assert counted(workshop) == 0


def test_progress_names_what_is_built_and_how_long_it_takes():
    progress = Progress(2)
    progress.start(part(seconds=200, title="Temporal server"))
    assert progress.line() == "building Temporal server 0:00 of about 3:20 (0 of 2 parts done)"


def test_progress_says_when_it_is_another_process_that_builds(workshop, monkeypatch):
    monkeypatch.setattr(builds, "PROGRESS_INTERVAL", 0.05)
    (workshop.cache / "builds").mkdir(parents=True)
    lines: list[str] = []
    with (workshop.cache / "builds" / "first.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.3, fcntl.flock, [lock, fcntl.LOCK_UN]).start()
        builds.build([part()], workshop, lines.append)
    assert "waiting for another process to build the same part (0 of 1 parts done)" in lines
    assert counted(workshop) == 1


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/amd64", (1, 27, 0)),
        ("no go here", None),
    ],
)
def test_go_versions(text, version):
    assert go.parse_go_version(text) == version


def fake_go(folder, says: str) -> None:
    folder.mkdir()
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)


@pytest.fixture
def bare_path(tmp_path, monkeypatch):
    """A machine without Go: PATH is one folder, and there is none beside Python."""
    monkeypatch.setattr(go.sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "go"))
    return tmp_path / "go"


def test_a_go_new_enough_is_found(bare_path):
    fake_go(bare_path, "go version go1.99.0 linux/amd64")
    assert go.find_go() == (str(bare_path / "go"), "go version go1.99.0 linux/amd64")


def test_a_go_too_old_is_named_with_the_cure(bare_path):
    fake_go(bare_path, "go version go1.19.8 linux/amd64")
    with pytest.raises(LabError, match=r"Go 1\.26\.7 or newer, but .* is go version go1\.19\.8 .*: run make setup"):
        go.find_go()


def test_no_go_is_said_with_the_cure(bare_path):
    with pytest.raises(LabError, match="there is none on PATH: run make setup"):
        go.find_go()


def test_every_part_is_named_once_and_after_those_it_needs():
    seen: set[str] = set()
    for each in parts():
        assert each.name not in seen
        assert set(each.needs) <= seen
        seen.add(each.name)


def test_every_image_has_its_archive():
    for each in parts():
        if each.image:
            assert any(f"docker-archive:{{out}}/image.tar:{each.image}" in command for command in each.commands)


def test_nothing_is_built_or_taken_from_a_cache_that_others_can_write_to(workshop):
    folders = builds.build([part()], workshop, str)
    for folder in (workshop.cache, workshop.cache / "builds"):
        folder.chmod(0o777)
        for job in (
            lambda: builds.build([part()], workshop, str),
            lambda: builds.missing([part()], workshop),
            lambda: builds.build([part(environment={"A": "b"})], workshop, str),
        ):
            with pytest.raises(LabError, match=r"every user can write to .* set XDG_CACHE_HOME"):
                job()
        folder.chmod(0o755)
    assert builds.build([part()], workshop, str) == folders
    assert counted(workshop) == 1


def test_asking_what_is_missing_makes_nothing(workshop):
    assert builds.missing([part()], workshop) == [part()]
    assert not workshop.cache.exists()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_build_has_the_same_modes_under_any_umask(workshop, umask):
    before = os.umask(umask)
    try:
        folder = builds.build([part()], workshop, str)["first"]
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "built").stat().st_mode) == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755 & ~umask
    top = workshop.cache / "builds"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (workshop.cache, top)] == [0o700, 0o700]
    assert {stat.S_IMODE(path.stat().st_mode) for path in top.iterdir() if path.is_file()} == {0o600}


def test_go_builds_from_no_folder_that_others_can_write_to(workshop, tmp_path):
    shared = tmp_path / "gocache"
    shared.mkdir()
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho {shared}\necho off\n")
    go.chmod(0o755)
    with_go = dataclasses.replace(workshop, go=str(go))
    builds.check_go_caches(with_go)
    shared.chmod(0o777)
    with pytest.raises(LabError, match=r"GOCACHE .* every user can write to"):
        builds.build([part()], with_go, str)
    assert counted(workshop) == 0
