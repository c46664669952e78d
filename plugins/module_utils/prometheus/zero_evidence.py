# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether no series means zero: only where something shows that the names and labels are those that the profile means.

A counter that nobody has incremented yet is not there; nor is one under another prefix, in another kind of histogram,
or with other labels. What tells the two apart is a witness: another metric of the same component, named in the same
way and with the same labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..results.types import Labels
from .lives import Lives
from .matchers import full_match, parse_matcher
from .processes import Process
from .profile import Profile, Selection, Source
from .query import FoundMetrics

#: Names of other metrics to show, at most.
MOST_NAMES = 3


def doubt_of_zero(
    selection: Selection,
    profile: Profile,
    lives: Lives,
    found: FoundMetrics,
    processes: Sequence[Process],
    span: tuple[float, float],
) -> str:
    """Why a selection without a series is not known to be zero; empty when a witness shows that it is.

    processes: those of the figure's components. span: start and end of the window.
    """
    labels = _scheme_labels(selection, profile)
    for source in selection.sources:
        if any(_is_witness(other, source, labels, lives, processes, span) for other in _all_sources(profile)):
            return ""
    first = selection.sources[0]
    what = f"{first.framework} metric" if first.framework else "metric of the profile"
    if first.histogram:
        what += " that is a classic histogram"
    if labels:
        what += f" with the label {' and '.join(sorted(labels))}"
    instead = _alike(selection, found)
    return f"nothing shows that it is zero: no pod of the figure's components has a {what}" + (
        f"; Prometheus has {', '.join(instead)} instead" if instead else ""
    )


def has_witness(selection: Selection, profile: Profile, series: Iterable[Labels], pods: Sequence[str]) -> bool:
    """Whether one of these series shows that a selection without a series is zero just now.

    series: names and labels. pods: patterns of the pods of the figure's components.
    """
    labels = _scheme_labels(selection, profile)
    named = {(source.framework, source.histogram) for source in selection.sources}
    names = {other.metric for other in _all_sources(profile) if (other.framework, other.histogram) in named}
    return any(
        one.get("__name__") in names
        and labels <= one.keys()
        and any(full_match(pattern, one.get("pod", "")) for pattern in pods)
        for one in series
    )


def _scheme_labels(selection: Selection, profile: Profile) -> set[str]:
    """Labels of a selection's matchers that have other names in other set-ups."""
    return {parse_matcher(matcher).label for matcher in selection.where} & profile.scheme_labels


def _all_sources(profile: Profile) -> Iterable[Source]:
    return dict.fromkeys(source for selection in profile.selections for source in selection.sources)


def _is_witness(
    other: Source,
    source: Source,
    labels: set[str],
    lives: Lives,
    processes: Sequence[Process],
    span: tuple[float, float],
) -> bool:
    """Whether a metric is named as ``source`` would be, and has those labels in a window."""
    if (other.framework, other.histogram) != (source.framework, source.histogram):
        return False
    return any(
        piece.process in processes
        and piece.series.times[0] <= span[1]
        and piece.series.times[-1] > span[0]
        and labels <= piece.series.labels.keys()
        for piece in lives.pieces.get(other.metric, ())
    )


def _alike(selection: Selection, found: FoundMetrics) -> list[str]:
    """Names that Prometheus has and that may be the metric under another name."""
    wanted = {source.metric for source in selection.sources}
    bare = {name.removesuffix(end) for name in wanted for end in ("_count", "_bucket", "_total")}
    names = (name for name in sorted(found.names) if name not in wanted and any(one in name for one in bare))
    return [name for name, _number in zip(names, range(MOST_NAMES))]
