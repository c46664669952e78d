# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a profile: a YAML file that docs/profile.md describes. What is wrong in it is told with its line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..yaml_file import NotYaml, compose_yaml, read_file
from . import profile_shape as shape
from .matchers import pattern_fault
from .profile import TASK_VARIABLES, Figure, Profile
from .profile_figure import figures_of, matchers, namings_of, template, with_values

try:
    import yaml
except ImportError:
    # compose_yaml names the missing package.
    pass

SCHEMA = "temporal_lab.benchmarking/profile/1"
#: Figures of a profile; the collection's own has about 60.
MOST_FIGURES = 500


def default_path() -> Path:
    """Path of the collection's own profile."""
    return Path(__file__).resolve().parents[3] / "files" / "profiles" / "temporal.yml"


def read_text(path: str | Path) -> str:
    """Text of a profile file. Raises LabError when it cannot be read."""
    try:
        return read_file(Path(path).expanduser(), f"The profile {path}", "correct its path").decode("utf-8")
    except FileNotFoundError:
        raise LabError(
            f"There is no profile {path}: give the path of a profile file, or none for the collection's own."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LabError(f"The profile {path} cannot be read: {reason}.") from None


def load(path: str | Path) -> Profile:
    """Read a profile file. Raises LabError with path, line and reason."""
    return parse(read_text(path), str(path))


@cache
def parse(text: str, name: str) -> Profile:
    """Make a Profile from YAML text; ``name`` is what errors call it."""
    try:
        data, node = compose_yaml(text, name, "correct it")
    except NotYaml as error:
        raise LabError(f"{name}:{error.line or 1}: the profile {error.reason}.") from None
    try:
        _no_duplicates(node, ())
        return _profile(data)
    except shape.Fault as fault:
        raise LabError(f"{name}:{_line(node, fault.path)}: {_place(data, fault.path)}{fault.reason}.") from None


def _line(node: Any, path: shape.Place) -> int:
    """Line of the deepest node of the path that is in the document."""
    line = node.start_mark.line if node is not None else 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == step]
            if not pairs:
                break
            line, node = pairs[-1][0].start_mark.line, pairs[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _place(data: Any, path: shape.Place) -> str:
    """Where a fault is, in words: the figure's id when it has one, then the keys."""
    words = []
    if path[:1] == ("figures",) and len(path) > 1:
        figure = data["figures"][path[1]]
        named = isinstance(figure, dict) and isinstance(figure.get("id"), str)
        words.append(f"figure {figure['id']!r}" if named else f"figure number {int(path[1]) + 1}")
        path = path[2:]
    keys = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    if keys:
        words.append(f"`{keys}`")
    return ", ".join(words) + (": " if words else "")


def _no_duplicates(node: Any, path: shape.Place) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise shape.Fault((*path, key.value), "is there twice; keep one of them")
            seen.add(key.value)
            _no_duplicates(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _no_duplicates(value, (*path, index))


def _profile(data: Any) -> Profile:
    data = shape.mapping(data, (), ("schema", "title", "filters", "components", "figures"), ("variables", "namings"))
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
    figures: list[Figure] = []
    known: set[str] = set()
    for at, item in shape.items(data["figures"], ("figures",)):
        for figure in figures_of(item, at, variables, components, namings):
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
        figures=tuple(figures),
    )
