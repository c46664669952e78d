# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whose figures say how far noise goes, to be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    STUDENT,
    Lab,
    figure,
    window,
)

LATER = "20261124T170000Z"
#: What stages say of the conditions that they were measured under.
SETTINGS = {
    "concurrent_workflows": 3,
    "history_replicas": 1,
    "history_shards": 512,
    "window": 120,
    "scrape_interval": 5,
}
VERSIONS = {"temporal_server": "1.31.2", "collection": "0.2.0"}


def noisy(name: str, value: float | None, spread: float = 0.02, **fields: Any) -> dict[str, Any]:
    """A figure whose average lies within that share of its value, by 24 steps; also of a value that is 0."""
    if value is None:
        return figure(name, None, **fields)
    reach = spread * value
    noise = {
        "steps": 24,
        "step": 5.0,
        "low": value - reach,
        "high": value + reach,
        "freedom": 20,
        "halves": [value, value],
        "steady": True,
    }
    return figure(name, value, **{"key": True, "noise": noise, "metrics": [name], **fields})


def load(work: float | None = 100.0, latency: float | None = 0.010, **fields: Any) -> list[dict[str, Any]]:
    """Figures of a window under load: one of which more is better, one of which less is, and one of neither."""
    return [
        noisy("workflow_successes", work, **fields),
        noisy("service_latency_p95", latency, unit="s", direction="lower", distribution="service_latency"),
        noisy("signal_requests", work, direction="none"),
    ]


def write_run(
    folder: Path,
    name: str,
    *figures: dict[str, Any],
    student: str = STUDENT,
    stage: str = "benchmark",
    length: float = 120.0,
    settings: dict[str, Any] | None = None,
    versions: dict[str, Any] | None = None,
    **fields: Any,
) -> Lab:
    """A run with one stage of one window, with these figures or those of ``load``."""
    lab = Lab(folder, student, name)
    lab.write(
        stage,
        windows=[window("load", START + 10, *(figures or load()), length=length)],
        settings={**SETTINGS, **(settings or {})},
        versions={**VERSIONS, **(versions or {})},
        **fields,
    )
    return lab
