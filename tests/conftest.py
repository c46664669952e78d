# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the collection importable by its full name, from any checkout folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = ROOT / "collections" / "ansible_collections" / "temporal_lab" / "benchmarking"

if "ansible_collections" not in ROOT.parts:
    if not LINK.exists():
        LINK.parent.mkdir(parents=True, exist_ok=True)
        LINK.symlink_to("../../..")
    sys.path.insert(0, str(ROOT / "collections"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "server: needs a real Temporal or Prometheus, which its file's tests share")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what shares a server where nothing can be shared.

    ansible-test runs each test in a fork of its own: every one of them would start the server anew, which
    doubles its time, for what plain pytest has checked already.
    """
    if config.pluginmanager.hasplugin("ansible_forked"):
        left_out = pytest.mark.skip(reason="shares a server with others: plain pytest runs it")
        for item in items:
            if item.get_closest_marker("server"):
                item.add_marker(left_out)
