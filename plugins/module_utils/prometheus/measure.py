# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring: wait until windows are over, then read their samples. Figures are worked out from what it keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ..errors import LabError
from ..results.types import SeriesResult
from ..task import silent
from .client import Prometheus
from .kept_samples import Kept
from .matchers import matches
from .profile import Figure, Profile
from .progress import current_values, progress_line
from .question import Question, long_enough
from .reader import Reader
from .reading import Reading, Window
from .server import EQUAL_CLOCKS, Clock, clock_skew, has_smoothed, prometheus_version, skew_notes
from .targets import read_targets, scrape_interval

#: Seconds after a scrape until its samples can be asked for.
SETTLE = 1.0
#: Seconds between two lines of progress.
PROGRESS = 5.0
#: Seconds between two looks at whether what is measured is still there.
GLANCE = 15.0
#: Seconds in which a Prometheus that has just started finds its first pods, and between two looks.
DISCOVERY = 30.0
DISCOVERY_LOOKS = 2.0

Show = Callable[[str], None]


def nothing() -> None:
    """Look at nothing."""


def measure(
    question: Question, client: Prometheus, clock: Clock, show: Show, glance: Callable[[], None] = nothing
) -> Kept:
    """Wait until the windows are over, and read what their figures are worked out from.

    show: takes a line of progress. glance: called now and then while windows run; what it raises ends the wait.
    Raises LabError; not for the course, without which the samples are of use.
    """
    profile, windows, shown = question.bound, question.windows, question.shown
    interval = question.scrape_interval or found_interval(client, profile, windows, clock, show)
    long_enough(windows, interval)
    version = prometheus_version(client)
    measured = clock_skew(client, clock)
    skew = measured if abs(measured) > EQUAL_CLOCKS else 0.0
    reader = Reader(client, profile, interval, skew, has_smoothed(client, version))
    start, end = question.span

    before = clock.now()
    until = end + interval + SETTLE
    if before < until:
        reader.find(before - 60, before)
        wait(reader, windows, shown, until, clock, show, glance)
    waited = clock.now() - before

    reader.find(start, end)
    readings = read_decided(reader, windows, clock, show)
    read = round(clock.now(), 3)
    series: list[SeriesResult] = []
    no_course = None
    try:
        if question.course is not None:
            series = reader.series(*question.course)
    except LabError as error:
        no_course = error
    return Kept(
        question=question,
        readings=readings,
        read=read,
        series=series,
        prometheus={
            "scrape_interval": interval,
            "prometheus_version": version,
            "clock_skew": round(measured, 3),
            "frameworks": reader.frameworks,
            "notes": [*reader.notes, *fault_notes(readings), *skew_notes(skew)],
        },
        waited=round(waited, 3),
        no_course=no_course,
    )


def fault_notes(readings: Sequence[Reading]) -> list[str]:
    """A sentence on each metric whose samples are no use."""
    faults = {metric: reason for reading in readings for metric, reason in reading.faults.items() if metric}
    return [f"{metric} was left out: {reason}." for metric, reason in sorted(faults.items())]


def found_interval(client: Prometheus, profile: Profile, windows: Sequence[Window], clock: Clock, show: Show) -> float:
    """Seconds between scrapes. Raises LabError when a window is still to come and nothing is scraped for it."""
    targets = read_targets(client)
    interval = scrape_interval(client, targets, profile.filters)
    coming = any(window.end > clock.now() for window in windows)
    begin = clock.now()
    while coming and not targets and clock.now() - begin < DISCOVERY:
        show("Prometheus has just started: waiting for it to find the pods that it scrapes")
        clock.sleep(DISCOVERY_LOOKS)
        targets = read_targets(client)
        interval = scrape_interval(client, targets, profile.filters)
    if coming and not any(matches(profile.filters, target.labels) for target in targets):
        raise LabError(
            f"Prometheus at {client.address} scrapes no pod with {', '.join(profile.filters)}: correct `namespace`, or "
            f"the variables of the profile that name job and label, or annotate the pods for scraping."
        )
    return interval


def wait(
    reader: Reader,
    windows: Sequence[Window],
    shown: Sequence[Figure],
    until: float,
    clock: Clock,
    show: Show,
    glance: Callable[[], None] = nothing,
) -> None:
    """Wait until a time, with a line of progress every few seconds where it can be seen."""
    glanced = clock.now()
    while (now := clock.now()) < until:
        if now - glanced >= GLANCE:
            glance()
            glanced = now
        if show is not silent:
            show(progress_line(windows, now, current_values(reader, shown, now)))
        clock.sleep(max(0.0, min(PROGRESS - (clock.now() - now), until - clock.now())))


def read_decided(reader: Reader, windows: Sequence[Window], clock: Clock, show: Show) -> list[Reading]:
    """Samples of windows; read again a little later when it is too early to tell whether a target is gone.

    Raises LabError.
    """
    readings = reader.read(windows)
    left = max(reading.decided() for reading in readings) - reader.skew + SETTLE - clock.now()
    if left > 0:
        show(f"a pod was scraped for the last time just before the end: {left:.0f} s more will tell whether it is gone")
        clock.sleep(left)
        # Without an answer now, what was read is only less certain.
        with contextlib.suppress(LabError):
            readings = reader.read(windows)
    return readings
