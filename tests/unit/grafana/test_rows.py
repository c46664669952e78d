# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows: collapsed or open, they have the same panels; and they stay as a person left them."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.json_values import Json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.normal_form import normal
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.rows import with_collapsed


def panel(number: int, y: int, x: int = 0) -> Json:
    return {"id": number, "type": "stat", "gridPos": {"h": 4, "w": 12, "x": x, "y": y}}


def row(number: int, y: int, *inside: Json, collapsed: bool = False) -> Json:
    place = {"h": 1, "w": 24, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": "R", "collapsed": collapsed, "gridPos": place, "panels": list(inside)}


def dashboard(*panels: Json) -> Json:
    return {"title": "x", "panels": list(panels)}


OPEN = dashboard(panel(1, 0), row(10, 4), panel(11, 5), panel(12, 5, 12), panel(13, 9), row(20, 13), panel(21, 14))
#: As Grafana stores it: the panels of the collapsed row keep their y, all below it moves up.
FIRST_COLLAPSED = dashboard(
    panel(1, 0),
    row(10, 4, panel(11, 5), panel(12, 5, 12), panel(13, 9), collapsed=True),
    row(20, 5),
    panel(21, 6),
)
BOTH_COLLAPSED = dashboard(
    panel(1, 0),
    row(10, 4, panel(11, 5), panel(12, 5, 12), panel(13, 9), collapsed=True),
    row(20, 5, panel(21, 6), collapsed=True),
)
FORMS = [OPEN, FIRST_COLLAPSED, BOTH_COLLAPSED]


@pytest.mark.parametrize("stored", FORMS)
@pytest.mark.parametrize("wanted", FORMS)
def test_rows_stay_as_a_person_left_them_and_are_no_change(wanted: Json, stored: Json) -> None:
    before = copy.deepcopy(wanted)
    assert normal(wanted) == normal(stored)
    assert with_collapsed(wanted, stored) == stored
    assert wanted == before, "what was given was changed"


def test_a_panel_in_another_row_or_place_is_a_change() -> None:
    elsewhere = dashboard(panel(1, 0), row(10, 4), panel(11, 5), panel(12, 5, 12), row(20, 9), panel(13, 10))
    assert normal({**OPEN, "panels": OPEN["panels"][:-1]}) != normal(elsewhere)
    lower = copy.deepcopy(OPEN)
    lower["panels"][4]["gridPos"]["y"] += 1
    assert normal(OPEN) != normal(lower)


def test_a_row_that_grafana_does_not_have_stays_as_in_the_file() -> None:
    other = dashboard(row(99, 0, panel(98, 1), collapsed=True))
    assert with_collapsed(FIRST_COLLAPSED, other) is FIRST_COLLAPSED
    assert with_collapsed({"title": "x"}, FIRST_COLLAPSED) == {"title": "x"}
