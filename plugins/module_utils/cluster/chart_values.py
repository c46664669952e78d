# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a Helm chart: layers put together, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Two layers of values: the second's on top, mappings joined and everything else replaced."""
    result = dict(ours)
    for key, value in theirs.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def monitors(values: Any, path: str = "") -> Iterator[str]:
    """Paths of the ServiceMonitors that values ask for."""
    if not isinstance(values, Mapping):
        return
    for key, value in values.items():
        here = f"{path}.{key}" if path else str(key)
        if key == "serviceMonitor" and isinstance(value, Mapping) and value.get("enabled") is True:
            yield f"{here}.enabled"
        else:
            yield from monitors(value, here)


def dig(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as ``server.image.tag``, None when there is none."""
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
