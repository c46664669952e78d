# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node was started with, kept beside its state."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .layout import Layout
from .pki import write_private


@dataclass(frozen=True)
class Record:
    """What a node was started with; a node with a different record is restarted.

    network: the /30 between host and node, as text.
    binaries: folder of the built components.
    images: image name to the key of its build.
    configuration: digest of what the components are told (config.digest).
    """

    network: str
    binaries: str
    images: Mapping[str, str]
    configuration: str = ""

    def _hosts(self) -> list[ipaddress.IPv4Address]:
        return list(ipaddress.IPv4Network(self.network).hosts())

    @property
    def host_address(self) -> str:
        return str(self._hosts()[0])

    @property
    def address(self) -> str:
        """The node's address in its network namespace."""
        return str(self._hosts()[1])


def read_record(layout: Layout) -> Record | None:
    """Return what the node was last started with, or None."""
    try:
        return Record(**json.loads(layout.record.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_record(layout: Layout, record: Record) -> None:
    """Keep what the node was started with."""
    write_private(layout.record, json.dumps(asdict(record), indent=2))
