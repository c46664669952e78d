# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own dashboard: made of the profile, fit for Grafana, and right in what it asks.

What its queries give is looked at in a real Prometheus, with samples of which the answer is known. The Debian
package ``prometheus`` must be installed; TEMPORAL_LAB_PROMETHEUS is the path of another one to ask as well.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.formatting import value_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import marks
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import written
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    profile,
    profile_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.connect import at_url
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboard_interpolation import (
    interpolated,
    queries_of,
    values_of,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FIRST,
    INTERVAL,
    openmetrics,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    binaries,
    gauge,
    make_blocks,
    program,
    running_prometheus,
)

ROOT = Path(__file__).resolve().parents[3]
sys.path += [str(ROOT / "tools"), str(ROOT / "tests" / "benchmarks")]

import dashboard  # noqa: E402
import dashboard_layout  # noqa: E402
import dashboard_panels  # noqa: E402
import dashboard_texts  # noqa: E402
import measure_profile  # noqa: E402
from dashboard_queries import DashboardQueries  # noqa: E402

PROFILE = profile_file.load(profile_file.default_path())
LAYOUT = dashboard_layout.load(dashboard.LAYOUT)
FILE = ROOT / "files" / "dashboards" / "temporal-benchmarking.json"
DASHBOARD = json.loads(FILE.read_text(encoding="utf-8"))
QUERIES = DashboardQueries(PROFILE)
PANELS = DASHBOARD["panels"]


def panel(title: str, kind: str = "timeseries") -> dict[str, Any]:
    (found,) = [one for one in PANELS if one["title"] == title and one["type"] == kind]
    return found


def expression(title: str, kind: str = "timeseries", query: str = "A") -> str:
    (found,) = [one["expr"] for one in panel(title, kind)["targets"] if one["refId"] == query]
    return found


def variable(name: str) -> dict[str, Any]:
    (found,) = [one for one in DASHBOARD["templating"]["list"] if one["name"] == name]
    return found


def with_figures(*figures: dict[str, Any]) -> profile.Profile:
    """The collection's profile with more figures."""
    data = yaml.safe_load(profile_file.default_path().read_text(encoding="utf-8"))
    data["figures"] += figures
    return profile_file.parse(yaml.safe_dump(data), "test.yml")


ACTIVITIES = {
    "id": "activity_successes",
    "title": "Activity successes",
    "question": "How many activities complete?",
    "unit": "1/s",
    "kind": "rate",
    "components": ["history"],
    "direction": "higher",
    "absent": "zero",
    "sources": [{"counter": "activity_success"}],
}


# -- one truth ------------------------------------------------------------------


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_bytes() == written(dashboard.build(PROFILE, LAYOUT)).encode(), "run `make dashboard`"


def test_the_generator_writes_the_same_file_again(tmp_path: Path) -> None:
    other = tmp_path / "new" / "other.json"
    dashboard.main(["--output", str(other)])
    assert other.read_bytes() == FILE.read_bytes()


def courses() -> list[str]:
    return [one["expr"] for panel in PANELS if panel["type"] == "timeseries" for one in panel["targets"]]


LONG_WAITS = "shard_lock_latency_above_10ms"
#: Of a distribution a quantile is drawn, which can be chosen, and of the shard lock more.
DRAWN = [
    figure
    for figure in PROFILE.figures
    if not figure.distribution or figure.quantile or figure.id in ("shard_lock_latency_mean", LONG_WAITS)
]


@pytest.mark.parametrize("figure", DRAWN, ids=lambda figure: figure.id)
def test_every_figure_of_the_profile_is_on_it(figure: profile.Figure) -> None:
    bound = next(one for one in QUERIES.profile.figures if one.id == figure.id)
    assert QUERIES.course(bound) in courses()
    # Its question is in the description of a panel.
    question = " ".join(figure.question.split())
    assert any(question in one.get("description", "") for one in PANELS)


def test_a_figure_that_no_row_knows_is_on_it_too() -> None:
    before = {one["id"]: one["title"] for one in PANELS}
    made = dashboard.build(with_figures(ACTIVITIES), LAYOUT)
    (row,) = [number for number, one in enumerate(made["panels"]) if one["title"].startswith("Further figures")]
    (added,) = made["panels"][row + 1 :]
    assert (added["title"], added["type"]) == ("Activity successes", "timeseries")
    assert "rate(activity_success{" in added["targets"][0]["expr"]
    # All others keep their ids.
    assert before.items() <= {one["id"]: one["title"] for one in made["panels"]}.items()


def test_a_profile_without_some_figures_has_a_dashboard_without_them() -> None:
    few = replace(PROFILE, figures=(PROFILE.figure("signal_requests"), PROFILE.figure("persistence_latency_p95")))
    made = dashboard.build(few, LAYOUT)["panels"]
    rows = [one["title"].partition(":")[0] for one in made if one["type"] == "row"]
    assert rows == ["Persistence", "Signals"]
    assert [one["title"] for one in made if one["type"] == "stat"] == ["Scrape health"]


def test_every_query_has_all_the_filters_of_the_profile() -> None:
    ours = 'job=~"${job}",${kubernetes_namespace_label}="${namespace}"'
    kubelet = 'job=~"${kubelet_job}",namespace=~"${namespace}|",container="",id=~"|/|.*pod[^/]*"'
    for one in PANELS:
        for target in one.get("targets", []):
            selectors = re.findall(r"\w+\{(.*?[^$\w])\}", target["expr"])
            assert selectors, target["expr"]
            assert all(ours in selector or kubelet in selector for selector in selectors), target["expr"]


def test_the_rows_are_the_questions_in_the_order_of_the_lab() -> None:
    rows = [one["title"] for one in PANELS if one["type"] == "row"]
    assert [row.partition(":")[0] for row in rows] == [
        "Persistence",
        "Service",
        "State transitions",
        "Shard lock",
        "Shards and rebalancing",
        "Workflow outcomes",
        "Signals",
        "Matching and workers",
        "Load generator",
        "CPU and memory",
    ]
    assert all(row.endswith("?") for row in rows)


# -- what the generator can be told ---------------------------------------------


def test_variables_are_what_the_profile_says_or_the_generator_is_told(tmp_path: Path) -> None:
    assert {name: variable(name)["current"]["value"] for name in PROFILE.variables} == PROFILE.variables
    upstream = tmp_path / "upstream.json"
    values = {"kubernetes_namespace_label": "namespace", "temporal_namespace_label": "exported_namespace"}
    options = [f"{name}={value}" for name, value in values.items()]
    dashboard.main(["--variables", *options, "--output", str(upstream)])
    made = json.loads(upstream.read_text(encoding="utf-8"))
    chosen = values_of(made, "student-01", "my-temporal")
    assert {name: chosen[name] for name in values} == values
    asked = dict(queries_of(made, chosen))["timeseries State transitions A"]
    assert '{exported_namespace!~"temporal.system",job=~"kubernetes-pods",namespace="student-01"}' in asked


@pytest.mark.parametrize(
    ("option", "message"), [("jbo=x", "did you mean 'job'"), ("temporal_namespace_label=a b", "no label name")]
)
def test_a_variable_that_cannot_be_is_refused(option: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=message):
        dashboard.main(["--variables", option, "--output", str(tmp_path / "x.json")])
    assert not (tmp_path / "x.json").exists()


def test_an_older_server_and_another_framework_have_other_names() -> None:
    def lock(**options: str) -> str:
        queries = DashboardQueries(PROFILE, **options)
        return queries.course(next(one for one in queries.profile.figures if one.id == "shard_lock_latency_p95"))

    assert "rate(semaphore_latency_bucket{" in lock()
    assert "lock_latency" not in lock()
    assert "rate(lock_latency_bucket{" in lock(server_version="1.22.4")
    other = lock(framework="opentelemetry")
    assert "rate(semaphore_latency_milliseconds_bucket{" in other
    assert "* 0.001 < +Inf" in other
    assert "rate(semaphore_latency_seconds_bucket{" in other
    queries = DashboardQueries(PROFILE, framework="opentelemetry")
    transitions = queries.course(next(one for one in queries.profile.figures if one.id == "state_transitions"))
    assert "rate(state_transition_count_ratio_count{" in transitions
    assert "rate(state_transition_count_count{" not in transitions


@pytest.mark.parametrize(
    ("direction", "limits", "steps"),
    [
        ("lower", {"warn": 0.005, "fail": 0.05}, [("green", None), ("green", 0.001), ("orange", 0.005), ("red", 0.05)]),
        ("lower", {"fail": 0.0005}, [("green", None), ("red", 0.0005), ("red", 0.001)]),
        ("lower", {"warn": 0.001}, [("green", None), ("orange", 0.001)]),
        ("higher", {"warn": 9.0, "fail": 5.0}, [("red", None), ("red", 0.001), ("orange", 5.0), ("green", 9.0)]),
        ("higher", {"warn": 9.0}, [("orange", None), ("orange", 0.001), ("green", 9.0)]),
        ("higher", {"fail": 5.0}, [("red", None), ("red", 0.001), ("green", 5.0)]),
        ("lower", {}, [("green", None), ("#8e8e8e", 0.001)]),
    ],
)
def test_limits_of_the_profile_are_thresholds(direction: str, limits: dict[str, float], steps: list[Any]) -> None:
    figure = replace(PROFILE.figure("shard_lock_latency_p95"), direction=direction, thresholds=limits)
    at_the_top = dashboard_layout.Stat("Shard lock latency", (figure.id,))
    layout = replace(LAYOUT, stats=(at_the_top,), advised={})
    made = dashboard.build(replace(PROFILE, figures=(figure,)), layout)["panels"]
    course = next(one for one in made if one["type"] == "timeseries")["fieldConfig"]["defaults"]
    assert [(step["color"], step["value"]) for step in course["thresholds"]["steps"]] == steps
    assert course["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    # Colours of a stat are those of the limits alone.
    now = next(one for one in made if one["type"] == "stat")
    assert [step["value"] for step in now["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [
        None,
        0,
        *sorted(limits.values()),
    ]
    assert now["options"]["colorMode"] == ("value" if limits else "none")


def test_figures_of_different_units_do_not_share_a_panel() -> None:
    shared = dashboard_layout.PanelLayout(("state_transitions", "shards_per_pod"))
    figures = [QUERIES.profile.figure(name) for name in shared.figures]
    with pytest.raises(LabError, match="cannot share a panel"):
        dashboard_panels.drawn(shared, figures, QUERIES, LAYOUT)


@pytest.mark.parametrize("names", [("state_transitions",), ("persistence_latency_p95", "lock_latency_p95")])
def test_a_heatmap_draws_one_histogram(names: tuple[str, ...]) -> None:
    shown = dashboard_layout.PanelLayout(names, draw="heatmap")
    figures = [QUERIES.profile.figure(name) for name in names]
    with pytest.raises(LabError, match=f"heatmap draws one figure .*{names[0]}"):
        dashboard_panels.drawn(shown, figures, QUERIES, LAYOUT)


def test_a_panel_by_a_label_has_a_line_for_each_value_and_one_of_all() -> None:
    (shown,) = [one for row in LAYOUT.rows for one in row.panels if one.by]
    figure = QUERIES.profile.figure(shown.figures[0])
    one = dashboard_panels.drawn(shown, [figure], QUERIES, LAYOUT)
    by, together = one["targets"]
    assert "sum by (le, operation) (" in by["expr"]
    assert by["legendFormat"] == "{{operation}}"
    assert together["expr"] == QUERIES.course(figure)
    # Quantiles do not add up, so their lines do not stand on each other.
    assert one["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "none"
    plain = dashboard_panels.drawn(dashboard_layout.PanelLayout(shown.figures), [figure], QUERIES, LAYOUT)
    assert one["id"] != plain["id"]


@pytest.mark.parametrize(
    "shown",
    [
        dashboard_layout.PanelLayout(("service_requests", "service_errors"), by="operation"),
        dashboard_layout.PanelLayout(("service_latency_p95",), by="operation", draw="heatmap"),
        dashboard_layout.PanelLayout(("shards_per_pod",), by="operation"),
        dashboard_layout.PanelLayout((LONG_WAITS,), by="operation"),
    ],
)
def test_what_cannot_be_drawn_by_a_label_is_refused(shown: dashboard_layout.PanelLayout) -> None:
    figures = [QUERIES.profile.figure(name) for name in shown.figures]
    with pytest.raises(LabError, match=rf"drawn by operation .*{shown.figures[0]}"):
        dashboard_panels.drawn(shown, figures, QUERIES, LAYOUT)


# -- the layout ---------------------------------------------------------------------


def test_the_layout_names_only_figures_of_the_profile() -> None:
    """A figure that the profile does not have is left out without a word, so a name that is misspelt is seen here."""
    known = {figure.id for figure in PROFILE.figures}
    named = {name for row in LAYOUT.rows for one in row.panels for name in one.figures}
    named |= {name for stat in LAYOUT.stats for name in stat.figures} | set(LAYOUT.look_for)
    assert named <= known


def test_another_layout_is_another_dashboard(tmp_path: Path) -> None:
    data = yaml.safe_load(dashboard.LAYOUT.read_text(encoding="utf-8"))
    data |= {"title": "Mine", "uid": "mine", "stats": [], "quantiles": [0.5]}
    data["rows"] = [{"title": "Mine", "question": "How many?", "panels": [{"figures": ["signal_requests"]}]}]
    path, output = tmp_path / "mine.yml", tmp_path / "mine.json"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    dashboard.main(["--layout", str(path), "--output", str(output)])
    made = json.loads(output.read_text(encoding="utf-8"))
    assert (made["uid"], made["title"]) == ("mine", "Mine")
    assert [one["title"] for one in made["panels"][:4]] == [
        "Scrape health",
        LAYOUT.questions_title,
        "Mine: How many?",
        PROFILE.figure("signal_requests").title,
    ]
    assert next(one for one in made["templating"]["list"] if one["name"] == "quantile")["current"]["value"] == "0.5"
    # All other figures of the profile follow.
    assert "Further figures: What else does the profile measure?" in [one["title"] for one in made["panels"]]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"colour": "red"}, r"\$: .*colour"),
        ({"rows": [{"title": "x", "question": "y"}]}, r"\$\.rows\[0\]: .*panels"),
        ({"rows": [{"title": "x", "question": "y", "panels": [{"figures": ["a"], "width": 25}]}]}, r"width: 25"),
        ({"rows": [{"title": "x", "question": "y", "panels": [{"figures": ["a"], "draw": "pie"}]}]}, r"draw: .*pie"),
        ({"quantiles": [95]}, r"\$\.quantiles\[0\]: 95"),
        ({"stats": [{"title": "x", "figures": ["a", "b"]}]}, r"stats\[0\]: .* 2 figures and 0 names"),
        ({"stats": [{"title": "x", "figures": ["a"], "names": ["b"]}]}, r"stats\[0\]: .* 1 figures and 1 names"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_with_the_place(change: dict[str, Any], place: str, tmp_path: Path) -> None:
    path, output = tmp_path / "mine.yml", tmp_path / "mine.json"
    data = yaml.safe_load(dashboard.LAYOUT.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(data | change), encoding="utf-8")
    with pytest.raises(SystemExit, match=rf"mine\.yml is wrong at .*{place}"):
        dashboard.main(["--layout", str(path), "--output", str(output)])
    assert not output.exists()


def test_a_layout_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"none\.yml cannot be read: No such file"):
        dashboard_layout.load(tmp_path / "none.yml")
    (tmp_path / "odd.yml").write_text("rows: [", encoding="utf-8")
    with pytest.raises(LabError, match=r"odd\.yml is not YAML: .*line 1"):
        dashboard_layout.load(tmp_path / "odd.yml")
    with pytest.raises(SystemExit, match=r"cannot be written to .*: "):
        dashboard.main(["--output", str(tmp_path / "odd.yml" / "x.json")])


# -- fit for Grafana ------------------------------------------------------------

SOURCE = {"const": {"type": "prometheus", "uid": "${datasource}"}}
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
LINK = {
    "type": "object",
    "required": ["title", "url"],
    "properties": {"title": TEXT, "url": {"type": "string", "pattern": "^/d/temporal-lab-benchmarking\\?viewPanel="}},
}
TARGET = {
    "type": "object",
    "required": ["datasource", "editorMode", "expr", "format", "instant", "interval", "legendFormat", "range", "refId"],
    "properties": {
        "datasource": SOURCE,
        "editorMode": {"const": "code"},
        "expr": TEXT,
        "format": {"enum": ["time_series", "heatmap"]},
        "instant": {"type": "boolean"},
        "range": {"type": "boolean"},
        "interval": {"const": "${scrape_interval}s"},
        "legendFormat": TEXT,
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
    },
}
GRID = {
    "type": "object",
    "required": ["h", "w", "x", "y"],
    "additionalProperties": False,
    "properties": {"h": {**COUNT, "minimum": 1}, "w": {**COUNT, "minimum": 1, "maximum": 24}, "x": COUNT, "y": COUNT},
}
STEPS = {
    "type": "array",
    "minItems": 1,
    "items": {"required": ["color", "value"], "properties": {"color": TEXT, "value": {"type": ["number", "null"]}}},
}
DEFAULTS = {
    "type": "object",
    "required": ["unit", "noValue", "thresholds", "mappings", "color"],
    "properties": {
        "unit": TEXT,
        "noValue": TEXT,
        "min": {"type": "number"},
        "decimals": COUNT,
        "thresholds": {"required": ["mode", "steps"], "properties": {"mode": {"const": "absolute"}, "steps": STEPS}},
        "mappings": {"type": "array"},
    },
}
DRAWN = {
    "required": ["datasource", "targets", "description", "fieldConfig", "links", "options"],
    "properties": {
        "datasource": SOURCE,
        "description": TEXT,
        "targets": {"type": "array", "minItems": 1, "items": TARGET},
        "fieldConfig": {
            "required": ["defaults", "overrides"],
            "properties": {"defaults": DEFAULTS, "overrides": {"type": "array"}},
        },
        "links": {"type": "array", "items": LINK},
        "options": {"type": "object", "minProperties": 1},
    },
}
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "type": {"enum": ["timeseries", "stat", "heatmap", "text", "row"]},
        "title": TEXT,
        "gridPos": GRID,
    },
    "if": {"properties": {"type": {"enum": ["text", "row"]}}},
    "else": DRAWN,
}
VARIABLE = {
    "type": "object",
    "required": ["name", "type", "label", "hide", "query", "current", "skipUrlSync"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z][a-z_]*$"},
        "type": {"enum": ["datasource", "textbox", "query", "custom"]},
        "hide": {"enum": [0, 2]},
    },
    "if": {"properties": {"type": {"const": "query"}}},
    "then": {
        "required": ["datasource", "definition", "refresh", "regex"],
        "properties": {
            "datasource": SOURCE,
            "refresh": {"const": 2},
            "query": {
                "required": ["qryType", "query", "refId"],
                "properties": {"qryType": {"enum": [1, 3]}, "query": TEXT},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    # Those two belong to one Grafana.
    "not": {"anyOf": [{"required": ["id"]}, {"required": ["__inputs"]}]},
    "required": ["uid", "title", "schemaVersion", "version", "panels", "templating", "annotations", "time", "timezone"],
    "properties": {
        # What Grafana takes: 40 characters, of which none is a dot or a blank.
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": TEXT,
        "schemaVersion": {"type": "integer", "minimum": 36, "maximum": 39},
        "version": {"const": 0},
        "refresh": {"const": "30s"},
        "timezone": {"const": "browser"},
        "time": {"const": {"from": "now-30m", "to": "now"}},
        "tags": {"type": "array", "contains": {"const": "temporal-lab"}, "items": TEXT},
        "panels": {"type": "array", "items": PANEL},
        "templating": {"required": ["list"], "properties": {"list": {"type": "array", "items": VARIABLE}}},
    },
}


def test_the_structure_is_what_grafana_reads() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(DASHBOARD))
    assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []


def test_the_file_is_plain_text_in_a_stable_order() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert "\r" not in text
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_no_two_panels_have_one_id() -> None:
    ids = [one["id"] for one in PANELS]
    assert len(ids) == len(set(ids))


def test_two_panels_with_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_panels, "panel_id", lambda _name: 7)
    with pytest.raises(LabError, match="have the id 7"):
        dashboard.build(PROFILE, LAYOUT)


def test_panels_stand_beside_and_below_each_other() -> None:
    cells: dict[tuple[int, int], str] = {}
    for one in PANELS:
        grid = one["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                assert (x, y) not in cells, f"{one['title']} lies over {cells[x, y]}"
                cells[x, y] = one["title"]
    # No holes between the rows, and they are in the order in which they are listed.
    assert {y for _x, y in cells} == set(range(max(y for _x, y in cells) + 1))
    tops = [(one["gridPos"]["y"], one["gridPos"]["x"]) for one in PANELS]
    assert tops == sorted(tops)


def test_links_lead_to_panels_that_are_there() -> None:
    ids = {one["id"]: one for one in PANELS}
    text = panel("The lab's questions", "text")
    asked = [int(found) for found in re.findall(r"viewPanel=(\d+)", text["options"]["content"])]
    rows = [number for number, one in enumerate(PANELS) if one["type"] == "row"]
    # Without a slash they begin at Grafana's root, whatever its path. Time range and choices go along.
    for target in re.findall(r"\]\((.+?)\)", text["options"]["content"]):
        assert re.fullmatch(rf"d/{LAYOUT.uid}\?viewPanel=\d+&\$\{{__url_time_range\}}&\$\{{__all_variables\}}", target)
    # Each question leads to the first panel of its row, and each panel back to the questions.
    assert asked == [PANELS[row + 1]["id"] for row in rows]
    for one in PANELS[rows[0] :]:
        if one["type"] != "row":
            assert [link["url"].partition("?")[2].partition("&")[0] for link in one["links"]] == [
                f"viewPanel={text['id']}"
            ]
    for one in PANELS:
        if one["type"] == "stat" and one["title"] != "Scrape health":
            (link,) = one["links"]
            course = ids[int(re.search(r"viewPanel=(\d+)", link["url"])[1])]
            assert course["type"] == "timeseries"
            assert one["targets"][0]["expr"] == course["targets"][0]["expr"]


def test_every_variable_of_a_query_is_one_of_the_dashboard() -> None:
    values = values_of(DASHBOARD, "n", "r")
    everything = json.dumps(PANELS)
    used = set(re.findall(r"\$\{?(\w+)", everything)) - {"__url_time_range", "__all_variables"}
    assert used <= set(values)
    assert set(PROFILE.variables) <= set(values)
    used |= set(re.findall(r"\$\{(\w+)", json.dumps(DASHBOARD["annotations"])))
    assert {"datasource", "quantile", "namespace", "release", "scrape_interval"} <= used | {"release"}
    assert set(re.findall(r"\$\{\w+:(\w+)\}", everything)) == {"text"}
    # No stand-in was left over, in queries or anywhere else.
    rest = re.sub(r"\$\{?__\w+", "", FILE.read_text(encoding="utf-8"))
    assert not re.search(r"__[a-z_]+__|0\.1234|40000|30000", rest)


def test_quantiles_can_be_chosen() -> None:
    chosen = variable("quantile")
    assert [option["value"] for option in chosen["options"]] == ["0.5", "0.9", "0.95", "0.99", "0.999"]
    assert chosen["query"] == "p50 : 0.5, p90 : 0.9, p95 : 0.95, p99 : 0.99, p99.9 : 0.999"
    assert chosen["current"] == {"selected": True, "text": "p95", "value": "0.95"}
    for figure in PROFILE.figures:
        if figure.kind == "quantile" and figure.quantile != 1:
            bound = QUERIES.profile.figure(figure.id)
            assert QUERIES.course(bound).startswith("histogram_quantile(${quantile}, ")
            assert ", ${quantile:text}" in dashboard_texts.title_of(bound)
            assert "p95" not in dashboard_texts.title_of(bound)


def test_the_smallest_bucket_is_a_bound() -> None:
    course = panel("Shard lock latency, ${quantile:text}")
    assert 0.001 in [step["value"] for step in course["fieldConfig"]["defaults"]["thresholds"]["steps"]]
    assert "at most 1 ms, and no more" in course["description"]
    # At the top, the quantiles have it and the mean, which needs no buckets, has not.
    now = panel("Shard lock latency", "stat")["fieldConfig"]
    assert now["defaults"]["mappings"] == []
    assert [one["matcher"]["options"] for one in now["overrides"]] == ["B", "C"]
    for one in now["overrides"]:
        (mapping,) = one["properties"][0]["value"]
        assert mapping["options"] == {"from": 0, "to": 0.001, "result": {"text": "≤ 1.00 ms", "index": 0}}


def test_the_tails_of_the_shard_lock_are_at_the_top() -> None:
    """Whatever quantile is chosen above the panels: a p95 hid what the lab is about."""
    of_lock = [one for one in PANELS if one["type"] == "stat" and one["title"].startswith("Shard lock")]
    legends = [target["legendFormat"] for one in of_lock for target in one["targets"]]
    assert legends == ["mean", "p99", "p99.9", "1 ms", "10 ms", "100 ms"]
    queries = [target["expr"] for one in of_lock for target in one["targets"]]
    assert not any("${quantile}" in query for query in queries)
    assert [re.findall(r"histogram_quantile\(([\d.]+)", query) for query in queries[:3]] == [[], ["0.99"], ["0.999"]]


def test_what_others_advise_is_a_line() -> None:
    for name, advised in LAYOUT.advised.items():
        (drawn,) = [
            one
            for one in PANELS
            if one["type"] == "timeseries" and one["targets"][0]["expr"] == QUERIES.course(QUERIES.profile.figure(name))
        ]
        defaults = drawn["fieldConfig"]["defaults"]
        assert {"color": "orange", "value": advised.at} in defaults["thresholds"]["steps"]
        assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"
        assert (
            f"**Advice:** the dashed orange line at {value_text(advised.at, PROFILE.figure(name).unit)}"
            in drawn["description"]
        )
    # What a profile calls a reference and the layout gives no value is in the description alone.
    assert set(LAYOUT.advised) <= {figure.id for figure in PROFILE.figures if figure.reference}


def test_a_role_has_one_colour_in_all_panels() -> None:
    for title in ("CPU by component", "Memory by component", "Shards per history pod"):
        found = {
            one["matcher"]["options"]: one["properties"][0]["value"]
            for one in panel(title)["fieldConfig"]["overrides"]
            if one["matcher"]["id"] == "byRegexp"
        }
        assert found["/(^|-)history($|-)/"] == {"fixedColor": "orange", "mode": "shades"}
        assert len({value["fixedColor"] for value in found.values()}) == len(found) == len(LAYOUT.colours)
        for pattern in found:
            # As Grafana reads it: JavaScript's, between slashes.
            assert re.search(pattern.strip("/"), f"my-temporal-{pattern.split(')')[1].split('(')[0]}-5d9c") is not None


def test_legends_have_last_mean_and_largest() -> None:
    for one in PANELS:
        if one["type"] == "timeseries":
            bars = one["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
            calcs = ["sum"] if bars else ["lastNotNull", "mean", "max"]
            assert one["options"]["legend"]["calcs"] == calcs, one["title"]


def test_panels_say_why_they_have_no_data() -> None:
    def of(title: str, kind: str = "timeseries") -> str:
        return panel(title, kind)["fieldConfig"]["defaults"]["noValue"]

    # Zero when absent, an error when absent, and neither.
    assert of("State transitions") == "No data: these pods are not scraped"
    assert of("Persistence requests").endswith("or a metric that this server does not have")
    assert of("Poll sync rate") == "No data: not scraped, or nothing observed"
    assert of("Workflow progress", "stat") == "not scraped"
    assert of("Shard lock latency", "stat") == "not measured"
    assert of("Workflows in flight", "stat") == "not measured"


def test_marks_are_those_of_what_is_chosen() -> None:
    built_in, *marks = DASHBOARD["annotations"]["list"]
    assert (built_in["builtIn"], built_in["enable"]) == (1, False)
    # Events are many: they are off until somebody turns them on.
    assert [(one["name"], one["enable"], one["hide"]) for one in marks] == [
        ("Windows", True, False),
        ("Stages", True, False),
        ("Events", False, False),
    ]
    chosen = ["temporal-lab", "namespace:${namespace}", "release:${release}", "${marks}"]
    for one, kind in zip(marks, ("window", "stage", "event"), strict=True):
        assert one["target"] == {"limit": 500, "matchAny": False, "tags": [*chosen, kind], "type": "tags"}
        assert one["datasource"] == built_in["datasource"] == {"type": "grafana", "uid": "-- Grafana --"}
    # All marks have this tag; a link replaces it by the tag of one student or run.
    assert variable("marks")["current"]["value"] == "temporal-lab"


def test_the_dashboard_s_tags_are_those_of_marks() -> None:
    (window, stage, event) = (set(one["target"]["tags"]) for one in DASHBOARD["annotations"]["list"][1:])
    for kind, tags in (("window", window), ("stage", stage), ("event", event)):
        mark = marks.Mark("student-01", "r", "scale", kind, "", 0, 0, marks.place_tags("ns", "rel"))
        assert {
            one.replace("${namespace}", "ns").replace("${release}", "rel").replace("${marks}", "student:student-01")
            for one in tags
        } <= set(mark.tags)


def test_a_missing_value_has_no_colour_of_a_good_one() -> None:
    for one in PANELS:
        if one["type"] == "stat" and one["options"]["colorMode"] != "none":
            steps = one["fieldConfig"]["defaults"]["thresholds"]["steps"]
            assert (steps[0]["value"], steps[0]["color"] in ("text", "orange")) == (None, True), one["title"]


def test_titles_of_current_values_are_whole_on_a_narrow_page() -> None:
    """At 1,280 pixels with the menu open, a column is 39 wide; two icons and the margins take 105, a letter 7."""
    for one in PANELS:
        if one["type"] == "stat":
            title = one["title"].replace("${quantile:text}", "p95")
            assert len(title) * 7 <= one["gridPos"]["w"] * 39 - 105, title


def test_the_first_graph_is_in_sight() -> None:
    first = next(one for one in PANELS if one["type"] == "timeseries")
    assert first["gridPos"]["y"] <= 10


def test_the_file_to_import_asks_for_prometheus_and_nothing_else() -> None:
    file = FILE.with_name("temporal-benchmarking-import.json")
    assert file.read_bytes() == written(dashboard.to_import(dashboard.build(PROFILE, LAYOUT))).encode(), (
        "run `make dashboard`"
    )
    found = json.loads(file.read_text(encoding="utf-8"))
    assert [one["name"] for one in found["__inputs"]] == ["DS_PROMETHEUS"]
    assert "${datasource" not in json.dumps(found)
    assert json.dumps(found).count("${DS_PROMETHEUS}") == json.dumps(DASHBOARD).count("${datasource}")


# -- what Prometheus answers ----------------------------------------------------

POD = "my-temporal-history-a"
OTHER = "my-temporal-history-b"
FRONT = "my-temporal-frontend-a"
WORKER = "benchmark-workers-a"
STEPS_OF_CASES = 60
#: Times of the cases' first and last scrape.
START, END = BASE + FIRST, BASE + FIRST + STEPS_OF_CASES * INTERVAL
OURS = ',job="kubernetes-pods"'
TWICE = ',job="kubernetes-service-endpoints"'
STATS = 'operation="CompletionStats",namespace="default"'


def up(pod: str, notation: str = f"1x{STEPS_OF_CASES}", job: str = OURS) -> dict[str, str]:
    return {f'up{{pod="{pod}"{job}}}': notation}


def created(pod: str, notation: str) -> dict[str, str]:
    return {f'sharditem_created_count{{pod="{pod}"{OURS}}}': notation}


def failed(pod: str, notation: str) -> dict[str, str]:
    return {f'workflow_failed{{pod="{pod}",{STATS}{OURS}}}': notation}


def doubled() -> dict[str, str]:
    series: dict[str, str] = {}
    for job in (OURS, TWICE):
        series |= up(POD, job=job)
        series[f'state_transition_count_count{{pod="{POD}",namespace="default"{job}}}'] = "1000+100x60"
        series[f'sharditem_created_count{{pod="{POD}"{job}}}'] = "512+1x60"
        series[f'numshards_gauge{{pod="{POD}"{job}}}'] = "512x60"
        for le in ("0.001", "0.1", "+Inf"):
            series[f'persistence_latency_bucket{{pod="{POD}",le="{le}"{job}}}'] = "1000+50x60"
    return series


def no_observation() -> dict[str, str]:
    """Histograms and counters that stand still: nothing to take a quantile of, or to divide by."""
    series = up(POD)
    for le in ("0.001", "0.1", "+Inf"):
        series[f'semaphore_latency_bucket{{operation="ShardInfo",pod="{POD}",le="{le}"{OURS}}}'] = "7x60"
    series[f'state_transition_count_count{{pod="{POD}",namespace="default"{OURS}}}'] = "7+1x60"
    series[f'workflow_success{{pod="{POD}",{STATS}{OURS}}}'] = "7x60"
    return series


def by_operation() -> dict[str, str]:
    """An operation of a hundred requests a scrape, all within 1 ms, and one of a single one between 10 and 100 ms."""
    series = up(FRONT)
    for operation, counts in {"Fast": (100, 100, 100, 100), "Slow": (0, 0, 1, 1)}.items():
        for le, count in zip(("0.001", "0.01", "0.1", "+Inf"), counts, strict=True):
            labels = f'operation="{operation}",pod="{FRONT}",le="{le}"{OURS}'
            series[f"service_latency_bucket{{{labels}}}"] = f"1000+{count}x60"
    return series


#: By Kubernetes namespace; a scrape every five seconds, 61 of them.
CASES = {
    "doubled": doubled(),
    # Scraped, and without a single metric of Temporal.
    "idle": {**up(POD), **up(FRONT), **up(WORKER)},
    # Nothing answers.
    "silent": {**up(POD, "0x60"), **up(FRONT, "0x60")},
    # Other pods answer, but not those of the figure.
    "other": up(WORKER),
    "standing": no_observation(),
    # The pod answers, and its first failure comes later.
    "late": {**up(POD), **failed(POD, "_x30 1x9 3x19")},
    # A second pod, which has taken 252 shards when it is first scraped; the first one's 512 are older than all.
    "scaled": {
        **up(POD),
        **up(OTHER, "_x30 1x30"),
        **created(POD, "512x60"),
        **created(OTHER, "_x30 252x30"),
    },
    # The same, but its first scrape was too early for the pod.
    "early": {
        **up(POD),
        **up(OTHER, "_x30 0 1x29"),
        **created(POD, "512x60"),
        **created(OTHER, "_x31 252x29"),
    },
    "restarted": {**up(POD), **created(POD, "1000x29 7x30")},
    # Prometheus left two scrapes out, and what grew meanwhile counts once.
    "gap": {**up(POD), **created(POD, "512x19 _x1 520x39")},
    "operations": by_operation(),
    # The only pod is not scraped any more.
    "gone": {**up(POD, "1x29"), **failed(POD, "2x29")},
}
MINUTE = "minute"


def every_minute() -> str:
    """A scrape every 60 seconds, of which a rate needs four minutes."""
    labels = f'pod="{POD}",job="kubernetes-pods",kubernetes_namespace="{MINUTE}"'
    grow = f'namespace="default",{labels}'
    return gauge("up", labels, 1, 0, 600, 60) + gauge(
        "state_transition_count_count", grow, lambda second: 1000 + 20 * second, 0, 600, 60
    )


def missing_in_the_benchmark() -> str:
    """What the samples of tests/benchmarks have no need of, for their student and their time."""
    pods = f'job="kubernetes-pods",kubernetes_namespace="student-01",pod="{measure_profile.LOAD}"'
    workers = 'job="kubernetes-pods",kubernetes_namespace="student-01",pod="benchmark-workers-a",task_queue="benchmark"'
    span = (measure_profile.FIRST, measure_profile.LAST)

    def growing(metric: str, labels: str, per_second: float) -> str:
        return gauge(metric, labels, lambda second: 1e4 + per_second * second, *span)

    text = growing("benchmark_workflow_end_to_end_seconds_sum", pods, 3)
    text += growing("benchmark_workflow_end_to_end_seconds_count", pods, 1.5)
    text += gauge("benchmark_concurrent_workflows", pods, 3, *span)
    for poller in ("workflow_task", "sticky_workflow_task", "activity_task"):
        text += gauge("temporal_num_pollers", f'{workers},poller_type="{poller}"', 5, *span)
    text += gauge("temporal_worker_task_slots_available", f'{workers},worker_type="WorkflowWorker"', 99, *span)
    # Chance leaves some of the benchmark's histograms without an observation.
    for metric, labels in HISTOGRAMS.items():
        for number, le in enumerate(("0.001", "0.01", "+Inf"), 1):
            of = f'{labels},pod="{measure_profile.HISTORY[0]}",job="kubernetes-pods",kubernetes_namespace="student-01"'
            text += growing(f"{metric}_bucket", f'{of},le="{le}",seen="surely"', number)
    return text


HISTOGRAMS = {
    "semaphore_latency": 'operation="ShardInfo"',
    "lock_latency": 'operation="ShardInfo"',
    "cache_latency": 'operation="HistoryCacheGetOrCreate",cache_type="mutablestate"',
    "acquire_shards_latency": 'operation="ShardController"',
    "task_schedule_to_start_latency": 'namespace="default"',
    "benchmark_workflow_end_to_end_seconds": 'extra="x"',
}

Ask = Callable[..., list[tuple[dict[str, str], list[tuple[float, float]]]]]


@pytest.fixture(scope="module", params=binaries(), ids=lambda name: "" if name == "prometheus" else "other")
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ask a Prometheus with all the cases: a query with the dashboard's variables, for a Kubernetes namespace."""
    folder = tmp_path_factory.mktemp("dashboard")
    samples = measure_profile.synthetic() + measure_profile.observed() + missing_in_the_benchmark() + every_minute()
    samples += "".join(openmetrics(name, series, BASE) for name, series in CASES.items())
    make_blocks(folder, samples)
    with running_prometheus(program(request.param), folder, "global: {scrape_interval: 5s}\n") as address:
        prometheus = at_url(address)

        def asking(text: str, namespace: str, start: float = START, end: float = END, step: float = INTERVAL) -> Any:
            values = values_of(DASHBOARD, namespace, "my-temporal", step)
            return prometheus.course(interpolated(text, values), start, end, step)

        yield asking


def values(rows: list[Any]) -> list[float]:
    """Values of an answer with one series; empty for an answer without any."""
    assert len(rows) < 2, rows
    return [value for _labels, points in rows for _time, value in points]


ALL_QUERIES = [
    pytest.param(one["expr"], id=f"{each['type']} {each['title']} {one['refId']}")
    for each in PANELS
    for one in each.get("targets", [])
]
#: Queries that have nothing to say on a running lab, by the panel's title: no pod of it has a limit of CPU.
RIGHTLY_EMPTY = {"CPU throttling by component"}
#: Titles of panels about machines, which are of no namespace.
OF_MACHINES = {"CPU of the machines, and how many cores they have"}


@pytest.mark.server
@pytest.mark.parametrize("text", ALL_QUERIES)
def test_every_query_has_data_where_there_is_load(ask: Ask, text: str) -> None:
    begin = BASE + 60
    rows = ask(text, "student-01", begin, begin + 60)
    if any(text == one["expr"] for each in PANELS if each["title"] in RIGHTLY_EMPTY for one in each["targets"]):
        assert rows == []
        return
    assert rows
    for _labels, points in rows:
        assert len(points) == 13
        assert all(math.isfinite(value) for _time, value in points)


@pytest.mark.server
def test_each_operation_has_its_own_latency(ask: Ask) -> None:
    """The slow operation shows its own quantile, which that of all requests hides."""
    figure = QUERIES.profile.figure("service_latency_p95")
    text = QUERIES.course(replace(figure, by="operation"))
    rows = ask(text, "operations")
    last = {labels["operation"]: points[-1][1] for labels, points in rows}
    assert last == pytest.approx({"Fast": 0.00095, "Slow": 0.0955})
    assert values(ask(QUERIES.course(figure), "operations"))[-1] < 0.001


@pytest.mark.server
@pytest.mark.parametrize("text", ALL_QUERIES)
def test_nothing_scraped_is_never_zero(ask: Ask, text: str) -> None:
    rows = ask(text, "nowhere")
    if any(text == one["expr"] for each in PANELS if each["title"] in OF_MACHINES for one in each["targets"]):
        assert all(value > 0 for _labels, points in rows for _time, value in points)
    else:
        assert rows == []


@pytest.mark.server
@pytest.mark.parametrize("figure", PROFILE.figures, ids=lambda figure: figure.id)
def test_absent_is_zero_only_where_the_profile_says_so_and_only_when_scraped(ask: Ask, figure: profile.Figure) -> None:
    text = QUERIES.course(QUERIES.profile.figure(figure.id))
    if figure.observer and not figure.components:
        # Of machines, which are of no namespace.
        return
    zeros = [0.0] * (STEPS_OF_CASES + 1) if figure.absent == "zero" and not figure.observer else []
    assert values(ask(text, "idle")) == zeros
    # Pods that do not answer, and pods of other components, say nothing.
    assert ask(text, "silent") == []
    assert ask(text, "other") == []


@pytest.mark.server
def test_what_is_over_is_not_zero(ask: Ask) -> None:
    """The pod's last scrape was in the middle: after that there is no answer, once Prometheus no longer looks back."""
    counted = values(ask(expression("Workflow failures and timeouts"), "gone"))
    assert set(counted) == {0.0}
    assert ask(expression("Workflow failures and timeouts"), "gone", END + 300, END + 600) == []


@pytest.mark.server
def test_a_value_that_is_not_known_yet_is_not_zero(ask: Ask) -> None:
    """A counter with one sample has no rate; there is no zero in its place."""
    rows = ask(expression("State transitions"), "doubled", START, START + 60)
    assert rows[0][1][0][0] == START + INTERVAL
    assert min(values(rows)) > 0


@pytest.mark.server
def test_double_scrapes_count_once(ask: Ask) -> None:
    span = (START + 60, END)
    assert {round(value, 6) for value in values(ask(expression("State transitions"), "doubled", *span))} == {20.0}
    assert set(values(ask(expression("Shards per history pod"), "doubled", *span))) == {512.0}
    assert set(values(ask(expression("Shards per history pod", query="B"), "doubled", *span))) == {512.0}
    assert set(values(ask(expression("Shards that change hands"), "doubled", *span))) == {1.0}
    assert set(values(ask(expression("Scrape health", "stat"), "doubled", *span))) == {1.0}
    buckets = ask(expression("Persistence latency, requests by duration", "heatmap"), "doubled", *span)
    assert {labels["le"]: round(points[-1][1], 6) for labels, points in buckets} == dict.fromkeys(
        ("0.001", "0.1", "+Inf"), 10.0
    )
    # The same, without the filter: the test above would see it.
    without = expression("State transitions").replace('job=~"${job}",', "")
    assert {round(value, 6) for value in values(ask(without, "doubled", *span))} == {40.0}


@pytest.mark.server
@pytest.mark.parametrize(
    ("case", "title", "total"),
    [
        ("late", "Workflow failures and timeouts", 3),
        ("scaled", "Shards that change hands", 252),
        ("early", "Shards that change hands", 252),
        ("restarted", "Shards that change hands", 7),
        ("gap", "Shards that change hands", 8),
        ("gone", "Workflow failures and timeouts", 0),
    ],
)
def test_bars_add_up_to_what_was_counted(ask: Ask, case: str, title: str, total: float) -> None:
    """Also the first value of a series, which increase() leaves out; and for another step, as in a longer view."""
    assert sum(values(ask(expression(title), case))) == total
    assert sum(values(ask(expression(title), case, START + 60, END, 3 * INTERVAL))) == total


@pytest.mark.server
def test_no_observations_are_no_value(ask: Ask) -> None:
    span = (START + 60, END)
    assert ask(expression("Shard lock latency, ${quantile:text}"), "standing", *span) == []
    assert ask(expression("State transitions per workflow success"), "standing", *span) == []
    # It is the filter that does it: Prometheus has NaN, and an infinite ratio.
    for title in ("Shard lock latency, ${quantile:text}", "State transitions per workflow success"):
        found = values(ask(expression(title).replace(" < +Inf", ""), "standing", *span))
        assert found
        assert not any(math.isfinite(value) for value in found)


@pytest.mark.server
def test_the_scrape_interval_is_found_and_rates_hold_four_scrapes(ask: Ask) -> None:
    text = variable("scrape_interval")["query"]["query"].removeprefix("query_result(").removesuffix(")")
    found = re.compile(variable("scrape_interval")["regex"].strip("/"))

    def interval(namespace: str, at: float) -> str:
        ((labels, ((time, value),)),) = ask(text, namespace, at, at)
        assert labels == {}
        # As Grafana writes an answer down before it takes the value out of it.
        return found.search(f"{{}} {value:g} {time * 1000:.0f}")[1]

    assert interval("idle", END) == interval("scaled", START + 155) == "5"
    # Known from the second scrape on, and not only after five minutes.
    assert interval("idle", START + 5) == "5"
    assert interval(MINUTE, BASE + 590) == interval(MINUTE, BASE + 65) == "60"
    # What our chart does, until something is scraped.
    assert interval("nowhere", END) == "5"

    minutes = values(ask(expression("State transitions"), MINUTE, BASE + 300, BASE + 540, 60))
    assert [round(value, 6) for value in minutes] == [20.0] * 5
    # With a scrape interval that is wrong there would be nothing.
    assert ask(expression("State transitions"), MINUTE, BASE + 300, BASE + 540, 5) == []


@pytest.mark.server
def test_the_choices_above_the_panels_are_those_of_the_lab_alone(ask: Ask) -> None:
    inside = re.compile(r"label_values\((up\{.*\}), (\$\{\w+\}|\w+)\)")
    chosen = values_of(DASHBOARD, "scaled", "my-temporal")
    selector, label = inside.fullmatch(variable("namespace")["query"]["query"]).groups()
    label = interpolated(label, chosen)
    found = {labels[label] for labels, _points in ask(selector, "any")}
    assert found == {*CASES, "student-01", MINUTE}
    selector, label = inside.fullmatch(variable("release")["query"]["query"]).groups()
    pods = {labels[label] for labels, _points in ask(selector, "idle")}
    pattern = re.compile(variable("release")["regex"].strip("/"))
    assert {match[1] for pod in pods if (match := pattern.search(pod))} == {"my-temporal"}


@pytest.mark.server
def test_a_pod_that_missed_scrapes_does_not_count_again(tmp_path: Path) -> None:
    """Prometheus marks its series as stale meanwhile, which only promtool's own notation has."""
    chosen = values_of(DASHBOARD, "n", "my-temporal")
    labels = f'{{pod="{POD}",job="kubernetes-pods",kubernetes_namespace="n"}}'
    other = labels.replace(POD, OTHER)
    tests = {
        "rule_files": [],
        "evaluation_interval": "5s",
        "tests": [
            {
                "interval": "5s",
                "input_series": [
                    {"series": f"up{labels}", "values": "1x19 0x3 1x40"},
                    {"series": f"up{other}", "values": "1x64"},
                    {"series": f"sharditem_created_count{labels}", "values": "512x19 stale _x3 515x39"},
                ],
                "promql_expr_test": [
                    {
                        "expr": interpolated(expression("Shards that change hands"), chosen),
                        "eval_time": f"{at}s",
                        "exp_samples": [{"labels": "{}", "value": value}] if value is not None else [],
                    }
                    # Before, while it does not answer (the other one does), its first answer, and the next.
                    for at, value in ((90, 0), (105, 0), (120, None), (125, 0))
                ],
            }
        ],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump(tests))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
