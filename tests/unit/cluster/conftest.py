# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this folder share besides the scripted clusters.

The collection is imported in the fixtures, not at the top: pytest-ansible takes
over its import after the conftest files were read, and the two ways do not mix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


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
