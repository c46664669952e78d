# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two dashboards, and how it is shown."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_changes import (
    changes,
    difference,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import normal
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.dashboards import (
    whole,
)


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
            'panels[id=2].title: "Shards"\n'
            'panels[id=3].targets[A].expr: "histogram_quantile(0.95, x{pod=~\\"$pod\\"})"\n'
            'tags[1]: "temporal"\n'
            'templating.list[name=step]: {"auto": false, "name": "step", "query": "1m,5m", "type": "interval"}\n'
        ),
        "after": (
            'panels[id=2].title: "Shards of history"\n'
            'panels[id=3].targets[A].expr: "rate(x[1m])"\n'
            'panels[id=7]: {"id": 7, "title": "New", "type": "text"}\n'
            'tags[1]: "soak"\n'
        ),
    }


def test_an_order_is_one_change() -> None:
    before, after = whole(), whole()
    after["panels"][1:] = reversed(after["panels"][1:])
    found = changes(normal(before), normal(after))
    assert [one.path for one in found] == ["panels (order)"]
    assert found[0].before == ["id=1", "id=2", "id=3", "id=4"]


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
