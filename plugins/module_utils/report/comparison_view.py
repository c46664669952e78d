# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison in words and formatted values, which page, Markdown and terminal only lay out."""

from __future__ import annotations

from typing import TypedDict

from ..answers.compared_runs import unseen_text
from ..answers.comparison import (
    ComparedFigure,
    ComparedRun,
    ComparedValue,
    ComparedWindow,
    Comparison,
    ConditionDifference,
)
from ..formatting import clock_text, ratio_text, value_text
from .change_words import NOTE, amount_text, change_text
from .words import BETTER, NOTHING, counted, setting_text

OUTCOMES = {
    "worse": "worse",
    "not_worse": "not worse",
    "undecided": "undecided",
}
VERDICTS = {
    "worse": "worse",
    "better": "better",
    "changed": "changed",
    "same": "no difference",
    "unknown": "not known",
    "not_comparable": "not comparable",
    "missing": "missing",
}
EFFECTS = {
    "not_compared": "windows of these stages are not compared",
    "allowed": "allowed by compare_allowed",
    "told": "",
}
WINDOW_STATES = {"compared": "", "not_comparable": "not comparable", "missing": "missing"}
#: What a comparison of two runs cannot know.
LIMITS = (
    "The noise is that within the windows. What differs from one run to the next by itself, such as other load on the "
    "machines or a database that is fuller, is not in it: compare two runs of the same version to see how much that is."
)


class FigureView(TypedDict):
    """A figure. verdict: in words; state: for its colour; hint: which way is better."""

    title: str
    hint: str
    base: str
    other: str
    change: str
    verdict: str
    state: str
    reason: str


class WindowView(TypedDict):
    """A window. key: the figures that decide or are key; rest: the others; counts: how many of those are what."""

    name: str
    word: str
    reason: str
    notes: list[str]
    key: list[FigureView]
    rest: list[FigureView]
    counts: str


class DifferenceView(TypedDict):
    name: str
    base: str
    other: str
    stages: str
    effect: str


class ComparisonView(TypedDict):
    """A comparison. reasons: what its outcome rests on."""

    outcome: str
    state: str
    summary: str
    reasons: list[str]
    base: str
    other: str
    rule: str
    limits: str
    legend: str
    differences: list[DifferenceView]
    windows: list[WindowView]
    problems: list[str]


def build_view(comparison: Comparison) -> ComparisonView:
    """The words and values of a comparison."""
    return {
        "outcome": OUTCOMES[comparison["outcome"]],
        "state": {"worse": "fail", "not_worse": "pass", "undecided": "warn"}[comparison["outcome"]],
        "summary": _summary(comparison),
        "reasons": _reasons(comparison),
        "base": _run(comparison["base"]),
        "other": _run(comparison["other"]),
        "rule": _rule(comparison),
        "limits": LIMITS,
        "legend": NOTE,
        "differences": [_difference(one) for one in comparison["differences"]],
        "windows": [_window(one) for one in comparison["windows"]],
        "problems": [
            f"{problem['side']} run, {problem['source']}: {problem['text']}" for problem in comparison["problems"]
        ],
    }


def worse_figures(comparison: Comparison) -> list[str]:
    """The figures for which the outcome is worse, each with its window and its change."""
    return [
        f"{figure['title']} in {_window_name(window)}: {_change(figure)} ({_value(figure['base'], figure['unit'])} to "
        f"{_value(figure['other'], figure['unit'])})"
        for window in comparison["windows"]
        for figure in window["figures"]
        if figure["decides"] and figure["worse_enough"]
    ]


def _summary(comparison: Comparison) -> str:
    compared = [window for window in comparison["windows"] if window["state"] == "compared"]
    deciding = [figure for window in compared for figure in window["figures"] if figure["decides"]]
    known = [figure for figure in deciding if figure["seen"]]
    told = f"{counted(len(compared), 'window')} of {len(comparison['windows'])} compared"
    if deciding:
        told += f"; of {counted(len(deciding), 'value')} that decide, {len(known)} are known well enough"
    said = {
        "worse": f"The other run is worse than the base: {counted(len(worse_figures(comparison)), 'value')} beyond "
        "noise and the threshold.",
        "not_worse": "Nothing that decides is worse beyond noise and its threshold.",
        "undecided": "It is not known whether the other run is worse.",
    }[comparison["outcome"]]
    return f"{said} {told}."


def _reasons(comparison: Comparison) -> list[str]:
    worse = worse_figures(comparison)
    return [f"{one}." for one in worse] if comparison["outcome"] == "worse" else comparison["reasons"]


def _rule(comparison: Comparison) -> str:
    own = [f"{name} {_share(share)}" for name, share in comparison["thresholds"].items()]
    more = f" (for {', '.join(own)})" if own else ""
    return (
        f"A key figure of which the profile says which way is better decides where it is worse beyond noise and by "
        f"{_share(comparison['threshold'])} of the base value or more{more}. Key figures of all windows are judged "
        "together, so that where nothing changed, one comparison in twenty errs. A figure that may be more than "
        f"{_share(comparison['precision'])} worse by its noise is not known well enough to decide."
    )


def _share(ratio: float) -> str:
    return ratio_text(ratio).lstrip("+±")


def _run(run: ComparedRun) -> str:
    parts = [f"{run['student']}, run {run['run']}"]
    if run["started"] is not None:
        parts.append(f"{clock_text(run['started'], with_date=True)} UTC")
    parts.append(f"Temporal {run['server']}" if run["server"] else "Temporal of a version that is not known")
    return ", ".join(parts)


def _difference(one: ConditionDifference) -> DifferenceView:
    values = [
        "not recorded" if value is None else setting_text(one["name"], value) for value in (one["base"], one["other"])
    ]
    return {
        "name": one["name"].replace("_", " "),
        "base": values[0],
        "other": values[1],
        "stages": ", ".join(one["stages"]),
        "effect": EFFECTS[one["effect"]],
    }


def _window_name(window: ComparedWindow) -> str:
    return f"{window['stage']}, {window['title']}" if window["title"] != window["stage"] else window["stage"]


def _window(window: ComparedWindow) -> WindowView:
    first = [figure for figure in window["figures"] if figure["decides"] or figure["key"]]
    rest = [figure for figure in window["figures"] if figure not in first]
    counts = {word: sum(VERDICTS[figure["verdict"]] == word for figure in rest) for word in VERDICTS.values()}
    return {
        "name": _window_name(window),
        "word": WINDOW_STATES[window["state"]],
        "reason": window["reason"],
        "notes": window["notes"],
        "key": [_figure(figure) for figure in first],
        "rest": [_figure(figure) for figure in rest],
        "counts": ", ".join(f"{count} {word}" for word, count in counts.items() if count),
    }


def _figure(figure: ComparedFigure) -> FigureView:
    verdict = VERDICTS[figure["verdict"]]
    unseen = figure["decides"] and figure["verdict"] == "same" and not figure["seen"]
    if figure["verdict"] == "changed" and figure["change"]:
        verdict = figure["change"]["verdict"]
    if figure["verdict"] == "worse" and not figure["worse_enough"]:
        verdict = f"worse by less than {_share(figure['threshold'])}"
    return {
        "title": figure["title"],
        "hint": BETTER.get(figure["direction"], ""),
        "base": _value(figure["base"], figure["unit"]),
        "other": _value(figure["other"], figure["unit"]),
        "change": _change(figure),
        "verdict": verdict,
        "state": {"worse": "fail" if figure["worse_enough"] else "warn", "better": "pass"}.get(figure["verdict"], ""),
        "reason": figure["reason"] or (unseen_text(figure["may_be_worse"]) if unseen else ""),
    }


def _change(figure: ComparedFigure) -> str:
    change = figure["change"]
    text = change_text(change, figure["other"]["value"] if figure["other"] else None)
    if change and change["ratio"] is None:
        return amount_text(change, figure["unit"]) or text
    return text


def _value(value: ComparedValue | None, unit: str) -> str:
    if value is None:
        return NOTHING
    return value["state"] if value["value"] is None else value_text(value["value"], unit, value["bound"])
