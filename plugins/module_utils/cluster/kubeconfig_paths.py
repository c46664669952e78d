# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a kubeconfig names: read only below its own folder, unless the kubeconfig is trusted.

Whoever wrote a kubeconfig decides which files go to a server that they have chosen: of a stranger's, that must not be
the files of whoever runs the lab.
"""

from __future__ import annotations

import os
import stat
from errno import ELOOP, EMLINK, ENOTDIR
from pathlib import Path

#: Bytes of the largest file that is read.
LARGEST = 1024 * 1024
#: What to do instead. Not by the one who runs the lab: it would copy what a stranger's kubeconfig names into it.
FLATTEN = (
    "let its owner make one that needs no other files (kubectl config view --raw --flatten --minify), or, if you trust "
    "whoever wrote it, set lab_kubeconfig_exec=true"
)


class PathRefused(Exception):
    """Why a file that a kubeconfig names is not read, and what to do."""

    def __init__(self, why: str, cure: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.cure = cure


def read_named_file(kubeconfig: str, given: str, trusted: bool) -> bytes:
    """The content of a file that a kubeconfig names, relative to its folder. Raises PathRefused.

    trusted: whether it may be anywhere, and behind links.
    """
    folder = os.path.dirname(os.path.abspath(kubeconfig))
    try:
        path = os.path.normpath(os.path.join(folder, given))
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if trusted else _open_below(folder, path)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise PathRefused(f"{path} is not a regular file")
            if status.st_nlink > 1 and not trusted:
                raise PathRefused(f"{path} is a hard link", "copy the file")
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise PathRefused(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise PathRefused("a path in it is none") from None
    if len(content) > LARGEST:
        raise PathRefused(f"{path} is larger than 1 MiB")
    return content


def _open_below(folder: str, path: str) -> int:
    """Open a file below a folder, without following a link on the way. Raises PathRefused and OSError."""
    bases = (folder, os.path.realpath(folder))
    parts = next((Path(path).relative_to(base).parts for base in bases if Path(path).is_relative_to(base)), ())
    if not parts:
        raise PathRefused(f"{path} is outside its folder {folder}", FLATTEN)
    if any(part.startswith(".") for part in parts):
        # Secrets of whoever runs the lab, such as a file with the password of a vault, lie hidden beside playbooks.
        raise PathRefused(f"{path} is hidden", FLATTEN)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(parts[-1], os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=at)
    except OSError as error:
        # Of a link to a folder some systems say that it is no folder.
        if error.errno in (ELOOP, EMLINK) or (error.errno == ENOTDIR and _has_link(folder, parts)):
            raise PathRefused(f"{path} is or passes through a link", FLATTEN) from None
        raise
    finally:
        os.close(at)


def _has_link(folder: str, parts: tuple[str, ...]) -> bool:
    return any(os.path.islink(os.path.join(folder, *parts[:count])) for count in range(1, len(parts) + 1))
