# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server a kubeconfig means, who asks, and whom to trust."""

from __future__ import annotations

import base64
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import capacity
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_error import KubeconfigError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    Pki,
    ScriptedApi,
    authority_of,
    one_sentence,
    write_kubeconfig,
)


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def exec_user(tmp_path: Path, text: str) -> dict[str, Any]:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(text, encoding="utf-8")
    api_version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api_version, "command": sys.executable, "args": [str(plugin)]}}


def credential(**values: Any) -> str:
    """A plugin that prints these credentials and counts in a file beside it how often it ran."""
    return (
        "import json, pathlib\n"
        "count = pathlib.Path(__file__).with_suffix('.count')\n"
        "number = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(number))\n"
        f"status = {values!r}\n"
        "status['token'] = status['token'].replace('#', str(number))\n"
        "kind = {'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'status': status}\n"
        "print(json.dumps(kind))\n"
    )


def test_a_token_is_sent_and_never_shown(kubeconfig: Path, api: ScriptedApi) -> None:
    api.on("GET", "/version", {"gitVersion": "v1.34.4"})
    with Cluster.connect(str(kubeconfig)) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1.34.4"}
        assert TOKEN not in repr(cluster)
    assert api.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_the_token_of_an_exec_plugin_is_renewed_when_it_expires(tmp_path: Path, api: ScriptedApi) -> None:
    # Expired as soon as it is given: the library renews it five minutes early.
    user = exec_user(tmp_path, credential(token="number-#", expirationTimestamp="2026-01-01T00:00:00Z"))
    api.on("GET", "/version", {})
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user)), trusted=True) as cluster:
        cluster.get_json("/version")
        cluster.get_json("/version")
    sent = [asked.headers["Authorization"] for asked in api.asked]
    assert sent == ["Bearer number-2", "Bearer number-3"]


def test_the_token_of_an_exec_plugin_is_kept_until_it_expires(tmp_path: Path, api: ScriptedApi) -> None:
    user = exec_user(tmp_path, credential(token="number-#", expirationTimestamp="2999-01-01T00:00:00Z"))
    api.on("GET", "/version", {})
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user)), trusted=True) as cluster:
        cluster.get_json("/version")
        cluster.get_json("/version")
    assert {asked.headers["Authorization"] for asked in api.asked} == {"Bearer number-1"}


def test_a_client_certificate_is_shown_and_its_key_stays_in_no_file(
    tmp_path: Path, tls_api: ScriptedApi, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    # A server with an authority of its own, on a machine whose environment names another one.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    user = {"client-certificate-data": base64_of(pki.user_cert), "client-key-data": base64_of(pki.user_key)}
    path = write_kubeconfig(tmp_path / "k", tls_api.url, user, authority_of(pki))
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    for _twice in range(2):
        with Cluster.connect(str(path)) as cluster:
            assert list(scratch.iterdir()) == []
            assert cluster.get_json("/version") == {"gitVersion": "v1"}
    assert "Authorization" not in tls_api.asked[0].headers


def test_certificates_in_files_of_its_folder_are_read_too(tmp_path: Path, tls_api: ScriptedApi, pki: Pki) -> None:
    user = {"client-certificate": str(pki.user_cert), "client-key": str(pki.user_key)}
    path = write_kubeconfig(
        pki.ca.parent / f"{tmp_path.name}-k", tls_api.url, user, {"certificate-authority": str(pki.ca)}
    )
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(str(path)) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1"}


@pytest.mark.parametrize("others", [[], ["of-another-cluster"]])
def test_relative_paths_begin_at_the_kubeconfig(
    tmp_path: Path, tls_api: ScriptedApi, pki: Pki, monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    for name, source in (("ca", pki.ca), ("cert", pki.user_cert), ("key", pki.user_key)):
        (home / name).write_bytes(source.read_bytes())
    user = {"client-certificate": "cert", "client-key": "key"}
    paths = [write_kubeconfig(home / "k", tls_api.url, user, {"certificate-authority": "ca"})]
    # Of two the first word counts.
    paths += [write_kubeconfig(elsewhere / name, "https://127.0.0.1:1") for name in others]
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(os.pathsep.join(map(str, paths))) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1"}


def test_another_authority_is_not_trusted_and_not_asked_twice(
    tmp_path: Path, tls_api: ScriptedApi, other_pki: Pki
) -> None:
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster=authority_of(other_pki))
    began = time.monotonic()
    with Cluster.connect(str(path)) as cluster, pytest.raises(Unreachable) as failure:
        cluster.get_json("/version")
    assert "No trusted connection" in one_sentence(failure.value)
    assert time.monotonic() - began < 30
    assert tls_api.asked == []


def test_verification_is_skipped_only_when_the_kubeconfig_says_so(tmp_path: Path, tls_api: ScriptedApi) -> None:
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster={"insecure-skip-tls-verify": True})
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(str(path)) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1"}


def test_the_name_in_the_certificate_counts(tmp_path: Path, tls_api: ScriptedApi, pki: Pki) -> None:
    authority = authority_of(pki)
    path = write_kubeconfig(tmp_path / "k", tls_api.url.replace("127.0.0.1", "localhost"), cluster=authority)
    with Cluster.connect(str(path)) as cluster, pytest.raises(Unreachable, match="No trusted connection"):
        cluster.get_json("/version")
    path = write_kubeconfig(
        tmp_path / "k2",
        tls_api.url.replace("127.0.0.1", "localhost"),
        cluster={**authority, "tls-server-name": "127.0.0.1"},
    )
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(str(path)) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not a kubeconfig with a context"),
        ("just words", "is not a kubeconfig with a context"),
        ("- a\n- list", "is not a kubeconfig with a context"),
        ("contexts: [[[", "is not YAML, "),
        ("contexts: []", "is not a kubeconfig with a context"),
        ("contexts: [{name: lab}]", "has no current context"),
        ("contexts: [{name: a}, {name: b}]\ncurrent-context: c", "has no context c: it has a, b"),
        ("contexts: [{name: lab}]\ncurrent-context: lab", "Context lab of the kubeconfig"),
        ("contexts: [{name: lab, context: {cluster: c, user: u}}]\ncurrent-context: lab", "cannot be used"),
        (
            "contexts: [{name: lab, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]\ncurrent-context: lab",
            "names no server",
        ),
    ],
)
def test_a_kubeconfig_that_is_none(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "k"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KubeconfigError) as failure:
        Cluster.connect(str(path))
    assert said in one_sentence(failure.value)
    assert str(path) in failure.value.msg


def test_there_is_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KubeconfigError, match=r"There is no kubeconfig at .*/nowhere"):
        Cluster.connect(str(tmp_path / "nowhere"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "from-the-environment"))
    with pytest.raises(KubeconfigError, match=r"There is no kubeconfig at .*/from-the-environment"):
        Cluster.connect()


def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="is not a regular file"):
        Cluster.connect(str(tmp_path))


def test_a_context_that_there_is_not(kubeconfig: Path) -> None:
    with pytest.raises(KubeconfigError) as failure:
        Cluster.connect(str(kubeconfig), "mine")
    assert "has no context mine: it has lab, other;" in one_sentence(failure.value)


def test_the_second_of_two_kubeconfigs_of_the_environment_counts(
    tmp_path: Path, kubeconfig: Path, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}{os.pathsep}{kubeconfig}")
    with Cluster.connect() as cluster:
        assert cluster.server == api.url


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"client-certificate-data": "%%%", "client-key-data": "%%%"}, "client-certificate-data is not base64"),
        ({"client-certificate-data": "YWJj", "client-key-data": "YWJj"}, "holds no certificate in PEM"),
        (
            {"client-certificate": "nowhere.crt", "client-key": "nowhere.key"},
            "nowhere.crt cannot be read: No such file",
        ),
        ({"client-certificate": "/nowhere.crt", "client-key": "/nowhere.key"}, "/nowhere.crt is outside its folder"),
    ],
)
def test_a_certificate_that_is_none(tmp_path: Path, user: dict[str, str], said: str) -> None:
    path = write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", user)
    with pytest.raises(KubeconfigError) as failure:
        Cluster.connect(str(path))
    assert said in one_sentence(failure.value)


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    cluster = {"certificate-authority-data": base64.b64encode(b"not a certificate").decode()}
    path = write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", cluster=cluster)
    with pytest.raises(KubeconfigError, match="certificate-authority holds no certificate in PEM"):
        Cluster.connect(str(path))


def test_an_exec_plugin_that_fails_is_quoted(
    tmp_path: Path, api: ScriptedApi, capfd: pytest.CaptureFixture[str]
) -> None:
    user = exec_user(tmp_path, "import sys\nsys.exit('no session, log in first')\n")
    path = write_kubeconfig(tmp_path / "k", api.url, user)
    with pytest.raises(KubeconfigError) as failure:
        Cluster.connect(str(path), trusted=True)
    assert "no session, log in first" in one_sentence(failure.value)
    assert capfd.readouterr().err == ""


def test_an_exec_plugin_that_is_missing(tmp_path: Path, api: ScriptedApi) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "a-plugin-that-is-not-there"}}
    with pytest.raises(KubeconfigError, match="a-plugin-that-is-not-there of context lab cannot be run"):
        Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user)), trusted=True)


def test_a_broken_token_is_not_quoted(tmp_path: Path, api: ScriptedApi) -> None:
    for token in (f"{TOKEN}\nX-Other: y", f"{TOKEN}é"):
        path = write_kubeconfig(tmp_path / "k", api.url, {"token": token})
        with pytest.raises(KubeconfigError) as failure:
            Cluster.connect(str(path))
        assert "characters that no token has" in one_sentence(failure.value)
    assert api.asked == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ImportError("No module named 'kubernetes'", name="kubernetes")
    monkeypatch.setattr(capacity, "IMPORT_ERROR", missing)
    with pytest.raises(LabError, match="The Python package kubernetes is missing"):
        capacity.require_kubernetes()


def test_nothing_of_a_kubeconfig_is_left_behind(kubeconfig: Path) -> None:
    mode = stat.S_IMODE(kubeconfig.stat().st_mode)
    before = kubeconfig.read_bytes()
    with Cluster.connect(str(kubeconfig)):
        pass
    assert kubeconfig.read_bytes() == before
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == mode
