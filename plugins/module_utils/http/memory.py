# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the memory that taking an answer apart may need.

A few MiB of JSON can become gigabytes of objects. The kernel would then kill the worker, and with it Ansible for the
whole class; with a bound there is a MemoryError, which costs only the student whose server answered so.
"""

from __future__ import annotations

import functools
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Where a container's own limit stands, with cgroups of version 2 and of version 1.
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@functools.cache
def half_of_memory() -> int:
    """Half of the bytes that this machine, or the container in it, has; at least 512 MiB."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in CGROUPS:
        with suppress(OSError, ValueError):
            known.append(int(path.read_text()))
    return max(min(known) // 2, 512 * 1024 * 1024)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Raise MemoryError for what needs more than half of the memory meanwhile."""
    try:
        used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = used + half_of_memory()
        set_here = all(limit == resource.RLIM_INFINITY or bound < limit for limit in (soft, hard))
        if set_here:
            resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    except (OSError, ValueError, IndexError):
        # Not Linux, or not permitted: there is none then.
        set_here = False
    try:
        yield
    finally:
        if set_here:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
