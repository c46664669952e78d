# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs, references and data-source variables get data sources that exist."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    data_sources,
    resolver,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_parts import panels
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import normal
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    OTHER,
    PROM,
    REF,
    message,
    resolve,
    shared,
    source,
)


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
    assert "the input DS_X could be any of 2 data sources of type prometheus" in text
    assert "there are one (prometheus), two (prometheus), p3 (nope): set `datasource`, or `inputs`" in text
    # A default of another type is none for this one.
    text = message(resolve, asked, [source("p3", "nope", default=True)], {})
    assert "the input DS_X needs a data source of type prometheus; there are p3 (nope)" in text
    assert "there is none" in message(resolve, asked, [], {})
    assert "no data source zzz, which `inputs` gives DS_X" in message(resolve, asked, [one], {"DS_X": "zzz"})
    assert "no data source zzz, which `datasource` names" in message(resolve, asked, [one], {}, "zzz")


def test_the_value_of_an_input_is_its_data_source_where_there_is_such_a_one() -> None:
    one, two = source("one"), source("two", default=True)
    asked = panel_with({"type": "prometheus", "uid": "${DS_X}"}, __inputs=shared()["__inputs"][:1])
    asked["__inputs"][0] |= {"name": "DS_X", "value": "one"}
    assert resolved(asked, [one, two])["uid"] == "one"
    assert resolved(asked, [one, two], datasource="two")["uid"] == "two"
    assert resolved(asked, [one, two], {"DS_X": "two"})["uid"] == "two"
    # Of another Grafana, or of another type.
    assert resolved(asked, [two])["uid"] == "two"
    assert resolved(asked, [source("one", "nope"), two])["uid"] == "two"


def test_a_reference_that_nothing_declares_is_an_input_too() -> None:
    for form in ("${DS_X}", "$DS_X", "[[DS_X]]", "${DS_X:raw}"):
        assert resolved(panel_with(form), [PROM]) == REF
        assert resolved(panel_with({"type": "prometheus", "uid": form}), [source("one"), PROM]) == REF
    text = message(resolve, panel_with({"type": "prometheus", "uid": "$DS_X"}), [source("a"), source("b")], {})
    assert 'DS_X, which panel 1 "Up" (panels[0]) asks for, could be any of 2 data sources' in text


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
    text = message(resolve, asked, [PROM, OTHER, source("two")], {})
    assert 'the data source gone of type prometheus of panel 1 "Up" (panels[0]) and 1 more does not exist' in text
    assert "could be any of prom, two" in text
    assert "there are prom (prometheus), p3 (nope), two (prometheus)" in text
    text = message(resolve, asked, [OTHER], {})
    assert "does not exist; there are p3 (nope)" in text
    assert resolved(asked, [PROM], datasource="prom") == REF
    assert resolved(asked, [PROM], {"gone": "prom"}) == REF
    # One of another type does not fit.
    assert "gone" in message(resolve, asked, [PROM, source("two"), OTHER], {}, "p3")
    # Of which type it was is not known: the only data source may be of another.
    assert "gone" in message(resolve, panel_with("gone"), [PROM], {})


def test_a_data_source_that_is_not_there_is_the_only_one_of_its_type() -> None:
    gone = {"type": "prometheus", "uid": "gone"}
    done = resolver.resolve(panel_with(gone), DataSources([PROM, OTHER]), {})
    assert (done.dashboard["panels"][0]["datasource"], done.mapped) == (REF, {"gone": "prom"})
    # What was chosen, or is there, needs no telling.
    for asked, chosen in ((panel_with(gone), {"gone": "prom"}), (panel_with(REF), {})):
        assert resolver.resolve(asked, DataSources([PROM, OTHER]), chosen).mapped == {}


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
    assert "the variable ds could be any of 2" in message(resolve, dashboard, [lab, source("b")], {})
