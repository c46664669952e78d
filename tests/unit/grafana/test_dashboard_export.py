# SPDX-License-Identifier: GPL-3.0-or-later
"""An exported dashboard can be imported anywhere."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_changes import (
    changes,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import load, written
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import normal
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    OTHER,
    PROM,
    exported,
    resolve,
    source,
    whole,
)


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
