# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dashboard asks, asked of a real lab under load; run by the molecule scenario `lab`.

The stages from preflight to report were done when this begins, in LAB_FOLDER, and the load still runs.
Grafana itself is not needed: variables are replaced as it does, and its queries go to the lab's Prometheus.
"""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import ROOT
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    NAMESPACE,
    PROMETHEUS,
    RUN,
    TEMPORAL,
    kubectl,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboard_interpolation import (
    interpolated,
    queries_of,
    values_of,
)

DASHBOARD = json.loads((ROOT / "files" / "dashboards" / "temporal-benchmarking.json").read_text(encoding="utf-8"))
VALUES = values_of(DASHBOARD, NAMESPACE, "my-temporal")
#: Seconds between scrapes, and what is looked at: all of the lab's windows are in it.
STEP, SPAN = 5, 600
#: Panels that have no data on a lab under load, by title, with the reason. Others have: what may be absent is zero.
RIGHTLY_EMPTY: dict[str, str] = {"CPU throttling by component": "the chart's containers have no limit of CPU"}


def prometheus(path: str) -> Any:
    answer = json.loads(kubectl("get", "--raw", f"{PROMETHEUS}/{path}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def course(query: str, span: float = SPAN) -> list[dict]:
    """The answer over the last seconds, at times that Grafana would choose: multiples of the step."""
    end = time.time() // STEP * STEP
    return prometheus(f"query_range?query={quote(query)}&start={end - span}&end={end}&step={STEP}")["result"]


def instant(query: str) -> list[dict]:
    return prometheus(f"query?query={quote(query)}")["result"]


def asked(title: str, kind: str = "timeseries", ref: str = "A") -> str:
    (panel,) = [one for one in DASHBOARD["panels"] if one["title"] == title and one["type"] == kind]
    (target,) = [one for one in panel["targets"] if one["refId"] == ref]
    return interpolated(target["expr"], VALUES)


def variable(name: str) -> dict[str, Any]:
    (found,) = [one for one in DASHBOARD["templating"]["list"] if one["name"] == name]
    return found


TARGETS = [
    pytest.param(panel["title"], one, id=f"{panel['type']} {panel['title']} {one['refId']}")
    for panel in DASHBOARD["panels"]
    for one in panel.get("targets", [])
]


@pytest.mark.parametrize(("title", "target"), TARGETS)
def test_every_query_has_data_under_load(title: str, target: dict) -> None:
    query = interpolated(target["expr"], VALUES)
    if target["instant"]:
        values = [float(row["value"][1]) for row in instant(query)]
    else:
        values = [float(value) for row in course(query) for _time, value in row["values"]]
    if title in RIGHTLY_EMPTY:
        assert values == [], f"{title} has data after all: take it out of the list"
        return
    assert values, query
    assert all(math.isfinite(value) for value in values)
    assert min(values) >= 0


def test_no_query_has_a_warning() -> None:
    for _name, query in queries_of(DASHBOARD, VALUES):
        answer = json.loads(kubectl("get", "--raw", f"{PROMETHEUS}/query?query={quote(query)}"))
        assert not answer.get("warnings"), (query, answer["warnings"])


def test_the_values_are_those_of_the_lab() -> None:
    info = json.loads(kubectl("get", "--raw", f"{TEMPORAL}/cluster-info"))
    shards = instant(asked("Shards per history pod", "stat"))
    assert len(shards) == 2
    assert sum(float(row["value"][1]) for row in shards) == info["historyShardCount"]
    (asked_for,) = instant(asked("Workflows in flight", "stat", "B"))
    assert float(asked_for["value"][1]) == 6
    (achieved,) = instant(asked("Workflows in flight", "stat", "A"))
    assert float(achieved["value"][1]) == pytest.approx(6, rel=0.25)
    (silent,) = instant(asked("Scrape health", "stat", "B"))
    assert float(silent["value"][1]) == 0


def test_the_shards_that_the_new_pod_took_are_in_the_bars() -> None:
    """increase() does not see them: the pod has them when it is first scraped."""
    facts = json.loads((RUN / "scale-1.json").read_text(encoding="utf-8"))["facts"]["shards"]
    (new,) = set(facts["after"]) - set(facts["before"])
    bars = [float(value) for row in course(asked("Shards that change hands")) for _time, value in row["values"]]
    assert sum(bars) >= facts["after"][new]
    assert max(bars) > facts["after"][new] / 2


def test_the_choices_above_the_panels_are_those_of_the_lab() -> None:
    def choices(name: str) -> set[str]:
        selector, label = re.fullmatch(r"label_values\((up\{.+\}), (.+)\)", variable(name)["definition"]).groups()
        selector = interpolated(selector, VALUES)
        label = interpolated(label, VALUES)
        found = prometheus(f"label/{label}/values?{quote('match[]')}={quote(selector)}")
        pattern = re.compile(variable(name)["regex"].strip("/") or "(.+)")
        return {match[1] for value in found if (match := pattern.search(value))}

    assert choices("namespace") == {NAMESPACE}
    assert choices("release") == {"my-temporal"}
    text = variable("scrape_interval")["definition"].removeprefix("query_result(").removesuffix(")")
    (row,) = instant(interpolated(text, VALUES))
    assert (row["metric"], float(row["value"][1])) == ({}, STEP)
