# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples in a file, and read back from it.

The file is JSON, compressed with gzip. Values stand as Prometheus wrote them, so that nothing is
lost; sample times are whole milliseconds. It holds what a stage file is made of besides, so that
one can be written without the cluster. docs/measurement.md describes it.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..files import put_file
from ..results.attempts import write_samples
from .kept_samples import Kept
from .query import FoundMetrics
from .question import Question
from .reading import Reading, Samples, Window
from .series import Pool, Series

SCHEMA = "temporal_lab.benchmarking/samples/1"
#: Of gzip: samples are mostly repetition, and more effort than this saves little.
LEVEL = 3


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
        "about": kept.about,
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
        )
        readings = [_unpacked(reading) for reading in data["readings"]]
        return Kept(question, readings, data["read"], data["series"], data["prometheus"], data["about"])
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        what = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else "it is no file of samples, or not whole"
        )
        raise LabError(f"The samples in {path} cannot be read: {what}; use others, or measure again.") from None


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
        "faults": dict(reading.faults),
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
        found=FoundMetrics(frozenset(data["names"]), data["smallest"]),
        up=samples(data["up"]),
        starts=samples(data["starts"]),
        metrics={metric: samples(of) for metric, of in data["metrics"].items()},
        answers={
            window: of if isinstance(of, str) else {figure: float(value) for figure, value in of.items()}
            for window, of in data["answers"].items()
        },
        faults=data.get("faults", {}),
    )
