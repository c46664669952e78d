# SPDX-License-Identifier: GPL-3.0-or-later
"""What people have selected in a dashboard and saved, and which of it stays when the lab saves the dashboard.

That is what is selected in variables, the time range, and which rows are collapsed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping

from ..errors import LabError
from ..prometheus.matchers import found_in
from .dashboard_parts import variables
from .data_sources import DataSources
from .json_values import Json, as_object, same
from .normal_form import HIDDEN, without_selection
from .rows import with_collapsed


def offers(pattern: str, name: str) -> bool:
    """Whether a data-source variable's filter lets a name through.

    pattern: as JavaScript writes it. An empty one lets all through, as does one that RE2 does not take: other engines
    may need for ever for what somebody wrote into a dashboard.
    """
    if not pattern:
        return True
    found = re.fullmatch(r"/(.*)/([a-z]*)", pattern, re.DOTALL)
    text, flags = (found[1], found[2]) if found else (f"^{pattern}$", "")
    try:
        return found_in(text, name, "i" in flags)
    except (LabError, UnicodeError):
        return True


def selection_exists(variable: Json, sources: DataSources) -> bool:
    """Whether a data-source variable's current selection is one of the data sources that it offers."""
    value = as_object(variable.get("current")).get("value")
    values = value if isinstance(value, list) else [value]
    found = [
        source
        for source in sources.of_kind(variable.get("query") or None)
        if offers(str(variable.get("regex") or ""), source.name)
    ]
    known = {source.uid for source in found} | {source.name for source in found}
    if variable.get("includeAll"):
        known.add("$__all")
    if any(source.default for source in found):
        known.add("default")
    return bool(values) and all(isinstance(one, str) and one in known for one in values)


def chosen_variables(
    dashboard: Json, sources: DataSources, chosen: Mapping[str, str], datasource: str | None = None
) -> frozenset[str]:
    """Names of the data-source variables for which the caller of ``resolve`` chose a data source."""
    preferred = sources.find(datasource) if datasource else None
    return frozenset(
        str(entry.get("name"))
        for entry in variables(dashboard)
        if entry.get("type") == "datasource"
        and (entry.get("name") in chosen or (preferred and (entry.get("query") or preferred.kind) == preferred.kind))
    )


def keep_selections(wanted: Json, stored: Json, sources: DataSources, asked: frozenset[str] = frozenset()) -> Json:
    """``wanted`` with the selections that people have saved in the stored dashboard.

    A selection is kept for a variable that is otherwise the same. That of a data-source variable is kept only if the
    data source still exists and the variable is not in ``asked``, the names for which one was chosen. The time range
    stays, and rows stay collapsed or open.
    """
    result = copy.deepcopy(with_collapsed(wanted, stored))
    if isinstance(stored.get("time"), dict) and stored["time"]:
        result["time"] = copy.deepcopy(stored["time"])
    there = {str(entry.get("name")): entry for entry in variables(stored)}
    for entry in variables(result):
        name = str(entry.get("name"))
        other = there.get(name)
        if other is None or not same(without_selection(entry), without_selection(other)):
            continue
        if not other.get("current"):
            continue
        if entry.get("type") == "datasource" and (name in asked or not selection_exists(other, sources)):
            continue
        box = entry.get("type") == "textbox" and entry.get("hide") != HIDDEN
        for key in ("current", "options", *(["query"] if box else [])):
            entry.pop(key, None)
            if other.get(key) is not None:
                entry[key] = copy.deepcopy(other[key])
    return result
