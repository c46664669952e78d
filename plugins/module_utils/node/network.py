# SPDX-License-Identifier: GPL-3.0-or-later
"""The network between the host and the node: which one, and making it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ..errors import LabError
from . import system
from .layout import Layout
from .record import Record

#: The nodes' /30 networks between the host and a node's network namespace.
NODE_NETWORKS = ipaddress.IPv4Network("10.99.0.0/16")


def free_network(taken: Iterable[ipaddress.IPv4Network], start: int) -> ipaddress.IPv4Network:
    """Return a /30 network that overlaps none of ``taken``.

    The search begins at the ``start``-th network, so that nodes with different
    ids seldom try the same one.

    Raises:
        LabError: every network of the range overlaps one that is taken.
    """
    networks = list(NODE_NETWORKS.subnets(new_prefix=30))
    taken = list(taken)
    for offset in range(len(networks)):
        network = networks[(start + offset) % len(networks)]
        if not any(network.overlaps(other) for other in taken):
            return network
    raise LabError(
        f"no free /30 network in {NODE_NETWORKS} for the embedded node: this machine has routes to all of them; "
        "set node_network"
    )


def parse_network(text: str) -> ipaddress.IPv4Network:
    """Return a network that has room for the node and the host. Raises LabError."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LabError(
            f"node_network is {text!r}, which is no network ({error}): give one such as 10.99.4.0/30"
        ) from None
    if network.prefixlen > 30:
        raise LabError(f"node_network is {text}, which has no room for two addresses: give one such as 10.99.4.0/30")
    return network


def choose_network(layout: Layout, wanted: str | None, last: str | None) -> str:
    """Return the network between host and node: the one wanted, else the last one used, else a free one."""
    routes = [route["dst"] for route in system.routes() if route["dst"] != "default"]
    taken = [ipaddress.IPv4Network(route, strict=False) for route in routes]
    for network in filter(None, (wanted, last)):
        chosen = parse_network(network)
        clash = [other for other in taken if chosen.overlaps(other)]
        if not clash:
            return network
        if network == wanted:
            raise LabError(
                f"the network {wanted} given with node_network is taken: this machine has a route to {clash[0]}"
            )
    return str(free_network(taken, int(layout.id, 16)))


def make_network(layout: Layout, record: Record) -> None:
    """Make the network namespace and its link to the host."""
    prefix = ipaddress.IPv4Network(record.network).prefixlen
    inside = ["ip", "-netns", layout.name]
    for arguments in (
        ["ip", "netns", "add", layout.name],
        ["ip", "link", "add", layout.link, "type", "veth", "peer", "name", "eth0", "netns", layout.name],
        ["ip", "address", "add", f"{record.host_address}/{prefix}", "dev", layout.link],
        ["ip", "link", "set", layout.link, "up"],
        [*inside, "address", "add", f"{record.address}/{prefix}", "dev", "eth0"],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "link", "set", "eth0", "up"],
    ):
        system.command(arguments)
