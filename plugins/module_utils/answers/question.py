# SPDX-License-Identifier: GPL-3.0-or-later
"""A question of the lab: the facts that it rests on, and the answers that there can be.

A question knows no numbers. Its facts say where in a run's results they stand, each fact has one of a few states, and
the first answer whose states hold is the answer of that run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Union, get_args

from ..results.types import LedgerWhat

#: State of a change, and the states that it can have.
ChangeState = Literal["higher", "lower", "same", "unknown"]
CHANGES: tuple[ChangeState, ...] = ("higher", "lower", "same", "unknown")
#: State of a change that is no more than noise.
SAME: Literal["same"] = "same"
#: State of a fact without levels that has a value.
KNOWN = "known"
#: State of a fact that the results do not tell.
UNKNOWN: Literal["unknown"] = "unknown"

#: What of a change a text can name.
ChangeText = Literal["", "before", "after", "size"]
CHANGE_TEXTS: tuple[ChangeText, ...] = ("", "before", "after", "size")
#: What a text can name of the parts of a figure that is split by a label.
PARTS = ("largest", "all", "count")
#: States of the resources of a window, and what can be asked of them.
RESOURCES: tuple[str, ...] = ("saturated", "free", "unknown")
RESOURCE_KINDS = ("cpu",)
#: States of how a figure ran through a window: with about the same in both halves, with more in one of them than noise
#: explains, or with none in the second.
STEADINESS: tuple[str, ...] = ("steady", "drifting", "stopped", "unknown")
#: What a rebalancing cost, beside what its ledger has entries of.
LOST: Literal["lost"] = "lost"
LEDGER: tuple[str, ...] = (LOST, *get_args(LedgerWhat))


@dataclass(frozen=True)
class Window:
    """A window of the lab: its stage's name and its own."""

    stage: str
    name: str


@dataclass(frozen=True)
class Fact:
    """What a question wants to know of a run.

    figure: id of a figure; empty for a fact of another kind. window: where it is read.
    against: the window that it is compared with; None where the fact is a value and not a change.
    parts: of a figure that is split by a label its largest parts, all of them, or their number.
    noted: the path of a fact of the window's stage, such as ``shards.settled``, with its unit.
    resources: what is asked of the window's resources; its state is whether something was saturated.
    steady: id of a figure, of which it is asked whether it was steady in the window.
    ledger: what the ledger of the window's stage counted, or ``lost``, the workflow-seconds that the rebalancing cost.
    levels: names of ranges of the value, each with its lower end, ascending; the first has none below it.
    """

    name: str
    window: Window
    figure: str = ""
    against: Window | None = None
    parts: str = ""
    noted: str = ""
    resources: str = ""
    steady: str = ""
    ledger: str = ""
    unit: str = ""
    levels: tuple[tuple[str, float], ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """The states that it can have."""
        if self.against:
            return CHANGES
        if self.resources:
            return RESOURCES
        if self.steady:
            return STEADINESS
        return (*(name for name, _end in self.levels), UNKNOWN) if self.levels else (KNOWN, UNKNOWN)


@dataclass(frozen=True)
class Mention:
    """A fact's name in a text, and which of its texts is meant there."""

    fact: str
    which: str = ""


#: A text: words, and the facts that are named in it.
Text = tuple[Union[str, Mention], ...]


@dataclass(frozen=True)
class Verdict:
    """An answer that there can be. when: by a fact's name the states that it must have; none for the last one.

    open: it says that the results do not decide.
    """

    id: str
    text: Text
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class Question:
    """A question of the lab.

    stage: the stage that it is asked after. predict: name of the change that a student can predict, empty if none;
    predicts: what is asked then. limits: what its answers do not show. why: why Temporal behaves so.
    source: where that can be read.
    """

    id: str
    stage: str
    question: str
    facts: tuple[Fact, ...]
    verdicts: tuple[Verdict, ...]
    limits: str
    why: str
    source: str
    predict: str = ""
    predicts: str = ""

    def fact(self, name: str) -> Fact:
        """The fact of that name."""
        return next(fact for fact in self.facts if fact.name == name)
