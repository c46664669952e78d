# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import os
import ssl
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import kubeconfig as kubeconfigs
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import METADATA_LIST, Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig import KubeconfigError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    Conflict,
    NotFound,
    ProxyTargetError,
    Refused,
    RequestFailed,
    TemporaryFailure,
    UnexpectedAnswer,
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    TOKEN,
    Answer,
    Pki,
    ScriptedApi,
    status,
    write_kubeconfig,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port

PODS = "/api/v1/namespaces/default/pods"
SERVICE = "/api/v1/namespaces/default/services/web:80/proxy/x"
POD = "/api/v1/namespaces/default/pods/web-1:9090/proxy/metrics"


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def one_sentence(error: LabError) -> str:
    """The message, after what holds for every message was checked."""
    assert "\n" not in error.msg
    assert error.msg.rstrip().endswith((".", "?"))
    assert TOKEN not in error.msg
    return error.msg


# -- kubeconfigs ------------------------------------------------------------


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
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user))) as cluster:
        cluster.get_json("/version")
        cluster.get_json("/version")
    sent = [asked.headers["Authorization"] for asked in api.asked]
    assert sent == ["Bearer number-2", "Bearer number-3"]


def test_the_token_of_an_exec_plugin_is_kept_until_it_expires(tmp_path: Path, api: ScriptedApi) -> None:
    user = exec_user(tmp_path, credential(token="number-#", expirationTimestamp="2999-01-01T00:00:00Z"))
    api.on("GET", "/version", {})
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user))) as cluster:
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
    path = write_kubeconfig(tmp_path / "k", tls_api.url, user, {"certificate-authority-data": base64_of(pki.ca)})
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    for _twice in range(2):
        with Cluster.connect(str(path)) as cluster:
            assert list(scratch.iterdir()) == []
            assert cluster.get_json("/version") == {"gitVersion": "v1"}
    assert "Authorization" not in tls_api.asked[0].headers


def test_certificates_in_files_are_read_too(tmp_path: Path, tls_api: ScriptedApi, pki: Pki) -> None:
    user = {"client-certificate": str(pki.user_cert), "client-key": str(pki.user_key)}
    path = write_kubeconfig(tmp_path / "k", tls_api.url, user, {"certificate-authority": str(pki.ca)})
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


def test_tokens_that_the_library_renews_are_written_back(kubeconfig: Path, tmp_path: Path) -> None:
    renewed = write_kubeconfig(tmp_path / "k", "https://127.0.0.1:1", {"auth-provider": {"name": "oidc"}})
    assert kubeconfigs._kubeconfig_source([str(renewed)])["config_persister"] is not None
    assert "config_persister" not in kubeconfigs._kubeconfig_source([str(kubeconfig)])


def test_another_authority_is_not_trusted_and_not_asked_twice(
    tmp_path: Path, tls_api: ScriptedApi, other_pki: Pki
) -> None:
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster={"certificate-authority": str(other_pki.ca)})
    began = time.monotonic()
    with Cluster.connect(str(path)) as cluster, pytest.raises(Unreachable) as failure:
        cluster.get_json("/version")
    assert "No trusted connection" in one_sentence(failure.value)
    assert time.monotonic() - began < 2
    assert tls_api.asked == []


def test_verification_is_skipped_only_when_the_kubeconfig_says_so(tmp_path: Path, tls_api: ScriptedApi) -> None:
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster={"insecure-skip-tls-verify": True})
    tls_api.on("GET", "/version", {"gitVersion": "v1"})
    with Cluster.connect(str(path)) as cluster:
        assert cluster.get_json("/version") == {"gitVersion": "v1"}


def test_the_name_in_the_certificate_counts(tmp_path: Path, tls_api: ScriptedApi, pki: Pki) -> None:
    authority = {"certificate-authority": str(pki.ca)}
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
        ("contexts: [[[", "is not YAML (line"),
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
    with pytest.raises(KubeconfigError, match="cannot be read: Is a directory"):
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
        ({"client-certificate-data": "%%%", "client-key-data": "%%%"}, "take a fresh"),
        ({"client-certificate-data": "YWJj", "client-key-data": "YWJj"}, "certificate or key"),
        ({"client-certificate": "/nowhere.crt", "client-key": "/nowhere.key"}, "/nowhere.crt"),
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
    with pytest.raises(KubeconfigError, match="certificate or key"):
        Cluster.connect(str(path))


def test_an_exec_plugin_that_fails_is_quoted(
    tmp_path: Path, api: ScriptedApi, capfd: pytest.CaptureFixture[str]
) -> None:
    user = exec_user(tmp_path, "import sys\nsys.exit('no session, log in first')\n")
    path = write_kubeconfig(tmp_path / "k", api.url, user)
    with pytest.raises(KubeconfigError) as failure:
        Cluster.connect(str(path))
    assert "no session, log in first" in one_sentence(failure.value)
    assert capfd.readouterr().err == ""


def test_an_exec_plugin_that_is_missing(tmp_path: Path, api: ScriptedApi) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "a-plugin-that-is-not-there"}}
    with pytest.raises(KubeconfigError, match="a-plugin-that-is-not-there of context lab gave no credentials"):
        Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, user)))


def test_a_broken_token_is_not_quoted(tmp_path: Path, api: ScriptedApi) -> None:
    for token in (f"{TOKEN}\nX-Other: y", f"{TOKEN}é"):
        path = write_kubeconfig(tmp_path / "k", api.url, {"token": token})
        with Cluster.connect(str(path)) as cluster, pytest.raises(KubeconfigError) as failure:
            cluster.get_json("/version")
        assert "characters that no token has" in one_sentence(failure.value)
    assert api.asked == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ImportError("No module named 'kubernetes'", name="kubernetes")
    monkeypatch.setattr(kubeconfigs, "IMPORT_ERROR", missing)
    with pytest.raises(LabError, match="The Python package kubernetes is missing"):
        Cluster.connect()


# -- no answer --------------------------------------------------------------


def test_a_closed_port(tmp_path: Path) -> None:
    server = f"https://127.0.0.1:{free_port()}"
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", server))) as cluster:
        cluster.patience = 0.0
        with pytest.raises(Unreachable) as failure:
            cluster.get_json("/version")
    assert f"The API server {server} does not answer (connection refused)" in one_sentence(failure.value)


def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", "https://nowhere.invalid:6443"))) as cluster:
        cluster.patience = 0.0
        with pytest.raises(Unreachable, match=r"nowhere\.invalid:6443 does not answer"):
            cluster.get_json("/version")


def test_a_proxy_that_is_not_there_is_named_without_its_password(tmp_path: Path, api: ScriptedApi) -> None:
    proxy = {"proxy-url": f"http://me:{TOKEN}@127.0.0.1:{free_port()}"}
    with Cluster.connect(str(write_kubeconfig(tmp_path / "k", api.url, cluster=proxy))) as cluster:
        cluster.patience = 0.0
        with pytest.raises(Unreachable) as failure:
            cluster.get_json("/version")
    assert "through the proxy 127.0.0.1:" in one_sentence(failure.value)


def test_the_proxy_of_the_environment_is_bypassed_where_it_says_so(
    kubeconfig: Path, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("GET", "/version", {})
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with Cluster.connect(str(kubeconfig)) as cluster:
        cluster.patience = 0.0
        with pytest.raises(Unreachable, match="through the proxy"):
            cluster.get_json("/version")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Cluster.connect(str(kubeconfig)) as cluster:
        assert cluster.get_json("/version") == {}


def test_a_server_that_hangs(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", "/version", Answer({}, hang=5))
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer GET /version within 0\.2 s"):
        cluster.get_json("/version", silence=0.2)
    assert time.monotonic() - began < 2


def test_a_server_that_speaks_no_tls(tmp_path: Path, api: ScriptedApi) -> None:
    path = write_kubeconfig(tmp_path / "k", api.url.replace("http:", "https:"))
    with Cluster.connect(str(path)) as cluster:
        cluster.patience = 0.0
        with pytest.raises(Unreachable) as failure:
            cluster.get_json("/version")
    assert "wrong version number" in one_sentence(failure.value)


# -- answers that are none --------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"<html><title>Log in</title></html>"), "a page of HTML"),
        (Answer(b'{"items": ['), "JSON that breaks off after 11 bytes"),
        (Answer(b"[]"), "something that is no answer of the Kubernetes API"),
        (Answer(b""), "nothing"),
        (Answer(b"ok"), "something that is no answer of the Kubernetes API"),
    ],
)
def test_no_json(cluster: Cluster, api: ScriptedApi, answer: Answer, said: str) -> None:
    api.on("GET", PODS, answer)
    with pytest.raises(UnexpectedAnswer) as failure:
        cluster.list_objects("pods")
    assert f"GET {PODS} at the API server {api.url} was answered with {said}" in one_sentence(failure.value)


def test_an_answer_that_is_cut_off_is_asked_for_again(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", "/version", Answer({"gitVersion": "v1"}, cut=True), {"gitVersion": "v1"})
    with pytest.raises(Unreachable, match="cut the connection"):
        cluster.get_json("/version")
    api.on("GET", "/version", Answer({"gitVersion": "v1"}, cut=True), {"gitVersion": "v1"})
    assert cluster.get_json("/version", patience=5) == {"gitVersion": "v1"}


def test_a_redirect_is_not_followed(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", "/version", Answer(status=302, headers={"Location": "http://127.0.0.1:1/login"}))
    with pytest.raises(UnexpectedAnswer, match=r"redirects GET /version to http://127\.0\.0\.1:1/login \(302\)"):
        cluster.get_json("/version")
    assert len(api.asked) == 1


# -- refusals ---------------------------------------------------------------

FORBIDDEN = (
    'deployments.apps "my-temporal-history" is forbidden: User "jane" cannot patch resource "deployments/scale" '
    'in API group "apps" in the namespace "default"'
)


@pytest.mark.parametrize(
    ("path", "answer", "error", "said"),
    [
        (PODS, status(401, "Unauthorized", "Unauthorized"), Refused, "credentials of context lab"),
        (PODS, status(403, FORBIDDEN, "Forbidden"), Refused, 'User "jane" cannot patch resource'),
        (PODS, status(403, "no more than that", "Forbidden"), Refused, "(403): no more than that;"),
        (PODS, status(404, 'pods "x" not found', "NotFound"), NotFound, 'pods "x" not found'),
        (PODS, Answer(b"404 page not found", 404), NotFound, "404 page not found"),
        (PODS, status(409, "the object has been modified", "Conflict"), Conflict, "(409): the object has been mod"),
        (PODS, status(503, "apiserver is shutting down"), TemporaryFailure, "(503): apiserver is shutting down;"),
        (PODS, Answer(b"<html>Bad gateway</html>", 502), TemporaryFailure, "(502): a page of HTML;"),
        (PODS, Answer(b"", 500), TemporaryFailure, "(500): Internal Server Error;"),
        (
            SERVICE,
            status(503, 'no endpoints available for service "web"', "ServiceUnavailable"),
            ProxyTargetError,
            "Service web (port 80) in namespace default does not answer",
        ),
        (
            SERVICE,
            status(503, 'no service port 80 found for service "web"', "ServiceUnavailable"),
            ProxyTargetError,
            "no service port 80",
        ),
        (
            POD,
            status(503, "error trying to reach service: dial tcp 10.0.0.7:9090: connect: connection refused"),
            ProxyTargetError,
            "Pod web-1 (port 9090) in namespace default does not answer",
        ),
        (
            POD,
            Answer(b"Error trying to reach service: 'dial tcp 10.0.0.7:9090: i/o timeout'", 503),
            ProxyTargetError,
            "i/o timeout",
        ),
        (SERVICE, status(404, 'services "web" not found', "NotFound"), NotFound, 'services "web" not found'),
        (SERVICE, status(403, FORBIDDEN, "Forbidden"), Refused, "does not permit GET"),
        # The target's own answers are not the API server's.
        (SERVICE, Answer({"message": "no such page"}, 404), RequestFailed, "no such page (404)"),
        (SERVICE, Answer({"message": "log in"}, 401), RequestFailed, "log in (401)"),
        (SERVICE, Answer({"error": "too busy"}, 503), TemporaryFailure, "too busy (503)"),
    ],
)
def test_refusals(
    cluster: Cluster, api: ScriptedApi, path: str, answer: Answer, error: type[LabError], said: str
) -> None:
    api.on("GET", path, answer)
    with pytest.raises(LabError) as failure:
        cluster.get_json(path)
    assert failure.type is error
    assert said in one_sentence(failure.value)


def test_an_allowed_status_is_returned_unless_the_api_server_means_its_proxy(
    cluster: Cluster, api: ScriptedApi
) -> None:
    api.on("GET", SERVICE, Answer({"code": 5}, 404), status(404, 'services "web" not found', "NotFound"))
    assert cluster.request("GET", SERVICE, allowed=(404,)).json() == {"code": 5}
    with pytest.raises(NotFound):
        cluster.request("GET", SERVICE, allowed=(404,))


# -- trying again -----------------------------------------------------------


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def timed(cluster: Cluster) -> Time:
    """The cluster's patience of ten seconds on a clock that only sleeping moves."""
    clock = Time()
    cluster.patience, cluster.clock, cluster.sleep = 10.0, lambda: clock.now, clock.sleep
    return clock


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(cluster: Cluster, api: ScriptedApi, timed: Time, code: int) -> None:
    api.on("GET", "/version", status(code, "busy"), status(code, "busy"), {"gitVersion": "v1"})
    assert cluster.get_json("/version") == {"gitVersion": "v1"}
    assert len(timed.slept) == 2
    assert 0.1 <= timed.slept[0] <= 0.3
    assert 0.2 <= timed.slept[1] <= 0.6


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422])
def test_a_final_answer_is_not_tried_again(cluster: Cluster, api: ScriptedApi, timed: Time, code: int) -> None:
    api.on("GET", "/version", status(code, "no"), {"gitVersion": "v1"})
    with pytest.raises(LabError):
        cluster.get_json("/version")
    assert timed.slept == []


def test_a_post_is_not_tried_again_unless_that_is_said_to_be_safe(
    cluster: Cluster, api: ScriptedApi, timed: Time
) -> None:
    api.on("POST", PODS, status(503, "busy"), {})
    with pytest.raises(TemporaryFailure):
        cluster.request("POST", PODS, json={})
    api.on("POST", PODS, status(503, "busy"), {})
    assert cluster.request("POST", PODS, json={}, idempotent=True).status == 200
    assert len(timed.slept) == 1


def test_patience_ends(cluster: Cluster, api: ScriptedApi, timed: Time) -> None:
    api.on("GET", "/version", status(503, "busy"))
    with pytest.raises(TemporaryFailure):
        cluster.get_json("/version")
    assert 6 <= timed.now < 10
    assert max(timed.slept) <= 3


def test_the_server_says_how_long_to_wait(cluster: Cluster, api: ScriptedApi, timed: Time) -> None:
    busy = status(429, "busy")
    busy.headers["Retry-After"] = "4"
    api.on("GET", "/version", busy, {})
    cluster.get_json("/version")
    assert timed.slept == [4.0]


# -- objects ----------------------------------------------------------------


def test_lists_are_read_to_their_end(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, {"items": [1, 2], "metadata": {"continue": "more"}}, {"items": [3], "metadata": {}})
    assert cluster.list_objects("pods", "a=b", accept=METADATA_LIST) == [1, 2, 3]
    assert [asked.query for asked in api.asked] == [
        {"limit": "500", "labelSelector": "a=b"},
        {"limit": "500", "labelSelector": "a=b", "continue": "more"},
    ]
    assert {asked.headers["Accept"] for asked in api.asked} == {METADATA_LIST}


def test_find_tells_missing_from_broken(cluster: Cluster, api: ScriptedApi) -> None:
    assert cluster.find("pods", "x") is None
    api.on("GET", f"{PODS}/x", status(403, FORBIDDEN))
    with pytest.raises(Refused):
        cluster.find("pods", "x")
    api.on("GET", f"{PODS}/x", {"kind": "Pod"})
    assert cluster.find("pods", "x") == {"kind": "Pod"}


def test_patch_and_delete_say_what_they_are(cluster: Cluster, api: ScriptedApi) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments/d"
    api.on("PATCH", f"{path}/scale", {})
    api.on("PATCH", path, {})
    api.on("DELETE", path, {}, status(404, "gone"))
    cluster.patch("deployments", "d", {"spec": {}}, subresource="scale")
    cluster.patch("deployments", "d", {"spec": {}}, merge="strategic-merge")
    assert [asked.headers["Content-Type"] for asked in api.asked] == [
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ]
    assert cluster.delete("deployments", "d") is True
    assert cluster.delete("deployments", "d") is False
    assert api.asked[-1].body["propagationPolicy"] == "Background"


def test_paths(cluster: Cluster) -> None:
    assert cluster.path("nodes") == "/api/v1/nodes"
    assert cluster.path("pods", "a/b", "log") == "/api/v1/namespaces/default/pods/a%2Fb/log"
    assert cluster.service_proxy("web", 80, "x") == SERVICE
    assert cluster.pod_proxy("web-1", 9090, "/metrics") == POD


def test_the_environment_has_no_say_in_whom_to_trust(
    tmp_path: Path, tls_api: ScriptedApi, pki: Pki, other_pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a plain session does wrong, and the Cluster must not."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki.ca))
    tls_api.on("GET", "/version", {})
    session = requests.Session()
    session.verify = str(other_pki.ca)
    assert session.get(f"{tls_api.url}/version").ok
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster={"certificate-authority": str(other_pki.ca)})
    with Cluster.connect(str(path)) as cluster, pytest.raises(Unreachable, match="No trusted connection"):
        cluster.get_json("/version")


def test_the_well_known_authorities_are_not_added_to_the_clusters_own(
    tmp_path: Path, tls_api: ScriptedApi, pki: Pki
) -> None:
    tls_api.on("GET", "/version", {})
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster={"certificate-authority": str(pki.ca)})
    with Cluster.connect(str(path)) as cluster:
        cluster.get_json("/version")
        assert isinstance(cluster.target.tls, ssl.SSLContext)
        assert len(cluster.target.tls.get_ca_certs()) == 1


def test_nothing_of_a_kubeconfig_is_left_behind(kubeconfig: Path) -> None:
    mode = stat.S_IMODE(kubeconfig.stat().st_mode)
    before = kubeconfig.read_bytes()
    with Cluster.connect(str(kubeconfig)):
        pass
    assert kubeconfig.read_bytes() == before
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == mode
