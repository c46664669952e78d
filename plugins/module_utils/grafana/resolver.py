# SPDX-License-Identifier: GPL-3.0-or-later
"""Import: a dashboard's inputs, references and variables get data sources and constants that exist."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import LabError
from .dashboard_parts import datasource_holders, inputs, library_panels, panels, variables
from .data_sources import DataSource, DataSources
from .json_values import Json, as_object
from .references import needs_data_source, placeholder, substituted, type_of, uid_or_name
from .selections import offers, selection_exists


@dataclass(frozen=True)
class Resolved:
    """A dashboard that is ready to be saved.

    mapped: the data source that is used instead of one that the file names and that does not exist, by the latter's
    uid, where nobody chose it.
    """

    dashboard: Json
    mapped: dict[str, str]


def resolve(
    dashboard: Json, sources: DataSources, chosen: Mapping[str, str], datasource: str | None = None
) -> Resolved:
    """The dashboard with the data sources and constants that it asks for, ready to be saved.

    chosen: the value for an input or a data-source variable by its name, or another data source for a missing one by
    the missing one's uid. datasource: the one to use wherever its type fits.
    Without a choice the only data source of the type is used, else the default one of that type. For one that the
    file names and that does not exist, only the only one will do: which of several is meant, nobody knows.
    Library panels in the file become panels of the dashboard. Raises LabError with everything that is missing.
    """
    result = copy.deepcopy(dashboard)
    declared, models = inputs(result), library_panels(result)
    for key in ("__inputs", "__elements", "__requires"):
        result.pop(key, None)
    _unlink(result, models)
    resolver = Resolver(result, sources, chosen, datasource)
    return Resolved(resolver.run(declared), resolver.mapped)


def _unlink(dashboard: Json, models: Mapping[str, Json]) -> None:
    """Put the models of library panels in the place of references to them."""
    for _place, panel in panels(dashboard):
        uid = as_object(panel.get("libraryPanel")).get("uid")
        if isinstance(uid, str) and (model := models.get(uid)) is not None:
            own: Json = {key: panel[key] for key in ("id", "gridPos") if key in panel}
            panel.clear()
            panel.update(copy.deepcopy(model))
            panel.update(own)
            panel.pop("libraryPanel", None)


class Resolver:
    """One pass through a dashboard, which it changes. It collects all faults before it fails with them."""

    def __init__(
        self, dashboard: Json, sources: DataSources, chosen: Mapping[str, str], datasource: str | None
    ) -> None:
        self.dashboard = dashboard
        self.sources = sources
        self.chosen = chosen
        #: Sentences on what is missing: keys, because the same one can be found many times.
        self.faults: dict[str, None] = {}
        #: The names in ``chosen`` that the dashboard asked for.
        self.used: set[str] = set()
        self.constants: dict[str, str] = {}
        self.mapped: dict[str, str] = {}
        #: The data source for each input; None where there is a fault instead.
        self.picked: dict[str, DataSource | None] = {}
        self.variables = {str(entry.get("name")) for entry in variables(dashboard)}
        self.preferred = sources.find(datasource) if datasource else None
        if datasource and self.preferred is None:
            self.fault(f"there is no data source {datasource}, which `datasource` names")

    def run(self, declared: Sequence[Json]) -> Json:
        """Resolve everything. declared: the inputs that the file declares. Raises LabError."""
        for entry in declared:
            self.declared_input(entry)
        self.undeclared_inputs()
        values = {**self.constants, **{name: source.uid for name, source in self.picked.items() if source}}
        if values:
            self.dashboard = substituted(self.dashboard, values)
        self.settle_references()
        for entry in variables(self.dashboard):
            if entry.get("type") == "datasource":
                self.select(entry)
        self.refuse_unknown_choices()
        if self.faults:
            raise LabError(
                f"The dashboard does not fit this Grafana: {'; '.join(self.faults)}; {self.sources.listed()}: set "
                f"`datasource`, or `inputs` by name.",
                faults=list(self.faults),
                datasources=[source.uid for source in self.sources.all],
            )
        return self.dashboard

    def fault(self, sentence: str) -> None:
        """Note what is missing."""
        self.faults[sentence] = None

    def declared_input(self, entry: Json) -> None:
        """Find the value of an input that the file declares."""
        name = entry["name"]
        if entry.get("type") == "datasource":
            # An input that is also a variable is left to the variable.
            if name not in self.variables:
                kind = entry.get("pluginId")
                given = self.sources.find(entry.get("value"))
                if given and given.kind == (kind or given.kind) and name not in self.chosen and not self.preferred:
                    self.picked[name] = given
                else:
                    self.picked[name] = self.pick(name, kind, f"the input {name}")
        elif entry.get("type") == "constant":
            self.used.add(name)
            value = self.chosen.get(name, entry.get("value"))
            if value is None:
                self.fault(f"the input {name} ({entry.get('label') or 'a constant'}) has no value")
            else:
                self.constants[name] = str(value)
        else:
            self.fault(f"the input {name} is of the unknown type {entry.get('type')!r}")

    def undeclared_inputs(self) -> None:
        """Find data sources for placeholders that are neither variables nor declared inputs."""
        for what, holder in datasource_holders(self.dashboard):
            name = placeholder(uid_or_name(holder.get("datasource")))
            if name and name not in {*self.variables, *self.picked, *self.constants}:
                self.picked[name] = self.pick(name, type_of(holder["datasource"]), f"{name}, which {what} asks for,")

    def settle_references(self) -> None:
        """Make every reference the uid and type of a data source that exists."""
        missing: dict[tuple[str, str | None], list[str]] = {}
        for what, holder in datasource_holders(self.dashboard):
            value = holder.get("datasource")
            if not needs_data_source(value):
                continue
            reference, kind = uid_or_name(value), type_of(value)
            source = self.sources.find(reference)
            if source is None:
                if reference in self.chosen:
                    source = self.pick(reference, kind, what)
                elif self.preferred and kind in (None, self.preferred.kind):
                    source = self.preferred
                elif kind and len(only := self.sources.of_kind(kind)) == 1:
                    (source,) = only
                    self.mapped[reference] = source.uid
                else:
                    missing.setdefault((reference, kind), []).append(what)
            if source is not None:
                holder["datasource"] = {**as_object(value), "type": source.kind, "uid": source.uid}
        for (uid, kind), places in missing.items():
            others = f" and {len(places) - 1} more" if len(places) > 1 else ""
            typed = f" of type {kind}" if kind else ""
            candidates = self.sources.of_kind(kind) if kind else []
            any_of = f" and could be any of {', '.join(one.uid for one in candidates)}" if candidates else ""
            self.fault(f"the data source {uid}{typed} of {places[0]}{others} does not exist{any_of}")

    def select(self, variable: Json) -> None:
        """Give a data-source variable a current selection that exists."""
        name, kind = str(variable.get("name")), variable.get("query") or None
        asked = name in self.chosen or (self.preferred is not None and kind in (None, self.preferred.kind))
        if not asked and selection_exists(variable, self.sources):
            return
        pattern = str(variable.get("regex") or "")
        source = self.pick(name, kind if isinstance(kind, str) else None, f"the variable {name}", pattern)
        if source is not None:
            several = bool(variable.get("multi"))
            variable["current"] = {
                "text": [source.name] if several else source.name,
                "value": [source.uid] if several else source.uid,
            }
            variable["options"] = []

    def pick(self, name: str, kind: str | None, what: str, pattern: str = "") -> DataSource | None:
        """The data source for a name, or None with a fault noted.

        kind: the type that it must have. what: what asks for it, for the fault. pattern: a variable's filter.
        """
        if name in self.chosen:
            self.used.add(name)
            source = self.sources.find(self.chosen[name])
            if source is None:
                self.fault(f"there is no data source {self.chosen[name]}, which `inputs` gives {name}")
            return source
        if self.preferred and kind in (None, self.preferred.kind):
            return self.preferred
        found = [source for source in self.sources.of_kind(kind) if offers(pattern, source.name)]
        default = [source for source in found if source.default]
        if len(found) == 1 or default:
            return (default or found)[0]
        wanted = f" of type {kind}" if kind else ""
        many = f"could be any of {len(found)} data sources{wanted}" if found else f"needs a data source{wanted}"
        self.fault(f"{what} {many}")
        return None

    def refuse_unknown_choices(self) -> None:
        """Note the names in ``chosen`` that nothing in the dashboard has."""
        unknown = sorted(set(self.chosen) - self.used)
        if unknown:
            selects = {str(one.get("name")) for one in variables(self.dashboard) if one.get("type") == "datasource"}
            names = {*self.picked, *self.constants, *selects, *self.used} - set(unknown)
            known = ", ".join(sorted(names)) or "nothing"
            self.fault(f"nothing in it is called {', '.join(unknown)} (what can be chosen: {known})")
