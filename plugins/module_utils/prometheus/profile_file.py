# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a profile: a YAML file that docs/profile.md describes. What is wrong in it is told with its line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .. import shaped_yaml as shape
from .matchers import pattern_fault
from .profile import TASK_VARIABLES, VERSION, Figure, Profile, ServerChange
from .profile_figure import figures_of, matchers, namings_of, observers_of, template, with_values

SCHEMA = "temporal_lab.benchmarking/profile/1"
#: Figures of a profile; the collection's own has about 60.
MOST_FIGURES = 500


def default_path() -> Path:
    """Path of the collection's own profile."""
    return Path(__file__).resolve().parents[3] / "files" / "profiles" / "temporal.yml"


def read_text(path: str | Path) -> str:
    """Text of a profile file. Raises LabError when it cannot be read."""
    return shape.read_text(path, "profile", "give the path of a profile file, or none for the collection's own")


def load(path: str | Path) -> Profile:
    """Read a profile file. Raises LabError with path, line and reason."""
    return parse(read_text(path), str(path))


@cache
def parse(text: str, name: str) -> Profile:
    """Make a Profile from YAML text; ``name`` is what errors call it."""
    return shape.read_shaped(text, name, "profile", ("figures", "figure"), _profile)


def _profile(data: Any) -> Profile:
    optional = ("variables", "namings", "observers", "server_changes")
    data = shape.mapping(data, (), ("schema", "title", "filters", "components", "figures"), optional)
    if data["schema"] != SCHEMA:
        raise shape.Fault(("schema",), f"{data['schema']!r} is not {SCHEMA!r}, the one this version reads")

    variables = {}
    for at, name, value in shape.named(data.get("variables", {}), ("variables",)):
        if name in TASK_VARIABLES:
            raise shape.Fault(at, "is set by the task; give this variable another name")
        variables[name] = value

    components = {}
    for at, name, pods in shape.named(data["components"], ("components",)):
        template(pods, at, variables)
        wrong = pattern_fault(with_values(pods, variables))
        if wrong:
            raise shape.Fault(at, wrong)
        components[name] = pods

    namings = namings_of(data.get("namings", {}))
    observers = observers_of(data.get("observers", {}), variables)
    figures: list[Figure] = []
    known: set[str] = set()
    for at, item in shape.items(data["figures"], ("figures",)):
        for figure in figures_of(item, at, variables, components, namings, observers):
            if figure.id in known:
                raise shape.Fault((*at, "id"), "is the id of an earlier figure too")
            known.add(figure.id)
            figures.append(figure)
        if len(figures) > MOST_FIGURES:
            raise shape.Fault(("figures",), f"has more than {MOST_FIGURES} figures, as many as a result can hold")

    return Profile(
        title=shape.text(data["title"], ("title",)),
        variables=variables,
        filters=matchers(data["filters"], ("filters",), variables),
        components=components,
        figures=_each_metric_of_one(figures),
        observers=observers,
        server_changes=tuple(_server_changes(data.get("server_changes"), figures)),
    )


def _server_changes(given: Any, figures: list[Figure]) -> Iterator[ServerChange]:
    if given is None:
        return
    known = {name for figure in figures for name in (figure.id, figure.distribution) if name}
    for at, item in shape.items(given, ("server_changes",)):
        entry = shape.mapping(item, at, ("server", "figures", "what", "source"))
        names = [shape.text(name, place) for place, name in shape.items(entry["figures"], (*at, "figures"))]
        for index, name in enumerate(names):
            if name not in known:
                raise shape.Fault((*at, "figures", index), f"{name!r} is no figure{shape.meant(name, known)}")
        yield ServerChange(
            server=shape.text(entry["server"], (*at, "server"), VERSION, 'a version in quotes, such as "1.32"'),
            figures=tuple(names),
            what=shape.text(entry["what"], (*at, "what")),
            source=shape.text(entry["source"], (*at, "source")),
        )


def _each_metric_of_one(figures: list[Figure]) -> tuple[Figure, ...]:
    """The figures, of none of whose metrics two tell: samples of a metric are read once, with one set of filters."""
    told_by: dict[str, tuple[str, str]] = {}
    for figure in figures:
        for metric in {source.metric for one in figure.selections for source in one.sources}:
            observer, other = told_by.setdefault(metric, (figure.observer, figure.id))
            if observer != figure.observer:
                raise shape.Fault(
                    ("figures",),
                    f"take {metric} from two observers in {other!r} and {figure.id!r}; let all figures of a metric "
                    f"have the same `observer`",
                )
    return tuple(figures)
