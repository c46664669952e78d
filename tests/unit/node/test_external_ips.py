# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that Services of the embedded node have taken are given back at its start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import external_ips, lifecycle
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.layout import Layout
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.record import Record

LAYOUT = Layout("abc123", Path("/state"))


def service(name: str, namespace: str = "ada", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


LISTED = [
    service("kubernetes", "default", clusterIP="10.96.0.1"),
    service("empty", externalIPs=[]),
    service("api", "bob", externalIPs=["10.99.0.2", "192.0.2.7"]),
]


def test_addresses_are_taken_off_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(layout: Layout, *arguments: str) -> str:
        asked.append(arguments)
        return json.dumps({"items": LISTED})

    monkeypatch.setattr(external_ips, "kubectl", kubectl)
    shown: list[str] = []
    external_ips.remove_external_ips(LAYOUT, shown.append)
    (_get, patch) = asked
    assert patch[:4] == ("--namespace=bob", "patch", "service", "api")
    assert json.loads(patch[-1].removeprefix("--patch=")) == {"spec": {"externalIPs": None}}
    (line,) = shown
    assert "10.99.0.2, 192.0.2.7" in line
    assert "Service api in namespace bob" in line


def test_it_is_done_before_anything_that_needs_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Supervisor:
        @staticmethod
        def startProcess(name: str, wait: bool) -> None:
            done.append(name)

    class Remote:
        supervisor = Supervisor

    monkeypatch.setattr(lifecycle, "supervisor_rpc", lambda _layout: Remote)
    monkeypatch.setattr(lifecycle, "wait_until", lambda *_: done.append("ready"))
    monkeypatch.setattr(lifecycle, "import_images", lambda *_: None)
    monkeypatch.setattr(lifecycle, "remove_external_ips", lambda *_: done.append("given back"))
    lifecycle._start_programs(LAYOUT, Record("10.99.0.0/30", "/b", {}), {}, print)
    start = done.index("kube-apiserver")
    assert done[start : start + 3] == ["kube-apiserver", "ready", "given back"]
    assert done.index("kube-proxy") > start
