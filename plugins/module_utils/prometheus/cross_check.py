# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL's own answer beside a figure, and why it is another one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..results.types import CrossCheck, Evidence
from . import query
from .profile import Figure
from .query import FoundMetrics
from .reading import Window

#: From this relative difference on PromQL's own answer is explained.
DIFFERENCE = 0.05


def promql(figure: Figure, found: FoundMetrics, filters: Sequence[str], window: Window, interval: float) -> str:
    """PromQL's own way to the figure."""
    return query.instant(figure, found, filters, window.length, interval)


def no_answer(reason: str) -> CrossCheck:
    """What stands beside a figure that PromQL gave nothing for."""
    return {"promql": None, "promql_difference": None, "promql_reason": reason}


def cross_check(
    figure: Figure, value: float | None, reason: str, evidence: Evidence, answers: Mapping[str, float] | str
) -> CrossCheck:
    """PromQL's value of a figure, the difference relative to ``value``, and its reason when it is not small.

    reason: why there is no value. answers: PromQL's values of the window by figure, or why there are none.
    """
    if isinstance(answers, str):
        return no_answer(answers)
    theirs = answers.get(figure.id)
    if theirs is not None and not math.isfinite(theirs):
        theirs = None
    difference = None
    why = ""
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
            why = _why(figure, evidence)
    return {"promql": theirs, "promql_difference": difference, "promql_reason": why}


def _why(figure: Figure, evidence: Evidence) -> str:
    if figure.kind == "gauge":
        return "PromQL takes values at steps, and those of targets that are gone until they are marked so"
    if evidence.get("bound") == "below":
        return "PromQL interpolates inside the smallest bucket, as if its observations were spread evenly from zero"
    if evidence["new_series"]:
        return f"PromQL leaves out the first value of {evidence['new_series']} series that began in the window"
    if evidence["double_series"]:
        return f"PromQL counts {evidence['double_series']} series twice, from a second scrape of the same process"
    if evidence["resets"] or evidence["gone_series"] or evidence["unknown_series"]:
        return "PromQL carries growth on to the window's edges, also where series began, ended or were reset"
    return (
        "PromQL carries the growth between the samples inside the window on to its edges; the growth there was another"
    )
