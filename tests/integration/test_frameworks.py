# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's profile against a real Temporal server in each of its metric frameworks; run by the check `built`.

TEMPORAL_SERVER is the server that was built for the embedded node. All its roles run in one process here, with SQLite
in memory: what is looked at is how its metrics are called and in which unit they are, not how fast it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file, query
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ENDS_WITH_ITS_STARTER, free_port

SERVER = os.environ["TEMPORAL_SERVER"]
VERSION = "1.31.2"
#: What the server has without any load. The rest of the profile's figures needs events of a load, or one of errors.
IDLE = (
    "state_transitions",
    "persistence_requests",
    "persistence_latency_p95",
    "service_requests",
    "service_latency_p95",
    "shard_lock_latency_p95",
    "lock_latency_p95",
    "workflow_lock_latency_p95",
    "shards_per_pod",
    "membership_changes",
    "pods_started",
    "shards_acquired",
    "acquire_shards_latency_p95",
)
#: Settings of the server's metrics, the framework that they make, and the factor from the unit of a timer to seconds.
FRAMEWORKS = {
    "tally": ({"prometheus": {"framework": "tally"}}, "tally", 1),
    "opentelemetry": ({"prometheus": {"framework": "opentelemetry"}}, "opentelemetry", 0.001),
    "in seconds": (
        {"prometheus": {"framework": "opentelemetry"}, "recordTimerInSeconds": True},
        "opentelemetry",
        1,
    ),
    # Tally's names, and milliseconds.
    "without unit": ({"prometheus": {"framework": "opentelemetry"}, "withoutUnitSuffix": True}, "opentelemetry", 0.001),
    # The same with the chart's buckets, which begin where those of seconds may.
    "without unit, from 0.02 ms": (
        {
            "prometheus": {"framework": "opentelemetry"},
            "withoutUnitSuffix": True,
            "perUnitHistogramBoundaries": {"milliseconds": [0.02, 0.2, 2, 20, 200, 2000, 20000, 100000]},
        },
        "opentelemetry",
        0.001,
    ),
    # Nothing tells it from tally any more, and nothing needs to.
    "without anything": (
        {
            "prometheus": {"framework": "opentelemetry"},
            "withoutUnitSuffix": True,
            "withoutCounterSuffix": True,
            "recordTimerInSeconds": True,
        },
        "tally",
        1,
    ),
}

#: Ways to give the server's timers their buckets, from 0.02 ms: that of the collection's chart and of upstream's from
#: 1.0 on, and what upstream's 0.73.2 passes on to a server of now and of its time.
FINE = {
    "boundaries of a unit": {"prometheus": {}, "perUnitHistogramBoundaries": {"milliseconds": [0.02, 0.5, 1000]}},
    "boundaries of tally": {"prometheus": {"defaultHistogramBoundaries": [0.00002, 0.0005, 1]}},
}


def configuration(metrics: dict[str, object], listen: str, dynamic: Path) -> dict[str, object]:
    def store(name: str) -> dict[str, object]:
        attributes = {"mode": "memory", "cache": "private", "setup": "true"}
        sql = {"pluginName": "sqlite", "databaseName": name, "connectAddr": "localhost", "connectProtocol": "tcp"}
        return {"sql": {**sql, "connectAttributes": attributes, "maxConns": 1, "maxIdleConns": 1}}

    rpc = {
        role: {"rpc": {"grpcPort": free_port(), "membershipPort": free_port(), "bindOnLocalHost": True}}
        for role in ("frontend", "history", "matching", "worker")
    }
    frontend = f"127.0.0.1:{rpc['frontend']['rpc']['grpcPort']}"
    prometheus = {"timerType": "histogram", "listenAddress": listen, **metrics["prometheus"]}
    return {
        "log": {"stdout": True, "level": "error"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": 4,
            "datastores": {"default": store("default"), "visibility": store("visibility")},
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "metrics": {**metrics, "prometheus": prometheus},
        },
        "services": rpc,
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {
                "active": {
                    "enabled": True,
                    "initialFailoverVersion": 1,
                    "rpcName": "frontend",
                    "rpcAddress": frontend,
                }
            },
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "archival": {"history": {"state": "disabled"}, "visibility": {"state": "disabled"}},
        "publicClient": {"hostPort": frontend},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "10s"},
    }


@contextmanager
def metrics_of(settings: dict[str, object], folder: Path) -> Iterator[str]:
    """The text of /metrics of a server with these settings, as soon as its own workflows run."""
    listen = f"127.0.0.1:{free_port()}"
    (folder / "dynamic.yaml").write_text("{}\n")
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(settings, listen, folder / "dynamic.yaml")))
    log = folder / "server.log"
    with log.open("w") as output:
        command = [*ENDS_WITH_ITS_STARTER, SERVER, "--config-file", str(folder / "config.yaml"), "start"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
    try:
        end = time.monotonic() + 90
        text = ""
        while "state_transition_count" not in text or "acquire_shards_latency" not in text:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.5)
            try:
                with urllib.request.urlopen(f"http://{listen}/metrics", timeout=5) as answer:
                    text = answer.read().decode()
            except OSError:
                continue
        yield text
    finally:
        process.kill()
        process.wait()


def found_in(text: str) -> query.FoundMetrics:
    """What Prometheus would have of it."""
    names = set(re.findall(r"^([a-zA-Z_:][\w:]*)(?:\{| )", text, re.MULTILINE))
    smallest: dict[str, float] = {}
    largest: dict[str, float] = {}
    for name, bound in re.findall(r'^(\w+_bucket)\{[^}]*le="([^"]+)"', text, re.MULTILINE):
        smallest[name] = min(float(bound), smallest.get(name, float("inf")))
        if bound != "+Inf":
            largest[name] = max(float(bound), largest.get(name, 0.0))
    return query.FoundMetrics(frozenset(names), smallest, largest)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_profile_finds_a_real_servers_metrics_and_their_unit(name: str, tmp_path: Path) -> None:
    settings, framework, scale = FRAMEWORKS[name]
    own = profile_file.load(profile_file.default_path()).bind("student-01", "my-temporal", server_version=VERSION)
    with metrics_of(settings, tmp_path) as text:
        found = found_in(text)
    for figure in own.figures:
        if figure.id not in IDLE:
            continue
        source = query.choose(figure.selection, found)
        assert source.metric in found.names, (figure.id, source.metric)
        assert found.fits(source), (figure.id, found.smallest[source.metric])
        if source.framework:
            if figure.kind == "quantile":
                assert source.scale == scale, figure.id
            if not name.startswith("without unit") or figure.kind == "quantile":
                assert source.framework == framework, (figure.id, source.metric)
    assert len([figure for figure in own.figures if figure.id in IDLE]) == len(IDLE)


@pytest.mark.parametrize("name", FINE)
def test_buckets_begin_where_the_lab_lets_them(name: str, tmp_path: Path) -> None:
    with metrics_of(FINE[name], tmp_path) as text:
        bounds = {
            float(bound) for bound in re.findall(r'^persistence_latency_bucket\{[^}]*le="([^"]+)"', text, re.MULTILINE)
        }
    assert sorted(bounds) == [0.00002, 0.0005, 1.0, float("inf")]
