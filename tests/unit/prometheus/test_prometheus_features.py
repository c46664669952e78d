# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Prometheus is asked with smoothed range selectors too."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import server


class Features:
    """A Prometheus that says what it has."""

    def __init__(self, said: object) -> None:
        self.said = said
        self.asked = 0

    def features(self) -> object:
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


@pytest.mark.parametrize(
    ("version", "said", "found", "asked"),
    [
        ("3.16.0", {"promql": {"smoothed": True, "anchored": True}}, True, 1),
        ("3.16.0", {"promql": {"smoothed": False}}, False, 1),
        ("3.9.1", {"promql": {}}, False, 1),
        ("4.0.0-rc.1", {}, False, 1),
        ("3.16.0", LabError("Prometheus does not answer."), False, 1),
        ("3.8.1", {"promql": {"smoothed": True}}, False, 0),
        ("2.42.0+ds", {"promql": {"smoothed": True}}, False, 0),
        (None, {"promql": {"smoothed": True}}, False, 0),
        ("a fork", {"promql": {"smoothed": True}}, False, 0),
    ],
)
def test_only_a_server_that_says_so_is_asked_smoothly(version: str | None, said: Any, found: bool, asked: int) -> None:
    client = Features(said)
    assert server.has_smoothed(client, version) is found  # type: ignore[arg-type] # as much of a client as it takes
    assert client.asked == asked
