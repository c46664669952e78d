# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig, also a stranger's, gives access to, and what it is refused for."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.exec_plugin import ExecPlugin
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_access import (
    Access,
    is_loopback,
    read_access,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_error import KubeconfigError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.yaml_file import DEEPEST
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    Pki,
    ScriptedApi,
    authority_of,
    one_sentence,
    write_kubeconfig,
)

SERVER = "https://k.example:6443"
PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"}


def access(path: Path, trusted: bool = False) -> Access:
    return read_access(str(path), None, trusted)


def refusal(path: Path, trusted: bool = False) -> str:
    with pytest.raises(KubeconfigError) as failure:
        access(path, trusted)
    assert failure.value.msg.isprintable()
    return one_sentence(failure.value)


def exec_user(script: str) -> dict[str, Any]:
    return {"exec": {**PLUGIN, "args": ["-c", script]}}


# -- programs ---------------------------------------------------------------


@pytest.mark.parametrize(
    "user",
    [
        exec_user("touch ran"),
        {**exec_user("touch ran"), "token": TOKEN},
        {"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/sh", "cmd-args": "-c touch ran"}}},
        {"auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "http://127.0.0.1:1", "id-token": "a.b.c"}}},
    ],
)
def test_programs_are_refused_and_the_variable_that_allows_them_is_named(
    tmp_path: Path, user: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_kubeconfig(tmp_path / "k", SERVER, user)
    with pytest.raises(KubeconfigError, match="lab_kubeconfig_exec=true"):
        Cluster.connect(str(path))
    assert not (tmp_path / "ran").exists()


def test_a_program_has_no_input_and_its_words_are_shown(tmp_path: Path, api: ScriptedApi) -> None:
    script = 'echo "open https://login.example and enter ABC" >&2; read word; echo "word: $word" >&2; exit 3'
    path = write_kubeconfig(tmp_path / "k", api.url, exec_user(script))
    plugin = ExecPlugin(access(path, trusted=True).user["exec"], {}, "The program")
    shown: list[str] = []
    # Whatever there is to be read where the playbook was started.
    ours, theirs = os.pipe()
    os.write(theirs, b"typed\n")
    before = os.dup(0)
    os.dup2(ours, 0)
    try:
        with pytest.raises(KubeconfigError, match=r"failed \(open https://login.example and enter ABC; word:\)"):
            plugin.run(shown.append)
    finally:
        os.dup2(before, 0)
        for handle in (ours, theirs, before):
            os.close(handle)
    assert shown == ["The program says: open https://login.example and enter ABC", "The program says: word:"]


def test_a_program_that_does_not_end_is_ended_with_its_children(tmp_path: Path, api: ScriptedApi) -> None:
    script = f'sleep 900 & echo $! > {tmp_path}/pid; echo "wait for it" >&2; wait'
    path = write_kubeconfig(tmp_path / "k", api.url, exec_user(script))
    plugin = ExecPlugin(access(path, trusted=True).user["exec"], {}, "The program", seconds=2.0)
    with pytest.raises(KubeconfigError, match=r"did not end within 2 s \(wait for it\)"):
        plugin.run()
    child = int((tmp_path / "pid").read_text())
    for _again in range(600):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the child still runs")


def test_a_program_gives_a_certificate_and_is_told_of_the_cluster(tmp_path: Path, pki: Pki) -> None:
    status = {"clientCertificateData": pki.user_cert.read_text(), "clientKeyData": pki.user_key.read_text()}
    (tmp_path / "answer").write_text(json.dumps({"kind": "ExecCredential", "status": status}))
    user = exec_user(f'echo "$KUBERNETES_EXEC_INFO $ROLE" > {tmp_path}/told; cat {tmp_path}/answer')
    user["exec"] |= {"provideClusterInfo": True, "env": [{"name": "ROLE", "value": "admin"}]}
    path = write_kubeconfig(tmp_path / "k", SERVER, user, authority_of(pki))
    with Cluster.connect(str(path), trusted=True) as cluster:
        assert cluster.target.authorization() is None
    told, _space, role = (tmp_path / "told").read_text().strip().rpartition(" ")
    assert role == "admin"
    assert json.loads(told)["spec"]["cluster"]["server"] == SERVER
    assert json.loads(told)["spec"]["interactive"] is False


@pytest.mark.parametrize(
    "answer", ["", "no json", "[1]", '{"status": 5}', '{"status": {}}', '{"status": {"token": 7}}', "[" * 99999]
)
def test_what_a_program_gives_is_checked(tmp_path: Path, answer: str) -> None:
    (tmp_path / "answer").write_text(answer)
    path = write_kubeconfig(tmp_path / "k", SERVER, exec_user(f"cat {tmp_path}/answer"))
    with pytest.raises(KubeconfigError, match="gave no credentials"):
        Cluster.connect(str(path), trusted=True)


def test_a_program_beside_the_kubeconfig_is_found(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "k", SERVER, {"exec": {**PLUGIN, "command": "./login"}})
    assert access(path, trusted=True).user["exec"]["command"] == str(tmp_path / "login")


# -- files ------------------------------------------------------------------


def test_files_below_its_folder_are_read(tmp_path: Path, pki: Pki) -> None:
    (tmp_path / "certs").mkdir()
    for name, source in (("ca", pki.ca), ("crt", pki.user_cert), ("key", pki.user_key)):
        (tmp_path / "certs" / name).write_bytes(source.read_bytes())
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    user = {"client-certificate": "certs/crt", "client-key": str(tmp_path / "certs" / "key"), "tokenFile": "token"}
    path = write_kubeconfig(tmp_path / "k", SERVER, user, {"certificate-authority": "certs/../certs/ca"})
    found = access(path)
    assert found.user["token"] == TOKEN
    assert base64.b64decode(found.cluster["certificate-authority-data"]).split() == pki.ca.read_bytes().split()
    assert set(found.user) == {"client-certificate-data", "client-key-data", "token"}


@pytest.mark.parametrize("key", ["tokenFile", "client-key", "client-certificate"])
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("{other}/secret", "is outside its folder"),
        ("../other/secret", "is outside its folder"),
        ("folder/../../other/secret", "is outside its folder"),
        ("/", "is outside its folder"),
        (".", "is outside its folder"),
        ("link", "is or passes through a link"),
        ("folder/secret", "is or passes through a link"),
        ("hard", "is a hard link"),
        ("fifo", "is not a regular file"),
        ("real", "Is a directory"),
        (".vault_pass", "is hidden"),
        ("real/.git/secret", "is hidden"),
    ],
)
def test_no_other_file_is_read_for_a_strangers_kubeconfig(tmp_path: Path, key: str, given: str, why: str) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "real").mkdir(parents=True)
    other.mkdir()
    for name in ("secret", "another"):
        (other / name).write_text("the-instructors-secret")
    (home / "link").symlink_to("../other/secret")
    (home / "folder").symlink_to("../other")
    os.link(other / "another", home / "hard")
    os.mkfifo(home / "fifo")
    (home / "real" / ".git").mkdir()
    for hidden in (home / ".vault_pass", home / "real" / ".git" / "secret"):
        hidden.write_text("the-instructors-secret")
    said = refusal(write_kubeconfig(home / "k", SERVER, {key: given.format(other=other)}))
    assert key in said
    assert why in said
    assert "the-instructors-secret" not in said


def test_a_trusted_kubeconfig_may_name_files_anywhere(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "home" / "link").symlink_to("../token")
    for given in (str(tmp_path / "token"), "../token", "link"):
        path = write_kubeconfig(tmp_path / "home" / "k", SERVER, {"tokenFile": given})
        assert access(path, trusted=True).user["token"] == TOKEN


@pytest.mark.parametrize(
    "content", ["root:x:0:0::/root:/bin/sh\n", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_not_taken_for_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "ca").write_text(content)
    for cluster in (
        {"certificate-authority": "ca"},
        {"certificate-authority-data": base64.b64encode(content.encode()).decode()},
    ):
        said = refusal(write_kubeconfig(tmp_path / "k", SERVER, cluster=cluster))
        assert "certificate-authority holds no certificate in PEM" in said


def test_only_the_certificates_of_a_file_are_taken(tmp_path: Path, pki: Pki) -> None:
    text = f"a secret before\n{pki.user_key.read_text()}{pki.ca.read_text()}a secret after\n"
    (tmp_path / "ca").write_text(text)
    found = access(write_kubeconfig(tmp_path / "k", SERVER, cluster={"certificate-authority": "ca"}))
    taken = base64.b64decode(found.cluster["certificate-authority-data"]).decode()
    assert taken.split() == pki.ca.read_text().split()


def test_a_key_with_a_passphrase_is_refused_because_nobody_could_be_asked(tmp_path: Path, pki: Pki) -> None:
    key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    (tmp_path / "key").write_text(key)
    (tmp_path / "crt").write_bytes(pki.user_cert.read_bytes())
    path = write_kubeconfig(tmp_path / "k", SERVER, {"client-certificate": "crt", "client-key": "key"})
    assert "client-key is encrypted with a passphrase" in refusal(path)


def test_a_kubeconfig_is_a_regular_file_of_limited_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    assert "is not a regular file" in refusal(tmp_path / "fifo")
    assert "is not a regular file" in refusal(tmp_path / "zero")
    assert "is larger than 1 MiB" in refusal(tmp_path / "large")


def test_nesting_is_refused_before_anything_recurses(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "k", SERVER)
    path.write_text(f"{path.read_text()}x: {'[' * 200_000}")
    assert f"nested deeper than {DEEPEST} levels" in refusal(path)


# -- several files, by kubectl's rules --------------------------------------


def kubeconfig_of(name: str, server: str, current: bool = True) -> dict[str, Any]:
    return {
        "clusters": [{"name": "shared", "cluster": {"server": server}}],
        "users": [{"name": "shared", "user": {"token": f"token-of-{name}"}}],
        "contexts": [{"name": name, "context": {"cluster": "shared", "user": "shared", "namespace": name}}],
        **({"current-context": name} if current else {}),
    }


def test_of_several_files_the_first_word_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {
        "none": None,
        "silent": kubeconfig_of("silent", "https://silent.example", current=False),
        "first": kubeconfig_of("first", "https://first.example"),
        "second": kubeconfig_of("second", "https://second.example"),
    }
    for name, content in contents.items():
        if content is not None:
            (tmp_path / name).write_text(yaml.safe_dump(content))
    together = os.pathsep.join(str(tmp_path / name) for name in contents)
    monkeypatch.setenv("KUBECONFIG", together)
    for given in (None, together):
        found = read_access(given, None)
        # The current context is the first one that is named, and whose name it is the first that has it.
        assert (found.context, found.server, found.namespace) == ("first", "https://silent.example", "first")
        assert found.user == {"token": "token-of-silent"}
    assert read_access(None, "second").server == "https://silent.example"


def test_a_path_with_a_colon_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a:b").write_text(yaml.safe_dump(kubeconfig_of("c", SERVER)))
    assert access(tmp_path / "a:b").server == SERVER


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    content = kubeconfig_of("c", SERVER)
    content["clusters"].append({"name": "shared", "cluster": {"server": "https://other.example"}})
    (tmp_path / "k").write_text(yaml.safe_dump(content))
    assert "has shared twice in clusters" in refusal(tmp_path / "k")


# -- what only some clients would take --------------------------------------


@pytest.mark.parametrize(
    ("cluster", "user", "said"),
    [
        ({"server": "https://me:secret-word@k.example"}, None, "holds a user or a password"),
        ({"server": "file:///etc/passwd"}, None, "not an address"),
        ({"server": "https://"}, None, "not an address"),
        ({"server": "https://k.example:99999"}, None, "not an address"),
        ({"server": "https://[::"}, None, "not an address"),
        ({"server": "https://k.example/\r\nX: y"}, None, "not an address"),
        ({"server": "https://k.example?a=b"}, None, "not an address"),
        ({"server": ["https://k.example"]}, None, "its server is not text"),
        ({"server": 5}, None, "its server is not text"),
        ({"server": ""}, None, "names no server"),
        ({"insecure-skip-tls-verify": "yes"}, None, "neither true nor false"),
        ({"tls-server-name": "a b"}, None, "tls-server-name holds spaces"),
        ({"tls-server-name": [1]}, None, "tls-server-name is not text"),
        ({"proxy-url": 5}, None, "proxy-url is not text"),
        ({"proxy-url": "http://[::"}, None, "proxy-url is not the address of a proxy"),
        ({"proxy-url": "ftp://proxy.example"}, None, "proxy-url is not the address of a proxy"),
        ({"certificate-authority-data": 5}, None, "certificate-authority-data is not text"),
        ({"certificate-authority-data": "!!!"}, None, "certificate-authority-data is not base64"),
        ({}, {"token": 5}, "its token is not text"),
        ({}, {"token": {"a": "b"}}, "its token is not text"),
        ({}, {"token": "a\nX-Other: b"}, "characters that no token has"),
        ({}, {"token": "t", "username": "u"}, "both a token and a password"),
        ({}, {"as": "admin", "token": "t"}, "acts as another user (as)"),
        ({}, {"as-groups": ["system:masters"], "token": "t"}, "acts as another user (as-groups)"),
        ({}, {"exec": [1]}, "its exec is no mapping"),
        ({}, {"exec": {"command": 5}}, "its exec names no command"),
        ({}, {"auth-provider": [1]}, "its auth-provider is no mapping"),
    ],
)
def test_what_is_of_the_wrong_shape_or_kind_is_refused(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any] | None, said: str
) -> None:
    message = refusal(write_kubeconfig(tmp_path / "k", SERVER, user, cluster))
    assert said in message
    assert "secret-word" not in message


@pytest.mark.parametrize(
    "change", [{"exec": {**PLUGIN, "args": 3}}, {"exec": {**PLUGIN, "env": 5}}, {"exec": {"command": "c"}}]
)
def test_a_trusted_programs_entry_is_checked(tmp_path: Path, change: dict[str, Any]) -> None:
    assert "its exec has" in refusal(write_kubeconfig(tmp_path / "k", SERVER, change), trusted=True)


@pytest.mark.parametrize("section", ["contexts", "clusters", "users"])
@pytest.mark.parametrize(
    "value", [None, 5, "text", {"a": "b"}, [None], [[]], [5], [{}], [{"name": ["c"]}], [{"name": "c", "cluster": 5}]]
)
def test_sections_of_any_shape_are_refused_in_one_sentence(tmp_path: Path, section: str, value: Any) -> None:
    content = {**kubeconfig_of("c", SERVER), section: value}
    (tmp_path / "k").write_text(yaml.safe_dump(content))
    assert str(tmp_path) in refusal(tmp_path / "k")


def test_names_from_the_file_are_shown_without_control_characters(tmp_path: Path) -> None:
    content = kubeconfig_of("c", SERVER)
    content["contexts"][0]["name"] = "c\x1b]0;title\x07"
    content["current-context"] = "d"
    (tmp_path / "k").write_text(yaml.safe_dump(content))
    assert "has no context d: it has c ]0;title" in refusal(tmp_path / "k")


def test_a_server_without_a_scheme_is_as_for_kubectl(tmp_path: Path, pki: Pki) -> None:
    path = write_kubeconfig(tmp_path / "k", "k.example:6443", cluster=authority_of(pki))
    assert access(path).server == "https://k.example:6443"
    assert access(write_kubeconfig(tmp_path / "k", "k.example")).server == "http://k.example"


def test_socks_proxies_look_up_names_as_for_kubectl(tmp_path: Path) -> None:
    for given, taken in (("socks5", "socks5h"), ("socks5h", "socks5h"), ("http", "http"), ("https", "https")):
        path = write_kubeconfig(tmp_path / "k", SERVER, cluster={"proxy-url": f"{given}://p.example:1"})
        with Cluster.connect(str(path)) as cluster:
            assert cluster.target.proxy == f"{taken}://p.example:1"


def test_a_missing_package_for_socks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", None)
    path = write_kubeconfig(tmp_path / "k", SERVER, cluster={"proxy-url": "socks5://p.example:1"})
    with Cluster.connect(str(path)) as cluster, pytest.raises(LabError, match="PySocks is missing"):
        cluster.get_json("/version")


def test_loopback_is_recognised() -> None:
    for server in (
        "https://127.0.0.1:6443",
        "https://127.9.9.9",
        "https://[::1]:6443",
        "https://localhost",
        "https://0.0.0.0",
    ):
        assert is_loopback(server)
    for server in ("https://10.0.0.1", "https://localhost.example", "https://k.example", "https://[fe80::1]"):
        assert not is_loopback(server)
