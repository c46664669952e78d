# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal form of a dashboard: two dashboards in which a person sees the same have the same one.

What Grafana adds by itself when it stores a dashboard must vanish here, else every run finds a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dashboard_file import OF_ONE_GRAFANA
from .data_sources import DataSources, with_uids
from .json_values import Json, as_object, as_objects, same
from .rows import flattened

#: The values that Grafana shows for a field that is absent, as its /apis return them.
DEFAULTS: dict[str, tuple[Any, ...]] = {
    "annotations": ({}, {"list": []}),
    "description": ("",),
    "editable": (True,),
    "fiscalYearStartMonth": (0,),
    "graphTooltip": (0,),
    "links": ([],),
    "liveNow": (False,),
    "panels": ([],),
    "preload": (False,),
    "refresh": ("", False),
    "tags": ([],),
    "templating": ({}, {"list": []}),
    "time": ({"from": "now-6h", "to": "now"},),
    "timepicker": ({},),
    "timezone": ("",),
    "weekStart": ("",),
}
#: The same of a variable. Seen in Grafana 12.3, which drops them when a person saves a dashboard in the browser.
VARIABLE_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "allValue": ("",),
    "description": ("",),
    "hide": (0, ""),
    "includeAll": (False,),
    "multi": (False,),
    "regex": ("",),
    "skipUrlSync": (False,),
    "sort": (0,),
}
#: ``hide`` of a variable that no person sees.
HIDDEN = 2
#: The same of a panel of any type.
PANEL_DEFAULTS: dict[str, tuple[Any, ...]] = {"description": ("",), "links": ([],), "transparent": (False,)}
#: The same of ``fieldConfig.defaults`` of any panel.
FIELD_DEFAULTS: dict[str, tuple[Any, ...]] = {"mappings": ([],), "custom": ({},)}
#: The same of ``fieldConfig.defaults.custom`` of a time series: what Grafana 12.3 adds when a person saves.
TIMESERIES_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "axisBorderShow": (False,),
    "axisCenteredZero": (False,),
    "axisColorMode": ("text",),
    "axisLabel": ("",),
    "axisPlacement": ("auto",),
    "barAlignment": (0,),
    "barWidthFactor": (0.6,),
    "hideFrom": ({"legend": False, "tooltip": False, "viz": False},),
    "insertNulls": (False,),
    "scaleDistribution": ({"type": "linear"},),
    "showValues": (False,),
}
#: The same of ``options.tooltip``.
TOOLTIP_DEFAULTS: dict[str, tuple[Any, ...]] = {"hideZeros": (False,)}
#: Fields of ``fieldConfig.defaults`` that a heat map does not have: Grafana drops them.
NOT_OF_HEATMAPS = frozenset({"color", "decimals", "displayName", "mappings", "max", "min", "noValue", "thresholds"})
#: Fields that nobody sees: which copy the dashboard is, and for which code of Grafana it was written.
UNSEEN = (*OF_ONE_GRAFANA, "schemaVersion")
#: The query for Grafana's own annotations, as it stands in every dashboard.
BUILT_IN_ANNOTATIONS: Json = {
    "builtIn": 1,
    "datasource": {"uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
#: A part of that query that some dashboards leave out.
BUILT_IN_TARGET = {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"}


def comparable(dashboard: Json, sources: DataSources) -> Json:
    """A dashboard in normal form, with its data sources by uid even where it has them by name."""
    return normal(with_uids(dashboard, sources))


def normal(dashboard: Json) -> Json:
    """The normal form of a dashboard.

    It has no ids and versions, nothing that only says "absent" in another way (null, Grafana's defaults), and no
    selections in variables but those of data-source variables. Rows are neither collapsed nor open. References are
    objects with a uid.
    """
    result: Json = cleaned(dashboard)
    for key in UNSEEN:
        result.pop(key, None)
    if isinstance(result.get("panels"), list):
        result["panels"] = flattened(result["panels"])
    holders: list[Json] = [result, *as_objects(result.get("rows"))]
    for holder in holders:
        if isinstance(holder.get("panels"), list):
            holder["panels"] = [_panel(panel) for panel in holder["panels"]]
    annotations, templating = result.get("annotations"), result.get("templating")
    if isinstance(annotations, dict) and isinstance(annotations.get("list"), list):
        entries = [_with_reference(entry) for entry in annotations["list"]]
        annotations["list"] = [entry for entry in entries if not _is_built_in(entry)]
    if isinstance(templating, dict) and isinstance(templating.get("list"), list):
        templating["list"] = [_variable(entry) for entry in templating["list"]]
    return without_defaults(result, DEFAULTS)


def without_selection(variable: Json) -> Json:
    """A variable in normal form, without what is selected in it. What a text box holds is its query, too."""
    plain = _with_reference(cleaned(variable))
    selection = {"current", "options"}
    if plain.get("type") == "textbox" and plain.get("hide") != HIDDEN:
        selection.add("query")
    rest = {key: value for key, value in plain.items() if key not in selection}
    return without_defaults(rest, VARIABLE_DEFAULTS)


def without_defaults(holder: Json, defaults: Mapping[str, tuple[Any, ...]]) -> Json:
    """The object without the fields that hold what Grafana shows when they are absent."""
    return {
        key: value
        for key, value in holder.items()
        if not any(same(value, default) for default in defaults.get(key, ()))
    }


def cleaned(value: Any) -> Any:
    """A copy without nulls in objects, and with one way to write a whole number."""
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _panel(panel: Any) -> Any:
    if not isinstance(panel, dict):
        return panel
    panel = without_defaults(_with_reference(panel), PANEL_DEFAULTS)
    # The version of the plugin that saved it.
    panel.pop("pluginVersion", None)
    if isinstance(panel.get("fieldConfig"), dict):
        panel["fieldConfig"] = field_config(panel["fieldConfig"], panel.get("type"))
        if not panel["fieldConfig"]:
            del panel["fieldConfig"]
    tooltip = as_object(panel.get("options")).get("tooltip")
    if isinstance(tooltip, dict):
        panel["options"] = {**panel["options"], "tooltip": without_defaults(tooltip, TOOLTIP_DEFAULTS)}
    if isinstance(panel.get("targets"), list):
        panel["targets"] = [_target(target, panel.get("datasource")) for target in panel["targets"]]
    if isinstance(panel.get("panels"), list):
        panel["panels"] = [_panel(inner) for inner in panel["panels"]]
    return panel


def field_config(config: Json, kind: Any) -> Json:
    """``fieldConfig`` of a panel of that type, without what Grafana adds or drops."""
    result = dict(config)
    if isinstance(result.get("defaults"), dict):
        defaults = dict(result["defaults"])
        if kind == "heatmap":
            defaults = {key: value for key, value in defaults.items() if key not in NOT_OF_HEATMAPS}
        if kind == "timeseries" and isinstance(defaults.get("custom"), dict):
            defaults["custom"] = without_defaults(defaults["custom"], TIMESERIES_DEFAULTS)
        if "thresholds" in defaults:
            defaults["thresholds"] = _thresholds(defaults["thresholds"])
        result["defaults"] = without_defaults(defaults, FIELD_DEFAULTS)
    if isinstance(result.get("overrides"), list):
        result["overrides"] = [_override(override) for override in result["overrides"]]
    return without_defaults(result, {"defaults": ({},), "overrides": ([],)})


def _override(override: Any) -> Any:
    if not isinstance(override, dict) or not isinstance(override.get("properties"), list):
        return override
    properties = [
        {**one, "value": _thresholds(one["value"])}
        if isinstance(one, dict) and one.get("id") == "thresholds" and "value" in one
        else one
        for one in override["properties"]
    ]
    return {**override, "properties": properties}


def _thresholds(thresholds: Any) -> Any:
    """Thresholds without the value of the first step, which begins at minus infinity whatever it says."""
    steps = as_object(thresholds).get("steps")
    if not isinstance(steps, list) or not steps or not isinstance(steps[0], dict):
        return thresholds
    first = {key: value for key, value in steps[0].items() if key != "value"}
    return {**thresholds, "steps": [first, *steps[1:]]}


def _target(target: Any, of_panel: Any) -> Any:
    target = _with_reference(target)
    # A query without a data source uses its panel's.
    if isinstance(target, dict) and "datasource" in target and same(target["datasource"], of_panel):
        del target["datasource"]
    return target


def _with_reference(holder: Any) -> Any:
    """What can refer to a data source, with the reference in one form."""
    if not isinstance(holder, dict) or "datasource" not in holder:
        return holder
    value = holder["datasource"]
    rest = {key: inner for key, inner in holder.items() if key != "datasource"}
    if isinstance(value, str) and value:
        value = {"uid": value}
    elif isinstance(value, dict) and value.get("uid"):
        value = {key: inner for key, inner in value.items() if key != "type"}
    elif isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key != "uid"}
    return {**rest, "datasource": value} if value not in ("", {}) else rest


def _variable(variable: Any) -> Any:
    if not isinstance(variable, dict):
        return variable
    result = without_selection(variable)
    value = as_object(variable.get("current")).get("value")
    if variable.get("type") == "datasource" and value is not None:
        result["current"] = {"value": value}
    return result


def _is_built_in(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    plain = {key: value for key, value in entry.items() if key != "target" or not same(value, BUILT_IN_TARGET)}
    return same(plain, BUILT_IN_ANNOTATIONS)
