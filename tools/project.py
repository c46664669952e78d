# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks know of this checkout."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files() -> list[Path]:
    """The project's files, relative to its root: what git tracks, or would after `git add --all`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = sorted({Path(name) for name in listed.split("\0") if name})
    return [name for name in names if (ROOT / name).is_file()]


def cache() -> Path:
    """The folder for what the checks of this checkout keep outside of it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "temporal_lab" / f"checks-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"


def publishing() -> Path:
    """The virtual environment of what publishing needs, which `tools/setup.sh publish` makes."""
    key = hashlib.sha256((ROOT / "requirements" / "publish.txt").read_bytes()).hexdigest()[:12]
    return (ROOT / ".venv").resolve() / f"publish-{key}"


def publishing_environment(**more: str) -> dict[str, str]:
    """The environment for the programs of `publishing`: they come first, and find no settings of this checkout."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "VIRTUAL_ENV"))}
    path = os.pathsep.join([str(publishing() / "bin"), os.environ["PATH"]])
    return {**own, "PATH": path, **more}
