# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's results say of a question's fact: its state, and the texts that name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ..formatting import interval_text, value_text
from ..results.report import FigureRow, MergedStage, Reading, Report, is_number, window_label
from .question import KNOWN, LOST, UNKNOWN, ChangeState, Fact, Window
from .resource_words import resource_sentence

#: The share of the larger half up to which a half is none: halves are sums of steps that were interpolated.
ROUNDING = 1e-9
#: Parts of a figure that are named where only the largest are.
MOST_PARTS = 3
#: Stands in a text for what is not known.
UNKNOWN_TEXT = "not known"
#: Stands for one end of a change that is not known.
UNKNOWN_END = "an unknown value"
WORKFLOW_SECONDS = "workflow-seconds"


@dataclass(frozen=True)
class ChangeVerdict:
    """What is known of a change between two windows.

    size: in words, such as ``+12 %`` or ``9 to 15 % higher``; empty where it is not known.
    """

    state: ChangeState
    size: str = ""
    reason: str = ""


#: Judges the change of a figure from one window's place to another's.
Judge = Callable[[FigureRow, int, int], ChangeVerdict]


class Evidence(TypedDict):
    """A reading that an answer rests on: a figure's id and unit, the window's place in the report, and its value."""

    figure: str
    unit: str
    window: int
    text: str


@dataclass(frozen=True)
class FactReading:
    """What a fact is in a run.

    texts: what is written for a mention, by which of its texts is meant. reason: why it is not known, empty if it is;
    subject: what that is said of, if not of all. evidence: the readings that it rests on.
    """

    state: str
    texts: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    subject: str = ""
    evidence: Sequence[Evidence] = ()


def read_fact(report: Report, fact: Fact, judge: Judge) -> FactReading:
    """What the results of a run say of a fact."""
    if fact.noted:
        return _noted(report, fact)
    if fact.ledger:
        return _ledger(report, fact)
    place = place_of(report, fact.window)
    if place is None:
        return _unknown(f"{_called(fact.window)} was not measured")
    if fact.resources:
        return _resources(report, place)
    wanted = fact.figure or fact.steady
    rows = [row for row in report["figures"] if row["id"] == wanted]
    row = next((row for row in rows if row["readings"][place]), None)
    if row is None:
        return _unknown("it was not measured", subject=f"{wanted} in {_label(report, place)}")
    if fact.steady:
        return _steadiness(report, row, place)
    if fact.against is None:
        return _parts(report, fact, row, place) if fact.parts else _value(report, fact, row, place)
    before = place_of(report, fact.against)
    if before is None:
        return _unknown(f"{_called(fact.against)} was not measured")
    return _change(report, row, before, place, judge)


def place_of(report: Report, window: Window) -> int | None:
    """A window's place in the report; None where it was not measured."""
    for index, found in enumerate(report["windows"]):
        if (found["stage"], found["name"]) == (window.stage, window.name):
            return index
    return None


def _stage(report: Report, window: Window) -> MergedStage | None:
    """A window's stage; None where the run does not have it."""
    return next((stage for stage in report["stages"] if stage["stage"] == window.stage), None)


def _called(window: Window) -> str:
    return f"the window {window.name} of the stage {window.stage}"


def _label(report: Report, place: int) -> str:
    stage, title = window_label(report["windows"], place)
    return f"{stage} ({title})" if title else stage


def _unknown(reason: str, evidence: Sequence[Evidence] = (), subject: str = "") -> FactReading:
    return FactReading(UNKNOWN, reason=reason, subject=subject, evidence=evidence)


def _why_not(reading: Reading) -> str:
    return reading["reason"].rstrip(".") or "it has no value"


def _titled(report: Report, row: FigureRow, place: int) -> str:
    return f"{row['title']} in {_label(report, place)}"


def _evidence(row: FigureRow, place: int) -> Evidence:
    reading = row["readings"][place]
    value = None if reading is None else reading["value"]
    bound = "" if reading is None else reading.get("bound", "")
    text = UNKNOWN_TEXT if value is None else value_text(value, row["unit"], bound)
    return {"figure": row["id"], "unit": row["unit"], "window": place, "text": text}


# --- values --------------------------------------------------------------------------------------


def _value(report: Report, fact: Fact, row: FigureRow, place: int) -> FactReading:
    reading, evidence = row["readings"][place], _evidence(row, place)
    if reading is None or reading["value"] is None or reading["state"] in ("inconclusive", "error"):
        reason = "there is no reading" if reading is None else _why_not(reading)
        return _unknown(reason, [evidence], _titled(report, row, place))
    low, high = _range(reading)
    state = _level(fact.levels, low, high)
    if state is None:
        return _unknown("it is not known well enough", [evidence], _titled(report, row, place))
    return FactReading(state, {"": evidence["text"]}, evidence=[evidence])


def _range(reading: Reading) -> tuple[float | None, float | None]:
    """Where the value certainly lies; None is a side without an end."""
    interval = reading.get("interval")
    return (reading["value"], reading["value"]) if interval is None else (interval[0], interval[1])


def _level(levels: Sequence[tuple[str, float]], low: float | None, high: float | None) -> str | None:
    """The level that a range lies in; None where it reaches over two of them."""
    if not levels:
        return KNOWN
    lowest = 0 if low is None else sum(end <= low for _name, end in levels[1:])
    highest = len(levels) - 1 if high is None else sum(end <= high for _name, end in levels[1:])
    return levels[lowest][0] if lowest == highest else None


def _steadiness(report: Report, row: FigureRow, place: int) -> FactReading:
    """Whether a figure had as much in the window's second half as in its first, beyond noise."""
    reading = row["readings"][place]
    noise = None if reading is None else reading.get("noise")
    first, second = (None, None) if noise is None else noise.get("halves") or (None, None)
    if noise is None or "steady" not in noise or first is None or second is None:
        return _unknown("whether it was steady is not known", subject=_titled(report, row, place))
    # Sums of steps that cancel each other leave a rest of rounding.
    first, second = (0.0 if abs(half) <= ROUNDING * max(abs(first), abs(second)) else half for half in (first, second))
    texts = {"": f"from {value_text(first, row['unit'])} to {value_text(second, row['unit'])}"}
    if noise["steady"]:
        return FactReading("steady", texts)
    return FactReading("stopped" if second == 0 < first else "drifting", texts)


def _parts(report: Report, fact: Fact, row: FigureRow, place: int) -> FactReading:
    """A figure that is split by a label: its parts in words, or their number."""
    reading = row["readings"][place]
    parts = {} if reading is None else {name: value for name, value in reading["by"].items() if value is not None}
    evidence = _evidence(row, place)
    if reading is None or reading["state"] in ("inconclusive", "error") or not parts:
        reason = "it has no parts" if reading is None else _why_not(reading)
        return _unknown(reason, [evidence], _titled(report, row, place))
    if fact.parts == "count":
        count = sum(value > 0 for value in parts.values())
        return FactReading(_level(fact.levels, count, count) or UNKNOWN, {"": str(count)}, evidence=[evidence])
    ranked = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked if fact.parts == "all" else ranked[:MOST_PARTS]
    words = ", ".join(f"{name} {value_text(value, row['unit'])}" for name, value in shown)
    return FactReading(KNOWN, {"": words}, evidence=[evidence])


def _noted(report: Report, fact: Fact) -> FactReading:
    """A number that a stage noted among its facts."""
    stage = _stage(report, fact.window)
    found: object = stage["facts"] if stage else None
    for step in fact.noted.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if not is_number(found):
        return _unknown(f"the stage {fact.window.stage} did not note {fact.noted.replace('.', ' ')}")
    return FactReading(_level(fact.levels, found, found) or UNKNOWN, {"": value_text(found, fact.unit)})


def _resources(report: Report, place: int) -> FactReading:
    """What a window used up."""
    found = report["windows"][place]["resources"]
    if found is None:
        text = "What the machine had left in this window was not measured."
        return FactReading(UNKNOWN, {"": text}, "it was not measured", f"the CPU in {_label(report, place)}")
    subject = f"the CPU in {_label(report, place)}" if found["state"] == UNKNOWN else ""
    return FactReading(found["state"], {"": resource_sentence(found)}, found["reason"], subject)


def _ledger(report: Report, fact: Fact) -> FactReading:
    """What a stage's ledger says of a rebalancing: how often something was seen, or what it cost."""
    stage = _stage(report, fact.window)
    ledger = stage["ledger"] if stage else None
    if ledger is None:
        return _unknown(f"the stage {fact.window.stage} has no ledger of a rebalancing")
    if fact.ledger == LOST:
        lost = ledger["lost"]
        seconds, (low, high) = lost["workflow_seconds"], lost["interval"]
        if seconds is None:
            return _unknown(lost["reason"].rstrip(".") or "what the rebalancing cost is not known")
        text = value_text(seconds, WORKFLOW_SECONDS)
        if low is not None and high is not None:
            text += f" ({interval_text(low, high, '')})"
        state = _level(fact.levels, low, high)
        return FactReading(
            state or UNKNOWN, {"": text}, "" if state else f"what the rebalancing cost, {text}, is noise"
        )
    if fact.ledger in ledger["unknown"]:
        return _unknown(f"{fact.ledger.replace('_', ' ')} were not measured")
    count = sum(entry["count"] for entry in ledger["entries"] if entry["what"] == fact.ledger)
    return FactReading(_level(fact.levels, count, count) or UNKNOWN, {"": value_text(count, "1")})


# --- changes -------------------------------------------------------------------------------------


def _change(report: Report, row: FigureRow, before: int, after: int, judge: Judge) -> FactReading:
    evidence = [_evidence(row, before), _evidence(row, after)]
    old, new = (one["text"].replace(UNKNOWN_TEXT, UNKNOWN_END) for one in evidence)
    both = UNKNOWN_TEXT if old == new == UNKNOWN_END else f"from {old} to {new}"
    texts = {"": both, "before": old, "after": new, "size": UNKNOWN_TEXT}
    for place in (before, after):
        reading = row["readings"][place]
        if reading is None:
            return FactReading(UNKNOWN, texts, "it was not measured", _titled(report, row, place), evidence)
        if reading["value"] is None or reading["state"] in ("inconclusive", "error"):
            return FactReading(UNKNOWN, texts, _why_not(reading), _titled(report, row, place), evidence)
    verdict = judge(row, before, after)
    if verdict.size:
        texts |= {"": f"from {old} to {new} ({verdict.size})", "size": verdict.size}
    reason = verdict.reason if verdict.state == UNKNOWN else ""
    return FactReading(verdict.state, texts, reason, row["title"] if reason else "", evidence)
