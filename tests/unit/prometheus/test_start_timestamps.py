# SPDX-License-Identifier: GPL-3.0-or-later
"""Zeros that Prometheus writes at the start timestamps of series prove when these began, from a real Prometheus.

They are written here as Prometheus 3.16 was seen to store them (created-timestamp-zero-ingestion): one sample of value
0 at the series' ``_created``, where `up` has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import prometheus_sample
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import INTERVAL, PROFILE
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    binaries,
    program,
    running_prometheus,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.remote_write import Sample, write

#: The scrapes: Prometheus knows of nothing before 20 s, and each brings 10 more than the one before.
SCRAPES = list(range(20, 85, INTERVAL))


def counting(first: float) -> list[Sample]:
    return [(BASE + time, first + 10.0 * number) for number, time in enumerate(SCRAPES)]


#: By namespace what the counter has before its scrapes.
NAMESPACES: dict[str, list[Sample]] = {
    "without": counting(200.0),
    "in-the-window": [(BASE + 7.25, 0.0), *counting(200.0)],
    "before-it": [(BASE - 4.5, 0.0), *counting(245.0)],
    # No start timestamp: it is not zero, or Prometheus scraped it there.
    "not-zero": [(BASE + 7.25, 1.0), *counting(200.0)],
    # What a process says of a restart, 2 s after its last scrape before it.
    "restart": [
        *counting(200.0)[:5],
        (BASE + 42.0, 0.0),
        *((time, value - 245.0) for time, value in counting(200.0)[5:]),
    ],
}


def series() -> Iterator[tuple[dict[str, str], list[Sample]]]:
    for namespace, samples in NAMESPACES.items():
        shared = {"job": "pods", "kubernetes_namespace": namespace}
        for pod in ("app-1", "other-1"):
            yield {**shared, "pod": pod, "__name__": "up"}, [(BASE + time, 1.0) for time in SCRAPES]
        yield {**shared, "pod": "app-1", "__name__": "m_total"}, samples


@pytest.fixture(scope="module", params=binaries(), ids=["packaged", "other"][: len(binaries())])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = "global: {scrape_interval: 5s}\n"
    folder = tmp_path_factory.mktemp("started")
    with running_prometheus(program(request.param), folder, config, "--web.enable-remote-write-receiver") as running:
        write(running, series())
        yield running


def total(address: str, namespace: str) -> dict[str, Any]:
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    window = {"name": "w", "title": None, "start": BASE + 0.0, "duration": 60.0}
    given.update(url=address, namespace=namespace, scrape_interval=float(INTERVAL), profile_content=PROFILE)
    result = prometheus_sample.run({**given, "windows": [window]}, Context())
    return next(figure for figure in result["windows"][0]["figures"] if figure["id"] == "total")


def test_without_one_nothing_is_known_before_the_first_scrape(address: str) -> None:
    figure = total(address, "without")
    assert (figure["value"], figure["state"], figure["unknown_series"]) == (80, "inconclusive", 1)


def test_what_was_counted_since_a_start_in_the_window_is_known(address: str) -> None:
    figure = total(address, "in-the-window")
    # 200 by the first scrape, and 10 with each of the eight after it.
    assert (figure["value"], figure["new_series"], figure["unknown_series"]) == (280, 1, 0)
    assert figure["interval"] == [280, 280]
    assert "unknown" not in figure["reason"]
    assert "not known" not in figure["reason"]


def test_what_was_counted_since_a_start_before_the_window_is_divided(address: str) -> None:
    figure = total(address, "before-it")
    # 245 in the 24.5 s up to the first scrape, of which 20 lie in the window.
    assert figure["value"] == pytest.approx(200 + 80)
    assert figure["new_series"] == 0


def test_a_sample_that_is_not_zero_is_none(address: str) -> None:
    figure = total(address, "not-zero")
    assert figure["unknown_series"] == 1


def test_a_restart_between_two_scrapes_counts_from_its_start(address: str) -> None:
    figure = total(address, "restart")
    # Four steps of 10 before it, 5 by the first scrape after it, and three steps more.
    assert figure["value"] == 75
    assert figure["resets"] == 1
