# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a node on this machine, and removing it."""

from __future__ import annotations

import contextlib
import shutil

from ..errors import LabError
from . import system
from .layout import Layout


def remains(layout: Layout) -> list[str]:
    """Name what there is of a node on this machine, in a user's words; empty when there is nothing."""
    found = []
    processes = system.marked(layout.name) | system.in_cgroups(layout.name)
    if processes:
        found.append(f"{len(processes)} processes")
    if layout.netns.exists():
        found.append(f"network namespace {layout.name}")
    if any(link["ifname"] == layout.link for link in system.links()):
        found.append(f"link {layout.link}")
    if mounts := system.mounts_below(layout.state):
        found.append(f"{len(mounts)} mounts")
    if folders := system.cgroup_folders(layout.name):
        found.append(f"{len(folders)} cgroups")
    return found


def heal(layout: Layout) -> None:
    """Remove all there is of a node on this machine but its state folder.

    Its processes are killed, not asked: what they keep on disk (etcd's log,
    containerd's database) is made to survive that, as PostgreSQL's is, and an
    orderly stop of eight components takes fifteen seconds.
    """
    system.kill(system.marked(layout.name) | system.in_cgroups(layout.name))
    for point in system.mounts_below(layout.state):
        system.command(["umount", "--lazy", point])
    if any(link["ifname"] == layout.link for link in system.links()):
        system.command(["ip", "link", "delete", layout.link])
    if layout.netns.exists():
        # A mount when it is whole, a plain file when `ip netns add` was cut off.
        with contextlib.suppress(LabError):
            system.command(["ip", "netns", "delete", layout.name])
        layout.netns.unlink(missing_ok=True)
    # `ip netns add` mounts the folder of all namespaces; the last one out takes that away again.
    if str(layout.netns.parent) in system.mounts_below(layout.netns.parent) and not any(layout.netns.parent.iterdir()):
        system.command(["umount", str(layout.netns.parent)])
    system.remove_cgroups(layout.name)
    shutil.rmtree(layout.sockets, ignore_errors=True)
