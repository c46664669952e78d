# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of the node that take over addresses with externalIPs, and taking these off again.

The API server refuses new ones. One from before, or from a state folder of an older node, may have taken the address of
the API server itself: then nobody reaches it to take that off, not even kube-proxy. So it is done at each start, when
the API server answers and kube-proxy does not run yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .api_server import kubectl
from .layout import Layout


class Taking(NamedTuple):
    """A Service and the addresses that it takes."""

    namespace: str
    service: str
    addresses: list[str]


def taking(services: Mapping[str, Any]) -> list[Taking]:
    """Return the Services of a list that take addresses."""
    return [
        Taking(entry["metadata"]["namespace"], entry["metadata"]["name"], entry["spec"]["externalIPs"])
        for entry in services["items"]
        if entry["spec"].get("externalIPs")
    ]


def remove_external_ips(layout: Layout, show: Callable[[str], None]) -> None:
    """Take the externalIPs off all Services of the node, and show which they were."""
    services = json.loads(kubectl(layout, "get", "services", "--all-namespaces", "--output=json"))
    patch = json.dumps({"spec": {"externalIPs": None}})
    for namespace, service, addresses in taking(services):
        kubectl(layout, f"--namespace={namespace}", "patch", "service", service, "--type=merge", f"--patch={patch}")
        show(
            f"removed externalIPs {', '.join(addresses)} of Service {service} in namespace {namespace}: the node lets "
            f"no Service take over an address"
        )
