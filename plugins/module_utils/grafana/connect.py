# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the tasks that ask a Grafana; documented in doc_fragments/grafana.py."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..cluster.cluster import Cluster
from ..cluster.connect import CLUSTER
from ..cluster.port_forward import ForwardTransport
from ..cluster.service_proxy import service_address
from ..errors import LabError
from ..http.authorization import basic, bearer
from ..http.service import Service
from ..http.transport import Sender
from ..http.url_options import UrlKind, url_transport
from ..task import Params
from .client import Grafana
from .token_store import FileStore, SecretStore, TokenStore

#: Which Grafana, who asks, and where the token of the service account is kept.
GRAFANA: dict[str, Any] = {
    **CLUSTER,
    "url": {"type": "str"},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "service": {"type": "str"},
    "service_port": {"type": "int", "default": 80},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "organisation": {"type": "int"},
    # The name of a Secret and a path: neither is a secret.
    "token_secret": {"type": "str", "no_log": False},
    "token_file": {"type": "path", "no_log": False},
}
#: Keywords of the argument validation that go with it.
VALIDATION: dict[str, Any] = {
    "mutually_exclusive": [("url", "service"), ("token_secret", "token_file")],
    "required_together": [("username", "password")],
    "required_by": {"client_key": ("client_cert",)},
}
#: What its address must be.
URL = UrlKind("Grafana", "/api", "username", "password")
#: Its token in messages.
TOKEN = "The Grafana token"
#: What to do about answers, however it is reached.
CURES: dict[int | str, str] = {
    401: "give a valid user and password, or a valid token",
    403: "give the account a role with this permission; if the folder or dashboard was just created, wait a "
    "minute, because Grafana caches permissions",
    404: "check whether it was deleted, and run the task again",
    422: "check Grafana's log for the reason",
    "no_path": "correct the address, with the path before /api if there is one",
    "moved": "give the address of Grafana itself, with the path before /api if there is one",
    "strange": "give the address of Grafana itself, and check what listens there and any proxy in between",
}
#: Why a right password may be refused: Grafana answers as it does to a wrong one.
LOCKED = "after five wrong ones Grafana refuses the right one, too, for five minutes"
#: Names of Secrets: RFC 1123 subdomains.
SECRET_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@contextmanager
def connect_admin(params: Params) -> Iterator[Grafana]:
    """The Grafana that the arguments mean, asked as its administrator.

    That is ``username`` and ``password``, else ``token``, else the Secret of the release. Raises LabError.
    """
    with _way(params) as (way, clusters):
        yield _admin(params, clusters, way)


@contextmanager
def connect_admin_and_store(params: Params) -> Iterator[tuple[Grafana, TokenStore]]:
    """``connect_admin``, and the place where the token of the service account is kept."""
    with _way(params) as (way, clusters):
        yield _admin(params, clusters, way), _store(params, clusters)


@contextmanager
def connect_token(params: Params) -> Iterator[Grafana]:
    """The Grafana that the arguments mean, asked with ``token``, else with the token that is kept. Raises LabError."""
    with _way(params) as (way, clusters):
        token, renew = (
            params["token"],
            "give a `token` that is not deleted or expired, of an account that is not disabled",
        )
        if not token:
            store = _store(params, clusters)
            kept = store.read()
            if kept is None or not kept.key:
                raise LabError(
                    f"There is no Grafana token in {store.place}: run grafana_service_account with the same options "
                    f"first."
                )
            token = kept.key
            renew = (
                f"the token in {store.place} was deleted or has expired, or its account is disabled: run "
                f"grafana_service_account with the same options, in the lab `--tags dashboard`"
            )
        yield Grafana(*way, bearer(token, TOKEN), cures={401: renew})


class _Clusters:
    """The student's cluster, connected to when it is needed first: with a URL and a file it never is."""

    def __init__(self, params: Params) -> None:
        self._params = params
        self._cluster: Cluster | None = None

    def __enter__(self) -> _Clusters:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cluster is not None:
            self._cluster.close()

    def cluster(self) -> Cluster:
        if self._cluster is None:
            self._cluster = Cluster.from_params(self._params)
        return self._cluster


@contextmanager
def _way(params: Params) -> Iterator[tuple[tuple[Sender, str], _Clusters]]:
    """A way to Grafana with what messages call it, and the cluster for whoever needs it."""
    with _Clusters(params) as clusters:
        if params["url"]:
            files = {name: params[name] for name in ("ca_path", "client_cert", "client_key", "validate_certs")}
            sender, address = at_url(params["url"], **files)
        else:
            service = params["service"] or f"{params['release']}-grafana"
            sender, address = in_cluster(clusters.cluster(), service, params["service_port"])
        try:
            yield (sender, address), clusters
        finally:
            sender.close()


def at_url(
    url: str,
    *,
    ca_path: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    validate_certs: bool = True,
) -> tuple[Sender, str]:
    """The way to a Grafana by its address, and that address. The files are those of ``url_transport``."""
    cures: dict[int | str, str] = {
        **CURES,
        "untrusted": "give the CA certificate that signed its certificate as `ca_path`, and a client "
        "certificate if it requires one",
        "silent": "check that it runs and that `url` is right",
    }
    transport = url_transport(
        URL,
        url,
        cures,
        ca_path=ca_path,
        client_cert=client_cert,
        client_key=client_key,
        validate_certs=validate_certs,
    )
    return transport, transport.address


def in_cluster(cluster: Cluster, service: str, port: int | str = 80) -> tuple[Sender, str]:
    """The way to a Grafana by its Service, through a port-forward, and what messages call it.

    The API server's proxy is no way: it removes the Authorization header.
    """
    address = service_address(cluster, service, port)
    cures: dict[int | str, str] = {
        **CURES,
        "absent": "enable Grafana in the chart, or name its Service in `service`",
    }
    return ForwardTransport(cluster, service, port, Service(f"Grafana at {address}", cures), "url"), address


def _store(params: Params, clusters: _Clusters) -> TokenStore:
    if params["token_file"]:
        return FileStore(params["token_file"])
    name = params["token_secret"] or f"{params['release']}-grafana-token"
    if not SECRET_NAME.fullmatch(name):
        raise LabError(
            f"`token_secret` {name} is no name of a Secret: take lower case letters, digits, dots and hyphens."
        )
    return SecretStore(clusters.cluster(), name)


def _admin(params: Params, clusters: _Clusters, way: tuple[Sender, str]) -> Grafana:
    if params["username"] is not None:
        authorization = basic(params["username"], params["password"] or "")
        cure = f"correct `username` and `password`; {LOCKED}, and where its basic authentication is off, give a `token`"
    elif params["token"]:
        authorization = bearer(params["token"], TOKEN)
        cure = "give a `token` that is not deleted or expired, of an account that is not disabled"
    else:
        authorization = _release_admin(clusters.cluster())
        cure = (
            f"the administrator's password is not the one in the Secret {clusters.cluster().release}-grafana any more: "
            f"give `username` and `password`; {LOCKED}"
        )
    return Grafana(*way, authorization, organisation=params["organisation"], cures={401: cure})


def _release_admin(cluster: Cluster) -> str:
    """The administrator's credentials, out of the Secret that Grafana's chart makes."""
    name = f"{cluster.release}-grafana"
    where = f"Secret {name} in namespace {cluster.namespace}"
    secret = cluster.find("secrets", name)
    if secret is None:
        raise LabError(
            f"There is no {where} with Grafana's administrator: enable Grafana in the chart, or give `username` and "
            f"`password`."
        )
    data = secret.get("data") or {}
    try:
        user, password = (
            base64.b64decode(data[key], validate=True).decode() for key in ("admin-user", "admin-password")
        )
    except (KeyError, TypeError, ValueError):
        raise LabError(
            f"The {where} does not hold Grafana's administrator in admin-user and admin-password: give `username` and "
            f"`password`."
        ) from None
    return basic(user, password)
