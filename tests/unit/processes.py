# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests with servers and programs of their own have in common."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Where the collection is found by its full name: a link in a checkout, the folder itself for ansible-test.
COLLECTIONS = ROOT.parents[2] if "ansible_collections" in ROOT.parts else ROOT / "collections"

#: Before a command: it is killed when the process that started it ends, however that ended. Without it a test run
#: that is killed leaves its servers behind, and so does ansible-test, whose forks end without their fixtures' ends.
ENDS_WITH_ITS_STARTER = ("setpriv", "--pdeathsig", "KILL")


def ansible_environment(home: Path) -> dict[str, str]:
    """The environment for a playbook: the collection is found, and no settings of the user's or of ansible-test's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return environment | {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1", "HOME": str(home)}


#: Seconds after which a program hangs, and is not just slow: nothing is tested by how long it takes.
HANGS = 900


def run_ansible(
    program: str, folder: Path, *arguments: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs in a folder, in ansible_environment and these further variables of it.

    What a newer ansible-core will refuse is an error today.
    """
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *map(str, arguments)],
        env=ansible_environment(folder) | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert "[DEPRECATION WARNING]" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


def run_playbook(
    folder: Path, hosts: str, *arguments: str | Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook as run_ansible does, for hosts that are this machine: an inventory, or names as ``a,b,``."""
    return run_ansible("ansible-playbook", folder, "-i", hosts, "-c", "local", *arguments, **variables)


def eventually(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Return the first true value of `condition`; fail when there is none in time, on a busy machine too."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
    return value


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
