# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a stage is decided once, and every client is given the same."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_error import KubeconfigError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.settled_cluster import (
    check_settled,
    chosen_environment,
    settle,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    Pki,
    ScriptedApi,
    write_kubeconfig,
)


def settled(kubeconfig: Path, folder: Path, context: str | None = None, trusted: bool = False) -> dict[str, Any]:
    params = {"kubeconfig": str(kubeconfig), "context": context, "kubeconfig_exec": trusted}
    return settle(params, folder, lambda _line: None, environ={})


def content_of(cluster: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(cluster["kubeconfig"]).read_text())
    return content


def test_the_file_has_one_context_needs_no_other_and_is_private(tmp_path: Path, tls_api: ScriptedApi, pki: Pki) -> None:
    for name, source in (("ca", pki.ca), ("crt", pki.user_cert), ("key", pki.user_key)):
        (tmp_path / name).write_bytes(source.read_bytes())
    user = {"client-certificate": "crt", "client-key": "key", "token": TOKEN}
    given = write_kubeconfig(tmp_path / "k", tls_api.url, user, {"certificate-authority": "ca"})
    cluster = settled(given, tmp_path)
    # Whatever becomes of what was given.
    for name in ("ca", "crt", "key", "k"):
        (tmp_path / name).unlink()
    path = Path(cluster["kubeconfig"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = content_of(cluster)
    assert [len(content[section]) for section in ("contexts", "clusters", "users")] == [1, 1, 1]
    assert content["current-context"] == cluster["context"] == "lab"
    assert (cluster["server"], cluster["source"]) == (tls_api.url, str(given))
    assert TOKEN not in str(cluster)
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(cluster["kubeconfig"]) as connected:
        assert connected.get_json("/version") == {"gitVersion": "v1"}
        # Messages name what the user knows.
        assert connected.target.kubeconfig == str(given)


def test_a_strangers_kubeconfig_says_nothing_of_its_source(tmp_path: Path, kubeconfig: Path) -> None:
    content = content_of(settled(kubeconfig, tmp_path))
    content["contexts"][0]["context"]["extensions"][0]["extension"] = "/etc/passwd"
    (tmp_path / "k").write_text(json.dumps(content))
    with Cluster.connect(str(tmp_path / "k")) as connected:
        assert connected.target.kubeconfig == str(tmp_path / "k")


def test_a_trusted_login_program_stays_so_that_its_tokens_renew(tmp_path: Path, api: ScriptedApi) -> None:
    plugin = tmp_path / "login"
    answer = {"kind": "ExecCredential", "status": {"token": "first", "expirationTimestamp": "2999-01-01T00:00:00Z"}}
    plugin.write_text(f"#!/bin/sh\necho \"$1 $WHO\" >> {tmp_path}/ran\necho 'hello' >&2\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o700)
    entry = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./login",
        "args": ["word"],
        "env": [{"name": "WHO", "value": "me"}],
    }
    given = write_kubeconfig(tmp_path / "k", api.url, {"exec": entry})
    params = {"kubeconfig": str(given), "context": None, "kubeconfig_exec": True}
    shown: list[str] = []
    (tmp_path / "private").mkdir()
    cluster = settle(params, tmp_path / "private", shown.append, environ={})
    (line,) = shown
    assert line.endswith("/login of context lab says: hello")
    api.on("GET", "/version", {})
    with Cluster.connect(cluster["kubeconfig"], trusted=True) as connected:
        connected.get_json("/version")
        assert "/login of context lab" in connected.target.login.who
    assert api.asked[0].headers["Authorization"] == "Bearer first"
    assert (tmp_path / "ran").read_text().splitlines() == ["word me"] * 2
    # Other clients read it by themselves: none is asked for input.
    entry = content_of(cluster)["users"][0]["user"]["exec"]
    assert entry["interactiveMode"] == "Never"
    with pytest.raises(KubeconfigError, match="lab_kubeconfig_exec"):
        Cluster.connect(cluster["kubeconfig"])


def test_socks_proxies_are_called_as_kubectl_calls_them(tmp_path: Path) -> None:
    given = write_kubeconfig(tmp_path / "k", "http://k.example", cluster={"proxy-url": "socks5h://p.example:1080"})
    cluster = settled(given, tmp_path)
    assert content_of(cluster)["clusters"][0]["cluster"]["proxy-url"] == "socks5://p.example:1080"
    with Cluster.connect(cluster["kubeconfig"]) as connected:
        assert connected.target.proxy == "socks5h://p.example:1080"


def test_a_refused_kubeconfig_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    given = write_kubeconfig(tmp_path / "k", "http://k.example", {"tokenFile": "/etc/hostname"})
    with pytest.raises(KubeconfigError):
        settled(given, tmp_path / "private")
    assert list((tmp_path / "private").iterdir()) == []


def test_programs_see_no_other_cluster_in_the_environment() -> None:
    environ = {
        "K8S_AUTH_HOST": "https://other",
        "K8S_AUTH_API_KEY": "t",
        "K8S_AUTH_VERIFY_SSL": "no",
        "HELM_KUBECONTEXT": "other",
        "HELM_KUBETOKEN": "t",
        "HELM_DRIVER": "sql",
        "HELM_CACHE_HOME": "/cache",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBECONFIG": "/other",
        "HOME": "/root",
    }
    assert chosen_environment("/settled", environ) == {
        "KUBECONFIG": "/settled",
        "K8S_AUTH_HOST": "",
        "K8S_AUTH_API_KEY": "",
        "K8S_AUTH_VERIFY_SSL": "true",
        "HELM_KUBECONTEXT": "",
        "HELM_KUBETOKEN": "",
        "HELM_DRIVER": "",
        "KUBERNETES_SERVICE_HOST": "",
    }
    assert chosen_environment("/settled", {"HOME": "/root"}) == {"KUBECONFIG": "/settled"}
    for other in ("K8S_AUTH_VERIFY_SSL", "K8S_AUTH_SSL_CA_CERT"):
        with pytest.raises(LabError, match=f"both K8S_AUTH_CONTEXT and {other}"):
            chosen_environment("/settled", {"K8S_AUTH_CONTEXT": "c", other: "x"})


def test_a_file_that_was_changed_while_the_stage_ran_is_found_out(tmp_path: Path, kubeconfig: Path) -> None:
    cluster = settled(kubeconfig, tmp_path)
    check_settled(cluster)
    path = Path(cluster["kubeconfig"])
    path.write_text(path.read_text().replace("lab", "bal"))
    with pytest.raises(LabError, match="unknown which cluster was changed"):
        check_settled(cluster)
    path.unlink()
    with pytest.raises(LabError, match="was changed or removed"):
        check_settled(cluster)
