# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders from which programs and keys are taken: nobody else may be able to change what is in them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from .errors import LabError
from .files import make_private_folder


def own_folder(folder: Path, what: str, cure: str) -> None:
    """Make a folder for its owner alone, or check one that is there.

    what: how messages call it. cure: what to do otherwise, such as ``set XDG_CACHE_HOME to another folder``. Raises
    LabError where another user can change what is in it, or put another folder in its place.
    """
    # First what is there: a folder that another user has prepared is not filled.
    check_folder(folder, what, cure)
    try:
        make_private_folder(folder)
    except OSError as error:
        raise LabError(f"{what} {folder} cannot be used: {error.strerror} ({error.filename}); {cure}.") from None
    check_folder(folder, what, cure)


def check_folder(folder: Path, what: str, cure: str) -> None:
    """Raise LabError where another user can change what is in a folder, which need not be there yet."""
    try:
        fault = folder_fault(folder)
    except OSError as error:
        raise LabError(f"{what} {folder} cannot be used: {error.strerror} ({error.filename}); {cure}.") from None
    if fault:
        raise LabError(
            f"{what} {folder} is not used, because {fault}: remove the folder if another user may have put something "
            f"there and correct owner and mode (chown, chmod go-w), or {cure}."
        )


def folder_fault(folder: Path) -> str:
    """Why others can change what is in a folder, or put another in its place; empty when they cannot.

    Looks at it and at each folder above it, by the path as it is given and with its links resolved; those that are
    missing are left out.
    """
    given = folder.absolute()
    real = Path(os.path.realpath(given))
    for path in dict.fromkeys((*reversed(given.parents), given, *reversed(real.parents), real)):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        last = path in (given, real)
        owner = status.st_uid
        if owner not in (0, os.geteuid()) or (last and owner != os.geteuid()):
            return f"{path} belongs to {_user(owner)}"
        if not stat.S_ISLNK(status.st_mode) and (who := _other_writers(status, last)):
            return f"{who} can write to {path}"
    return ""


def _other_writers(status: os.stat_result, last: bool) -> str:
    """Who else can write to a folder in a way that matters; empty where nobody can."""
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and not last:
        # As /tmp: nobody can move away what belongs to another.
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "every user"
    if status.st_mode & stat.S_IWGRP and not _private_group(status):
        return f"the group {_group(status.st_gid)}"
    return ""


def _private_group(status: os.stat_result) -> bool:
    """Whether a folder's group is its owner's own, as many systems give each user one."""
    try:
        group, owner = grp.getgrgid(status.st_gid), pwd.getpwuid(status.st_uid)
    except KeyError:
        return False
    return group.gr_name == owner.pw_name and set(group.gr_mem) <= {owner.pw_name}


def _user(number: int) -> str:
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"another user ({number})"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
