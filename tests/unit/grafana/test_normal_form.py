# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal form of a dashboard: the same where a person sees the same, and nowhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_changes import (
    changes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import (
    DEFAULTS,
    comparable,
    normal,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.selections import keep_selections
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    BUILT_IN,
    PROM,
    REF,
    resolve,
    whole,
)
from hypothesis import given, settings
from hypothesis import strategies as st


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


#: A part of the lab's dashboard as it was sent to Grafana 12.3.0, and as that stored it when a person had chosen p99
#: and a namespace in the browser and saved with "Update default variable values".
SAVED = json.loads(
    (Path(__file__).resolve().parents[2] / "fixtures" / "grafana" / "saved_in_the_browser_12.3.json").read_text()
)


def test_what_grafana_adds_when_a_person_saves_is_no_change() -> None:
    sources = DataSources([{**PROM, "name": "Prometheus"}])
    sent = resolve(SAVED["sent"], [{**PROM, "name": "Prometheus"}], {})
    assert changes(comparable(SAVED["stored"], sources), comparable(sent, sources)) == []
    kept = keep_selections(sent, SAVED["stored"], sources)
    current = {one["name"]: one["current"].get("value") for one in kept["templating"]["list"]}
    assert (current["quantile"], current["namespace"], current["release"]) == ("0.99", "student-01", "my-temporal")
    # The rest is what was sent.
    assert kept["panels"] == sent["panels"]


def test_the_fixture_shows_what_grafana_adds() -> None:
    """Without the normal form there would be many changes, so the test above proves something."""
    assert len(changes(SAVED["sent"], SAVED["stored"])) > 40


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "stat", "fieldConfig": {"defaults": {"min": 0}}}, {"type": "stat", "fieldConfig": {"defaults": {}}}),
        (
            {"type": "timeseries", "fieldConfig": {"defaults": {"custom": {"barAlignment": -1}}}},
            {"type": "timeseries", "fieldConfig": {"defaults": {"custom": {}}}},
        ),
        (
            {"type": "stat", "fieldConfig": {"defaults": {"thresholds": {"steps": [{"color": "green"}]}}}},
            {"type": "stat", "fieldConfig": {"defaults": {"thresholds": {"steps": [{"color": "red", "value": 0}]}}}},
        ),
        (
            {"type": "heatmap", "fieldConfig": {"defaults": {"unit": "s"}}},
            {"type": "heatmap", "fieldConfig": {"defaults": {"unit": "ms"}}},
        ),
        ({"transparent": True}, {}),
    ],
)
def test_what_only_looks_like_an_addition_is_a_change(one: Json, other: Json) -> None:
    assert changes(normal({"panels": [{"id": 1, **one}]}), normal({"panels": [{"id": 1, **other}]}))


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
    """What makes no difference to a person, or is the person's to choose.

    For which code of Grafana it was written, the type that goes with a uid, and whether a row is collapsed, which moves
    all rows below it.
    """
    of_rows = (("panels", 0, "collapsed"), ("panels", 0, "gridPos", "y"))
    return path == ("schemaVersion",) or path[-2:] == ("datasource", "type") or path in of_rows


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
        "type": st.sampled_from(["datasource", "query", "dashboard", "row", "textbox", "heatmap", "timeseries"])
        | VALUES,
        "current": VALUES | st.fixed_dictionaries({"value": VALUES}),
        "options": VALUES,
        "gridPos": VALUES | st.fixed_dictionaries({"y": VALUES}),
        "fieldConfig": VALUES
        | st.fixed_dictionaries({"defaults": VALUES | st.fixed_dictionaries({"custom": VALUES, "thresholds": VALUES})}),
        "datasource": REFERENCES,
        "targets": VALUES | st.lists(st.fixed_dictionaries({}, optional={"refId": VALUES, "datasource": REFERENCES})),
        "panels": VALUES
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": VALUES,
                    "type": st.sampled_from(["row", "stat"]),
                    "gridPos": st.fixed_dictionaries({"y": VALUES}),
                    "panels": VALUES | st.lists(st.fixed_dictionaries({"type": st.just("row"), "panels": VALUES})),
                    "datasource": REFERENCES,
                },
            )
        ),
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
