# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the tasks that ask a Prometheus; documented in doc_fragments/prometheus.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import Any

from ..cluster.cluster import Cluster
from ..cluster.connect import CLUSTER
from ..cluster.service_proxy import ServiceProxy, service_address
from ..errors import LabError
from ..http.authorization import basic, bearer
from ..http.service import Service
from ..http.url_options import UrlKind, url_transport
from ..task import Params
from . import profile_file
from .client import LARGEST, Prometheus

#: Which Prometheus, and how to be let in.
PROMETHEUS: dict[str, Any] = {
    **CLUSTER,
    "service": {"type": "str"},
    "service_port": {"type": "int", "default": 80},
    "url": {"type": "str"},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "url_token": {"type": "str", "no_log": True},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}
#: What is measured; documented in doc_fragments/profile.py.
PROFILE: dict[str, Any] = {
    "profile": {"type": "path"},
    "profile_content": {"type": "str"},
    "variables": {"type": "dict", "default": {}},
    "server_version": {"type": "str"},
}
#: What its address must be.
URL = UrlKind("Prometheus", "/api/v1", "url_username", "url_password")
#: What to do about answers, however it is reached.
CURES: dict[int | str, str] = {
    400: "correct the figure in the profile",
    422: "correct the figure in the profile",
    "strange": "ask Prometheus itself, see whether it is one of version 2 or 3, and what a proxy in between allows",
    "large": "measure a shorter window, or fewer figures",
}
#: Keywords of the argument validation that go with it.
VALIDATION: dict[str, Any] = {
    "mutually_exclusive": [("url", "service"), ("url_username", "url_token")],
    "required_together": [("url_username", "url_password")],
    "required_by": {"client_key": ("client_cert",)},
}


def profile_text(params: Params) -> tuple[str, str]:
    """Text of the profile that the arguments mean, and what errors call it. Raises LabError."""
    path = params["profile"] or profile_file.default_path()
    text: str | None = params.get("profile_content")
    return profile_file.read_text(path) if text is None else text, str(path)


def with_profile(arguments: Params) -> Params:
    """A task's arguments with the profile's text, for a host that has no profile_file. Raises LabError."""
    if arguments.get("profile_content") is not None:
        return arguments
    return {
        **arguments,
        "profile_content": profile_file.read_text(arguments.get("profile") or profile_file.default_path()),
    }


def read_default() -> None:
    """Read the collection's profile, which is kept for the tasks that follow; its errors are left to them."""
    with suppress(LabError):
        profile_file.load(profile_file.default_path())


def profile_variables(params: Params) -> dict[str, str]:
    """Values of the profile's variables, as text."""
    return {name: str(value) for name, value in params["variables"].items()}


@contextmanager
def connect(params: Params, cluster: Cluster | None = None) -> Iterator[Prometheus]:
    """The Prometheus that the arguments mean: at ``url``, else the Service in the student's namespace.

    cluster: a connection to the cluster of the arguments that is there already, and stays. Raises LabError.
    """
    if params["url"]:
        files = {name: params[name] for name in ("ca_path", "client_cert", "client_key", "validate_certs")}
        credentials = {name: params[f"url_{name}"] for name in ("username", "password", "token")}
        with closing(at_url(params["url"], **credentials, **files)) as prometheus:
            yield prometheus
        return
    with Cluster.from_params(params) if cluster is None else nullcontext(cluster) as connected:
        service = params["service"] or f"{params['release']}-prometheus-server"
        yield in_cluster(connected, service, params["service_port"])


def at_url(
    url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    ca_path: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    validate_certs: bool = True,
    **options: Any,
) -> Prometheus:
    """A Prometheus by its address; username and password, or token, say who asks. Raises LabError.

    The files are those of ``url_transport``; ``options`` are those of Prometheus.
    """
    authorization = None
    if username is not None:
        authorization = basic(username, password or "")
    elif token and token.strip():
        authorization = bearer(token, "`url_token`")
    transport = url_transport(
        URL,
        url,
        {
            **CURES,
            401: "give `url_username` and `url_password`, or `url_token`, that it accepts",
            403: "give a user or token that may read it",
            "no_path": "correct `url`, with the path before /api/v1 if there is one",
            "moved": "give the address of Prometheus itself as `url`",
            "silent": "see whether it runs and whether `url` is right",
            "untrusted": "give the file of the authority that signed its certificate as `ca_path`, and a client "
            "certificate that it accepts if it wants one",
            "address": "correct `url` and the options that say who asks",
        },
        ca_path=ca_path,
        client_cert=client_cert,
        client_key=client_key,
        validate_certs=validate_certs,
        largest=LARGEST,
    )
    return Prometheus(transport, transport.address, authorization, **options)


def in_cluster(cluster: Cluster, service: str, port: int | str = 80, **options: Any) -> Prometheus:
    """A Prometheus by its Service in the student's namespace, through the API server's proxy."""
    address = service_address(cluster, service, port)
    cures: dict[int | str, str] = {
        **CURES,
        401: "the API server's proxy passes no credentials on, so give its `url` with `url_username` and "
        "`url_password`, or `url_token`",
        403: "the API server's proxy passes no credentials on, so give its `url` and a user or token that may read it",
        "no_path": "see whether the Service is that of a Prometheus without a path before /api/v1",
        "moved": "see whether the Service is that of Prometheus itself",
    }
    return Prometheus(
        ServiceProxy(cluster, service, port, Service(f"Prometheus at {address}", cures)), address, **options
    )
