# SPDX-License-Identifier: GPL-3.0-or-later
"""What the columns of a roster's file may set: its rows may come from students, and the file is not the instructor's.

docs/class.md has the same as a table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..variable_names import PREFIXES
from .source_file import is_variable, shown

#: Columns that are no variables of the same name.
COLUMNS = ("name", "namespace", "kubeconfig", "context")
#: Variables that are worked out, and the column that each is worked out from.
WORKED_OUT = {
    "lab_namespace": "namespace",
    "lab_kubeconfig": "kubeconfig",
    "lab_context": "context",
    "students_kubeconfig": "kubeconfig",
    "students_context": "context",
}
#: Variables with these prefixes decide which programs run on the control node and which files and servers are used:
#: Ansible's own, and those of each role.
DECIDING = ("ansible_", *PREFIXES)
#: Variables that Ansible sets, beside those with its prefix.
MAGIC = frozenset(
    (
        "group_names",
        "groups",
        "hostvars",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "item",
        "play_hosts",
        "playbook_dir",
        "role_name",
        "role_names",
        "role_path",
    )
)


@dataclass(frozen=True)
class Columns:
    """What columns may set.

    trusted: whether the roster is the instructor's own, in the source file: its values may be anything.
    allowed: columns of a file that the instructor trusts whoever wrote it with.
    taken: variables that the instructor has set for the class.
    reserved: whether Ansible uses a name itself.
    """

    trusted: bool = True
    allowed: Collection[str] = ()
    taken: Collection[str] = ()
    reserved: Callable[[str], bool] = MAGIC.__contains__

    def usable(self, column: object) -> bool:
        """Whether a column can be a variable; others are left out."""
        return is_variable(column) and (self.trusted or not self.reserved(str(column)))

    def check(self, place: str, values: Mapping[Any, Any], origin: object) -> None:
        """Raise LabError for a value that is given and may not be."""
        for column in values:
            if column in WORKED_OUT:
                raise LabError(f"{place} has {column}, which is worked out; call it {WORKED_OUT[column]}.", obj=origin)
        if self.trusted:
            return
        given = [column for column, value in values.items() if value is not None]
        refused = [column for column in given if self._refused(column)]
        if refused:
            one = len(refused) == 1
            raise LabError(
                f"{place} sets {', '.join(map(shown, refused))}, which a roster's file may not, as its rows may come "
                f"from students: take the column{'' if one else 's'} out, or name {'it' if one else 'them'} in the key "
                "columns of the inventory if you have written every row yourself.",
                obj=origin,
            )
        for column in given:
            if column in self.allowed:
                _check_expansions(f"{column} in {place}", values[column], origin)

    def _refused(self, column: object) -> bool:
        if not self.usable(column) or column in COLUMNS or column in self.allowed:
            return False
        return str(column).startswith(DECIDING) or column in self.taken

    def path(self, what: str, given: str, folder: Path, origin: object) -> str:
        """The absolute path of a kubeconfig that a file names, which is below the file's own folder.

        With the column among those allowed it may be anywhere. Neither ~ nor environment variables are replaced.
        """
        if not given:
            return ""
        _check_expansions(what, given, origin)
        if os.pathsep in given:
            raise LabError(
                f"The {what} is {shown(given)}, which is several files for kubectl: name one, without "
                f"{os.pathsep!r} in its path.",
                obj=origin,
            )
        path = os.path.normpath(folder / given)
        if "kubeconfig" in self.allowed:
            return path
        # Also where a link leads: to another student's file it may, to one of the instructor's elsewhere not.
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
        if os.path.isabs(given) or not Path(path).is_relative_to(os.path.normpath(folder)) or not inside:
            raise LabError(
                f"The {what} is {shown(given)}, which is not below the roster's own folder {folder}: move the file "
                "there, or name kubeconfig in the key columns of the inventory if you have written every row yourself.",
                obj=origin,
            )
        return path


def check_allowed(allowed: object, roster: object) -> list[str]:
    """The columns that a source file allows; raises LabError. roster: the key roster of the source file."""
    if allowed is None:
        return []
    names: Iterable[Any] = [allowed] if isinstance(allowed, str) else allowed if isinstance(allowed, list) else [None]
    found = []
    for name in names:
        if not is_variable(name):
            raise LabError(
                "The key columns is not a list of columns: write the names of those that the roster's file may set, "
                "such as [lab_window].",
                obj=allowed,
            )
        if name in WORKED_OUT:
            raise LabError(
                f"The key columns has {name}, which is worked out; the column is {WORKED_OUT[name]}.", obj=allowed
            )
        found.append(str(name))
    if not isinstance(roster, str):
        raise LabError(
            "The key columns says what a roster in a file of its own may set, and this class has none: take it out.",
            obj=allowed,
        )
    return found


def _check_expansions(what: str, value: Any, origin: object) -> None:
    """Raise LabError for text that modules would replace: ~ by a home folder, $ by the instructor's environment."""
    if isinstance(value, Mapping):
        for part in value.values():
            _check_expansions(what, part, origin)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _check_expansions(what, part, origin)
    elif isinstance(value, str) and ("$" in value or value.startswith("~")):
        raise LabError(
            f"The {what} is {shown(value)}: ~ and $ are replaced by nothing in a roster's file, as its rows may come "
            "from students; write the whole text.",
            obj=origin,
        )
