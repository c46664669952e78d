# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a student's account, token, folder and dashboard on each Grafana, from run to run.

The same stories are played on a Grafana with a memory that behaves as 11.6, 12.3 or 13.0, and, if GRAFANA_URL and
GRAFANA_PASSWORD name one, on a real Grafana (``-k real``; it takes some minutes, because permissions are cached there).
"""

from __future__ import annotations

import base64
import copy
import functools
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    connect,
    grafana_dashboard,
    grafana_service_account,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import Grafana as Memory
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_recorder import V2
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import PASSWORD

Json = dict[str, Any]
DAY = 86400
REAL = os.environ.get("GRAFANA_URL", "")


@dataclass
class Student:
    """A student of one Grafana, whom a person and an administrator also use."""

    url: str
    user: str
    password: str
    folder: Path
    memory: Memory | None
    name: str = field(default_factory=lambda: f"lab-{secrets.token_hex(4)}")
    lines: list[str] = field(default_factory=list)
    #: The dashboard's file.
    dashboard: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = {"refId": "A", "expr": "up", "datasource": {"type": "prometheus", "uid": "${source}"}}
        panel = {
            "id": 1,
            "type": "timeseries",
            "title": "Up",
            "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "targets": [target],
        }
        several = {
            "name": "quantile",
            "type": "custom",
            "query": "p50,p99",
            "current": {"text": "p50", "value": "p50"},
            "options": [],
        }
        source = {"name": "source", "type": "datasource", "query": "prometheus"}
        self.dashboard = {
            "uid": self.name,
            "title": f"Dashboard of {self.name}",
            "panels": [panel],
            "templating": {"list": [source, several]},
            "schemaVersion": 39,
        }

    # -- the lab's tasks ---------------------------------------------------------

    def _run(self, task: Any, check: bool, diff: bool, given: Json) -> Json:
        common = {"url": self.url, "token_file": str(self.folder / "token.json")}
        checked = ArgumentSpecValidator(task.SPEC, **task.TASK.validation).validate({**common, **given})
        assert not checked.error_messages
        found: Json = task.run(checked.validated_parameters, Context(check, diff, self.lines.append))
        return found

    def account(self, check: bool = False, **given: Any) -> Json:
        admin = {"username": self.user, "password": self.password, "name": self.name}
        return self._run(grafana_service_account, check, False, {**admin, **given})

    def imported(self, check: bool = False, diff: bool = False, **given: Any) -> Json:
        place = {"folder_uid": f"{self.name}-folder", "folder_title": f"Folder of {self.name}"}
        content = {"content": json.dumps(self.dashboard)}
        return self._run(grafana_dashboard, check, diff, {**place, **content, **given})

    def stage(self) -> tuple[bool, bool]:
        """A run of the stage: whether account or token changed, and whether the dashboard did."""
        return self.account()["changed"], self.imported()["changed"]

    # -- others ------------------------------------------------------------------

    def administrator(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the administrator."""
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method
        )
        request.add_header("Content-Type", "application/json")
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def saved_by_a_person(self, change: Callable[[Json], None], folder: str | None = None) -> int:
        """A person opens the dashboard, changes it, and saves it; the version that it has then."""
        found = self.administrator("GET", f"/api/dashboards/uid/{self.name}")
        model = copy.deepcopy(found["dashboard"])
        change(model)
        where = found["meta"]["folderUid"] if folder is None else folder
        body = {"dashboard": model, "folderUid": where, "overwrite": True}
        version: int = self.administrator("POST", "/api/dashboards/db", body)["version"]
        return version

    def stored(self) -> Json:
        found: Json = self.administrator("GET", f"/api/dashboards/uid/{self.name}")
        return found

    def account_id(self) -> int:
        query = f"/api/serviceaccounts/search?query={self.name}&perpage=100&page=1"
        (found,) = self.administrator("GET", query)["serviceAccounts"]
        number: int = found["id"]
        return number

    def wrote(self) -> list[str]:
        """What was written so far; unknown, so always the same, on a real Grafana."""
        return [] if self.memory is None else list(self.memory.writes)

    def removed(self) -> None:
        """Leave nothing behind."""
        for path in (f"/api/folders/{self.name}-folder", f"/api/folders/{self.name}-else"):
            try:
                self.administrator("DELETE", path)
            except urllib.error.HTTPError:
                continue
        self.account(state="absent")


@pytest.fixture(
    params=["11.6", "12.3", "13.0", pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="no GRAFANA_URL"))]
)
def student(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Student]:
    if request.param == "real":
        user = os.environ.get("GRAFANA_USER", "admin")
        found = Student(REAL.rstrip("/"), user, os.environ["GRAFANA_PASSWORD"], tmp_path, None)
        yield found
        found.removed()
        return
    with grafana_served(version=request.param) as memory:
        clock = functools.partial(Grafana, timeout=120.0, deadline=120.0, sleep=memory.pause, clock=lambda: memory.now)
        monkeypatch.setattr(connect, "Grafana", clock)
        yield Student(memory.address, "admin", PASSWORD, tmp_path, memory)


def test_first_and_second_run(student: Student) -> None:
    assert student.stage() == (True, True)
    version = student.stored()["meta"]["version"]
    wrote = student.wrote()
    assert student.stage() == (False, False)
    assert student.wrote() == wrote
    assert student.stored()["meta"]["version"] == version


def test_check_mode_writes_nothing(student: Student) -> None:
    assert student.account(check=True)["changed"]
    assert student.wrote() == []
    student.account()
    wrote = student.wrote()
    first = student.imported(check=True)
    assert (first["changed"], first["folder_created"], first["version"]) == (True, True, None)
    assert student.wrote() == wrote
    student.imported()
    wrote = student.wrote()
    assert not student.imported(check=True)["changed"]
    student.dashboard["title"] = "Another title"
    assert student.imported(check=True)["changed_paths"] == ["title"]
    assert student.wrote() == wrote


def test_the_difference_is_what_somebody_meant(student: Student) -> None:
    student.stage()
    student.dashboard["panels"][0]["title"] = "Down"
    difference = student.imported(check=True, diff=True)["diff"]
    assert difference["before"].strip() == 'panels[id=1].title: "Up"'
    assert difference["after"].strip() == 'panels[id=1].title: "Down"'


def test_what_a_person_selected_is_kept(student: Student) -> None:
    student.stage()

    def choose(model: Json) -> None:
        (quantile,) = (one for one in model["templating"]["list"] if one["name"] == "quantile")
        quantile["current"] = {"text": "p99", "value": "p99"}
        model["time"] = {"from": "now-1h", "to": "now"}

    version = student.saved_by_a_person(choose)
    assert student.stage() == (False, False)
    assert student.stored()["meta"]["version"] == version
    # And when the file changes, too.
    student.dashboard["title"] += ", second edition"
    assert student.imported()["changed_paths"] == ["title"]
    model = student.stored()["dashboard"]
    assert model["time"] == {"from": "now-1h", "to": "now"}
    assert {"text": "p99", "value": "p99"} in [
        {key: one["current"].get(key) for key in ("text", "value")} for one in model["templating"]["list"]
    ]


def test_what_a_person_changed_is_put_right(student: Student) -> None:
    student.stage()
    student.saved_by_a_person(lambda model: model["panels"][0].update(title="My own"))
    found = student.imported()
    assert (found["changed"], found["changed_paths"]) == (True, ["panels[id=1].title"])
    assert student.stored()["dashboard"]["panels"][0]["title"] == "Up"
    assert student.stage() == (False, False)


def test_a_permission_that_is_late_is_waited_for(student: Student) -> None:
    """An administrator makes the folder, while Grafana has the account's permissions in its cache."""
    student.account()
    student.imported(check=True)
    body = {"uid": f"{student.name}-folder", "title": f"Folder of {student.name}"}
    student.administrator("POST", "/api/folders", body)
    assert student.imported()["changed"]
    assert any("does not allow the use of the folder" in line for line in student.lines)
    assert student.stage() == (False, False)


def test_a_dashboard_that_was_moved(student: Student) -> None:
    student.stage()
    elsewhere = f"{student.name}-else"
    student.administrator("POST", "/api/folders", {"uid": elsewhere, "title": f"Other of {student.name}"})
    student.saved_by_a_person(lambda model: None, folder=elsewhere)
    with pytest.raises(LabError) as raised:
        student.imported()
    assert f"is in the folder {elsewhere}" in raised.value.msg
    assert "or set `move`" in raised.value.msg
    assert student.imported(move=True)["changed_paths"] == ["folder"]
    assert student.stored()["meta"]["folderUid"] == f"{student.name}-folder"
    assert student.stage() == (False, False)


def test_a_folder_that_was_deleted(student: Student) -> None:
    student.stage()
    student.administrator("DELETE", f"/api/folders/{student.name}-folder")
    again = student.imported()
    assert (again["changed"], again["folder_created"]) == (True, True)
    assert student.stage() == (False, False)


def test_a_token_that_was_deleted(student: Student) -> None:
    student.stage()
    path = f"/api/serviceaccounts/{student.account_id()}/tokens"
    for token in student.administrator("GET", path):
        student.administrator("DELETE", f"{path}/{token['id']}")
    with pytest.raises(LabError, match=r"was deleted or has expired"):
        student.imported()
    renewed = student.account()
    assert (renewed["changed"], renewed["token"]["state"]) == (True, "renewed")
    assert not student.imported()["changed"]
    assert student.stage() == (False, False)


def test_a_token_that_expires_soon(student: Student) -> None:
    student.account(token_lifetime=7200, token_renew=60)
    assert student.account(token_lifetime=7200, token_renew=60)["token"]["state"] == "kept"
    renewed = student.account(token_lifetime=30 * DAY)
    assert (renewed["changed"], renewed["token"]["state"]) == (True, "renewed")
    assert len(student.administrator("GET", f"/api/serviceaccounts/{student.account_id()}/tokens")) == 1
    assert not student.account()["changed"]


def test_an_account_that_was_disabled(student: Student) -> None:
    student.stage()
    student.administrator("PATCH", f"/api/serviceaccounts/{student.account_id()}", {"isDisabled": True})
    enabled = student.account()
    assert enabled["changed"]
    assert enabled["account"]["disabled"] is False
    assert student.stage() == (False, False)


# -- the schema v2, by its documentation ------------------------------------------------------------------


def as_v2(student: Student) -> Json:
    """A dashboard of the schema v2, as a browser exports it."""
    query = {"kind": "DataQuery", "group": "prometheus", "version": "v0", "datasource": {"name": "of-another-grafana"}}
    several = {"name": "quantile", "query": "p50,p99", "current": {"text": "p50", "value": "p50"}, "hide": "dontHide"}
    spec = copy.deepcopy(V2)
    spec["title"] = f"Dashboard of {student.name}"
    panel = spec["elements"]["panel-1"]["spec"]
    panel["data"]["spec"]["queries"] = [
        {"kind": "PanelQuery", "spec": {"refId": "A", "hidden": False, "query": {**query, "spec": {"expr": "up"}}}}
    ]
    spec["variables"] = [{"kind": "CustomVariable", "spec": several}]
    return {
        "apiVersion": "dashboard.grafana.app/v2",
        "kind": "Dashboard",
        "metadata": {"name": student.name, "resourceVersion": "77"},
        "spec": spec,
    }


def test_a_file_of_the_schema_v2(student: Student) -> None:
    student.account()
    student.dashboard = as_v2(student)
    if student.memory is None:
        pytest.skip("which versions of the API a real Grafana has is not known here")
    if student.memory.version == "11.6":
        with pytest.raises(LabError, match=r"that takes dashboards of the schema v2 \(it has v0alpha1\)"):
            student.imported()
        return
    version = "v2" if student.memory.version == "13.0" else "v2beta1"
    assert student.imported(check=True)["changed"]
    first = student.imported()
    assert (first["changed"], first["folder_created"], first["altered"]) == (True, True, [])
    assert first["datasources_mapped"] == {"of-another-grafana": "prom"}
    stored = student.memory.resources[student.name]
    assert stored["apiVersion"] == f"dashboard.grafana.app/{version}"
    assert '"name": "prom"' in json.dumps(stored)
    wrote = student.wrote()
    assert not student.imported()["changed"]
    assert student.wrote() == wrote

    # A person selects something and collapses nothing; then the file changes.
    (quantile,) = stored["spec"]["variables"]
    quantile["spec"]["current"] = {"text": "p99", "value": "p99"}
    stored["spec"]["timeSettings"]["from"] = "now-1h"
    assert not student.imported()["changed"]
    student.dashboard["spec"]["elements"]["panel-1"]["spec"]["title"] = "Another"
    changed = student.imported(diff=True)
    assert changed["changed_paths"] == ["elements.panel-1.spec.title"]
    assert changed["diff"]["after"].strip() == 'elements.panel-1.spec.title: "Another"'
    stored = student.memory.resources[student.name]
    assert stored["spec"]["variables"][0]["spec"]["current"]["value"] == "p99"
    assert stored["spec"]["timeSettings"]["from"] == "now-1h"
    assert stored["metadata"]["generation"] == 2

    # Somebody else saves it between reading and saving.
    student.dashboard["spec"]["title"] += ", second edition"
    read = student.memory.answer
    seen = []

    def meanwhile(method: str, path: str, authorization: str, sent: Any) -> Any:
        if method == "PUT" and not seen:
            seen.append(path)
            student.memory.resources[student.name]["metadata"]["resourceVersion"] = "9999"
        return read(method, path, authorization, sent)

    student.memory.answer = meanwhile
    with pytest.raises(LabError, match=r"was saved by somebody after it was read \(409\)"):
        student.imported()
    assert student.imported()["changed"]
    with pytest.raises(LabError, match=r"is in the folder .*: leave `folder_uid` out to let it stay, or set `move`"):
        student.imported(folder_uid="elsewhere", folder_title="Elsewhere")
    assert student.imported(folder_uid="elsewhere", folder_title="Elsewhere", move=True)["changed_paths"] == ["folder"]


def test_a_class_of_300_makes_300_tokens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    students = [f"temporal-lab-student-{number}" for number in range(1, 301)]

    def class_run(grafana: Memory) -> list[bool]:
        spec = {"url": grafana.address, "username": "admin", "password": PASSWORD}
        validator = ArgumentSpecValidator(grafana_service_account.SPEC, **grafana_service_account.TASK.validation)
        context = Context(False, False, lambda line: None)
        found = []
        for name in students:
            given = validator.validate({**spec, "name": name, "token_file": str(tmp_path / f"{name}.json")})
            found.append(grafana_service_account.run(given.validated_parameters, context)["changed"])
        return found

    with grafana_served() as grafana:
        assert all(class_run(grafana))
        made = [write for write in grafana.writes if write.endswith("/tokens")]
        assert (len(grafana.writes), len(made), len(grafana.keys)) == (600, 300, 300)
        keys = set(grafana.keys)
        assert not any(class_run(grafana))
        assert (len(grafana.writes), set(grafana.keys)) == (600, keys)
