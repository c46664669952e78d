# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to Grafana: its address, a port-forward, who asks, and where the token is kept.

The port-forward through a real API server is tested in tests/integration/test_forward.py.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import port_forward
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.port_forward import ForwardedSocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.websocket import open_websocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    connect as arguments,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.connect import at_url
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.token_store import (
    FileStore,
    SecretStore,
    StoreChanged,
    Token,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    NotFound,
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    Answer,
    ScriptedApi,
    pod,
    server_context,
    status,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    ADMIN,
    EDITOR,
    PASSWORD,
    TOKENS,
    answer,
    recorded,
    replay,
)

CORE = "/api/v1/namespaces/default"
SERVICE = f"{CORE}/services/my-temporal-grafana"
PODS = f"{CORE}/pods"
ADMIN_SECRET = f"{CORE}/secrets/my-temporal-grafana"
TOKEN_SECRET = f"{CORE}/secrets/my-temporal-grafana-token"
KEPT = Token(TOKENS["EDITOR"], "temporal-lab", "temporal-lab-1", "2026-12-23T17:01:02Z")


def params(**given: Any) -> dict[str, Any]:
    """Arguments of a task for Grafana, with their defaults."""
    return {name: spec.get("default") for name, spec in arguments.GRAFANA.items()} | given


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# -- an address ---------------------------------------------------------------


def test_a_path_before_api_and_a_query_of_several_values() -> None:
    script = answer("GET", "/graf/api/annotations?tags=a&tags=b+c&limit=5", [])
    with replay(script) as server:
        grafana = Grafana(*at_url(f"{server.address}/graf/"), ADMIN)
        assert grafana.annotations({"tags": ["a", "b c"], "limit": 5}) == []


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("grafana:3000", "not the address of a Grafana"),
        ("ftp://grafana", "not the address of a Grafana"),
        ("http://", "not the address of a Grafana"),
        ("http://g:99999", "not the address of a Grafana"),
        ("http://g/?orgId=1", "not the address of a Grafana"),
        (f"http://admin:{PASSWORD}@g", "must not hold a user or a password (host g): give them as `username`"),
    ],
)
def test_addresses_that_are_none(url: str, text: str) -> None:
    with pytest.raises(LabError, match=re.escape(text)) as caught:
        at_url(url)
    assert PASSWORD not in caught.value.msg


def test_credentials_of_netrc_are_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with replay("1", "22") as server:
        server.client(EDITOR).health()
        server.client(EDITOR).user()


def test_a_redirect_is_not_followed_with_the_credentials() -> None:
    moved = recorded("22", status=301, headers={"Location": "/api/other"})
    with replay(moved) as server, pytest.raises(LabError, match=r"redirects GET /api/user to /api/other \(301\)"):
        server.client(EDITOR).user()


def test_an_authority_of_its_own(pki: Any, other_pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_pki.ca))
    with replay("22", "22", tls=server_context(pki)) as server:
        assert server.client(EDITOR, ca_path=str(pki.ca)).user()
        with pytest.raises(LabError, match=r"No trusted connection .*give the CA certificate .* `ca_path`"):
            server.client(EDITOR, ca_path=str(other_pki.ca)).user()
        with pytest.raises(LabError, match="No trusted connection"):
            server.client(EDITOR).user()
        assert server.client(EDITOR, validate_certs=False).user()


def test_a_certificate_of_the_client(pki: Any) -> None:
    tls = server_context(pki)
    tls.verify_mode = 2  # CERT_REQUIRED
    ways = {"ca_path": str(pki.ca), "client_cert": str(pki.user_cert), "client_key": str(pki.user_key)}
    with replay("22", tls=tls) as server:
        assert server.client(EDITOR, **ways).user()
        with pytest.raises(LabError):
            server.client(EDITOR, ca_path=str(pki.ca), deadline=0.1).user()


def test_files_that_are_not_there() -> None:
    with pytest.raises(LabError, match="There is no file /nope, which `ca_path` names"):
        at_url("https://g", ca_path="/nope")


# -- a port-forward -----------------------------------------------------------


class Opened:
    """What a WebSocket of a port-forward does, over a plain connection to an address."""

    def __init__(self, address: str) -> None:
        host, _colon, port = address.removeprefix("http://").partition(":")
        self.sock = socket.create_connection((host, int(port)), timeout=5)
        self.messages = [bytes([channel, 1, 2]) for channel in (0, 1)]
        self.sizes: list[int] = []

    def receive(self) -> bytes | None:
        if self.messages:
            return self.messages.pop(0)
        data = self.sock.recv(1000)
        return b"\0" + data if data else None

    def has_more(self) -> bool:
        return bool(self.messages) or bool(select.select([self.sock], [], [], 0)[0])

    def send(self, data: bytes) -> None:
        assert data[:1] == b"\0"
        self.sizes.append(len(data))
        self.sock.sendall(data[1:])

    def fileno(self) -> int:
        return self.sock.fileno()

    def settimeout(self, timeout: float | None) -> None:
        self.sock.settimeout(timeout)

    def gettimeout(self) -> float | None:
        return self.sock.gettimeout()

    def shutdown(self) -> None:
        self.sock.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the cluster forward to an address: set ``address``; ``made`` are the connections, ``paths`` what for."""

    class Forwards:
        address = ""
        made: list[Opened] = []
        paths: list[str] = []

    forwards = Forwards()
    forwards.made, forwards.paths = [], []

    def forwarded(_cluster: Cluster, path: str, subprotocol: str, _timeout: float, _deadline: Any) -> Any:
        assert subprotocol == "v4.channel.k8s.io"
        forwards.paths.append(path)
        forwards.made.append(Opened(forwards.address))
        return forwards.made[-1]

    monkeypatch.setattr(port_forward, "open_websocket", forwarded)
    return forwards


def grafana_pod(name: str = "g-1", **options: Any) -> dict[str, Any]:
    found = pod(name, "grafana", **options)
    found["spec"]["containers"][0]["ports"] = [{"name": "grafana", "containerPort": 3000}]
    return found


def serve_pods(api: ScriptedApi, *pods: dict[str, Any], port: Any = "grafana") -> None:
    ports = [{"name": "service", "port": 80, "targetPort": port}]
    api.on("GET", SERVICE, {"spec": {"selector": {"app": "grafana"}, "ports": ports}})
    api.on("GET", PODS, {"items": list(pods)})


def forward(cluster: Cluster, authorization: str | None = EDITOR, timeout: float = 60.0, **options: Any) -> Grafana:
    way = arguments.in_cluster(cluster, "my-temporal-grafana", **options)
    slept: list[float] = []
    return Grafana(*way, authorization, timeout, 2, slept.append, lambda: sum(slept))


def test_a_connection_to_a_ready_pod_is_kept(api: ScriptedApi, cluster: Cluster, opened: Any) -> None:
    old = grafana_pod("g-0", created="2026-11-23T16:00:00Z")
    serve_pods(api, old, grafana_pod("g-2", ready=False, created="2026-11-23T18:00:00Z"), grafana_pod("g-1"))
    with replay("22", "A18", "33") as server:
        opened.address = server.address
        grafana = forward(cluster)
        assert grafana.user()["name"] == "pusher"
        grafana.annotations({"tags": ["temporal-lab", "run:1"], "dashboardUID": "marks-1"})
        grafana.datasources()
    assert opened.paths == [f"{PODS}/g-1/portforward?ports=3000"]
    assert api.calls() == [f"GET {SERVICE}", f"GET {PODS}"]
    assert api.asked[1].query["labelSelector"] == "app=grafana"


def test_a_port_by_number_and_by_name_of_the_service(api: ScriptedApi, cluster: Cluster, opened: Any) -> None:
    serve_pods(api, grafana_pod(), port=3001)
    with replay("22") as server:
        opened.address = server.address
        forward(cluster, port="service").user()
    assert opened.paths == [f"{PODS}/g-1/portforward?ports=3001"]


def test_a_large_body_is_sent_in_pieces(api: ScriptedApi, cluster: Cluster, opened: Any) -> None:
    serve_pods(api, grafana_pod())
    body = {"text": "x" * 200_000}
    with replay(answer("POST", "/api/annotations", {"id": 7}, auth=EDITOR, sent=body)) as server:
        opened.address = server.address
        assert forward(cluster).create_annotation(body) == 7
    assert max(opened.made[0].sizes) == 64 * 1024 + 1


def test_a_connection_that_has_died_is_made_anew_to_the_pod_of_now(
    api: ScriptedApi, cluster: Cluster, opened: Any
) -> None:
    serve_pods(api, grafana_pod())
    with replay("22", recorded("A14")) as server:
        opened.address = server.address
        grafana = forward(cluster)
        grafana.user()
        # The pod is replaced, and its connection closed from there.
        opened.made[0].sock.shutdown(socket.SHUT_RDWR)
        serve_pods(api, grafana_pod("g-2"))
        step = recorded("A14")
        assert grafana.create_annotation(step.sent) == 1
    assert opened.paths[1] == f"{PODS}/g-2/portforward?ports=3000"


def test_what_may_not_be_repeated_is_not_sent_where_it_may_be_lost(
    api: ScriptedApi, cluster: Cluster, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection seems to be open, but its pod may be gone: a write is not what shows it."""
    serve_pods(api, grafana_pod())
    with replay("22", "A14", "A15", "22", "A16") as server:
        opened.address = server.address
        grafana = forward(cluster)
        grafana.user()
        grafana.create_annotation(recorded("A14").sent)
        assert len(opened.made) == 1
        monkeypatch.setattr(port_forward, "FRESH", -1.0)
        grafana.create_annotation(recorded("A15").sent)
        assert len(opened.made) == 2
        grafana.user()
        assert len(opened.made) == 2
        serve_pods(api, grafana_pod("g-2"))
        grafana.create_annotation(recorded("A16").sent)
    assert opened.paths[2] == f"{PODS}/g-2/portforward?ports=3000"


@pytest.mark.parametrize("how", ["drop", "cut"])
def test_a_read_that_is_cut_is_made_again_at_once_and_a_write_is_not(
    api: ScriptedApi, cluster: Cluster, opened: Any, how: str
) -> None:
    serve_pods(api, grafana_pod())
    write = answer("POST", "/api/annotations", sent={"text": "x"}, auth=EDITOR, how=how)
    with replay(recorded("22", how=how), "22", write) as server:
        opened.address = server.address
        assert forward(cluster).user()["name"] == "pusher"
        assert len(opened.made) == 2
        with pytest.raises(Unreachable, match="closed the connection while answering POST /api/annotations"):
            forward(cluster).create_annotation({"text": "x"})


@pytest.mark.parametrize("when", ["before it is asked", "while it is asked"])
def test_a_port_where_nothing_listens_has_received_nothing(
    api: ScriptedApi, cluster: Cluster, opened: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The kubelet says so and closes the connection; seen on a real one, where sending then ends in an SSLEOFError."""
    serve_pods(api, grafana_pod())
    refused = b"\1error forwarding port 3000 to pod: dial tcp4 127.0.0.1:3000: connect: connection refused"
    sent: list[bytes] = []

    class Deaf(Opened):
        def __init__(self, address: str) -> None:
            super().__init__(address)
            self.messages.append(refused)

        def has_more(self) -> bool:
            return when == "before it is asked" and bool(self.messages)

        def send(self, data: bytes) -> None:
            sent.append(data)
            raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    monkeypatch.setitem(globals(), "Opened", Deaf)
    with replay("22") as server:
        opened.address = server.address
        with pytest.raises(Unreachable, match=r"connection refused.*`service_port`") as failure:
            forward(cluster).create_annotation({"text": "x"})
        server.steps.clear()
    assert not failure.value.received
    assert bool(sent) == (when == "while it is asked")


def test_a_pod_that_says_nothing(api: ScriptedApi, cluster: Cluster, opened: Any) -> None:
    serve_pods(api, grafana_pod())
    step = answer("POST", "/api/annotations", sent={"text": "x"}, auth=EDITOR, how="hang")
    with replay(step) as server:
        opened.address = server.address
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"did not answer POST /api/annotations within 1 s"):
            forward(cluster, timeout=1.0).create_annotation({"text": "x"})
        assert time.monotonic() - began < 30


class Told:
    """A WebSocket whose messages are written down."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = [*frames]

    def receive(self) -> bytes | None:
        return self.frames.pop(0) if self.frames else None

    def shutdown(self) -> None:
        self.frames = [b"closed"]


def test_the_frames_of_a_port_forward() -> None:
    forwarded = ForwardedSocket(
        Told(b"\0\x00\x10", b"\1\x00\x10", b"\0hel", b"\0", b"\1", b"\0lo", b"\1connection  refused")
    )
    # What is to be read on an idle connection is its end to a pool: the two first frames are taken in at once.
    assert len(forwarded._websocket.frames) == 5
    file = forwarded.makefile("rb")
    assert isinstance(file, io.BufferedReader)
    assert file.read() == b"hello"
    assert forwarded.error == "connection refused"
    # As a socket, it stays open until what is read from it is closed too.
    forwarded.close()
    assert forwarded._websocket.frames == []
    file.close()
    assert forwarded._websocket.frames == [b"closed"]
    with pytest.raises(BrokenPipeError):
        forwarded.sendall(b"more")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "has no ready pod (it has none): check whether it starts"),
        ([grafana_pod(state={"waiting": {"reason": "ErrImageNeverPull"}})], "has no ready pod (pod g-1 "),
        ([grafana_pod(terminating=True)], "has no ready pod (pod g-1 is terminating)"),
    ],
)
def test_no_ready_pod_was_not_asked_and_is_waited_for(
    api: ScriptedApi, cluster: Cluster, given: list[Any], text: str
) -> None:
    serve_pods(api, *given)
    with pytest.raises(Unreachable, match=re.escape(text)) as caught:
        forward(cluster).create_annotation({"text": "x"})
    assert not caught.value.received
    assert api.calls().count(f"GET {PODS}") > 3


def test_services_that_lead_nowhere(api: ScriptedApi, cluster: Cluster) -> None:
    with pytest.raises(LabError, match="There is no service my-temporal-grafana in namespace default: enable Grafana"):
        forward(cluster).user()
    api.on("GET", SERVICE, {"spec": {"ports": [{"port": 80}]}})
    with pytest.raises(LabError, match="selects no pods"):
        forward(cluster).user()
    serve_pods(api, grafana_pod())
    with pytest.raises(LabError, match="has no port 8080, it has 80: correct the option service_port"):
        forward(cluster, port=8080).user()
    serve_pods(api, grafana_pod(), port="web")
    with pytest.raises(LabError, match="leads to a port named web, which pod g-1 does not have"):
        forward(cluster).user()


def test_a_port_forward_that_is_not_permitted(api: ScriptedApi, cluster: Cluster) -> None:
    serve_pods(api, grafana_pod())
    said = 'pods "g-1" is forbidden: User "student" cannot get resource "pods/portforward" in API group ""'
    api.on("GET", f"{PODS}/g-1/portforward", status(403, said, "Forbidden"))
    with pytest.raises(Unreachable, match=r'denied GET .*/g-1/portforward \(403\): User "student" cannot get'):
        forward(cluster).user()
    assert api.asked[-1].headers["Authorization"].startswith("Bearer ")
    assert api.asked[-1].headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io"


def test_a_pod_that_is_replaced_between_two_looks(api: ScriptedApi, cluster: Cluster, monkeypatch: Any) -> None:
    """The second look finds the new pod; and what it answers is told when it fails as well."""
    serve_pods(api, grafana_pod())
    api.on("GET", PODS, {"items": [grafana_pod("g-1")]}, {"items": [grafana_pod("g-2")]})
    api.on("GET", f"{PODS}/g-1/portforward", status(404, 'pods "g-1" not found', "NotFound"))
    api.on("GET", f"{PODS}/g-2/portforward", status(403, "is forbidden: no", "Forbidden"))
    with pytest.raises(Unreachable, match="g-2/portforward"):
        forward(cluster).user()


def test_an_api_server_that_sends_elsewhere(api: ScriptedApi, cluster: Cluster) -> None:
    serve_pods(api, grafana_pod())
    api.on("GET", f"{PODS}/g-1/portforward", Answer(None, 302, {"Location": "http://127.0.0.1:1/"}))
    with pytest.raises(Unreachable, match=r"redirects GET .*portforward .*\(302\)"):
        forward(cluster).user()


def test_a_proxy_of_the_environment_is_not_taken(api: ScriptedApi, cluster: Cluster, monkeypatch: Any) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(NotFound):
        open_websocket(cluster, "/nope", "v4.channel.k8s.io", 5)


# -- who asks, and where the token is kept ------------------------------------


def test_with_a_url_and_a_file_no_cluster_is_contacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "connect", lambda *_: pytest.fail("a cluster was contacted"))
    path = tmp_path / "new" / "token.json"
    FileStore(str(path)).write(KEPT, None)
    with replay("22", "2") as server:
        given = params(url=server.address, token_file=str(path), username="admin", password=PASSWORD)
        with arguments.connect_token(given) as grafana:
            assert grafana.user()["name"] == "pusher"
        with arguments.connect_admin_and_store(given) as (grafana, store):
            assert store.read() == KEPT
            assert grafana._authorization == ADMIN
            with pytest.raises(LabError, match="401"):
                grafana.as_user(None).request("GET", "/api/org")


def test_credentials_that_are_rejected_have_a_cure_each(api: ScriptedApi, kubeconfig: Path, tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    FileStore(str(path)).write(KEPT, None)
    data = {"admin-user": encoded("admin"), "admin-password": encoded(PASSWORD)}
    api.on("GET", ADMIN_SECRET, {"metadata": {}, "data": data})
    wrong = recorded("119", auth=ANY)

    def cure(connect: Any, **given: Any) -> str:
        with (
            replay(wrong) as server,
            connect(params(kubeconfig=str(kubeconfig), url=server.address, **given)) as grafana,
            pytest.raises(LabError, match="401") as caught,
        ):
            grafana.request("GET", "/api/org")
        return caught.value.msg.partition("(401)")[2]

    kept = cure(arguments.connect_token, token_file=str(path))
    assert f"the token in file {path} was deleted or has expired" in kept
    assert "grafana_service_account" in kept
    assert "password" not in kept
    for connect in (arguments.connect_token, arguments.connect_admin):
        assert "give a `token` that is not deleted or expired" in cure(connect, token=TOKENS["EDITOR"])
    user = cure(arguments.connect_admin, username="admin", password=PASSWORD)
    assert "correct `username` and `password`; after five wrong ones" in user
    assert "Secret my-temporal-grafana" in cure(arguments.connect_admin)


def test_the_administrator_acts_in_an_organisation_and_a_token_in_its_own(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    FileStore(str(path)).write(KEPT, None)
    own = answer("GET", "/api/org", {"id": 7}, organisation="7")
    with replay(own, "22", "22", recorded("22", organisation="7", auth=ADMIN)) as server:
        given = params(url=server.address, token_file=str(path), username="admin", password=PASSWORD, organisation=7)
        with arguments.connect_admin_and_store(given) as (grafana, _store):
            grafana.request("GET", "/api/org")
            grafana.as_user(EDITOR).user()
        with arguments.connect_token(given) as grafana:
            grafana.user()
        with arguments.connect_admin(given) as grafana:
            grafana.user()


def test_the_administrator_of_the_release(api: ScriptedApi, kubeconfig: Path) -> None:
    given = params(kubeconfig=str(kubeconfig), url="http://127.0.0.1:1")
    with pytest.raises(LabError, match="There is no Secret my-temporal-grafana in namespace default with Grafana's"):
        arguments.connect_admin(given).__enter__()
    for odd in ("%%%", "é", encoded("x")[:-1], "/w=="):
        api.on("GET", ADMIN_SECRET, {"metadata": {}, "data": {"admin-user": encoded("admin"), "admin-password": odd}})
        with pytest.raises(LabError, match="does not hold Grafana's administrator in admin-user and admin-password"):
            arguments.connect_admin(given).__enter__()
    data = {"admin-user": encoded("admin"), "admin-password": encoded(PASSWORD)}
    api.on("GET", ADMIN_SECRET, {"metadata": {}, "data": data})
    with arguments.connect_admin(given) as grafana:
        assert grafana._authorization == ADMIN
    with arguments.connect_admin(params(url="http://127.0.0.1:1", token=TOKENS["EDITOR"])) as grafana:
        assert grafana._authorization == EDITOR


def test_the_token_that_is_given_or_kept(api: ScriptedApi, kubeconfig: Path) -> None:
    given = params(kubeconfig=str(kubeconfig), url="http://127.0.0.1:1")
    with arguments.connect_token(given | {"token": TOKENS["EDITOR"]}) as grafana:
        assert grafana._authorization == EDITOR
    text = "There is no Grafana token in Secret my-temporal-grafana-token in namespace default: run grafana_service_"
    with pytest.raises(LabError, match=text):
        arguments.connect_token(given).__enter__()
    api.on("GET", TOKEN_SECRET, kept_secret())
    with arguments.connect_token(given) as grafana:
        assert grafana._authorization == EDITOR
    with pytest.raises(LabError, match="`token_secret` No/Name is no name of a Secret"):
        arguments.connect_token(given | {"token_secret": "No/Name"}).__enter__()


def kept_secret(**changes: Any) -> dict[str, Any]:
    metadata = {
        "name": "my-temporal-grafana-token",
        "resourceVersion": "41",
        "labels": {"app.kubernetes.io/part-of": "temporal-lab", "app.kubernetes.io/instance": "my-temporal"},
        "annotations": {
            "temporal-lab/grafana-account": KEPT.account,
            "temporal-lab/grafana-token-name": KEPT.name,
            "temporal-lab/grafana-expires": KEPT.expires,
        },
    }
    return {"metadata": metadata | changes.pop("metadata", {}), "data": {"token": encoded(KEPT.key)}, **changes}


def test_a_token_in_a_secret(api: ScriptedApi, cluster: Cluster) -> None:
    store = SecretStore(cluster, "my-temporal-grafana-token")
    assert store.read() is None
    api.on("POST", f"{CORE}/secrets", {})
    store.write(KEPT, None)
    sent = api.asked[-1].body
    expected = kept_secret()
    del expected["metadata"]["resourceVersion"]
    assert sent == {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", **expected}
    api.on("GET", TOKEN_SECRET, kept_secret())
    found = store.read()
    assert found == KEPT
    api.on("PATCH", TOKEN_SECRET, {})
    store.write(KEPT, found)
    assert api.asked[-1].body == kept_secret()
    api.on("DELETE", TOKEN_SECRET, {})
    assert store.remove()
    assert KEPT.key not in repr(found)


def test_of_two_who_write_a_secret_one_is_told(api: ScriptedApi, cluster: Cluster) -> None:
    store = SecretStore(cluster, "my-temporal-grafana-token")
    api.on("POST", f"{CORE}/secrets", status(409, "already exists", "AlreadyExists"))
    with pytest.raises(StoreChanged, match="was changed by someone else in the meantime"):
        store.write(KEPT, None)
    api.on("PATCH", TOKEN_SECRET, status(409, "the object has been modified", "Conflict"))
    with pytest.raises(StoreChanged):
        store.write(KEPT, KEPT)
    api.on("PATCH", TOKEN_SECRET, status(404, "not found", "NotFound"))
    with pytest.raises(StoreChanged, match="was removed by someone else in the meantime"):
        store.write(KEPT, KEPT)
    api.on("POST", f"{CORE}/secrets", status(403, 'secrets is forbidden: User "s" cannot create', "Forbidden"))
    with pytest.raises(LabError, match=r"cannot be kept in Secret .*cannot create.* with `token_file`"):
        store.write(KEPT, None)


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {}},
        {"labels": {"app.kubernetes.io/part-of": "temporal-lab", "app.kubernetes.io/instance": "other"}},
        {"annotations": {}},
    ],
)
def test_a_secret_of_someone_else_is_left_alone(api: ScriptedApi, cluster: Cluster, metadata: Any) -> None:
    api.on("GET", TOKEN_SECRET, kept_secret(metadata=metadata))
    store = SecretStore(cluster, "my-temporal-grafana-token")
    for use in (store.read, store.remove):
        with pytest.raises(LabError, match=r"was not made by the lab .* and is left as it is: name another one"):
            use()
    assert api.calls("DELETE") == []


def test_a_damaged_secret_of_ours_is_as_good_as_empty(api: ScriptedApi, cluster: Cluster) -> None:
    api.on("GET", TOKEN_SECRET, kept_secret(data={"token": "%%%"}))
    found = SecretStore(cluster, "my-temporal-grafana-token").read()
    assert found is not None
    assert (found.key, found.version) == ("", "41")


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_token_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token.json"
    store = FileStore(str(path))
    assert store.read() is None
    assert not store.remove()
    store.write(KEPT, None)
    assert store.read() == KEPT
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    other = Token(TOKENS["EDITOR2"], "temporal-lab", "temporal-lab-2")
    with pytest.raises(StoreChanged, match="was changed by someone else in the meantime"):
        store.write(other, None)
    assert store.read() == KEPT
    store.write(other, KEPT)
    assert store.read() == other
    assert [entry.name for entry in path.parent.iterdir()] == ["token.json"]
    assert store.remove()
    assert not path.exists()


def test_files_that_hold_no_token_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (
        "",
        "[]",
        '{"schema": "other"}',
        json.dumps({"schema": "temporal_lab.benchmarking/grafana-token/1"}),
    ):
        path.write_text(content)
        path.chmod(0o600)
        for use in (FileStore(str(path)).read, FileStore(str(path)).remove):
            with pytest.raises(LabError, match="is left as it is, because it is not a token file of the lab"):
                use()
        with pytest.raises(LabError, match="not a token file of the lab"):
            FileStore(str(path)).write(KEPT, None)
        assert path.read_text() == content
    with pytest.raises(LabError, match="it is not a regular file"):
        FileStore(str(tmp_path)).read()
    with pytest.raises(LabError, match=r"cannot be written \(File exists\): correct `token_file`"):
        FileStore(str(path / "below")).write(KEPT, None)


def test_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    FileStore(str(path)).write(KEPT, None)
    path.chmod(0o640)
    with pytest.raises(LabError, match=r"Others can read .*: set its mode to 0600") as caught:
        FileStore(str(path)).read()
    assert KEPT.key not in caught.value.msg
