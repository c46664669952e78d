# SPDX-License-Identifier: GPL-3.0-or-later
"""helm with limits: what a hostile API server makes it read ends that helm, and not the control node."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS, ROOT

PROGRAM = ROOT / "files" / "helm" / "bounded_helm"
#: A helm that shows what it was given.
SHOWING = """#!/bin/sh
printf '<%s>' "$@"
cat
echo said >&2
exit 3
"""


def run(helm: str | Path, *arguments: str, given: str = "", seconds: str = "600") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env={"PATH": os.environ["PATH"], "LAB_HELM": str(helm), "LAB_HELM_SECONDS": seconds},
        input=given.encode(),
        capture_output=True,
        timeout=HANGS,
        check=False,
    )


def python(code: str, seconds: str = "600") -> subprocess.CompletedProcess[bytes]:
    """Run it with Python in helm's place."""
    return run(sys.executable, "-c", code, seconds=seconds)


def test_helm_is_given_what_it_would_be_given_and_ends_as_it_does(tmp_path: Path) -> None:
    helm = tmp_path / "my helm"
    helm.write_text(SHOWING)
    helm.chmod(0o700)
    done = run(helm, "a b", "it's", "$HOME", "", given="from stdin")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"<a b><it's><$HOME><>from stdin", b"said\n")


def test_memory_is_bounded() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("macOS does not limit memory")
    done = python("held = bytearray(2 << 30)")
    assert (done.returncode, b"MemoryError" in done.stderr) == (1, True)
    assert python("held = bytearray(100 << 20)").returncode == 0


def test_files_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "big"
    assert python(f"open({str(path)!r}, 'wb').write(bytes(300 << 20))").returncode != 0
    assert path.stat().st_size <= 256 << 20


def test_output_is_bounded() -> None:
    """Ansible reads it into memory, and as YAML."""
    done = run("yes")
    assert (done.returncode, done.stderr) == (141, b"helm printed more than 4194304 bytes\n")
    assert len(done.stdout) == 4194304


def test_time_is_bounded_and_nothing_is_left_running(tmp_path: Path) -> None:
    note = tmp_path / "process"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep({HANGS})"
    done = python(code, seconds="2")
    assert (done.returncode, done.stderr) == (124, b"helm did not end within 2 s\n")
    # It may have been ended before it noted itself.
    if note.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(note.read_text()), 0)


def test_without_a_program_it_says_what_to_give() -> None:
    done = run("")
    assert done.returncode == 127
    assert b"lab_helm_environment" in done.stderr
