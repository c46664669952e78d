# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of values, and what they ask for."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_values import merged


def test_two_layers_of_values() -> None:
    ours = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    assert merged(ours, {"a": {"c": [3]}, "d": {"g": 2}, "e": None}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"g": 2},
        "e": None,
    }
    assert ours["a"] == {"b": 1, "c": [1, 2]}
