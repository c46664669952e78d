# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a profile: a YAML file that docs/profile.md describes. What is wrong in it is told with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, TypeVar, Union

from ..errors import LabError
from ..results.types import Direction
from ..yaml_file import NotYaml, compose_yaml, read_file
from .matchers import parse_matcher, pattern_fault
from .profile import (
    FRAMEWORKS,
    MATCHER_TEMPLATE,
    TASK_VARIABLES,
    VERSION_RANGE,
    Absent,
    Figure,
    Kind,
    Profile,
    Relative,
    Selection,
    Source,
    Take,
    meant,
)

try:
    import yaml
except ImportError:
    # compose_yaml names the missing package.
    pass

SCHEMA = "temporal_lab.benchmarking/profile/1"
KINDS: tuple[Kind, ...] = ("rate", "total", "gauge", "quantile", "ratio")
DIRECTIONS: tuple[Direction, ...] = ("lower", "higher", "none")
ABSENT: tuple[Absent, ...] = ("error", "zero", "inconclusive")
TAKES: tuple[Take, ...] = ("last", "mean")
#: Where a metric's own name stands in the names of a naming.
NAME = "{name}"

_ID = re.compile(r"[a-z][a-z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_TEMPLATE = re.compile(r"\$?[a-zA-Z_][a-zA-Z0-9_]*")


_OF_SOURCE = ("metric", "framework", "scale", "server", "smallest_bucket", "histogram")

Choice = TypeVar("Choice", bound=str)

Path_ = tuple[Union[str, int], ...]


Namings = Mapping[str, tuple[Source, ...]]


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
    except _Fault as fault:
        raise LabError(f"{name}:{_line(node, fault.path)}: {_place(data, fault.path)}{fault.reason}.") from None


class _Fault(Exception):
    """What is wrong in a profile, and where: the keys and indices that lead there."""

    def __init__(self, path: Path_, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def _line(node: Any, path: Path_) -> int:
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


def _place(data: Any, path: Path_) -> str:
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


def _no_duplicates(node: Any, path: Path_) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise _Fault((*path, key.value), "is there twice; keep one of them")
            seen.add(key.value)
            _no_duplicates(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _no_duplicates(value, (*path, index))


def _mapping(value: Any, path: Path_, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Fault(path, "must be a mapping of keys to values")
    known = (*required, *optional)
    for key in value:
        if key not in known:
            raise _Fault((*path, key), f"is no key of a profile at this place{meant(key, known)}")
    for key in required:
        if key not in value:
            raise _Fault(path, f"the key `{key}` is missing")
    return value


def _named(value: Any, path: Path_) -> Iterator[tuple[Path_, str, str]]:
    """Entries of a mapping from free names to texts: where it is, name, text."""
    if not isinstance(value, dict):
        raise _Fault(path, "must be a mapping of names to texts")
    for name, text in value.items():
        at = (*path, name)
        yield at, _text(name, at, _ID, "a name (small letters, digits and _)"), _text(text, at)


def _items(value: Any, path: Path_) -> Iterator[tuple[Path_, Any]]:
    if not isinstance(value, list) or not value:
        raise _Fault(path, "must be a list with at least one entry")
    for index, item in enumerate(value):
        yield (*path, index), item


def _text(value: Any, path: Path_, pattern: re.Pattern[str] | None = None, what: str = "text") -> str:
    if not isinstance(value, str) or not value.strip() or (pattern is not None and not pattern.fullmatch(value)):
        raise _Fault(path, f"{value!r} is not {what}")
    return str(value)


def _choice(value: Any, path: Path_, choices: tuple[Choice, ...]) -> Choice:
    for one in choices:
        if value == one:
            return one
    raise _Fault(path, f"{value!r} is none of: {', '.join(choices)}")


def _number(value: Any, path: Path_) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Fault(path, f"{value!r} is not a number")
    return float(value)


def _template(text: str, path: Path_, variables: Mapping[str, str]) -> str:
    """Check that a text uses only variables that are there."""
    known = (*variables, *TASK_VARIABLES)
    for found in Template.pattern.finditer(text):
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            raise _Fault(path, "has a `$` that begins no variable; write `$$` for the character itself")
        if name and name not in known:
            raise _Fault(path, f"uses the variable ${name}, which the profile does not have{meant(name, known)}")
    return text


def _matchers(value: Any, path: Path_, variables: Mapping[str, str]) -> tuple[str, ...]:
    what = 'a label matcher such as operation="ShardInfo" or operation!~"Poll.*"'
    found = []
    for at, item in _items(value, path):
        text = _template(_text(item, at, MATCHER_TEMPLATE, what), at, variables)
        matcher = parse_matcher(_with_values(text, variables))
        if matcher.operator.endswith("~") and (wrong := pattern_fault(matcher.value)):
            raise _Fault(at, wrong)
        found.append(text)
    return tuple(found)


def _with_values(text: str, variables: Mapping[str, str]) -> str:
    """A text whose variables have their own values, those of the task a letter each."""
    return Template(text).substitute({**variables, "namespace": "n", "release": "r"})


def _sources(value: Any, path: Path_, namings: Namings, suffix: str) -> tuple[Source, ...]:
    sources: list[Source] = []
    for at, item in _items(value, path):
        key = next((naming for naming in namings if isinstance(item, dict) and naming in item), "metric")
        if key == "metric":
            found = [_source(item, at)]
        else:
            _mapping(item, at, (key,), ("server",))
            name = _text(item[key], (*at, key), _METRIC, "a metric's name")
            server = _server(item, at)
            found = [replace(one, metric=one.metric.replace(NAME, name), server=server) for one in namings[key]]
        for source in found:
            if not source.metric.endswith(suffix):
                raise _Fault((*at, key), f"{source.metric!r} does not end in {suffix}")
        sources += found
    return tuple(sources)


def _source(value: Any, path: Path_, of_naming: bool = False) -> Source:
    optional = ("framework", "scale", "smallest_bucket", "histogram") + ("server",) * (not of_naming)
    item = _mapping(value, path, ("metric",), optional)
    metric = _text(item["metric"], (*path, "metric"))
    if of_naming and NAME not in metric:
        raise _Fault((*path, "metric"), f"{metric!r} does not say where the name stands: write {NAME} there")
    _text(metric.replace(NAME, "x") if of_naming else metric, (*path, "metric"), _METRIC, "a metric's name")
    scale = _number(item.get("scale", 1), (*path, "scale"))
    if scale <= 0:
        raise _Fault((*path, "scale"), "must be above zero")
    framework = item.get("framework")
    if framework is not None:
        _choice(framework, (*path, "framework"), FRAMEWORKS)
    smallest = None
    if "smallest_bucket" in item:
        smallest = _number(item["smallest_bucket"], (*path, "smallest_bucket"))
        if smallest <= 0:
            raise _Fault((*path, "smallest_bucket"), "must be above zero")
        if not metric.endswith("_bucket"):
            raise _Fault((*path, "smallest_bucket"), f"is for histograms, and {metric!r} does not end in _bucket")
    histogram = item.get("histogram", metric.endswith("_bucket"))
    if not isinstance(histogram, bool):
        raise _Fault((*path, "histogram"), "must be true or false")
    return Source(metric, framework, scale, _server(item, path), smallest, histogram)


def _server(item: Mapping[str, Any], path: Path_) -> str:
    what = 'versions of the server such as ">=1.23" or "<1.23"'
    return _text(item["server"], (*path, "server"), VERSION_RANGE, what) if "server" in item else ""


def _namings(value: Any) -> Namings:
    """Ways in which a metric can be called, by the key that stands for them in a source."""
    if not isinstance(value, dict):
        raise _Fault(("namings",), "must be a mapping of names to lists of sources")
    namings: dict[str, tuple[Source, ...]] = {}
    for name, sources in value.items():
        at = ("namings", name)
        if name in _OF_SOURCE:
            raise _Fault(at, "is a key of a source; give this naming another name")
        _text(name, at, _ID, "a name (small letters, digits and _)")
        namings[name] = tuple(_source(item, place, of_naming=True) for place, item in _items(sources, at))
    return namings


def _selection(value: Any, path: Path_, variables: Mapping[str, str], namings: Namings, suffix: str = "") -> Selection:
    where = _matchers(value["where"], (*path, "where"), variables) if "where" in value else ()
    return Selection(_sources(value["sources"], (*path, "sources"), namings, suffix), where)


#: Keys that belong to one kind of figure only.
_OF_KIND: dict[str, tuple[str, ...]] = {
    "rate": ("sources",),
    "total": ("sources",),
    "gauge": ("sources", "take"),
    "quantile": ("sources", "quantile"),
    "ratio": ("numerator", "denominator"),
}
_REQUIRED = ("id", "title", "question", "unit", "kind", "components")
_OPTIONAL = ("short", "direction", "absent", "key", "thresholds", "reference")


def _figure(
    value: Any, path: Path_, variables: Mapping[str, str], components: Mapping[str, str], namings: Namings
) -> Figure:
    if not isinstance(value, dict):
        raise _Fault(path, "must be a mapping of keys to values")
    if "kind" not in value:
        raise _Fault(path, "the key `kind` is missing")
    kind = _choice(value["kind"], (*path, "kind"), KINDS)
    may = _OPTIONAL + (() if kind == "ratio" else ("where",)) + (() if kind in ("ratio", "quantile") else ("by",))
    _mapping(value, path, _REQUIRED + _OF_KIND[kind], may)

    used = []
    for at, name in _items(value["components"], (*path, "components")):
        used.append(_choice(name, at, tuple(components)))

    denominator = None
    if kind == "ratio":
        parts = []
        for part in ("numerator", "denominator"):
            at = (*path, part)
            parts.append(_selection(_mapping(value[part], at, ("sources",), ("where",)), at, variables, namings))
        selection, denominator = parts
    else:
        selection = _selection(value, path, variables, namings, "_bucket" if kind == "quantile" else "")

    quantile = None
    if kind == "quantile":
        quantile = _number(value["quantile"], (*path, "quantile"))
        if not 0 < quantile < 1:
            raise _Fault((*path, "quantile"), f"{quantile} is not between 0 and 1")
    by = None
    if "by" in value:
        by = _template(_text(value["by"], (*path, "by"), _LABEL_TEMPLATE, "a label's name"), path, variables)
    if not isinstance(value.get("key", False), bool):
        raise _Fault((*path, "key"), f"{value['key']!r} is neither true nor false")
    direction = _choice(value.get("direction", "none"), (*path, "direction"), DIRECTIONS)

    limits: dict[str, float] = {}
    relative = None
    if "thresholds" in value:
        limits, relative = _thresholds(value["thresholds"], (*path, "thresholds"), direction)

    return Figure(
        id=_text(value["id"], (*path, "id"), _ID, "an id (small letters, digits and _)"),
        title=_text(value["title"], (*path, "title")),
        question=_text(value["question"], (*path, "question")),
        unit=_text(value["unit"], (*path, "unit")),
        kind=kind,
        components=tuple(used),
        selection=selection,
        denominator=denominator,
        short=_text(value["short"], (*path, "short")) if "short" in value else "",
        direction=direction,
        absent=_choice(value.get("absent", "error"), (*path, "absent"), ABSENT),
        key=value.get("key", False),
        quantile=quantile,
        take=_choice(value["take"], (*path, "take"), TAKES) if kind == "gauge" else None,
        by=by,
        thresholds=limits,
        relative=relative,
        reference=_text(value["reference"], (*path, "reference")) if "reference" in value else "",
    )


def _thresholds(value: Any, path: Path_, direction: str) -> tuple[dict[str, float], Relative | None]:
    """Limits in the figure's unit, and those relative to an earlier window."""
    _mapping(value, path, (), ("warn", "fail", "relative"))
    if direction == "none":
        raise _Fault(path, "needs `direction: lower` or `direction: higher`, to know which side is wrong")
    limits = _limits(value, path, direction)
    if "relative" not in value:
        return limits, None
    at = (*path, "relative")
    relative = _mapping(value["relative"], at, ("window",), ("warn", "fail"))
    window = _text(relative["window"], (*at, "window"))
    of_window = _limits(relative, at, direction)
    if not of_window:
        raise _Fault(at, "needs `warn`, `fail` or both")
    return limits, Relative(window, of_window)


def _limits(value: Any, path: Path_, direction: str) -> dict[str, float]:
    numbers = {key: _number(value[key], (*path, key)) for key in ("warn", "fail") if key in value}
    if len(numbers) == 2 and (numbers["warn"] > numbers["fail"]) == (direction == "lower"):
        raise _Fault(path, "`fail` must be further on the wrong side than `warn`")
    return numbers


def _profile(data: Any) -> Profile:
    data = _mapping(data, (), ("schema", "title", "filters", "components", "figures"), ("variables", "namings"))
    if data["schema"] != SCHEMA:
        raise _Fault(("schema",), f"{data['schema']!r} is not {SCHEMA!r}, the one this version reads")

    variables = {}
    for at, name, value in _named(data.get("variables", {}), ("variables",)):
        if name in TASK_VARIABLES:
            raise _Fault(at, "is set by the task; give this variable another name")
        variables[name] = value

    components = {}
    for at, name, pods in _named(data["components"], ("components",)):
        _template(pods, at, variables)
        wrong = pattern_fault(_with_values(pods, variables))
        if wrong:
            raise _Fault(at, wrong)
        components[name] = pods

    namings = _namings(data.get("namings", {}))
    figures: list[Figure] = []
    for at, item in _items(data["figures"], ("figures",)):
        figure = _figure(item, at, variables, components, namings)
        if figure.id in [other.id for other in figures]:
            raise _Fault((*at, "id"), "is the id of an earlier figure too")
        figures.append(figure)

    return Profile(
        title=_text(data["title"], ("title",)),
        variables=variables,
        filters=_matchers(data["filters"], ("filters",), variables),
        components=components,
        figures=tuple(figures),
    )
