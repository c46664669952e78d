# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal form of a dashboard: the same where a person sees the same, and nowhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_changes import (
    changes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import DEFAULTS, normal
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    BUILT_IN,
    REF,
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
