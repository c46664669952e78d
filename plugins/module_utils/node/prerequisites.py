# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold on this machine before a node is brought up."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from ..errors import LabError
from .layout import Layout

#: Commands the node's own start needs; Debian's packages have them.
COMMANDS = ("ip", "nsenter", "unshare", "mount", "containerd", "ctr", "runc", "iptables", "conntrack")
#: The pod network's program, of Debian's containernetworking-plugins.
CNI_PLUGIN = Path("/usr/lib/cni/ptp")
#: Folders that are the node's own inside its mount namespace.
HIDDEN = (Path("/run"), Path("/var/log"), Path("/var/lib"))


def require_root() -> None:
    """Raise LabError for a user who may not make or remove namespaces and mounts."""
    if os.geteuid() != 0:
        raise LabError(
            "the embedded node makes network namespaces and containers and needs root: run this as root "
            "(sudo -E make node-up), or use a cluster you have with make lab KUBECONFIG=/path/of/kubeconfig"
        )


def require_root_and_tools(layout: Layout) -> None:
    """Check what must hold before anything is changed.

    Raises:
        LabError: not root, a command or package is missing, or the state folder is in a wrong place.
    """
    require_root()
    missing = [name for name in COMMANDS if not shutil.which(name)]
    missing += [str(CNI_PLUGIN)] if not CNI_PLUGIN.exists() else []
    if missing:
        raise LabError(
            f"the embedded node needs {', '.join(missing)}, which this machine does not have: run make setup"
        )
    if importlib.util.find_spec("supervisor") is None:
        raise LabError("the embedded node's processes are kept by the Python package supervisor: run make setup")
    for folder in HIDDEN:
        if folder in layout.state.parents:
            raise LabError(
                f"the embedded node cannot keep its state in {layout.state}, because {folder} is replaced inside "
                "the node: set XDG_STATE_HOME to a folder elsewhere"
            )
