# SPDX-License-Identifier: GPL-3.0-or-later
"""Completed workflows of a window, told by three witnesses: the server, the load, and Temporal's Visibility.

The first two count in metrics that Prometheus scrapes, so that what they counted in a window is certain only up to the
scrapes at its ends. Visibility is the server's record of each workflow and passes through no metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..findings import Finding, finding
from ..formatting import number_text
from ..prometheus.profile import Profile
from ..results.types import Completions, FigureResult, VisibilityAnswer, WindowResult, Witness

#: The figure of each witness whose count is a rate of completions.
FIGURES: Mapping[Witness, str] = {"server": "workflow_successes", "load": "load_completed"}
REQUESTED = "load_requested_concurrency"
COMPLETED, RUNNING = "Completed", "Running"
WORDS: Mapping[Witness, str] = {
    "server": "the server's metrics",
    "load": "the load's own count",
    "visibility": "Temporal's Visibility",
}
#: Workflows by which two counts of the same may be apart besides: one that ends while it is counted.
SLACK = 1.0


def counts_completions(profile: Profile) -> bool:
    """Whether a profile has a figure that Visibility can be compared with."""
    return any(figure.id in FIGURES.values() for figure in profile.figures)


def witnessed(
    windows: Sequence[WindowResult], answers: Mapping[str, VisibilityAnswer], requested: float | None
) -> tuple[list[WindowResult], list[Finding]]:
    """The windows with what each witness counted, and a finding for each that Visibility was asked about.

    answers: what Visibility said, by window. requested: workflows that were to be kept in flight, None where unknown.
    """
    done: list[WindowResult] = []
    findings: list[Finding] = []
    for window in windows:
        answer = answers.get(window["name"])
        if answer is None:
            done.append(window)
            continue
        counts = completions(window, answer, requested)
        done.append({**window, "completions": counts})
        if len(counts) < 2:
            # A profile without such figures: there is nothing to compare with.
            continue
        found = judge(counts)
        if len(windows) > 1:
            found = {**found, "title": f"{window['title']}: {found['title']}"}
        findings.append(found)
    return done, findings


def completions(window: WindowResult, answer: VisibilityAnswer, requested: float | None = None) -> list[Completions]:
    """What each witness counted in a window; the load is left out where nothing of it is measured."""
    figures = {figure["id"]: figure for figure in window["figures"]}
    length = window["end"] - window["start"]
    found = [counted(witness, figures[figure], length) for witness, figure in FIGURES.items() if figure in figures]
    if requested is None and REQUESTED in figures:
        requested = figures[REQUESTED]["value"]
    return [*found, seen(answer, requested)]


def counted(witness: Witness, figure: FigureResult, length: float) -> Completions:
    """A rate's growth over a window of so many seconds."""
    value, interval = figure["value"], figure.get("interval", [None, None])
    if value is None or figure["state"] in ("inconclusive", "error"):
        return {"witness": witness, "value": None, "interval": [None, None], "reason": figure["reason"]}
    return {
        "witness": witness,
        "value": round(value * length, 3),
        "interval": [None if end is None else round(end * length, 3) for end in interval],
        "reason": "",
    }


def seen(answer: VisibilityAnswer, requested: float | None) -> Completions:
    """What Visibility counted, unless its record was behind when it was asked."""
    by, reason = answer["by"], answer["reason"]
    running = by.get(RUNNING, 0)
    if not reason and requested is not None and running > requested:
        reason = (
            f"it had {running} workflows as running that began before the window's end, and "
            f"{number_text(requested)} are kept in flight: its record was behind, or others run workflows too"
        )
    if reason:
        return {"witness": "visibility", "value": None, "interval": [None, None], "reason": reason, "by": dict(by)}
    value = by.get(COMPLETED, 0)
    return {"witness": "visibility", "value": value, "interval": [value, value], "reason": "", "by": dict(by)}


def judge(counts: Sequence[Completions]) -> Finding:
    """Whether the witnesses agree, as far as the scrapes at the window's ends let them."""
    known = [one for one in counts if one["value"] is not None]
    told = ", ".join(f"{number_text(one['value'] or 0)} by {WORDS[one['witness']]}" for one in known)
    unknown = [
        f"{WORDS[one['witness']]} is not known ({one['reason'].rstrip('.')})" for one in counts if one not in known
    ]
    title = "; ".join([f"Completed workflows: {told or 'not known'}", *unknown])
    if len(known) < 2:
        return finding(
            "completions_agree",
            "warn",
            title,
            "Whether the counts agree cannot be told.",
            "See that the pods of the load and of history are scraped (--tags preflight), and that Temporal's HTTP API "
            "answers.",
        )
    apart = [(one, other) for at, one in enumerate(known) for other in known[at + 1 :] if not _may_be_equal(one, other)]
    if not apart:
        return finding("completions_agree", "pass", title)
    pairs = "; ".join(f"{_range(one)} and {_range(other)}" for one, other in apart)
    return finding(
        "completions_agree",
        "warn",
        f"{title}: more apart than the scrapes at the window's ends explain ({pairs})",
        "One of them counts something else or not all of it, and so may rates that are based on it.",
        "If Visibility has more, check whether other clients run workflows in the same Temporal namespace; if it has "
        "fewer, whether its record is behind (count again later) or the load's namespace is another one "
        "(lab_temporal_namespace); if the load has fewer, whether its pod began anew.",
    )


def _may_be_equal(one: Completions, other: Completions) -> bool:
    return _reaches(one, other) and _reaches(other, one)


def _reaches(upper: Completions, lower: Completions) -> bool:
    """Whether the most that the one may have counted is not less than the least of the other."""
    most, least = upper["interval"][1], lower["interval"][0]
    return most is None or least is None or most + SLACK >= least


def _range(one: Completions) -> str:
    least, most = one["interval"]
    words = WORDS[one["witness"]]
    if least is not None and most is not None:
        return f"{words} {number_text(least)}" + ("" if least == most else f" to {number_text(most)}")
    return f"{words} at least {number_text(least)}" if least is not None else words
