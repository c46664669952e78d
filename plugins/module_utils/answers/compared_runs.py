# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two merged runs: each window with the one of the same stage and name, each figure by its noise.

Nothing here reads a file. All figures that decide are judged together, over all windows, since an outcome looks at all
of them; so are the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..errors import LabError
from ..formatting import duration_text, ratio_text
from ..noise.change import Side
from ..prometheus.profile import ServerChange
from ..results.change_sides import noise_fault, side
from ..results.merged_run import TOLERANCE
from ..results.other_work import other_work_fault
from ..results.report import Change, FigureRow, Reading, Report, StageWindow
from ..results.window_changes import bare_change, judge_together
from ..shaped_yaml import meant
from .comparison import (
    SCHEMA_ID,
    ComparedFigure,
    ComparedRun,
    ComparedValue,
    ComparedWindow,
    Comparison,
    ComparisonProblem,
    ConditionDifference,
    FigureVerdict,
    Outcome,
)
from .run_conditions import condition_differences, server_of

#: By how much of its base value a figure has to be worse, unless it has a threshold of its own.
THRESHOLD = 0.05
#: A figure that may be worse by more than this share of its base value is not known well enough to decide.
PRECISION = 0.5
#: What reasons call the windows of the two sides.
NAMES = ("base run's", "other run's")

#: A stage and one of its windows.
WindowName = tuple[str, str]


@dataclass(frozen=True)
class Choices:
    """What a user chose. stages: those that count, all if empty. allowed: settings that may differ."""

    threshold: float = THRESHOLD
    thresholds: Mapping[str, float] = field(default_factory=dict)
    precision: float = PRECISION
    stages: Collection[str] = ()
    allowed: Collection[str] = ()


@dataclass(frozen=True)
class Pair:
    """A window of both runs, by its places in them."""

    base: int
    other: int


#: A figure with its change, and the two sides that are to be judged.
Judged = tuple[ComparedFigure, Change, tuple[Side, Side]]


def compare_runs(base: Report, other: Report, changes: Sequence[ServerChange], choices: Choices) -> Comparison:
    """Hold two runs against each other. changes: the server versions that change what figures mean.

    Raises LabError for a choice that fits neither run.
    """
    windows = _windows(base, other, choices)
    _check_choices(base, other, choices, [stage for stage, _name in windows])
    both = list(dict.fromkeys(stage for (stage, _name), pair in windows.items() if pair))
    differences = condition_differences(base, other, both, choices.allowed)
    judged: list[Judged] = []
    compared = [
        _window(name, pair, base, other, changes, choices, differences, judged) for name, pair in windows.items()
    ]
    for decides in (True, False):
        family = [one for one in judged if one[0]["decides"] is decides]
        judge_together([(change, sides) for _figure, change, sides in family], NAMES)
        for figure, change, _sides in family:
            _judge(figure, change, choices.precision)
    outcome, reasons = _outcome(compared, choices.thresholds)
    return {
        "schema": SCHEMA_ID,
        "outcome": outcome,
        "reasons": reasons,
        "base": _run(base, both),
        "other": _run(other, both),
        "threshold": choices.threshold,
        "thresholds": choices.thresholds,
        "precision": choices.precision,
        "differences": differences,
        "windows": compared,
        "problems": [*_problems("base", base), *_problems("other", other)],
    }


def _problems(which: Literal["base", "other"], report: Report) -> list[ComparisonProblem]:
    """The files that could not be used."""
    return [
        {"side": which, "source": problem["source"], "text": problem["text"]}
        for problem in report["problems"]
        if problem["kind"] == "file"
    ]


def _run(report: Report, stages: Sequence[str]) -> ComparedRun:
    servers = list(dict.fromkeys(filter(None, (server_of(report, stage) for stage in stages))))
    return {
        "student": report["student"],
        "run": report["run"],
        "started": report["started"],
        "server": ", ".join(servers),
    }


def _windows(base: Report, other: Report, choices: Choices) -> dict[WindowName, Pair | None]:
    """The windows of both runs, those of the base first, with their places; None for those that one does not have."""
    places = [
        {(window["stage"], window["name"]): place for place, window in enumerate(report["windows"])}
        for report in (base, other)
    ]
    return {
        name: Pair(places[0][name], places[1][name]) if name in places[0] and name in places[1] else None
        for name in dict.fromkeys([*places[0], *places[1]])
        if not choices.stages or name[0] in choices.stages
    }


def _check_choices(base: Report, other: Report, choices: Choices, stages: Collection[str]) -> None:
    measured = list(dict.fromkeys(window["stage"] for report in (base, other) for window in report["windows"]))
    for stage in choices.stages:
        if stage not in measured:
            raise LabError(
                f"Neither run has a window of the stage {stage!r} of compare_stages{meant(stage, measured)}; "
                "correct it."
            )
    if not stages:
        raise LabError(
            f"There is nothing to compare: neither the run {base['run']} of {base['student']} nor {other['run']} of "
            f"{other['student']} has measured a window. Measure both, for example with --tags benchmark, or give other "
            "runs."
        )
    directions = {row["id"]: row["direction"] for report in (base, other) for row in report["figures"]}
    for figure in choices.thresholds:
        if figure not in directions:
            raise LabError(
                f"Neither run has the figure {figure!r} in compare_thresholds{meant(figure, directions)}; correct it."
            )
        if directions[figure] == "none":
            raise LabError(
                f"The figure {figure!r} in compare_thresholds cannot be worse: the profile that it was measured with "
                "does not say which way is better; leave it out, or give it a `direction` in a profile of your own "
                "and work the runs out again with --tags reanalyse."
            )


# --- windows -------------------------------------------------------------------------------------


def _window(
    name: WindowName,
    pair: Pair | None,
    base: Report,
    other: Report,
    changes: Sequence[ServerChange],
    choices: Choices,
    differences: Sequence[ConditionDifference],
    judged: list[Judged],
) -> ComparedWindow:
    stage = name[0]
    if pair is None:
        return _missing(name, base, other)
    windows = base["windows"][pair.base], other["windows"][pair.other]
    fault = _window_fault(windows, stage, differences)
    meanings = _changed_meanings(changes, server_of(base, stage), server_of(other, stage))
    other_work = other_work_fault(windows[0]["resources"], windows[1]["resources"], NAMES)
    sides = _found(base, pair.base), _found(other, pair.other)
    figures = []
    for figure_id in dict.fromkeys([*sides[0], *sides[1]]):
        one, two = sides[0].get(figure_id), sides[1].get(figure_id)
        distribution = next((found.row["distribution"] for found in (one, two) if found), "")
        faults = (fault, meanings.get(figure_id, ""), meanings.get(distribution, ""))
        figure = _figure(one, two, choices, faults, other_work)
        figures.append(figure)
        if one and two and figure["change"] and not figure["reason"]:
            judged.append((figure, figure["change"], _sides(one, two, windows)))
    return {
        "stage": stage,
        "name": name[1],
        "title": windows[0]["title"],
        "state": "not_comparable" if fault else "compared",
        "reason": fault,
        "notes": [*_attempt_notes(stage, base, other), *_saturation_notes(windows)],
        "figures": figures,
    }


def _missing(name: WindowName, base: Report, other: Report) -> ComparedWindow:
    """A window that one of the runs does not have, with why."""
    stage = name[0]
    found = [
        (report, window)
        for report in (base, other)
        for window in report["windows"]
        if (window["stage"], window["name"]) == name
    ]
    has, window = found[0]
    lacks, which = (other, "other") if has is base else (base, "base")
    state, message = next(
        ((one["state"], one["message"]) for one in lacks["stages"] if one["stage"] == stage), ("absent", "")
    )
    said = {
        "absent": f"did not do the stage {stage}",
        "done": f"did the stage {stage} without this window",
        "failed": f"failed in the stage {stage}",
        "skipped": f"skipped the stage {stage}",
        "unreadable": f"has no stage file of {stage} that can be read",
    }[state]
    return {
        "stage": stage,
        "name": name[1],
        "title": window["title"],
        "state": "missing",
        "reason": f"the {which} run {said}" + (f": {message.rstrip('.')}" if message else ""),
        "notes": [],
        "figures": [],
    }


def _window_fault(
    windows: tuple[StageWindow, StageWindow], stage: str, differences: Sequence[ConditionDifference]
) -> str:
    """Why a window of both runs cannot be compared; empty where it can."""
    lengths = [window["end"] - window["start"] for window in windows]
    if abs(lengths[0] - lengths[1]) > TOLERANCE:
        texts = [duration_text(length) for length in lengths]
        return f"the windows have different lengths: {texts[0]} in the base run, {texts[1]} in the other"
    unlike = [one for one in differences if one["effect"] == "not_compared" and stage in one["stages"]]
    if unlike:
        texts = [f"{one['name']} is {one['base']} in the base run and {one['other']} in the other" for one in unlike]
        return f"the runs have different settings: {'; '.join(texts)}"
    return ""


def _attempt_notes(stage: str, base: Report, other: Report) -> Iterator[str]:
    """Where a stage failed after the attempt whose windows are compared."""
    for which, report in (("base", base), ("other", other)):
        for one in report["stages"]:
            if one["stage"] == stage and one["state"] not in ("done", "absent"):
                yield (
                    f"The newest attempt at {stage} in the {which} run is {one['state']}; attempt "
                    f"{one['shown_attempt']} is compared."
                )


def _saturation_notes(windows: tuple[StageWindow, StageWindow]) -> Iterator[str]:
    """What was saturated in one run and not in the other, which alone can explain a difference."""
    base, other = [
        set(window["resources"]["saturated"])
        if window["resources"] and window["resources"]["state"] != "unknown"
        else None
        for window in windows
    ]
    if base is None or other is None:
        return
    for which, more in (("base", sorted(base - other)), ("other", sorted(other - base))):
        if more:
            verb = "was" if len(more) == 1 else "were"
            yield f"In the {which} run {' and '.join(more)} {verb} saturated, in the one it is compared with not."


def _changed_meanings(changes: Sequence[ServerChange], base: str, other: str) -> dict[str, str]:
    """Why figures mean something else in one of two server versions, by the id of the figure or distribution."""
    found: dict[str, str] = {}
    for change in changes:
        reason = _meaning_fault(change, base, other)
        if reason:
            for figure in change.figures:
                found.setdefault(figure, reason)
    return found


def _meaning_fault(change: ServerChange, base: str, other: str) -> str:
    sides = change.holds_for(base), change.holds_for(other)
    if sides[0] is not None and sides[0] == sides[1]:
        return ""
    why = f"from Temporal {change.server} on it means something else: {change.what}"
    if None in sides:
        which = "both runs" if sides == (None, None) else "the base run" if sides[0] is None else "the other run"
        return f"{why}; the server's version in {which} is not known"
    return f"{why} (base {base}, other {other})"


# --- figures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A figure and its reading in a window of one of the runs."""

    row: FigureRow
    reading: Reading


def _found(report: Report, place: int) -> dict[str, Found]:
    """The figures of a window by their ids, which it has once each."""
    readings = [(row, row["readings"][place]) for row in report["figures"]]
    return {row["id"]: Found(row, reading) for row, reading in readings if reading is not None}


def _figure(
    base: Found | None, other: Found | None, choices: Choices, faults: Sequence[str], other_work: str
) -> ComparedFigure:
    """A figure that at least one of the runs has, before its change is judged.

    faults: of its window and its id. other_work: why its change may be another program's doing.
    """
    either = base or other
    if either is None:
        raise ValueError("neither run has the figure")
    row = either.row
    key = any(one.row["key"] for one in (base, other) if one)
    verdict: FigureVerdict = "unknown"
    reason, change = "", None
    if base is None or other is None:
        verdict, reason = "missing", f"the {'base' if base is None else 'other'} run does not have it"
    else:
        reason = next(filter(None, [*faults, _unlike(base, other)]), "")
        if reason:
            verdict = "not_comparable"
        else:
            change = bare_change(base.reading, other.reading)
            reason = (
                noise_fault(base.reading, NAMES[0])
                or noise_fault(other.reading, NAMES[1])
                or other_work
                or ("" if change else "in at least one of the runs it is only a bound")
            )
            for one, which in ((other, "other"), (base, "base")):
                if one.reading["value"] is None:
                    said = one.reading["reason"]
                    reason = f"the {which} run has no value of it" + (f": {said.rstrip('.')}" if said else "")
            if change:
                change["reason"] = reason
    return {
        "id": row["id"],
        "title": row["title"],
        "unit": row["unit"],
        "direction": row["direction"],
        "key": key,
        "distribution": row["distribution"],
        "base": _value(base),
        "other": _value(other),
        "change": change,
        "verdict": verdict,
        "reason": reason,
        "decides": row["direction"] != "none" and (key or row["id"] in choices.thresholds),
        "threshold": choices.thresholds.get(row["id"], choices.threshold),
        "worse_enough": False,
        "may_be_worse": None,
        "seen": False,
    }


def _value(found: Found | None) -> ComparedValue | None:
    if found is None:
        return None
    return {
        "value": found.reading["value"],
        "bound": found.reading.get("bound", ""),
        "state": found.reading["state"],
    }


def _unlike(base: Found, other: Found) -> str:
    """Why two figures of the same id are not the same figure; empty where they are."""
    if base.row["unit"] != other.row["unit"]:
        return f"its unit is {base.row['unit']} in the base run and {other.row['unit']} in the other"
    if base.row["direction"] != other.row["direction"]:
        return "the profiles that the runs were measured with differ on which way is better"
    definitions = base.reading.get("definition"), other.reading.get("definition")
    if definitions[0] and definitions[1] and definitions[0] != definitions[1]:
        return "the profiles that the runs were measured with work it out in different ways"
    metrics = base.reading.get("metrics"), other.reading.get("metrics")
    if metrics[0] and metrics[1] and set(metrics[0]) != set(metrics[1]):
        names = [", ".join(sorted(one)) for one in (metrics[0], metrics[1])]
        return f"it was measured from {names[0]} in the base run and from {names[1]} in the other"
    return ""


def _sides(base: Found, other: Found, windows: tuple[StageWindow, StageWindow]) -> tuple[Side, Side]:
    """The two sides of a change between runs.

    Times are those since each window's start: both began with the same event. Windows that are not steady are taken
    as half a window apart, since two runs need not come to the same point of a drift in the same second.
    """
    length = windows[0]["end"] - windows[0]["start"]
    return (
        side(base.reading, windows[0])._replace(start=0.0, end=length),
        side(other.reading, windows[1])._replace(start=length / 2, end=length * 3 / 2),
    )


def _judge(figure: ComparedFigure, change: Change, precision: float) -> None:
    """Give a figure its verdict by that of its change."""
    figure["change"], figure["reason"] = change, change["reason"]
    if change["verdict"] == "unknown":
        return
    if change["verdict"] == "none":
        figure["verdict"] = "same"
    elif figure["direction"] == "none":
        figure["verdict"] = "changed"
    else:
        figure["verdict"] = "better" if change["verdict"] == figure["direction"] else "worse"
    # From nothing to something is beyond any share.
    ratio = change["ratio"]
    figure["worse_enough"] = figure["verdict"] == "worse" and (ratio is None or abs(ratio) >= figure["threshold"])
    figure["may_be_worse"] = most = _may_be_worse(figure, change)
    figure["seen"] = figure["verdict"] != "same" or (most is not None and most <= precision)


def _may_be_worse(figure: ComparedFigure, change: Change) -> float | None:
    """By which share of the base value a figure may be worse, but for one time in twenty."""
    end = change["high"]
    if figure["direction"] == "higher":
        end = None if change["low"] is None else -change["low"]
    base = figure["base"]["value"] if figure["base"] else None
    if figure["direction"] == "none" or end is None or base is None:
        return None
    if end <= 0:
        return 0.0
    return end / abs(base) if base else None


# --- the outcome ---------------------------------------------------------------------------------


def _outcome(windows: Sequence[ComparedWindow], named: Collection[str]) -> tuple[Outcome, list[str]]:
    """Whether the other run is worse, and what that rests on. named: figures of which that has to be known."""
    worse = [
        f"{figure['title']} in {window['stage']}, {window['title']}"
        for window in windows
        for figure in window["figures"]
        if figure["decides"] and figure["worse_enough"]
    ]
    if worse:
        return "worse", [f"Worse beyond noise and its threshold: {one}." for one in worse]
    open_ones = []
    for window in windows:
        name = f"{window['stage']}, {window['title']}"
        deciding = [figure for figure in window["figures"] if figure["decides"]]
        unknown = [figure for figure in deciding if not figure["seen"]]
        if window["state"] != "compared":
            open_ones.append(f"{name} is not compared: {window['reason']}.")
        elif not deciding:
            open_ones.append(f"{name} has no figure that decides.")
        elif len(unknown) == len(deciding):
            open_ones.append(f"Of {name} too little is known: {unknown[0]['title']}: {_unseen(unknown[0])}.")
        else:
            open_ones += [
                f"{one['title']} in {name} is not known: {_unseen(one)}." for one in unknown if one["id"] in named
            ]
    if open_ones:
        return "undecided", open_ones
    return "not_worse", []


def _unseen(figure: ComparedFigure) -> str:
    """Why a figure is not known well enough to decide."""
    return figure["reason"] or unseen_text(figure["may_be_worse"])


def unseen_text(may_be_worse: float | None) -> str:
    """What noise leaves open of a figure that did not change beyond it."""
    if may_be_worse is None:
        return "how much worse it may be is not known"
    return f"the noise would hide that it is {ratio_text(may_be_worse).lstrip('+±')} worse"
