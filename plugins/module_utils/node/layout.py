# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an embedded node keeps its things, and what they are called.

Every name follows from the node's id, and the id from the folder it is brought
up from, so that two checkouts on one machine have two nodes that share nothing.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError

#: Longest path a Unix socket can have on Linux.
SOCKET_PATH_LIMIT = 107


def node_id(folder: str | os.PathLike[str]) -> str:
    """Return the six hexadecimal digits that stand for a folder."""
    return hashlib.sha256(str(Path(folder).resolve()).encode()).hexdigest()[:6]


def cache_home() -> Path:
    """Return the folder for builds: $XDG_CACHE_HOME/temporal_lab or ~/.cache/temporal_lab."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "temporal_lab"


def state_home() -> Path:
    """Return the folder for nodes: $XDG_STATE_HOME/temporal_lab or ~/.local/state/temporal_lab."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "temporal_lab"


@dataclass(frozen=True)
class Layout:
    """The names and paths of one node.

    id: six hexadecimal digits, see node_id.
    state: the folder with everything that outlives the node's processes.
    """

    id: str
    state: Path

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> Layout:
        """Return the layout of the node that belongs to a folder.

        Raises:
            LabError: the folder for its sockets has too long a path.
        """
        identity = node_id(folder)
        layout = cls(identity, state_home() / f"node-{identity}")
        longest = str(layout.containerd_socket) + ".ttrpc"
        if len(longest) > SOCKET_PATH_LIMIT:
            raise LabError(
                f"the embedded node cannot keep its sockets in {layout.state}: the path of {longest} is "
                f"{len(longest)} characters long and Linux allows {SOCKET_PATH_LIMIT}; "
                "set XDG_STATE_HOME to a shorter path"
            )
        return layout

    @property
    def name(self) -> str:
        """The name of the network namespace, the cgroup and the kubeconfig's context."""
        return f"temporal-lab-{self.id}"

    @property
    def link(self) -> str:
        """The host's end of the veth pair; interface names have at most 15 characters."""
        return f"tlab-{self.id}"

    @property
    def netns(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def sockets(self) -> Path:
        return self.state / "run"

    @property
    def containerd_socket(self) -> Path:
        return self.sockets / "containerd.sock"

    @property
    def supervisor_socket(self) -> Path:
        return self.sockets / "supervisor.sock"

    @property
    def etc(self) -> Path:
        """Configuration, keys and certificates, written at every start, except the CA."""
        return self.state / "etc"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def record(self) -> Path:
        """What the node was started with: see record.py."""
        return self.state / "node.json"

    @property
    def lock(self) -> Path:
        return self.state.with_suffix(".lock")
