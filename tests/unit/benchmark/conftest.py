# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload against a real server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.benchmark.benchmark_lab import WORKLOAD, Lab, Server

sys.path.insert(0, str(WORKLOAD))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def lab(shared_server: Server, tmp_path: Path) -> Iterator[Lab]:
    """A task queue on the server that all tests share."""
    lab = Lab(shared_server, tmp_path)
    yield lab
    lab.close()


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """A server of the test's own, with a database file, not started yet."""
    server = Server(tmp_path, database=True)
    lab = Lab(server, tmp_path)
    yield lab
    lab.close()
    server.kill()
