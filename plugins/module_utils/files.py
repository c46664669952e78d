# SPDX-License-Identifier: GPL-3.0-or-later
"""Files written whole or not at all, for their owner alone, and files of others that are read with care.

Everything raises OSError; the caller knows what the file is for, and says so. Modes do not depend on the umask.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_private_folder(path: Path) -> bool:
    """Make a folder, and those above it that are missing, for their owner alone; return False when it is there.

    Path.mkdir gives its mode to the last folder only. One that is there stays as it is, and a link to a folder counts
    as one.
    """
    missing = []
    made = False
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        try:
            folder.mkdir(PRIVATE_FOLDER)
        except FileExistsError:
            # Another process made it a moment ago.
            if not folder.is_dir():
                raise
            made = False
        else:
            # A umask such as 0277 takes from the owner, too.
            folder.chmod(PRIVATE_FOLDER)
            made = True
    return made


def private_opener(path: str, flags: int) -> int:
    """For ``open``: a file that is made is for its owner alone, and a link in its place is not followed."""
    return os.open(path, flags | os.O_NOFOLLOW, PRIVATE_FILE)


def put_file(path: Path, content: bytes, mode: int | None = PRIVATE_FILE) -> None:
    """Write a file whole or not at all; it replaces an existing one, or a link in its place.

    mode: None leaves it to the umask, for what is meant for others too.
    """
    temporary = _write_temporary(path, content, mode)
    try:
        os.replace(temporary, path)
    except OSError:
        temporary.unlink()
        raise
    _sync_folder(path.parent)


def write_new_file(path: Path, content: bytes) -> bool:
    """Write a private file that must not exist yet; return False, with nothing left behind, when it does."""
    temporary = _write_temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    _sync_folder(path.parent)
    return True


def read_regular_file(path: Path, limit: int, follow: bool = True) -> tuple[bytes, int] | None:
    """Read at most ``limit`` bytes of a regular file; return them and its permission bits.

    None for anything else in its place: a pipe, on which a plain read would wait for ever, a device, a folder; without
    ``follow`` a link too.
    Raises OSError, also when nothing is there.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        # A link, or a socket.
        if error.errno == errno.ENXIO or (not follow and error.errno == errno.ELOOP):
            return None
        raise
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

    The file has mode 0600 from its first moment; a missing folder is made with mode 0700, and so are those above it.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    make_private_folder(path.parent)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, PRIVATE_FILE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _write_temporary(path: Path, content: bytes, mode: int | None = PRIVATE_FILE) -> Path:
    """Write a hidden file beside ``path``; readers never look at it, nor does a stage's name match it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
        with os.fdopen(handle, "wb") as stream:
            if mode is not None:
                os.fchmod(handle, mode)
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
