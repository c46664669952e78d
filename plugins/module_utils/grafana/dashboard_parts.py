# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a dashboard: its panels, queries, variables, inputs and library panels, each with its place.

A *place* says where a part is, such as ``panels[2].targets[0]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from .json_values import Json, as_object, as_objects


def panels(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """All panels with their places, those in rows and the library panels in the file included."""
    yield from _panels_of(dashboard, "")
    for number, row in enumerate(as_objects(dashboard.get("rows"))):
        yield from _panels_of(row, f"rows[{number}].")
    for uid, model in library_panels(dashboard).items():
        yield f"__elements[{uid}]", model


def _panels_of(holder: Json, prefix: str) -> Iterator[tuple[str, Json]]:
    for number, panel in enumerate(as_objects(holder.get("panels"))):
        place = f"{prefix}panels[{number}]"
        yield place, panel
        yield from _panels_of(panel, f"{place}.")


def variables(dashboard: Json) -> list[Json]:
    """The variables of a dashboard."""
    return as_objects(as_object(dashboard.get("templating")).get("list"))


def inputs(dashboard: Json) -> list[Json]:
    """The inputs that an exported dashboard asks for, each with ``name``, ``type`` and whatever else it has."""
    return [entry for entry in as_objects(dashboard.get("__inputs")) if isinstance(entry.get("name"), str)]


def library_panels(dashboard: Json) -> dict[str, Json]:
    """Models of the library panels that an export brings along, by uid."""
    value = dashboard.get("__elements")
    rows = list(value.values()) if isinstance(value, dict) else value
    return {
        str(row["uid"]): row["model"]
        for row in as_objects(rows)
        if row.get("uid") and isinstance(row.get("model"), dict) and row.get("kind", 1) == 1
    }


def datasource_holders(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """Everything that can refer to a data source, described for a message."""
    for place, panel in panels(dashboard):
        what = described(place, panel)
        yield what, panel
        for number, target in enumerate(as_objects(panel.get("targets"))):
            yield f"query {target.get('refId') or number} of {what}", target
    for entry in as_objects(as_object(dashboard.get("annotations")).get("list")):
        yield f"the annotations {entry.get('name')!r}", entry
    for entry in variables(dashboard):
        yield f"the variable {entry.get('name')}", entry


def described(place: str, panel: Json) -> str:
    """A panel in words for a message: its id, title and place."""
    number = f" {panel['id']}" if panel.get("id") is not None else ""
    title = f' "{panel["title"]}"' if panel.get("title") else ""
    return f"panel{number}{title} ({place})"
