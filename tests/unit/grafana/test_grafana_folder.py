# SPDX-License-Identifier: GPL-3.0-or-later
"""The task grafana_folder on a Grafana with a memory: the folder, who may see it, and what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import grafana_folder as task
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.folder_permissions import (
    FolderPermission,
    listed,
    same_permissions,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import Grafana, grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import ADMIN, PASSWORD

UID = "temporal-lab-student-01"
OWN = [
    {"account": "student-01", "permission": "Edit"},
    {"user": "Ada", "permission": "View"},
    {"team": "instructors", "permission": "Edit"},
    {"role": "Viewer", "permission": "View"},
]


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with grafana_served() as served:
        for name in ("student-01", "student-01-other"):
            served.answer("POST", "/api/serviceaccounts", ADMIN, {"name": name, "role": "Editor"})
        served.writes.clear()
        yield served


def do(grafana: Grafana, check: bool = False, diff: bool = False, **given: Any) -> dict[str, Any]:
    options = {"url": grafana.address, "username": "admin", "password": PASSWORD, "uid": UID, **given}
    checked = ArgumentSpecValidator(task.SPEC, **task.TASK.validation).validate(options)
    assert not checked.error_messages
    return task.run(checked.validated_parameters, Context(check, diff, lambda line: None))


def fails(grafana: Grafana, **given: Any) -> str:
    with pytest.raises(LabError) as raised:
        do(grafana, **given)
    text = raised.value.msg
    assert text.endswith(".")
    assert ". " not in text
    return text


def test_a_folder_of_a_students_own_is_made_once(grafana: Grafana) -> None:
    first = do(grafana, diff=True, title="Student 01", permissions=OWN)
    assert (first["changed"], first["created"], first["title"]) == (True, True, "Student 01")
    assert first["permissions"] == [
        "account student-01: Edit",
        "role Viewer: View",
        "team instructors: Edit",
        "user Ada: View",
    ]
    assert first["diff"]["before"] == {"title": None, "permissions": []}
    assert grafana.folders[UID]["title"] == "Student 01"
    (account,) = (one["id"] for one in grafana.accounts if one["name"] == "student-01")
    assert sorted(grafana.permissions[UID], key=str) == sorted(
        [
            {"userId": account, "permission": 2},
            {"userId": 70, "permission": 1},
            {"teamId": 3, "permission": 2},
            {"role": "Viewer", "permission": 1},
        ],
        key=str,
    )
    wrote = list(grafana.writes)
    assert len(wrote) == 2
    second = do(grafana, title="Student 01", permissions=OWN)
    assert (second["changed"], second["created"], grafana.writes) == (False, False, wrote)


def test_only_what_differs_is_written(grafana: Grafana) -> None:
    do(grafana, title="Student 01", permissions=OWN)
    grafana.writes.clear()
    assert do(grafana, title="Student one")["changed"]
    assert do(grafana)["title"] == "Student one"
    assert grafana.writes == [f"PUT /api/folders/{UID}"]
    fewer = do(grafana, diff=True, permissions=OWN[:1])
    assert grafana.writes[1:] == [f"POST /api/folders/{UID}/permissions"]
    assert len(fewer["diff"]["before"]["permissions"]) == 4
    assert fewer["diff"]["after"]["permissions"] == ["account student-01: Edit"]
    # An empty list is for administrators alone.
    assert do(grafana, permissions=[])["changed"]
    assert not do(grafana, permissions=[])["changed"]


def test_check_mode_writes_nothing_and_takes_an_account_for_granted(grafana: Grafana) -> None:
    own = [*OWN, {"account": "student-02", "permission": "Edit"}]
    result = do(grafana, check=True, title="Student 01", permissions=own)
    assert (result["changed"], result["created"], grafana.writes) == (True, True, [])


def test_a_folder_is_deleted_once(grafana: Grafana) -> None:
    do(grafana, title="Student 01")
    grafana.writes.clear()
    assert do(grafana, check=True, state="absent")["changed"]
    assert grafana.writes == []
    assert do(grafana, diff=True, state="absent")["diff"]["before"] == {"title": "Student 01"}
    assert not do(grafana, state="absent")["changed"]
    assert grafana.writes == [f"DELETE /api/folders/{UID}"]


def test_who_is_not_there_is_told_before_anything_is_made(grafana: Grafana) -> None:
    for entry, text in (
        ({"account": "student-09"}, "There is no service account student-09 in the organisation"),
        ({"user": "nobody"}, "There is no user with the login nobody"),
        ({"team": "nobody"}, "There is no team nobody"),
    ):
        assert text in fails(grafana, title="x", permissions=[{**entry, "permission": "View"}])
    assert "permissions[0] must have one of role, team, user, account, not 2" in fails(
        grafana, title="x", permissions=[{"role": "Viewer", "user": "ada", "permission": "View"}]
    )
    assert "permissions[1] gives user ada a second permission" in fails(
        grafana,
        title="x",
        permissions=[{"user": "ada", "permission": "View"}, {"user": "ada", "permission": "Edit"}],
    )
    assert "give a `title` to have it created" in fails(grafana)
    assert grafana.writes == []


def test_permissions_as_grafana_lists_them() -> None:
    rows = [
        {"userId": 2, "userLogin": "sa-1-x", "teamId": 0, "team": "", "permission": 2},
        {"userId": 7, "userLogin": "ada", "permission": 1},
        {"userId": 0, "teamId": 3, "team": "t", "permission": 4},
        {"role": "Editor", "permission": 2, "inherited": True},
        {"role": "Viewer", "permission": 1},
    ]
    found = listed(rows, {"sa-1-x": "x"})
    assert [str(one) for one in found] == ["account x: Edit", "role Viewer: View", "team t: Admin", "user ada: View"]
    assert same_permissions([FolderPermission("user", "ADA", "View")], [FolderPermission("user", "ada", "View")])
    assert not same_permissions([FolderPermission("team", "T", "View")], [FolderPermission("team", "t", "View")])
