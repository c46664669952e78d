# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the collection can be built, and works when installed into an empty place."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from project import files
from tarball import build, install, run

MADE_BY_GALAXY = {"FILES.json", "MANIFEST.json"}
NEEDED = {
    "COPYING",
    "README.md",
    "files/charts/temporal-lab/Chart.yaml",
    "files/node/go.mod",
    "meta/runtime.yml",
    "playbooks/lab.yml",
}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tarball = build(place)
        with tarfile.open(tarball) as archive:
            packed = {member.name for member in archive if not member.isdir()}

        ours = {str(name) for name in files()} | MADE_BY_GALAXY
        wrong = [f"{name} is in the tarball and not a file of the project" for name in sorted(packed - ours)]
        wrong += [f"{name} is not in the tarball" for name in sorted(NEEDED - packed)]
        if wrong:
            print(*wrong, sep="\n")
            return 1

        empty = install(tarball, place)
        playbook = ["ansible-playbook", "--inventory", "localhost,", "--list-tags", "temporal_lab.benchmarking.lab"]
        run(*playbook, cwd=place, **empty)
        print(f"{len(packed)} files in {tarball.name}, {tarball.stat().st_size / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
