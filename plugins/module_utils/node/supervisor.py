# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's first process: supervisord in namespaces of its own, and what it says of its programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from typing import Any

try:
    from supervisor.xmlrpc import SupervisorTransport
except ImportError:  # reported by prerequisites.py
    SupervisorTransport = None

from ..errors import LabError
from ..files import private_opener
from .layout import Layout
from .system import MARK

#: How long a component may take until it answers, in seconds.
START_TIMEOUT = 60.0


def supervisor_rpc(layout: Layout) -> xmlrpc.client.ServerProxy:
    """Return the supervisor's remote interface, over its socket."""
    transport = SupervisorTransport(None, None, f"unix://{layout.supervisor_socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def programs_state(layout: Layout) -> dict[str, str]:
    """Return each program's state as the supervisor names it; empty when no supervisor answers."""
    if not layout.supervisor_socket.exists():
        return {}
    try:
        answer: Any = supervisor_rpc(layout).supervisor.getAllProcessInfo()
        return {info["name"]: info["statename"] for info in answer}
    except (OSError, xmlrpc.client.Error):
        return {}


def entry_script(layout: Layout, python: str) -> str:
    """Return the shell script that becomes the node's first process.

    It replaces /run, /var/log and /var/lib by the node's own, so that nothing
    the components write to fixed paths is seen by the machine or by another node.
    """
    own = layout.state / "var-lib"
    return f"""\
set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t overlay -o 'lowerdir=/var/lib,upperdir={own}/upper,workdir={own}/work' overlay /var/lib
echo 1 > /proc/sys/net/ipv4/ip_forward
exec '{python}' -m supervisor.supervisord --nodaemon --configuration '{layout.etc}/supervisord.conf'
"""


def start_supervisor(layout: Layout) -> None:
    """Start the node's first process in its namespaces and wait until it answers."""
    own = layout.state / "var-lib"
    shutil.rmtree(own, ignore_errors=True)
    for folder in (own, own / "upper", own / "work"):
        # The upper one is /var/lib in the node.
        folder.mkdir(0o755, exist_ok=True)
    arguments = [
        "nsenter", f"--net={layout.netns}",
        "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc",
        "/bin/sh", "-c", entry_script(layout, sys.executable),
    ]  # fmt: skip
    log = layout.logs / "start.log"
    with open(log, "wb", opener=private_opener) as output:
        # pylint: disable-next=ansible-bad-function
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            cwd="/", env={**os.environ, MARK: layout.name}, umask=0o022,
        )  # fmt: skip
    deadline = time.monotonic() + 15
    while not programs_state(layout):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()
            raise LabError(
                f"the embedded node's supervisor does not start: {said[-1] if said else 'no message'} (log: {log})"
            )
        time.sleep(0.05)


def wait_until(what: str, layout: Layout, ready: Callable[[], bool], timeout: float = START_TIMEOUT) -> None:
    """Wait until something holds, and fail early when a program has given up.

    Raises:
        LabError: it does not hold in time, or a program cannot be started.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        for name, state in programs_state(layout).items():
            if state == "FATAL":
                raise LabError(f"{name} of the embedded node cannot be started: see {layout.logs / name}.log")
        if time.monotonic() > deadline:
            raise LabError(f"{what} of the embedded node is not ready within {timeout:.0f} seconds: see {layout.logs}")
        time.sleep(0.1)
