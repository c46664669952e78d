# SPDX-License-Identifier: GPL-3.0-or-later
"""The shards of each history pod before and after a stage, from its fact ``shards``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, Union

from ..formatting import duration_text, number_text, value_text
from ..results.report import is_number
from .words import NOTHING

#: Shards by pod; None where a pod did not report them.
Counts = Mapping[str, Union[float, None]]


@dataclass(frozen=True)
class Shards:
    """The fact. watched: whether anyone looked on until the shards settled; settled: after how many seconds, if so.

    scrape: seconds between the scrapes that showed it, None where it was looked at directly.
    """

    before: Counts
    after: Counts
    expected: float | None
    watched: bool
    settled: float | None
    scrape: float | None = None


class ShardRow(TypedDict):
    """A pod."""

    pod: str
    before: str
    after: str
    share: str


class ShardTable(TypedDict):
    """A stage's table, with the sums."""

    stage: str
    rows: list[ShardRow]
    before: str
    after: str
    sentences: list[str]


def read_shards(fact: object) -> Shards | None:
    """The fact, if it has the shape that is documented; None for another, which is shown as an unknown fact."""
    if not isinstance(fact, dict):
        return None
    names = ("before", "after", "expected", "settled", "settled_scrape")
    before, after, expected, settled, scrape = (fact.get(name) for name in names)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return None
    numbers = (*before.values(), *after.values(), expected, settled, scrape)
    if not all(value is None or is_number(value) for value in numbers):
        return None
    return Shards(before, after, expected, "settled" in fact, settled, scrape)


def shard_table(stage: str, shards: Shards) -> ShardTable:
    """The shards of each pod before and after, with their sums."""
    before, after = shards.before, shards.after
    sums = {"before": _sum(before), "after": _sum(after)}
    sentences = [_against_expected(sums, shards.expected)]
    empty = [pod for pod, count in sorted(after.items()) if count == 0]
    if empty:
        sentences.append(f"Afterwards {', '.join(empty)} owned no shard.")
    if shards.watched:
        sentences.append(_settled(shards.settled, shards.scrape))
    return {
        "stage": stage,
        "rows": [
            {
                "pod": pod,
                "before": _count(before, pod),
                "after": _count(after, pod),
                "share": _share(after.get(pod), sums["after"]),
            }
            for pod in sorted({*before, *after}, key=lambda pod: (pod not in before, pod))
        ],
        "before": _count(sums, "before"),
        "after": _count(sums, "after"),
        "sentences": sentences,
    }


def _settled(seconds: float | None, scrape: float | None) -> str:
    if seconds is None:
        return "The shards did not settle while they were observed."
    if scrape is None:
        return f"The shards settled {duration_text(seconds)} after the new pod was created."
    return (
        f"The shards had settled {duration_text(seconds)} after the new pod was created, when a scrape showed it; the "
        f"one before was {duration_text(scrape)} earlier."
    )


def _against_expected(sums: Counts, expected: float | None) -> str:
    if expected is None:
        return "The effective shard count was not read from Temporal."
    unknown = [when for when, total in sums.items() if total is None]
    if unknown:
        return f"Not every pod reported its shards {' and '.join(unknown)}, so that sum is unknown."
    wrong = [f"{_count(sums, when)} {when}" for when, total in sums.items() if total != expected]
    if wrong:
        return f"The effective shard count is {number_text(expected)}, but the sum is {' and '.join(wrong)}."
    return f"Both sums equal the effective shard count, {number_text(expected)}."


def _sum(pods: Counts) -> float | None:
    """Shards of all pods; None when there is no pod, or one that did not report them."""
    counts = [count for count in pods.values() if count is not None]
    return sum(counts) if counts and len(counts) == len(pods) else None


def _share(count: float | None, total: float | None) -> str:
    return value_text(count / total, "ratio") if total and count is not None else NOTHING


def _count(counts: Counts, name: str) -> str:
    """A count, a word where it is not known, or a dash where the pod did not exist."""
    if name not in counts:
        return NOTHING
    count = counts[name]
    return "not known" if count is None else number_text(count)
