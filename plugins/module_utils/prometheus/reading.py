# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from Prometheus for a window: raw samples, and PromQL's own answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .lives import Lives
from .profile import Figure, Profile
from .query import FoundMetrics
from .series import Series, finite

#: Tells when a process was made, where it has this metric.
STARTED = "process_start_time_seconds"


@dataclass(frozen=True)
class Window:
    """A span that figures are worked out for; ``start`` is Unix seconds, ``length`` seconds."""

    name: str
    title: str
    start: float
    length: float

    @property
    def end(self) -> float:
        return round(self.start + self.length, 3)


@dataclass(frozen=True)
class Samples:
    """The raw samples of one metric: the query that gave them, the matchers of figures in it, and the series."""

    query: str
    where: tuple[str, ...]
    series: list[Series]


@dataclass
class Reading:
    """What was read from Prometheus for windows that lie close together.

    Times of samples, begin and end are on Prometheus' clock, those of windows on this
    machine's; skew is the difference. found: what Prometheus has of the profile. starts: samples of
    process_start_time_seconds. answers: PromQL's own values by window and figure (NaN for what
    is no number), or why there are none. faults: why samples of a metric cannot be worked with, by its
    name; of the name "", why the samples as a whole are not all that there are.
    known_lives: the lives of its processes once they were worked out, with the profile that they are of.
    """

    windows: list[Window]
    interval: float
    skew: float
    begin: float
    end: float
    found: FoundMetrics
    up: Samples
    starts: Samples
    metrics: dict[str, Samples]
    answers: dict[str, dict[str, float] | str]
    faults: Mapping[str, str] = field(default_factory=dict)
    known_lives: tuple[Profile, Lives] | None = field(default=None, init=False, repr=False, compare=False)
    _numbers: dict[str, tuple[list[Series], int]] = field(default_factory=dict, repr=False, compare=False)

    def decided(self) -> float:
        """Time from which on it is known of every target whether it is gone or only late; Prometheus' clock.

        A scrape that should have come an interval after the last one may take another until it has failed.
        """
        end = round(max(window.end for window in self.windows) + self.skew, 3)
        last = [one.times[-1] for one in self.up.series if one.times[-1] <= end]
        return max(last, default=0.0) + 2 * self.interval

    @property
    def not_whole(self) -> str:
        """Why no figure of these samples is certain; empty when nothing says so."""
        reasons = [self.faults[""]] if "" in self.faults else []
        reasons += [f"{metric}: {self.faults[metric]}" for metric in ("up", STARTED) if metric in self.faults]
        return "; ".join(reasons)

    def fault(self, figure: Figure) -> str:
        """Why a figure cannot be worked out, since the samples of a metric of it are no use; empty when it can."""
        for selection in figure.selections:
            for source in selection.sources:
                if source.metric in self.faults:
                    return f"{source.metric}: {self.faults[source.metric]}"
        return ""

    def numbers(self, metric: str) -> tuple[list[Series], int]:
        """Series of a metric with the samples that are numbers, and how many others were left out."""
        if metric not in self._numbers:
            self._numbers[metric] = finite(self.metrics[metric].series if metric in self.metrics else ())
        return self._numbers[metric]


class Wanted(NamedTuple):
    """What to read of a metric: who tells it, and the label matchers that all figures of the metric share."""

    observer: str
    where: tuple[str, ...]


def wanted(profile: Profile, found: FoundMetrics) -> dict[str, Wanted]:
    """Metrics to read for a profile.

    All names that a metric may have are read, since the API also names metrics of long ago. What an observer tells is
    read in one request: its filters leave little.
    """
    metrics: dict[str, Wanted] = {}
    for figure in profile.figures:
        for selection in figure.selections:
            for metric in {source.metric: None for source in selection.sources if source.metric in found.names}:
                shared = metrics[metric].where if metric in metrics else selection.where
                where = () if figure.observer else tuple(one for one in shared if one in selection.where)
                metrics[metric] = Wanted(figure.observer, where)
    return metrics
