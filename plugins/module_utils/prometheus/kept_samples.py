# SPDX-License-Identifier: GPL-3.0-or-later
"""What measuring keeps, and the figures that are worked out from that alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

from ..errors import LabError
from ..results.stage_file import window_values
from ..results.types import FigureResult, SeriesResult, StageAbout, Values, VisibilityAnswer, WindowResult
from .cross_check import SMOOTHED, no_answer, promql
from .figures import work_out, work_out_all
from .matchers import normal
from .profile import Figure, Profile
from .question import Question
from .reading import Reading, Window
from .resources import with_resources

#: Of a figure that was not in the profile when the samples were read.
NOT_ASKED = "PromQL was not asked for this figure when the samples were read"


class PrometheusFacts(TypedDict):
    """What was found out about Prometheus; the tasks return it.

    scrape_interval and clock_skew (how much its clock is ahead of this machine's) are seconds. frameworks: naming
    frameworks of the metrics that were found. notes: its warnings and infos, and what else is to be known.
    """

    scrape_interval: float
    prometheus_version: str | None
    clock_skew: float
    frameworks: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Kept:
    """What was measured: the question, and the samples that answer it; samples_file.py writes it down.

    read: when the samples were read, in Unix seconds. series: the course for plots.
    about: the stage that they are of; None where that was not said. visibility: what Temporal's Visibility said of the
    workflows of each window that it was asked about.

    The rest is of the moment and not in the file. waited: seconds of waiting for the windows.
    no_course: why there is no course, where it was asked for; the samples are whole without it.
    """

    question: Question
    readings: Sequence[Reading]
    read: float
    series: Sequence[SeriesResult]
    prometheus: PrometheusFacts
    about: StageAbout | None = None
    visibility: Mapping[str, VisibilityAnswer] = field(default_factory=dict)
    waited: float = 0.0
    no_course: LabError | None = None


def figures(kept: Kept, profile: Profile | None = None, earlier: Values | None = None) -> list[WindowResult]:
    """The windows with their figures, worked out from the samples alone.

    ``profile`` (bound) takes the place of the one in the question, and ``earlier`` that of the values of
    earlier windows. A figure whose series were not read has no value, and PromQL has none for a figure
    that it was not asked for. Raises LabError for a profile of other filters: all was read through them.
    """
    question = kept.question
    own = question.bound
    earlier = question.earlier if earlier is None else earlier
    if profile is None:
        return work_out_all(own, kept.readings, question.windows, earlier)
    if set(map(normal, profile.filters)) != set(map(normal, own.filters)):
        raise LabError(
            f"The profile reads series with {', '.join(profile.filters)}, and these samples were read with "
            f"{', '.join(own.filters)}: give it the same filters, and the same values of their variables."
        )
    for name in profile.observers.keys() & own.observers.keys():
        if set(map(normal, profile.observers[name])) != set(map(normal, own.observers[name])):
            raise LabError(
                f"The profile reads what the {name} tells with {', '.join(profile.observers[name])}, and these "
                f"samples were read with {', '.join(own.observers[name])}: give it the same observers, and the same "
                f"values of their variables."
            )
    known = dict(earlier)
    done: list[WindowResult] = []
    for window in question.windows:
        reading = next(one for one in kept.readings if window in one.windows)
        asked = _asked(own, profile, reading, window)
        answers = reading.answers.get(window.name, {})
        if not isinstance(answers, str):
            answers = {name: value for name, value in answers.items() if name.removesuffix(SMOOTHED) in asked}
        worked = work_out(profile, replace(reading, answers={window.name: answers}), window, known)
        worked["figures"] = [
            _as_read(figure, worked_out, reading, figure.id in asked)
            for figure, worked_out in zip(profile.figures, worked["figures"])
        ]
        unread = {figure.distribution for figure in profile.figures if _unread(figure, reading)}
        worked["distributions"] = [one for one in worked.get("distributions", ()) if one["id"] not in unread]
        done.append(with_resources(worked))
        known.update(window_values([worked]))
    return done


def _asked(own: Profile, profile: Profile, reading: Reading, window: Window) -> set[str]:
    """Ids of the profile's figures that PromQL was asked for in the same words."""

    def words(of: Profile) -> set[tuple[str, str]]:
        return {
            (figure.id, promql(figure, reading.found, of.filters_of(figure), window, reading.interval))
            for figure in of.figures
        }

    return {figure for figure, _query in words(own) & words(profile)}


def _unread(figure: Figure, reading: Reading) -> str:
    """The metric of which the samples lack series that a figure needs; empty when they have all of them."""
    for selection in figure.selections:
        for metric in {source.metric: None for source in selection.sources if source.metric in reading.found.names}:
            read = reading.metrics.get(metric)
            if read is None or not set(read.where) <= set(selection.where):
                return metric
    return ""


def _as_read(figure: Figure, worked_out: FigureResult, reading: Reading, asked: bool) -> FigureResult:
    """A figure with nothing said of what was not read: a missing series is not zero, nor a missing answer PromQL's."""
    metric = _unread(figure, reading)
    if metric:
        return without_samples(worked_out, f"not all series of {metric} that it needs were read with these samples")
    if not asked:
        worked_out["promql_reason"] = NOT_ASKED
    return worked_out


def without_samples(figure: FigureResult, reason: str) -> FigureResult:
    """What a figure without samples still says: what it is, and why it has no value."""
    bare: FigureResult = {
        "id": figure["id"],
        "title": figure["title"],
        "question": figure["question"],
        "unit": figure["unit"],
        "direction": figure["direction"],
        "key": figure["key"],
        "value": None,
        "state": "inconclusive",
        "reason": reason,
        "query": figure["query"],
        "time": figure["time"],
        "coverage": figure["coverage"],
        "metrics": figure["metrics"],
        "notes": [],
    }
    if "thresholds" in figure:
        bare["thresholds"] = figure["thresholds"]
    if "reference" in figure:
        bare["reference"] = figure["reference"]
    if "distribution" in figure:
        bare["distribution"] = figure["distribution"]
    if "definition" in figure:
        bare["definition"] = figure["definition"]
    if "by" in figure:
        bare["by"] = {}
    return {**bare, **no_answer(NOT_ASKED)}
