# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the collection can be built, and works when installed into an empty place."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from project import ROOT, files

MADE_BY_GALAXY = {"FILES.json", "MANIFEST.json"}
NEEDED = {
    "COPYING",
    "README.md",
    "files/charts/temporal-lab/Chart.yaml",
    "files/node/go.mod",
    "meta/runtime.yml",
    "playbooks/lab.yml",
}


def run(*command: str, cwd: Path, **environment: str) -> None:
    print("$", " ".join(command), flush=True)
    subprocess.run(command, cwd=cwd, check=True, env={**os.environ, **environment})


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run("ansible-galaxy", "collection", "build", "--output-path", folder, cwd=ROOT)
        [tarball] = place.glob("temporal_lab-benchmarking-*.tar.gz")
        with tarfile.open(tarball) as archive:
            packed = {member.name for member in archive if not member.isdir()}

        ours = {str(name) for name in files()} | MADE_BY_GALAXY
        wrong = [f"{name} is in the tarball and not a file of the project" for name in sorted(packed - ours)]
        wrong += [f"{name} is not in the tarball" for name in sorted(NEEDED - packed)]
        if wrong:
            print(*wrong, sep="\n")
            return 1

        # From here on as a user who has the tarball and nothing of this checkout.
        (place / "ansible.cfg").touch()
        empty = {"ANSIBLE_COLLECTIONS_PATH": f"{folder}/collections", "ANSIBLE_CONFIG": f"{folder}/ansible.cfg"}
        install = ["ansible-galaxy", "collection", "install", "--offline", str(tarball)]
        run(*install, "--collections-path", f"{folder}/collections", cwd=place, **empty)
        playbook = ["ansible-playbook", "--inventory", "localhost,", "--list-tags", "temporal_lab.benchmarking.lab"]
        run(*playbook, cwd=place, **empty)
        print(f"{len(packed)} files in {tarball.name}, {tarball.stat().st_size / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
