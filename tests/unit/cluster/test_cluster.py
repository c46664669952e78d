# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the Kubernetes API, in scripted conversations with an API server."""

from __future__ import annotations

import itertools
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import cluster as cluster_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import METADATA_LIST, Cluster
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
    authority_of,
    one_sentence,
    status,
    write_kubeconfig,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port

PODS = "/api/v1/namespaces/default/pods"
SERVICE = "/api/v1/namespaces/default/services/web:80/proxy/x"
POD = "/api/v1/namespaces/default/pods/web-1:9090/proxy/metrics"


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
    api.on("GET", "/version", Answer({}, hang=60))
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer GET /version within 0\.2 s"):
        cluster.get_json("/version", silence=0.2)
    assert time.monotonic() - began < 30


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
    with pytest.raises(Unreachable, match="closed the connection"):
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
        (
            PODS,
            status(403, 'admission webhook "owners.example" denied the request: no owner', "Forbidden"),
            Refused,
            "denied the request: no owner; this is a policy of the cluster and not a permission",
        ),
        (
            PODS,
            status(
                422,
                "Pod \"x\" is invalid: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
                "Invalid",
            ),
            RequestFailed,
            "meet it, or ask the owner of p for an exception",
        ),
        (
            PODS,
            status(500, 'failed calling webhook "owners.example": connection refused', "InternalError"),
            TemporaryFailure,
            "the cluster's webhook owners.example does not answer",
        ),
        (PODS, status(403, FORBIDDEN, "Forbidden"), Refused, "ask the owner of the cluster for that permission"),
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
        (SERVICE, status(403, FORBIDDEN, "Forbidden"), Refused, "denied GET"),
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
    one, two, three = ({"metadata": {"name": name}} for name in ("a", "b", "c"))
    api.on("GET", PODS, {"items": [one, two], "metadata": {"continue": "more"}}, {"items": [three], "metadata": {}})
    assert cluster.list_objects("pods", "a=b", accept=METADATA_LIST) == [one, two, three]
    assert [asked.query for asked in api.asked] == [
        {"limit": "500", "labelSelector": "a=b"},
        {"limit": "500", "labelSelector": "a=b", "continue": "more"},
    ]
    assert {asked.headers["Accept"] for asked in api.asked} == {METADATA_LIST}


@pytest.mark.parametrize(
    "page",
    [
        {"items": [], "metadata": {"continue": "again"}},
        {"items": [1]},
        {"items": [{"metadata": {}}]},
        {"items": 5},
        {"items": [], "metadata": [1]},
        {"items": [], "metadata": {"continue": {"a": 1}}},
    ],
)
def test_a_list_that_is_none_or_never_ends(cluster: Cluster, api: ScriptedApi, page: dict[str, Any]) -> None:
    api.on("GET", PODS, page)
    with pytest.raises(UnexpectedAnswer, match="was answered with something unexpected: ") as failure:
        cluster.list_objects("pods")
    one_sentence(failure.value)
    assert len(api.asked) <= 2


def test_a_list_that_takes_too_long_or_is_too_large(
    cluster: Cluster, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = itertools.count()
    api.on("GET", PODS, lambda _asked: Answer({"items": [], "metadata": {"continue": f"page {next(names)}"}}))
    times = itertools.count(step=cluster_file.LONGEST_LIST / 4)
    cluster.clock = lambda: float(next(times))
    with pytest.raises(LabError, match="has a longer list of pods than can be read"):
        cluster.list_objects("pods")
    assert len(api.asked) < 5
    cluster.clock = time.monotonic
    monkeypatch.setattr(cluster_file, "LARGEST_LIST", 100)
    with pytest.raises(LabError, match="has a longer list of pods than can be read"):
        cluster.list_objects("pods")


def test_a_token_that_the_answer_repeats_is_not_shown(cluster: Cluster, api: ScriptedApi) -> None:
    api.on("GET", PODS, status(500, f"you sent Bearer {TOKEN}"))
    with pytest.raises(TemporaryFailure, match="you sent Bearer") as failure:
        cluster.list_objects("pods")
    assert TOKEN not in one_sentence(failure.value) + failure.value.said


def test_find_tells_missing_from_broken(cluster: Cluster, api: ScriptedApi) -> None:
    assert cluster.find("pods", "x") is None
    api.on("GET", f"{PODS}/x", status(403, FORBIDDEN))
    with pytest.raises(Refused):
        cluster.find("pods", "x")
    pod = {"kind": "Pod", "metadata": {"name": "x"}, "spec": {}}
    api.on("GET", f"{PODS}/x", pod)
    assert cluster.find("pods", "x") == pod


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
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster=authority_of(other_pki))
    with Cluster.connect(str(path)) as cluster, pytest.raises(Unreachable, match="No trusted connection"):
        cluster.get_json("/version")


def test_the_well_known_authorities_are_not_added_to_the_clusters_own(
    tmp_path: Path, tls_api: ScriptedApi, pki: Pki
) -> None:
    tls_api.on("GET", "/version", {})
    path = write_kubeconfig(tmp_path / "k", tls_api.url, cluster=authority_of(pki))
    with Cluster.connect(str(path)) as cluster:
        cluster.get_json("/version")
        assert isinstance(cluster.target.tls, ssl.SSLContext)
        assert len(cluster.target.tls.get_ca_certs()) == 1
