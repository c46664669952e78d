# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted cluster for the tests of this folder; see tests/unit/cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def instructor(tmp_path: Path, api: Any) -> Path:
    """The instructor's kubeconfig of the scripted API server, with a token."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import write_kubeconfig

    return write_kubeconfig(tmp_path / "instructor", api.url)


@pytest.fixture
def task(instructor: Path) -> Any:
    """Runs a task on the scripted cluster (cluster_lab.Task)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import Task

    return Task(instructor)
