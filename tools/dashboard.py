# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the Grafana dashboard from a profile and a layout: `make dashboard`, or tools/dashboard.py with options.

The profile says what is measured; the queries are those of the report's plots. The layout says what the dashboard shows
and in which order. docs/dashboard.md explains both.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from project import ROOT

sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import written
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import FRAMEWORKS, Profile
from dashboard_layout import COLUMNS, Layout
from dashboard_layout import load as load_layout
from dashboard_panels import drawn, heading, link, panel_id, questions, stats
from dashboard_queries import DashboardQueries
from dashboard_variables import annotation_queries, variables

#: The file that is built, and beside it the layout that it is built from.
FILE = ROOT / "files" / "dashboards" / "temporal-benchmarking.json"
LAYOUT = FILE.with_suffix(".yml")
#: Grafana 11.0's; newer ones raise it when they read the dashboard.
SCHEMA_VERSION = 39
#: Rows of Grafana's grid that a panel takes.
HEIGHT, STAT_HEIGHT, QUESTIONS_HEIGHT = 8, 3, 9
#: Columns of a current value: less would cut its title on a page of 1,280 pixels.
STAT_WIDTH = 7


def build(
    profile: Profile,
    layout: Layout,
    values: Mapping[str, str] | None = None,
    server_version: str = "",
    framework: str = "tally",
) -> Json:
    """The dashboard of a profile, laid out as ``layout`` says.

    values: of the profile's variables, at first. server_version, framework: as in ``DashboardQueries``.
    Raises LabError.
    """
    profile.bind("namespace", "release", values)  # refuses values that cannot be
    queries = DashboardQueries(profile, server_version, framework)
    panels = arranged(queries, layout)
    ids = [one["id"] for one in panels]
    for one in panels:
        if ids.count(one["id"]) > 1:
            raise LabError(
                f"Two panels have the id {one['id']}: rename the figure of {one['title']!r}, whose name it is made of."
            )
    chosen = variables(queries, {**profile.variables, **(values or {})}, layout.quantiles, layout.marks)
    return {
        "annotations": {"list": annotation_queries(layout.marks)},
        "description": f"{profile.title}. Made of the profile by tools/dashboard.py: change that one, not this.",
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [],
        "liveNow": False,
        "panels": panels,
        "refresh": layout.refresh,
        "schemaVersion": SCHEMA_VERSION,
        "tags": list(layout.tags),
        "templating": {"list": chosen},
        "time": dict(layout.time),
        "timepicker": {},
        "timezone": "browser",
        "title": layout.title,
        "uid": layout.uid,
        "version": 0,
        "weekStart": "",
    }


def arranged(queries: DashboardQueries, layout: Layout) -> list[Json]:
    """All panels with their places in Grafana's grid: stats beside the list of questions, then the rows."""
    rows = [
        (row, [(panel, drawn(panel, figures, queries, layout)) for panel, figures in panels])
        for row, panels in layout.rows_of(queries.profile)
    ]
    top = 0
    made: list[Json] = []

    def add(one: Json, width: int, height: int, left: int) -> None:
        made.append({**one, "gridPos": {"h": height, "w": width, "x": left, "y": top}})

    # The panel that draws a figure; the first one where several do.
    courses = {of: one["id"] for _row, panels in rows for panel, one in reversed(panels) for of in panel.figures}
    now = stats(queries, layout)
    # Two current values beside each other on the left, so that their titles are whole; the questions on the right.
    lines = -(-len(now) // 2)
    height = max(STAT_HEIGHT, -(-QUESTIONS_HEIGHT // lines))
    for number, one in enumerate(now):
        figure = next((of for of in courses if one["id"] == panel_id(f"stat/{of}")), None)
        links = [link("Its course", layout.uid, courses[figure])] if figure else []
        alone = number % 2 == 0 and number == len(now) - 1
        top = number // 2 * height
        add({**one, "links": links}, STAT_WIDTH * (2 if alone else 1), height, number % 2 * STAT_WIDTH)
        if number == min(1, len(now) - 1):
            listed = questions([(row, [one for _panel, one in panels]) for row, panels in rows], layout)
            add(listed, COLUMNS - 2 * STAT_WIDTH, lines * height, 2 * STAT_WIDTH)
    top = lines * height
    for row, panels in rows:
        add(heading(row), COLUMNS, 1, 0)
        top += 1
        left = 0
        for panel, one in panels:
            if left + panel.width > COLUMNS:
                left = 0
                top += HEIGHT
            add(one, panel.width, HEIGHT, left)
            left += panel.width
        top += HEIGHT
    return made


def to_import(dashboard: Json) -> Json:
    """The dashboard for people who only want it: with an input for Prometheus in the place of the variable."""
    text = json.dumps(dashboard).replace("${datasource}", "${DS_PROMETHEUS}")
    made: Json = json.loads(text)
    chosen = made["templating"]["list"]
    made["templating"]["list"] = [one for one in chosen if one["name"] != "datasource"]
    asked = {
        "description": "The Prometheus that scrapes Temporal",
        "label": "Prometheus",
        "name": "DS_PROMETHEUS",
        "pluginId": "prometheus",
        "pluginName": "Prometheus",
        "type": "datasource",
    }
    kinds = sorted({one["type"] for one in made["panels"]} - {"row"})
    needs = [
        {"id": "grafana", "name": "Grafana", "type": "grafana", "version": "11.0.0"},
        {"id": "prometheus", "name": "Prometheus", "type": "datasource", "version": "1.0.0"},
        *({"id": kind, "name": kind, "type": "panel", "version": ""} for kind in kinds),
    ]
    return {"__elements": {}, "__inputs": [asked], "__requires": needs, **made}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default=str(profile_file.default_path()), help="what is measured")
    parser.add_argument("--layout", type=Path, default=LAYOUT, help="what the dashboard shows, and in which order")
    parser.add_argument(
        "--variables", nargs="*", default=[], metavar="NAME=VALUE", help="values of the profile's variables"
    )
    parser.add_argument("--server-version", default="", help="of Temporal, where it is before 1.23")
    parser.add_argument("--framework", choices=FRAMEWORKS, default="tally", help="the server's metric framework")
    parser.add_argument("--output", type=Path, default=FILE, help="the file to write")
    options = parser.parse_args(arguments)
    try:
        values = {name: value for name, _is, value in (one.partition("=") for one in options.variables)}
        profile, layout = profile_file.load(options.profile), load_layout(options.layout)
        dashboard = build(profile, layout, values, options.server_version, options.framework)
    except LabError as error:
        sys.exit(str(error))
    try:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(written(dashboard), encoding="utf-8", newline="\n")
        beside = options.output.with_name(f"{options.output.stem}-import.json")
        beside.write_text(written(to_import(dashboard)), encoding="utf-8", newline="\n")
    except OSError as error:
        sys.exit(f"The dashboard cannot be written to {options.output}: {error.strerror}.")
    print(f"{len(dashboard['panels'])} panels: {options.output}")


if __name__ == "__main__":
    main()
