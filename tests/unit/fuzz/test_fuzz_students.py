# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of students and rosters, YAML of anyone, what helm prints."""

from __future__ import annotations

import base64
import json
import math
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import chart, pem
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.exec_plugin import ExecPlugin
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.helm import judge_helm
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_secrets import (
    kubeconfig_secrets,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students import issued_kubeconfig, roster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.class_check import check_students
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.kubeconfig_file import KubeconfigFile
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.name_ranges import students_of_ranges
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student import Access, Student
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.yaml_file import read_yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import (
    TEXTS,
    as_json,
    damaged,
    fuzz,
    leaves,
    values,
)
from hypothesis import strategies as st

YAMLISH = st.text(alphabet="[]{}:,-&*!|>'\"\n #?%@`a1<~ \t", max_size=60)


def as_yaml(value: Any) -> bytes:
    """YAML where a value can be written as it is, else JSON, which is YAML too."""
    try:
        return yaml.safe_dump(value, allow_unicode=True).encode()
    except (yaml.YAMLError, UnicodeEncodeError):
        return as_json(value)


@fuzz(
    st.one_of(YAMLISH.map(str.encode), st.binary(max_size=40), values.map(as_yaml), st.sampled_from(TEXTS).map(as_yaml))
)
def test_fuzz_yaml(text: bytes) -> None:
    read_yaml(text, "The file", "correct it")


KUBECONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "clusters": [
        {
            "name": "c",
            "cluster": {
                "server": "http://127.0.0.1:1",
                "proxy-url": "http://127.0.0.1:1",
                "tls-server-name": "x",
                "insecure-skip-tls-verify": True,
            },
        }
    ],
    "users": [{"name": "u", "user": {"token": "token", "username": "a", "password": "b"}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
    "extensions": [
        {
            "name": issued_kubeconfig.EXTENSION,
            "extension": {
                "schema": issued_kubeconfig.SCHEMA,
                "namespace": "n",
                "account": "student",
                "issued": "2026-11-23T17:01:02Z",
                "expires": "2026-12-23T17:01:02Z",
            },
        }
    ],
}


def test_fuzz_kubeconfigs(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"

    @fuzz(st.one_of(damaged(KUBECONFIG).map(as_yaml), YAMLISH.map(str.encode)))
    def target(content: bytes) -> None:
        path.write_bytes(content)
        for secret in kubeconfig_secrets(str(path)):
            assert isinstance(secret, str)
        with Cluster.connect(str(path)) as cluster:
            cluster.target.authorization()
            cluster.service.who.encode()

    target()


def test_fuzz_issued_kubeconfigs(tmp_path: Path) -> None:
    path = tmp_path / "issued"

    @fuzz(st.one_of(damaged(KUBECONFIG).map(as_json), YAMLISH.map(str.encode)))
    def target(content: bytes) -> None:
        path.write_bytes(content)
        found = KubeconfigFile(str(path)).read("n")
        if found is not None:
            json.dumps(found.view())
            issued_kubeconfig.ends_soon(found.note, 60.0, 1795453262.0)

    target()


ARMOUR = st.sampled_from(
    [
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----END PRIVATE KEY-----\n",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        b"MAMCAQE=\n",
        b"MIT/////\n",
        b"\r\n \t",
    ]
)


@fuzz(st.lists(st.one_of(ARMOUR, st.binary(max_size=12), st.binary(max_size=12).map(base64.b64encode))).map(b"".join))
def test_fuzz_pem(text: bytes) -> None:
    for read in (pem.certificates, pem.private_key):
        with suppress(pem.NotPem):
            assert read(text).startswith("-----BEGIN ")


@fuzz(st.binary(max_size=40))
def test_fuzz_der(text: bytes) -> None:
    with suppress(pem.NotPem):
        assert 0 <= pem.longest_integer(text) <= 8 * len(text)


LOGIN = {
    "kind": "ExecCredential",
    "status": {
        "token": "t",
        "clientCertificateData": "c",
        "clientKeyData": "k",
        "expirationTimestamp": "2026-11-23T17:01:02Z",
    },
}


@fuzz(st.one_of(damaged(LOGIN).map(as_json), st.binary(max_size=40), st.just(b"[" * 100_000)))
def test_fuzz_answers_of_login_programs(answer: bytes) -> None:
    found = ExecPlugin({"command": "c", "args": [], "env": {}}, {}, "The login program c")._credential(answer, [])
    assert all(isinstance(text, str) for text in (found.token, found.certificate, found.key))
    assert found.expires is None or math.isfinite(found.expires)


@fuzz(st.one_of(values, st.lists(st.sampled_from(TEXTS))))
def test_fuzz_ranges_of_names(given: Any) -> None:
    checked_students(students_of_ranges(given, lambda pattern: [pattern]))


CELLS = st.text(alphabet='name;,"\n\r\t a\0é', max_size=60)


@fuzz(st.one_of(st.binary(max_size=60), CELLS.map(lambda text: ("name;namespace\n" + text).encode())))
def test_fuzz_rosters_of_cells(content: bytes) -> None:
    checked(roster.read_csv("r.csv", content))


ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["name", "namespace", "kubeconfig", "context", "lab_student", "x", "class"]), leaves, max_size=4
    ),
    max_size=4,
)


@fuzz(st.one_of(values, ROWS, damaged([{"name": "anna", "namespace": "n", "kubeconfig": "k"}, {"name": "ben"}])))
def test_fuzz_rosters(data: Any) -> None:
    checked(roster.read_json_rows("r.json", as_json(data)))
    checked(roster.read_yaml_rows("r.yml", as_yaml(data)))


@fuzz(st.one_of(YAMLISH.map(str.encode), st.binary(max_size=60)))
def test_fuzz_texts_of_rosters(content: bytes) -> None:
    for read in (roster.read_yaml_rows, roster.read_json_rows):
        checked(read("r", content))


def checked(rows: list[roster.Row]) -> None:
    checked_students(roster.students_of_rows(rows, Path("/x"))[0])


def checked_students(students: list[Student]) -> None:
    check_students(students, Access(kubeconfig="/k"))


CHART = {"name": "temporal", "version": "0.73.2", "appVersion": "1.29.1", "keywords": ["a"]}


def test_fuzz_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    monkeypatch.setattr(chart.shutil, "which", lambda _name: "/bin/helm")
    monkeypatch.setattr(
        subprocess, "run", lambda *_args, **_options: SimpleNamespace(returncode=0, stdout=printed[-1], stderr="")
    )

    @fuzz(st.one_of(damaged(CHART).map(as_yaml), YAMLISH.map(str.encode)))
    def target(text: bytes) -> None:
        printed.append(text.decode())
        found = chart.read_chart("helm", "temporal", "", "")
        assert found.generation in ("lab", "bundled", "separate")

    target()


@fuzz(st.one_of(st.sampled_from(TEXTS), st.text(alphabet="v0123456789.-x", max_size=12)))
def test_fuzz_versions(version: str) -> None:
    chart.numbers(version)
    chart.is_pinned("temporal", version)
    judge_helm("helm", version, "6.2.0")
    judge_helm("helm", "v4.1.0", version)
