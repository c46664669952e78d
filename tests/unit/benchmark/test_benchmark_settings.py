# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings: defaults, values that are not allowed, and that they are documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS
from benchmark.settings import SettingsError, Tls, read_settings, split_endpoint

WORKLOAD = Path(__file__).resolve().parents[3] / "files" / "benchmark"

BAD = [
    ("TEMPORAL_GRPC_ENDPOINT", "frontend", "host:port"),
    ("TEMPORAL_GRPC_ENDPOINT", "http://frontend:7233", "host:port"),
    ("TEMPORAL_GRPC_ENDPOINT", "frontend:0", "1 to 65535"),
    ("TEMPORAL_GRPC_ENDPOINT", "frontend:65536", "1 to 65535"),
    ("TEMPORAL_GRPC_ENDPOINT", ":7233", "host:port"),
    ("TEMPORAL_GRPC_ENDPOINT", "[frontend]:7233", "host:port"),
    ("TEMPORAL_NAMESPACE", " default", "printable"),
    ("TEMPORAL_TASK_QUEUE", "a\nb", "printable"),
    ("TEMPORAL_TASK_QUEUE", "q" * 1001, "1000"),
    ("CONCURRENT_WORKFLOWS", "three", "0 to 10000"),
    ("CONCURRENT_WORKFLOWS", "-1", "0 to 10000"),
    ("CONCURRENT_WORKFLOWS", "1.5", "0 to 10000"),
    ("CONCURRENT_WORKFLOWS", "10001", "0 to 10000"),
    ("CONCURRENT_WORKFLOWS", "٣", "0 to 10000"),
    ("ACTIVITIES_PER_WORKFLOW", "1001", "0 to 1000"),
    ("SIGNALS_PER_WORKFLOW", "x", "0 to 1000"),
    ("WORKFLOW_EXECUTION_TIMEOUT", "0", "1 to 86400"),
    ("WORKFLOW_EXECUTION_TIMEOUT", "2m", "1 to 86400"),
    ("TEMPORAL_MAX_WORKFLOW_TASK_POLLERS", "1", "2 to 1000"),
    ("TEMPORAL_MAX_ACTIVITY_TASK_POLLERS", "0", "1 to 1000"),
    ("SHUTDOWN_GRACE_PERIOD", "3601", "0 to 3600"),
    ("METRICS_GRACE_PERIOD", "-1", "0 to 3600"),
    ("PROMETHEUS_ENDPOINT", "localhost:9090", "IP address"),
    ("PROMETHEUS_ENDPOINT", "9090", "IP address"),
    ("READINESS_ENDPOINT", "0.0.0.0:9090", "another port"),
    ("READINESS_ENDPOINT", "::1:8081", "IP address"),
    ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"),
    ("TEMPORAL_TLS_CA", "/nowhere/ca.pem", "No such file"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    sentence = str(raised.value)
    assert sentence.startswith(f"{name} is {value!r}, but allowed is ")
    assert allowed in sentence
    assert "\n" not in sentence


def test_defaults() -> None:
    settings = read_settings({})
    assert (settings.endpoint, settings.namespace, settings.task_queue) == ("localhost:7233", "default", "benchmark")
    assert (settings.concurrent_workflows, settings.activities, settings.signals) == (3, 3, 1)
    assert settings.prometheus_endpoint == "0.0.0.0:9090"
    assert settings.tls is None


def test_an_empty_variable_counts_as_not_set() -> None:
    names = {name for name, _value, _allowed in BAD}
    assert read_settings(dict.fromkeys(names, "")) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("CONCURRENT_WORKFLOWS", "0", "concurrent_workflows", 0),
        ("CONCURRENT_WORKFLOWS", "10000", "concurrent_workflows", 10_000),
        ("TEMPORAL_GRPC_ENDPOINT", "[::1]:7233", "endpoint", "[::1]:7233"),
        (
            "TEMPORAL_GRPC_ENDPOINT",
            "my-temporal-frontend.lab:7233",
            "endpoint",
            "my-temporal-frontend.lab:7233",
        ),
        ("READINESS_ENDPOINT", "[::]:8081", "readiness_endpoint", "[::]:8081"),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ],
)
def test_good_values(name: str, value: str, attribute: str, expected: object) -> None:
    assert getattr(read_settings({name: value}), attribute) == expected


def test_split_endpoint() -> None:
    assert split_endpoint("0.0.0.0:8081") == ("0.0.0.0", 8081)
    assert split_endpoint("[::1]:8081") == ("::1", 8081)


def test_tls_files_are_read_and_the_key_is_never_shown(tmp_path: Path) -> None:
    environ = {}
    for part in ("CA", "CERT", "KEY"):
        path = tmp_path / part
        path.write_text(f"content of {part}")
        environ[f"TEMPORAL_TLS_{part}"] = str(path)
    settings = read_settings(environ)
    assert settings.tls == Tls(ca=b"content of CA", cert=b"content of CERT", key=b"content of KEY")
    assert "content of KEY" not in repr(settings)


@pytest.mark.parametrize(("given", "missing"), [("CERT", "KEY"), ("KEY", "CERT")])
def test_a_certificate_needs_its_key_and_a_key_its_certificate(tmp_path: Path, given: str, missing: str) -> None:
    path = tmp_path / "file.pem"
    path.write_text("content")
    with pytest.raises(SettingsError, match=f"TEMPORAL_TLS_{given} is .* only together with TEMPORAL_TLS_{missing}"):
        read_settings({f"TEMPORAL_TLS_{given}": str(path)})


@pytest.mark.parametrize("program", ["worker", "soak_test"])
def test_a_program_ends_with_code_2_and_one_sentence(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"benchmark.{program}"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(WORKLOAD), "CONCURRENT_WORKFLOWS": "many"},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "CONCURRENT_WORKFLOWS is 'many', but allowed is a whole number from 0 to 10000.\n"
    assert ended.stdout == ""


def test_every_variable_is_in_the_readme() -> None:
    code = (WORKLOAD / "benchmark" / "settings.py").read_text()
    names = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', code)) | {
        f"TEMPORAL_TLS_{part}" for part in ("CA", "CERT", "KEY")
    }
    assert len(names) == 17
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", (WORKLOAD / "README.md").read_text(), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names
