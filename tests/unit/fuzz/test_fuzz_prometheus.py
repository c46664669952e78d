# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Prometheus and what is kept of them, damaged at a place, up to the figures in results; and profiles."""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Answer, Request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    profile_file,
    samples_file,
    targets,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.client import Prometheus
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.kept_samples import Kept
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.prometheus_preflight import look
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.question import Question
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reader import Reader
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import Window
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.stage_file import build_stage, to_json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import StageRecord
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.rebalancing import rebalancing
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import TEXTS, as_json, damaged, fuzz, values
from hypothesis import strategies as st

BEGIN = 1795453270.0
PROFILE: dict[str, Any] = {
    "schema": "temporal_lab.benchmarking/profile/1",
    "title": "Fuzzed",
    "variables": {"job": "pods"},
    "filters": ['job="$job"'],
    "components": {"app": "app-.*"},
    "figures": [
        {
            "id": "work",
            "title": "Work",
            "question": "How much?",
            "unit": "1/s",
            "kind": "rate",
            "components": ["app"],
            "direction": "higher",
            "key": True,
            "by": "pod",
            "sources": [{"metric": "work_total"}],
        },
        {
            "id": "wait",
            "title": "Wait",
            "question": "How long?",
            "unit": "s",
            "kind": "quantile",
            "quantile": 0.95,
            "components": ["app"],
            "absent": "inconclusive",
            "sources": [{"metric": "wait_bucket", "smallest_bucket": 0.001}],
        },
        {
            "id": "level",
            "title": "Level",
            "question": "How high?",
            "unit": "1",
            "kind": "gauge",
            "take": "last",
            "components": ["app"],
            "sources": [{"metric": "level"}],
        },
    ],
}
WINDOW = Window("load", "under load", BEGIN, 60.0)


def good(data: Any) -> Any:
    return {"status": "success", "data": data, "warnings": [], "infos": ["PromQL info: x (1:2)"]}


def series(name: str, step: float, **labels: str) -> dict[str, Any]:
    metric = {"__name__": name, "job": "pods", "instance": "10.0.0.1:9090", "pod": "app-1", **labels}
    return {"metric": metric, "values": [[BEGIN - 10 + 5 * number, str(number * step)] for number in range(17)]}


MATRIX = [
    {**series("up", 0), "values": [[BEGIN - 10 + 5 * number, "1"] for number in range(17)]},
    series("work_total", 2),
    series("level", 1),
    *(series("wait_bucket", step, le=le) for step, le in ((1, "0.001"), (2, "0.1"), (2, "+Inf"))),
]
WORLD: dict[str, Any] = {
    "names": good(["up", "work_total", "wait_bucket", "level"]),
    "vector": good(
        {
            "resultType": "vector",
            "result": [
                {"metric": {"__name__": "wait_bucket", "le": "0.001", "pod": "app-1"}, "value": [BEGIN + 60, "2"]},
                {"metric": {"__figure__": "work", "pod": "app-1"}, "value": [BEGIN + 60, "0.4"]},
            ],
        }
    ),
    "range": good({"resultType": "matrix", "result": [{**series("x", 2), "metric": {"__figure__": "work"}}]}),
    "matrix": good({"resultType": "matrix", "result": MATRIX}),
    "kubelet": good({"resultType": "matrix", "result": []}),
    "scalar": good({"resultType": "scalar", "result": [BEGIN, str(BEGIN)]}),
    "targets": good(
        {
            "activeTargets": [
                {
                    "labels": {"job": "pods", "pod": "app-1", "instance": "10.0.0.1:9090"},
                    "scrapeInterval": "5s",
                    "scrapeUrl": "http://10.0.0.1:9090/metrics",
                    "health": "up",
                    "lastError": "",
                }
            ]
        }
    ),
    "config": good({"yaml": "global: {scrape_interval: 5s}\nscrape_configs: [{job_name: pods}]"}),
    "status": good({"version": "3.5.0", "revision": "a", "storageRetention": "15d"}),
}


class Answers:
    """The way to a Prometheus that answers with what the world has for a request."""

    service = Service("Prometheus at http://p")

    def __init__(self, world: Any) -> None:
        self.world = {**WORLD, **(world if isinstance(world, dict) else {})}

    def send(self, request: Request, seconds: float) -> Answer:
        query = parse_qs((request.body or b"").decode()).get("query", [""])[0]
        for part, key in (("label", "names"), ("targets", "targets"), ("config", "config"), ("status", "status")):
            if part in request.path:
                return Answer(request, 200, {}, as_json(self.world[key]))
        kind = "range" if "query_range" in request.path else "matrix" if query.endswith("]") else "vector"
        if kind == "matrix" and "cadvisor" in query:
            kind = "kubelet"
        return Answer(request, 200, {}, as_json(self.world["scalar" if query == "time()" else kind]))

    def close(self) -> None:
        """Nothing is open."""


def prometheus(world: Any) -> Prometheus:
    return Prometheus(Answers(world), "http://p", deadline=0.0, sleep=lambda _seconds: None)


def profile_text(profile: Any = None) -> str:
    return yaml.safe_dump(PROFILE if profile is None else profile, allow_unicode=True)


@cache
def question() -> Question:
    return Question(profile_text(), "fuzz.yml", "ns", "lab", {}, "1.31.2", [WINDOW], {})


def measured(world: Any, asked: Question | None = None) -> Kept:
    """What is kept of the answers to a question."""
    asked = asked or question()
    reader = Reader(prometheus(world), asked.bound, 5.0)
    reader.find(*asked.span)
    readings = reader.read(asked.windows)
    return Kept(
        asked,
        readings,
        asked.span[1] + 10,
        reader.series(*asked.span),
        {
            "scrape_interval": 5.0,
            "prometheus_version": "3.5.0",
            "clock_skew": 0.0,
            "frameworks": reader.frameworks,
            "notes": reader.notes,
        },
    )


def as_results(kept: Kept) -> StageRecord:
    """Work the figures and the ledger out and write them as results are."""
    windows = kept_samples.figures(kept)
    record = build_stage(
        student="anna",
        run="20261123T170102Z",
        stage="benchmark",
        state="done",
        started=BEGIN,
        finished=BEGIN + 70,
        windows=windows,
        series=list(kept.series),
        ledger=rebalancing(kept, windows, []),
    )
    to_json(record).encode()
    return record


def test_what_is_damaged_is_good_before() -> None:
    """Otherwise the targets below would stumble over the same fault each time."""
    kept = measured({})
    as_results(kept)
    assert [figure["state"] for figure in kept_samples.figures(kept)[0]["figures"]] != ["error"] * 3


@fuzz(damaged({key: WORLD[key] for key in ("names", "vector", "range", "matrix")}))
def test_fuzz_measuring(world: Any) -> None:
    as_results(measured(world))


@fuzz(damaged(MATRIX, most=4).map(lambda rows: {"matrix": good({"resultType": "matrix", "result": rows})}))
def test_fuzz_samples(world: Any) -> None:
    as_results(measured(world))


@fuzz(damaged({key: WORLD[key] for key in ("targets", "config", "status", "scalar", "vector")}))
def test_fuzz_preflight(world: Any) -> None:
    params = {
        "scrape_interval": None,
        "window": 60.0,
        "history_shards": 512,
        "clock_skew_warn": 2.0,
        "clock_skew_fail": 30.0,
    }
    clock = SimpleNamespace(now=lambda: BEGIN)
    seen = look(prometheus(world), question().bound, params, clock)  # type: ignore[arg-type] # all that it takes
    json.dumps([entry["title"] for entry in seen.findings]).encode()
    assert seen.interval is None or 0 < seen.interval < math.inf


@fuzz(damaged(WORLD["targets"]["data"]).map(lambda data: {"targets": good(data)}))
def test_fuzz_targets(world: Any) -> None:
    client = prometheus(world)
    found = targets.read_targets(client)
    json.dumps([target.as_dict() for target in found] + targets.duplicates(found), allow_nan=False)
    assert 0 < targets.scrape_interval(client, found, ['job="pods"']) < math.inf


CONFIGURATION = {
    "global": {"scrape_interval": "5s"},
    "scrape_configs": [{"job_name": "pods", "scrape_interval": "1m"}],
}
YAMLISH = st.text(alphabet="[]{}:,-&*!> \nglobal scrape_interval 5s", max_size=60)


@fuzz(st.one_of(damaged(CONFIGURATION).map(profile_text), YAMLISH))
def test_fuzz_configuration(text: str) -> None:
    world = {"config": good({"yaml": text}), "targets": good({"activeTargets": []})}
    assert 0 < targets.scrape_interval(prometheus(world), [], ['job="pods"']) < math.inf


@fuzz(values)
def test_fuzz_any_answer(value: Any) -> None:
    for key in ("names", "vector", "range", "matrix", "scalar", "targets", "config", "status"):
        for world in ({key: value}, {key: good(value)}):
            client = prometheus(world)
            for call in (
                lambda client: client.vector("x", BEGIN),
                lambda client: client.samples("x[1m]", BEGIN),
                lambda client: client.course("x", BEGIN, BEGIN + 1, 1.0),
                lambda client: client.now(),
                lambda client: client.metric_names([], BEGIN, BEGIN),
                lambda client: client.targets(),
                lambda client: client.config(),
                lambda client: client.status("buildinfo"),
            ):
                try:
                    call(client)
                except LabError as error:
                    error.msg.encode()


# -- what others wrote ------------------------------------------------------


@fuzz(damaged(PROFILE).map(profile_text))
def test_fuzz_profiles(text: str) -> None:
    profile_file.parse.__wrapped__(text, "p.yml").bind("ns", "lab", {}, "1.31.2")


@fuzz(st.one_of(st.text(max_size=80), st.text(alphabet="[]{}:,-&*!|>'\"\n #?%@a1 ", max_size=60)))
def test_fuzz_texts_of_profiles(text: str) -> None:
    profile_file.parse.__wrapped__(text, "p.yml").bind("ns", "lab", {}, "1.31.2")


SHORT = st.one_of(st.text(max_size=6), st.sampled_from(TEXTS))


@fuzz(st.tuples(SHORT, SHORT, st.dictionaries(st.just("job"), SHORT), st.text(max_size=8)))
def test_fuzz_values_of_profiles(given: tuple[str, str, dict[str, str], str]) -> None:
    profile_file.parse(profile_text(), "fuzz.yml").bind(*given)


def test_fuzz_bytes_of_samples_files(tmp_path: Path) -> None:
    path = tmp_path / "load-1.samples.json.gz"

    @fuzz(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(gzip.compress)))
    def target(content: bytes) -> None:
        path.write_bytes(content)
        with pytest.raises(LabError):
            samples_file.load(path)

    target()
