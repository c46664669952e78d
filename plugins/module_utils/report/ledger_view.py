# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a rebalancing in words: what it cost, and on one time line what each pod saw of it."""

from __future__ import annotations

from typing import TypedDict

from ..formatting import clock_text, duration_text, number_text
from ..results.types import Ledger, LedgerEntry, LedgerPod, LedgerWhat, LostWork
from .time_strip import Axis, Mark
from .words import NOTHING

WORDS: dict[LedgerWhat, str] = {
    "shards_acquired": "shards acquired",
    "shards_released": "shards released",
    "requests_refused": "requests refused for a shard that has moved",
    "calls_failed": "calls to the history service that failed",
    "errors_to_clients": "requests of clients that failed",
    "requests_repeated": "requests that the load made again",
    "lock_waits": "waits for a shard's lock above 10 ms",
    "slow_workflows": "workflows slower than any before",
}

#: Seconds before and after the rebalancing that are drawn.
AROUND = 60.0
#: Rows of a stage that reports show; a history of two pods has about ten.
MOST_ROWS = 200


class LedgerRow(TypedDict):
    """Something that a pod saw. clock: of the scrapes that showed it, the first and the last; marks: in its strip."""

    pod: str
    what: str
    count: str
    clock: str
    marks: list[Mark]


class Strip(TypedDict):
    """The time beside the rows. start, end: its ends. span: the rebalancing. bars: completions by scrape interval."""

    start: str
    end: str
    span: Mark
    bars: list[Mark]
    caption: str


class LedgerView(TypedDict):
    """The ledger of a stage. cost: what it cost, in sentences; rest: what is to be known besides."""

    stage: str
    cost: list[str]
    rest: list[str]
    rows: list[LedgerRow]
    strip: Strip


def ledger_view(stage: str, ledger: Ledger, with_date: bool = False) -> LedgerView:
    """The ledger in words."""
    axis = _axis(ledger)
    rows = [row for pod in ledger["pods"] for row in _pod(pod, with_date, axis)]
    rows += [
        (entry["seen"][0][0], _entry(entry, ledger, with_date, axis)) for entry in ledger["entries"] if entry["seen"]
    ]
    shown = [row for _time, row in sorted(rows, key=lambda row: row[0])]
    more = len(shown) - MOST_ROWS
    return {
        "stage": stage,
        "cost": [_when(ledger, with_date), *_cost(ledger["lost"])],
        "rest": [*([f"{more} more are in the stage file."] if more > 0 else []), *_rest(ledger)],
        "rows": shown[:MOST_ROWS],
        "strip": _strip(ledger, axis, with_date),
    }


def _axis(ledger: Ledger) -> Axis:
    """The rebalancing with some time before and after it, as far as the windows go."""
    times = [time for time, _number in ledger["completed"]]
    start = max([ledger["start"] - AROUND, *times[:1]])
    end = min([ledger["end"] + AROUND, *times[-1:]])
    return Axis(min(start, ledger["start"]), max(end, ledger["end"], ledger["start"] + 1.0))


def _strip(ledger: Ledger, axis: Axis, with_date: bool) -> Strip:
    expected = ledger["lost"].get("rate_before", 0.0) * ledger["step"]
    largest = max([expected, *(number for _time, number in ledger["completed"])], default=0.0)
    return {
        "start": clock_text(axis.start, with_date),
        "end": clock_text(axis.end, with_date),
        "span": axis.mark(ledger["start"], ledger["end"]),
        "bars": axis.marks(ledger["completed"], ledger["step"], largest) if largest > 0 else [],
        "caption": f"workflows completed in {duration_text(ledger['step'])}, at most {number_text(round(largest))}",
    }


def _when(ledger: Ledger, with_date: bool) -> str:
    length = duration_text(ledger["end"] - ledger["start"])
    start = clock_text(ledger["start"], with_date)
    text = f"Shards moved from {start} UTC on, and {length} later the last of it was seen."
    if not ledger["over"]:
        text += " It may have gone on after the windows."
    return text


def _cost(lost: LostWork) -> list[str]:
    """The sum, how it came about, and what the rate was afterwards."""
    seconds, (least, most) = lost["workflow_seconds"], lost["interval"]
    reason = lost["reason"].rstrip(".")
    if seconds is None:
        return [f"What it cost is not known: {reason}."]
    told = [_sum(seconds, least, most)]
    if reason:
        told.append(f"{reason[0].upper()}{reason[1:]}.")
    if "completed" in lost and "expected" in lost and "in_flight" in lost and "rate_before" in lost:
        before = f"the window {lost['before']}" if lost.get("before") else "these windows before that"
        told.append(
            f"{number_text(round(lost['completed']))} workflows completed, and {number_text(round(lost['expected']))} "
            f"were expected at the rate of {before}: {number_text(lost['rate_before'])}/s with "
            f"{number_text(lost['in_flight'])} in flight."
        )
    after = lost.get("rate_after")
    if after is not None:
        told.append(f"Afterwards it was {number_text(after)}/s.")
    return told


def _sum(seconds: float, least: float | None, most: float | None) -> str:
    value = _seconds(seconds)
    if least is None or most is None:
        ends = [f"at least {_seconds(least)}"] if least is not None else []
        ends += [f"at most {_seconds(most)}"] if most is not None else []
        return f"It cost {value} workflow-seconds" + (f" ({' and '.join(ends)})." if ends else ".")
    between = f"between {_seconds(least)} and {_seconds(most)}"
    if least <= 0.0 <= most:
        return f"What it cost is not beyond noise: {value} workflow-seconds, {between}."
    if most < 0.0:
        return f"It cost nothing: {_seconds(-seconds)} workflow-seconds more were done than before, {between}."
    return f"It cost {value} workflow-seconds ({between})."


def _seconds(value: float) -> str:
    """Workflow-seconds to the tenth below ten, else whole."""
    return number_text(float(round(value))) if abs(value) >= 9.95 else f"{value:.1f}".replace("-", "−")


def _rest(ledger: Ledger) -> list[str]:
    told = []
    if ledger["slow_above"] is not None:
        told.append(f"Before, no workflow took longer than {duration_text(ledger['slow_above'])}.")
    if ledger["none"]:
        told.append(f"There were none of these: {_named(ledger['none'])}.")
    if ledger["unknown"]:
        told.append(f"These were not measured: {_named(ledger['unknown'])}.")
    told.append(
        f"Times (UTC) are those of scrapes, one every {duration_text(ledger['step'])}: what one shows happened since "
        f"the one before."
    )
    return told


def _named(things: list[LedgerWhat]) -> str:
    return ", ".join(WORDS.get(what, what) for what in things)


def _pod(pod: LedgerPod, with_date: bool, axis: Axis) -> list[tuple[float, LedgerRow]]:
    """When a pod came and went, and each change of its shards."""
    rows: list[tuple[float, LedgerRow]] = []
    if pod["came"] is not None:
        rows.append((pod["came"], _row(pod["pod"], "first scrape of this pod", NOTHING, pod["came"], with_date, axis)))
    for number, (time, shards) in enumerate(pod["shards"]):
        if number or pod["came"] is not None:
            rows.append(
                (time, _row(pod["pod"], "shards owned from here on", number_text(shards), time, with_date, axis))
            )
    if pod["went"] is not None:
        owned = number_text(pod["shards"][-1][1]) if pod["shards"] else NOTHING
        what = "last scrape of this pod, with so many shards"
        rows.append((pod["went"], _row(pod["pod"], what, owned, pod["went"], with_date, axis)))
    return rows


def _row(pod: str, what: str, count: str, time: float, with_date: bool, axis: Axis) -> LedgerRow:
    marks = [axis.mark(time, time)] if axis.start <= time <= axis.end else []
    return {"pod": pod, "what": what, "count": count, "clock": clock_text(time, with_date), "marks": marks}


def _entry(entry: LedgerEntry, ledger: Ledger, with_date: bool, axis: Axis) -> LedgerRow:
    words = WORDS.get(entry["what"], entry["what"])
    if entry["what"] == "slow_workflows" and ledger["slow_above"] is not None:
        words += f" (above {duration_text(ledger['slow_above'])})"
    if entry["detail"]:
        words += f" ({entry['detail']})"
    first, last = entry["seen"][0][0], entry["seen"][-1][0]
    clock = clock_text(first, with_date)
    if last > first:
        clock += f" to {clock_text(last, with_date)}"
    count = number_text(float(round(entry["count"])))
    marks = axis.marks(entry["seen"], ledger["step"])
    return {"pod": entry["pod"], "what": words, "count": count, "clock": clock, "marks": marks}
