# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards as JSON: read, made to fit a Grafana's data sources, compared, and written down again.

Nothing here talks to Grafana. A *place* is where something stands in a dashboard, such as
``panels[2].targets[0]``; a *reference* is what says which data source is meant: its uid or name, alone or
as ``uid`` of an object, or a variable or input in one of the forms ``${X}``, ``$X`` and ``[[X]]``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError

Json = dict[str, Any]

#: Bytes of a dashboard that Grafana answers with 413; 5 MiB have been taken.
SIZE_LIMIT = 20 * 1024 * 1024
#: Levels of nesting: more than any dashboard has, and few enough to go through.
DEPTH_LIMIT = 100
UID_LIMIT = 40
#: What a dashboard has of the Grafana that it comes from.
OF_ONE_GRAFANA = ("id", "version", "iteration")
#: Panel types that need Angular, which Grafana has not had since version 12, and what takes their place.
ANGULAR = {
    "agenty-flowcharting-panel": "",
    "blackmirror1-singlestat-math-panel": "stat",
    "blackmirror1-statusbygroup-panel": "",
    "btplc-peak-report-panel": "",
    "btplc-status-dot-panel": "",
    "btplc-trend-box-panel": "",
    "digrich-bubblechart-panel": "",
    "grafana-piechart-panel": "piechart",
    "grafana-singlestat-panel": "stat",
    "grafana-worldmap-panel": "geomap",
    "graph": "timeseries",
    "michaeldmoore-multistat-panel": "bargauge",
    "mtanda-heatmap-epoch-panel": "heatmap",
    "mtanda-histogram-panel": "histogram",
    "natel-discrete-panel": "state-timeline",
    "natel-plotly-panel": "xychart",
    "neocat-cal-heatmap-panel": "heatmap",
    "petrslavotinek-carpetplot-panel": "heatmap",
    "savantly-heatmap-panel": "heatmap",
    "singlestat": "stat",
    "table-old": "table",
    "vonage-status-panel": "stat",
}
#: From this schema version on a panel of type table is the one without Angular.
TABLE_SCHEMA = 24
#: References that Grafana understands without there being such a data source.
BUILT_IN = frozenset(
    {"-- Grafana --", "-- Mixed --", "-- Dashboard --", "-100", "__expr__", "default", "grafana", "mixed", "dashboard"}
)
BUILT_IN_TYPES = frozenset({"__expr__", "dashboard", "datasource", "grafana", "mixed"})
#: What Grafana puts for something that is absent, as its /apis show.
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
#: Of a dashboard, what nobody sees: which copy it is, and for which code of Grafana it was written.
UNSEEN = (*OF_ONE_GRAFANA, "schemaVersion")
#: The query for Grafana's own annotations, as it stands in every dashboard, and its parts that some leave out.
BUILT_IN_ANNOTATIONS: Json = {
    "builtIn": 1,
    "datasource": {"uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}
BUILT_IN_TARGET = {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"}
#: By what an element of a list is known, by the list's name; the others are known by their number.
KNOWN_BY = {"panels": "id", "targets": "refId", "list": "name"}

_REFERENCE = re.compile(r"\$\{([\w-]+)(?::[^}]*)?\}|\[\[([\w-]+)(?::[^\]]*)?\]\]|\$(\w+)")
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)', re.DOTALL)


# -- reading ----------------------------------------------------------------


def load(text: str, name: str) -> Json:
    """The dashboard in a JSON text, without what it has of another Grafana.

    name: what errors call the text. It may hold a dashboard, an answer of Grafana's API with one under
    ``dashboard``, or a resource of kind Dashboard with one under ``spec``. Raises LabError with the place of the
    first fault.
    """
    data = _parse(text.removeprefix("\ufeff"), name)
    if not isinstance(data, dict):
        raise LabError(f"{name} holds no dashboard but {_kind(data)}: export the dashboard as JSON again.")
    dashboard = _unwrapped(data, name)
    for key in OF_ONE_GRAFANA:
        dashboard.pop(key, None)
    _check_size(dashboard, name)
    _check_shape(dashboard, name)
    title = dashboard.get("title")
    if not isinstance(title, str) or not title.strip():
        raise LabError(f"The dashboard in {name} has no title, without which Grafana takes none: give it a `title`.")
    uid = dashboard.get("uid")
    if uid is None or uid == "":
        dashboard.pop("uid", None)
    else:
        check_uid(uid, f"the dashboard in {name}")
    return dashboard


def check_uid(uid: Any, whose: str) -> None:
    """Raise LabError for a uid that Grafana would refuse; ``whose`` stands in the message."""
    if not isinstance(uid, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", uid):
        raise LabError(f"The uid {uid!r} of {whose} has characters other than letters, digits, - and _: change it.")
    if len(uid) > UID_LIMIT:
        raise LabError(
            f"The uid {uid} of {whose} has {len(uid)} characters and Grafana takes {UID_LIMIT}: make it shorter."
        )


def _parse(text: str, name: str) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        data = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise LabError(
            f"{name}:{error.lineno}:{error.colno}: this is not JSON ({what}): correct it there or export it again."
        ) from None
    except RecursionError:
        data = None
        deep = True
    except ValueError:
        found = next(found for found in _CONSTANT.finditer(text) if found[1])
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise LabError(f"{name}:{line}:{column}: {found[1]} is no value in JSON: put a number or null there.") from None
    else:
        deep = _depth_over(data, DEPTH_LIMIT)
    if deep:
        raise LabError(f"{name} is nested more than {DEPTH_LIMIT} deep, as no dashboard is: export it again.")
    return data


def _depth_over(data: Any, limit: int) -> bool:
    level = [data]
    for _depth in range(limit):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _unwrapped(data: Json, name: str) -> Json:
    """The dashboard out of what may be around it."""
    dashboard = data
    if data.get("kind") == "Dashboard" and "spec" in data:
        version = str(data.get("apiVersion") or "").rpartition("/")[2]
        spec = data["spec"]
        if not isinstance(spec, dict):
            raise LabError(f"spec in {name} is {_kind(spec)} and no dashboard: export the dashboard again.")
        if version.startswith("v2"):
            raise _newer_schema(name)
        dashboard = dict(spec)
        named = data.get("metadata")
        if isinstance(named, dict) and named.get("name"):
            dashboard["uid"] = named["name"]
    elif isinstance(data.get("dashboard"), dict) and "title" not in data and "panels" not in data:
        dashboard = data["dashboard"]
    if isinstance(dashboard.get("elements"), dict) and isinstance(dashboard.get("layout"), dict):
        raise _newer_schema(name)
    return dashboard


def _newer_schema(name: str) -> LabError:
    return LabError(
        f"The dashboard in {name} has the schema v2, which only some of Grafana's versions take: export it with the "
        f"classic model."
    )


def _check_size(dashboard: Json, name: str) -> None:
    try:
        size = len(json.dumps(dashboard, ensure_ascii=False, separators=(",", ":")).encode())
    except UnicodeEncodeError:
        raise LabError(
            f"{name} holds half of a surrogate pair (\\ud800 to \\udfff), which is no text: correct or remove it."
        ) from None
    if size >= SIZE_LIMIT:
        raise LabError(
            f"The dashboard in {name} has {size / 2**20:.1f} MiB and Grafana refuses {SIZE_LIMIT // 2**20} MiB: make "
            f"it smaller, or two of it."
        )


def _check_shape(dashboard: Json, name: str) -> None:
    """See that lists of objects are such, so that the rest need not look again."""

    def objects(holder: Json, key: str, place: str) -> list[tuple[str, Json]]:
        value = holder.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise wrong(place, value, "a list")
        for number, entry in enumerate(value):
            if not isinstance(entry, dict):
                raise wrong(f"{place}[{number}]", entry, "an object")
        return [(f"{place}[{number}]", entry) for number, entry in enumerate(value)]

    def wrong(place: str, value: Any, wanted: str) -> LabError:
        return LabError(f"{place} in {name} is {_kind(value)} and must be {wanted}: correct it or export it again.")

    def panels(holder: Json, place: str) -> None:
        for where, panel in objects(holder, "panels", place):
            objects(panel, "targets", f"{where}.targets")
            panels(panel, f"{where}.panels")

    panels(dashboard, "panels")
    for where, row in objects(dashboard, "rows", "rows"):
        panels(row, f"{where}.panels")
    for key in ("annotations", "templating"):
        value = dashboard.get(key)
        if value is not None and not isinstance(value, dict):
            raise wrong(key, value, "an object")
        objects(value or {}, "list", f"{key}.list")
    objects(dashboard, "__inputs", "__inputs")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


# -- what stands in it ------------------------------------------------------


def panels(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """All panels with their places: those of rows, and those that came along as library panels, too."""
    yield from _panels_of(dashboard, "")
    for number, row in enumerate(_objects(dashboard.get("rows"))):
        yield from _panels_of(row, f"rows[{number}].")
    for uid, model in _elements(dashboard).items():
        yield f"__elements[{uid}]", model


def _panels_of(holder: Json, prefix: str) -> Iterator[tuple[str, Json]]:
    for number, panel in enumerate(_objects(holder.get("panels"))):
        place = f"{prefix}panels[{number}]"
        yield place, panel
        yield from _panels_of(panel, f"{place}.")


def variables(dashboard: Json) -> list[Json]:
    """The variables of a dashboard."""
    return _objects(_object(dashboard.get("templating")).get("list"))


def inputs(dashboard: Json) -> list[Json]:
    """The inputs that an exported dashboard asks for: ``name``, ``type`` and what else it says of them."""
    return [entry for entry in _objects(dashboard.get("__inputs")) if isinstance(entry.get("name"), str)]


def _holders(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """Whatever may have a data source, with a place for people."""
    for place, panel in panels(dashboard):
        what = described(place, panel)
        yield what, panel
        for number, target in enumerate(_objects(panel.get("targets"))):
            yield f"query {target.get('refId') or number} of {what}", target
    for entry in _objects(_object(dashboard.get("annotations")).get("list")):
        yield f"the annotations {entry.get('name')!r}", entry
    for entry in variables(dashboard):
        yield f"the variable {entry.get('name')}", entry


def described(place: str, panel: Json) -> str:
    """A panel for people: number, title and place."""
    number = f" {panel['id']}" if panel.get("id") is not None else ""
    title = f' "{panel["title"]}"' if panel.get("title") else ""
    return f"panel{number}{title} ({place})"


def _elements(dashboard: Json) -> dict[str, Json]:
    """Models of the library panels that came with an export, by uid."""
    value = dashboard.get("__elements")
    rows = list(value.values()) if isinstance(value, dict) else value
    return {
        str(row["uid"]): row["model"]
        for row in _objects(rows)
        if row.get("uid") and isinstance(row.get("model"), dict) and row.get("kind", 1) == 1
    }


def _objects(value: Any) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def refuse_angular(dashboard: Json, name: str) -> None:
    """Raise LabError when panels need Angular, with all of them."""
    schema = dashboard.get("schemaVersion")
    old = isinstance(schema, int) and schema < TABLE_SCHEMA
    faults = []
    for place, panel in panels(dashboard):
        kind = panel.get("type")
        if kind == "table" and old and panel.get("styles"):
            faults.append(f"{described(place, panel)} is a table of before Grafana 7; use table")
        elif isinstance(kind, str) and kind in ANGULAR:
            other = f"; use {ANGULAR[kind]}" if ANGULAR[kind] else ""
            faults.append(f"{described(place, panel)} is of type {kind}{other}")
    if faults:
        raise LabError(
            f"The dashboard in {name} has panels that need Angular, which Grafana no longer has: {', '.join(faults)}.",
            panels=faults,
        )


# -- made to fit ------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A data source of Grafana."""

    uid: str
    name: str
    kind: str
    default: bool

    def __str__(self) -> str:
        return f"{self.uid} ({self.kind})" if self.name == self.uid else f"{self.uid} ({self.kind} {self.name!r})"


class Sources:
    """The data sources of a Grafana, as its API lists them."""

    def __init__(self, datasources: Sequence[Mapping[str, Any]]) -> None:
        self.all = [
            Source(
                str(row["uid"]), str(row.get("name") or row["uid"]), str(row.get("type")), bool(row.get("isDefault"))
            )
            for row in datasources
            if row.get("uid")
        ]

    def find(self, reference: Any) -> Source | None:
        """The one with that uid, else with that name."""
        for of in ("uid", "name"):
            for source in self.all:
                if getattr(source, of) == reference:
                    return source
        return None

    def of_kind(self, kind: str | None) -> list[Source]:
        return [source for source in self.all if kind is None or source.kind == kind]

    def told(self) -> str:
        """Which there are, for people."""
        return "there are " + ", ".join(map(str, self.all)) if self.all else "there is none"


def resolve(
    dashboard: Json,
    datasources: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, str],
    datasource: str | None = None,
) -> Json:
    """The dashboard with the data sources and constants that it asks for, as it can be saved.

    datasources: as Grafana lists them. chosen: a value for an input or a data-source variable by name, or another
    data source for one that is not there by its uid. datasource: the one to take wherever its type fits.
    Without a choice the only data source of the type is taken, else the default one of that type.
    Library panels that came along become panels of the dashboard. Raises LabError with all that is missing.
    """
    result = copy.deepcopy(dashboard)
    declared, elements = inputs(result), _elements(result)
    for key in ("__inputs", "__elements", "__requires"):
        result.pop(key, None)
    _put_in(result, elements)
    return _Resolving(result, Sources(datasources), chosen, datasource).run(declared)


def _put_in(holder: Json, elements: Mapping[str, Json]) -> None:
    for _place, panel in panels(holder):
        uid = _object(panel.get("libraryPanel")).get("uid")
        if uid in elements:
            kept = {key: panel[key] for key in ("id", "gridPos") if key in panel}
            panel.clear()
            panel.update({**copy.deepcopy(elements[uid]), **kept})
            panel.pop("libraryPanel", None)


class _Resolving:
    """One passage through a dashboard, which it changes; ``faults`` are the sentences of what is missing."""

    def __init__(self, dashboard: Json, sources: Sources, chosen: Mapping[str, str], datasource: str | None) -> None:
        self.dashboard = dashboard
        self.sources = sources
        self.chosen = chosen
        self.faults: dict[str, None] = {}
        self.used: set[str] = set()
        self.names = {str(entry.get("name")) for entry in variables(dashboard)}
        self.preferred = sources.find(datasource) if datasource else None
        if datasource and self.preferred is None:
            self.faults[f"there is no data source {datasource}, which `datasource` names"] = None

    def run(self, declared: Sequence[Json]) -> Json:
        values: dict[str, str] = {}
        picked: dict[str, Source | None] = {}
        for entry in declared:
            name = entry["name"]
            if entry.get("type") == "datasource":
                # One that is a variable, too, is left to the variable.
                if name not in self.names:
                    picked[name] = self.pick(name, entry.get("pluginId"), f"the input {name}")
            elif entry.get("type") == "constant":
                self.used.add(name)
                value = self.chosen.get(name, entry.get("value"))
                if value is None:
                    self.faults[f"the input {name} ({entry.get('label') or 'a constant'}) has no value"] = None
                else:
                    values[name] = str(value)
            else:
                self.faults[f"the input {name} is of the unknown type {entry.get('type')!r}"] = None
        for what, holder in _holders(self.dashboard):
            name = _named(_reference(holder.get("datasource")))
            if name and name not in self.names and name not in picked and name not in values:
                picked[name] = self.pick(name, _reference_type(holder["datasource"]), f"{name}, which {what} asks for,")
        values.update({name: source.uid for name, source in picked.items() if source})
        if values:
            self.dashboard = _substituted(self.dashboard, values)
        missing: dict[str, list[str]] = {}
        for what, holder in _holders(self.dashboard):
            self.settle(holder, what, missing)
        for uid, places in missing.items():
            others = f" and {len(places) - 1} more" if len(places) > 1 else ""
            self.faults[f"the data source {uid} of {places[0]}{others} is not there"] = None
        for entry in variables(self.dashboard):
            if entry.get("type") == "datasource":
                self.select(entry)
        unknown = sorted(set(self.chosen) - self.used)
        if unknown:
            selects = {str(one.get("name")) for one in variables(self.dashboard) if one.get("type") == "datasource"}
            known = ", ".join(sorted({*picked, *values, *selects, *self.used} - set(unknown))) or "nothing"
            self.faults[f"nothing in it is called {', '.join(unknown)} (what can be chosen: {known})"] = None
        if self.faults:
            raise LabError(
                f"The dashboard does not fit this Grafana: {'; '.join(self.faults)}; {self.sources.told()}: set "
                f"`datasource`, or `inputs` by name.",
                faults=list(self.faults),
                datasources=[source.uid for source in self.sources.all],
            )
        return self.dashboard

    def pick(self, name: str, kind: str | None, what: str, pattern: str = "") -> Source | None:
        """The data source for a name, or None with a fault noted."""
        if name in self.chosen:
            self.used.add(name)
            source = self.sources.find(self.chosen[name])
            if source is None:
                self.faults[f"there is no data source {self.chosen[name]}, which `inputs` gives {name}"] = None
            return source
        if self.preferred and kind in (None, self.preferred.kind):
            return self.preferred
        found = [source for source in self.sources.of_kind(kind) if _matches(pattern, source.name)]
        default = [source for source in found if source.default]
        if len(found) == 1 or default:
            return (default or found)[0]
        wanted = f" of type {kind}" if kind else ""
        many = f"may be any of the {len(found)} data sources{wanted}" if found else f"needs a data source{wanted}"
        self.faults[f"{what} {many}"] = None
        return None

    def settle(self, holder: Json, what: str, missing: dict[str, list[str]]) -> None:
        """Make the reference of a holder the uid and type of a data source that is there."""
        value = holder.get("datasource")
        reference = _reference(value)
        if not reference or reference in BUILT_IN or _named(reference) or _reference_type(value) in BUILT_IN_TYPES:
            return
        source = self.sources.find(reference)
        kind = _reference_type(value)
        if source is None:
            if reference in self.chosen:
                source = self.pick(reference, kind, what)
            elif self.preferred and kind in (None, self.preferred.kind):
                source = self.preferred
            else:
                missing.setdefault(f"{reference} of type {kind}" if kind else reference, []).append(what)
        if source is not None:
            rest = value if isinstance(value, dict) else {}
            holder["datasource"] = {**rest, "type": source.kind, "uid": source.uid}

    def select(self, variable: Json) -> None:
        """Give a data-source variable a current selection that is there."""
        name, kind = str(variable.get("name")), variable.get("query") or None
        pattern = variable.get("regex") or ""
        asked = name in self.chosen or (self.preferred is not None and kind in (None, self.preferred.kind))
        if not asked and _selection_is_there(variable, self.sources):
            return
        source = self.pick(name, kind if isinstance(kind, str) else None, f"the variable {name}", str(pattern))
        if source is not None:
            several = bool(variable.get("multi"))
            variable["current"] = {
                "text": [source.name] if several else source.name,
                "value": [source.uid] if several else source.uid,
            }
            variable["options"] = []


def _selection_is_there(variable: Json, sources: Sources) -> bool:
    """Whether a data-source variable's current selection is one of the data sources that it offers."""
    value = _object(variable.get("current")).get("value")
    values = value if isinstance(value, list) else [value]
    found = [
        source
        for source in sources.of_kind(variable.get("query") or None)
        if _matches(str(variable.get("regex") or ""), source.name)
    ]
    known = {source.uid for source in found} | {source.name for source in found}
    if variable.get("includeAll"):
        known.add("$__all")
    if any(source.default for source in found):
        known.add("default")
    return bool(values) and all(isinstance(one, str) and one in known for one in values)


def _matches(pattern: str, name: str) -> bool:
    """Whether a variable's filter, as JavaScript writes it, lets a name through. One that cannot be read does."""
    if not pattern:
        return True
    found = re.fullmatch(r"/(.*)/([a-z]*)", pattern, re.DOTALL)
    text, flags = (found[1], found[2]) if found else (f"^{pattern}$", "")
    try:
        return re.search(text, name, re.IGNORECASE if "i" in flags else 0) is not None
    except re.error:
        return True


def _reference(value: Any) -> str:
    """The uid or name in a reference, else an empty text."""
    uid = value.get("uid") if isinstance(value, dict) else value
    return uid if isinstance(uid, str) else ""


def _reference_type(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and kind else None


def with_uids(dashboard: Json, datasources: Sequence[Mapping[str, Any]]) -> Json:
    """The dashboard with uids instead of names in its references, where there is such a data source."""
    result, sources = copy.deepcopy(dashboard), Sources(datasources)
    for _what, holder in _holders(result):
        value = holder.get("datasource")
        source = sources.find(_reference(value))
        if source is not None:
            holder["datasource"] = {**_object(value), "type": source.kind, "uid": source.uid}
    return result


def _named(reference: str) -> str:
    """The name of the variable or input that a reference is, else an empty text."""
    found = _REFERENCE.fullmatch(reference)
    return (found[1] or found[2] or found[3]) if found else ""


def _substituted(value: Any, values: Mapping[str, str]) -> Any:
    """The value with inputs replaced in all its texts."""
    if isinstance(value, dict):
        return {key: _substituted(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substituted(inner, values) for inner in value]
    if isinstance(value, str) and ("$" in value or "[[" in value):
        return _REFERENCE.sub(lambda found: values.get(found[1] or found[2] or found[3], found[0]), value)
    return value


def selected(
    dashboard: Json,
    datasources: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, str],
    datasource: str | None = None,
) -> frozenset[str]:
    """Names of the data-source variables for which ``resolve`` was told what to take."""
    preferred = Sources(datasources).find(datasource) if datasource else None
    return frozenset(
        str(entry.get("name"))
        for entry in variables(dashboard)
        if entry.get("type") == "datasource"
        and (entry.get("name") in chosen or (preferred and (entry.get("query") or preferred.kind) == preferred.kind))
    )


def keep_selections(
    wanted: Json, stored: Json, datasources: Sequence[Mapping[str, Any]], asked: frozenset[str] = frozenset()
) -> Json:
    """``wanted`` with the selections that people have saved in the stored dashboard.

    They are taken over for variables that are the same otherwise. Of a data-source variable only one that is still
    there, and not for the names in ``asked``, whose data source was chosen.
    """
    result = copy.deepcopy(wanted)
    sources = Sources(datasources)
    there = {str(entry.get("name")): entry for entry in variables(stored)}
    for entry in variables(result):
        name = str(entry.get("name"))
        other = there.get(name)
        if other is None or not _same(_without_selection(entry), _without_selection(other)):
            continue
        if not other.get("current"):
            continue
        if entry.get("type") == "datasource" and (name in asked or not _selection_is_there(other, sources)):
            continue
        for key in ("current", "options"):
            entry.pop(key, None)
            if other.get(key) is not None:
                entry[key] = copy.deepcopy(other[key])
    return result


def _without_selection(variable: Json) -> Json:
    plain = _normal_holder(_cleaned(variable))
    return {key: value for key, value in plain.items() if key not in ("current", "options")}


# -- compared ---------------------------------------------------------------


def normal(dashboard: Json) -> Json:
    """The form in which two dashboards are compared: equal when a person sees the same.

    Without ids and versions, without what is absent in another way (null, Grafana's defaults), without what people
    select in variables; the data source of a data-source variable stays. References are objects with a uid.
    """
    result: Json = _cleaned(dashboard)
    for key in UNSEEN:
        result.pop(key, None)
    holders: list[Json] = [result, *_objects(result.get("rows"))]
    for holder in holders:
        if isinstance(holder.get("panels"), list):
            holder["panels"] = [_normal_panel(panel) for panel in holder["panels"]]
    annotations, templating = result.get("annotations"), result.get("templating")
    if isinstance(annotations, dict) and isinstance(annotations.get("list"), list):
        entries = [_normal_holder(entry) for entry in annotations["list"]]
        annotations["list"] = [entry for entry in entries if not _is_built_in(entry)]
    if isinstance(templating, dict) and isinstance(templating.get("list"), list):
        templating["list"] = [_normal_variable(entry) for entry in templating["list"]]
    for key, defaults in DEFAULTS.items():
        if key in result and any(_same(result[key], default) for default in defaults):
            del result[key]
    return result


def _cleaned(value: Any) -> Any:
    """A copy without nulls in objects, and with one way to write a whole number."""
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _normal_panel(panel: Any) -> Any:
    if not isinstance(panel, dict):
        return panel
    panel = _normal_holder(panel)
    if isinstance(panel.get("targets"), list):
        panel["targets"] = [_normal_target(target, panel.get("datasource")) for target in panel["targets"]]
    if isinstance(panel.get("panels"), list):
        panel["panels"] = [_normal_panel(inner) for inner in panel["panels"]]
    return panel


def _normal_target(target: Any, of_panel: Any) -> Any:
    target = _normal_holder(target)
    # A query without a data source has its panel's.
    if isinstance(target, dict) and "datasource" in target and _same(target["datasource"], of_panel):
        del target["datasource"]
    return target


def _normal_holder(holder: Any) -> Any:
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


def _normal_variable(variable: Any) -> Any:
    if not isinstance(variable, dict):
        return variable
    result = _without_selection(variable)
    value = _object(variable.get("current")).get("value")
    if variable.get("type") == "datasource" and value is not None:
        result["current"] = {"value": value}
    return result


def _is_built_in(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    plain = {key: value for key, value in entry.items() if key != "target" or not _same(value, BUILT_IN_TARGET)}
    return _same(plain, BUILT_IN_ANNOTATIONS)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same as JSON; to Python true is 1."""
    return _text(one) == _text(other)


class _Absent:
    """What a value is that is not there."""


ABSENT = _Absent()


@dataclass(frozen=True)
class Change:
    """One change; ``before`` or ``after`` is ABSENT for what was added or removed."""

    path: str
    before: Any
    after: Any


def changes(before: Json, after: Json) -> list[Change]:
    """What differs between two dashboards in normal form, in a fixed order."""
    return list(_changes(before, after, "", ""))


def _changes(before: Any, after: Any, path: str, name: str) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from _changes(before.get(key, ABSENT), after.get(key, ABSENT), inner, key)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(before, after, path, name)
    elif before is ABSENT or after is ABSENT or not _same(before, after):
        yield Change(path, before, after)


def _list_changes(before: list[Any], after: list[Any], path: str, name: str) -> Iterator[Change]:
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
        yield Change(f"{path} (order)", kept, order)


def _by_key(values: list[Any], name: str) -> dict[str, Any] | None:
    """The elements by what they are known by, or None where that does not tell them apart."""
    key = KNOWN_BY.get(name)
    if key is None:
        return None
    found = {}
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get(key), (str, int)):
            return None
        # Of a query the letter alone, as people call it.
        found[str(value[key]) if key == "refId" else f"{key}={value[key]}"] = value
    return found if len(found) == len(values) else None


def difference(before: Json | None, after: Json | None) -> dict[str, str]:
    """``before`` and ``after`` of Ansible's diff, of two dashboards in normal form: what changed, a line each.

    None is a dashboard that is not there; the other is then shown whole.
    """
    if before is None or after is None:
        return {"before": _whole(before), "after": _whole(after)}
    return lines(changes(before, after))


def lines(found: Sequence[Change]) -> dict[str, str]:
    """Changes as the two texts of Ansible's diff."""
    return {
        "before": "".join(f"{one.path}: {_text(one.before)}\n" for one in found if one.before is not ABSENT),
        "after": "".join(f"{one.path}: {_text(one.after)}\n" for one in found if one.after is not ABSENT),
    }


def _whole(dashboard: Json | None) -> str:
    return "" if dashboard is None else json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


# -- written down -----------------------------------------------------------


def exported(dashboard: Json, datasources: Sequence[Mapping[str, Any]]) -> Json:
    """A dashboard as it can be imported elsewhere: an input for each data source, nothing of this Grafana."""
    result = copy.deepcopy(dashboard)
    for key in OF_ONE_GRAFANA:
        result.pop(key, None)
    sources = Sources(datasources)
    taken = _text(result)
    asked: dict[str, Json] = {}
    for _what, holder in _holders(result):
        value = holder.get("datasource")
        reference = _reference(value)
        if not reference or reference in BUILT_IN or _named(reference) or _reference_type(value) in BUILT_IN_TYPES:
            continue
        source = sources.find(reference)
        kind = source.kind if source else _reference_type(value)
        if kind is None:
            continue
        uid = source.uid if source else reference
        if uid not in asked:
            label = source.name if source else reference
            name = _input_name(label, taken, {entry["name"] for entry in asked.values()})
            asked[uid] = {"name": name, "label": label, "type": "datasource", "pluginId": kind}
        rest = value if isinstance(value, dict) else {}
        holder["datasource"] = {**rest, "type": kind, "uid": f"${{{asked[uid]['name']}}}"}
    for entry in variables(result):
        if entry.get("type") == "datasource":
            entry["current"] = {}
    return {"__inputs": list(asked.values()), **result} if asked else result


def _input_name(label: str, text: str, taken: set[str]) -> str:
    """A name for an input that stands nowhere in the dashboard, nor is a variable's."""
    base = "DS_" + (re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_") or "SOURCE")
    number = 1
    while True:
        name = base if number == 1 else f"{base}_{number}"
        if name not in taken and name not in text:
            return name
        number += 1


def written(dashboard: Json) -> str:
    """A dashboard as the text of a file, always in the same order of keys."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
