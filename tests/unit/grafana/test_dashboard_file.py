# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard's file: what is read, what is refused with its place, and how it is written."""

from __future__ import annotations

import json

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import (
    check_uid,
    load,
    stable_uid,
    written,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    message,
)


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


def test_the_inputs_of_an_import_are_values_of_the_dashboards_own() -> None:
    declared = [{"name": "DS", "type": "datasource", "pluginId": "prometheus"}, {"name": "JOB", "type": "constant"}]
    given = [
        {"name": "DS", "type": "datasource", "pluginId": "prometheus", "value": "prom"},
        {"name": "JOB", "type": "constant", "value": "temporal"},
        {"name": "OTHER", "type": "constant", "value": "x"},
        {"name": "EMPTY", "type": "datasource", "value": ""},
        {"value": "nameless"},
    ]
    body = {"dashboard": {"title": "x", "__inputs": declared}, "inputs": given, "overwrite": True, "folderId": 0}
    found = load(json.dumps(body), "x.json")["__inputs"]
    assert found == [
        {"name": "DS", "type": "datasource", "pluginId": "prometheus", "value": "prom"},
        {"name": "JOB", "type": "constant", "value": "temporal"},
        {"name": "OTHER", "type": "constant", "value": "x"},
    ]
    # A dashboard's own field of that name is none of ours.
    assert load('{"title": "x", "inputs": [{"name": "A", "value": "b"}]}', "x.json") == {
        "title": "x",
        "inputs": [{"name": "A", "value": "b"}],
    }


def test_a_uid_of_its_own_is_always_the_same() -> None:
    assert stable_uid("Temporal: Server (General)", "ops") == stable_uid("Temporal: Server (General)", "ops")
    uids = {stable_uid(title, folder) for title in ("a b", "a  b", "ä" * 99, "x" * 99, "") for folder in ("", "ops")}
    assert len(uids) == 10
    for uid in uids:
        check_uid(uid, "a test")


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


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    """It is no text: neither a request nor a terminal takes it."""
    assert load('{"title": "x", "a": "\\ud800"}', "x.json")["a"] == "\ufffd"


def test_a_dashboard_that_grafana_would_answer_with_413_is_refused() -> None:
    def text(size: int) -> str:
        return json.dumps({"title": "x", "a": "é" * (size // 2)}, ensure_ascii=False)

    assert "has 20.0 MiB, and Grafana refuses 20 MiB" in message(load, text(20 * 2**20), "x.json")
    assert load(text(5 * 2**20), "x.json")["title"] == "x"


def test_a_uid_of_40_characters_or_none_is_taken() -> None:
    assert load(json.dumps({"title": "x", "uid": "aA-_5" * 8}), "x")["uid"] == "aA-_5" * 8
    assert "uid" not in load('{"title": "x", "uid": null}', "x")
    assert "uid" not in load('{"title": "x", "uid": ""}', "x")


def test_a_file_is_always_written_in_the_same_way() -> None:
    one = {"title": "é", "b": 1, "a": {"d": 1, "c": 2}}
    other = {"a": {"c": 2, "d": 1}, "b": 1, "title": "é"}
    assert written(one) == written(other)
    assert written(one).endswith("}\n")
    assert "é" in written(one)
