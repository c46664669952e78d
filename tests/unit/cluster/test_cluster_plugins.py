# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules and actions themselves: thin, but they are what a playbook meets."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    ScriptedApi,
    deployment,
    pod,
    status,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

COLLECTION = "ansible_collections.temporal_lab.benchmarking.plugins"
NAMESPACE = "/api/v1/namespaces/default"
HTTP = f"{NAMESPACE}/services/my-temporal-frontend:7243/proxy/api/v1"
HISTORY = "/apis/apps/v1/namespaces/default/deployments/my-temporal-history"


def temporal(api: ScriptedApi) -> None:
    api.on("GET", f"{NAMESPACE}/services/my-temporal-frontend", {"spec": {"ports": [{"port": 7243}]}})
    api.on("GET", f"{HTTP}/cluster-info", {"historyShardCount": 512, "serverVersion": "1.31.2"})
    api.on("GET", f"{HTTP}/namespaces", {"namespaces": [{"namespaceInfo": {"name": "default"}}]})


def run_module(name: str, capfd: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    module = importlib.import_module(f"{COLLECTION}.modules.{name}")
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    return json.loads(capfd.readouterr().out)


def test_a_module_returns_its_result(api: ScriptedApi, kubeconfig: Path, capfd: pytest.CaptureFixture[str]) -> None:
    temporal(api)
    result = run_module("temporal_cluster_info", capfd, kubeconfig=str(kubeconfig))
    assert (result["history_shards"], result["namespaces"], result["changed"]) == (512, ["default"], False)


def test_a_module_fails_in_one_sentence(api: ScriptedApi, kubeconfig: Path, capfd: pytest.CaptureFixture[str]) -> None:
    api.on("GET", HISTORY, deployment(status={"availableReplicas": 0}))
    crashing = pod("a", state={"waiting": {"reason": "CrashLoopBackOff"}}, last={"exitCode": 1})
    api.on("GET", f"{NAMESPACE}/pods", {"items": [crashing]})
    api.on("GET", f"{NAMESPACE}/pods/a/log", Answer(b"no database\n"))
    result = run_module(
        "deployment_rollout", capfd, kubeconfig=str(kubeconfig), deployments=["my-temporal-history"], timeout=0
    )
    assert result["failed"] is True
    assert result["msg"].endswith("last log line of a: no database.")
    assert result["logs"] == {"a": ["no database"]}


def test_actions_in_a_playbook(api: ScriptedApi, kubeconfig: Path, tmp_path: Path) -> None:
    """What a user sees: progress of a wait, a result, and a failure without a traceback."""
    temporal(api)
    api.on("GET", HISTORY, deployment(), deployment(status={"availableReplicas": 0}), deployment())
    frontend = HISTORY.replace("history", "frontend")
    api.on("GET", frontend, status(404, 'deployments.apps "my-temporal-frontend" not found'), deployment())
    api.on("GET", f"{NAMESPACE}/pods", {"items": [pod("my-temporal-history-a")]})
    api.on("GET", f"{NAMESPACE}/configmaps", status(403, 'x is forbidden: User "jane" cannot list it'))
    where = {"kubeconfig": str(kubeconfig)}
    prefix = "temporal_lab.benchmarking."
    tasks = [
        {f"{prefix}temporal_cluster_info": where, "register": "info"},
        {"ansible.builtin.assert": {"that": "info.history_shards == 512"}},
        {f"{prefix}deployment_rollout": {**where, "deployments": ["my-temporal-history"]}, "register": "rollout"},
        {"ansible.builtin.assert": {"that": "rollout.events[0].name == 'history_rolled_out'"}},
        # A failure that is looked for, and one that passes by itself.
        {
            f"{prefix}wait_absent": {**where, "selectors": ["a=b"], "kinds": ["configmaps"]},
            "failed_when": "'cannot list it' not in refused.msg",
            "register": "refused",
        },
        {
            f"{prefix}deployment_rollout": {**where, "deployments": ["my-temporal-frontend"], "timeout": 0},
            "register": "again",
            "until": "again is not failed",
            "retries": 2,
            "delay": 0,
        },
        {f"{prefix}wait_absent": {**where, "selectors": ["a=b"], "kinds": ["configmaps"]}},
    ]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = run_playbook(tmp_path, "localhost,", str(playbook))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "localhost: history 1 of 1 pods ready (" in done.stdout
    assert 'User \\"jane\\" cannot list it' in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "ok=6 " in done.stdout
