# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the Grafana dashboard of a profile: `make dashboard`, or tools/dashboard.py with options.

What is asked is the profile's: its figures, through the queries that the report's plots are made with. What is
decided here is only how it looks: rows, order, what to look for. docs/dashboard.md explains the dashboard.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from project import ROOT

sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.formatting import value_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile as profiles
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import (
    FRAMEWORKS,
    TASK_VARIABLES,
    Figure,
    Profile,
    Selection,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.plots import EVENT

Json = dict[str, Any]

FILE = ROOT / "files" / "dashboards" / "temporal-benchmarking.json"
UID = "temporal-lab-benchmarking"
TITLE = "Temporal benchmarking lab"
#: Tag of the marks that the lab's stages leave in Grafana.
MARKS = "temporal-lab"
#: Grafana 11.0's; newer ones move it on when they read it.
SCHEMA_VERSION = 39
QUANTILES = (0.5, 0.9, 0.95, 0.99)
#: Seconds between scrapes in the collection's own chart: taken until Prometheus can tell.
SCRAPE_INTERVAL = 5

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT, STAT_HEIGHT, QUESTIONS_HEIGHT = 8, 5, 11

#: Stand in a query for what Grafana puts there; no query has them by itself.
QUANTILE, INTERVAL = 0.123456789, 1_000_003.0
NOTHING = query.Found()


@dataclass(frozen=True)
class Place:
    """A panel of a row: its figures, which have one unit, and how they are drawn."""

    figures: tuple[str, ...]
    title: str = ""
    heatmap: bool = False
    width: int = 12


@dataclass(frozen=True)
class Row:
    """A question of the lab, with the panels that answer it."""

    title: str
    question: str
    places: tuple[Place, ...]


ROWS = (
    Row(
        "Persistence",
        "How long does the database take, and how often is it asked?",
        (
            Place(("persistence_latency_p95",)),
            Place(("persistence_latency_p95",), "Persistence latency, requests by duration", heatmap=True),
            Place(("persistence_requests",)),
            Place(("persistence_errors",)),
        ),
    ),
    Row(
        "Service",
        "How long does a request to the server take?",
        (
            Place(("service_latency_p95",), width=8),
            Place(("service_requests",), width=8),
            Place(("service_errors",), width=8),
        ),
    ),
    Row(
        "State transitions",
        "How much work does the history service write?",
        (Place(("state_transitions",)), Place(("transitions_per_success",))),
    ),
    Row(
        "Shard lock",
        "How long does a write wait for its shard, and why longer with more workflows?",
        (
            Place(("shard_lock_latency_p95",)),
            Place(("shard_lock_latency_p95",), "Shard lock latency, waits by duration", heatmap=True),
            Place(("lock_latency_p95",)),
            Place(("workflow_lock_latency_p95",)),
        ),
    ),
    Row(
        "Shards and rebalancing",
        "How are the shards spread over the history pods, and what does moving them cost?",
        (
            Place(("shards_per_pod",)),
            Place(("shards_acquired", "shards_closed"), "Shards that change hands"),
            Place(("membership_changes",)),
            Place(("acquire_shards_latency_p95",)),
        ),
    ),
    Row(
        "Workflow outcomes",
        "How many workflows complete, and how many do not?",
        (
            Place(("workflow_successes",)),
            Place(("workflow_failures", "workflow_timeouts"), "Workflow failures and timeouts"),
        ),
    ),
    Row("Signals", "How many signals do clients send?", (Place(("signal_requests",), width=COLUMNS),)),
    Row(
        "Matching and workers",
        "Are there workers enough, or do tasks wait?",
        (
            Place(("schedule_to_start_p95",), width=8),
            Place(("poll_sync_rate",), width=8),
            Place(("load_workflow_pollers", "load_activity_pollers"), "Pollers of the workers", width=8),
        ),
    ),
    Row(
        "Load generator",
        "Is the load the one that was asked for?",
        (
            Place(
                ("load_achieved_concurrency", "load_in_flight", "load_requested_concurrency"),
                "Workflows in flight: by Little's law, as counted, as asked for",
            ),
            Place(("load_started", "load_completed"), "Workflows started and completed by the soak test"),
            Place(("load_end_to_end_p95", "load_end_to_end_mean"), "Workflow end to end"),
            Place(("load_failed",)),
        ),
    ),
)

#: What to look for in the lab, by figure; a figure without an entry has its question only.
LOOK = {
    "persistence_latency_p95": "the level without load is what one request costs; under load it rises first, and "
    "other latencies follow it.",
    "persistence_requests": "it is not zero without load: shards and queues are kept up to date. Under load it is a "
    "multiple of the state transitions.",
    "persistence_errors": "some while shards move, as their old owner's writes are refused; none otherwise.",
    "service_latency_p95": "it holds the database's time and all waits for locks.",
    "service_requests": "it grows with the completed workflows; signals are a part of it.",
    "service_errors": "some while shards move, which callers repeat by themselves; a steady rate is a fault.",
    "state_transitions": "they stand for writes to the database. More workflows in flight give more of them only as "
    "long as something is idle.",
    "transitions_per_success": "a flat line. The same workload has the same number at any rate: when it moves, the "
    "workload has changed, or work is repeated.",
    "shard_lock_latency_p95": "it jumps when more workflows want the same shards, and in the first two minutes after "
    "history is scaled. More shards, or a faster database, lower it.",
    "lock_latency_p95": "it stays low even where the wait for the database is long.",
    "workflow_lock_latency_p95": "it rises when several requests want one workflow, such as many signals.",
    "shards_per_pod": "when history is scaled from one pod to two, each has about half within seconds, and the sum "
    "stays what it was.",
    "membership_changes": "bars when a pod comes or goes, and at no other time.",
    "shards_acquired": "as many shards are taken over as are given up; the bars are where to look for spikes of the "
    "shard lock latency and of errors.",
    "acquire_shards_latency_p95": "a longer pass right after a pod came or went. A pod makes one pass a minute.",
    "workflow_successes": "compare them with the state transitions: both move together.",
    "workflow_failures": "none in the lab.",
    "signal_requests": "one signal for each workflow that the lab's load starts. Zero is an answer: a load that sends "
    "no signals.",
    "schedule_to_start_p95": "when it rises, tasks wait: there are too few workers or pollers.",
    "poll_sync_rate": "close to 100 %. Below it tasks went through the database because no worker was waiting.",
    "load_workflow_pollers": "more of them than workflows in flight: else the workers are the bottleneck.",
    "load_achieved_concurrency": "all lines on each other. Where Little's law gives less than what was asked for, the "
    "generator is slow, or its requests fail and it waits.",
    "load_started": "the same as the successes that the server counts.",
    "load_end_to_end_p95": "with twice as many workflows in flight and the same rate it doubles: nothing was idle.",
    "load_failed": "none in the lab.",
}

#: The stats on top: title, figures with the names of several, and what to look for.
STATS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("State transitions", (("state_transitions", ""),)),
    ("Workflow successes", (("workflow_successes", ""),)),
    ("Shard lock latency, ${quantile:text}", (("shard_lock_latency_p95", ""),)),
    ("Shards per history pod", (("shards_per_pod", ""),)),
    (
        "Workflows in flight",
        (("load_achieved_concurrency", "achieved"), ("load_requested_concurrency", "asked for")),
    ),
)

#: Grafana's names of the profile's units, and the decimals to show.
UNITS = {
    "s": ("s", None),
    "1/s": ("suffix:/s", 1),
    "1": ("none", None),
    "ratio": ("percentunit", 1),
    "B": ("bytes", None),
    "bytes": ("bytes", None),
}


def panel_id(name: str) -> int:
    """An id that a panel keeps when others come and go."""
    return 1 + zlib.crc32(name.encode()) % 1_000_000


# -- queries --------------------------------------------------------------------


class Queries:
    """PromQL of a profile's figures, with Grafana's variables where the profile has its own."""

    def __init__(self, profile: Profile, server_version: str = "", framework: str = "tally") -> None:
        self.variables = (*profile.variables, *TASK_VARIABLES)
        # Labels are variables too, and must look like labels until the query is made.
        stand_ins = {name: f"__{name}__" for name in self.variables}
        own = {name: stand_ins[name] for name in profile.variables}
        bound = profile.bind(stand_ins["namespace"], stand_ins["release"], own, server_version)
        self.profile = replace(bound, figures=tuple(_of_framework(figure, framework) for figure in bound.figures))
        self.filters = self.profile.filters

    def dashboard(self, expression: str) -> str:
        """The text with Grafana's variables."""
        windows = {query.LEAST_SCRAPES * INTERVAL, query.ALIVE_SCRAPES * INTERVAL}
        for window in windows:
            expression = expression.replace(query.duration(window), "$__rate_interval")
        expression = expression.replace(query.number(QUANTILE), "${quantile}")
        for name in self.variables:
            expression = expression.replace(f"__{name}__", f"${{{name}}}")
        return expression

    def course(self, figure: Figure) -> str:
        """The figure over time: as the report plots it, but totals, which are counted step by step."""
        if figure.kind == "quantile":
            figure = replace(figure, quantile=QUANTILE)
        expression = " or ".join(self._course(one) for one in _one_name_each(figure))
        return self.dashboard(self._or_zero(figure, expression))

    def _course(self, figure: Figure) -> str:
        if figure.kind == "total":
            return self._counts(figure)
        expression = query.plot(figure, NOTHING, self.filters, INTERVAL)
        # Without an observation, or anything to divide by: no value, which is neither NaN nor infinity.
        return f"{expression} < +Inf" if figure.kind in ("quantile", "ratio") else expression

    def heatmap(self, figure: Figure) -> str:
        """What a histogram's buckets counted, a second."""
        window = query.duration(query.LEAST_SCRAPES * INTERVAL)
        return self.dashboard(f"sum by (le) (rate({self._series(figure)}[{window}]))")

    def between_scrapes(self) -> str:
        """Seconds between two scrapes, as they were in the last five minutes: half of the pods had less."""
        times = f"timestamp({query.selector('up', self.filters)})[5m:1s]"
        span = f"max_over_time({times}) - min_over_time({times})"
        return self.dashboard(f"quantile(0.5, ({span}) / (changes({times}) > 0))")

    def scrapes(self) -> tuple[str, str]:
        """How many pods answer their scrapes, and how many do not."""
        up = query.selector("up", self.filters)
        return self.dashboard(f"sum({up})"), self.dashboard(f"count({up}) - sum({up})")

    def _series(self, figure: Figure) -> str:
        return query.selector(query.choose(figure.selection, NOTHING).metric, figure.selection.where, self.filters)

    def _counts(self, figure: Figure) -> str:
        """Growth of counters in each step.

        increase() does not see the first value of a series: the first failure, or the shards that a new pod has
        taken when it is first scraped. A value counts whole where it is known to have begun at zero: its pod answered
        one step before, without it or with a higher one; or the pod is new, and Prometheus was scraping others.
        """
        now, up = self._series(figure), query.selector("up", self.filters)
        before = f"{now} offset $__interval"
        parts = (
            f"({now} - ({before} <= {now}))",
            f"({now} and on (pod) ({up} offset $__interval == 1))",
            f"({now} unless on (pod) (max_over_time({up}[5m] offset $__interval) == 1)"
            f" and on () count({up} offset $__rate_interval))",
        )
        by = f" by ({figure.by}) " if figure.by else ""
        return f"sum{by}({' or '.join(parts)})"

    def _or_zero(self, figure: Figure, expression: str) -> str:
        """What the profile says of a figure without series: zero, but only where its pods were scraped.

        Where there is a series and yet no value, as after its first sample, nothing is known either.
        """
        if figure.absent != "zero":
            return expression
        pods = "|".join(self.profile.components[name] for name in figure.components).replace("\\", "\\\\")
        up = query.selector("up", self.filters, [f'pod=~"{pods}"'])
        series = " unless on () ".join(self._series(one) for one in _one_name_each(figure))
        return f"{expression} or (0 * sum({up} == 1) unless on () {series})"


def _one_name_each(figure: Figure) -> list[Figure]:
    """The figure with each of the names that its metric may have, of which a server has one.

    Names for other versions of the server are left out: a metric may have changed its meaning.
    """

    def alternatives(selection: Selection) -> list[Selection]:
        same = [one for one in selection.sources if one.server == selection.sources[0].server]
        return [replace(selection, sources=(one,)) for one in same]

    own = alternatives(figure.selection)
    if figure.denominator is None:
        return [replace(figure, selection=one) for one in own]
    below = alternatives(figure.denominator)
    return [replace(figure, selection=one, denominator=other) for one in own for other in below]


def _of_framework(figure: Figure, framework: str) -> Figure:
    """The figure with the metrics of one of the server's metric frameworks only."""

    def of(selection: Selection) -> Selection:
        sources = tuple(one for one in selection.sources if one.framework in (None, framework))
        return replace(selection, sources=sources or selection.sources)

    return replace(
        figure,
        selection=of(figure.selection),
        denominator=None if figure.denominator is None else of(figure.denominator),
    )


# -- panels ---------------------------------------------------------------------


def title_of(figure: Figure) -> str:
    """The figure's title; the dashboard's variable says which quantile is shown."""
    if figure.quantile is None:
        return figure.title
    own = f", p{query.number(figure.quantile * 100)}"
    return f"{figure.title.removesuffix(own)}, ${{quantile:text}}"


def smallest(figure: Figure) -> float | None:
    """The bound of the smallest bucket in the figure's unit, below which nothing is known."""
    source = query.choose(figure.selection, NOTHING)
    if figure.kind != "quantile" or source.smallest_bucket is None:
        return None
    return float(f"{source.smallest_bucket * source.scale:.12g}")


def thresholds(figure: Figure | None) -> Json:
    """The profile's limits as colours, and the smallest bucket as a line."""
    steps: list[Json] = [{"color": "green", "value": None}]
    if figure is not None:
        warn, fail = figure.thresholds.get("warn"), figure.thresholds.get("fail")
        if figure.direction == "higher":
            order = [("red", None), ("orange", fail), ("green", warn if warn is not None else fail)]
            if fail is None:
                order = [("orange", None), ("green", warn)]
        else:
            order = [("green", None), ("orange", warn), ("red", fail)]
        if figure.thresholds:
            steps = [{"color": colour, "value": at} for colour, at in order if at is not None or colour == order[0][0]]
            steps = _last_of_each_value(steps)
        bound = smallest(figure)
        if bound is not None and bound not in [step["value"] for step in steps]:
            below = [step for step in steps if step["value"] is None or step["value"] < bound]
            # The line is grey; what lies above it keeps the colour that it has by the limits.
            colour = "#8e8e8e" if not figure.thresholds else below[-1]["color"]
            steps = [*below, {"color": colour, "value": bound}, *steps[len(below) :]]
    return {"mode": "absolute", "steps": steps}


def _last_of_each_value(steps: Sequence[Json]) -> list[Json]:
    return list({step["value"]: step for step in steps}.values())


def absence(figures: Sequence[Figure]) -> str:
    """What is shown where there is no data: why there is none."""
    kinds = {figure.absent for figure in figures}
    if kinds == {"zero"}:
        return "No data: these pods are not scraped"
    if "error" in kinds:
        return "No data: not scraped, nothing observed, or a metric that this server does not have"
    return "No data: not scraped, or nothing observed"


def description(figures: Sequence[Figure], queries: Queries, heatmap: bool = False) -> str:
    """What a panel answers, what to look for, what others say, and what no data means."""
    parts = [figure.question for figure in figures]
    looks = [LOOK[figure.id] for figure in figures if figure.id in LOOK]
    parts += [f"**Look for:** {look}" for look in looks]
    for figure in figures:
        bound = smallest(figure)
        if bound is not None and heatmap:
            parts.append(f"The lowest row is all that took at most {value_text(bound, figure.unit)}.")
        elif bound is not None:
            parts.append(
                f"**Bound:** the dashed line at {value_text(bound, figure.unit)} is the smallest bucket. What is at or "
                f"below it is known to be at most {value_text(bound, figure.unit)}, and no more."
            )
        if figure.reference:
            parts.append(f"**For context:** {' '.join(figure.reference.split())}")
        if figure.direction in ("lower", "higher") and figure.thresholds:
            limits = (f"{state} at {value_text(at, figure.unit)}" for state, at in sorted(figure.thresholds.items()))
            parts.append(f"**Limits of the profile:** {', '.join(limits)}.")
    if all(figure.kind == "total" for figure in figures):
        parts.append("A bar is what was counted in one step; the legend has the sum over the time that is shown.")
    if all(figure.absent == "zero" for figure in figures):
        pods = ", ".join(dict.fromkeys(name for figure in figures for name in figure.components))
        parts.append(f"Zero means that nothing was counted while {pods} was scraped; a gap, that it was not scraped.")
    else:
        parts.append("A gap means that nothing was measured: it is never zero.")
    return "\n\n".join(" ".join(part.split()) for part in parts)


def link(title: str, panel: int) -> Json:
    """A link to one panel of this dashboard, with what is chosen above it."""
    return {
        "title": title,
        "url": f"/d/{UID}?viewPanel={panel}&${{__url_time_range}}&${{__all_variables}}",
        "targetBlank": False,
    }


QUESTIONS = panel_id("questions")


def target(number: int, expression: str, legend: str, instant: bool = False, form: str = "time_series") -> Json:
    """A query of a panel. Its smallest step is the scrape interval, which also makes $__rate_interval four scrapes."""
    return {
        "datasource": SOURCE,
        "editorMode": "code",
        "exemplar": False,
        "expr": expression,
        "format": form,
        "instant": instant,
        "interval": "${scrape_interval}s",
        "legendFormat": legend,
        "range": not instant,
        "refId": chr(ord("A") + number),
    }


def panel(kind: str, name: str, title: str, text: str, unit: str, targets: list[Json], no_value: str) -> Json:
    """What panels of all types have in common."""
    of_unit, decimals = UNITS.get(unit, (f"suffix: {unit}", None))
    defaults: Json = {
        "color": {"mode": "palette-classic"},
        "custom": {},
        "mappings": [],
        "min": 0,
        "noValue": no_value,
        "thresholds": thresholds(None),
        "unit": of_unit,
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    if unit == "ratio":
        defaults["max"] = 1
    return {
        "datasource": SOURCE,
        "description": text,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "id": panel_id(name),
        "links": [],
        "options": {},
        "targets": targets,
        "title": title,
        "transparent": False,
        "type": kind,
    }


def legend_of(figure: Figure, alone: bool) -> str:
    """What a line is called; the title says the rest."""
    if figure.by:
        return f"{{{{{figure.by}}}}}"
    if figure.kind == "quantile":
        return "${quantile:text}"
    return figure.short or figure.title if alone else figure.title


def timeseries(place: Place, figures: Sequence[Figure], queries: Queries) -> Json:
    """The course of figures that share a panel."""
    first, alone = figures[0], len(figures) == 1
    targets = []
    for figure in figures:
        legend = queries.dashboard(legend_of(figure, alone))
        targets.append(target(len(targets), queries.course(figure), legend))
    overrides: list[Json] = []
    split = any(figure.by for figure in figures)
    bars = all(figure.kind == "total" for figure in figures)
    if split and alone:
        targets.append(target(1, queries.course(replace(first, by=None)), "all together"))
        overrides.append(
            {
                "matcher": {"id": "byFrameRefID", "options": "B"},
                "properties": [
                    {"id": "custom.stacking", "value": {"group": "A", "mode": "none"}},
                    {"id": "custom.fillOpacity", "value": 0},
                    {"id": "custom.lineWidth", "value": 2},
                    {"id": "custom.lineStyle", "value": {"dash": [10, 10], "fill": "dash"}},
                    {"id": "color", "value": {"fixedColor": "text", "mode": "fixed"}},
                ],
            }
        )
    made = panel(
        "timeseries",
        f"timeseries/{'+'.join(place.figures)}",
        place.title or title_of(first),
        description(figures, queries),
        first.unit,
        targets,
        absence(figures),
    )
    defaults = made["fieldConfig"]["defaults"]
    of_limits = thresholds(first) if alone else thresholds(None)
    defaults["thresholds"] = of_limits
    if bars:
        defaults["decimals"] = 0
    defaults["custom"] = {
        "axisBorderShow": False,
        "axisLabel": "",
        "axisPlacement": "auto",
        "barAlignment": -1,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if bars else 25 if split else 8,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 4,
        "scaleDistribution": {"type": "linear"},
        # A single value between two gaps must not vanish.
        "showPoints": "never" if bars else "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if split else "none"},
        "thresholdsStyle": {"mode": "dashed" if len(of_limits["steps"]) > 1 else "off"},
    }
    made["fieldConfig"]["overrides"] = overrides
    made["options"] = {
        "legend": {
            "calcs": ["sum"] if bars else ["lastNotNull", "mean", "max"],
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    made["links"] = [link("The lab's questions", QUESTIONS)]
    return made


def heatmap(place: Place, figure: Figure, queries: Queries) -> Json:
    """How the observations of a histogram spread over its buckets."""
    # Buckets are in the metric's own unit.
    scale = query.choose(figure.selection, NOTHING).scale
    unit = "ms" if figure.unit == "s" and scale == 0.001 else UNITS.get(figure.unit, (figure.unit, None))[0]
    made = panel(
        "heatmap",
        f"heatmap/{figure.id}",
        place.title or title_of(figure),
        description([figure], queries, heatmap=True),
        figure.unit,
        [target(0, queries.heatmap(figure), "{{le}}", form="heatmap")],
        absence([figure]),
    )
    made["fieldConfig"]["defaults"]["custom"] = {
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "scaleDistribution": {"type": "linear"},
    }
    made["options"] = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"decimals": 2, "unit": "suffix:/s"},
        "color": {
            "exponent": 0.5,
            "fill": "dark-orange",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Oranges",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        # Buckets that counted nothing stay empty.
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto", "value": "a second"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    made["links"] = [link("The lab's questions", QUESTIONS)]
    return made


def stat(title: str, name: str, targets: list[Json], figure: Figure | None, text: str, unit: str) -> Json:
    """A value of this moment: an instant query, so that what is over is not shown as if it went on."""
    # What is zero when it is absent is only without a value where nothing is scraped.
    no_value = "not scraped" if figure is None or figure.absent == "zero" else "not measured"
    made = panel("stat", f"stat/{name}", title, text, unit, targets, no_value)
    defaults = made["fieldConfig"]["defaults"]
    del defaults["min"], defaults["custom"]
    defaults["color"] = {"mode": "thresholds"}
    if figure is not None:
        # Only limits colour a value; a bucket's bound does not.
        defaults["thresholds"] = thresholds(replace(figure, kind="gauge"))
        bound = smallest(figure)
        if bound is not None:
            most = {"text": value_text(bound, figure.unit, "below")}
            defaults["mappings"] = [
                {"type": "range", "options": {"from": 0, "to": bound, "result": {**most, "index": 0}}}
            ]
    made["options"] = {
        "colorMode": "value" if figure is None or figure.thresholds else "none",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "value_and_name" if len(targets) > 1 else "value",
        "wideLayout": True,
    }
    return made


def stats(queries: Queries) -> list[Json]:
    """The row on top: what a look at the wall is for."""
    made = []
    known = {figure.id: figure for figure in queries.profile.figures}
    for title, named in STATS:
        shown = [(known[of], legend) for of, legend in named if of in known]
        if not shown:
            continue
        first = shown[0][0]
        targets = [
            target(number, queries.course(figure), legend or queries.dashboard(legend_of(figure, True)), instant=True)
            for number, (figure, legend) in enumerate(shown)
        ]
        text = f"{first.question} This moment's value; the panel below has its course and what to look for."
        one = stat(title, first.id, targets, first if len(shown) == 1 else None, " ".join(text.split()), first.unit)
        if len(shown) > 1:
            one["options"]["colorMode"] = "none"
            one["fieldConfig"]["defaults"]["noValue"] = "not measured"
        if first.unit == "1" and first.kind == "rate":
            one["fieldConfig"]["defaults"]["decimals"] = 2
        made.append(one)
    return [*made, scrape_health(queries)]


def scrape_health(queries: Queries) -> Json:
    """Whether what the other panels show can be right at all."""
    answer, silent = queries.scrapes()
    targets = [
        target(0, answer, "pods answer", instant=True),
        target(1, silent, "do not", instant=True),
        target(2, queries.between_scrapes(), "between scrapes", instant=True),
    ]
    text = (
        "Is everything scraped? How many pods answered their last scrape, how many did not, and the seconds between "
        "two scrapes as they were in the last five minutes. Rates are taken over four scrapes at least. Nothing here "
        "and no data below: Prometheus has no pod with this job and Kubernetes namespace."
    )
    made = stat("Scrape health", "scrape health", targets, None, text, "1")
    made["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byFrameRefID", "options": "B"},
            "properties": [
                {
                    "id": "thresholds",
                    "value": {
                        "mode": "absolute",
                        "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}],
                    },
                }
            ],
        },
        {
            "matcher": {"id": "byFrameRefID", "options": "C"},
            "properties": [
                {"id": "unit", "value": "s"},
                {"id": "decimals", "value": 0},
                {"id": "color", "value": {"fixedColor": "text", "mode": "fixed"}},
            ],
        },
    ]
    return made


def questions(rows: Sequence[tuple[Row, Sequence[Json]]], names: Sequence[str]) -> Json:
    """The lab's questions in the order of the rows, each with a link to its first panel.

    A link carries what is chosen in the variables of those names.
    """
    chosen = "&".join(f"${{{name}:queryparam}}" for name in names)
    lines = [
        "The rows below follow the lab: measure it idle, put load on it, raise the concurrency, scale the history "
        "service, and look at the same questions again. The shaded spans are the lab's stages."
    ]
    lines.append(
        "\n".join(
            f"{number}. [{row.title}](/d/{UID}?viewPanel={panels[0]['id']}&{chosen}): {row.question}"
            for number, (row, panels) in enumerate(rows, 1)
        )
    )
    lines.append(
        "Zero is a measurement. *No data* is none: what its panel's text says. Values of other people are in the "
        "descriptions, as context: other hardware gives other numbers."
    )
    return {
        "description": "",
        "fieldConfig": {"defaults": {}, "overrides": []},
        "id": QUESTIONS,
        "links": [],
        "options": {
            "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
            "content": "\n\n".join(lines),
            "mode": "markdown",
        },
        "title": "The lab's questions",
        "transparent": False,
        "type": "text",
    }


# -- the dashboard --------------------------------------------------------------


def rows_of(profile: Profile) -> Iterator[tuple[Row, list[tuple[Place, list[Figure]]]]]:
    """The rows with the figures that the profile has; what no row asks for has a row of its own at the end."""
    known = {figure.id: figure for figure in profile.figures}
    asked = {figure for row in ROWS for place in row.places for figure in place.figures}
    others = tuple(Place((figure.id,)) for figure in profile.figures if figure.id not in asked)
    for row in (*ROWS, Row("Further figures", "What else does the profile measure?", others)):
        places = [(place, [known[name] for name in place.figures if name in known]) for place in row.places]
        places = [(place, figures) for place, figures in places if figures]
        if places:
            yield row, places


def drawn(place: Place, figures: Sequence[Figure], queries: Queries) -> Json:
    """The panel of a place."""
    if len({(figure.unit, figure.kind == "total") for figure in figures}) > 1:
        raise LabError(f"The figures {', '.join(place.figures)} cannot share a panel: their units or kinds differ.")
    if place.heatmap:
        return heatmap(place, figures[0], queries)
    return timeseries(place, figures, queries)


def laid_out(queries: Queries) -> list[Json]:
    """All panels, each with its place in Grafana's 24 columns."""
    rows = [
        (row, [(place, drawn(place, figures, queries)) for place, figures in places])
        for row, places in rows_of(queries.profile)
    ]
    top = 0
    made: list[Json] = []

    def add(one: Json, width: int, height: int, left: int) -> None:
        made.append({**one, "gridPos": {"h": height, "w": width, "x": left, "y": top}})

    courses = {of: one["id"] for _row, panels in rows for place, one in reversed(panels) for of in place.figures}
    now = stats(queries)
    width = COLUMNS // len(now)
    for number, one in enumerate(now):
        figure = next((of for of in courses if one["id"] == panel_id(f"stat/{of}")), None)
        links = [link("Its course", courses[figure])] if figure else []
        add({**one, "links": links}, width, STAT_HEIGHT, number * width)
    top += STAT_HEIGHT
    names = ("datasource", *queries.variables, "quantile")
    add(
        questions([(row, [one for _place, one in panels]) for row, panels in rows], names), COLUMNS, QUESTIONS_HEIGHT, 0
    )
    top += QUESTIONS_HEIGHT
    for row, panels in rows:
        heading = {
            "collapsed": False,
            "id": panel_id(f"row/{row.title}"),
            "panels": [],
            "title": f"{row.title}: {row.question}",
            "type": "row",
        }
        add(heading, COLUMNS, 1, 0)
        top += 1
        left = 0
        for place, one in panels:
            if left + place.width > COLUMNS:
                left = 0
                top += HEIGHT
            add(one, place.width, HEIGHT, left)
            left += place.width
        top += HEIGHT
    return made


def variables(queries: Queries, values: Mapping[str, str]) -> list[Json]:
    """What is chosen above the panels. The profile's own variables are hidden: they are the same for a whole lab."""
    data_source = {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Prometheus",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }
    own = [
        {
            "current": {"selected": True, "text": value, "value": value},
            "hide": 2,
            "label": name.replace("_", " "),
            "name": name,
            "options": [{"selected": True, "text": value, "value": value}],
            "query": value,
            "skipUrlSync": False,
            "type": "textbox",
        }
        for name, value in values.items()
    ]
    # `up` carries the filters too; what they say of the namespace itself would leave it no choice.
    ours = query.selector("up", [one for one in queries.filters if "__namespace__" not in one])
    label = next(one for one in queries.filters if "__namespace__" in one).partition("=")[0]
    pods = next((pods for pods in queries.profile.components.values() if "__release__" in pods), "__release__")
    interval = f"clamp_min(round({queries.between_scrapes()}), 1) or vector({SCRAPE_INTERVAL})"
    quantiles = [(f"p{query.number(value * 100)}", query.number(value)) for value in QUANTILES]
    default = next((figure.quantile for figure in queries.profile.figures if figure.quantile in QUANTILES), 0.95)
    options = [{"selected": value == query.number(default), "text": text, "value": value} for text, value in quantiles]
    return [
        data_source,
        *own,
        _asked("namespace", "Kubernetes namespace", queries.dashboard(f"label_values({ours}, {label})"), 1),
        _asked(
            "release",
            "Release",
            queries.dashboard(f"label_values({query.selector('up', queries.filters)}, pod)"),
            1,
            f"/^{pods.replace('__release__', '(.+)', 1)}$/",
        ),
        {
            "current": next(option for option in options if option["selected"]),
            "hide": 0,
            "includeAll": False,
            "label": "Quantile",
            "multi": False,
            "name": "quantile",
            "options": options,
            "query": ", ".join(f"{text} : {value}" for text, value in quantiles),
            "skipUrlSync": False,
            "type": "custom",
        },
        {
            **_asked("scrape_interval", "Seconds between scrapes", f"query_result({interval})", 3, r"/^\{\} (\d+) /"),
            "hide": 2,
            # A link must not carry it to where Prometheus scrapes at another pace.
            "skipUrlSync": True,
        },
    ]


def _asked(name: str, label: str, text: str, kind: int, regex: str = "") -> Json:
    """A variable whose values Prometheus knows; ``kind`` is Grafana's number for that way to ask."""
    return {
        "current": {},
        "datasource": SOURCE,
        "definition": text,
        "hide": 0,
        "includeAll": False,
        "label": label,
        "multi": False,
        "name": name,
        "options": [],
        "query": {"qryType": kind, "query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        # With each refresh of the dashboard: what is installed while it is open appears.
        "refresh": 2,
        "regex": regex,
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def annotations() -> list[Json]:
    """The marks of the lab's stages. Grafana's own query is off: it would show those of this dashboard twice."""
    source = {"type": "grafana", "uid": "-- Grafana --"}
    return [
        {
            "builtIn": 1,
            "datasource": source,
            "enable": False,
            "hide": False,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
            "type": "dashboard",
        },
        {
            "datasource": source,
            "enable": True,
            "hide": False,
            "iconColor": EVENT,
            "name": "Stages of the lab",
            "target": {"limit": 500, "matchAny": False, "tags": [MARKS], "type": "tags"},
        },
    ]


def build(
    profile: Profile, values: Mapping[str, str] | None = None, server_version: str = "", framework: str = "tally"
) -> Json:
    """The dashboard of a profile; ``values`` override what the profile's variables are at first."""
    profile.bind("namespace", "release", values)  # says what is wrong with the values
    queries = Queries(profile, server_version, framework)
    panels = laid_out(queries)
    ids = [one["id"] for one in panels]
    for one in panels:
        if ids.count(one["id"]) > 1:
            raise LabError(f"Two panels have the id {one['id']}; call the figure of {one['title']!r} something else.")
    return {
        "annotations": {"list": annotations()},
        "description": f"{profile.title}. Made of the profile by tools/dashboard.py: change that one, not this.",
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [],
        "liveNow": False,
        "panels": panels,
        "refresh": "5s",
        "schemaVersion": SCHEMA_VERSION,
        "tags": ["temporal", MARKS],
        "templating": {"list": variables(queries, {**profile.variables, **(values or {})})},
        "time": {"from": "now-30m", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": TITLE,
        "uid": UID,
        "version": 0,
        "weekStart": "",
    }


def text_of(dashboard: Json) -> str:
    """The file's text, the same on every machine."""
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


# -- asking without Grafana -----------------------------------------------------


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced as Grafana does. Raises LabError for one without a value."""

    def value(found: re.Match[str]) -> str:
        name = found["braced"] or found["plain"]
        if name not in values:
            raise LabError(f"There is no value for ${name}.")
        return values[name]

    return re.sub(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<plain>\w+))", value, text)


def values_of(dashboard: Json, namespace: str, release: str, step: float = SCRAPE_INTERVAL) -> dict[str, str]:
    """Values of all variables: those that the dashboard begins with, and what Grafana would put in for a step."""
    chosen = {one["name"]: one["current"].get("value", "") for one in dashboard["templating"]["list"]}
    return {
        **chosen,
        "namespace": namespace,
        "release": release,
        "scrape_interval": query.number(step),
        "__interval": query.duration(step),
        "__rate_interval": query.duration(query.LEAST_SCRAPES * step),
    }


def queries_of(dashboard: Json, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """All queries of the panels, ready to be asked: the name of panel and query, and its text."""
    return [
        (f"{panel['type']} {panel['title']} {one['refId']}", interpolated(one["expr"], values))
        for panel in dashboard["panels"]
        for one in panel.get("targets", [])
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default=str(profiles.default_path()), help="what is measured")
    parser.add_argument(
        "--variables", nargs="*", default=[], metavar="NAME=VALUE", help="values of the profile's variables"
    )
    parser.add_argument("--server-version", default="", help="of Temporal, where it is before 1.23")
    parser.add_argument("--framework", choices=FRAMEWORKS, default="tally", help="the server's metric framework")
    parser.add_argument("--output", type=Path, default=FILE, help="the file to write")
    options = parser.parse_args(arguments)
    try:
        values = {name: value for name, _is, value in (one.partition("=") for one in options.variables)}
        dashboard = build(profiles.load(options.profile), values, options.server_version, options.framework)
    except LabError as error:
        sys.exit(str(error))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text_of(dashboard), encoding="utf-8", newline="\n")
    print(f"{len(dashboard['panels'])} panels: {options.output}")


if __name__ == "__main__":
    main()
