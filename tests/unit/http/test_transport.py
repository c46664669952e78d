# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests go out: over kept connections, through proxies, and nowhere else."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import proxy as proxies
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import transport as transports
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import Unreachable, Untrusted
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.tls import tls_context
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.transport import Transport
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import Answer, Pki, ScriptedApi
from ansible_collections.temporal_lab.benchmarking.tests.unit.http.raw_server import RawServer, raw_server
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port

SECRET = "a-password-of-the-proxy"
GET = Request("GET", "/x")


def transport(address: str, **options: object) -> Transport:
    return Transport(address, Service("The server"), **options)  # type: ignore[arg-type] # the test's own options


def test_a_query_a_path_before_and_no_cookies(api: ScriptedApi) -> None:
    api.on("GET", "/before/x", Answer({}, headers={"Set-Cookie": "a=b"}))
    way = transport(f"{api.url}/before/")
    way.send(Request("GET", "/x", {"tag": ["a", "b c"], "limit": 5}), 5)
    way.send(GET, 5)
    assert [asked.path for asked in api.asked] == ["/before/x", "/before/x"]
    assert api.asked[0].query == {"tag": "b c", "limit": "5"}
    assert "Cookie" not in api.asked[1].headers


def test_a_connection_is_kept_and_one_that_was_given_up_is_not(api: ScriptedApi) -> None:
    ports = []
    answer = api.answer

    def noting(handler: object) -> None:
        ports.append(handler.client_address[1])  # type: ignore[attr-defined] # http.server's handler
        answer(handler)  # type: ignore[arg-type]

    api.answer = noting  # type: ignore[method-assign,assignment] # notes who asks
    api.on("GET", "/x", {}, {}, Answer({}, hang=60), {})
    way = transport(api.url)
    way.send(GET, 60)
    way.send(GET, 60)
    with pytest.raises(Unreachable):
        way.send(Request("GET", "/x", silence=0.5), 60)
    way.send(GET, 60)
    assert len(set(ports[:3])) == 1
    assert ports[3] != ports[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(api: ScriptedApi, status: int) -> None:
    api.on("GET", "/x", Answer({}, status, {"Location": f"{api.url}/other"}))
    assert transport(api.url).send(GET, 5).status == status
    assert len(api.asked) == 1


def test_tls_counts_by_its_context_alone(
    tls_api: ScriptedApi, pki: Pki, other_pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki.ca))
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca))
    tls_api.on("GET", "/x", {})
    assert transport(tls_api.url, tls=lambda: tls_context(str(pki.ca))).send(GET, 5).status == 200
    assert transport(tls_api.url, tls=lambda: tls_context(verify=False)).send(GET, 5).status == 200
    with pytest.raises(Untrusted, match="certificate verify failed") as failed:
        transport(tls_api.url, tls=lambda: tls_context(str(other_pki.ca))).send(GET, 5)
    assert not failed.value.received


def test_an_address_that_cannot_be_asked_is_not_shown() -> None:
    with pytest.raises(LabError, match=r"The request to the server failed \(LocationParseError\)") as failed:
        transport(f"http://{SECRET}..example").send(GET, 5)
    assert SECRET not in failed.value.msg


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "IMPORT_ERROR", ImportError("no", name="urllib3"))
    with pytest.raises(LabError, match=r"urllib3 is missing .* requests"):
        transport("http://127.0.0.1:1")


# -- proxies ----------------------------------------------------------------


def through(server: RawServer, scheme: str = "http") -> proxies.Proxy:
    return proxies.proxy_of(server.address.replace("http://", f"{scheme}://me:{SECRET}@"))


def test_a_plain_server_behind_a_proxy_is_asked_for_by_its_whole_url() -> None:
    def play(_server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(play) as server:
        assert transport("http://lab.example:81/before", proxy=through(server)).send(GET, 5).json() == {}
    head = server.heads[0].decode()
    assert head.startswith("GET http://lab.example:81/before/x HTTP/1.1\r\n")
    assert "\r\nHost: lab.example:81\r\n" in head
    assert base64.b64encode(f"me:{SECRET}".encode()).decode() in head


def test_a_server_with_tls_behind_a_proxy_is_reached_through_a_tunnel(tls_api: ScriptedApi, pki: Pki) -> None:
    tls_api.on("GET", "/x", {"behind": "a proxy"})

    def play(_server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, port = "127.0.0.1", tls_api.server.server_port
        with socket.create_connection((host, port)) as behind:
            connection.setblocking(False)
            behind.setblocking(False)
            pump(connection, behind)

    with raw_server(play) as server:
        way = transport(tls_api.url, proxy=through(server), tls=lambda: tls_context(str(pki.ca)))
        assert way.send(GET, 5).json() == {"behind": "a proxy"}
        way.close()
    assert server.heads[0].startswith(b"CONNECT 127.0.0.1:")
    assert "Proxy-Authorization" not in tls_api.asked[0].headers


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on both ways until one side closes."""
    import select

    while True:
        ready, _writable, _failed = select.select([one, other], [], [], 5)
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            (other if side is one else one).sendall(data)
        if not ready:
            return


def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
    def play(_server: RawServer, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with raw_server(play) as server, pytest.raises(Unreachable) as failed:
        transport("https://lab.example", proxy=through(server), tls=tls_context).send(GET, 5)
    assert f"through the proxy {server.address.removeprefix('http://')}" in failed.value.msg
    assert SECRET not in failed.value.msg


def test_a_proxy_that_is_not_there() -> None:
    proxy = proxies.proxy_of(f"me:{SECRET}@127.0.0.1:{free_port()}")
    for address in ("http://lab.example", "https://lab.example"):
        with pytest.raises(Unreachable, match="through the proxy 127") as failed:
            transport(address, proxy=proxy).send(GET, 5)
        assert "connection refused" in failed.value.msg
        assert SECRET not in failed.value.msg + repr(proxy)


def test_the_environment_names_a_proxy_and_who_is_asked_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxies.environment_proxy("https://lab.example") is None
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@proxy.example:3128")
    found = proxies.environment_proxy("https://lab.example")
    assert found is not None
    assert (found.host, found.port, found.credentials) == ("proxy.example", 3128, f"me:{SECRET}")
    assert SECRET not in found.url
    assert proxies.environment_proxy("http://lab.example") is None
    monkeypatch.setenv("no_proxy", ".example,10.0.0.0/8")
    assert proxies.environment_proxy("https://lab.example") is None
    assert proxies.environment_proxy("https://10.1.2.3") is None
    assert proxies.environment_proxy("https://lab.invalid") is not None


@pytest.mark.parametrize("url", ["http://", "http://[", f"http://me:{SECRET}@", f"http://me:{SECRET}@host:port"])
def test_a_proxy_that_is_none_is_not_shown(url: str) -> None:
    with pytest.raises(LabError, match="proxy has no host") as failed:
        proxies.proxy_of(url)
    assert SECRET not in failed.value.msg


def test_credentials_of_netrc_are_not_sent(api: ScriptedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.on("GET", "/x", {})
    transport(api.url).send(GET, 5)
    assert "Authorization" not in api.asked[0].headers
