# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: a dashboard that any Grafana can import."""

from __future__ import annotations

import copy
import re

from .dashboard_file import OF_ONE_GRAFANA
from .dashboard_parts import datasource_holders, variables
from .data_sources import DataSources
from .json_values import Json, as_object, canonical
from .references import needs_data_source, type_of, uid_or_name


def exported(dashboard: Json, sources: DataSources) -> Json:
    """The dashboard with an input in the place of each data source, and nothing else of this Grafana."""
    result = copy.deepcopy(dashboard)
    for key in OF_ONE_GRAFANA:
        result.pop(key, None)
    text = canonical(result)
    asked: dict[str, Json] = {}
    for _what, holder in datasource_holders(result):
        value = holder.get("datasource")
        if not needs_data_source(value):
            continue
        reference = uid_or_name(value)
        source = sources.find(reference)
        kind = source.kind if source else type_of(value)
        if kind is None:
            continue
        uid = source.uid if source else reference
        if uid not in asked:
            label = source.name if source else reference
            name = _input_name(label, text, {entry["name"] for entry in asked.values()})
            asked[uid] = {"name": name, "label": label, "type": "datasource", "pluginId": kind}
        holder["datasource"] = {**as_object(value), "type": kind, "uid": f"${{{asked[uid]['name']}}}"}
    for entry in variables(result):
        if entry.get("type") == "datasource":
            entry["current"] = {}
    return {"__inputs": list(asked.values()), **result} if asked else result


def _input_name(label: str, text: str, taken: set[str]) -> str:
    """A name for an input that occurs nowhere in the dashboard's text, so that it is no variable's either."""
    base = "DS_" + (re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_") or "SOURCE")
    number = 1
    while True:
        name = base if number == 1 else f"{base}_{number}"
        if name not in taken and name not in text:
            return name
        number += 1
