# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypedDict

FindingState = Literal["pass", "warn", "fail"]


class Finding(TypedDict):
    """What a check found, what it does to the lab or to its figures, and what to do; both are empty for a pass."""

    id: str
    state: FindingState
    title: str
    effect: str
    cure: str


def finding(name: str, state: FindingState, title: str, effect: str = "", cure: str = "") -> Finding:
    """One finding; ``state`` is pass, warn or fail."""
    return {"id": name, "state": state, "title": title, "effect": effect, "cure": cure}


def sentence(entry: Finding) -> str:
    """A finding in one sentence: what was found, what it does, what to do."""
    parts = (entry["title"], entry["effect"], entry["cure"])
    first, *others = [part.rstrip(".") for part in parts if part]
    return "; ".join([first, *(part[0].lower() + part[1:] for part in others)])


def show_faulty(findings: Iterable[Finding], show: Callable[[str], None]) -> None:
    """Show those that are no pass, a line each: who waits at the terminal need not look into the report."""
    for found in findings:
        if found["state"] != "pass":
            show(f"{found['state']}: {sentence(found)}")
