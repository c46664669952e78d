# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the embedded node up and down.

The node lives in a network, a mount and a process namespace of its own. Its
first process is supervisord; when that ends, for whatever reason, the kernel
ends every process of the node and takes its mounts away. What then is left are
three kinds of remains: the named network namespace with its link to the host,
the cgroups, and files in the state folder. ``heal`` (remains.py) removes the first two.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypedDict

from ..errors import LabError
from ..files import private_opener
from ..owned_folder import own_folder
from . import system
from .api_server import api_ready, kubectl, node_ready
from .config import digest, programs
from .configuration_files import write_configuration
from .external_ips import remove_external_ips
from .image_imports import import_images
from .layout import Layout
from .network import choose_network, make_network
from .prerequisites import require_root, require_root_and_tools
from .record import Record, read_record, write_record
from .remains import heal, remains
from .supervisor import programs_state, start_supervisor, supervisor_rpc, wait_until

Show = Callable[[str], None]


@contextlib.contextmanager
def locked(layout: Layout, show: Show) -> Iterator[None]:
    """Let only one process at a time change a node. Raises LabError when others can write where its state is."""
    own_folder(layout.lock.parent, "The folder of the node's state", "set XDG_STATE_HOME to another folder")
    with open(layout.lock, "w", encoding="utf-8", opener=private_opener) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show(f"waiting: another process is changing the node {layout.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def down(layout: Layout, purge: bool, link: Path, check_mode: bool, show: Show) -> bool:
    """Stop the node and remove all its traces; with ``purge`` its state folder too.

    Returns:
        whether there was anything to do.
    """
    require_root()
    with locked(layout, show):
        found = remains(layout)
        if purge and layout.state.exists():
            found.append(f"the state in {layout.state}")
        if not found:
            show(f"nothing to do: the node {layout.name} is not running")
        if not found or check_mode:
            return bool(found)
        show(f"removing {', '.join(found)}")
        heal(layout)
        if purge:
            shutil.rmtree(layout.state, ignore_errors=True)
            if link.is_symlink():
                link.unlink()
        if left := remains(layout):
            raise LabError(
                f"the embedded node {layout.name} was not fully removed, {', '.join(left)} remain: "
                "run make node-down again"
            )
    return True


def _start_programs(layout: Layout, record: Record, images: Mapping[str, Path], show: Show) -> None:
    """Start the programs in their order, and load the images before the kubelet looks for any."""
    rpc = supervisor_rpc(layout).supervisor
    for program in programs(layout, Path(record.binaries), record.address):
        if program.name == "kubelet":
            import_images(layout, images, show)
        rpc.startProcess(program.name, False)
        if program.name == "kube-apiserver":
            wait_until("the API server", layout, lambda: api_ready(layout))
            # Before kube-proxy, which could take the API server's own address away.
            remove_external_ips(layout, show)


def _make_link(link: Path, layout: Layout) -> None:
    """Make ``link`` point to the node's state folder."""
    if link.exists() and not link.is_symlink():
        raise LabError(f"the embedded node puts a link at {link}, where there is something else: move that away")
    link.unlink(missing_ok=True)
    link.symlink_to(layout.state)


def up(
    layout: Layout,
    binaries: Path,
    images: Mapping[str, Path],
    manifests: Path,
    network: str | None,
    link: Path,
    check_mode: bool,
    show: Show,
) -> bool:
    """Bring the node up, or leave it alone when it runs as wanted.

    binaries: folder with the components' links.
    images: image name to its archive; the archive's folder is named after its build.
    manifests: folder of what is applied to the cluster once it answers.
    link: made to point to the node's state, so that an inventory can name its kubeconfig.

    Returns:
        whether anything was changed.

    Raises:
        LabError: it cannot be brought up; says why and where the logs are.
    """
    require_root_and_tools(layout)
    with locked(layout, show):
        keys = {name: archive.parent.name for name, archive in images.items()}
        last = read_record(layout)
        linked = link.is_symlink() and link.readlink() == layout.state
        states = programs_state(layout)
        runs = bool(states) and all(state == "RUNNING" for state in states.values()) and node_ready(layout)
        configuration = digest(layout, binaries)
        wanted = Record(network or (last.network if last else ""), str(binaries), keys, configuration)
        if runs and last == wanted and linked:
            return False
        if check_mode:
            return True
        _make_link(link, layout)
        if runs and last == wanted:
            return True
        found = remains(layout)
        if found:
            why = "it runs with other builds or another configuration" if runs else "it is unhealthy"
            show(f"restarting because {why}: removing {', '.join(found)} first")
            heal(layout)
        chosen = choose_network(layout, network, last.network if last else None)
        record = Record(chosen, str(binaries), keys, configuration)
        layout.record.unlink(missing_ok=True)
        write_configuration(layout, record)
        show(f"starting the node {layout.name} at {record.address}")
        make_network(layout, record)
        system.make_cgroups(layout.name)
        started = time.time()
        start_supervisor(layout)
        _start_programs(layout, record, images, show)
        kubectl(layout, "apply", f"--filename={manifests}")
        wait_until("the node", layout, lambda: node_ready(layout, images, started))
        write_record(layout, record)
    return True


class NodeStatus(TypedDict):
    """What there is of a node.

    programs: each program's state as the supervisor names it. remains: what is left of it on this machine, in words.
    address: the node's own, None when it was never started. kubeconfig: path of it, None without one.
    """

    name: str
    ready: bool
    programs: dict[str, str]
    remains: list[str]
    address: str | None
    kubeconfig: str | None


def status(layout: Layout) -> NodeStatus:
    """Return what there is of the node: its programs' states, its remains, whether it is ready."""
    states = programs_state(layout)
    record = read_record(layout)
    return {
        "name": layout.name,
        "ready": bool(states) and node_ready(layout),
        "programs": states,
        "remains": remains(layout),
        "address": record.address if record else None,
        "kubeconfig": str(layout.kubeconfig) if layout.kubeconfig.exists() else None,
    }
