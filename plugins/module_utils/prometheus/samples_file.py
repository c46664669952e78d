# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw samples in a file, and read back from it.

The file is JSON, compressed with gzip. Values stand as Prometheus wrote them, so that nothing is
lost; sample times are whole milliseconds. It holds what a stage file is made of besides, so that
one can be written without the cluster. docs/measurement.md describes it.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from ..bounded_json import Limits, fit, parse_json, shown
from ..errors import LabError
from ..files import put_file, read_regular_file
from ..results.attempts import write_samples
from ..results.types import StageAbout, VisibilityAnswer
from .kept_samples import Kept, PrometheusFacts
from .query import FoundMetrics
from .question import Question
from .reading import Reading, Samples, Window
from .series import Pool, Series

SCHEMA = "temporal_lab.benchmarking/samples/1"
#: Of gzip: samples are mostly repetition, and more effort than this saves little.
LEVEL = 3

#: The largest file in bytes; what it may hold when it is inflated, and how many samples. An hour of a busy cluster has
#: two million.
LARGEST = 64 * 2**20
LIMITS = Limits(size=128 * 2**20, values=4_000_000)
MOST_SAMPLES = 10_000_000
#: The longest window or interval in seconds, and the latest time in Unix seconds: the year 3000, as in stage files.
LONGEST = 10_000_000.0
LATEST = 32_503_680_000.0


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
        "visibility": {name: dict(answer) for name, answer in kept.visibility.items()},
        "readings": [_reading_packed(reading) for reading in kept.readings],
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), LEVEL, mtime=0)


def load(path: str | Path) -> Kept:
    """Read such a file, which others may have written. Raises LabError when it is none."""
    try:
        data = _parsed(Path(path).expanduser())
        if data["schema"] != SCHEMA:
            raise LabError(
                f"{path} has the schema {shown(str(data['schema']), 60)!r}, and this version reads {SCHEMA!r}."
            )
        return _kept(data)
    except (LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        what = "it is no file of samples, or not whole"
    except OSError as error:
        what = error.strerror or "it is no file of samples, or not whole"
    except (EOFError, zlib.error):
        what = "it is no file of samples, or not whole"
    except ValueError as error:
        what = f"it is no file of samples, or not whole ({shown(str(error), 200)})"
    raise LabError(f"The samples in {path} cannot be read: {what}; use others, or measure again.")


def _parsed(path: Path) -> Any:
    """The JSON of a file: a few megabytes can inflate to more than the memory."""
    there = read_regular_file(path, LARGEST + 1, follow=False)
    if there is None:
        raise ValueError("it is not a regular file")
    if len(there[0]) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
    with gzip.open(io.BytesIO(there[0])) as stream:
        return parse_json(stream.read(LIMITS.size + 1), LIMITS)


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
        **({"native": sorted(reading.found.native)} if reading.found.native else {}),
        "smallest": dict(reading.found.smallest),
        "largest": dict(reading.found.largest),
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


# --- reading: whoever wrote it may be a stranger -------------------------------------------------


def _kept(data: Mapping[str, Any]) -> Kept:
    """What was measured. Raises ValueError, and what values of another shape raise."""
    question = Question(
        profile=_text(data["profile"]),
        profile_name=fit(_text(data["profile_name"])),
        namespace=fit(_text(data["namespace"])),
        release=fit(_text(data["release"])),
        variables={_text(name): _text(value) for name, value in fit(data["variables"]).items()},
        server_version=fit(_text(data["server_version"])),
        windows=[_window(window) for window in data["windows"]],
        earlier={name: _values(values) for name, values in fit(data["earlier"]).items()},
        absent_components=[_text(name) for name in fit(data.get("absent_components", []))],
    )
    readings = [_unpacked(reading) for reading in data["readings"]]
    names = [window.name for window in question.windows]
    if not names or len(set(names)) < len(names):
        raise ValueError("its windows have no names of their own")
    if not all(any(window in reading.windows for reading in readings) for window in question.windows):
        raise ValueError("it lacks the samples of a window")
    series = fit(data["series"])
    if not isinstance(series, list):
        raise TypeError("series is no list")
    return Kept(
        question,
        readings,
        _time(data["read"]),
        series,
        _facts(data["prometheus"]),
        _about(data["about"]),
        {name: _visibility(answer) for name, answer in fit(data.get("visibility", {})).items()},
    )


def _visibility(given: Any) -> VisibilityAnswer:
    counts = {_text(status): _number(number) for status, number in given["by"].items()}
    if not all(isinstance(number, int) and number >= 0 for number in counts.values()):
        raise ValueError("a number of workflows is none")
    return {"by": {status: int(number) for status, number in counts.items()}, "reason": _text(given["reason"])}


def _facts(given: Any) -> PrometheusFacts:
    facts = cast("PrometheusFacts", {"clock_skew": 0.0, "frameworks": [], "notes": [], **fit(given)})
    _number(facts["scrape_interval"])
    if facts["prometheus_version"] is not None:
        _text(facts["prometheus_version"])
    return facts


def _about(given: Any) -> StageAbout | None:
    """What is known of the stage; the rest of it is checked when its record is made."""
    if given is None:
        return None
    about: StageAbout = fit(given)
    _text(about["stage"])
    _time(about["started"])
    for value, kind in (
        (about["events"], list),
        (about["versions"], dict),
        (about["settings"], dict),
        (about["facts"], dict),
    ):
        if not isinstance(value, kind):
            raise TypeError("the description of the stage is of another shape")
    return about


def _unpacked(data: Mapping[str, Any]) -> Reading:
    pool = Pool()
    times = [_times(of) for of in data["times"]]
    left = MOST_SAMPLES

    def series(row: Sequence[Any]) -> Series:
        nonlocal left
        labels, number, text = row
        if not isinstance(labels, dict) or not all(map(_is_text, (*labels, *labels.values(), text))):
            raise TypeError("labels and values are texts")
        if _is_text(number) or not 0 <= number < len(times):
            raise ValueError("a series has no times")
        count = text.count(" ") + 1
        left -= count
        if left < 0:
            raise ValueError(f"it holds more than {MOST_SAMPLES:,} samples")
        if count != len(times[number]):
            raise ValueError("a series has not a value for each of its times")
        return pool.series(labels, times[number], text.split(" "))

    def samples(of: Mapping[str, Any]) -> Samples:
        return Samples(
            _text(of["query"]), tuple(_text(one) for one in of["where"]), [series(row) for row in of["series"]]
        )

    interval = _number(data["interval"])
    if not 0 < interval <= LONGEST:
        raise ValueError("its scrape interval is none")
    return Reading(
        windows=[_window(window) for window in data["windows"]],
        interval=interval,
        skew=_number(data["skew"]),
        begin=_time(data["begin"]),
        end=_time(data["end"]),
        found=FoundMetrics(
            frozenset(_text(name) for name in data["names"]),
            {_text(name): _number(value) for name, value in data["smallest"].items()},
            # Samples of earlier versions do not have it.
            {_text(name): _number(value) for name, value in data.get("largest", {}).items()},
            frozenset(_text(name) for name in data.get("native", ())),
        ),
        up=samples(data["up"]),
        starts=samples(data["starts"]),
        metrics={metric: samples(of) for metric, of in data["metrics"].items()},
        answers={
            window: of if isinstance(of, str) else {figure: float(value) for figure, value in of.items()}
            for window, of in fit(data["answers"]).items()
        },
        faults={_text(metric): _text(fault) for metric, fault in fit(data.get("faults", {})).items()},
    )


def _times(of: Sequence[Any]) -> tuple[float, ...]:
    times = tuple(_time(time / 1000) for time in of)
    if not times or not all(before < after for before, after in pairwise(times)):
        raise ValueError("times of samples are in no order")
    return times


def _window(of: Sequence[Any]) -> Window:
    name, title, start, length = of
    if not 0 < _number(length) <= LONGEST:
        raise ValueError("a window has no length")
    return Window(fit(_text(name)), fit(_text(title)), _time(start), length)


def _values(given: Mapping[str, Any]) -> dict[str, float | None]:
    return {figure: None if value is None else _number(value) for figure, value in given.items()}


def _time(value: Any) -> float:
    time = _number(value)
    if not abs(time) <= LATEST:
        raise ValueError("a time is none")
    return time


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a number is none")
    number: float = fit(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is none")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
