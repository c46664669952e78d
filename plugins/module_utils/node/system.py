# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, processes and cgroups of the machine, as the embedded node needs them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from ..errors import LabError

CGROUPS = Path("/sys/fs/cgroup")

#: The environment variable that marks the processes of a node.
MARK = "TEMPORAL_LAB_NODE"


def command(arguments: Sequence[str], timeout: float = 60.0, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        LabError: the command is missing, failed or took longer than ``timeout`` seconds.
    """
    shown = " ".join(arguments)
    try:
        # pylint: disable-next=ansible-bad-function
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
            env=None if environment is None else {**os.environ, **environment},
        )  # fmt: skip
    except FileNotFoundError:
        raise LabError(
            f"the embedded node needs the command {arguments[0]}, which this machine does not have: run make setup"
        ) from None
    except subprocess.TimeoutExpired:
        raise LabError(f"`{shown}` did not end within {timeout:.0f} seconds") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(f"`{shown}` failed with exit code {done.returncode}: {said[-1] if said else 'no message'}")
    return done.stdout


class Link(TypedDict):
    """A network interface, of `ip`'s description only what is used."""

    ifname: str


class Route(TypedDict):
    """A route; ``dst`` is a network, an address or ``default``."""

    dst: str


def links() -> list[Link]:
    """Return the network interfaces of this machine, as `ip` lists them."""
    found: list[Link] = json.loads(command(["ip", "-json", "address"]) or "[]")
    return found


def routes() -> list[Route]:
    """Return the IPv4 routes of this machine, as `ip` lists them."""
    found: list[Route] = json.loads(command(["ip", "-json", "-4", "route"]) or "[]")
    return found


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it ended in the meantime, or is the kernel's
        return []


def pids() -> Iterator[int]:
    """Yield the process IDs of this machine."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield int(entry)


def marked(name: str) -> set[int]:
    """Return the processes that carry a node's mark in their environment."""
    mark = f"{MARK}={name}".encode()
    return {pid for pid in pids() if pid != os.getpid() and mark in _environment(pid)}


def cgroup_folders(name: str) -> list[Path]:
    """Return a node's cgroup folders in every hierarchy, the deepest first."""
    found = []
    for top in [CGROUPS / name, *CGROUPS.glob(f"*/{name}")]:
        if top.is_dir():
            found += [Path(folder) for folder, _folders, _files in os.walk(top, topdown=False)]
    return found


def in_cgroups(name: str) -> set[int]:
    """Return the processes in a node's cgroups: those of its pods."""
    found: set[int] = set()
    for folder in cgroup_folders(name):
        with contextlib.suppress(OSError):
            found |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
    return found


def make_cgroups(name: str) -> None:
    """Make the node's cgroup in every hierarchy that the kernel has (version 1 or 2)."""
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        controllers = " ".join(f"+{controller}" for controller in unified.read_text().split())
        (CGROUPS / name).mkdir(exist_ok=True)
        for folder in (CGROUPS, CGROUPS / name):
            (folder / "cgroup.subtree_control").write_text(controllers)
        return
    for hierarchy in CGROUPS.iterdir():
        if hierarchy.is_symlink() or not (hierarchy / "cgroup.procs").exists():
            continue
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        # A new cpuset is empty, and an empty one can hold no process.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (folder / setting).exists() and not (folder / setting).read_text().strip():
                (folder / setting).write_text((hierarchy / setting).read_text())


def remove_cgroups(name: str) -> bool:
    """Remove the node's cgroups, from the leaves up; return whether there were any.

    Raises:
        LabError: one still holds a process.
    """
    folders = cgroup_folders(name)
    deadline = time.monotonic() + 5
    for folder in folders:
        while folder.is_dir():
            try:
                folder.rmdir()
            except OSError as error:
                # A killed process leaves its cgroup a moment after it is gone.
                if time.monotonic() > deadline:
                    raise LabError(f"cannot remove the cgroup {folder}: {error.strerror}") from None
                time.sleep(0.05)
    return bool(folders)


def alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def kill(processes: set[int], timeout: float = 10.0) -> None:
    """Kill processes and wait until they are gone.

    Raises:
        LabError: some still run after ``timeout`` seconds.
    """
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_gone(processes, timeout)


def wait_gone(processes: set[int], timeout: float) -> None:
    """Wait until processes are gone.

    Raises:
        LabError: some still run after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while left := {pid for pid in processes if alive(pid)}:
        if time.monotonic() > deadline:
            raise LabError(f"the processes {', '.join(map(str, sorted(left)))} do not end within {timeout:.0f} seconds")
        time.sleep(0.05)


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points of this machine at or below a folder, the latest first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in reversed(points) if Path(point) == folder or folder in Path(point).parents]
