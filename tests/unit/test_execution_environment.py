# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment holds what `make setup` brings, and ansible-builder takes its definition."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
WANTED = re.compile(r"^([A-Za-z0-9_.-]+)[<>=~!]", re.MULTILINE)


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


def pins(name: str) -> dict[str, str]:
    """Package and version of what is pinned in a file of requirements/."""
    return dict(PIN.findall((ROOT / "requirements" / name).read_text()))


def builder() -> str:
    """ansible-builder beside this Python or on PATH; skips where there is none."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("ansible-builder", path=places)
    if found is None:
        pytest.skip("ansible-builder is not installed")
    return found


@pytest.fixture
def definition() -> dict[str, Any]:
    return load("execution-environment.yml")


def test_the_versions_are_those_of_setup(definition: dict[str, Any]) -> None:
    depends = definition["dependencies"]
    chosen = dict(PIN.findall("\n".join([depends["ansible_core"]["package_pip"], *depends["python"]])))
    wanted = WANTED.findall((ROOT / "requirements" / "run.in").read_text())
    assert sorted(chosen) == sorted(wanted)
    assert len(chosen) == len(depends["python"]) + 1
    pinned = pins("run.txt")
    assert chosen == {name: pinned[name] for name in chosen}


def test_the_runner_is_the_one_that_is_tested(definition: dict[str, Any]) -> None:
    [(name, version)] = PIN.findall(definition["dependencies"]["ansible_runner"]["package_pip"])
    assert name == "ansible-runner"
    assert pins("test.txt").get(name, version) == version


def test_the_python_is_one_that_ansible_runs_on(definition: dict[str, Any]) -> None:
    python = definition["dependencies"]["python_interpreter"]
    assert re.fullmatch(r"python3\.1[123]", python["package_system"])
    assert python["python_path"] == f"/usr/bin/{python['package_system']}"


def test_the_base_has_no_registry(definition: dict[str, Any]) -> None:
    """Where a short name comes from is the choice of whoever builds it."""
    assert "/" not in definition["images"]["base_image"]["name"]


def test_the_collections_are_those_of_galaxy_yml(definition: dict[str, Any]) -> None:
    asked = load(definition["dependencies"]["galaxy"])["collections"]
    assert {entry["name"]: entry["version"] for entry in asked} == load("galaxy.yml")["dependencies"]


def test_the_collection_says_what_it_needs() -> None:
    """What its definition names has to be in the archive, or ansible-builder finds nothing in it."""
    needs = load("meta/execution-environment.yml")
    assert needs["version"] == 1
    ignored = load("galaxy.yml")["build_ignore"]
    for path in needs["dependencies"].values():
        assert (ROOT / path).is_file()
        assert not {path, path.partition("/")[0]} & set(ignored)
    lines = (ROOT / needs["dependencies"]["python"]).read_text().splitlines()
    # ansible-builder does not take options of pip such as -c or --hash.
    assert not [line for line in lines if line.startswith("-") or "--hash" in line]


def test_ansible_builder_takes_it(tmp_path: Path, definition: dict[str, Any]) -> None:
    program = builder()
    for name in ("execution-environment.yml", "requirements.yml", "tools/archives.py", "requirements/archives.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    # Only its name matters here; tools/check_galaxy.py builds the real one.
    archive = tmp_path / f"temporal_lab-benchmarking-{load('galaxy.yml')['version']}.tar.gz"
    archive.write_bytes(b"an archive")
    command = [program, "create", "--context", "context", "--output-filename", "Containerfile"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    build = tmp_path / "context" / "_build"
    assert (build / "requirements.txt").read_text().split() == definition["dependencies"]["python"]
    assert (build / "requirements.yml").read_text() == (ROOT / "requirements.yml").read_text()
    assert (build / "lab" / archive.name).read_bytes() == b"an archive"
    # As tools/archives.py looks for it: beside the folder it is in.
    assert (build / "lab" / "tools" / "archives.py").is_file()
    assert (build / "lab" / "requirements" / "archives.txt").is_file()
    steps = (tmp_path / "context" / "Containerfile").read_text()
    assert steps.index("/opt/lab/tools/archives.py") > steps.index("FROM base AS final")
    galaxy = steps[steps.index("FROM base AS galaxy") : steps.index("FROM base AS builder")]
    assert galaxy.index("-r requirements.yml --collections-path") < galaxy.index(
        "/build/lab/temporal_lab-benchmarking-"
    )
