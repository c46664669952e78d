# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted clusters, and small runs that tests build as they need them.

The collection is imported in the fixtures, not at the top: pytest-ansible takes
over its import after the conftest files were read, and the two ways do not mix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key of this user's pages is not touched: each test has a state folder of its own."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


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
    from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster

    with Cluster.connect(str(kubeconfig)) as found:
        found.patience = 0.0
        yield found


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    """A results folder with nothing in it (results_lab.Lab)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab

    return Lab(tmp_path)


@pytest.fixture
def measured(lab: Any) -> Any:
    """Two stages with a window each, and the same figures in both."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import write_measured

    write_measured(lab)
    return lab


@pytest.fixture
def doubtful(lab: Any) -> Any:
    """Two stages with figures that are not wholly known."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import write_doubtful

    write_doubtful(lab)
    return lab


@pytest.fixture
def recorded() -> dict[str, Any]:
    """The merged model of the recorded run; its numbers may change when it is recorded anew."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import recorded_report

    return recorded_report()


@pytest.fixture
def tls_api(pki: Any) -> Iterator[Any]:
    """The same over TLS; it asks for a client certificate and takes one of its own authority."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, server_context

    server = ScriptedApi(server_context(pki))
    yield server
    server.close()


@pytest.fixture
def task(kubeconfig: Path) -> Any:
    """Runs a task on the scripted cluster (cluster_lab.Task)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import Task

    return Task(kubeconfig)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes waits look again at once instead of after a second."""
    from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import wait

    monkeypatch.setattr(wait, "Waiter", functools.partial(wait.Waiter, interval=0.01))
