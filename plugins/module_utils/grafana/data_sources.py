# SPDX-License-Identifier: GPL-3.0-or-later
"""The data sources that a Grafana has."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .dashboard_parts import datasource_holders
from .json_values import Json, as_object
from .references import uid_or_name


@dataclass(frozen=True)
class DataSource:
    """A data source of Grafana. kind: its type, such as ``prometheus``."""

    uid: str
    name: str
    kind: str
    default: bool

    def __str__(self) -> str:
        return f"{self.uid} ({self.kind})" if self.name == self.uid else f"{self.uid} ({self.kind} {self.name!r})"


class DataSources:
    """The data sources of a Grafana. rows: as its API lists them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.all = [
            DataSource(
                str(row["uid"]), str(row.get("name") or row["uid"]), str(row.get("type")), bool(row.get("isDefault"))
            )
            for row in rows
            if row.get("uid")
        ]

    def find(self, reference: Any) -> DataSource | None:
        """The one with that uid, else with that name."""
        for of in ("uid", "name"):
            for source in self.all:
                if getattr(source, of) == reference:
                    return source
        return None

    def of_kind(self, kind: str | None) -> list[DataSource]:
        """Those of a type; all for None."""
        return [source for source in self.all if kind is None or source.kind == kind]

    def listed(self) -> str:
        """Which there are, for a message."""
        return "there are " + ", ".join(map(str, self.all)) if self.all else "there is none"


def with_uids(dashboard: Json, sources: DataSources) -> Json:
    """The dashboard with its references by uid where they are by name and there is such a data source."""
    result = copy.deepcopy(dashboard)
    for _what, holder in datasource_holders(result):
        value = holder.get("datasource")
        source = sources.find(uid_or_name(value))
        if source is not None:
            holder["datasource"] = {**as_object(value), "type": source.kind, "uid": source.uid}
    return result
