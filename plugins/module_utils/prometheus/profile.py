# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, as data: the figures of a profile, their metrics, and the values that bind them.

profile_file.py reads a profile; docs/profile.md describes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from string import Template
from typing import Literal

from ..errors import LabError
from ..results.types import Direction
from ..shaped_yaml import meant
from .matchers import full_match, parse_matcher, pattern_fault

Kind = Literal["rate", "total", "gauge", "quantile", "share", "mean", "ratio"]
#: What it means that a figure has no series.
Absent = Literal["error", "zero", "inconclusive"]
#: Which value of a gauge counts.
Take = Literal["last", "mean"]

#: Naming frameworks of Temporal's metrics.
FRAMEWORKS = ("tally", "opentelemetry")
#: What a figure is split by where it is the component, told by the name of the pod, and no label.
COMPONENT = "component"
#: Variables that the task sets; all others have their value in the profile.
TASK_VARIABLES = ("namespace", "release")

VERSION = re.compile(r"\d+(?:\.\d+)*")
VERSION_RANGE = re.compile(r"(?P<op>>=|<)\s*(?P<version>\d+(?:\.\d+)*)")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
#: A label matcher before its variables have values.
MATCHER_TEMPLATE = re.compile(
    r"(?P<label>\$?[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<op>=~|!~|!=|=)\s*\"(?P<value>(?:[^\"\\\n]|\\.)*)\""
)


@dataclass(frozen=True)
class Source:
    """One name that a metric may have in Prometheus, and the factor from its unit to the figure's.

    server: versions of the Temporal server for which it is the right one, such as ">=1.23"; empty for all.
    smallest_bucket: bound of a histogram's smallest bucket in the metric's unit, by which the unit is told.
    histogram: whether it is a part of a classic histogram. buckets: the metric with that histogram's buckets, where
    this is its sum.
    """

    metric: str
    framework: str | None = None
    scale: float = 1.0
    server: str = ""
    smallest_bucket: float | None = None
    histogram: bool = False
    buckets: str = ""

    @property
    def unit_metric(self) -> str:
        """The metric whose buckets tell the unit."""
        return self.buckets or self.metric

    def is_for(self, version: str) -> bool:
        """Whether it is right for a version of the server; one that is not known rules nothing out."""
        wanted, running = VERSION_RANGE.fullmatch(self.server), VERSION.match(version)
        if wanted is None or running is None:
            return True
        bound = _version(wanted["version"])
        parts = _version(running[0])[: len(bound)]
        return parts >= bound if wanted["op"] == ">=" else parts < bound


@dataclass(frozen=True)
class ServerChange:
    """A version of the Temporal server from which on figures mean something else.

    figures: ids of figures, or of distributions for all of their figures. what: what is different, and source: where
    that can be read.
    """

    server: str
    figures: tuple[str, ...]
    what: str
    source: str

    def holds_for(self, version: str) -> bool | None:
        """Whether a server is of that version or later; None where its version is not known."""
        running = VERSION.match(version)
        return None if running is None else _version(running[0]) >= _version(self.server)


@dataclass(frozen=True)
class Selection:
    """Series of one metric: its possible names, the preferred first, and its label matchers."""

    sources: tuple[Source, ...]
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relative:
    """Limits for a value divided by that of an earlier window, which is named."""

    window: str
    limits: Mapping[str, float]


@dataclass(frozen=True)
class Figure:
    """A figure of the profile; docs/profile.md says what each field means.

    distribution: the id of the distribution that it is a part of. observer: who tells of the pods, where they do not
    tell it themselves. definition: the same for figures that are worked out in the same way. fault: why it cannot be
    right as bound.
    """

    id: str
    title: str
    question: str
    unit: str
    kind: Kind
    components: tuple[str, ...]
    selection: Selection
    denominator: Selection | None = None
    short: str = ""
    direction: Direction = "none"
    absent: Absent = "error"
    key: bool = False
    quantile: float | None = None
    above: float | None = None
    distribution: str = ""
    observer: str = ""
    take: Take | None = None
    by: str | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    relative: Relative | None = None
    reference: str = ""
    definition: str = ""
    fault: str = ""

    @property
    def selections(self) -> tuple[Selection, ...]:
        """The selections that the figure is made of: one, or two for a ratio and a mean."""
        return (self.selection,) if self.denominator is None else (self.selection, self.denominator)


@dataclass(frozen=True)
class Profile:
    """A profile. ``components`` maps a component to the pattern of its pods' names.

    ``filters`` are label matchers that every selector of the profile carries; those of a figure with an observer carry
    that one's from ``observers`` instead. ``scheme_labels`` are the labels that a bound profile has from variables,
    because they have other names in other set-ups. ``server_changes`` are versions of the server that change what
    figures mean.
    """

    title: str
    variables: Mapping[str, str]
    filters: tuple[str, ...]
    components: Mapping[str, str]
    figures: tuple[Figure, ...]
    scheme_labels: frozenset[str] = frozenset()
    observers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    server_changes: tuple[ServerChange, ...] = ()

    @property
    def selections(self) -> list[Selection]:
        """The selections of all figures."""
        return [selection for figure in self.figures for selection in figure.selections]

    def filters_of(self, figure: Figure) -> tuple[str, ...]:
        """The label matchers that every selector of a figure carries."""
        return self.observers[figure.observer] if figure.observer else self.filters

    def told_by(self, observer: str) -> set[str]:
        """Names of the metrics that an observer tells."""
        figures = [figure for figure in self.figures if figure.observer == observer]
        return {source.metric for figure in figures for one in figure.selections for source in one.sources}

    def component_of(self, pod: str, components: Sequence[str]) -> str:
        """Which of the components a pod is of, by its name; empty for none. The profile is bound."""
        return next((name for name in components if full_match(self.components[name], pod)), "")

    def figure(self, figure_id: str) -> Figure:
        """The figure of that id. Raises LabError when the profile has none."""
        for figure in self.figures:
            if figure.id == figure_id:
                return figure
        known = [figure.id for figure in self.figures]
        raise LabError(f"The profile has no figure {figure_id!r}{meant(figure_id, known)}.")

    def without(self, components: Sequence[str]) -> Profile:
        """The same profile without figures that rest on those components alone."""
        figures = tuple(
            figure for figure in self.figures if not figure.components or not set(figure.components) <= set(components)
        )
        return replace(self, figures=figures)

    def bind(
        self, namespace: str, release: str, variables: Mapping[str, str] | None = None, server_version: str = ""
    ) -> Profile:
        """The same profile with every variable replaced by its value, and without sources of other server versions.

        ``variables`` override the profile's own. Raises LabError for one that
        the profile does not have, or whose value does not fit where it is used.
        """
        variables = variables or {}
        for name in variables:
            if name not in self.variables:
                raise LabError(
                    f"The profile has no variable {name!r}{meant(name, self.variables)}; take it out of `variables`."
                )
        values = {**self.variables, **variables, "namespace": namespace, "release": release}
        plain = {name: _writable(name, str(value)) for name, value in values.items()}

        def name_of(text: str) -> str:
            label = Template(text).substitute(plain)
            if not _LABEL.fullmatch(label):
                raise LabError(
                    f"The variables of the profile make {text!r} the label {label!r}, which is no label name."
                )
            return label

        def matchers(texts: tuple[str, ...]) -> tuple[str, ...]:
            found = []
            for text in texts:
                parts = MATCHER_TEMPLATE.fullmatch(text)
                if parts is None:
                    raise LabError(f"The profile's label matcher {text!r} is none.")
                escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in plain.items()}
                value = Template(parts["value"]).substitute(escaped)
                bound_one = f'{name_of(parts["label"])}{parts["op"]}"{value}"'
                if "~" in parts["op"] and (fault := pattern_fault(parse_matcher(bound_one).value)):
                    raise LabError(
                        f"The variables of the profile make the label matcher {bound_one}: {fault}; correct them."
                    )
                found.append(bound_one)
            return tuple(found)

        components = {name: Template(pods).substitute(plain) for name, pods in self.components.items()}

        @cache
        def selection(unbound: Selection, of: tuple[str, ...]) -> Selection:
            sources = tuple(source for source in unbound.sources if source.is_for(server_version))
            return replace(unbound, sources=sources or unbound.sources, where=(*of, *matchers(unbound.where)))

        def bound(figure: Figure) -> Figure:
            of: tuple[str, ...] = ()
            if figure.observer and figure.components:
                # An observer tells of all pods: those of the figure's components are meant.
                pods = "|".join(components[name] for name in figure.components)
                escaped = pods.replace("\\", "\\\\").replace('"', '\\"')
                of = (f'pod=~"{escaped}"',)
            return replace(
                figure,
                selection=selection(figure.selection, of),
                denominator=selection(figure.denominator, of) if figure.denominator else None,
                by=name_of(figure.by) if figure.by else None,
            )

        scheme = {
            name_of(parts["label"])
            for text in (matcher for one in self.selections for matcher in one.where)
            if (parts := MATCHER_TEMPLATE.fullmatch(text)) and "$" in parts["label"]
        }
        filters = matchers(self.filters)
        filtered = {parse_matcher(text).label: text for text in filters}
        observers = {name: matchers(texts) for name, texts in self.observers.items()}

        def fault(figure: Figure) -> str:
            """Why a bound figure cannot be right."""
            if figure.observer:
                return ""
            labels = {parse_matcher(matcher).label for one in figure.selections for matcher in one.where}
            for label in sorted(labels & scheme & filtered.keys()):
                return (
                    f"the filter {filtered[label]} and the figure mean two things by the label {label}: give "
                    f"`variables` the label of each, such as kubernetes_namespace_label: namespace with "
                    f"temporal_namespace_label: exported_namespace"
                )
            return ""

        return replace(
            self,
            filters=filters,
            scheme_labels=frozenset(scheme),
            components=components,
            observers=observers,
            figures=tuple(replace(figure, fault=fault(figure)) for figure in map(bound, self.figures)),
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _writable(name: str, value: str) -> str:
    """The value of a variable. Raises LabError where it cannot be sent."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise LabError(
            f"The variable {name!r} of the profile holds half of a surrogate pair (\\ud800 to \\udfff), which is no "
            f"text: correct it."
        ) from None
    return value
