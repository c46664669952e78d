# SPDX-License-Identifier: GPL-3.0-or-later
"""The task prometheus_sample: wait until windows are over, then read their figures."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..cluster.connection import Cluster, RequestFailed
from ..errors import LabError
from ..findings import show_faulty
from ..formatting import value_text
from ..results import lab_stage
from ..results.attempts import next_samples
from ..results.schema import SCHEMA_ID, find_fault
from ..task import Context, Params, Result, Task, silent
from . import (
    query,
)
from . import (
    samples_file as raw,
)
from .client import Prometheus, PrometheusError
from .connect import (
    PROFILE,
    PROMETHEUS,
    VALIDATION,
    connect,
    profile_text,
    profile_variables,
    read_default,
    with_profile,
)
from .figures import Reading, Window, work_out_all
from .load_findings import stage_findings
from .profile import Figure, Profile
from .reader import Reader
from .targets import read_targets, scrape_interval

SPEC: dict[str, Any] = {
    **PROMETHEUS,
    **PROFILE,
    "windows": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "title": {"type": "str"},
            "start": {"type": "float"},
            "duration": {"type": "float", "required": True},
        },
    },
    "scrape_interval": {"type": "float"},
    "compare": {"type": "dict", "default": {}},
    "absent_components": {"type": "list", "elements": "str", "default": []},
    "raw_path": {"type": "path"},
    "samples_dir": {"type": "path"},
    "about": {
        "type": "dict",
        "options": {
            name: lab_stage.SPEC[name] for name in ("stage", "started", "events", "versions", "settings", "facts")
        },
    },
    "series": {"type": "bool", "default": False},
    "series_start": {"type": "float"},
    "series_end": {"type": "float"},
    "progress_figures": {"type": "list", "elements": "str"},
}

#: Seconds after a scrape until its samples can be asked for.
MARGIN = 1.0
#: Seconds between two lines of progress, and for the values that stand in one.
PROGRESS = 5.0
PATIENCE = 3.0
#: Seconds in which a Prometheus that has just started finds its first pods, and between two looks.
DISCOVERY = 30.0
DISCOVERY_LOOKS = 2.0
#: Clocks closer than this many seconds are taken for equal: measuring them is not more exact.
EQUAL_CLOCKS = 1.0
#: An answer within so many seconds tells the clock exactly enough.
QUICK = 0.1


@dataclass(frozen=True)
class Clock:
    """Unix time that goes on evenly when this machine's clock is set while a task waits."""

    wall: float = field(default_factory=time.time)
    steady: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return self.wall + time.monotonic() - self.steady


def run(params: Params, context: Context, cluster: Cluster | None = None) -> Result:
    """Read the figures of all windows. Raises LabError.

    cluster: a connection to use where the cluster is asked, in place of one of its own.
    Returns windows and series in the form of the results (docs/architecture.md), findings about the load,
    scrape_interval, clock_skew and waited in seconds, prometheus_version,
    frameworks, notes and raw_path.
    """
    windows = read_windows(params["windows"])
    question = read_question(params, windows)
    profile = question.bound()
    shown = progress_figures(profile, params["progress_figures"])
    if params["scrape_interval"] is not None:
        long_enough(windows, params["scrape_interval"])
    result: Result = {
        "changed": False,
        "windows": [],
        "findings": [],
        "series": [],
        "scrape_interval": params["scrape_interval"],
        "prometheus_version": None,
        "clock_skew": None,
        "frameworks": [],
        "notes": [],
        "waited": 0.0,
        "raw_path": raw_path(params),
    }
    result["changed"] = result["raw_path"] is not None
    if context.check_mode:
        return result

    clock = Clock()
    with connect(params, cluster) as client:
        interval = params["scrape_interval"] or found_interval(client, profile, windows, clock, context.show)
        long_enough(windows, interval)
        version = prometheus_version(client)
        measured = clock_skew(client, clock)
        skew = measured if abs(measured) > EQUAL_CLOCKS else 0.0
        reader = Reader(client, profile, interval, skew)

        before = clock.now()
        until = max(window.end for window in windows) + interval + MARGIN
        if before < until:
            reader.find(before - 60, before)
            wait(reader, windows, shown, until, clock, context.show)
        waited = clock.now() - before

        start = min(window.start for window in windows)
        end = max(window.end for window in windows)
        reader.find(start, end)
        readings = read_decided(reader, windows, clock, context.show)
        read = round(clock.now(), 3)
        try:
            if params["series"]:
                first = start if params["series_start"] is None else params["series_start"]
                last = end if params["series_end"] is None else params["series_end"]
                result["series"] = reader.series(first, last)
        finally:
            # Whatever goes wrong now: figures can be worked out again, samples do not come back.
            told = {
                "scrape_interval": interval,
                "prometheus_version": version,
                "clock_skew": round(measured, 3),
                "frameworks": reader.frameworks,
                "notes": reader.notes + skew_notes(skew),
            }
            result["raw_path"] = keep(params, raw.Kept(question, readings, read, result["series"], told))

    result.update(told, windows=work_out_all(profile, readings, windows, question.earlier), waited=round(waited, 3))
    if question.about is not None:
        result["findings"] = stage_findings(result["windows"], question.earlier, question.about["settings"])
        show_faulty(result["findings"], context.show)
    return result


def keep(params: Params, kept: raw.Kept) -> str | None:
    """Write the samples where the arguments say; return the file, None when nowhere. Raises LabError."""
    if params["samples_dir"] is not None:
        return str(raw.save_new(params["samples_dir"], params["about"]["stage"], kept))
    if params["raw_path"] is not None:
        raw.save(params["raw_path"], kept)
    return params["raw_path"]


# -- what was asked for ---------------------------------------------------------


def read_question(params: Params, windows: Sequence[Window]) -> raw.Question:
    """What the arguments ask for. Raises LabError."""
    text, name = profile_text(params)
    return raw.Question(
        profile=text,
        profile_name=name,
        namespace=params["namespace"],
        release=params["release"],
        variables=profile_variables(params),
        server_version=params["server_version"] or "",
        windows=windows,
        earlier=read_compare(params["compare"]),
        absent_components=params["absent_components"],
        about=read_about(params["about"]),
    )


def read_about(given: Params | None) -> dict[str, Any] | None:
    """What the task was told of the stage. Raises LabError for what could not be written as one later."""
    if given is None:
        return None
    parts = {"student": "-", "run": "-", "attempt": 1, "state": "done", "message": "", "windows": [], "series": []}
    fault = find_fault({"schema": SCHEMA_ID, **parts, "finished": given["started"], **given})
    if fault:
        raise LabError(f"`about` does not describe a stage: {fault}.")
    return dict(given)


def raw_path(params: Params) -> str | None:
    """The file that the samples will be kept in, None without. Raises LabError."""
    if params["samples_dir"] is None:
        return params["raw_path"]
    if params["raw_path"] is not None:
        raise LabError("Samples are kept in one file: give `samples_dir` or `raw_path`, not both.")
    if params["about"] is None:
        raise LabError("`samples_dir` keeps samples by their stage: say in `about` which one it is.")
    return str(next_samples(Path(params["samples_dir"]).absolute(), params["about"]["stage"]))


def read_compare(given: Any) -> dict[str, dict[str, float | None]]:
    """Values of earlier windows out of the arguments. Raises LabError for what is no number."""
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


def read_windows(entries: Sequence[dict[str, Any]]) -> list[Window]:
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
    least = query.LEAST_SCRAPES * interval
    for window in windows:
        if window.length < least:
            raise LabError(
                f"The window {window.name!r} of {window.length:g} s is too short for a scrape every {interval:g} s: "
                f"make it at least {least:g} s, or let Prometheus scrape more often.",
                window=window.name,
                scrape_interval=interval,
            )


def progress_figures(profile: Profile, ids: Sequence[str] | None) -> list[Figure]:
    """Figures to show while waiting: those named, else the key ones with a short title. Raises LabError."""
    if ids is None:
        return [figure for figure in profile.figures if figure.key and figure.short]
    return [profile.figure(figure_id) for figure_id in ids]


# -- what Prometheus is like ----------------------------------------------------


def found_interval(
    client: Prometheus,
    profile: Profile,
    windows: Sequence[Window],
    clock: Clock,
    show: Callable[[str], None] = silent,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Seconds between scrapes. Raises LabError when a window is still to come and nothing is scraped for it."""
    targets = read_targets(client)
    interval = scrape_interval(client, targets, profile.filters)
    coming = any(window.end > clock.now() for window in windows)
    begin = clock.now()
    while coming and not targets and clock.now() - begin < DISCOVERY:
        show("Prometheus has just started: waiting for it to find the pods that it scrapes")
        sleep(DISCOVERY_LOOKS)
        targets = read_targets(client)
        interval = scrape_interval(client, targets, profile.filters)
    if coming and not any(query.matches(profile.filters, target.labels) for target in targets):
        raise LabError(
            f"Prometheus at {client.address} scrapes no pod with {', '.join(profile.filters)}: correct `namespace`, or "
            f"the variables of the profile that name job and label, or see whether the pods are annotated for scraping."
        )
    return interval


def prometheus_version(client: Prometheus) -> str | None:
    """Version of Prometheus, None where its build or something that answers in its place does not say."""
    try:
        return client.status("buildinfo").get("version") or None
    except (PrometheusError, RequestFailed) as error:
        if error.status != 404:
            raise
        return None


def clock_skew(client: Prometheus, clock: Clock) -> float:
    """Seconds by which Prometheus' clock is ahead of this machine's, from the first quick one of three answers.

    Where none is quick the quickest counts.
    """
    found = []
    for _answer in range(3):
        before = clock.now()
        theirs = client.now()
        after = clock.now()
        # Somewhere in between the other clock was read: the error is half of that time at the most.
        found.append((after - before, theirs - (before + after) / 2))
        if after - before <= QUICK:
            break
    return min(found)[1]


def skew_notes(skew: float) -> list[str]:
    """A sentence on a clock of Prometheus that is so many seconds ahead of this machine's, when it is."""
    if not skew:
        return []
    side = "ahead of" if skew > 0 else "behind"
    return [f"The clock of Prometheus is {abs(skew):.1f} s {side} this machine's; times were corrected by that."]


# -- while a window runs --------------------------------------------------------


def wait(
    reader: Reader,
    windows: Sequence[Window],
    shown: Sequence[Figure],
    until: float,
    clock: Clock,
    show: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a time, with a line of progress every few seconds where it can be seen."""
    while (now := clock.now()) < until:
        if show is not silent:
            show(progress_line(windows, now, current_values(reader, shown, now)))
        sleep(max(0.0, min(PROGRESS - (clock.now() - now), until - clock.now())))


def read_decided(
    reader: Reader,
    windows: Sequence[Window],
    clock: Clock,
    show: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> list[Reading]:
    """Samples of windows; read again a little later when it is too early to tell whether a target is gone.

    Raises LabError.
    """
    readings = reader.read(windows)
    left = max(reading.decided() for reading in readings) - reader.skew + MARGIN - clock.now()
    if left > 0:
        show(f"a pod was scraped for the last time just before the end: {left:.0f} s more will tell whether it is gone")
        sleep(left)
        # Without an answer now, what was read is only less certain.
        with contextlib.suppress(LabError):
            readings = reader.read(windows)
    return readings


def current_values(reader: Reader, shown: Sequence[Figure], now: float) -> str:
    """Values of the figures just now, in words. A Prometheus that does not answer does not end the wait."""
    if not shown:
        return ""
    try:
        values = reader.current(shown, now, PATIENCE)
    except LabError:
        return "Prometheus does not answer at the moment"
    texts = []
    for figure in shown:
        found = values[figure.id]
        least = reader.found.smallest_value(figure)
        text = " / ".join(
            f"≤ {value_text(least, figure.unit)}" if value <= least else value_text(value, figure.unit)
            for value in found
        )
        text = text or "not known yet"
        texts.append(f"{figure.short or figure.title} {text}")
    return " · ".join(texts)


def progress_line(windows: Sequence[Window], now: float, values: str) -> str:
    """One line: the window that runs, its time left, and the values."""
    running = [window for window in windows if window.end > now]
    if not running:
        first = f"{windows[-1].title}: over, waiting for its last scrape"
    else:
        window = min(running, key=lambda one: (one.start > now, one.end))
        left = max(0, round(window.end - max(now, window.start)))
        first = f"{window.title}: {left // 60}:{left % 60:02d} left"
        if window.start > now:
            first = f"{window.title}: begins in {round(window.start - now)} s"
    return f"{first} · {values}" if values else first


TASK = Task(SPEC, run, VALIDATION, elsewhere=with_profile, before_fork=read_default)
