# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the tasks that ask a Prometheus; documented in doc_fragments/prometheus.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from ..cluster.connect import CLUSTER
from ..cluster.connection import Cluster
from ..errors import LabError
from ..task import Params
from . import profile_file
from .client import Prometheus
from .transport import ClusterTransport, UrlTransport

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

    cluster: a connection to the cluster of the arguments that is there already, and stays.
    """
    if params["url"]:
        yield Prometheus(
            UrlTransport(
                params["url"],
                username=params["url_username"],
                password=params["url_password"],
                token=params["url_token"],
                client_cert=params["client_cert"],
                client_key=params["client_key"],
                ca_path=params["ca_path"],
                validate_certs=params["validate_certs"],
            )
        )
        return
    with Cluster.from_params(params) if cluster is None else nullcontext(cluster) as connected:
        service = params["service"] or f"{params['release']}-prometheus-server"
        yield Prometheus(ClusterTransport(connected, service, params["service_port"]))
