# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of make reach Ansible as they were typed, whatever characters they have."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs make in a copy in which set-up does nothing, and Ansible writes down what it is given."""
    folder = tmp_path / "a checkout"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "tools").mkdir()
    for name in ("Makefile", "tools/lab.sh"):
        shutil.copy(ROOT / name, folder / name)
    programs = {
        "tools/setup.sh": '#!/bin/sh\necho setup "$@" >>given\n',
        ".venv/bin/ansible-playbook": f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]), "
        "file=open('given', 'a'))\n",
    }
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "-s", *arguments],
            cwd=folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def given(tmp_path: Path) -> list[str]:
    """What was run, in its order."""
    path = tmp_path / "a checkout" / "given"
    return path.read_text().splitlines() if path.exists() else []


NAMES = ["plain", "two words", "it's", 'say "hi"', "cost $5", "$(touch it)", "`touch it`", "a;b", "back\\slash", "ü"]


@pytest.mark.parametrize("name", NAMES)
def test_a_kubeconfig_may_have_any_name(name: str, make: Make, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfigs" / name
    path.parent.mkdir()
    path.touch()
    done = make("lab", f"KUBECONFIG={path}")
    assert done.returncode == 0, done.stderr
    setup, lab = given(tmp_path)
    # Without the node.
    assert setup == "setup"
    assert json.loads(lab)[:2] == ["lab.yml", "-e"]
    assert json.loads(json.loads(lab)[2]) == {
        "lab_window": "60s",
        "lab_kubeconfig": str(path),
        "lab_distribution": "upstream",
    }
    assert not list(tmp_path.rglob("it"))


@pytest.mark.parametrize("name", NAMES)
def test_other_options_may_be_any_text(name: str, make: Make, tmp_path: Path) -> None:
    done = make("lab", f"STUDENT={name}", f"TAGS={name}", f"WINDOW={name}")
    assert done.returncode == 0, done.stderr
    arguments = json.loads(given(tmp_path)[-1])
    assert arguments[3:] == ["--limit", name, "--tags", name]
    assert json.loads(arguments[2]) == {"lab_window": name}
    assert not list(tmp_path.rglob("it"))


def test_a_kubeconfig_is_found_from_the_checkout_and_from_home(make: Make, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "a checkout"):
        (place / "my kubeconfig").touch()
    for written, path in (("~/my kubeconfig", tmp_path), ("my kubeconfig", tmp_path / "a checkout")):
        assert make("lab", f"KUBECONFIG={written}").returncode == 0
        assert json.loads(json.loads(given(tmp_path)[-1])[2])["lab_kubeconfig"] == str(path / "my kubeconfig")


@pytest.mark.parametrize("target", ["lab", "setup"])
def test_a_kubeconfig_that_is_not_there_is_refused_before_anything_happens(
    target: str, make: Make, tmp_path: Path
) -> None:
    done = make(target, f"KUBECONFIG={tmp_path}/not there")
    assert done.returncode == 2
    assert f"there is no file {tmp_path}/not there: give KUBECONFIG the path of a kubeconfig" in done.stderr
    assert given(tmp_path) == []


def test_a_kubeconfig_of_the_environment_is_not_asked_for(make: Make, tmp_path: Path) -> None:
    assert make("lab", KUBECONFIG="/somewhere").returncode == 0
    assert given(tmp_path)[0] == "setup node"
    assert json.loads(json.loads(given(tmp_path)[-1])[2]) == {"lab_window": "60s"}


@pytest.mark.parametrize(("purge", "purged"), [("", False), ("0", False), ("no", False), ("1", True), ("yes", True)])
def test_only_who_asks_for_it_loses_the_nodes_state(purge: str, purged: bool, make: Make, tmp_path: Path) -> None:
    assert make("node-down", f"PURGE={purge}").returncode == 0
    assert ("node_down_state=absent" in json.loads(given(tmp_path)[-1])) == purged


def test_another_word_for_it_is_refused(make: Make, tmp_path: Path) -> None:
    done = make("node-down", "PURGE=maybe")
    assert done.returncode == 2
    assert "PURGE is maybe: give 1" in done.stderr
    assert given(tmp_path) == []
