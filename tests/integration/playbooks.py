# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands as a user would, and reading what a playbook that failed tells."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def environment(**variables: str) -> dict[str, str]:
    """The user's own, without settings of Ansible, of molecule or of kubectl of the one who runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "KUBE"))}
    return {**own, "ANSIBLE_NOCOLOR": "true", **variables}


def run(command: list[Any], text: str = "", timeout: int = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command from the repository's root. variables: of the environment, besides the user's own."""
    return subprocess.run(
        [str(part) for part in command],
        input=text,
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def message(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed run tells the user: the msg of its last task that failed, on one line."""
    found = re.findall(r"^fatal: .*?\n(.*?)(?=\n\n|\n\t|\nTASK|\nPLAY)", done.stdout, re.MULTILINE | re.DOTALL)
    assert found, done.stdout
    return " ".join(yaml.safe_load(found[-1])["msg"].split())
