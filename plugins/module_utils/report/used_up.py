# SPDX-License-Identifier: GPL-3.0-or-later
"""What each window used up, a sentence for each: without it no latency can be judged."""

from __future__ import annotations

from typing import TypedDict

from ..answers.resource_words import resource_sentence
from ..results.report import Report
from .columns import windows_text

#: What follows where nobody can tell whether the machines had other work.
NOT_RULED_OUT = "So other work on the machines may explain a change to or from here."


class UsedUp(TypedDict):
    """A sentence and the windows that it holds for. state: saturated, free or unknown."""

    windows: str
    state: str
    text: str


def used_up(report: Report) -> list[UsedUp]:
    """What the windows used up, in their order; those of which the same is said together."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, window in enumerate(report["windows"]):
        resources = window["resources"]
        if resources is not None:
            text = resource_sentence(resources)
            if resources["state"] == "unknown":
                text += f" {NOT_RULED_OUT}"
            found.setdefault((resources["state"], text), []).append(index)
    return [
        {"windows": windows_text(report, windows), "state": state, "text": text}
        for (state, text), windows in found.items()
    ]
