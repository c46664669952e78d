# SPDX-License-Identifier: GPL-3.0-or-later
"""Which chart it is, as helm reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart import (
    Chart,
    is_pinned,
    numbers,
    read_chart,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import (
    GOOD,
    NEW,
    NEXT,
    OWN,
    installed_helm,
    write_chart,
)


@pytest.fixture(scope="module")
def helm() -> str:
    return installed_helm()


@pytest.mark.parametrize(
    ("chart", "generation"),
    [
        (OWN, "lab"),
        (GOOD, "bundled"),
        (NEXT, "bundled"),
        (NEW, "separate"),
        (Chart("temporal", "v2.0.0", ""), "separate"),
    ],
)
def test_generations(chart: Chart, generation: str) -> None:
    assert chart.generation == generation


def test_numbers_of_a_version() -> None:
    assert numbers("v1.30.3-rc.1") == (1, 30, 3)
    assert numbers("latest") == ()


@pytest.mark.parametrize(
    ("reference", "version", "pinned"),
    [
        ("temporal", "0.73.2", True),
        ("temporal", "v1.0.0-rc.3", True),
        ("temporal", "", False),
        ("temporal", "0.73", False),
        ("temporal", "^0.73.0", False),
        ("temporal", ">=0.70.0", False),
        ("oci://registry.example/temporal", "", False),
        ("oci://registry.example/temporal", "0.73.2", True),
        (str(Path(__file__).parent), "", True),
    ],
)
def test_pinned(reference: str, version: str, pinned: bool) -> None:
    assert is_pinned(reference, version) is pinned


def test_a_folder_and_a_packed_chart(helm: str, tmp_path: Path) -> None:
    folder = write_chart(tmp_path / "temporal", "0.73.2")
    assert read_chart(helm, folder, "", "") == GOOD
    packed = shutil.make_archive(str(tmp_path / "temporal-0.73.2"), "gztar", tmp_path, "temporal")
    named = Path(packed).rename(tmp_path / "temporal-0.73.2.tgz")
    assert read_chart(helm, str(named), "", "") == GOOD


@pytest.mark.parametrize(
    ("reference", "said"),
    [("nothing-there", "cannot be read"), ("other", "chart nginx, but the lab has values only for temporal")],
)
def test_what_is_no_chart_of_temporal(helm: str, tmp_path: Path, reference: str, said: str) -> None:
    write_chart(tmp_path / "other", "1.0.0", "nginx")
    with pytest.raises(LabError, match=said):
        read_chart(helm, str(tmp_path / reference), "", "")


def test_no_helm(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no program /nowhere/helm: install helm 3"):
        read_chart("/nowhere/helm", str(tmp_path), "", "")
