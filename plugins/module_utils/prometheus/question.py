# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for: a profile, what binds it, and the windows to measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import LabError
from ..results.types import Values
from . import profile_file
from .profile import Figure, Profile
from .query import LEAST_SCRAPES
from .reading import Window


@dataclass(frozen=True)
class Question:
    """What was asked for: the text of a profile, what binds it, and the windows in their order.

    earlier: values of the windows that these are compared with.
    absent_components: those of the profile that were known not to be there.

    The rest says how to measure, and is not kept with the samples. scrape_interval: seconds; None asks Prometheus.
    course: the span in Unix seconds whose course is read for plots; None reads none.
    progress: ids of the figures in a line of progress; None is the profile's choice.
    """

    profile: str
    profile_name: str
    namespace: str
    release: str
    variables: Mapping[str, str]
    server_version: str
    windows: Sequence[Window]
    earlier: Values
    absent_components: Sequence[str] = ()
    scrape_interval: float | None = None
    course: tuple[float, float] | None = None
    progress: Sequence[str] | None = None

    @cached_property
    def bound(self) -> Profile:
        """The bound profile. Raises LabError."""
        return self.bind(profile_file.parse(self.profile, self.profile_name), self.variables)

    def bind(self, profile: Profile, variables: Mapping[str, str]) -> Profile:
        """A profile bound to what was asked for, with those values of its variables. Raises LabError."""
        bound = profile.bind(self.namespace, self.release, variables, self.server_version)
        return bound.without(self.absent_components)

    @cached_property
    def shown(self) -> list[Figure]:
        """Figures to show while waiting. Raises LabError."""
        return progress_figures(self.bound, self.progress)

    @property
    def span(self) -> tuple[float, float]:
        """From the start of the first window to the end of the last, in Unix seconds."""
        return min(window.start for window in self.windows), max(window.end for window in self.windows)

    def check(self) -> None:
        """Raise LabError for what is wrong with the question itself: before the wait, and without Prometheus."""
        _shown = self.shown
        if self.scrape_interval is not None:
            long_enough(self.windows, self.scrape_interval)


def progress_figures(profile: Profile, ids: Sequence[str] | None) -> list[Figure]:
    """Figures to show while waiting: those named, else the key ones with a short title. Raises LabError."""
    if ids is None:
        return [figure for figure in profile.figures if figure.key and figure.short]
    return [profile.figure(figure_id) for figure_id in ids]


def read_earlier(given: Any) -> dict[str, dict[str, float | None]]:
    """Values of earlier windows out of the argument `compare`. Raises LabError for what is no number."""
    earlier: dict[str, dict[str, float | None]] = {}
    for window, values in given.items():
        if not isinstance(values, dict):
            raise LabError(f"`compare` must give the window {window!r} as a mapping of figure ids to values.")
        earlier[window] = {}
        for figure, value in values.items():
            try:
                number = None if value in (None, "") else float(value)
            except (TypeError, ValueError):
                number = math.nan
            if number is not None and not math.isfinite(number):
                raise LabError(
                    f"`compare` has {value!r} for {figure!r} in the window {window!r}: give a number or null."
                )
            earlier[window][figure] = number
    return earlier


def read_windows(entries: Sequence[Mapping[str, Any]]) -> list[Window]:
    """Windows of the arguments; one without a start begins where the one before it ends.

    Raises LabError for one without length, with the name of another, or with nothing that says when it begins.
    """
    windows: list[Window] = []
    for entry in entries:
        name = entry["name"]
        if entry["duration"] <= 0:
            raise LabError(f"The window {name!r} has a duration of {entry['duration']:g} s: it must be above zero.")
        if name in [window.name for window in windows]:
            raise LabError(f"Two windows are named {name!r}: give each a name of its own.")
        start = entry["start"]
        if start is None and not windows:
            raise LabError(f"The window {name!r} is the first and has no `start`: give it one, in Unix seconds.")
        start = windows[-1].end if start is None else round(start, 3)
        windows.append(Window(name, entry["title"] or name, start, entry["duration"]))
    if not windows:
        raise LabError("There is no window to read: give at least one in `windows`.")
    return windows


def long_enough(windows: Sequence[Window], interval: float) -> None:
    """Raise LabError for a window that cannot hold the scrapes that a rate needs."""
    if interval <= 0:
        raise LabError(f"`scrape_interval` is {interval:g} s: it must be above zero.")
    least = LEAST_SCRAPES * interval
    for window in windows:
        if window.length < least:
            raise LabError(
                f"The window {window.name!r} of {window.length:g} s is too short for a scrape every {interval:g} s: "
                f"make it at least {least:g} s, or let Prometheus scrape more often.",
                window=window.name,
                scrape_interval=interval,
            )
