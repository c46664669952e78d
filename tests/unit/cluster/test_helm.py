# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the program helm can be used, and by which kubernetes.core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.helm import core_version, judge_helm
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook


@pytest.mark.parametrize(
    ("version", "core", "state"),
    [
        ("v3.17.2", "6.2.0", "pass"),
        ("v3.17.2", None, "pass"),
        ("v4.3.2", "6.3.0", "fail"),
        ("v4.3.2", "6.4.0", "pass"),
        ("v4.3.2", "6.10.1", "pass"),
        ("v4.3.2", "7.0.0-beta.1", "pass"),
        ("v4.3.2", None, "warn"),
        ("", "6.6.0", "fail"),
        (None, "6.6.0", "fail"),
        ("v30.1", "6.6.0", "fail"),
        ("v5.0.0", "6.6.0", "fail"),
    ],
)
def test_helm(version: str | None, core: str | None, state: str) -> None:
    assert judge_helm("helm", version, core)["state"] == state


def test_an_older_core_is_named_with_what_to_install() -> None:
    found = judge_helm("helm", "v4.3.2", "6.2.0")
    assert found["title"] == "helm is v4.3.2, which kubernetes.core 6.2.0 cannot use"
    assert "kubernetes.core 6.4 or newer" in found["cure"]


def test_where_no_loader_of_ansible_is_the_core_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert core_version() is None


def test_ansible_finds_the_core_that_the_playbook_would_use(tmp_path: Path) -> None:
    """Under ansible-playbook, where collections come from folders and not from sys.path alone."""
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\necho v4.3.2\n")
    helm.chmod(0o755)
    core = tmp_path / "collections" / "ansible_collections" / "kubernetes" / "core"
    core.mkdir(parents=True)
    task = {"temporal_lab.benchmarking.cluster_preflight": {"helm": str(helm), "kubeconfig": str(tmp_path / "none")}}
    show = {"ansible.builtin.debug": {"var": "looked.findings"}}
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{**task, "register": "looked"}, show]}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    for version, sentence in (("6.3.1", "which kubernetes.core 6.3.1 cannot use"), ("6.5.0", '"helm is v4.3.2"')):
        (core / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": version}}))
        # a collection beside the playbook is the first that counts
        done = run_playbook(tmp_path, "ann,", "play.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert sentence in done.stdout
