# SPDX-License-Identifier: GPL-3.0-or-later
"""A distribution of a profile is several figures of one histogram: this writes each of them out.

One quantile hides where most observations are quick and a few are slow, which is what a lock looks like.
"""

from __future__ import annotations

from typing import Any

from .. import shaped_yaml as shape
from .query import number

#: What each figure of a distribution has from it as it is.
SHARED = ("question", "unit", "components", "direction", "absent", "sources", "where", "observer")
#: What may be set for each of its figures.
OF_PART = ("question", "short", "key", "thresholds", "reference")


def figures(value: dict[str, Any], path: shape.Place) -> list[dict[str, Any]]:
    """The figures of a distribution as a profile would have them. Raises Fault."""
    shape.mapping(
        value,
        path,
        ("id", "title", "question", "unit", "kind", "components", "sources", "quantiles", "above"),
        ("direction", "absent", "where", "parts", "observer"),
    )
    if value["unit"] != "s":
        raise shape.Fault((*path, "unit"), "must be s: a distribution is one of times")
    parts: dict[str, tuple[str, dict[str, Any]]] = {"mean": ("mean", {"kind": "mean"})}
    for at, item in shape.items(value["quantiles"], (*path, "quantiles")):
        q = shape.number(item, at)
        if not 0 < q < 1:
            raise shape.Fault(at, f"{number(q)} is not between 0 and 1")
        percentile = f"p{number(q * 100)}"
        parts[percentile.replace(".", "")] = percentile, {"kind": "quantile", "quantile": q}
    for at, item in shape.items(value["above"], (*path, "above")):
        bound = shape.number(item, at)
        if bound <= 0:
            raise shape.Fault(at, "must be above zero")
        title = f"{number(bound * 1000)} ms" if bound < 1 else f"{number(bound)} s"
        part = f"above_{title}".replace(" ", "").replace(".", "_")
        parts[part] = f"share above {title}", {"kind": "share", "above": bound, "unit": "ratio"}
    parts["largest"] = "largest", {"kind": "quantile", "quantile": 1}

    own = value.get("parts", {})
    if not isinstance(own, dict):
        raise shape.Fault((*path, "parts"), "must be a mapping of parts to what is set for each")
    for part, settings in own.items():
        if part not in parts:
            raise shape.Fault((*path, "parts", part), f"is no part of this distribution{shape.meant(part, parts)}")
        shape.mapping(settings, (*path, "parts", part), (), OF_PART)
    name, title = value["id"], value["title"]
    if not isinstance(name, str) or not isinstance(title, str):
        raise shape.Fault(path, "needs an id and a title that are text")
    shared = {key: value[key] for key in SHARED if key in value}
    return [
        {**shared, "id": f"{name}_{part}", "title": f"{title}, {words}", **kind, **own.get(part, {})}
        for part, (words, kind) in parts.items()
    ]
