# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP server that plays scripted conversations with a Kubernetes API server."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import re
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN = "a-token-that-nobody-may-see"


@dataclass
class Answer:
    """One scripted answer. cut: announce more than is sent. hang: say nothing for so many seconds."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: float = 0.0

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps({} if self.body is None else self.body).encode()


def status(code: int, message: str, reason: str = "") -> Answer:
    """An answer of the API server itself that is not a success."""
    return Answer(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code},
        code,
    )


@dataclass
class Asked:
    """A request that was made."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet about clients that hang up, as one that does not trust the certificate does."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class ScriptedApi:
    """Answers each method and path with its scripted answers in turn; the last one stays.

    A request that is not in the script gets 404, as an object that does not exist would.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: dict[tuple[str, str], list[Answer | Callable[[Asked], Answer]]] = {}
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            # One packet for an answer: in two, the second waits for the client's acknowledgement.
            wbufsize = -1

            def answer(self) -> None:
                api.answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls is not None:
            self.scheme = "https"
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"

    def on(self, method: str, path: str, *answers: Any) -> None:
        """Script answers; anything but an Answer or a function is the body of a success."""
        self.script[method, path] = [
            answer if isinstance(answer, Answer) or callable(answer) else Answer(answer) for answer in answers
        ]

    def calls(self, method: str | None = None) -> list[str]:
        """What was asked, as "METHOD path"."""
        return [f"{asked.method} {asked.path}" for asked in self.asked if method in (None, asked.method)]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode()
        asked = Asked(handler.command, parts.path, dict(parse_qsl(parts.query)), dict(handler.headers), body)
        self.asked.append(asked)
        answers = self.script.get((asked.method, asked.path), [status(404, f'"{parts.path}" not found', "NotFound")])
        chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        answer = chosen if isinstance(chosen, Answer) else chosen(asked)
        if answer.hang:
            self.closing.wait(answer.hang)
        content = answer.encoded()
        handler.send_response_only(answer.status)
        for name, value in {"Date": handler.date_time_string(), **answer.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) + (100 if answer.cut else 0)))
        handler.end_headers()
        try:
            handler.wfile.write(content)
        except OSError:
            return
        if answer.cut:
            handler.close_connection = True

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@dataclass(frozen=True)
class Pki:
    """Paths of PEM files: an authority, a certificate for 127.0.0.1 with its key, a user's with its key."""

    ca: Path
    server_cert: Path
    server_key: Path
    user_cert: Path
    user_key: Path


def make_pki(folder: Path) -> Pki:
    now = datetime.datetime.now(datetime.timezone.utc)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def certificate(name: x509.Name, key: ec.EllipticCurvePrivateKey, authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(ca_key, hashes.SHA256())

    def write(name: str, key: ec.EllipticCurvePrivateKey, authority: bool) -> tuple[Path, Path]:
        subject = ca_name if authority else x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        cert_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
        cert_path.write_bytes(certificate(subject, key, authority).public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_path, key_path

    ca, _key = write("ca", ca_key, True)
    return Pki(
        ca,
        *write("server", ec.generate_private_key(ec.SECP256R1()), False),
        *write("user", ec.generate_private_key(ec.SECP256R1()), False),
    )


def server_context(pki: Pki) -> ssl.SSLContext:
    """TLS of a server that asks for a client certificate and takes one of its own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_cert, pki.server_key)
    context.load_verify_locations(pki.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def authority_of(pki: Pki) -> dict[str, str]:
    """An authority as a kubeconfig's cluster has it."""
    return {"certificate-authority-data": base64.b64encode(pki.ca.read_bytes()).decode()}


def write_kubeconfig(
    path: Path, server: str, user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None
) -> Path:
    """A kubeconfig with the contexts ``lab`` (current) and ``other``."""
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
                "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
                "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("lab", "other")],
                "current-context": "lab",
            }
        ),
        encoding="utf-8",
    )
    return path


@dataclass
class Task:
    """Runs a task as Ansible would: its arguments checked against its spec first. ``lines`` is what it showed."""

    kubeconfig: Path
    lines: list[str] = field(default_factory=list)
    private: Path | None = None

    @property
    def states(self) -> list[str]:
        """The lines without the seconds at their ends, which differ."""
        return [re.sub(r" \(\d+ s\)$", "", line) for line in self.lines]

    def __call__(self, module: Any, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        given = {"kubeconfig": str(self.kubeconfig), **options}
        checked = ArgumentSpecValidator(module.TASK.spec).validate(given)
        assert not checked.error_messages
        context = Context(check_mode=check, diff=diff, show=self.lines.append, private=self.private)
        result: dict[str, Any] = module.TASK.run(checked.validated_parameters, context)
        return result


def one_sentence(error: LabError) -> str:
    """The message, after what holds for every message was checked."""
    assert "\n" not in error.msg
    assert error.msg.rstrip().endswith((".", "?"))
    assert TOKEN not in error.msg
    return error.msg


# -- objects as the API server returns them ---------------------------------

READY_AT = "2026-11-23T17:01:10Z"
READY_AT_SECONDS = 1795453270.0


def pod(name: str, app: str = "history", **options: Any) -> dict[str, Any]:
    """A pod; ready unless ``state`` is the state of its container.

    ready_at: time of the change to ready. terminating, phase, restarts, last (lastState), conditions,
    init (initContainerStatuses), node, owner and labels as the API has them.
    """
    state = options.get("state", {"running": {}})
    ready = options.get("ready", state == {"running": {}})
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": options.get("ready_at", READY_AT),
            **({} if ready else {"reason": "ContainersNotReady"}),
        },
    ]
    container = {
        "name": "main",
        "image": "localhost/temporal-lab/server:1",
        "ready": ready,
        "restartCount": options.get("restarts", 0),
        "state": state,
    }
    if options.get("last"):
        container["lastState"] = {"terminated": options["last"]}
    status: dict[str, Any] = {
        "phase": options.get("phase", "Running"),
        "podIP": "10.244.0.7",
        "conditions": options.get("conditions", conditions),
        "containerStatuses": [container],
        **({"initContainerStatuses": options["init"]} if "init" in options else {}),
    }
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "creationTimestamp": options.get("created", "2026-11-23T17:01:00Z"),
        "labels": {"app": app, "pod-template-hash": options.get("revision", "one"), **options.get("labels", {})},
        "annotations": options.get("annotations", {}),
    }
    if options.get("terminating"):
        metadata["deletionTimestamp"] = "2026-11-23T17:02:00Z"
    return {
        "metadata": metadata,
        "spec": {
            "nodeName": options.get("node", "lab"),
            "containers": [{"name": "main", "image": "localhost/temporal-lab/server:1"}],
        },
        "status": status,
    }


def deployment(name: str = "my-temporal-history", app: str = "history", replicas: int = 1, **options: Any) -> Any:
    """A Deployment that is rolled out; ``status``, ``generation``, ``env``, ``containers``, ``paused`` change that."""
    status = {"observedGeneration": 1, **{key: replicas for key in COUNTS}, **options.get("status", {})}
    container = {"name": "main", "image": "localhost/temporal-lab/server:1", "env": options.get("env", [])}
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "generation": options.get("generation", 1),
            "managedFields": options.get("managed", []),
        },
        "spec": {
            "replicas": replicas,
            "paused": options.get("paused", False),
            "selector": {"matchLabels": {"app": app}},
            "template": {"spec": {"containers": options.get("containers", [container])}},
        },
        "status": status,
    }


COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def node(name: str = "lab", cpu: str = "2", memory: str = "4Gi", **options: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"unschedulable": options.get("unschedulable", False)},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory},
            "conditions": [{"type": "Ready", "status": options.get("ready", "True")}],
            "images": [{"names": [image]} for image in options.get("images", [])],
        },
    }


def using(cpu: str, memory: str, name: str = "a", **options: Any) -> dict[str, Any]:
    item = pod(name, **options)
    item["spec"]["containers"] = [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]
    return item
