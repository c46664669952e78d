# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a stage file, as types; docs/results.md describes it for users.

A stage file is JSON of schema 2 (schema.py), and these are its objects. tests/unit/results/test_types.py holds every
other list of their fields equal to these types.

Times are Unix seconds with milliseconds, lengths are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Union

from ..findings import Finding

Labels = dict[str, str]

#: Which way is better.
Direction = Literal["lower", "higher", "none"]
#: How a value is to be taken: inconclusive is one that is not known well enough, error one that cannot be had.
FigureState = Literal["pass", "warn", "fail", "inconclusive", "error"]
StageState = Literal["done", "failed", "skipped"]

#: Values of windows: by the window's name and the figure's id; None is a value that is not known.
Values = Mapping[str, Mapping[str, Union[float, None]]]


class Event(TypedDict):
    """Something that happened to the cluster. ``name`` is for programs, ``title`` for people."""

    name: str
    title: str
    time: float


class Compared(TypedDict):
    """The earlier window of a relative threshold, its value, and the ratio of the figure's value to that."""

    window: str
    value: float | None
    ratio: float | None


class Burst(TypedDict):
    """Where in a window most of what was counted came at once: seconds after its start, for so long, which share."""

    start: float
    length: float
    share: float


class ScatteredSteps(TypedDict):
    """How many steps of how many seconds tell the noise of a figure."""

    steps: int
    step: float


class Noise(ScatteredSteps, total=False):
    """How far a figure's value may be from what it is on average, by how it scatters over the steps of its window.

    With too few steps nothing is known of it, and only their number is there. low, high: between what the average lies
    but for one time in twenty; None is a side without an end. freedom: degrees of freedom of that. halves: the value at
    the pace of the first half of the window, and of the second. steady: whether they differ by no more than noise.
    """

    low: float | None
    high: float | None
    freedom: int
    halves: list[float | None]
    steady: bool
    burst: Burst


class NamedFigure(TypedDict):
    """What each figure of a stage file says."""

    id: str
    title: str
    unit: str
    direction: Direction
    value: float | None
    state: FigureState
    reason: str
    query: str
    time: float


class Evidence(TypedDict, total=False):
    """How well a figure's value is known, by the samples that it was worked out from."""

    metrics: list[str]
    notes: list[str]
    interval: list[float | None]
    bound: Literal["below", "above"]
    observations: float
    samples: int
    largest_gap: float | None
    resets: int
    new_series: int
    gone_series: int
    unknown_series: int
    double_series: int
    compared: Compared
    noise: Noise


class PromqlPart(TypedDict):
    """A part of the difference of PromQL's value: how much it is that much more for ``what``, in the figure's unit.

    what: bounds (PromQL interpolates where only a bound is known), names (it is asked for one of a metric's names),
    edges (it extrapolates), new_series, ended_series (also reset and unknown ones), second_scrapes, or the rest.
    """

    what: str
    amount: float


class CrossCheck(TypedDict, total=False):
    """What PromQL itself makes of a figure, and why that is another value.

    promql_parts: of a difference that is explained; they add up to it. promql_smoothed: what PromQL makes of it with
    ``smoothed`` range selectors, where Prometheus has them.
    """

    promql: float | None
    promql_difference: float | None
    promql_reason: str
    promql_parts: list[PromqlPart]
    promql_smoothed: float | None


class FigureDetails(TypedDict, total=False):
    """What only some figures have. by: the values of one that is split by a label; thresholds and reference: the
    profile's limits, and what others say about good values; distribution: the id of the one that it is a part of;
    definition: a digest of how the profile has it worked out."""

    thresholds: dict[str, Any]
    reference: str
    distribution: str
    definition: str
    by: Mapping[str, float | None]


class FigureResult(NamedFigure, Evidence, CrossCheck, FigureDetails, total=False):
    """A figure of a window: its value, its state, and how well the value is known.

    Figures that were measured have all of question, key, coverage, metrics, notes and the fields of PromQL, and those
    of the evidence that their kind has. The rest is there where there is something to say.
    """

    question: str
    key: bool
    coverage: float


class DistributionBucket(TypedDict):
    """A bucket of a histogram, from above one bound to another; None is a side without an end.

    counts: observations in each step of the window, which are no whole numbers where a step ends between two scrapes;
    None in a step of which nothing is known.
    """

    above: float | None
    to: float | None
    counts: list[float | None]


class DistributionResult(TypedDict):
    """How a distribution went over a window: its buckets with an observation, the lowest first, step after step.

    id: as in its figures' ``distribution``. start: when the first step begins. step: length of one.
    """

    id: str
    title: str
    unit: str
    start: float
    step: float
    buckets: list[DistributionBucket]


class Machine(TypedDict):
    """A machine that pods of the lab ran on. used, cores: of its CPU, None where it is not known."""

    name: str
    used: float | None
    cores: float | None


class Resources(TypedDict):
    """What a window used up.

    state: whether something was saturated. reason: why that is unknown, else empty. saturated: names of what was:
    machine (with its name where there are several), or a component that was stopped at its limit of CPU. machines: the
    busiest first. cpu: cores by component, the most first. throttled: share of the time that components were stopped
    at their limit, without those that were not.
    """

    state: Literal["saturated", "free", "unknown"]
    reason: str
    saturated: list[str]
    machines: list[Machine]
    cpu: Mapping[str, float]
    throttled: Mapping[str, float]


class NamedWindow(TypedDict):
    """What each window of a stage file says."""

    name: str
    title: str
    start: float
    end: float
    figures: list[FigureResult]


#: Who says how many workflows completed: the server's metrics, the load's own, Temporal's record of workflows.
Witness = Literal["server", "load", "visibility"]


class VisibilityAnswer(TypedDict):
    """Workflows of a window by their status, as Temporal's Visibility counts them; or the reason why it does not.

    Running are those that began by the window's end and are not closed, the others were closed in the window.
    """

    by: dict[str, int]
    reason: str


class CountedCompletions(TypedDict):
    """How many workflows completed in a window, by a witness; a reason where that is not known."""

    witness: Witness
    value: float | None
    interval: list[float | None]
    reason: str


class Completions(CountedCompletions, total=False):
    """The same; by: what Visibility says of workflows by their status."""

    by: dict[str, int]


class SampledWindow(NamedWindow, total=False):
    """A span of time with its figures, and what else its samples tell."""

    distributions: list[DistributionResult]
    resources: Resources


class WindowResult(SampledWindow, total=False):
    """The same as a stage writes it: with what others than Prometheus say of it."""

    completions: list[Completions]


#: What a ledger has entries of; docs/results.md says what each is.
LedgerWhat = Literal[
    "shards_acquired",
    "shards_released",
    "requests_refused",
    "calls_failed",
    "errors_to_clients",
    "requests_repeated",
    "lock_waits",
    "slow_workflows",
]


class LedgerPod(TypedDict):
    """A history pod. came, went: the first and the last scrape of one that came or went while the windows ran.

    shards: pairs of a scrape's time and the shards that the pod then owned: the first, and each change.
    """

    pod: str
    came: float | None
    went: float | None
    shards: list[list[float]]


class LedgerEntry(TypedDict):
    """What one pod counted of one thing in the windows. detail: of which kind, such as the type of an error.

    seen: pairs of a scrape's time and what was counted since the scrape before it.
    """

    what: LedgerWhat
    pod: str
    detail: str
    count: float
    seen: list[list[float]]


class CountedLoss(TypedDict):
    """Workflow-seconds that a rebalancing cost, and between what they lie; a reason for what is not known."""

    workflow_seconds: float | None
    interval: list[float | None]
    reason: str


class LostWork(CountedLoss, total=False):
    """How the sum came about.

    witness: who counted. in_flight: workflows that were kept in flight. completed: in the ledger's span; expected: at
    the rate of before. before: title of the window that this is the rate of, empty for the steps of the same windows
    before the first shard moved. rate_before, rate_after: completions a second; None where too few steps are left.
    """

    witness: Witness
    in_flight: float
    completed: float
    expected: float
    before: str
    rate_before: float
    rate_after: float | None


class Ledger(TypedDict):
    """A rebalancing of shards: from when to when, what each pod saw of it, and what it cost.

    over: whether nothing of it was seen at the end of the windows. step: seconds between scrapes. none: what did not
    happen; unknown: what was not measured. slow_above: the seconds that make a workflow a slow one, since none took
    longer before. completed: pairs of a time and the completions since the one before it.
    """

    start: float
    end: float
    over: bool
    step: float
    pods: list[LedgerPod]
    entries: list[LedgerEntry]
    none: list[LedgerWhat]
    unknown: list[LedgerWhat]
    slow_above: float | None
    completed: list[list[float]]
    lost: LostWork


class NamedSeries(TypedDict):
    """What each series of a stage file says. points: pairs of time and value."""

    figure: str
    title: str
    unit: str
    labels: Labels
    points: list[list[float | None]]


class SeriesResult(NamedSeries, total=False):
    """The course of a figure over a stage, for plots. step: seconds from one point to the next.

    A figure of a distribution has none: its window has the whole distribution step by step.
    """

    query: str
    step: float


#: What a check found, as a stage keeps it in its facts.
FindingRecord = Finding


class StageAbout(TypedDict):
    """What is known of a stage besides its measurement; it is kept with the samples too."""

    stage: str
    started: float
    events: list[Event]
    versions: Mapping[str, str | None]
    settings: dict[str, Any]
    facts: dict[str, Any]


class WrittenStage(StageAbout):
    """What each stage file holds."""

    schema: str
    student: str
    run: str
    attempt: int
    state: StageState
    message: str
    finished: float
    windows: list[WindowResult]
    series: list[SeriesResult]


class StageRecord(WrittenStage, total=False):
    """A stage of a run, as it was done once.

    samples: name of the file of raw samples beside it. ledger: of the shards that moved while it was measured.
    """

    samples: str
    ledger: Ledger
