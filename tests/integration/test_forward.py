# SPDX-License-Identifier: GPL-3.0-or-later
"""A port-forward through a real API server, as the tasks for Grafana use it.

LAB_KUBECONFIG is the kubeconfig of an embedded node, whose image of the load holds the Python that answers here: the
molecule scenario `lab` gives it. By hand, after
`make node-up`::

    LAB_KUBECONFIG=.node/kubeconfig .venv/bin/python -m pytest -p no:cacheprovider tests/integration/test_forward.py
"""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.websocket import open_websocket
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import connect as arguments
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.token_store import (
    SecretStore,
    StoreChanged,
    Token,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import bearer
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    NotFound,
    ProxyTargetError,
    Unreachable,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.retry import Patience, ask

BIN = Path(sys.executable).parent
KUBECONFIG = os.environ["LAB_KUBECONFIG"]
IMAGE = "localhost/temporal-lab/benchmark:0.1.0"
NAMESPACE = f"forward-test-{secrets.token_hex(3)}"
NAME = "echo-grafana"
#: Says who was asked and what came, as JSON; a header asks for a longer answer.
ECHO = """
import http.server, json, os
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = {"path": self.path, "headers": dict(self.headers), "bytes": len(body), "pod": os.environ["HOSTNAME"],
                "peer": self.client_address[1], "more": "x" * int(self.headers.get("X-More") or 0)}
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        if self.headers.get("X-Close") == "told":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = "X-Close" in self.headers
    do_GET = do_POST = answer
http.server.ThreadingHTTPServer(("0.0.0.0", 3000), Echo).serve_forever()
"""


def kubectl(*arguments: str, text: str = "") -> str:
    command = [BIN / "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments]
    run = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def objects() -> str:
    labels = {"app": NAME}
    container = {
        "name": "echo",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["python3", "-u", "-c", ECHO],
        "ports": [{"name": "web", "containerPort": 3000}],
        "readinessProbe": {"httpGet": {"port": "web"}, "periodSeconds": 1},
    }
    ports = [{"name": "http", "port": 80, "targetPort": "web"}, {"name": "deaf", "port": 81, "targetPort": 3999}]
    admin = {"admin-user": "admin", "admin-password": "of-the-release"}
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": ports},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": NAME, "namespace": NAMESPACE},
            "stringData": admin,
        },
    ]
    return yaml.safe_dump_all(documents)


@pytest.fixture(scope="module", autouse=True)
def echo() -> Iterator[None]:
    kubectl("apply", "-f", "-", text=objects())
    kubectl("rollout", "status", f"deployment/{NAME}", f"--namespace={NAMESPACE}", "--timeout=90s")
    yield
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster.connect(KUBECONFIG, namespace=NAMESPACE, release="echo") as found:
        yield found


def grafana(cluster: Cluster, port: int | str = 80, deadline: float = 45) -> Grafana:
    return Grafana(*arguments.in_cluster(cluster, NAME, port), bearer("glsa_of_the_test"), deadline=deadline)


def test_the_proxy_of_the_api_server_would_remove_the_authorization(cluster: Cluster) -> None:
    """Why there is a port-forward at all."""
    said = cluster.get_json(cluster.service_proxy(NAME, 80))
    assert "Authorization" not in said["headers"]


def test_authorization_arrives_and_the_connection_is_kept(cluster: Cluster) -> None:
    client = grafana(cluster)
    threads = threading.active_count()
    answers = [client.request("GET", "/api/x", params={"tags": ["a", "b c"]})[1] for _time in range(5)]
    assert {answer["headers"]["Authorization"] for answer in answers} == {"Bearer glsa_of_the_test"}
    assert {answer["path"] for answer in answers} == {"/api/x?tags=a&tags=b+c"}
    assert len({answer["peer"] for answer in answers}) == 1
    assert threading.active_count() == threads


def test_a_port_by_name_and_large_bodies_both_ways(cluster: Cluster) -> None:
    transport, _address = arguments.in_cluster(cluster, NAME, "http")
    request = Request("POST", "/", body=b"y" * 5_000_000, headers={"X-More": "4000000"}, silence=20)
    answered = transport.send(request, 60)
    answer = answered.json()
    assert (answered.status, answer["bytes"], len(answer["more"])) == (200, 5_000_000, 4_000_000)
    transport.close()


@pytest.mark.parametrize(("method", "close"), [("POST", "told"), ("GET", "untold")])
def test_a_connection_that_the_server_closes_is_made_anew(cluster: Cluster, method: str, close: str) -> None:
    """Without a word of the server, a request that is on its way is lost: only one that may be is made again."""
    transport, _address = arguments.in_cluster(cluster, NAME)
    request = Request(method, "/", headers={"X-Close": close}, idempotent=method == "GET")
    peers = [ask(request, transport.send, lambda _: None, Patience(20, 10)).json()["peer"] for _time in range(3)]
    assert len(set(peers)) == 3
    transport.close()


def test_a_deleted_pod_is_followed_by_a_reconnect(cluster: Cluster) -> None:
    client = grafana(cluster)
    first = client.request("GET", "/")[1]["pod"]
    kubectl("delete", "pod", first, f"--namespace={NAMESPACE}", "--wait=true")
    kubectl("rollout", "status", f"deployment/{NAME}", f"--namespace={NAMESPACE}", "--timeout=90s")
    # Not even a request that may not be repeated fails, nor is it told to the old pod, which may answer still.
    time.sleep(1)
    assert client.request("POST", "/", body={})[1]["pod"] != first


def test_a_port_where_nothing_listens_was_not_received(cluster: Cluster) -> None:
    with pytest.raises(Unreachable, match=r"connection refused.*`service_port`") as caught:
        grafana(cluster, 81, deadline=1).request("POST", "/api/x", body={})
    assert not caught.value.received


def test_what_is_not_there(cluster: Cluster) -> None:
    with pytest.raises(LabError, match=f"There is no service nope in namespace {NAMESPACE}: enable Grafana"):
        Grafana(*arguments.in_cluster(cluster, "nope"), None).health()
    with pytest.raises(LabError, match="has no port 82, it has 80, 81: correct the option service_port"):
        grafana(cluster, 82).health()


def test_a_pod_that_is_gone_by_the_time_it_is_asked_for(cluster: Cluster) -> None:
    with pytest.raises((NotFound, ProxyTargetError)):
        open_websocket(cluster, f"{cluster.path('pods', 'gone', 'portforward')}?ports=3000", "v4.channel.k8s.io", 5)


def test_the_administrator_comes_from_the_secret_of_the_release() -> None:
    params: dict[str, Any] = {name: None for name in arguments.GRAFANA}
    params |= {"kubeconfig": KUBECONFIG, "namespace": NAMESPACE, "release": "echo", "service_port": 80}
    with arguments.connect_admin(params) as client:
        sent = client.request("GET", "/")[1]["headers"]["Authorization"]
    assert sent == "Basic " + base64.b64encode(b"admin:of-the-release").decode()


def test_of_two_who_keep_a_token_at_once_the_second_is_told(cluster: Cluster) -> None:
    store = SecretStore(cluster, "kept-token")
    assert store.read() is None
    store.write(Token("glsa_one", "lab", "lab-1"), None)
    with pytest.raises(StoreChanged):
        store.write(Token("glsa_two", "lab", "lab-2"), None)
    seen = store.read()
    assert seen == Token("glsa_one", "lab", "lab-1")
    store.write(Token("glsa_three", "lab", "lab-3", "2026-12-01T00:00:00Z"), seen)
    with pytest.raises(StoreChanged):
        store.write(Token("glsa_four", "lab", "lab-4"), seen)
    assert store.read() == Token("glsa_three", "lab", "lab-3", "2026-12-01T00:00:00Z")
    assert store.remove()
    assert not store.remove()
