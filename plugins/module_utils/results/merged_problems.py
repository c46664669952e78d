# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of a run: files that could not be used, findings of stages, and figures that did not pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from .report import FigureRow, ReportProblem, StageWindow, window_label
from .runs import Problem, Run
from .types import StageRecord

#: The states of figures that did not pass, the gravest first.
STATE_ORDER = ("fail", "error", "inconclusive", "warn")
#: Findings of an attempt that are problems; the checks of a stage number twenty.
MOST_FINDINGS = 200
#: Problems that are findings of stages, by the finding's state, the gravest first.
FINDING_KINDS = {"fail": "finding_fail", "warn": "finding_warn"}


def merge_problems(
    run: Run,
    shown: Mapping[str, StageRecord],
    windows: Sequence[StageWindow],
    figures: Sequence[FigureRow],
    left_out: Sequence[Problem] = (),
) -> list[ReportProblem]:
    """Files that could not be used, findings of stages, then figures that did not pass; of each the gravest first.

    left_out: of files that are too large to be shown whole.
    """
    files: list[ReportProblem] = [
        {"kind": "file", "source": problem.source, "text": problem.text} for problem in [*run.problems, *left_out]
    ]
    return [*files, *_findings(run, shown), *_figures(windows, figures)]


def _figures(windows: Sequence[StageWindow], figures: Sequence[FigureRow]) -> list[ReportProblem]:
    found: list[ReportProblem] = []
    for figure in figures:
        for index, reading in enumerate(figure["readings"]):
            if reading is None or reading["state"] == "pass":
                continue
            stage, title = window_label(windows, index)
            what = figure["title"]
            if _shared(figure, index, figures):
                what = what.rpartition(", ")[0]
            problem: ReportProblem = {
                "kind": reading["state"],
                "source": ", ".join(filter(None, [what, stage, title])),
                "text": reading["reason"] or "no reason was recorded",
            }
            if problem not in found:
                found.append(problem)
    return sorted(found, key=lambda problem: STATE_ORDER.index(problem["kind"]))


def _shared(figure: FigureRow, index: int, figures: Sequence[FigureRow]) -> bool:
    """Whether all figures of a distribution say the same of a window, so that it is said once."""
    parts = [one for one in figures if one["distribution"] and one["distribution"] == figure["distribution"]]
    said = {(one["state"], one["reason"]) for part in parts if (one := part["readings"][index]) is not None}
    return len(parts) > 1 and len(said) == 1


def _findings(run: Run, shown: Mapping[str, StageRecord]) -> list[ReportProblem]:
    """What stages found and warn of: in the attempt that is shown, and in a newer one that was not done."""
    # By what they say: the same finding of two attempts is one.
    found: dict[tuple[str, ...], ReportProblem] = {}
    for stage, record in shown.items():
        newest = run.stages[stage][-1]
        for source in [record] if newest["attempt"] == record["attempt"] else [record, newest]:
            findings = _findings_of(stage, source["facts"].get("findings"))
            for problem in itertools.islice(findings, MOST_FINDINGS):
                found.setdefault(tuple(map(str, problem.values())), problem)
    kinds = list(FINDING_KINDS.values())
    return sorted(found.values(), key=lambda problem: kinds.index(problem["kind"]))


def _findings_of(stage: str, findings: object) -> Iterator[ReportProblem]:
    """The findings that are problems. Facts are of any shape, and what is no finding is left out."""
    for finding in findings if isinstance(findings, list) else []:
        kind = FINDING_KINDS.get(str(finding.get("state"))) if isinstance(finding, dict) else None
        if kind is not None:
            yield {
                "kind": kind,
                "source": stage,
                "text": str(finding.get("title") or finding.get("id") or "no title was recorded"),
                "effect": str(finding.get("effect") or ""),
                "cure": str(finding.get("cure") or ""),
            }
