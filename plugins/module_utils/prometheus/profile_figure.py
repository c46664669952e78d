# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure as it stands in a profile: its kind, its metrics by all their names, its label matchers and limits."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from string import Template
from typing import Any

from .. import shaped_yaml as shape
from ..results.types import Direction
from . import distribution
from .matchers import parse_matcher, pattern_fault
from .profile import (
    FRAMEWORKS,
    MATCHER_TEMPLATE,
    TASK_VARIABLES,
    VERSION_RANGE,
    Absent,
    Figure,
    Kind,
    Relative,
    Selection,
    Source,
    Take,
)

KINDS: tuple[Kind, ...] = ("rate", "total", "gauge", "quantile", "share", "mean", "ratio")
DIRECTIONS: tuple[Direction, ...] = ("lower", "higher", "none")
ABSENT: tuple[Absent, ...] = ("error", "zero", "inconclusive")
TAKES: tuple[Take, ...] = ("last", "mean")
#: Digits of a figure's definition: two that differ have the same in one of 10^12 cases.
DIGITS = 10
#: Where a metric's own name stands in the names of a naming.
NAME = "{name}"

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_TEMPLATE = re.compile(r"\$?[a-zA-Z_][a-zA-Z0-9_]*")
_OF_SOURCE = ("metric", "framework", "scale", "server", "smallest_bucket", "histogram")

#: Ways in which a metric can be called, by the key that stands for them in a source.
Namings = Mapping[str, tuple[Source, ...]]


def template(text: str, path: shape.Place, variables: Mapping[str, str]) -> str:
    """Check that a text uses only variables that are there."""
    known = (*variables, *TASK_VARIABLES)
    for found in Template.pattern.finditer(text):
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            raise shape.Fault(path, "has a `$` that begins no variable; write `$$` for the character itself")
        if name and name not in known:
            raise shape.Fault(
                path, f"uses the variable ${name}, which the profile does not have{shape.meant(name, known)}"
            )
    return text


def matchers(value: Any, path: shape.Place, variables: Mapping[str, str]) -> tuple[str, ...]:
    what = 'a label matcher such as operation="ShardInfo" or operation!~"Poll.*"'
    found = []
    for at, item in shape.items(value, path):
        text = template(shape.text(item, at, MATCHER_TEMPLATE, what), at, variables)
        matcher = parse_matcher(with_values(text, variables))
        if matcher.operator.endswith("~") and (wrong := pattern_fault(matcher.value)):
            raise shape.Fault(at, wrong)
        found.append(text)
    return tuple(found)


def with_values(text: str, variables: Mapping[str, str]) -> str:
    """A text whose variables have their own values, those of the task a letter each."""
    return Template(text).substitute({**variables, "namespace": "n", "release": "r"})


def _sources(value: Any, path: shape.Place, namings: Namings, suffix: str) -> tuple[Source, ...]:
    sources: list[Source] = []
    for at, item in shape.items(value, path):
        key = next((naming for naming in namings if isinstance(item, dict) and naming in item), "metric")
        if key == "metric":
            found = [_source(item, at)]
        else:
            shape.mapping(item, at, (key,), ("server",))
            name = shape.text(item[key], (*at, key), _METRIC, "a metric's name")
            server = _server(item, at)
            found = [replace(one, metric=one.metric.replace(NAME, name), server=server) for one in namings[key]]
        for source in found:
            if not source.metric.endswith(suffix):
                raise shape.Fault((*at, key), f"{source.metric!r} does not end in {suffix}")
        sources += found
    return tuple(sources)


def _source(value: Any, path: shape.Place, of_naming: bool = False) -> Source:
    optional = ("framework", "scale", "smallest_bucket", "histogram") + ("server",) * (not of_naming)
    item = shape.mapping(value, path, ("metric",), optional)
    metric = shape.text(item["metric"], (*path, "metric"))
    if of_naming and NAME not in metric:
        raise shape.Fault((*path, "metric"), f"{metric!r} does not say where the name stands: write {NAME} there")
    shape.text(metric.replace(NAME, "x") if of_naming else metric, (*path, "metric"), _METRIC, "a metric's name")
    scale = shape.number(item.get("scale", 1), (*path, "scale"))
    if scale <= 0:
        raise shape.Fault((*path, "scale"), "must be above zero")
    framework = item.get("framework")
    if framework is not None:
        shape.choice(framework, (*path, "framework"), FRAMEWORKS)
    smallest = None
    if "smallest_bucket" in item:
        smallest = shape.number(item["smallest_bucket"], (*path, "smallest_bucket"))
        if smallest <= 0:
            raise shape.Fault((*path, "smallest_bucket"), "must be above zero")
        if not metric.endswith("_bucket"):
            raise shape.Fault((*path, "smallest_bucket"), f"is for histograms, and {metric!r} does not end in _bucket")
    histogram = item.get("histogram", metric.endswith("_bucket"))
    if not isinstance(histogram, bool):
        raise shape.Fault((*path, "histogram"), "must be true or false")
    return Source(metric, framework, scale, _server(item, path), smallest, histogram)


def _server(item: Mapping[str, Any], path: shape.Place) -> str:
    what = 'versions of the server such as ">=1.23" or "<1.23"'
    return shape.text(item["server"], (*path, "server"), VERSION_RANGE, what) if "server" in item else ""


def namings_of(value: Any) -> Namings:
    """Ways in which a metric can be called, by the key that stands for them in a source."""
    if not isinstance(value, dict):
        raise shape.Fault(("namings",), "must be a mapping of names to lists of sources")
    namings: dict[str, tuple[Source, ...]] = {}
    for name, sources in value.items():
        at = ("namings", name)
        if name in _OF_SOURCE:
            raise shape.Fault(at, "is a key of a source; give this naming another name")
        shape.text(name, at, shape.ID, "a name (small letters, digits and _)")
        namings[name] = tuple(_source(item, place, of_naming=True) for place, item in shape.items(sources, at))
    return namings


def observers_of(value: Any, variables: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Who tells of pods what they do not tell themselves: the label matchers of what each tells."""
    if not isinstance(value, dict):
        raise shape.Fault(("observers",), "must be a mapping of names to lists of label matchers")
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in value.items():
        at = ("observers", name)
        shape.text(name, at, shape.ID, "a name (small letters, digits and _)")
        found[name] = matchers(texts, at, variables)
    return found


def _selection(
    value: Any, path: shape.Place, variables: Mapping[str, str], namings: Namings, suffix: str = ""
) -> Selection:
    where = matchers(value["where"], (*path, "where"), variables) if "where" in value else ()
    return Selection(_sources(value["sources"], (*path, "sources"), namings, suffix), where)


#: Keys that belong to one kind of figure only.
_OF_KIND: dict[Kind, tuple[str, ...]] = {
    "rate": ("sources",),
    "total": ("sources",),
    "gauge": ("sources", "take"),
    "quantile": ("sources", "quantile"),
    "share": ("sources", "above"),
    "mean": ("sources",),
    "ratio": ("numerator", "denominator"),
}
#: Kinds of figures that are made of a histogram's buckets.
_OF_BUCKETS: tuple[Kind, ...] = ("quantile", "share", "mean")
_REQUIRED = ("id", "title", "question", "unit", "kind")
_OPTIONAL = ("short", "direction", "absent", "key", "thresholds", "reference", "observer")


def figures_of(
    value: Any,
    path: shape.Place,
    variables: Mapping[str, str],
    components: Mapping[str, str],
    namings: Namings,
    observers: Mapping[str, tuple[str, ...]],
) -> list[Figure]:
    """The figures of an entry: one, or those of a distribution. Raises Fault."""
    if not isinstance(value, dict):
        raise shape.Fault(path, "must be a mapping of keys to values")
    if "kind" not in value:
        raise shape.Fault(path, "the key `kind` is missing")
    if value["kind"] != "distribution":
        return [_figure(value, path, variables, components, namings, observers)]
    return [
        replace(_figure(part, path, variables, components, namings, observers), distribution=value["id"])
        for part in distribution.figures(value, path)
    ]


def _figure(
    value: dict[str, Any],
    path: shape.Place,
    variables: Mapping[str, str],
    components: Mapping[str, str],
    namings: Namings,
    observers: Mapping[str, tuple[str, ...]],
) -> Figure:
    kind = shape.choice(value["kind"], (*path, "kind"), KINDS)
    may = _OPTIONAL + (() if kind == "ratio" else ("where",))
    may += () if kind == "ratio" or kind in _OF_BUCKETS else ("by",)
    # What an observer tells need not be about pods.
    observed = "observer" in value
    required, may = (_REQUIRED, (*may, "components")) if observed else ((*_REQUIRED, "components"), may)
    shape.mapping(value, path, required + _OF_KIND[kind], may)
    observer = shape.choice(value["observer"], (*path, "observer"), tuple(observers)) if observed else ""

    used = []
    if "components" in value:
        for at, name in shape.items(value["components"], (*path, "components")):
            used.append(shape.choice(name, at, tuple(components)))

    denominator = None
    if kind == "ratio":
        parts = []
        for part in ("numerator", "denominator"):
            at = (*path, part)
            parts.append(_selection(shape.mapping(value[part], at, ("sources",), ("where",)), at, variables, namings))
        selection, denominator = parts
    else:
        selection = _selection(value, path, variables, namings, "_bucket" if kind in _OF_BUCKETS else "")
    if kind == "mean":
        selection, denominator = _sum_and_count(selection)

    quantile = above = None
    if kind == "quantile":
        quantile = shape.number(value["quantile"], (*path, "quantile"))
        if not 0 < quantile <= 1:
            raise shape.Fault((*path, "quantile"), f"{quantile} is not between 0 and 1")
    if kind == "share":
        above = shape.number(value["above"], (*path, "above"))
        if above <= 0:
            raise shape.Fault((*path, "above"), "must be above zero")
    by = None
    if "by" in value:
        by = template(shape.text(value["by"], (*path, "by"), _LABEL_TEMPLATE, "a label's name"), path, variables)
    if not isinstance(value.get("key", False), bool):
        raise shape.Fault((*path, "key"), f"{value['key']!r} is neither true nor false")
    direction = shape.choice(value.get("direction", "none"), (*path, "direction"), DIRECTIONS)

    limits: dict[str, float] = {}
    relative = None
    if "thresholds" in value:
        limits, relative = _thresholds(value["thresholds"], (*path, "thresholds"), direction)

    found = Figure(
        id=shape.text(value["id"], (*path, "id"), shape.ID, "an id (small letters, digits and _)"),
        title=shape.text(value["title"], (*path, "title")),
        question=shape.text(value["question"], (*path, "question")),
        unit=shape.text(value["unit"], (*path, "unit")),
        kind=kind,
        components=tuple(used),
        selection=selection,
        denominator=denominator,
        short=shape.text(value["short"], (*path, "short")) if "short" in value else "",
        direction=direction,
        absent=shape.choice(value.get("absent", "error"), (*path, "absent"), ABSENT),
        key=value.get("key", False),
        quantile=quantile,
        above=above,
        observer=observer,
        take=shape.choice(value["take"], (*path, "take"), TAKES) if kind == "gauge" else None,
        by=by,
        thresholds=limits,
        relative=relative,
        reference=shape.text(value["reference"], (*path, "reference")) if "reference" in value else "",
    )
    return replace(found, definition=_definition(found, components, observers))


def _definition(figure: Figure, components: Mapping[str, str], observers: Mapping[str, tuple[str, ...]]) -> str:
    """A digest of how a figure is worked out, by which runs tell whether their figures of one id are the same.

    Left out are the metrics, which each figure of a run names, and what only says how it is shown or judged.
    """
    parts = [
        *(figure.kind, figure.unit, figure.quantile, figure.above, figure.take, figure.by),
        sorted((name, components[name]) for name in figure.components),
        [sorted(one.where) for one in figure.selections],
        sorted(observers.get(figure.observer, ())),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]


def _sum_and_count(buckets: Selection) -> tuple[Selection, Selection]:
    """What a mean is made of: a histogram's sum, and its bucket with all observations."""
    sums = (
        replace(one, metric=one.metric.removesuffix("_bucket") + "_sum", buckets=one.metric) for one in buckets.sources
    )
    # A bucket's scale is that of its bounds: what it counts are observations.
    counts = (replace(one, scale=1.0) for one in buckets.sources)
    return Selection(tuple(sums), buckets.where), Selection(tuple(counts), (*buckets.where, 'le="+Inf"'))


def _thresholds(value: Any, path: shape.Place, direction: str) -> tuple[dict[str, float], Relative | None]:
    """Limits in the figure's unit, and those relative to an earlier window."""
    shape.mapping(value, path, (), ("warn", "fail", "relative"))
    if direction == "none":
        raise shape.Fault(path, "needs `direction: lower` or `direction: higher`, to know which side is wrong")
    limits = _limits(value, path, direction)
    if "relative" not in value:
        return limits, None
    at = (*path, "relative")
    relative = shape.mapping(value["relative"], at, ("window",), ("warn", "fail"))
    window = shape.text(relative["window"], (*at, "window"))
    of_window = _limits(relative, at, direction)
    if not of_window:
        raise shape.Fault(at, "needs `warn`, `fail` or both")
    return limits, Relative(window, of_window)


def _limits(value: Any, path: shape.Place, direction: str) -> dict[str, float]:
    numbers = {key: shape.number(value[key], (*path, key)) for key in ("warn", "fail") if key in value}
    if len(numbers) == 2 and (numbers["warn"] > numbers["fail"]) == (direction == "lower"):
        raise shape.Fault(path, "`fail` must be further on the wrong side than `warn`")
    return numbers
