# SPDX-License-Identifier: GPL-3.0-or-later
"""Was the load that was measured the one that was asked for? Judged by the figures of a window alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..findings import Finding, finding
from ..formatting import number_text
from ..results.stage_file import window_values
from ..results.types import FigureResult, Values, WindowResult

REQUESTED = "load_requested_concurrency"
ACHIEVED = "load_achieved_concurrency"
TRANSITIONS = "transitions_per_success"
#: What the workers poll for, by the figure of its pollers.
POLLERS = {"load_workflow_pollers": "workflow", "load_activity_pollers": "activity"}

#: Share of the requested concurrency by which that of Little's law may miss it. Workflows that end after the window
#: and those that began before it do not quite make up for each other.
IN_FLIGHT = 0.10
#: Share by which state transitions per success may differ from window to window of one workload.
CONSTANT = 0.05
#: Share by which a setting that was read back may differ, being a mean over time.
SETTING = 0.01
#: Seconds within which the end of a window is the start of the next.
SAME_TIME = 0.001


def load_findings(
    window: WindowResult, earlier: Values, requested: float | None, together: float | None = None
) -> list[Finding]:
    """Findings about the load of a measured window (docs/results.md), of those figures that the window has.

    earlier: values by figure id of the run's windows before it, by their names and in their order.
    requested: workflows that were to be kept in flight; None takes what the soak test says itself, 0 is no load.
    together: workflows in flight over all windows of the stage, where that is known.
    None of the findings is a fail: the figures are right, but of another load than the one that was asked for.
    """
    figures = {figure["id"]: figure for figure in window["figures"]}
    found = []
    if requested is not None and requested > 0 and REQUESTED in figures:
        found.append(judge_request(requested, figures[REQUESTED]))
    if requested is None and REQUESTED in figures:
        requested = known(figures[REQUESTED])
    if ACHIEVED in figures:
        found.append(judge_in_flight(requested, figures[ACHIEVED], together))
    if TRANSITIONS in figures and requested != 0:
        found.append(judge_transitions(figures[TRANSITIONS], earlier))
    if requested != 0 and any(figure in figures for figure in POLLERS):
        pollers = {what: figures[figure] for figure, what in POLLERS.items() if figure in figures}
        found.append(judge_pollers(requested, pollers))
    return [entry for entry in found if entry is not None]


def stage_findings(windows: Sequence[WindowResult], earlier: Values, settings: Mapping[str, Any]) -> list[Finding]:
    """Findings about the load of a stage's windows, in their order; each names its window where there are several.

    settings: those of the stage, of which concurrent_workflows says what was asked for.
    """
    requested = settings.get("concurrent_workflows")
    together = in_flight_together(windows)
    done: dict[str, Mapping[str, float | None]] = dict(earlier)
    found: list[Finding] = []
    for window in windows:
        of_window = load_findings(window, done, None if requested is None else float(requested), together)
        if len(windows) > 1:
            of_window = [{**one, "title": f"{window['title']}: {one['title']}"} for one in of_window]
        found += of_window
        done.update(window_values([window]))
    return found


def in_flight_together(windows: Sequence[WindowResult]) -> float | None:
    """Workflows in flight over windows that follow on each other; None for one window, or where one is not known.

    A workflow counts in the window that it ends in: where one is held up at the border of two, as by shards that
    move, only both together obey Little's law.
    """
    if len(windows) < 2 or any(abs(after["start"] - before["end"]) > SAME_TIME for before, after in pairwise(windows)):
        return None
    total = 0.0
    for window in windows:
        values = [known(figure) for figure in window["figures"] if figure["id"] == ACHIEVED]
        if not values or values[0] is None:
            return None
        total += values[0] * (window["end"] - window["start"])
    return total / (windows[-1]["end"] - windows[0]["start"])


def known(figure: FigureResult) -> float | None:
    """The value of a figure, None when it has none that can be relied on."""
    return figure["value"] if figure["state"] not in ("inconclusive", "error") else None


def _unknown(name: str, what: str, figure: FigureResult, effect: str) -> Finding:
    return finding(
        name,
        "warn",
        f"{what} is not known: {figure['reason'].rstrip('.') or 'no reason was recorded'}",
        effect,
        "See that the pods behind it are scraped and serve its metrics, as --tags preflight looks.",
    )


def judge_request(requested: float, told: FigureResult) -> Finding | None:
    """told: the figure with what the soak test says it was told; without a value the next finding says enough."""
    value = known(told)
    if value is None:
        return None
    if abs(value - requested) <= SETTING * requested:
        title = f"The soak test was told to keep {number_text(requested)} in flight, as was asked for"
        return finding("load_requested", "pass", title)
    return finding(
        "load_requested",
        "warn",
        f"The soak test was told to keep {number_text(value)} in flight on average, not {number_text(requested)}",
        "The figures are of another load, or of a window in which it was changed.",
        "See CONCURRENT_WORKFLOWS of the Deployment benchmark-soak-test, that its pod is of that setting, and that "
        "there is one such pod.",
    )


def judge_in_flight(requested: float | None, achieved: FigureResult, together: float | None = None) -> Finding | None:
    """achieved: the figure of Little's law. together: its value over all windows of the stage, where that is known."""
    name, value = "load_in_flight", known(achieved)
    if requested == 0:
        # Idle. A load that is not there has no value either.
        if not value:
            return None
        return finding(
            name,
            "warn",
            f"{number_text(value)} workflows were in flight on average by Little's law, and none were asked for",
            "The window is not idle.",
            "Take the load away (--tags reset) and measure again.",
        )
    if value is None:
        effect = "Whether the load was the one that was asked for cannot be told."
        return _unknown(name, "The number of workflows in flight", achieved, effect)
    if requested is None:
        return finding(
            name,
            "warn",
            f"{number_text(value)} workflows were in flight by Little's law; how many were asked for is not known",
            "Whether the load was the one that was asked for cannot be told.",
            "Note the setting concurrent_workflows with the stage.",
        )
    title = f"{number_text(value)} of {number_text(requested)} workflows were in flight on average by Little's law"
    away = value / requested - 1
    if abs(away) <= IN_FLIGHT:
        return finding(name, "pass", title)
    if together is not None and abs(together / requested - 1) <= IN_FLIGHT:
        all_of_them = f"{number_text(together)} over the stage's windows together"
        return finding(name, "pass", f"{title}, {all_of_them}: workflows held up in one window ended in another")
    return finding(
        name,
        "warn",
        f"{title}, {abs(away):.0%} {'more' if away > 0 else 'fewer'}",
        f"The figures are right, but of a load of {number_text(value)}: compare them with windows of that load only.",
        "Check whether starts failed or waited (log and restarts of benchmark-soak-test), and whether workflows that "
        "were held up, as by shards that moved, ended after the window, where they count: then make it longer."
        if away < 0
        else "Check whether more than one pod of benchmark-soak-test ran in the window.",
    )


def judge_transitions(figure: FigureResult, earlier: Values) -> Finding:
    """Compared with the first of the earlier windows that has the figure: a slow drift is seen too."""
    name, value = "load_transitions_per_success", known(figure)
    if value is None:
        effect = "Whether windows are of the same work cannot be told."
        return _unknown(name, "The number of state transitions per success", figure, effect)
    title = f"{number_text(value)} state transitions per workflow success"
    before = [(window, found) for window, of in earlier.items() if (found := of.get(TRANSITIONS))]
    if not before:
        return finding(name, "pass", f"{title}; no earlier window has any to compare with")
    window, reference = before[0]
    title = f"{title}, and {number_text(reference)} in the window {window}"
    away = value / reference - 1
    if abs(away) <= CONSTANT:
        return finding(name, "pass", title)
    return finding(
        name,
        "warn",
        f"{title}: {abs(away):.0%} {'more' if away > 0 else 'fewer'}",
        "A workload has a constant number, so transitions were counted or lost for something else: retries, workflows "
        "that failed or were cut by the window's ends, or another load; the two windows cannot be compared one to one.",
        "Look at workflow_failures, workflow_timeouts and service_errors of the window, keep other clients away, and "
        "measure again without a change inside the window.",
    )


def judge_pollers(requested: float | None, pollers: Mapping[str, FigureResult]) -> Finding:
    """pollers: the figures of the polls that workers have open, by what they poll for."""
    name, effect = "load_pollers", "Whether the worker was the bottleneck cannot be told."
    values: dict[str, float] = {}
    for what, figure in pollers.items():
        value = known(figure)
        if value is None:
            return _unknown(name, f"The number of {what} pollers", figure, effect)
        values[what] = value
    title = f"The workers have {' and '.join(f'{number_text(value)} {what}' for what, value in values.items())} pollers"
    if requested is None:
        return finding(
            name,
            "warn",
            f"{title}; how many workflows are in flight is not known",
            effect,
            "Note the setting concurrent_workflows with the stage.",
        )
    few = [what for what, value in values.items() if value < requested]
    if not few:
        return finding(name, "pass", f"{title} for {number_text(requested)} workflows in flight")
    return finding(
        name,
        "warn",
        f"{title} for {number_text(requested)} workflows in flight",
        f"The worker may be the bottleneck, not the server: {' and '.join(few)} tasks can wait for a poll.",
        "Raise benchmark_workflow_task_pollers and benchmark_activity_task_pollers, or benchmark_workers_replicas, and "
        "see in the workers' log that the setting is the one that their version reads.",
    )
