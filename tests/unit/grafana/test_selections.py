# SPDX-License-Identifier: GPL-3.0-or-later
"""What people have selected stays."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import normal
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    OTHER,
    PROM,
    keep_selections,
    selected,
    source,
    whole,
)


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


def test_the_time_range_and_text_boxes_that_people_saved_stay() -> None:
    wanted = {**whole(), "templating": {"list": [{"name": "q", "type": "textbox", "query": "a"}]}}
    stored = {**wanted, "time": {"from": "now-2d", "to": "now"}}
    stored["templating"] = {"list": [{"name": "q", "type": "textbox", "query": "b", "current": {"value": "b"}}]}
    kept = keep_selections(wanted, stored, [])
    assert kept["time"] == {"from": "now-2d", "to": "now"}
    assert kept["templating"] == stored["templating"]
    assert normal(kept) == normal(stored)
    # A hidden one is nobody's to fill in: it is an option of the file.
    for board in (wanted, stored):
        board["templating"]["list"][0]["hide"] = 2
    assert keep_selections(wanted, stored, [])["templating"]["list"][0]["query"] == "a"
    assert normal(wanted)["templating"] != normal(stored)["templating"]
    assert keep_selections(wanted, {"title": "x"}, [])["time"] == wanted["time"]


def test_the_variables_that_were_chosen() -> None:
    assert selected([PROM, OTHER], {}) == frozenset()
    assert selected([PROM, OTHER], {"ds": "prom", "pod": "x"}) == frozenset({"ds"})
    assert selected([PROM, OTHER], {}, "prom") == frozenset({"ds"})
    assert selected([PROM, OTHER], {}, "p3") == frozenset()


def test_rows_stay_collapsed_or_open() -> None:
    """The rows themselves are in test_rows.py."""
    wanted, stored = whole(), whole()
    stored["panels"][0]["collapsed"] = False
    stored["panels"][1:1] = stored["panels"][0].pop("panels")
    kept = keep_selections(wanted, stored, [PROM])["panels"]
    assert [(one["id"], one.get("collapsed")) for one in kept] == [(1, False), (2, None), (3, None), (4, None)]
    assert kept[0]["panels"] == []
