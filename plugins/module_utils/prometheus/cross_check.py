# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL's own answer beside a figure, and why it is another one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ..results.types import CrossCheck, Evidence, PromqlPart
from . import query
from .profile import Figure
from .query import FoundMetrics
from .reading import Window

#: From this relative difference on PromQL's own answer is explained.
DIFFERENCE = 0.05
#: After a figure's id: its answer with smoothed range selectors. No id has a blank.
SMOOTHED = " smoothed"


def promql(
    figure: Figure,
    found: FoundMetrics,
    filters: Sequence[str],
    window: Window,
    interval: float,
    smoothed: bool = False,
) -> str:
    """PromQL's own way to the figure. smoothed: with range selectors that interpolate at the window's edges."""
    return query.instant(figure, found, filters, window.length, interval, smoothed)


def no_answer(reason: str) -> CrossCheck:
    """What stands beside a figure that PromQL gave nothing for."""
    return {"promql": None, "promql_difference": None, "promql_reason": reason}


def cross_check(
    figure: Figure,
    value: float | None,
    reason: str,
    evidence: Evidence,
    answers: Mapping[str, float] | str,
    explain: Callable[[float], list[PromqlPart]],
) -> CrossCheck:
    """PromQL's value of a figure, the difference relative to ``value``, and its reason when it is not small.

    reason: why there is no value. answers: PromQL's values of the window by figure, or why there are none.
    explain: takes PromQL's value and gives the parts of the difference, of a figure that is counted.
    """
    if isinstance(answers, str):
        return no_answer(answers)
    theirs = _finite(answers.get(figure.id))
    difference = None
    why = ""
    parts: list[PromqlPart] = []
    if value is None and theirs is not None:
        why = f"no value is given here: {reason}"
    elif value is not None and theirs is None:
        if evidence.get("new_series"):
            why = f"PromQL has no value: it leaves out the first value of {evidence['new_series']} series"
        elif value != 0 or evidence["samples"]:
            why = "PromQL has no value: it sees no growth between samples inside the window"
    elif value is not None and theirs is not None:
        if value != 0:
            difference = (theirs - value) / abs(value)
        if theirs != value and (difference is None or abs(difference) > DIFFERENCE):
            parts = [] if figure.kind == "gauge" else explain(theirs)
            why = _why(figure, evidence, parts)
    checked: CrossCheck = {"promql": theirs, "promql_difference": difference, "promql_reason": why}
    if parts:
        checked["promql_parts"] = parts
    if smoothed_id(figure) in answers:
        checked["promql_smoothed"] = _finite(answers[smoothed_id(figure)])
    return checked


def smoothed_id(figure: Figure) -> str:
    """What the answer with smoothed range selectors is called among the answers."""
    return figure.id + SMOOTHED


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _why(figure: Figure, evidence: Evidence, parts: Sequence[PromqlPart]) -> str:
    """Why PromQL's value is another one: what the largest part is of."""
    if figure.kind == "gauge":
        return "PromQL takes values at steps, and those of targets that are gone until they are marked so"
    largest = max(parts, key=lambda part: abs(part["amount"]), default=None)
    what = largest["what"] if largest else ""
    if what == "bounds":
        return "PromQL interpolates inside the smallest bucket, as if its observations were spread evenly from zero"
    if what == "names":
        return "PromQL was asked for one of the names that processes have this metric under"
    if what == "new_series":
        return f"PromQL leaves out the first value of {evidence['new_series']} series that began in the window"
    if what == "second_scrapes":
        return f"PromQL counts {evidence['double_series']} series twice, from a second scrape of the same process"
    if what == "ended_series":
        return "PromQL carries growth on to the window's edges, also where series began, ended or were reset"
    if what == "edges":
        return (
            "PromQL carries the growth between the samples inside the window on to its edges; the growth there was "
            "another"
        )
    return "PromQL's answer is not what Prometheus 3 would make of these samples"
