# SPDX-License-Identifier: GPL-3.0-or-later
"""How late the kernel may wake this process, which decides what Ansible's looking for a free worker costs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: Nanoseconds by which a sleep may be longer than it was asked for; the kernel's own number is 50,000.
SLACK = 2_000_000


def let_sleeps_be_late() -> None:
    """Let each sleep of this process and of those that it starts take up to two milliseconds longer.

    While no worker is free, Ansible's main process looks for one, sleeps for a tenth of a millisecond, and looks again,
    thousands of times a second: half a core. So it looks some hundred times. Nothing is changed where it cannot be.
    """
    with suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text(str(SLACK), encoding="ascii")
