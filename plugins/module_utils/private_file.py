# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold a secret: read without waiting, and written whole, never readable by others."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def read(path: Path, most: int) -> tuple[bytes, int] | None:
    """Content of a regular file, ``most`` bytes of it, and its mode by chmod's number.

    None for something else that has its place, such as a pipe. Raises OSError, also where nothing is there.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(most), stat.S_IMODE(status.st_mode)
    finally:
        os.close(handle)


@contextmanager
def written_beside(path: Path, text: str) -> Iterator[Path]:
    """A new file with a text beside a path, mode 0600, to be put in its place; afterwards it is gone.

    The folder is made with mode 0700 when it is missing. Raises OSError.
    """
    # Never readable by others, not even for a moment.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)
