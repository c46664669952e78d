# SPDX-License-Identifier: GPL-3.0-or-later
"""Files written whole or not at all, and files that hold a secret.

Everything raises OSError; the caller knows what the file is for, and says so.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def put_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; it replaces an existing one."""
    temporary = _write_temporary(path, content)
    try:
        os.replace(temporary, path)
    except OSError:
        temporary.unlink()
        raise
    _sync_folder(path.parent)


def write_new_file(path: Path, content: bytes) -> bool:
    """Write a file that must not exist yet; return False, with nothing left behind, when it does."""
    temporary = _write_temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    _sync_folder(path.parent)
    return True


def read_regular_file(path: Path, limit: int) -> tuple[bytes, int] | None:
    """Read at most ``limit`` bytes of a regular file; return them and its permission bits.

    None for anything else in its place, such as a pipe, on which a plain read would wait for ever. Raises OSError,
    also when nothing is there.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit), stat.S_IMODE(status.st_mode)
    finally:
        os.close(handle)


@contextmanager
def private_file_beside(path: Path, text: str) -> Iterator[Path]:
    """Write a text to a new file beside ``path``, for the caller to move into place; remove it if it was not moved.

    The file has mode 0600 from its first moment; a missing folder is made with mode 0700.
    """
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


def _write_temporary(path: Path, content: bytes) -> Path:
    """Write a hidden file beside ``path``; readers never look at it, nor does a stage's name match it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    """Make a new name durable: without this a power failure can lose it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
