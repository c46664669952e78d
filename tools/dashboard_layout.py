# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dashboard shows and in which order, read from YAML (files/dashboards/temporal-benchmarking.yml).

It names figures of a profile and holds no query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import Figure, Profile
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

#: Columns of Grafana's grid.
COLUMNS = 24

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "minItems": 1, "items": _TEXT}


def _object(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


_PANEL = _object(
    {"figures": _TEXTS},
    {
        "title": _TEXT,
        "draw": {"enum": ["timeseries", "heatmap"]},
        "by": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
        "width": {"type": "integer", "minimum": 1, "maximum": COLUMNS},
    },
)
_SCHEMA = _object(
    {
        "uid": _TEXT,
        "title": _TEXT,
        "tags": _TEXTS,
        "marks": _TEXT,
        "refresh": _TEXT,
        "time": _object({"from": _TEXT, "to": _TEXT}),
        "quantiles": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        },
        "questions": _object({"title": _TEXT, "before": _TEXT, "after": _TEXT}),
        "stats": {"type": "array", "items": _object({"title": _TEXT, "figures": _TEXTS}, {"names": _TEXTS})},
        "rows": {
            "type": "array",
            "items": _object(
                {"title": _TEXT, "question": _TEXT, "panels": {"type": "array", "minItems": 1, "items": _PANEL}}
            ),
        },
        "look_for": {"type": "object", "additionalProperties": _TEXT},
    },
    {
        "advised": {
            "type": "object",
            "additionalProperties": _object({"at": {"type": "number", "exclusiveMinimum": 0}, "says": _TEXT}),
        },
        "colours": {"type": "object", "additionalProperties": _TEXT},
    },
)


@dataclass(frozen=True)
class PanelLayout:
    """A panel of a row: its figures, which have one unit, and how it draws them.

    title: empty for that of the first figure. draw: ``timeseries`` or ``heatmap``. width: columns of 24. by: a label of
    the metric, to draw a line for each of its values; empty for the lines that the figure has.
    """

    figures: tuple[str, ...]
    title: str = ""
    draw: str = "timeseries"
    by: str = ""
    width: int = COLUMNS // 2


@dataclass(frozen=True)
class Row:
    """A question of the lab, with the panels that answer it."""

    title: str
    question: str
    panels: tuple[PanelLayout, ...]


@dataclass(frozen=True)
class Stat:
    """Values of this moment in one panel. names: what each figure is called there, empty for one figure."""

    title: str
    figures: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advised:
    """A value that others advise, in the figure's unit, and a sentence that says who and for what."""

    at: float
    says: str


@dataclass(frozen=True)
class Layout:
    """What the dashboard shows.

    marks: the tag of the lab's annotations. refresh, time: as Grafana writes them. before, after: the paragraphs
    around the list of questions. look_for: what to look for in the lab, by figure. advised: what others advise, by
    figure. colours: Grafana's name of a colour for each role of the server.
    """

    uid: str
    title: str
    tags: tuple[str, ...]
    marks: str
    refresh: str
    time: Mapping[str, str]
    quantiles: tuple[float, ...]
    questions_title: str
    before: str
    after: str
    stats: tuple[Stat, ...]
    rows: tuple[Row, ...]
    look_for: Mapping[str, str]
    advised: Mapping[str, Advised]
    colours: Mapping[str, str]

    def rows_of(self, profile: Profile) -> Iterator[tuple[Row, list[tuple[PanelLayout, list[Figure]]]]]:
        """The rows with the figures that the profile has. Figures that no row names follow in a row of their own.

        Of a distribution that no row draws anything of, those are its mean and a quantile.
        """
        known = {figure.id: figure for figure in profile.figures}
        asked = {figure for row in self.rows for panel in row.panels for figure in panel.figures}
        drawn = {known[name].distribution for name in asked if name in known}
        others = tuple(
            PanelLayout((figure.id,))
            for figure in profile.figures
            if figure.id not in asked and (not figure.distribution or _stands_for_it(figure, profile, drawn))
        )
        for row in (*self.rows, Row("Further figures", "What else does the profile measure?", others)):
            found = [(panel, [known[name] for name in panel.figures if name in known]) for panel in row.panels]
            panels = [(panel, figures) for panel, figures in found if figures]
            if panels:
                yield row, panels


def _stands_for_it(figure: Figure, profile: Profile, drawn: Collection[str]) -> bool:
    """Whether a figure of a distribution is drawn where no row says which are."""
    first = next(one for one in profile.figures if (one.distribution, one.kind) == (figure.distribution, figure.kind))
    return figure.distribution not in drawn and figure.kind != "share" and figure is first


def load(path: Path) -> Layout:
    """The layout in a file. Raises LabError with the place of what is wrong with it."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"The dashboard's layout {path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabError(f"The dashboard's layout {path} is not YAML: {' '.join(str(error).split())}.") from None
    fault = best_match(Draft202012Validator(_SCHEMA).iter_errors(data))
    if fault is not None:
        raise LabError(f"The dashboard's layout {path} is wrong at {fault.json_path}: {fault.message}.")
    for number, stat in enumerate(data["stats"]):
        names = len(stat.get("names", ()))
        if names != (len(stat["figures"]) if len(stat["figures"]) > 1 else 0):
            raise LabError(
                f"The dashboard's layout {path} is wrong at $.stats[{number}]: it has {len(stat['figures'])} figures "
                f"and {names} names; several figures need a name each, and a single one none."
            )
    return Layout(
        uid=data["uid"],
        title=data["title"],
        tags=tuple(data["tags"]),
        marks=data["marks"],
        refresh=data["refresh"],
        time=data["time"],
        quantiles=tuple(data["quantiles"]),
        questions_title=data["questions"]["title"],
        before=data["questions"]["before"],
        after=data["questions"]["after"],
        stats=tuple(Stat(one["title"], tuple(one["figures"]), tuple(one.get("names", ()))) for one in data["stats"]),
        rows=tuple(
            Row(row["title"], row["question"], tuple(_panel(panel) for panel in row["panels"])) for row in data["rows"]
        ),
        look_for=data["look_for"],
        advised={figure: Advised(**one) for figure, one in data.get("advised", {}).items()},
        colours=data.get("colours", {}),
    )


def _panel(data: dict[str, Any]) -> PanelLayout:
    return PanelLayout(**{**data, "figures": tuple(data["figures"])})
