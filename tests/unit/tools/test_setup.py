# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/setup.sh takes programs from the cache only where nobody else can have put them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[3] / "tools" / "setup.sh"


def own_cache(cache: Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    """Run the function of the script that makes or checks the cache."""
    functions = re.findall(
        r"^(?:fail|own_cache|check_folder)\(\) \{.*?^\}", SETUP.read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(functions) == 3
    script = "\n".join(["set -euo pipefail", f"umask {umask:03o}", f"cache='{cache}'", *functions, "own_cache; umask"])
    return subprocess.run(["bash", "-c", script], text=True, capture_output=True, check=False)


@pytest.mark.parametrize(("umask", "after"), [(0o000, "0022"), (0o002, "0022"), (0o077, "0077")])
def test_a_new_cache_is_its_owners_alone_and_what_is_made_in_it_is_not_open(
    tmp_path: Path, umask: int, after: str
) -> None:
    said = own_cache(tmp_path / "home" / ".cache" / "temporal_lab", umask)
    assert (said.returncode, said.stdout.strip(), said.stderr) == (0, after, "")
    assert (tmp_path / "home" / ".cache" / "temporal_lab").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "home" / ".cache").stat().st_mode & 0o022 == 0


@pytest.mark.parametrize(
    ("name", "mode", "told"),
    [
        ("home", 0o777, "every user can write to"),
        ("home/temporal_lab", 0o777, "every user can write to"),
        ("home/temporal_lab", 0o1777, "every user can write to"),
        ("home/temporal_lab", 0o755, ""),
        ("home", 0o1777, ""),
    ],
)
def test_a_cache_that_others_can_write_to_is_refused(tmp_path: Path, name: str, mode: int, told: str) -> None:
    cache = tmp_path / "home" / "temporal_lab"
    cache.mkdir(parents=True)
    (tmp_path / name).chmod(mode)
    said = own_cache(cache)
    if told:
        assert said.returncode == 1
        assert said.stderr == (
            f"setup: {told} {tmp_path / name}: chmod o-w it, or set XDG_CACHE_HOME to another folder.\n"
        )
    else:
        assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_cache_that_another_user_prepared_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 4711, 4711)
    said = own_cache(tmp_path / "home" / "temporal_lab")
    assert said.returncode == 1
    assert f"{tmp_path / 'home'} belongs to" in said.stderr
    assert list((tmp_path / "home").iterdir()) == []
