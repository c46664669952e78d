# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples in a file, and the figures worked out again from it, without Prometheus.

The file is JSON, compressed with gzip. Values stand as Prometheus wrote them, so that nothing is
lost; sample times are whole milliseconds. docs/measurement.md describes it.
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError
from . import profile as profiles
from .figures import Earlier, Reading, Samples, Window, work_out_all
from .profile import Profile
from .query import Found
from .samples import Pool, Series

SCHEMA = "temporal_lab.benchmarking/samples/1"
#: Of gzip: samples are mostly repetition, and more effort than this saves little.
LEVEL = 3


@dataclass(frozen=True)
class Question:
    """What was asked for: a profile before it is bound, what binds it, and the windows in their order."""

    profile: str
    profile_name: str
    namespace: str
    release: str
    variables: Mapping[str, str]
    server_version: str
    windows: Sequence[Window]
    earlier: Earlier

    def bound(self) -> Profile:
        """The bound profile. Raises LabError."""
        profile = profiles.parse(self.profile, self.profile_name)
        return profile.bind(self.namespace, self.release, self.variables, self.server_version)


def save(path: str | Path, question: Question, readings: Sequence[Reading]) -> None:
    """Write all that the figures came from into a file, whole or not at all. Raises LabError."""
    target = Path(path).expanduser()
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
        "readings": [_packed(reading) for reading in readings],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(gzip.compress(text.encode(), LEVEL, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise LabError(
            f"The samples cannot be written to {target}: {error.strerror}; give `raw_path` a file in a folder that is "
            f"there and may be written to."
        ) from None


def load(path: str | Path) -> tuple[Question, list[Reading]]:
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
        )
        return question, [_unpacked(reading) for reading in data["readings"]]
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        what = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else "it is no file of samples, or not whole"
        )
        raise LabError(f"The samples in {path} cannot be read: {what}.") from None


def work_out_again(path: str | Path, profile: Profile | None = None) -> list[dict[str, Any]]:
    """The windows of a file of samples with their figures, without Prometheus.

    ``profile`` (bound) takes the place of the one in the file: figures of metrics that were read
    can be added or changed. Raises LabError.
    """
    question, readings = load(path)
    return work_out_all(profile or question.bound(), readings, question.windows, question.earlier)


def _packed(reading: Reading) -> dict[str, Any]:
    # Series that were scraped together share their times, in memory and in the file.
    numbers: dict[tuple[float, ...], int] = {}

    def samples(of: Samples) -> dict[str, Any]:
        series = [[one.labels, numbers.setdefault(one.times, len(numbers)), one.text] for one in of.series]
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
    packed["times"] = [[round(time * 1000) for time in times] for times in numbers]
    return packed


def _unpacked(data: Mapping[str, Any]) -> Reading:
    pool = Pool()
    times = [tuple(time / 1000 for time in of) for of in data["times"]]

    def series(row: Sequence[Any]) -> Series:
        return pool.series(row[0], times[row[1]], row[2])

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
