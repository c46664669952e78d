# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a Service through the API server's proxy."""

from __future__ import annotations

from dataclasses import replace

from ..http.message import Answer, Request
from ..http.service import Service
from .cluster import Cluster


class ServiceProxy:
    """To a Service in the student's namespace. The cluster is not closed."""

    def __init__(self, cluster: Cluster, name: str, port: int | str, service: Service) -> None:
        """name, port: the Service in the cluster. service: what answers there, in messages."""
        self.service = service
        self._cluster = cluster
        self._prefix = cluster.service_proxy(name, port).rstrip("/")

    def send(self, request: Request, seconds: float) -> Answer:
        """One try: whatever the Service answers. Raises what the API server says itself."""
        passed_on = replace(request, path=self._prefix + request.path)
        return replace(self._cluster.send_to_target(passed_on, seconds), request=request)

    def close(self) -> None:
        """Nothing is open but the cluster's connections."""


def service_address(cluster: Cluster, name: str, port: int | str) -> str:
    """How messages call a Service that is reached through the API server."""
    return f"service {name}:{port} in namespace {cluster.namespace} (through {cluster.server})"
