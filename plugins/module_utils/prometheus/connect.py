# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the tasks that ask a Prometheus; documented in doc_fragments/prometheus.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

from ..cluster.cluster import Cluster
from ..cluster.connect import CLUSTER
from ..cluster.service_proxy import ServiceProxy, service_address
from ..errors import LabError
from ..http.authorization import basic, bearer
from ..http.service import Service
from ..http.url_options import UrlKind, url_transport
from ..task import Params
from . import profile_file
from .client import LARGEST, MORE, Prometheus

#: Which Prometheus, and how to be let in.
PROMETHEUS: dict[str, Any] = {
    **CLUSTER,
    "service": {"type": "str"},
    "service_port": {"type": "int", "default": 80},
    "url": {"type": "str"},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "url_token": {"type": "str", "no_log": True},
    "url_headers": {"type": "dict", "no_log": True},
    "url_parameters": {"type": "dict"},
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
#: Headers that belong to the request itself.
OWN_HEADERS = ("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: What its address must be.
URL = UrlKind("Prometheus", "/api/v1", "url_username", "url_password")
#: What to do about answers, however it is reached.
CURES: dict[int | str, str] = {
    400: MORE,
    422: MORE,
    "strange": "ask Prometheus itself, check whether it is one of version 2 or 3, and what a proxy in between allows",
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
    more = with_each_request(params)
    if params["url"]:
        files = {name: params[name] for name in ("ca_path", "client_cert", "client_key", "validate_certs")}
        credentials = {name: params[f"url_{name}"] for name in ("username", "password", "token")}
        with closing(at_url(params["url"], **credentials, **files, **more._asdict())) as prometheus:
            yield prometheus
        return
    with Cluster.from_params(params) if cluster is None else nullcontext(cluster) as connected:
        service = params["service"] or f"{params['release']}-prometheus-server"
        yield in_cluster(connected, service, params["service_port"], **more._asdict())


class Carried(NamedTuple):
    """What each request carries besides what it asks."""

    headers: dict[str, str]
    parameters: dict[str, list[str]]


def with_each_request(params: Params) -> Carried:
    """The headers and parameters of the arguments. Raises LabError."""
    headers = {str(name): str(value).strip() for name, value in (params.get("url_headers") or {}).items()}
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in OWN_HEADERS:
            raise LabError(f"`url_headers` has {name!r}, which is no header that can be given: take it out.")
        # Checked here, because the error of the HTTP library would show the value.
        if not value.isascii() or not value.isprintable():
            raise LabError(f"The value of {name} in `url_headers` holds characters that no header has: correct it.")
        if name.lower() == "authorization" and (params["url_token"] or params["url_username"]):
            raise LabError(
                "`url_headers` has Authorization beside `url_token` or `url_username`: give one of them alone."
            )
    parameters = {}
    for name, value in (params.get("url_parameters") or {}).items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(one, (dict, list)) or one is None for one in values):
            raise LabError(f"`url_parameters` has no text for {name!r}: give it a text, or a list of texts.")
        parameters[str(name)] = [str(one) for one in values]
    return Carried(headers, parameters)


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
            401: "give `url_username` and `url_password`, or `url_token`, that it accepts, or the header that it asks "
            "for in `url_headers`",
            403: "give a user or token that may read it, or the header that it asks for in `url_headers`",
            "no_path": "correct `url`, with the path before /api/v1 if there is one",
            "moved": "give the address of Prometheus itself as `url`",
            "silent": "check whether it runs and whether `url` is right",
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
        "no_path": "check whether the Service is that of a Prometheus without a path before /api/v1",
        "moved": "check whether the Service is that of Prometheus itself",
    }
    return Prometheus(
        ServiceProxy(cluster, service, port, Service(f"Prometheus at {address}", cures)), address, **options
    )
