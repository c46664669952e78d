# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's main process looks for a free worker less often than it would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils import timer_slack
from ansible_collections.temporal_lab.benchmarking.plugins.plugin_utils.timer_slack import SLACK, let_sleeps_be_late

KERNEL = Path("/proc/self/timerslack_ns")


@pytest.mark.skipif(not KERNEL.exists(), reason="this kernel has no such file")
def test_sleeps_of_this_process_and_its_children_may_be_late() -> None:
    let_sleeps_be_late()
    assert int(KERNEL.read_text()) == SLACK
    child = [sys.executable, "-c", f"print(open({str(KERNEL)!r}).read())"]
    assert int(subprocess.run(child, check=True, capture_output=True, text=True).stdout) == SLACK


def test_nothing_changes_where_it_cannot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(timer_slack, "Path", lambda _path: tmp_path)
    let_sleeps_be_late()
    assert list(tmp_path.iterdir()) == []
