# SPDX-License-Identifier: GPL-3.0-or-later
"""Task prometheus_preflight: would figures that are measured from now on be right?

It asks; preflight_findings.py judges what was read.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

from ..cluster.wait import Look, Waiter
from ..errors import LabError
from ..findings import Finding, sentence, show_faulty
from ..http.errors import TemporaryFailure, Unreachable
from ..task import Context, Params, Result, Task
from . import profile_file, query
from .client import Prometheus
from .connect import (
    PROFILE,
    PROMETHEUS,
    VALIDATION,
    connect,
    profile_text,
    profile_variables,
    read_default,
    with_profile,
)
from .matchers import matches
from .native_histogram import bases, parts_of_natives
from .preflight_findings import (
    double_scrapes,
    failure,
    frameworks_of,
    judge_clock,
    judge_double_scrapes,
    judge_metrics,
    judge_prometheus,
    judge_resolution,
    judge_scrape_interval,
    judge_shards,
    judge_targets,
    judge_units,
    labels_elsewhere,
    needed_components,
    of_components,
    strange_pods,
    uneven_intervals,
)
from .profile import Figure, Profile, Selection, Source
from .query import FoundMetrics
from .reader import by_names
from .server import Clock, clock_skew, prometheus_version
from .targets import NoTargets, read_targets, scrape_interval, targets_of_up

SPEC: dict[str, Any] = {
    **PROMETHEUS,
    **PROFILE,
    "window": {"type": "float", "default": 120.0},
    "scrape_interval": {"type": "float"},
    "history_shards": {"type": "int"},
    "wait": {"type": "float", "default": 0.0},
    "clock_skew_warn": {"type": "float", "default": 2.0},
    "clock_skew_fail": {"type": "float", "default": 30.0},
}

#: Seconds in which a first answer must come, and between two looks of a wait.
PATIENCE = 10.0
PAUSE = 2.0
#: Seconds between scrapes to reckon with while that is not known.
USUAL_INTERVAL = 60.0
#: Findings that a few more scrapes can change, unless Seen.lasting says otherwise. Waiting never cures the others.
PASSING = ("prometheus", "prometheus_api", "scrape_interval", "targets", "metrics", "shards")
#: The figure of the shards that each history pod owns, and what it is made of where the profile has none.
SHARDS = Figure(
    "shards_per_pod", "", "", "1", "gauge", ("history",), Selection((Source("numshards_gauge"),)), take="last", by="pod"
)

#: Characters of a finding in a line of progress.
SHOWN_WIDTH = 100


def read_profile(params: Params) -> Profile:
    """The bound profile that the arguments mean. Raises LabError."""
    profile = profile_file.parse(*profile_text(params))
    return profile.bind(
        params["namespace"], params["release"], profile_variables(params), params["server_version"] or ""
    )


def can_pass(error: LabError) -> bool:
    """Whether a later try can succeed: silence and overload pass, a refusal or a wrong address does not."""
    return isinstance(error, TemporaryFailure) or (isinstance(error, Unreachable) and not error.lasting)


@dataclass
class Seen:
    """What one look at Prometheus found. interval and skew are seconds; None is what is not known.

    lasting: ids in PASSING whose failure no further scrape cures.
    """

    findings: list[Finding] = field(default_factory=list)
    lasting: set[str] = field(default_factory=set)
    version: str | None = None
    interval: float | None = None
    skew: float | None = None
    frameworks: list[str] = field(default_factory=list)

    def add_error(self, name: str, error: LabError) -> None:
        self.findings.append(failure(name, error))
        if not can_pass(error):
            self.lasting.add(name)

    def awaited(self) -> list[Finding]:
        """The failures that a few more scrapes may cure; none when another failure stays whatever is waited for."""
        fails = [entry for entry in self.findings if entry["state"] == "fail"]
        passing = [entry for entry in fails if entry["id"] in PASSING and entry["id"] not in self.lasting]
        return passing if len(passing) == len(fails) else []


def read_metrics(client: Prometheus, profile: Profile, at: float) -> tuple[FoundMetrics, dict[str, list[float]]]:
    """What Prometheus has of the profile at a time on its clock; and the bounds of the histograms' buckets.

    Only what is there at that moment, which names that it remembers of pods that are gone are not. Raises LabError.
    """
    names: dict[tuple[str, ...], set[str]] = {}
    for figure in profile.figures:
        of_figure = {source.metric for selection in figure.selections for source in selection.sources}
        native = {base for metric, base in bases(profile).items() if metric in of_figure}
        names.setdefault(profile.filters_of(figure), set()).update(of_figure | native)
    rows = [
        row
        for filters, of in names.items()
        for row in by_names(client, sorted(of), filters, "group by (__name__, le) ({})", at)
    ]
    there = set()
    bounds: dict[str, list[float]] = {}
    for labels, _value in rows:
        name = labels.get("__name__", "")
        there.add(name)
        try:
            bound = float(labels["le"])
        except (KeyError, ValueError):
            continue
        if math.isfinite(bound):
            bounds.setdefault(name, []).append(bound)
    smallest = {metric: min(of) for metric, of in bounds.items()}
    largest = {metric: max(of) for metric, of in bounds.items()}
    parts = parts_of_natives(profile, there)
    return FoundMetrics(frozenset(there | parts), smallest, largest, parts), bounds


def read_shards(
    client: Prometheus, profile: Profile, found: FoundMetrics, interval: float, at: float
) -> dict[str, float]:
    """Shards by history pod, as PromQL sums them. Raises LabError."""
    figure = next((figure for figure in profile.figures if figure.id == SHARDS.id), SHARDS)
    expression = query.instant(figure, found, profile.filters, USUAL_INTERVAL, interval)
    rows = client.vector(expression, at)
    return {labels.get(figure.by or "", ""): value for labels, value in rows if math.isfinite(value)}


def look(client: Prometheus, profile: Profile, params: Params, clock: Clock) -> Seen:
    """Ask and judge all; an error is a finding."""
    seen = Seen()
    try:
        # The first question is the one that a Prometheus which is not there is not asked for long.
        client.vector("vector(1)", clock.now(), PATIENCE)
    except LabError as error:
        seen.add_error("prometheus", error)
        return seen
    try:
        with client.lacking() as lacking:
            _look(client, profile, params, clock, seen)
        if lacking:
            whole = judge_prometheus(client.address, seen.version, lacking)
            seen.findings = [whole if entry["id"] == whole["id"] else entry for entry in seen.findings]
    except LabError as error:
        seen.add_error("prometheus_api", error)
    return seen


def _look(client: Prometheus, profile: Profile, params: Params, clock: Clock, seen: Seen) -> None:
    seen.version = prometheus_version(client)
    seen.findings.append(judge_prometheus(client.address, seen.version))
    seen.skew = clock_skew(client, clock)
    seen.findings.append(judge_clock(seen.skew, params["clock_skew_warn"], params["clock_skew_fail"]))

    given = params["scrape_interval"]
    try:
        targets = read_targets(client)
    except NoTargets:
        if given is None:
            raise
        targets = targets_of_up(client, clock.now() + seen.skew, given)
    components = of_components(profile, targets)
    try:
        seen.interval = scrape_interval(client, targets, profile.filters) if given is None else given
    except LabError as error:
        seen.add_error("scrape_interval", error)
    else:
        seen.findings.append(judge_scrape_interval(seen.interval, params["window"], uneven_intervals(components)))
        seen.lasting.add("scrape_interval")
    elsewhere = labels_elsewhere(profile, targets)
    matched = any(matches(profile.filters, target.labels) for target in targets)
    nothing = "" if matched else ", ".join(profile.filters)
    seen.findings.append(judge_targets(components, needed_components(profile), nothing, elsewhere))
    doubles = double_scrapes(targets, profile.filters)
    seen.findings.append(judge_double_scrapes(doubles, profile.filters))

    now = clock.now() + seen.skew
    found, bounds = read_metrics(client, profile, now)
    seen.frameworks = frameworks_of(profile, found)
    seen.findings.append(judge_metrics(profile, found))
    seen.findings.append(judge_units(profile, found, bounds))
    fine = judge_resolution(profile, found, bounds)
    if fine is not None:
        seen.findings.append(fine)
    owned = read_shards(client, profile, found, seen.interval or USUAL_INTERVAL, now)
    history = profile.components.get("history", "")
    if strange_pods(owned, history):
        seen.lasting.add("shards")
    doubled = any(sum(matches(profile.filters, one.labels) for one in group) > 1 for group in doubles)
    seen.findings.append(judge_shards(owned, params["history_shards"], history, doubled))


def run(params: Params, context: Context) -> Result:
    """Return ``findings``, ``faults`` (the fails as sentences), and what was found out on the way.

    Nothing is changed, and a check that fails raises nothing: LabError is for arguments and profiles only. With
    ``wait`` it looks again for as long as a few more scrapes may cure all that fails; not in check mode, where
    nothing was installed that could come.
    """
    if params["scrape_interval"] is not None and params["scrape_interval"] <= 0:
        raise LabError(f"`scrape_interval` is {params['scrape_interval']:g} s: it must be above zero.")
    if params["window"] <= 0:
        raise LabError(f"`window` is {params['window']:g} s: it must be above zero.")
    profile = read_profile(params)
    timeout = 0.0 if context.check_mode else params["wait"]
    clock = Clock()
    waited = 0.0
    try:
        with connect(params) as client:

            def one_look(_elapsed: float) -> Look[Seen]:
                seen = look(client, profile, params, clock)
                awaited = seen.awaited()
                text = ""
                if awaited:
                    first = textwrap.shorten(awaited[0]["title"], SHOWN_WIDTH, placeholder=" …").rstrip(".")
                    text = f"waiting for Prometheus: {first}"
                elif not any(entry["state"] == "fail" for entry in seen.findings):
                    text = "Prometheus has what is measured"
                return Look(not awaited, seen, text)

            ended = Waiter(timeout, PAUSE, show=context.show).wait(one_look)
            seen, waited = ended.value, ended.seconds
    except LabError as error:
        seen = Seen([failure("prometheus", error)])
    show_faulty(seen.findings, context.show)
    return {
        "changed": False,
        "findings": seen.findings,
        "faults": [sentence(entry) for entry in seen.findings if entry["state"] == "fail"],
        "scrape_interval": seen.interval,
        "clock_skew": None if seen.skew is None else round(seen.skew, 3),
        "frameworks": seen.frameworks,
        "prometheus_version": seen.version,
        "waited": round(waited, 3),
    }


TASK = Task(SPEC, run, VALIDATION, elsewhere=with_profile, before_fork=read_default)
