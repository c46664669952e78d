# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the tasks that ask a Grafana; documented in doc_fragments/grafana.py."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..cluster.connect import CLUSTER
from ..cluster.connection import Cluster
from ..errors import LabError
from ..task import Params
from .client import Grafana, basic, bearer
from .token_store import FileStore, SecretStore, TokenStore
from .transport import ForwardTransport, Transport, UrlTransport

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
#: Names of Secrets: RFC 1123 subdomains.
SECRET_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@contextmanager
def connect_admin(params: Params) -> Iterator[Grafana]:
    """The Grafana that the arguments mean, asked as its administrator.

    That is ``username`` and ``password``, else ``token``, else the Secret of the release. Raises LabError.
    """
    with _way(params) as (transport, clusters):
        yield Grafana(transport, _admin(params, clusters))


@contextmanager
def connect_admin_and_store(params: Params) -> Iterator[tuple[Grafana, TokenStore]]:
    """``connect_admin``, and the place where the token of the service account is kept."""
    with _way(params) as (transport, clusters):
        yield Grafana(transport, _admin(params, clusters)), _store(params, clusters)


@contextmanager
def connect_token(params: Params) -> Iterator[Grafana]:
    """The Grafana that the arguments mean, asked with ``token``, else with the token that is kept. Raises LabError."""
    with _way(params) as (transport, clusters):
        token = params["token"]
        if not token:
            store = _store(params, clusters)
            kept = store.read()
            if kept is None or not kept.key:
                raise LabError(
                    f"There is no Grafana token in {store.place}: run grafana_service_account with the same options "
                    f"first."
                )
            token = kept.key
        yield Grafana(transport, bearer(token))


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
def _way(params: Params) -> Iterator[tuple[Transport, _Clusters]]:
    with _Clusters(params) as clusters:
        transport: Transport
        if params["url"]:
            transport = UrlTransport(
                params["url"],
                ca_path=params["ca_path"],
                client_cert=params["client_cert"],
                client_key=params["client_key"],
                validate_certs=params["validate_certs"],
            )
        else:
            service = params["service"] or f"{params['release']}-grafana"
            transport = ForwardTransport(clusters.cluster(), service, params["service_port"])
        try:
            yield transport, clusters
        finally:
            transport.close()


def _store(params: Params, clusters: _Clusters) -> TokenStore:
    if params["token_file"]:
        return FileStore(params["token_file"])
    name = params["token_secret"] or f"{params['release']}-grafana-token"
    if not SECRET_NAME.fullmatch(name):
        raise LabError(
            f"`token_secret` {name} is no name of a Secret: take lower case letters, digits, dots and hyphens."
        )
    return SecretStore(clusters.cluster(), name)


def _admin(params: Params, clusters: _Clusters) -> str:
    if params["username"] is not None:
        return basic(params["username"], params["password"] or "")
    if params["token"]:
        return bearer(params["token"])
    return _release_admin(clusters.cluster())


def _release_admin(cluster: Cluster) -> str:
    """The administrator's credentials, out of the Secret that Grafana's chart makes."""
    name = f"{cluster.release}-grafana"
    where = f"Secret {name} in namespace {cluster.namespace}"
    secret = cluster.find("secrets", name)
    if secret is None:
        raise LabError(
            f"There is no {where} with Grafana's administrator: turn Grafana on in the chart, or give `username` and "
            f"`password`."
        )
    data = secret.get("data") or {}
    try:
        user, password = (
            base64.b64decode(data[key], validate=True).decode() for key in ("admin-user", "admin-password")
        )
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
        raise LabError(
            f"The {where} does not hold Grafana's administrator in admin-user and admin-password: give `username` and "
            f"`password`."
        ) from None
    return basic(user, password)
