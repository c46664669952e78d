# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted clusters for the unit tests.

The collection is imported in the fixtures, not at the top: pytest-ansible takes
over its import after the conftest files were read, and the two ways do not mix.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An authority, a server's certificate and a user's (cluster_lab.Pki)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import make_pki

    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import make_pki

    return make_pki(tmp_path_factory.mktemp("other-pki"))


@pytest.fixture
def api() -> Iterator[Any]:
    """A scripted API server over plain HTTP (cluster_lab.ScriptedApi)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi

    server = ScriptedApi()
    yield server
    server.close()


@pytest.fixture
def kubeconfig(tmp_path: Path, api: Any) -> Path:
    """A kubeconfig of the scripted API server, with a token."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import write_kubeconfig

    return write_kubeconfig(tmp_path / "kubeconfig", api.url)


@pytest.fixture
def cluster(kubeconfig: Path) -> Iterator[Any]:
    """The scripted cluster; it tries no request again."""
    from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.connection import Cluster

    with Cluster.connect(str(kubeconfig)) as found:
        found.patience = 0.0
        yield found
