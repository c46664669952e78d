# SPDX-License-Identifier: GPL-3.0-or-later
"""References to a data source in a dashboard.

A reference is a uid or a name, alone or as ``uid`` of an object, or the placeholder of a variable or input in one of
the forms ``${X}``, ``$X`` and ``[[X]]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: References that Grafana understands although no such data source exists.
BUILT_IN = frozenset(
    {"-- Grafana --", "-- Mixed --", "-- Dashboard --", "-100", "__expr__", "default", "grafana", "mixed", "dashboard"}
)
BUILT_IN_TYPES = frozenset({"__expr__", "dashboard", "datasource", "grafana", "mixed"})

_PLACEHOLDER = re.compile(r"\$\{([\w-]+)(?::[^}]*)?\}|\[\[([\w-]+)(?::[^\]]*)?\]\]|\$(\w+)")


def uid_or_name(value: Any) -> str:
    """The text of a reference, else an empty one."""
    uid = value.get("uid") if isinstance(value, dict) else value
    return uid if isinstance(uid, str) else ""


def type_of(value: Any) -> str | None:
    """The type of data source that a reference names, if it does."""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind else None


def placeholder(reference: str) -> str:
    """The name of the variable or input that a reference stands for, else an empty text."""
    found = _PLACEHOLDER.fullmatch(reference)
    return (found[1] or found[2] or found[3]) if found else ""


def needs_data_source(value: Any) -> bool:
    """Whether a reference means a data source that must exist: neither a placeholder nor part of Grafana."""
    reference = uid_or_name(value)
    return not (not reference or reference in BUILT_IN or placeholder(reference) or type_of(value) in BUILT_IN_TYPES)


def substituted(value: Any, values: Mapping[str, str]) -> Any:
    """The value with the placeholders of these names replaced in all its texts."""
    if isinstance(value, dict):
        return {key: substituted(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [substituted(inner, values) for inner in value]
    if isinstance(value, str) and ("$" in value or "[[" in value):
        return _PLACEHOLDER.sub(lambda found: values.get(found[1] or found[2] or found[3], found[0]), value)
    return value
