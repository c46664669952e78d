# SPDX-License-Identifier: GPL-3.0-or-later
"""A small run that tests build as they need it, and the recorded one.

The collection is imported in the fixtures, not at the top: pytest-ansible takes
over its import after the conftest files were read, and the two ways do not mix.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    """A results folder with nothing in it (report_lab.Lab)."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import Lab

    return Lab(tmp_path)


@pytest.fixture
def measured(lab: Any) -> Any:
    """Two stages with a window each, and the same figures in both."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import write_measured

    write_measured(lab)
    return lab


@pytest.fixture
def doubtful(lab: Any) -> Any:
    """Two stages with figures that are not wholly known."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import write_doubtful

    write_doubtful(lab)
    return lab


@pytest.fixture
def recorded() -> dict[str, Any]:
    """The merged model of the recorded run; its numbers may change when it is recorded anew."""
    from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import recorded_report

    return recorded_report()
