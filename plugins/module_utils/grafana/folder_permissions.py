# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what in a folder of Grafana, as people say it and as Grafana does.

Administrators may everything everywhere; Grafana neither lists nor takes permissions for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from .json_values import Json

#: Grafana's numbers of the permissions.
LEVELS = {"View": 1, "Edit": 2, "Admin": 4}
#: What a permission can be for, in the order in which they are shown.
KINDS = ("role", "team", "user", "account")


@dataclass(frozen=True, order=True)
class FolderPermission:
    """A permission. kind: one of KINDS. name: of the role, team, user (login) or account. level: one of LEVELS."""

    kind: str
    name: str
    level: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.level}"


def asked(entries: Iterable[Mapping[str, Any]]) -> list[FolderPermission]:
    """The permissions in a task's arguments. Raises LabError for an entry that is for nobody, or for two."""
    found: dict[tuple[str, str], FolderPermission] = {}
    for number, entry in enumerate(entries):
        given = [(kind, str(entry[kind])) for kind in KINDS if entry.get(kind)]
        if len(given) != 1:
            raise LabError(f"permissions[{number}] must have one of {', '.join(KINDS)}, not {len(given)} of them.")
        (kind, name) = given[0]
        if found.setdefault((kind, name), one := FolderPermission(kind, name, entry["permission"])) != one:
            raise LabError(f"permissions[{number}] gives {kind} {name} a second permission: leave one of them out.")
    return sorted(found.values())


def listed(rows: Iterable[Json], logins: Mapping[str, str]) -> list[FolderPermission]:
    """The permissions that Grafana lists, without those of the folder above.

    logins: the names of the service accounts that are asked for, by their logins: Grafana lists them as users.
    """
    levels = {number: level for level, number in LEVELS.items()}
    found = []
    for row in rows:
        level = levels.get(row["permission"], str(row["permission"]))
        if row.get("inherited"):
            continue
        if row.get("role"):
            found.append(FolderPermission("role", row["role"], level))
        elif row.get("teamId"):
            found.append(FolderPermission("team", row.get("team") or str(row["teamId"]), level))
        elif row.get("userId"):
            login = row.get("userLogin") or str(row["userId"])
            kind, name = ("account", logins[login]) if login in logins else ("user", login)
            found.append(FolderPermission(kind, name, level))
    return sorted(found)


def same_permissions(one: Iterable[FolderPermission], other: Iterable[FolderPermission]) -> bool:
    """Whether two lists permit the same: logins are without case."""

    def key(entry: FolderPermission) -> FolderPermission:
        return FolderPermission(entry.kind, entry.name.lower() if entry.kind == "user" else entry.name, entry.level)

    return {key(entry) for entry in one} == {key(entry) for entry in other}


def items(permissions: Iterable[FolderPermission], number: Callable[[FolderPermission], int]) -> list[Json]:
    """The permissions as Grafana takes them. number: of a team, user or account."""
    found: list[Json] = []
    for one in permissions:
        who: Json = (
            {"role": one.name} if one.kind == "role" else {"teamId" if one.kind == "team" else "userId": number(one)}
        )
        found.append({**who, "permission": LEVELS[one.level]})
    return found
