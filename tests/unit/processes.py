# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests with servers and programs of their own have in common."""

from __future__ import annotations

import socket

#: Before a command: it is killed when the process that started it ends, however that ended. Without it a test run
#: that is killed leaves its servers behind, and so does ansible-test, whose forks end without their fixtures' ends.
ENDS_WITH_ITS_STARTER = ("setpriv", "--pdeathsig", "KILL")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
