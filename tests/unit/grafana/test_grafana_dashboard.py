# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards read, made to fit, compared and written down, without a Grafana."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    dashboard_export,
    data_sources,
    resolver,
    selections,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.angular import refuse_angular
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_changes import (
    changes,
    difference,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import load, written
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_parts import panels
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import DEFAULTS, normal
from hypothesis import given, settings
from hypothesis import strategies as st

Json = dict[str, Any]


def source(uid: str, kind: str = "prometheus", name: str | None = None, default: bool = False) -> Json:
    return {"id": 1, "uid": uid, "name": name or uid, "type": kind, "isDefault": default}


PROM = source("prom", default=True)
OTHER = source("p3", "nope")
REF = {"type": "prometheus", "uid": "prom"}
#: The query for Grafana's own annotations, as /apis show it (recorded exchange 109).
BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def whole() -> Json:
    """A dashboard with something of everything, none of it a default."""
    return {
        "uid": "lab-whole",
        "title": "Whole",
        "description": "All there is",
        "tags": ["lab", "temporal"],
        "editable": False,
        "fiscalYearStartMonth": 3,
        "graphTooltip": 1,
        "refresh": "10s",
        "schemaVersion": 41,
        "time": {"from": "now-15m", "to": "now"},
        "timepicker": {"hidden": True, "nowDelay": "1m"},
        "timezone": "utc",
        "weekStart": "monday",
        "liveNow": True,
        "preload": True,
        "links": [{"title": "Docs", "type": "link", "url": "https://example.org", "targetBlank": True}],
        "annotations": {
            "list": [
                {
                    "name": "Stages",
                    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                    "enable": True,
                    "iconColor": "red",
                    "target": {"type": "tags", "tags": ["temporal-lab"], "limit": 50, "matchAny": False},
                }
            ]
        },
        "templating": {
            "list": [
                {"name": "ds", "type": "datasource", "query": "prometheus", "hide": 0, "current": {"value": "prom"}},
                {
                    "name": "pod",
                    "label": "Pod",
                    "type": "query",
                    "datasource": {"type": "prometheus", "uid": "${ds}"},
                    "query": {"query": "label_values(up, pod)", "refId": "V"},
                    "includeAll": True,
                    "multi": True,
                    "refresh": 2,
                    "sort": 1,
                    "regex": "/history/",
                },
                {"name": "step", "type": "interval", "query": "1m,5m", "auto": False},
            ]
        },
        "panels": [
            {
                "id": 1,
                "type": "row",
                "title": "History",
                "collapsed": True,
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0},
                "panels": [
                    {
                        "id": 2,
                        "type": "stat",
                        "title": "Shards",
                        "gridPos": {"h": 4, "w": 6, "x": 0, "y": 1},
                        "datasource": {"type": "prometheus", "uid": "${ds}"},
                        "targets": [{"refId": "A", "expr": "sum(shards)", "instant": True}],
                        "options": {"colorMode": "value", "reduceOptions": {"calcs": ["lastNotNull"]}},
                    }
                ],
            },
            {
                "id": 3,
                "type": "timeseries",
                "title": "Latency",
                "description": "p95",
                "transparent": True,
                "gridPos": {"h": 8, "w": 12, "x": 0, "y": 5},
                "datasource": {"type": "prometheus", "uid": "prom"},
                "targets": [
                    {"refId": "A", "expr": 'histogram_quantile(0.95, x{pod=~"$pod"})', "legendFormat": "p95"},
                    {"refId": "B", "expr": "y", "hide": True, "datasource": {"type": "nope", "uid": "p3"}},
                ],
                "fieldConfig": {
                    "defaults": {
                        "unit": "s",
                        "min": 0,
                        "thresholds": {"mode": "absolute", "steps": [{"color": "green"}, {"color": "red", "value": 1}]},
                        "custom": {"lineWidth": 2, "spanNulls": False},
                    },
                    "overrides": [{"matcher": {"id": "byName", "options": "B"}, "properties": [{"id": "unit"}]}],
                },
                "options": {"legend": {"displayMode": "table", "calcs": ["mean"]}, "tooltip": {"mode": "multi"}},
                "transformations": [{"id": "organize", "options": {"renameByName": {"a": "b"}}}],
                "links": [{"title": "More", "url": "/d/x"}],
                "repeat": "pod",
                "interval": "5s",
                "maxDataPoints": 200,
            },
            {"id": 4, "type": "text", "title": "", "options": {"mode": "markdown", "content": "# Hi"}},
        ],
    }


def shared() -> Json:
    """A dashboard as Grafana exports it for others, with every form of a reference."""
    return {
        "__inputs": [
            {"name": "DS_PROM", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"},
            {"name": "VAR_JOB", "label": "job", "type": "constant", "value": "temporal"},
        ],
        "__requires": [{"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"}],
        "__elements": {
            "lib-1": {
                "uid": "lib-1",
                "name": "Library",
                "kind": 1,
                "model": {"type": "stat", "title": "Of the library", "datasource": {"uid": "${DS_PROM}"}},
            }
        },
        "uid": "shared",
        "title": "Shared",
        "annotations": {"list": [{"name": "Deploys", "datasource": "${DS_PROM}", "expr": "x"}]},
        "templating": {
            "list": [
                {"name": "pod", "type": "query", "datasource": {"uid": "$DS_PROM"}, "query": "label_values(up, pod)"},
                {"name": "job", "type": "constant", "query": "${VAR_JOB}", "current": {"value": "${VAR_JOB}"}},
            ]
        },
        "panels": [
            {"id": 1, "type": "timeseries", "datasource": "${DS_PROM}", "targets": [{"refId": "A", "expr": "a"}]},
            {
                "id": 2,
                "type": "stat",
                "datasource": {"type": "prometheus", "uid": "${DS_PROM}"},
                "targets": [{"refId": "A", "expr": "b{job='[[VAR_JOB]]'}", "datasource": {"uid": "[[DS_PROM]]"}}],
            },
            {
                "id": 3,
                "type": "row",
                "panels": [{"id": 4, "type": "stat", "datasource": "$DS_PROM"}],
            },
            {"id": 5, "gridPos": {"h": 4, "w": 6, "x": 0, "y": 9}, "libraryPanel": {"uid": "lib-1", "name": "Library"}},
            {"id": 6, "libraryPanel": {"uid": "lib-2", "name": "Of Grafana"}},
        ],
    }


# Data sources are written as Grafana lists them.


def resolve(dashboard: Json, rows: list[Json], chosen: dict[str, str], datasource: str | None = None) -> Json:
    return resolver.resolve(dashboard, DataSources(rows), chosen, datasource)


def selected(rows: list[Json], chosen: dict[str, str], datasource: str | None = None) -> frozenset[str]:
    return selections.chosen_variables(whole(), DataSources(rows), chosen, datasource)


def keep_selections(wanted: Json, stored: Json, rows: list[Json], asked: frozenset[str] = frozenset()) -> Json:
    return selections.keep_selections(wanted, stored, DataSources(rows), asked)


def exported(dashboard: Json, rows: list[Json]) -> Json:
    return dashboard_export.exported(dashboard, DataSources(rows))


def message(call: Any, *arguments: Any, **options: Any) -> str:
    """The sentence of a call that fails."""
    with pytest.raises(LabError) as raised:
        call(*arguments, **options)
    text = raised.value.msg
    assert text.endswith(".")
    assert ". " not in text
    return text


# --- reading -------------------------------------------------------------------------------------


def test_the_three_shapes_of_a_file_hold_the_same_dashboard() -> None:
    bare = {"id": 4, "version": 7, "iteration": 1600000000, "uid": "lab-1", "title": "Lab one", "panels": []}
    answer = {"meta": {"folderUid": "ops"}, "dashboard": bare}
    resource = {
        "apiVersion": "dashboard.grafana.app/v1beta1",
        "kind": "Dashboard",
        "metadata": {"name": "lab-1", "annotations": {"grafana.app/folder": "ops"}},
        "spec": {"title": "Lab one", "panels": []},
    }
    for shape in (bare, answer, resource):
        loaded = load(json.dumps(shape), "x.json")
        assert loaded == {"uid": "lab-1", "title": "Lab one", "panels": []}


def test_a_byte_order_mark_is_no_fault() -> None:
    assert load('\ufeff{"title": "x"}', "x.json") == {"title": "x"}


FAULTS = [
    ("", "x.json:1:1: this is not JSON (expecting value)"),
    ('{\n  "title": "x",\n  "panels": [}\n}', "x.json:3:14: this is not JSON (expecting value)"),
    ('{"title": "a" "b"}', "x.json:1:15: this is not JSON (expecting ',' delimiter)"),
    ('{"title": "NaN",\n "a": [1, NaN]}', "x.json:2:11: NaN is not"),
    ('{"a": "\\"Infinity", "b": -Infinity}', "x.json:1:26: -Infinity is not"),
    ("[" * 5000 + "]" * 5000, "x.json is nested more than 100"),
    ('{"title": "x", "a": ' + "[" * 150 + "]" * 150 + "}", "x.json is nested more than 100"),
    ("[]", "x.json holds no dashboard but a list"),
    ("null", "x.json holds no dashboard but null"),
    ('"x"', "x.json holds no dashboard but a text"),
    ("7", "x.json holds no dashboard but a number"),
    ("{}", "The dashboard in x.json has no title"),
    ('{"title": "  "}', "The dashboard in x.json has no title"),
    ('{"title": 7}', "The dashboard in x.json has no title"),
    ('{"dashboard": {"uid": "a"}}', "The dashboard in x.json has no title"),
    (json.dumps({"title": "x", "uid": "a" * 41}), "has 41 characters, and Grafana accepts 40"),
    ('{"title": "x", "uid": "a.b"}', "The uid 'a.b' of the dashboard in x.json has characters other than"),
    ('{"title": "x", "uid": "a b/c"}', "The uid 'a b/c' of the dashboard in x.json has characters"),
    ('{"title": "x", "uid": 7}', "The uid 7 of the dashboard in x.json has characters"),
    ('{"title": "x", "a": "\\ud800"}', "x.json holds half of a surrogate pair"),
    ('{"title": "x", "panels": {}}', "panels in x.json is an object and must be a list"),
    ('{"title": "x", "panels": [{}, 1]}', "panels[1] in x.json is a number and must be an object"),
    ('{"title": "x", "panels": [{"targets": 1}]}', "panels[0].targets in x.json is a number and must be a list"),
    ('{"title": "x", "panels": [{"panels": [null]}]}', "panels[0].panels[0] in x.json is null and must be an object"),
    ('{"title": "x", "rows": [{"panels": ["a"]}]}', "rows[0].panels[0] in x.json is a text and must be an object"),
    ('{"title": "x", "templating": []}', "templating in x.json is a list and must be an object"),
    ('{"title": "x", "annotations": {"list": {}}}', "annotations.list in x.json is an object and must be a list"),
    ('{"title": "x", "__inputs": {}}', "__inputs in x.json is an object and must be a list"),
    (
        '{"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "spec": {"title": "x"}}',
        "The dashboard in x.json has the schema v2",
    ),
    ('{"title": "x", "elements": {}, "layout": {}}', "The dashboard in x.json has the schema v2"),
    ('{"kind": "Dashboard", "spec": []}', "spec in x.json is a list"),
]


@pytest.mark.parametrize(("text", "sentence"), FAULTS, ids=[fault[1][:60] for fault in FAULTS])
def test_a_fault_is_told_with_its_place(text: str, sentence: str) -> None:
    assert sentence in message(load, text, "x.json")


def test_a_dashboard_that_grafana_would_answer_with_413_is_refused() -> None:
    def text(size: int) -> str:
        return json.dumps({"title": "x", "a": "é" * (size // 2)}, ensure_ascii=False)

    assert "has 20.0 MiB, and Grafana refuses 20 MiB" in message(load, text(20 * 2**20), "x.json")
    assert load(text(5 * 2**20), "x.json")["title"] == "x"


def test_a_uid_of_40_characters_or_none_is_taken() -> None:
    assert load(json.dumps({"title": "x", "uid": "aA-_5" * 8}), "x")["uid"] == "aA-_5" * 8
    assert "uid" not in load('{"title": "x", "uid": null}', "x")
    assert "uid" not in load('{"title": "x", "uid": ""}', "x")


# --- Angular -------------------------------------------------------------------------------------


def test_panels_that_need_angular_are_named_with_their_places() -> None:
    dashboard = {
        "title": "x",
        "schemaVersion": 16,
        "panels": [
            {"id": 1, "type": "timeseries"},
            {"id": 2, "type": "graph", "title": "Requests"},
            {"id": 3, "type": "row", "panels": [{"id": 4, "type": "grafana-piechart-panel"}]},
            {"id": 5, "type": "table", "styles": [{}]},
        ],
        "rows": [{"panels": [{"type": "singlestat"}]}],
        "__elements": {"lib": {"uid": "lib", "kind": 1, "model": {"type": "table-old", "title": "Old"}}},
    }
    text = message(refuse_angular, dashboard, "x.json")
    for part in (
        'panel 2 "Requests" (panels[1]) is of type graph; use timeseries',
        "panel 4 (panels[2].panels[0]) is of type grafana-piechart-panel; use piechart",
        "panel 5 (panels[3]) is a table from before Grafana 7",
        "panel (rows[0].panels[0]) is of type singlestat; use stat",
        'panel "Old" (__elements[lib]) is of type table-old; use table',
    ):
        assert part in text
    assert "timeseries (" not in text


def test_panels_without_angular_are_taken() -> None:
    dashboard = {"title": "x", "schemaVersion": 39, "panels": [{"id": 1, "type": "table", "styles": []}, {"id": 2}]}
    refuse_angular(dashboard, "x.json")
    refuse_angular(whole(), "x.json")


# --- made to fit ---------------------------------------------------------------------------------


def test_inputs_are_put_in_wherever_they_stand() -> None:
    asked = shared()
    done = resolve(asked, [OTHER, PROM], {})
    assert asked == shared(), "what was given was changed"
    assert "DS_PROM" not in json.dumps(done)
    assert "VAR_JOB" not in json.dumps(done)
    assert not [key for key in done if key.startswith("__")]
    found = {panel.get("id"): panel for _place, panel in panels(done)}
    assert found[1]["datasource"] == found[2]["datasource"] == found[4]["datasource"] == REF
    assert found[2]["targets"][0] == {"refId": "A", "expr": "b{job='temporal'}", "datasource": REF}
    assert done["annotations"]["list"][0]["datasource"] == REF
    assert done["templating"]["list"][0]["datasource"] == REF
    assert done["templating"]["list"][1] == {
        "name": "job",
        "type": "constant",
        "query": "temporal",
        "current": {"value": "temporal"},
    }
    # The library panel that came along is a panel now, in its place; the other stays one of the library.
    assert found[5] == {
        "type": "stat",
        "title": "Of the library",
        "datasource": REF,
        "id": 5,
        "gridPos": {"h": 4, "w": 6, "x": 0, "y": 9},
    }
    assert found[6] == {"id": 6, "libraryPanel": {"uid": "lib-2", "name": "Of Grafana"}}


def test_the_recorded_import_gives_what_grafana_made_of_it() -> None:
    """Exchanges 85 and 86; Grafana leaves the panel's reference a text."""
    asked = {
        "__inputs": [{"name": "DS_PROM", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}],
        "uid": "imp-1",
        "title": "Imported",
        "panels": [
            {
                "id": 1,
                "type": "timeseries",
                "title": "up",
                "datasource": "${DS_PROM}",
                "targets": [{"refId": "A", "expr": "up", "datasource": {"type": "prometheus", "uid": "${DS_PROM}"}}],
            }
        ],
    }
    stored = {
        "id": 13,
        "panels": [
            {
                "datasource": "prom",
                "id": 1,
                "targets": [{"datasource": {"type": "prometheus", "uid": "prom"}, "expr": "up", "refId": "A"}],
                "title": "up",
                "type": "timeseries",
            }
        ],
        "title": "Imported",
        "uid": "imp-1",
        "version": 1,
    }
    assert normal(resolve(asked, [OTHER, PROM], {})) == normal(stored)


def panel_with(reference: Any, **more: Any) -> Json:
    return {"title": "x", "panels": [{"id": 1, "type": "stat", "title": "Up", "datasource": reference}], **more}


def resolved(dashboard: Json, sources: list[Json], chosen: Any = None, datasource: str | None = None) -> Any:
    return resolve(dashboard, sources, chosen or {}, datasource)["panels"][0]["datasource"]


def test_which_data_source_is_taken() -> None:
    one, two = source("one"), source("two")
    asked = panel_with({"type": "prometheus", "uid": "${DS_X}"}, __inputs=shared()["__inputs"][:1])
    asked["__inputs"][0]["name"] = "DS_X"
    assert resolved(asked, [one, OTHER])["uid"] == "one"
    assert resolved(asked, [one, {**two, "isDefault": True}])["uid"] == "two"
    assert resolved(asked, [one, two], {"DS_X": "one"})["uid"] == "one"
    assert resolved(asked, [one, source("two", name="By name")], {"DS_X": "By name"})["uid"] == "two"
    assert resolved(asked, [one, two], datasource="two")["uid"] == "two"
    text = message(resolve, asked, [one, two, OTHER], {})
    assert "the input DS_X may be any of the 2 data sources of type prometheus" in text
    assert "there are one (prometheus), two (prometheus), p3 (nope): set `datasource`, or `inputs`" in text
    # A default of another type is none for this one.
    text = message(resolve, asked, [source("p3", "nope", default=True)], {})
    assert "the input DS_X needs a data source of type prometheus; there are p3 (nope)" in text
    assert "there is none" in message(resolve, asked, [], {})
    assert "no data source zzz, which `inputs` gives DS_X" in message(resolve, asked, [one], {"DS_X": "zzz"})
    assert "no data source zzz, which `datasource` names" in message(resolve, asked, [one], {}, "zzz")


def test_a_reference_that_nothing_declares_is_an_input_too() -> None:
    for form in ("${DS_X}", "$DS_X", "[[DS_X]]", "${DS_X:raw}"):
        assert resolved(panel_with(form), [PROM]) == REF
        assert resolved(panel_with({"type": "prometheus", "uid": form}), [source("one"), PROM]) == REF
    text = message(resolve, panel_with({"type": "prometheus", "uid": "$DS_X"}), [source("a"), source("b")], {})
    assert 'DS_X, which panel 1 "Up" (panels[0]) asks for, may be any of the 2 data sources' in text


def test_a_variable_of_the_dashboard_is_no_input() -> None:
    variable = {"name": "ds", "type": "datasource", "query": "prometheus"}
    for form in ("${ds}", "$ds", "[[ds]]", {"type": "prometheus", "uid": "${ds}"}):
        declared = [{"name": "ds", "type": "datasource", "pluginId": "prometheus"}]
        asked = panel_with(form, templating={"list": [variable]}, __inputs=declared)
        done = resolve(asked, [PROM], {})
        assert done["panels"][0]["datasource"] == form
        assert done["templating"]["list"][0]["current"] == {"text": "prom", "value": "prom"}


@pytest.mark.parametrize("builtin", ["-- Mixed --", {"type": "datasource", "uid": "-- Dashboard --"}, None, {}])
def test_what_grafana_has_built_in_stays(builtin: Any) -> None:
    assert resolved(panel_with(builtin), [PROM]) == builtin
    assert resolved(panel_with({"type": "__expr__", "uid": "any"}), [PROM]) == {"type": "__expr__", "uid": "any"}
    assert resolved(panel_with({"type": "prometheus"}), [PROM]) == {"type": "prometheus"}


def test_a_name_becomes_a_uid() -> None:
    named = source("abc", name="Prometheus of the lab")
    assert resolved(panel_with("Prometheus of the lab"), [named]) == {"type": "prometheus", "uid": "abc"}
    assert resolved(panel_with({"type": "prometheus", "uid": "abc"}), [named]) == {"type": "prometheus", "uid": "abc"}


def test_names_in_what_is_there_become_uids() -> None:
    there = {"panels": [{"id": 1, "datasource": "By name"}, {"id": 2, "datasource": {"uid": "gone", "type": "x"}}]}
    done = data_sources.with_uids(there, DataSources([source("abc", name="By name")]))
    assert done["panels"][0]["datasource"] == {"type": "prometheus", "uid": "abc"}
    assert done["panels"][1]["datasource"] == {"uid": "gone", "type": "x"}
    assert there["panels"][0]["datasource"] == "By name", "what was given was changed"


def test_a_data_source_that_is_not_there_is_told_or_replaced() -> None:
    gone = {"type": "prometheus", "uid": "gone"}
    asked = panel_with(gone)
    asked["panels"].append({"id": 2, "type": "stat", "datasource": gone})
    text = message(resolve, asked, [PROM, OTHER], {})
    assert 'the data source gone of type prometheus of panel 1 "Up" (panels[0]) and 1 more is not there' in text
    assert "there are prom (prometheus), p3 (nope)" in text
    assert resolved(asked, [PROM], datasource="prom") == REF
    assert resolved(asked, [PROM], {"gone": "prom"}) == REF
    # One of another type does not fit.
    assert "gone" in message(resolve, asked, [PROM, OTHER], {}, "p3")


def test_what_is_chosen_must_be_asked_for() -> None:
    text = message(resolve, shared(), [PROM], {"DS_PROMM": "prom"})
    assert "nothing in it is called DS_PROMM (what can be chosen: DS_PROM, VAR_JOB)" in text


def test_constants() -> None:
    asked = shared()
    assert resolve(asked, [PROM], {"VAR_JOB": "other"})["templating"]["list"][1]["query"] == "other"
    # A value is put in as it is.
    done = resolve(asked, [PROM], {"VAR_JOB": "${DS_PROM}"})
    assert done["templating"]["list"][1]["query"] == "${DS_PROM}"
    del asked["__inputs"][1]["value"]
    assert "the input VAR_JOB (job) has no value" in message(resolve, asked, [PROM], {})
    asked["__inputs"][1]["type"] = "secret"
    assert "the input VAR_JOB is of the unknown type 'secret'" in message(resolve, asked, [PROM], {})


def test_all_faults_are_told_at_once() -> None:
    asked = shared()
    asked["panels"].append({"id": 9, "datasource": {"uid": "gone"}})
    del asked["__inputs"][1]["value"]
    with pytest.raises(LabError) as raised:
        resolve(asked, [OTHER], {"x": "y"})
    assert len(raised.value.details["faults"]) == 4
    assert raised.value.details["datasources"] == ["p3"]


def variable_current(sources: list[Json], datasource: str | None = None, chosen: Any = None, **variable: Any) -> Any:
    entry = {"name": "ds", "type": "datasource", "query": "prometheus", **variable}
    done = resolve({"title": "x", "templating": {"list": [entry]}}, sources, chosen or {}, datasource)
    return done["templating"]["list"][0].get("current")


def test_a_data_source_variable_gets_a_selection_that_is_there() -> None:
    lab, prod = source("a", name="lab"), source("b", name="prod", default=True)
    both = [lab, prod]
    assert variable_current([lab]) == {"text": "lab", "value": "a"}
    assert variable_current(both, current={"text": "gone", "value": "gone"}) == {"text": "prod", "value": "b"}
    assert variable_current(both, current={}) == {"text": "prod", "value": "b"}
    assert variable_current(both, multi=True) == {"text": ["prod"], "value": ["b"]}
    # One that is there stays, in each form that Grafana saves.
    for value in ("a", "lab", ["a", "b"], "default"):
        assert variable_current(both, current={"value": value}) == {"value": value}
    assert variable_current(both, includeAll=True, current={"value": "$__all"}) == {"value": "$__all"}
    assert variable_current([lab], current={"value": "default"})["value"] == "a"
    # The filter counts, as JavaScript writes it; one that cannot be read lets all through.
    assert variable_current(both, regex="/^LAB/i") == {"text": "lab", "value": "a"}
    assert variable_current(both, regex="lab") == {"text": "lab", "value": "a"}
    assert variable_current(both, regex="/^lab/", current={"value": "b"})["value"] == "a"
    assert variable_current(both, regex="/(?<x>/")["value"] == "b"
    # What is chosen goes before what is there.
    assert variable_current(both, datasource="a", current={"value": "b"})["value"] == "a"
    assert variable_current(both, chosen={"ds": "a"}, current={"value": "b"})["value"] == "a"
    assert variable_current([*both, OTHER], datasource="p3", current={"value": "b"})["value"] == "b"
    entry = {"name": "ds", "type": "datasource", "query": "prometheus"}
    dashboard = {"title": "x", "templating": {"list": [entry]}}
    assert "the variable ds may be any of the 2" in message(resolve, dashboard, [lab, source("b")], {})


# --- selections ----------------------------------------------------------------------------------


def test_selections_that_people_saved_stay() -> None:
    wanted, stored = whole(), whole()
    stored["templating"]["list"][1].update(current={"value": ["pod-1"]}, options=[{"value": "pod-1"}])
    stored["templating"]["list"][2].update(current={"value": "5m"}, query="5m,10m")
    stored["templating"]["list"][0]["current"] = {"value": "two"}
    sources = [PROM, source("two")]
    pod, step = keep_selections(wanted, stored, sources)["templating"]["list"][1:]
    assert (pod["current"], pod["options"]) == ({"value": ["pod-1"]}, [{"value": "pod-1"}])
    assert "current" not in step, "the selection of a variable that changed was kept"
    assert wanted == whole()
    # Where nobody has saved one, the file's stays.
    wanted["templating"]["list"][2]["current"] = {"value": "1m"}
    kept = keep_selections(wanted, whole(), sources)
    assert kept["templating"]["list"][2]["current"] == {"value": "1m"}
    wanted = whole()

    def of_source(there: list[Json], asked: frozenset[str] = frozenset()) -> str:
        kept = keep_selections(wanted, stored, there, asked)
        return kept["templating"]["list"][0]["current"]["value"]

    assert of_source(sources) == "two"
    assert of_source([PROM]) == "prom"
    assert of_source(sources, frozenset({"ds"})) == "prom"


def test_the_variables_that_were_chosen() -> None:
    assert selected([PROM, OTHER], {}) == frozenset()
    assert selected([PROM, OTHER], {"ds": "prom", "pod": "x"}) == frozenset({"ds"})
    assert selected([PROM, OTHER], {}, "prom") == frozenset({"ds"})
    assert selected([PROM, OTHER], {}, "p3") == frozenset()


# --- the normal form -----------------------------------------------------------------------------


def test_what_grafana_fills_in_makes_no_difference() -> None:
    """Exchange 109: what /apis show of a dashboard that was sent with a title, no panels and a schema version."""
    sent = {"title": "Lab k", "panels": [], "schemaVersion": 39}
    shown = {
        "annotations": {"list": [BUILT_IN]},
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 0,
        "links": [],
        "panels": [],
        "refresh": "",
        "schemaVersion": 42,
        "tags": [],
        "templating": {"list": []},
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "timezone": "",
        "title": "Lab k",
        "weekStart": "",
    }
    assert normal(sent) == normal(shown) == {"title": "Lab k"}


def test_what_is_written_in_another_way_makes_no_difference() -> None:
    one = {
        "id": 4,
        "version": 7,
        "iteration": 1,
        "schemaVersion": 39,
        "title": "x",
        "refresh": False,
        "timezone": None,
        "annotations": {
            "list": [{**BUILT_IN, "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"}}]
        },
        "templating": {
            "list": [
                {"name": "pod", "type": "query", "query": "q", "current": {"value": "a"}, "options": [1]},
                {"name": "ds", "type": "datasource", "current": {"text": "Prom", "value": "prom"}, "options": []},
            ]
        },
        "panels": [
            {"id": 1, "datasource": REF, "targets": [{"refId": "A", "datasource": REF}], "fieldConfig": {"min": None}},
            {"id": 2, "datasource": None, "gridPos": {"h": 8.0}},
            {"id": 3, "panels": [{"id": 4, "datasource": "prom"}]},
        ],
    }
    other = {
        "title": "x",
        "panels": [
            {"targets": [{"refId": "A"}], "datasource": "prom", "id": 1, "fieldConfig": {}},
            {"id": 2, "gridPos": {"h": 8}},
            {"id": 3, "panels": [{"id": 4, "datasource": REF}]},
        ],
        "templating": {
            "list": [
                {"name": "pod", "type": "query", "query": "q", "current": {"value": "b"}},
                {"name": "ds", "type": "datasource", "current": {"text": "prom", "value": "prom"}},
            ]
        },
    }
    assert normal(one) == normal(other)
    assert changes(normal(one), normal(other)) == []


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a value, lists and objects included."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))


def mutants(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, int(value)]
    if isinstance(value, (int, float)):
        return [value + 1, value + 0.5]
    if isinstance(value, str):
        return [value + "x", "other"]
    return []


def unseen(path: tuple[Any, ...]) -> bool:
    """What a person does not see: for which code of Grafana it was written, and the type that goes with a uid."""
    return path == ("schemaVersion",) or path[-2:] == ("datasource", "type")


@pytest.mark.parametrize("path", list(leaves(whole())), ids=lambda path: ".".join(map(str, path)))
def test_a_change_of_anything_that_is_seen_is_seen(path: tuple[Any, ...]) -> None:
    before = normal(whole())
    cases = []
    for mutant in [*mutants(_at(whole(), path)), "REMOVED"]:
        after = whole()
        holder = _at(after, path[:-1])
        if mutant == "REMOVED":
            del holder[path[-1]]
        else:
            holder[path[-1]] = mutant
        cases.append(changes(before, normal(after)))
    assert all(not found for found in cases) if unseen(path) else all(cases)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("path", [path for path in leaves(whole()) if isinstance(path[-1], int)], ids=str)
def test_another_order_is_seen(path: tuple[Any, ...]) -> None:
    after = whole()
    values = _at(after, path[:-1])
    if len(values) < 2:
        values.append(copy.deepcopy(values[0]))
    else:
        values.reverse()
    assert changes(normal(whole()), normal(after))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**17) | st.floats(allow_nan=False) | st.sampled_from(["", "a", "A"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "uid", "type"]), inner),
    max_leaves=6,
)
REFERENCES = VALUES | st.sampled_from(["prom", "${ds}", REF, {"type": "x", "uid": ""}, {"uid": None}])
HOLDERS = st.fixed_dictionaries(
    {},
    optional={
        "id": VALUES,
        "name": VALUES,
        "type": st.sampled_from(["datasource", "query", "dashboard"]) | VALUES,
        "current": VALUES | st.fixed_dictionaries({"value": VALUES}),
        "options": VALUES,
        "datasource": REFERENCES,
        "targets": VALUES | st.lists(st.fixed_dictionaries({}, optional={"refId": VALUES, "datasource": REFERENCES})),
        "panels": VALUES | st.lists(st.fixed_dictionaries({}, optional={"id": VALUES, "datasource": REFERENCES})),
    },
)
LISTS = VALUES | st.lists(HOLDERS | VALUES, max_size=3) | st.just([BUILT_IN])
DASHBOARDS = st.fixed_dictionaries(
    {},
    optional={
        "panels": LISTS,
        "rows": VALUES | st.lists(st.fixed_dictionaries({"panels": LISTS}), max_size=2),
        "annotations": VALUES | st.fixed_dictionaries({"list": LISTS}),
        "templating": VALUES | st.fixed_dictionaries({"list": LISTS}),
        **{key: VALUES | st.sampled_from(list(values)) for key, values in DEFAULTS.items() if key != "panels"},
    },
)


@settings(max_examples=300, deadline=None)
@given(DASHBOARDS)
def test_the_normal_form_of_a_normal_form_is_the_same(dashboard: Json) -> None:
    given_text = json.dumps(dashboard)
    once = normal(dashboard)
    assert json.dumps(dashboard) == given_text, "what was given was changed"
    again = normal(once)
    assert json.dumps(again, sort_keys=True) == json.dumps(once, sort_keys=True)
    assert changes(once, again) == []
    # What Grafana gives back is what came through JSON.
    assert changes(once, normal(json.loads(json.dumps(dashboard)))) == []


@settings(max_examples=300, deadline=None)
@given(DASHBOARDS, DASHBOARDS)
def test_no_changes_means_the_same(one: Json, other: Json) -> None:
    one, other = normal(one), normal(other)
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (changes(one, other) == []) == same


# --- what changed --------------------------------------------------------------------------------


def test_the_difference_is_what_changed_and_nothing_else() -> None:
    before, after = whole(), whole()
    after["panels"][1]["targets"][0]["expr"] = "rate(x[1m])"
    after["panels"][0]["panels"][0]["title"] = "Shards of history"
    del after["templating"]["list"][2]
    after["panels"].append({"id": 7, "type": "text", "title": "New"})
    after["tags"] = ["lab", "soak"]
    after["editable"] = True
    assert difference(normal(before), normal(after)) == {
        "before": (
            "editable: false\n"
            'panels[id=1].panels[id=2].title: "Shards"\n'
            'panels[id=3].targets[A].expr: "histogram_quantile(0.95, x{pod=~\\"$pod\\"})"\n'
            'tags[1]: "temporal"\n'
            'templating.list[name=step]: {"auto": false, "name": "step", "query": "1m,5m", "type": "interval"}\n'
        ),
        "after": (
            'panels[id=1].panels[id=2].title: "Shards of history"\n'
            'panels[id=3].targets[A].expr: "rate(x[1m])"\n'
            'panels[id=7]: {"id": 7, "title": "New", "type": "text"}\n'
            'tags[1]: "soak"\n'
        ),
    }


def test_an_order_is_one_change() -> None:
    before, after = whole(), whole()
    after["panels"].reverse()
    found = changes(normal(before), normal(after))
    assert [one.path for one in found] == ["panels (order)"]
    assert found[0].before == ["id=1", "id=3", "id=4"]


def test_panels_with_the_same_id_are_told_by_their_number() -> None:
    before = {"panels": [{"id": 1, "title": "a"}, {"id": 1, "title": "b"}]}
    after = {"panels": [{"id": 1, "title": "a"}, {"id": 1, "title": "c"}]}
    assert [one.path for one in changes(before, after)] == ["panels[1].title"]


def test_true_is_not_one() -> None:
    assert [one.path for one in changes({"a": True}, {"a": 1})] == ["a"]
    assert changes(normal({"a": 1.0}), normal({"a": 1})) == []


def test_a_dashboard_that_is_not_there_is_shown_whole() -> None:
    assert difference(None, {"title": "x"}) == {"before": "", "after": '{\n  "title": "x"\n}\n'}
    assert difference({"title": "x"}, None) == {"before": '{\n  "title": "x"\n}\n', "after": ""}


# --- written down --------------------------------------------------------------------------------


def test_an_export_can_be_imported_again() -> None:
    stored = {**whole(), "id": 4, "version": 9}
    sources = [PROM, OTHER]
    done = exported(stored, sources)
    assert done["__inputs"] == [
        {"name": "DS_PROM", "label": "prom", "type": "datasource", "pluginId": "prometheus"},
        {"name": "DS_P3", "label": "p3", "type": "datasource", "pluginId": "nope"},
    ]
    assert "id" not in done
    assert "version" not in done
    assert done["panels"][1]["datasource"] == {"type": "prometheus", "uid": "${DS_PROM}"}
    assert done["panels"][1]["targets"][1]["datasource"] == {"type": "nope", "uid": "${DS_P3}"}
    assert done["panels"][0]["panels"][0]["datasource"]["uid"] == "${ds}", "a variable became an input"
    assert done["annotations"]["list"][0]["datasource"]["uid"] == "-- Grafana --"
    assert done["templating"]["list"][0]["current"] == {}
    again = resolve(load(written(done), "x"), sources, {})
    assert changes(normal(stored), normal(again)) == []
    # And elsewhere it fits another data source.
    elsewhere = resolve(done, [source("q", name="Q"), source("r", "nope")], {})
    assert elsewhere["panels"][1]["datasource"] == {"type": "prometheus", "uid": "q"}
    assert elsewhere["templating"]["list"][0]["current"]["value"] == "q"


def test_the_names_of_inputs_are_free() -> None:
    stored = {
        "title": "DS_PROM is taken",
        "panels": [
            {"id": 1, "datasource": {"type": "prometheus", "uid": "prom"}},
            {"id": 2, "datasource": {"type": "prometheus", "uid": "p-2"}},
            {"id": 3, "datasource": "-- Mixed --"},
            {"id": 4, "datasource": "of no known type"},
            {"id": 5, "datasource": {"type": "loki", "uid": "gone"}},
        ],
    }
    done = exported(stored, [PROM, source("p-2", name="prom ")])
    assert [entry["name"] for entry in done["__inputs"]] == ["DS_PROM_2", "DS_PROM_3", "DS_GONE"]
    assert [panel["datasource"] for panel in done["panels"]][2:4] == ["-- Mixed --", "of no known type"]


def test_a_file_is_always_written_in_the_same_way() -> None:
    one = {"title": "é", "b": 1, "a": {"d": 1, "c": 2}}
    other = {"a": {"c": 2, "d": 1}, "b": 1, "title": "é"}
    assert written(one) == written(other)
    assert written(one).endswith("}\n")
    assert "é" in written(one)
