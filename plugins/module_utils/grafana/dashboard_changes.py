# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two dashboards in normal form, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .dashboard_file import written
from .json_values import Json, canonical, same

#: The field by which an element of a list is known, by the list's name. Elements of other lists go by their number.
KNOWN_BY = {"panels": "id", "targets": "refId", "list": "name"}


class Absent:
    """The type of ABSENT."""


#: Stands for a value that is not there; null is a value.
ABSENT = Absent()


@dataclass(frozen=True)
class DashboardChange:
    """One change; ``before`` or ``after`` is ABSENT for what was added or removed."""

    path: str
    before: Any
    after: Any


def changes(before: Json, after: Json) -> list[DashboardChange]:
    """What differs between two dashboards in normal form, always in the same order."""
    return list(_changes(before, after, "", ""))


def _changes(before: Any, after: Any, path: str, name: str) -> Iterator[DashboardChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from _changes(before.get(key, ABSENT), after.get(key, ABSENT), inner, key)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(before, after, path, name)
    elif before is ABSENT or after is ABSENT or not same(before, after):
        yield DashboardChange(path, before, after)


def _list_changes(before: list[Any], after: list[Any], path: str, name: str) -> Iterator[DashboardChange]:
    old, new = _by_key(before, name), _by_key(after, name)
    if old is None or new is None:
        for number in range(max(len(before), len(after))):
            pair = [(values[number] if number < len(values) else ABSENT) for values in (before, after)]
            yield from _changes(pair[0], pair[1], f"{path}[{number}]", "")
        return
    for label in [*old, *(label for label in new if label not in old)]:
        yield from _changes(old.get(label, ABSENT), new.get(label, ABSENT), f"{path}[{label}]", "")
    kept = [label for label in old if label in new]
    order = [label for label in new if label in old]
    if kept != order:
        yield DashboardChange(f"{path} (order)", kept, order)


def _by_key(values: list[Any], name: str) -> dict[str, Any] | None:
    """The elements by what they are known by, or None where that does not tell them apart."""
    key = KNOWN_BY.get(name)
    if key is None:
        return None
    found = {}
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get(key), (str, int)):
            return None
        # A query is called by its letter alone, as people do.
        found[str(value[key]) if key == "refId" else f"{key}={value[key]}"] = value
    return found if len(found) == len(values) else None


def difference(before: Json | None, after: Json | None) -> dict[str, str]:
    """``before`` and ``after`` of Ansible's diff for two dashboards in normal form: a line for each change.

    None is a dashboard that does not exist; the other one is then shown whole.
    """
    if before is None or after is None:
        return {name: "" if one is None else written(one) for name, one in (("before", before), ("after", after))}
    return lines(changes(before, after))


def lines(found: Sequence[DashboardChange]) -> dict[str, str]:
    """Changes as the two texts of Ansible's diff."""
    return {
        "before": "".join(f"{one.path}: {canonical(one.before)}\n" for one in found if one.before is not ABSENT),
        "after": "".join(f"{one.path}: {canonical(one.after)}\n" for one in found if one.after is not ABSENT),
    }
