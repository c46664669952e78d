# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples in a file, and the figures worked out again from it, without Prometheus.

The file is JSON, compressed with gzip. Values stand as Prometheus wrote them, so that nothing is
lost; sample times are whole milliseconds. It holds what a stage file is made of besides, so that
one can be written without the cluster. docs/measurement.md describes it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..files import put_file
from ..results.attempts import write_samples
from ..results.stage_file import window_values
from . import profile as profiles
from .figures import Earlier, Reading, Samples, Window, promql, work_out, work_out_all
from .profile import Figure, Profile
from .query import Found, choose
from .series import (
    Pool,
    Series,
)

SCHEMA = "temporal_lab.benchmarking/samples/1"
#: Of gzip: samples are mostly repetition, and more effort than this saves little.
LEVEL = 3
#: What a figure without samples still says, in the results.
DESCRIBING = (
    *("id", "title", "question", "unit", "direction", "key", "value", "state", "reason"),
    *("query", "time", "coverage", "metrics", "notes", "thresholds", "reference"),
)
#: Of a figure that was not in the profile when the samples were read.
NOT_ASKED = "PromQL was not asked for this figure when the samples were read"


@dataclass(frozen=True)
class Question:
    """What was asked for: a profile before it is bound, what binds it, and the windows in their order.

    absent_components: those of the profile that were known not to be there.
    about: what the task was told of the stage, under the names that lab_stage has for it; None when nothing.
    """

    profile: str
    profile_name: str
    namespace: str
    release: str
    variables: Mapping[str, str]
    server_version: str
    windows: Sequence[Window]
    earlier: Earlier
    about: Mapping[str, Any] | None = None
    absent_components: Sequence[str] = ()

    def bound(self) -> Profile:
        """The bound profile. Raises LabError."""
        return self.bind(profiles.parse(self.profile, self.profile_name), self.variables)

    def bind(self, profile: Profile, variables: Mapping[str, str]) -> Profile:
        """A profile bound to what was asked for, with those values of its variables. Raises LabError."""
        bound = profile.bind(self.namespace, self.release, variables, self.server_version)
        return bound.without(self.absent_components)


@dataclass(frozen=True)
class Kept:
    """What a file of samples holds.

    read: when the samples were read, in Unix seconds. series: the course for plots.
    prometheus: what prometheus_sample returns about Prometheus, such as scrape_interval.
    """

    question: Question
    readings: Sequence[Reading]
    read: float
    series: Sequence[Mapping[str, Any]]
    prometheus: Mapping[str, Any]

    def windows(self, profile: Profile | None = None, earlier: Earlier | None = None) -> list[dict[str, Any]]:
        """The windows with their figures, worked out from the samples alone.

        ``profile`` (bound) takes the place of the one in the file, and ``earlier`` that of the values of
        earlier windows. A figure whose series were not read has no value, and PromQL has none for a figure
        that it was not asked for. Raises LabError for a profile of other filters: all was read through them.
        """
        own = self.question.bound()
        earlier = self.question.earlier if earlier is None else earlier
        if profile is None:
            return work_out_all(own, self.readings, self.question.windows, earlier)
        if set(profile.filters) != set(own.filters):
            raise LabError(
                f"The profile reads series with {', '.join(profile.filters)}, and these samples were read with "
                f"{', '.join(own.filters)}: give it the same filters, and the same values of their variables."
            )
        known = dict(earlier)
        done = []
        for window in self.question.windows:
            reading = next(one for one in self.readings if window in one.windows)
            asked = _asked(own, profile, reading, window)
            answers = reading.answers.get(window.name, {})
            if not isinstance(answers, str):
                answers = {figure: value for figure, value in answers.items() if figure in asked}
            worked = work_out(profile, replace(reading, answers={window.name: answers}), window, known)
            worked["figures"] = [
                _as_read(figure, worked_out, reading, figure.id in asked)
                for figure, worked_out in zip(profile.figures, worked["figures"])
            ]
            done.append(worked)
            known.update(window_values([worked]))
        return done


def save(path: str | Path, kept: Kept) -> None:
    """Write a file of samples, whole or not at all, in the place of one that is there. Raises LabError."""
    target = Path(path).expanduser()
    try:
        put_file(target, _packed(kept))
    except OSError as error:
        raise LabError(
            f"The samples cannot be written to {target}: {error.strerror}; give `raw_path` a file in a folder that is "
            f"there and may be written to."
        ) from None


def save_new(folder: str | Path, stage: str, kept: Kept) -> Path:
    """Write a file of samples into a run's folder, beside those that are there; return it. Raises LabError."""
    return write_samples(Path(folder).absolute(), stage, _packed(kept))


def _packed(kept: Kept) -> bytes:
    question = kept.question
    data = {
        "schema": SCHEMA,
        "profile": question.profile,
        "profile_name": question.profile_name,
        "namespace": question.namespace,
        "release": question.release,
        "variables": dict(question.variables),
        "server_version": question.server_version,
        "windows": [[one.name, one.title, one.start, one.length] for one in question.windows],
        "earlier": {name: dict(values) for name, values in question.earlier.items()},
        "absent_components": list(question.absent_components),
        "about": question.about,
        "read": kept.read,
        "prometheus": dict(kept.prometheus),
        "series": list(kept.series),
        "readings": [_reading_packed(reading) for reading in kept.readings],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), LEVEL, mtime=0)


def load(path: str | Path) -> Kept:
    """Read such a file. Raises LabError when it is none."""
    try:
        data = json.loads(gzip.decompress(Path(path).expanduser().read_bytes()))
        if data["schema"] != SCHEMA:
            raise LabError(f"{path} has the schema {data['schema']!r}, and this version reads {SCHEMA!r}.")
        question = Question(
            profile=data["profile"],
            profile_name=data["profile_name"],
            namespace=data["namespace"],
            release=data["release"],
            variables=data["variables"],
            server_version=data["server_version"],
            windows=[Window(*window) for window in data["windows"]],
            earlier=data["earlier"],
            absent_components=data.get("absent_components", ()),
            about=data["about"],
        )
        readings = [_unpacked(reading) for reading in data["readings"]]
        return Kept(question, readings, data["read"], data["series"], data["prometheus"])
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        what = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else "it is no file of samples, or not whole"
        )
        raise LabError(f"The samples in {path} cannot be read: {what}; use others, or measure again.") from None


def work_out_again(path: str | Path, profile: Profile | None = None) -> list[dict[str, Any]]:
    """The windows of a file of samples with their figures, without Prometheus: see Kept.windows. Raises LabError."""
    return load(path).windows(profile)


# -- another profile ------------------------------------------------------------


def _asked(own: Profile, profile: Profile, reading: Reading, window: Window) -> set[str]:
    """Ids of the profile's figures that PromQL was asked for in the same words."""

    def words(of: Profile) -> set[tuple[str, str]]:
        return {
            (figure.id, promql(figure, reading.found, of.filters, window, reading.interval)) for figure in of.figures
        }

    return {figure for figure, _query in words(own) & words(profile)}


def _unread(figure: Figure, reading: Reading) -> str:
    """The metric of which the samples lack series that a figure needs; empty when they have all of them."""
    for selection in figure.selections:
        metric = choose(selection, reading.found).metric
        if metric not in reading.found.names:
            # Prometheus had none of it: that is known, and the profile says what it means.
            continue
        read = reading.metrics.get(metric)
        if read is None or not set(read.where) <= set(selection.where):
            return metric
    return ""


def _as_read(figure: Figure, worked_out: dict[str, Any], reading: Reading, asked: bool) -> dict[str, Any]:
    """A figure with nothing said of what was not read: a missing series is not zero, nor a missing answer PromQL's."""
    metric = _unread(figure, reading)
    if metric:
        found = {name: value for name, value in worked_out.items() if name in DESCRIBING}
        reason = f"not all series of {metric} that it needs were read with these samples"
        found.update(value=None, state="inconclusive", reason=reason, notes=[])
        if figure.by:
            found["by"] = {}
        return {**found, "promql": None, "promql_difference": None, "promql_reason": NOT_ASKED}
    return worked_out if asked else {**worked_out, "promql_reason": NOT_ASKED}


# -- the file ---------------------------------------------------------------------


def _reading_packed(reading: Reading) -> dict[str, Any]:
    # Series that were scraped together share their times, in memory and in the file.
    times: dict[tuple[float, ...], int] = {}
    # Of most series the times are one object: to hash thousands of tuples takes long.
    numbers: dict[int, int] = {}

    def number(of: tuple[float, ...]) -> int:
        if id(of) not in numbers:
            numbers[id(of)] = times.setdefault(of, len(times))
        return numbers[id(of)]

    def samples(of: Samples) -> dict[str, Any]:
        series = [[one.labels, number(one.times), one.text] for one in of.series]
        return {"query": of.query, "where": of.where, "series": series}

    packed: dict[str, Any] = {
        "windows": [[one.name, one.title, one.start, one.length] for one in reading.windows],
        "interval": reading.interval,
        "skew": reading.skew,
        "begin": reading.begin,
        "end": reading.end,
        "names": sorted(reading.found.names),
        "smallest": dict(reading.found.smallest),
        "up": samples(reading.up),
        "starts": samples(reading.starts),
        "metrics": {metric: samples(of) for metric, of in reading.metrics.items()},
        # As text: JSON has no NaN.
        "answers": {
            window: of if isinstance(of, str) else {figure: repr(value) for figure, value in of.items()}
            for window, of in reading.answers.items()
        },
    }
    packed["times"] = [[round(time * 1000) for time in of] for of in times]
    return packed


def _unpacked(data: Mapping[str, Any]) -> Reading:
    pool = Pool()
    times = [tuple(time / 1000 for time in of) for of in data["times"]]

    def series(row: Sequence[Any]) -> Series:
        return pool.series(row[0], times[row[1]], row[2].split(" "))

    def samples(of: Mapping[str, Any]) -> Samples:
        return Samples(of["query"], tuple(of["where"]), [series(row) for row in of["series"]])

    return Reading(
        windows=[Window(*window) for window in data["windows"]],
        interval=data["interval"],
        skew=data["skew"],
        begin=data["begin"],
        end=data["end"],
        found=Found(frozenset(data["names"]), data["smallest"]),
        up=samples(data["up"]),
        starts=samples(data["starts"]),
        metrics={metric: samples(of) for metric, of in data["metrics"].items()},
        answers={
            window: of if isinstance(of, str) else {figure: float(value) for figure, value in of.items()}
            for window, of in data["answers"].items()
        },
    )
