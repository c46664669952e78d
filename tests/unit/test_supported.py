# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place that names supported versions says what requirements/supported.yml says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.helm import CORE_FOR_HELM_4
from ansible_collections.temporal_lab.benchmarking.tests.unit.test_docs import table

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED: dict[str, Any] = yaml.safe_load((ROOT / "requirements" / "supported.yml").read_text())
PAIRS: list[dict[str, str]] = SUPPORTED["pairs"]
CORES = [pair["ansible_core"] for pair in PAIRS]


def text(path: str) -> str:
    return (ROOT / path).read_text()


def pinned(path: str, package: str) -> str:
    """The version of a package in a file of pins, as ``major.minor``."""
    found = re.search(rf"^{package}==(\d+\.\d+)\.", text(path), re.MULTILINE)
    assert found, f"no {package} in {path}"
    return found[1]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_pairs_go_up() -> None:
    for earlier, later in zip(PAIRS, PAIRS[1:]):
        assert all(numbers(earlier[key]) <= numbers(later[key]) for key in earlier)
    assert len(set(CORES)) == len(CORES)


def test_ansible_asks_for_the_oldest() -> None:
    assert yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"] == f">={CORES[0]}.0"
    for path in ROOT.glob("roles/*/meta/main.yml"):
        assert yaml.safe_load(path.read_text())["galaxy_info"]["min_ansible_version"] == CORES[0], path


def test_what_setup_installs_is_the_oldest() -> None:
    assert pinned("requirements/run.txt", "ansible-core") == CORES[0]


def test_the_others_have_pins_of_their_own() -> None:
    found = {path.stem.removeprefix("matrix-") for path in ROOT.glob("requirements/matrix-*.txt")}
    assert found == set(CORES[1:])
    for core in CORES[1:]:
        assert pinned(f"requirements/matrix-{core}.txt", "ansible-core") == core
        assert f"matrix-{core}" in text("tools/requirements.sh")


def test_ansible_test_has_exceptions_for_each_and_takes_none_back() -> None:
    files = sorted(ROOT.glob("tests/sanity/ignore-*.txt"))
    assert [path.stem.removeprefix("ignore-") for path in files] == CORES
    for older, newer in zip(files, files[1:]):
        assert set(older.read_text().splitlines()) <= set(newer.read_text().splitlines()), newer
    for path in files:
        for line in path.read_text().splitlines():
            assert re.fullmatch(r"\S+ \S+ # \S.{20,}", line), line
            assert (ROOT / line.split()[0]).is_file(), line


def test_setup_takes_each_python() -> None:
    pythons = [pair["python"] for pair in PAIRS]
    [found] = re.findall(r"for name in ((?:python3\.\d+ )+)python3;", text("tools/setup.sh"))
    assert found.split() == [f"python{version}" for version in pythons]
    first, last = pythons[0].replace(".", ", "), pythons[-1].replace(".", ", ")
    assert f"({first}) <= sys.version_info[:2] <= ({last})" in text("tools/setup.sh")


def test_the_readme_has_the_table() -> None:
    rows = [[pair["ansible_core"], pair["python"], pair["kubernetes_core"]] for pair in PAIRS]
    assert table(text("README.md"), "## Requirements") == rows


def test_helm_needs_the_core_that_preflight_asks_for() -> None:
    assert numbers(SUPPORTED["helm"]["4"]) == CORE_FOR_HELM_4
    assert SUPPORTED["helm"]["3"].startswith("6.")
    assert yaml.safe_load(text("galaxy.yml"))["dependencies"]["kubernetes.core"].startswith(
        f">={SUPPORTED['helm']['3']}."
    )
    for page in ("README.md", "docs/settings.md"):
        assert f"helm 4 needs kubernetes.core {SUPPORTED['helm']['4']} or newer" in text(page)


def test_the_pins_of_the_matrix_differ_from_those_of_setup_by_ansible_core_alone() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    import matrix
    import supported

    oldest, *others = supported.pairs()
    usual = matrix.PINNED.findall(matrix.pins(oldest))
    assert len(usual) > 50
    for pair in others:
        text_of_pins = matrix.pins(pair)
        assert matrix.PINNED.findall(text_of_pins) == usual
        assert re.search(rf"^ansible-core=={re.escape(pair.ansible_core)}\.", text_of_pins, re.MULTILINE)
        # each with its hashes, or pip would refuse the file
        assert all("--hash=" in found[0] for found in matrix.PINNED.finditer(text_of_pins))
