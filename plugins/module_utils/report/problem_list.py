# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of a run as a list, in which what is said of several figures or stages stands once."""

from __future__ import annotations

from typing import TypedDict

from ..results.merged_problems import FINDING_KINDS
from ..results.report import Report

#: The state that a finding is of, by the problem's kind.
STATES = {kind: state for state, kind in FINDING_KINDS.items()}
WORDS = {"file": "file not used", **STATES}


class ProblemGroup(TypedDict):
    """Problems that say the same. sources: files, figures or stages; stages: those of a finding, else empty."""

    kind: str
    state: str
    word: str
    text: str
    effect: str
    cure: str
    sources: list[str]
    stages: str


def problem_list(report: Report) -> list[ProblemGroup]:
    """The problems in their order, those that say the same as one, with their sources."""
    groups: dict[tuple[str, ...], ProblemGroup] = {}
    for problem in report["problems"]:
        kind, text = problem["kind"], problem["text"]
        effect, cure = problem.get("effect", ""), problem.get("cure", "")
        group = groups.setdefault(
            (kind, text, effect, cure),
            {
                "kind": kind,
                "state": STATES.get(kind, kind),
                "word": WORDS.get(kind, kind),
                "text": text,
                "effect": effect,
                "cure": cure,
                "sources": [],
                "stages": "",
            },
        )
        group["sources"].append(problem["source"])
        if kind in STATES:
            group["stages"] = ", ".join(group["sources"])
    return list(groups.values())
