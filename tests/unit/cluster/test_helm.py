# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the program helm can be used."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.helm import judge_helm


@pytest.mark.parametrize(
    ("version", "state"), [("v3.17.2", "pass"), ("v4.0.0", "fail"), ("", "fail"), (None, "fail"), ("v30.1", "fail")]
)
def test_helm(version: str | None, state: str) -> None:
    assert judge_helm("helm", version)["state"] == state
