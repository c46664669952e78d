# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as Galaxy gets it: built, and installed into an empty place."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from project import ROOT

NAMESPACE, NAME = "temporal_lab", "benchmarking"


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Show a command and run it; CalledProcessError if it fails."""
    print("$", " ".join(command), flush=True)
    subprocess.run(command, cwd=cwd, check=True, env={**os.environ, **environment})


def build(folder: Path) -> Path:
    """Build the collection into a folder, and return the tarball."""
    run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder), cwd=ROOT)
    [tarball] = folder.glob(f"{NAMESPACE}-{NAME}-*.tar.gz")
    return tarball


def install(tarball: Path, place: Path) -> dict[str, str]:
    """Install it into an empty place, as a user who has the tarball and nothing of this checkout.

    Returns the environment in which Ansible finds it there.
    """
    (place / "ansible.cfg").touch()
    empty = {"ANSIBLE_COLLECTIONS_PATH": f"{place}/collections", "ANSIBLE_CONFIG": f"{place}/ansible.cfg"}
    command = ["ansible-galaxy", "collection", "install", "--offline", str(tarball)]
    run(*command, "--collections-path", f"{place}/collections", cwd=place, **empty)
    return empty


def without_links(place: Path) -> Path:
    """A copy of the installed collection whose links are files, and return its folder.

    antsibull-docs takes a link among actions for another name of the same module.
    """
    installed = place / "collections" / "ansible_collections" / NAMESPACE / NAME
    copy = place / "plain" / "ansible_collections" / NAMESPACE / NAME
    shutil.copytree(installed, copy)
    return copy
