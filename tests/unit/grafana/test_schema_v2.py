# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards of the schema v2: read from files, given data sources, compared, and what people selected kept."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_resource import (
    load_resource,
    may_be_resource,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.schema_v2 import (
    keep_selections_v2,
    normal_v2,
    resolve_v2,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import _defaulted as defaulted
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_recorder import V2

ONE = DataSources([{"uid": "prom", "name": "Prometheus", "type": "prometheus", "isDefault": True}])
TWO = DataSources([{"uid": uid, "name": uid, "type": "prometheus"} for uid in ("p1", "p2")])
QUERY = {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "gone"}, "spec": {"expr": "up"}}
SOURCE = {"kind": "DatasourceVariable", "spec": {"name": "source", "pluginId": "prometheus"}}


def spec(query: Any = None, variables: Any = ()) -> dict[str, Any]:
    found = copy.deepcopy(V2)
    if query is not None:
        queries = [{"kind": "PanelQuery", "spec": {"refId": "A", "query": copy.deepcopy(query)}}]
        found["elements"]["panel-1"]["spec"]["data"]["spec"]["queries"] = queries
    if variables:
        found["variables"] = copy.deepcopy(list(variables))
    return found


def rows(*collapsed: bool | None) -> dict[str, Any]:
    def row(number: int, closed: bool | None) -> dict[str, Any]:
        more = {} if closed is None else {"collapse": closed}
        return {"kind": "RowsLayoutRow", "spec": {"title": f"Row {number}", "layout": V2["layout"], **more}}

    layout = {"kind": "RowsLayout", "spec": {"rows": [row(number, one) for number, one in enumerate(collapsed)]}}
    return {**copy.deepcopy(V2), "layout": layout}


def test_files_that_hold_one() -> None:
    whole = {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "a"}, "spec": V2}
    for data, uid, version in ((whole, "a", "v2"), (V2, None, ""), ({"dashboard": whole}, "a", "v2")):
        text = json.dumps(data)
        assert may_be_resource(text)
        found = load_resource(text, "x.json")
        assert found is not None
        assert (found.uid, found.version, found.title, found.spec) == (uid, version, "Rec v2", V2)
    assert load_resource('{"title": "x", "panels": [{"title": "\\"elements\\" \\"layout\\""}]}', "x.json") is None
    assert not may_be_resource('{"title": "x", "panels": []}')
    for data, text in (
        ({**whole, "apiVersion": "dashboard.grafana.app/v2alpha1"}, "has the version v2alpha1 of the schema v2"),
        ({**whole, "metadata": {"name": "a b"}}, "has characters other than letters"),
        ({**whole, "spec": {**V2, "title": " "}}, "has no title, which Grafana requires"),
    ):
        with pytest.raises(LabError, match=text):
            load_resource(json.dumps(data), "x.json")


def test_data_sources_that_exist_are_put_in() -> None:
    found = resolve_v2(spec(QUERY, [SOURCE]), ONE, {})
    assert found.mapped == {"gone": "prom"}
    text = json.dumps(found.dashboard)
    assert "gone" not in text
    assert found.dashboard["variables"][0]["spec"]["current"] == {"text": "Prometheus", "value": "prom"}
    # A query by the variable, one of the default data source, and one of Grafana itself are left as they are.
    for query in (
        {**QUERY, "datasource": {"name": "${source}"}},
        {key: value for key, value in QUERY.items() if key != "datasource"},
        {**QUERY, "group": "grafana", "datasource": {"name": "-- Grafana --"}},
    ):
        asked = spec(query, [SOURCE])
        kept = resolve_v2(asked, ONE, {}).dashboard
        assert kept["elements"] == asked["elements"]
    with pytest.raises(
        LabError, match=r'the data source gone of type prometheus of panel "P" .* could be any of p1, p2'
    ):
        resolve_v2(spec(QUERY), TWO, {})
    chosen = resolve_v2(spec(QUERY), TWO, {}, "p2").dashboard
    assert '"name": "p2"' in json.dumps(chosen)


def test_what_grafana_adds_is_no_difference() -> None:
    asked = spec(QUERY, [SOURCE])
    stored = defaulted(copy.deepcopy(asked))
    stored["annotations"] = [{"kind": "AnnotationQuery", "spec": {"builtIn": True, "name": "Annotations & Alerts"}}]
    stored["variables"][0]["spec"] |= {"hide": "dontHide", "skipUrlSync": False, "options": [], "multi": False}
    panel = stored["elements"]["panel-1"]["spec"]
    panel |= {"description": "", "links": [], "transparent": False}
    panel["vizConfig"]["version"] = "13.0.2"
    panel["data"]["spec"]["queries"][0]["spec"] |= {"hidden": False}
    panel["data"]["spec"]["queries"][0]["spec"]["query"]["version"] = "v0"
    assert normal_v2(stored) == normal_v2(asked)
    for change in ({"title": "x"}, {"cursorSync": "Tooltip"}, {"tags": ["x"]}):
        assert normal_v2({**stored, **change}) != normal_v2(asked)
    panel["title"] = "x"
    assert normal_v2(stored) != normal_v2(asked)


def test_what_people_selected_is_kept() -> None:
    several = {"kind": "CustomVariable", "spec": {"name": "quantile", "query": "p50,p99", "current": {"value": "p50"}}}
    asked, stored = spec(None, [several, SOURCE]), defaulted(spec(None, [several, SOURCE]))
    stored["variables"][0]["spec"] |= {"current": {"text": "p99", "value": "p99"}, "options": [{"value": "p99"}]}
    stored["variables"][1]["spec"]["current"] = {"text": "p2", "value": "p2"}
    stored["timeSettings"] |= {"from": "now-1h"}
    kept = keep_selections_v2(asked, stored, TWO, {})
    assert [one["spec"]["current"]["value"] for one in kept["variables"]] == ["p99", "p2"]
    assert kept["timeSettings"] == {"from": "now-1h", "to": "now"}
    assert "current" not in asked["variables"][1]["spec"]
    # Not of a variable that changed, nor of a data source that is gone or that was chosen anew.
    other = spec(None, [{**several, "spec": {**several["spec"], "query": "p50"}}, SOURCE])
    assert keep_selections_v2(other, stored, TWO, {})["variables"][0]["spec"]["current"] == {"value": "p50"}
    assert "current" not in keep_selections_v2(asked, stored, ONE, {})["variables"][1]["spec"]
    assert "current" not in keep_selections_v2(asked, stored, TWO, {"source": "p1"})["variables"][1]["spec"]
    assert "current" not in keep_selections_v2(asked, stored, TWO, {}, "p1")["variables"][1]["spec"]


def test_rows_stay_collapsed_or_open() -> None:
    asked, stored = rows(None, True, True), rows(True, False, None)
    assert normal_v2(asked) == normal_v2(stored)
    kept = keep_selections_v2(asked, stored, ONE, {})
    assert [one["spec"].get("collapse") for one in kept["layout"]["spec"]["rows"]] == [True, False, None]
