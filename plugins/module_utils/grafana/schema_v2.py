# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a dashboard of the schema v2: its data sources, its normal form, and what people selected in it.

For data sources, its references and data-source variables are written as those of a classic dashboard, resolved as
such, and written back.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from .data_sources import DataSources
from .json_values import Json, as_object, as_objects, same
from .normal_form import cleaned, field_config, without_defaults
from .resolver import Resolved, resolve
from .selections import selection_exists

#: Kinds that can refer to a data source: its type is their ``group``, its uid ``datasource.name``.
HOLDERS = ("DataQuery", "AdhocVariable", "GroupByVariable")
#: The values that the schema has for what is left out, of the specification itself and of each kind's ``spec``.
SPEC: dict[str, tuple[Any, ...]] = {
    "annotations": ([],),
    "cursorSync": ("Off",),
    "description": ("",),
    "editable": (True,),
    "links": ([],),
    "liveNow": (False,),
    "preload": (False,),
    "preferences": ({},),
    "tags": ([],),
    "timeSettings": ({},),
    "variables": ([],),
}
TIME_SETTINGS: dict[str, tuple[Any, ...]] = {
    "autoRefresh": ("",),
    "autoRefreshIntervals": (["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"],),
    "fiscalYearStartMonth": (0,),
    "hideTimepicker": (False,),
    "timezone": ("browser",),
    "weekStart": ("",),
}
VARIABLE: dict[str, tuple[Any, ...]] = {
    "allValue": ("",),
    "allowCustomValue": (True,),
    "definition": ("",),
    "description": ("",),
    "hide": ("dontHide",),
    "includeAll": (False,),
    "label": ("",),
    "multi": (False,),
    "refresh": ("never",),
    "regex": ("",),
    "regexApplyTo": ("value",),
    "skipUrlSync": (False,),
    "sort": ("disabled",),
}
KINDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "Panel": {"description": ("",), "links": ([],), "subtitle": ("",), "transparent": (False,)},
    "QueryGroup": {"queries": ([],), "queryOptions": ({},), "transformations": ([],)},
    "PanelQuery": {"hidden": (False,), "refId": ("A",)},
    "VizConfig": {"fieldConfig": ({},), "options": ({},)},
    "RowsLayoutRow": {"fillScreen": (False,), "hideHeader": (False,)},
    "AutoGridLayout": {
        "columnWidthMode": ("standard",),
        "fillScreen": (False,),
        "maxColumnCount": (3,),
        "rowHeightMode": ("standard",),
    },
    "AnnotationQuery": {"builtIn": (False,), "hide": (False,)},
}


# -- data sources -----------------------------------------------------------------


def resolve_v2(spec: Json, sources: DataSources, chosen: Mapping[str, str], datasource: str | None = None) -> Resolved:
    """The specification with data sources that exist. Arguments and errors are those of ``resolve``."""
    result = copy.deepcopy(spec)
    holders = list(_holders(result, ""))
    variables = [one for one in as_objects(result.get("variables")) if one.get("kind") == "DatasourceVariable"]
    others = [one for one in as_objects(result.get("variables")) if one.get("kind") != "DatasourceVariable"]
    named = [{"name": as_object(one.get("spec")).get("name"), "type": "custom"} for one in others]
    classic: Json = {
        "panels": [{"title": what, "datasource": _reference(holder)} for what, holder in holders],
        "templating": {"list": [*(classic_variable(one) for one in variables), *named]},
    }
    resolved = resolve(classic, sources, chosen, datasource)
    for (_what, holder), panel in zip(holders, resolved.dashboard.get("panels", []), strict=True):
        reference = as_object(panel.get("datasource"))
        if reference.get("uid") and as_object(holder.get("datasource")).get("name"):
            holder["datasource"] = {**holder["datasource"], "name": reference["uid"]}
            holder["group"] = reference.get("type") or holder.get("group")
    for variable, entry in zip(variables, resolved.dashboard["templating"]["list"], strict=False):
        if entry.get("current"):
            variable["spec"] = {**as_object(variable.get("spec")), "current": entry["current"]}
    return Resolved(result, resolved.mapped)


def panel_needs_v2(spec: Json) -> Iterator[tuple[str, object, Json]]:
    """Each panel, described, with its type and its library panel, as ``missing_panels`` takes them."""
    for name, element in as_object(spec.get("elements")).items():
        inner = as_object(as_object(element).get("spec"))
        title = f' "{inner["title"]}"' if inner.get("title") else ""
        what = f"panel {inner.get('id')}{title} (elements.{name})"
        yield what, as_object(inner.get("vizConfig")).get("group"), as_object(inner.get("libraryPanel"))


def classic_variable(variable: Json) -> Json:
    """A data-source variable as one of a classic dashboard."""
    spec = as_object(variable.get("spec"))
    named = {"type": "datasource", "query": spec.get("pluginId")}
    return {**named, **{key: spec[key] for key in ("name", "regex", "multi", "includeAll", "current") if key in spec}}


def _reference(holder: Json) -> Json:
    return {"type": holder.get("group"), "uid": as_object(holder.get("datasource")).get("name")}


def _holders(value: Any, what: str) -> Iterator[tuple[str, Json]]:
    """Everything that can refer to a data source, with the name or title of what it is in."""
    if isinstance(value, list):
        for inner in value:
            yield from _holders(inner, what)
    elif isinstance(value, dict):
        spec = as_object(value.get("spec"))
        what = str(spec.get("title") or spec.get("name") or what)
        if value.get("kind") in HOLDERS:
            yield what, value
        for inner in value.values():
            yield from _holders(inner, what)


# -- normal form --------------------------------------------------------------------


def normal_v2(spec: Json) -> Json:
    """The normal form: without what the schema has for what is left out, selections, and whether rows are collapsed."""
    result: Json = _kinds(cleaned(spec))
    annotations = as_objects(result.get("annotations"))
    if "annotations" in result:
        result["annotations"] = [one for one in annotations if not as_object(one.get("spec")).get("builtIn")]
    if "variables" in result:
        result["variables"] = [_variable(one) for one in as_objects(result["variables"])]
    times = without_defaults(as_object(result.get("timeSettings")), TIME_SETTINGS)
    # What people choose as they look.
    result["timeSettings"] = {key: value for key, value in times.items() if key not in ("from", "to")}
    return without_defaults(result, SPEC)


def _kinds(value: Any) -> Any:
    """A copy in which the ``spec`` of each kind has no value that the schema has for what is left out."""
    if isinstance(value, list):
        return [_kinds(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    result = {key: _kinds(inner) for key, inner in value.items()}
    kind, spec = result.get("kind"), result.get("spec")
    if kind == "VizConfig":
        # The version of the plugin that saved it.
        result.pop("version", None)
        if isinstance(spec, dict) and isinstance(spec.get("fieldConfig"), dict):
            spec = {**spec, "fieldConfig": field_config(spec["fieldConfig"], result.get("group"))}
    if kind == "DataQuery":
        result = without_defaults(result, {"version": ("v0",), "datasource": ({},), "labels": ({},)})
    if kind == "RowsLayoutRow" and isinstance(spec, dict):
        spec = {key: inner for key, inner in spec.items() if key != "collapse"}
    if isinstance(spec, dict):
        result["spec"] = without_defaults(spec, KINDS.get(str(kind), {}))
    return result


def _variable(variable: Json) -> Json:
    spec = without_defaults(as_object(variable.get("spec")), VARIABLE)
    current = as_object(spec.pop("current", None)).get("value")
    spec.pop("options", None)
    if variable.get("kind") == "DatasourceVariable" and current is not None:
        spec["current"] = {"value": current}
    return {**variable, "spec": spec}


# -- what people selected --------------------------------------------------------------


def keep_selections_v2(
    wanted: Json, stored: Json, sources: DataSources, chosen: Mapping[str, str], datasource: str | None = None
) -> Json:
    """``wanted`` with what people have saved as their choice: selections of variables, the time range, open rows.

    chosen, datasource: as for ``resolve_v2``; data-source variables that they mean keep what was chosen now.
    """
    result = copy.deepcopy(wanted)
    times = as_object(stored.get("timeSettings"))
    kept = {key: times[key] for key in ("from", "to") if key in times}
    if kept:
        result["timeSettings"] = {**as_object(result.get("timeSettings")), **kept}
    there = {str(as_object(one.get("spec")).get("name")): one for one in as_objects(stored.get("variables"))}
    preferred = sources.find(datasource) if datasource else None
    for variable in as_objects(result.get("variables")):
        spec = as_object(variable.get("spec"))
        name = str(spec.get("name"))
        other = there.get(name)
        if other is None or not as_object(other.get("spec")).get("current"):
            continue
        if variable.get("kind") == "DatasourceVariable":
            asked = name in chosen or (preferred is not None and spec.get("pluginId") in (None, preferred.kind))
            if asked or not selection_exists(classic_variable(other), sources):
                continue
        if not same(_apart(variable), _apart(other)):
            continue
        for key in ("current", "options"):
            if key in other["spec"]:
                spec[key] = copy.deepcopy(other["spec"][key])
    _collapse(result, stored)
    return result


def _apart(variable: Json) -> Json:
    """A variable without what is selected in it, to compare."""
    plain = _variable(cleaned(variable))
    plain["spec"].pop("current", None)
    return plain


def _collapse(wanted: Json, stored: Json) -> None:
    """Collapse and open the rows of ``wanted`` as those of the same titles are in ``stored``."""
    before = dict(_rows(stored.get("layout"), ""))
    for title, spec in _rows(wanted.get("layout"), ""):
        if title in before and not same(spec.get("collapse"), before[title].get("collapse")):
            if before[title].get("collapse") is None:
                spec.pop("collapse", None)
            else:
                spec["collapse"] = before[title]["collapse"]


def _rows(layout: Any, path: str) -> Iterator[tuple[str, Json]]:
    spec = as_object(as_object(layout).get("spec"))
    for key in ("rows", "tabs"):
        for one in as_objects(spec.get(key)):
            inner = as_object(one.get("spec"))
            title = f"{path}/{inner.get('title') or ''}"
            if one.get("kind") == "RowsLayoutRow":
                yield title, inner
            yield from _rows(inner.get("layout"), title)
