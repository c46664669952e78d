# SPDX-License-Identifier: GPL-3.0-or-later
"""The file from which the inventory plugin reads a class: its keys, texts and paths."""

from __future__ import annotations

import difflib
import keyword
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LabError

#: The options that say who the students are; a source file has one of them.
SOURCES = ("roster", "kubeconfigs", "namespaces")
#: The longest name or value that a message repeats, in characters.
LONGEST = 80


def check_keys(keys: Iterable[Any], known: Collection[str]) -> None:
    """Raise LabError for a key that the source file cannot have."""
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"is {near[0]} meant?" if near else f"there are {', '.join(sorted(known))}."
            raise LabError(f"There is no key {str(key)!r} in an inventory of students; {hint}", obj=key)


def check_variables(names: Iterable[Any]) -> None:
    """Raise LabError for a name that no variable can have."""
    for name in names:
        if not is_variable(name):
            raise LabError(
                f"The key vars has {str(name)!r}, which cannot be a variable's name; use letters, digits and _.",
                obj=name,
            )


def source(config: Mapping[str, Any]) -> str:
    """The one option that says who the students are; raises LabError where there is none, or more than one."""
    given = [name for name in SOURCES if config.get(name) is not None]
    if len(given) != 1:
        raise LabError(
            f"An inventory of students takes one of {', '.join(SOURCES)}, and this has "
            f"{' and '.join(given) or 'none of them'}; {'keep' if given else 'add'} one."
        )
    return given[0]


def check_no_inventory(place: Path, source: Path, inventories: Iterable[str]) -> None:
    """Raise LabError where Ansible takes what students wrote for an inventory too, or for a program that gives one.

    place: their roster or folder. inventories: what Ansible was given, of which it walks through folders.
    """
    for given in inventories:
        folder = Path(os.path.abspath(given))
        if os.path.isdir(folder) and Path(os.path.abspath(place)).is_relative_to(folder):
            raise LabError(
                f"The inventory is the folder {given}, below which Ansible takes every file for one, also {place}, "
                f"where students may have written programs or variables: give the file {source} with -i instead."
            )


def text(what: str, value: object, origin: object = None) -> str:
    """Return text without spaces around it, empty for None; raise LabError for what is no text.

    A name such as 007 would be another one as a number.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LabError(f"The {what} is not text: write it in quotes if it is a number.", obj=origin)
    return value.strip()


def shown(value: object) -> str:
    """A name or a value of a roster in a sentence: in quotes, cut where it is long, nothing in it unseen."""
    said = str(value)
    return repr(said if len(said) <= LONGEST else said[:LONGEST] + "…")


def expand_path(what: str, given: str, folder: Path, origin: object = None) -> str:
    """An absolute path of what was given: ~ and environment variables are replaced, the rest is relative to folder."""
    if "{{" in given:
        raise LabError(
            f"The {what} {shown(given)} is a template, which is not allowed in a path here; "
            "use a path relative to its file, ~ or environment variables.",
            obj=origin,
        )
    return given and os.path.normpath(folder / os.path.expandvars(os.path.expanduser(given)))


def is_variable(name: object) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        return False
    return not keyword.iskeyword(name) and name not in ("true", "false", "none")
