# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client makes of servers that answer well, badly or not at all."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import RequestFailed
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.client import Prometheus
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.connect import at_url, in_cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.server import (
    prometheus_version,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import write_kubeconfig
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import scripted
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SECRET = "s3cret-of-the-test"
HTML = (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in</title>")


def good(value: float = 1, **more) -> tuple[int, dict[str, str], bytes]:
    data = {"resultType": "vector", "result": [{"metric": {}, "value": [0, str(value)]}]}
    body = json.dumps({"status": "success", "data": data, **more}).encode()
    return 200, {"Content-Type": "application/json"}, body


def refusal(status: int, kind: str, text: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, headers, json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


def client(address: str, timeout: float = 60, deadline: float = 60, **options) -> Prometheus:
    """A client whose waits take no time but are counted by its clock."""
    slept: list[float] = []
    return at_url(address, timeout=timeout, deadline=deadline, sleep=slept.append, clock=lambda: sum(slept), **options)


def test_a_query_is_posted_as_a_form_and_its_notes_are_kept_once() -> None:
    info = "PromQL info: metric might not be a counter"
    with scripted(
        [good(3.5, warnings=["a store is away"], infos=[info + " (1:14)"]), good(4, infos=[info + " (1:99)"])]
    ) as server:
        prometheus = client(server.address + "/prefix/")
        assert prometheus.vector("sum(m)", 1795453390.5) == [({}, 3.5)]
        assert prometheus.vector("sum(m)", 1795453391) == [({}, 4.0)]
        assert prometheus.notes == ["a store is away", info]
    method, path, headers, body = server.requests[0]
    assert (method, path, body) == ("POST", "/prefix/api/v1/query", "query=sum%28m%29&time=1795453390.500")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "gzip" in headers["Accept-Encoding"]


def test_numbers_that_json_does_not_know() -> None:
    rows = [{"metric": {"a": text}, "value": [0, text]} for text in ("NaN", "+Inf", "-Inf")]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}).encode()
    with scripted([(200, {}, body)]) as server:
        values = {labels["a"]: value for labels, value in client(server.address).vector("m", 0)}
    assert values["NaN"] != values["NaN"]
    assert (values["+Inf"], values["-Inf"]) == (float("inf"), float("-inf"))


ERRORS = [
    ([refusal(401, "", "")], "rejected the credentials for POST /api/v1/query (401); give `url_username`", 1),
    ([(403, {}, b"<html>no</html>")], "denied POST /api/v1/query (403); give a user or token", 1),
    ([(404, {}, b"404 page not found")], "has no /api/v1/query (404); correct `url`, with the path", 1),
    (
        [refusal(400, "bad_data", "1:5: parse error: unexpected end of input")],
        "refused the query sum(m) (400): 1:5: parse error: unexpected end of input; correct the figure in the profile.",
        1,
    ),
    (
        [refusal(422, "execution", "found duplicate series")],
        "refused the query sum(m) (422): found duplicate series; correct the figure in the profile.",
        1,
    ),
    (
        [refusal(429, "", "", **{"Retry-After": "120"})],
        "(429 to POST /api/v1/query), retry after 120 s; try again later",
        1,
    ),
    (
        [refusal(500, "internal", "no space left")],
        "failed to answer POST /api/v1/query (500): no space left; check",
        None,
    ),
    (
        [refusal(503, "timeout", "query timed out")],
        "failed to answer POST /api/v1/query (503): query timed out; check",
        None,
    ),
    ([(502, {}, b"<html>Bad Gateway</html>")], "failed to answer POST /api/v1/query (502); check whether", None),
    (
        [(503, {}, b'{"kind":"Status","message":"no endpoints available for service \\"p\\""}')],
        '(503): no endpoints available for service "p"; check whether',
        None,
    ),
    (
        [(302, {"Location": f"https://sso.example.org/login?state={SECRET}"}, b"")],
        "redirects POST /api/v1/query to https://sso.example.org/login (302); give the address of Prometheus itself",
        1,
    ),
    (
        [HTML],
        "was answered with a page of HTML instead of JSON: a proxy or login page stands in between",
        1,
    ),
    ([(200, {}, good()[2][:-9])], "was answered with JSON that breaks off after", 1),
    (
        [(200, {"Content-Type": "text/plain"}, b"ok")],
        "was answered with something that is no answer of Prometheus (content type text/plain)",
        1,
    ),
    (
        [(200, {}, b'{"items": []}')],
        "was answered with something that is no answer of Prometheus (content type unnamed)",
        1,
    ),
    (
        [(200, {}, b'{"status":"success","data":{"resultType":"matrix","result":[]}}')],
        "answered sum(m) with JSON of a shape",
        1,
    ),
    (
        [(200, {}, b'{"status":"success","data":{"resultType":"vector","result":[{}]}}')],
        "JSON of a shape that the API",
        1,
    ),
    (["cut"], "closed the connection while answering POST /api/v1/query", None),
    (["hang"], "did not answer POST /api/v1/query within 0.3 s: check that it runs", None),
]


@pytest.mark.parametrize(("answers", "sentence", "tries"), ERRORS, ids=[error[1][:45] for error in ERRORS])
def test_a_failure_is_one_sentence_without_a_secret(answers, sentence: str, tries: int | None) -> None:
    short: dict[str, Any] = {"timeout": 0.3, "deadline": 1.5} if answers == ["hang"] else {}
    with scripted(answers) as server:
        for options in ({"username": "lab", "password": SECRET}, {"token": SECRET}):
            with pytest.raises(LabError) as raised:
                client(server.address, **short, **options).vector("sum(m)", 0)
            message = raised.value.msg
            assert sentence in message
            assert server.address in message
            assert message.endswith(".")
            assert ". " not in message
            assert SECRET not in message + repr(raised.value.details)
    if tries is None:
        assert len(server.requests) > 2, "was not tried again"
    else:
        assert len(server.requests) == 2 * tries


def test_the_status_of_a_failure_can_be_read() -> None:
    with scripted([refusal(404, "", "")]) as server, pytest.raises(RequestFailed) as raised:
        client(server.address).status("buildinfo")
    assert raised.value.status == 404
    assert raised.value.details["prometheus"] == {
        "address": server.address,
        "path": "/api/v1/status/buildinfo",
        "status": 404,
    }


@pytest.mark.parametrize(
    "first",
    [refusal(429, "", "", **{"Retry-After": "1"}), refusal(500, "", ""), refusal(503, "", ""), "cut", "hang"],
    ids=["429", "500", "503", "cut", "hang"],
)
def test_what_may_pass_is_tried_again(first) -> None:
    slept: list[float] = []
    with scripted([first, good(7)]) as server:
        prometheus = at_url(server.address, timeout=2 if first == "hang" else 60, deadline=60, sleep=slept.append)
        assert prometheus.vector("m", 0) == [({}, 7.0)]
    assert len(server.requests) == 2
    assert len(slept) == 1
    if first[0] == 429:
        assert slept[0] >= 1


def test_a_date_as_retry_after_is_waited_for() -> None:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30)
    waits: list[float] = []
    with scripted([refusal(429, "", "", **{"Retry-After": format_datetime(moment, usegmt=True)}), good()]) as server:
        at_url(server.address, sleep=waits.append).vector("m", 0)
    assert 27 < waits[0] <= 30


def test_the_version_is_not_known_where_nobody_tells_it(tmp_path: Path) -> None:
    """As of something else that answers for Prometheus: with 404, directly or through the API server."""
    with scripted([(404, {}, b"404 page not found")]) as server:
        assert prometheus_version(client(server.address)) is None
        with Cluster.connect(str(write_kubeconfig(tmp_path / "kubeconfig", server.address))) as cluster:
            through = in_cluster(cluster, "prometheus")
            assert prometheus_version(through) is None
    with scripted([(400, {}, b"no")]) as server, pytest.raises(LabError, match=r"refused GET .*buildinfo \(400\)"):
        prometheus_version(client(server.address))


def test_a_server_that_is_not_there() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(
        LabError, match=rf"Prometheus at {address} does not answer \(connection refused\): check whether"
    ):
        client(address).vector("m", 0)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(LabError, match=r"http://prometheus\.invalid does not answer \(.+\): check whether"):
        client("http://prometheus.invalid").vector("m", 0)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("127.0.0.1:9090", "`url` is not the address of a Prometheus"),
        ("ftp://host", "`url` is not the address of a Prometheus"),
        ("http://", "`url` is not the address of a Prometheus"),
        ("http://host:port", "`url` is not the address of a Prometheus"),
        ("http://host/?x=1", "`url` is not the address of a Prometheus"),
        (f"http://lab:{SECRET}@host", "must not hold a user or a password (host host): give them as `url_username`"),
    ],
)
def test_addresses_that_are_none(url: str, sentence: str) -> None:
    with pytest.raises(LabError) as raised:
        at_url(url)
    assert sentence in raised.value.msg
    assert SECRET not in raised.value.msg


def test_a_token_that_no_header_can_hold_is_not_shown() -> None:
    for token in (f"{SECRET}\nX: y", f"{SECRET}\u20ac"):
        with pytest.raises(LabError, match=r"`url_token` .*holds characters that no token has") as raised:
            at_url("http://host", token=token)
        assert SECRET not in raised.value.msg


def test_who_asks(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login someone password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with scripted([good()]) as server:
        client(server.address).vector("m", 0)
        client(server.address, token="abc\n").vector("m", 0)
        client(server.address, username="lab", password="p").vector("m", 0)
    assert [headers.get("Authorization") for _method, _path, headers, _body in server.requests] == [
        None,
        "Bearer abc",
        "Basic bGFiOnA=",
    ]


# -- TLS ------------------------------------------------------------------------


class Authority:
    """A certificate authority of the test, with its files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={name}")
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(certificate.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        signed = self._builder(x509.Name.from_rfc4514_string(f"CN={name}"), key).add_extension(host, False)
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        pem = serialization.Encoding.PEM
        paths[0].write_bytes(signed.sign(self.key, hashes.SHA256()).public_bytes(pem))
        paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return paths


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_tls(monkeypatch, tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ours.issue("server"))
    with scripted([good()], tls=context) as server:
        assert client(server.address, ca_path=str(ours.path)).vector("m", 0)
        assert client(server.address, validate_certs=False).vector("m", 0)
        for options in ({}, {"ca_path": str(other.path)}):
            with pytest.raises(LabError, match=r"\(certificate verify failed.*\): give the .* `ca_path`"):
                client(server.address, **options).vector("m", 0)
        # The environment of many a company, and of this kind of machine.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.path))
        assert client(server.address, ca_path=str(ours.path)).vector("m", 0)
        assert client(server.address, validate_certs=False).vector("m", 0)


def test_a_client_certificate(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ours.issue("server"))
    context.load_verify_locations(ours.path)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = map(str, ours.issue("student"))
    with scripted([good()], tls=context) as server:
        shown = {"ca_path": str(ours.path), "client_cert": certificate, "client_key": key}
        assert client(server.address, **shown).vector("m", 0)
        with pytest.raises(LabError, match=r"Prometheus at https://"):
            client(server.address, ca_path=str(ours.path)).vector("m", 0)
    with pytest.raises(LabError, match=r"There is no file /no/such\.pem, which `client_cert` names"):
        at_url(server.address, client_cert="/no/such.pem")
