# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's JSON of the dashboard's panels."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.formatting import value_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import Figure
from dashboard_layout import Advised, Layout, PanelLayout, Row
from dashboard_queries import DIVIDED, NOTHING, DashboardQueries
from dashboard_texts import absence, description, legend_of, smallest, title_of

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Grafana's names for the profile's units, and the number of decimals to show (None for Grafana's choice).
UNITS = {
    "s": ("s", None),
    "1/s": ("suffix:/s", 1),
    "1": ("none", None),
    "ratio": ("percentunit", 1),
    "B": ("bytes", None),
    "bytes": ("bytes", None),
}


#: The colour of a line at what others advise.
ADVISED = "orange"


def panel_id(name: str) -> int:
    """An id that a panel keeps when others are added or removed."""
    return 1 + zlib.crc32(name.encode()) % 1_000_000


def thresholds(figure: Figure | None, advised: Advised | None = None) -> Json:
    """The profile's limits as colours, and the smallest bucket and what others advise as lines."""
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
            # Without limits the line is grey; with them, values above it keep the colour of their limit.
            colour = "#8e8e8e" if not figure.thresholds else below[-1]["color"]
            steps = [*below, {"color": colour, "value": bound}, *steps[len(below) :]]
    if advised is not None and advised.at not in [step["value"] for step in steps]:
        below = [step for step in steps if step["value"] is None or step["value"] < advised.at]
        steps = [*below, {"color": ADVISED, "value": advised.at}, *steps[len(below) :]]
    return {"mode": "absolute", "steps": steps}


def _last_of_each_value(steps: Sequence[Json]) -> list[Json]:
    return list({step["value"]: step for step in steps}.values())


def link(title: str, uid: str, panel: int) -> Json:
    """A link to one panel of the dashboard with this uid, which carries the time range and all variables."""
    return {
        "title": title,
        "url": f"/d/{uid}?viewPanel={panel}&${{__url_time_range}}&${{__all_variables}}",
        "targetBlank": False,
    }


def link_to_questions(layout: Layout) -> Json:
    return link("The lab's questions", layout.uid, panel_id("questions"))


def target(number: int, expression: str, legend: str, instant: bool = False, form: str = "time_series") -> Json:
    """A query of a panel. Its smallest step is the scrape interval, so $__rate_interval is at least four scrapes."""
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


def basic_panel(kind: str, name: str, title: str, text: str, unit: str, targets: list[Json], no_value: str) -> Json:
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


def drawn(panel: PanelLayout, figures: Sequence[Figure], queries: DashboardQueries, layout: Layout) -> Json:
    """A panel of a row. figures: those of the panel that the profile has. Raises LabError where they do not fit."""
    if len({(figure.unit, figure.kind == "total") for figure in figures}) > 1:
        raise LabError(f"The figures {', '.join(panel.figures)} cannot share a panel: their units or kinds differ.")
    if panel.by:
        if len(panel.figures) > 1 or panel.draw == "heatmap" or figures[0].by or figures[0].kind == "share":
            raise LabError(
                f"A panel can be drawn by {panel.by} if it is a time series of one figure that is no share and is not "
                f"split already, and not with {', '.join(panel.figures)}."
            )
        figures = [replace(figures[0], by=panel.by)]
    if panel.draw == "heatmap":
        if len(panel.figures) > 1 or figures[0].kind != "quantile":
            raise LabError(f"A heatmap draws one figure of kind quantile, and not {', '.join(panel.figures)}.")
        return heatmap(panel, figures[0], queries, layout)
    return timeseries(panel, figures, queries, layout)


def timeseries(panel: PanelLayout, figures: Sequence[Figure], queries: DashboardQueries, layout: Layout) -> Json:
    """Figures over time, in one panel."""
    first, alone = figures[0], len(figures) == 1
    targets: list[Json] = []
    for figure in figures:
        legend = queries.dashboard(legend_of(figure, alone))
        targets.append(target(len(targets), queries.course(figure), legend))
    overrides: list[Json] = []
    split = any(figure.by for figure in figures)
    if split:
        overrides += role_colours(layout)
    bars = all(figure.kind == "total" for figure in figures)
    # Quantiles, means and ratios do not add up.
    stacked = split and not any(figure.kind in DIVIDED for figure in figures)
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
    made = basic_panel(
        "timeseries",
        f"timeseries/{'+'.join(panel.figures)}" + (f"/{panel.by}" if panel.by else ""),
        panel.title or title_of(first),
        description(figures, layout),
        first.unit,
        targets,
        absence(figures),
    )
    defaults = made["fieldConfig"]["defaults"]
    of_limits = thresholds(first, layout.advised.get(first.id)) if alone else thresholds(None)
    defaults["thresholds"] = of_limits
    if bars:
        defaults["decimals"] = 0
    defaults["custom"] = {
        "axisBorderShow": False,
        "axisLabel": "",
        "axisPlacement": "auto",
        "barAlignment": -1,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 60 if bars else 25 if stacked else 8,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 4,
        "scaleDistribution": {"type": "linear"},
        # Else a single value between two gaps would be invisible.
        "showPoints": "never" if bars else "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
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
    made["links"] = [link_to_questions(layout)]
    return made


def role_colours(layout: Layout) -> list[Json]:
    """The same colour for a role in all panels; its pods have shades of it."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/(^|-){role}($|-)/"},
            "properties": [{"id": "color", "value": {"fixedColor": colour, "mode": "shades"}}],
        }
        for role, colour in layout.colours.items()
    ]


def heatmap(panel: PanelLayout, figure: Figure, queries: DashboardQueries, layout: Layout) -> Json:
    """The observations of a histogram by bucket."""
    # The bounds of buckets are in the metric's own unit.
    scale = query.choose(figure.selection, NOTHING).scale
    unit = "ms" if figure.unit == "s" and scale == 0.001 else UNITS.get(figure.unit, (figure.unit, None))[0]
    made = basic_panel(
        "heatmap",
        f"heatmap/{figure.id}",
        panel.title or title_of(figure),
        description([figure], layout, heatmap=True),
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
    made["links"] = [link_to_questions(layout)]
    return made


def from_zero(steps: Sequence[Json]) -> list[Json]:
    """Colours for values only: Grafana gives a text in the place of a missing value the lowest colour."""
    return [{"color": "text", "value": None}, {**steps[0], "value": 0}, *steps[1:]]


def bound_mapping(figure: Figure) -> list[Json]:
    """What to show in the place of a value within the smallest bucket; nothing for a figure without buckets."""
    bound = smallest(figure)
    if bound is None:
        return []
    most = {"text": value_text(bound, figure.unit, "below")}
    return [{"type": "range", "options": {"from": 0, "to": bound, "result": {**most, "index": 0}}}]


def stat(title: str, name: str, targets: list[Json], figure: Figure | None, text: str, unit: str) -> Json:
    """A current value. Its query is instant, so that a value of the past is not shown as if it were current."""
    # A figure that is zero when absent has no value only where nothing is scraped.
    no_value = "not scraped" if figure is None or figure.absent == "zero" else "not measured"
    made = basic_panel("stat", f"stat/{name}", title, text, unit, targets, no_value)
    defaults = made["fieldConfig"]["defaults"]
    del defaults["min"], defaults["custom"]
    defaults["color"] = {"mode": "thresholds"}
    if figure is not None:
        # Only limits colour a value; the bound of the smallest bucket does not.
        limits = thresholds(replace(figure, kind="gauge"))
        defaults["thresholds"] = {**limits, "steps": from_zero(limits["steps"])}
        defaults["mappings"] = bound_mapping(figure)
    made["options"] = {
        "colorMode": "value" if figure is None or figure.thresholds else "none",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "value_and_name" if len(targets) > 1 or (figure is not None and figure.by) else "value",
        "wideLayout": True,
    }
    return made


def stats(queries: DashboardQueries, layout: Layout) -> list[Json]:
    """The panels at the top, to be read at a glance."""
    made = []
    known = {figure.id: figure for figure in queries.profile.figures}
    for of in layout.stats:
        names = of.names or ("",)
        shown = [(known[figure], name) for figure, name in zip(of.figures, names) if figure in known]
        if not shown:
            continue
        first = shown[0][0]
        # Beside others of its distribution a quantile is its own, not the one that is chosen.
        own = len(shown) > 1
        targets = [
            target(
                number,
                queries.course(figure, chosen=not own),
                name or queries.dashboard(legend_of(figure, True)),
                instant=True,
            )
            for number, (figure, name) in enumerate(shown)
        ]
        text = f"{first.question} This moment's value; the panel below has its course and what to look for."
        one = stat(of.title, first.id, targets, first if len(shown) == 1 else None, " ".join(text.split()), first.unit)
        if own:
            one["options"]["colorMode"] = "none"
            zero = all(figure.absent == "zero" for figure, _name in shown)
            one["fieldConfig"]["defaults"]["noValue"] = "not scraped" if zero else "not measured"
            one["fieldConfig"]["overrides"] = [
                {
                    "matcher": {"id": "byFrameRefID", "options": targets[number]["refId"]},
                    "properties": [{"id": "mappings", "value": at_most}],
                }
                for number, (figure, _name) in enumerate(shown)
                if (at_most := bound_mapping(figure))
            ]
        if first.unit == "1" and first.kind == "rate":
            one["fieldConfig"]["defaults"]["decimals"] = 2
        made.append(one)
    return [*made, scrape_health(queries)]


def scrape_health(queries: DashboardQueries) -> Json:
    """The panel that shows whether the others can be right at all."""
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
    made["fieldConfig"]["defaults"]["thresholds"]["steps"] = [
        {"color": "orange", "value": None},
        {"color": "green", "value": 1},
    ]
    made["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byFrameRefID", "options": "B"},
            "properties": [
                {
                    "id": "thresholds",
                    "value": {
                        "mode": "absolute",
                        "steps": from_zero([{"color": "green", "value": None}, {"color": "red", "value": 1}]),
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


def questions(rows: Sequence[tuple[Row, Sequence[Json]]], layout: Layout) -> Json:
    """The rows in their order, each with a link to its first panel; their headings have the questions.

    rows: with the panels of each. A link without a slash at its beginning starts at Grafana's own root, whatever its
    path, and carries the time range and what is chosen.
    """
    listed = " · ".join(
        f"[{row.title}](d/{layout.uid}?viewPanel={panels[0]['id']}&${{__url_time_range}}&${{__all_variables}})"
        for row, panels in rows
    )
    return {
        "description": "",
        "fieldConfig": {"defaults": {}, "overrides": []},
        "id": panel_id("questions"),
        "links": [],
        "options": {
            "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
            "content": f"{layout.before}\n\n{listed}\n\n{layout.after}",
            "mode": "markdown",
        },
        "title": layout.questions_title,
        "transparent": False,
        "type": "text",
    }


def heading(row: Row) -> Json:
    """The line above a row's panels."""
    return {
        "collapsed": False,
        "id": panel_id(f"row/{row.title}"),
        "panels": [],
        "title": f"{row.title}: {row.question}",
        "type": "row",
    }
