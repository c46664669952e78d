# SPDX-License-Identifier: GPL-3.0-or-later
"""The task grafana_dashboard against recorded conversations, and the module and action themselves."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import grafana_dashboard as task
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_file import stable_uid
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.stored_dashboard import page_link
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.plugins.modules import grafana_dashboard as module
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    EDITOR,
    EDITOR2,
    TOKENS,
    VIEWER,
    Replay,
    Step,
    answer,
    body_of,
    exchanges,
    recorded,
    replay,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

Json = dict[str, Any]
#: The dashboard that the recorded exchanges 37 to 49 are about.
LAB = exchanges()["37"]["request"]["body"]["dashboard"]
LAB_PATH = "/api/dashboards/uid/lab-1"
SAVE = "/api/dashboards/db"
#: The Editor's list of data sources, asked for first.
SOURCES = "33"
NO_LAB = recorded("91", path=LAB_PATH)


def stored(version: int = 1, folder: str = "ops", *, dashboard: Json | None = None, meta: Json | None = None) -> Step:
    """Reading the dashboard back (recorded as 38), with another version, folder or content."""
    body = body_of("38")
    body["dashboard"] = {**body["dashboard"], **(dashboard or {}), "version": version}
    title = {"ops": "Ops", "ops2": "Ops 2"}.get(folder, "General")
    body["meta"] |= {"version": version, "folderUid": folder, "folderTitle": title, **(meta or {})}
    return recorded("38", body=body)


def saving(version: int | None, dashboard: Json | None = None, number: str = "41", **more: Any) -> Step:
    """The recorded answer to a save, of this dashboard on top of that version."""
    step = {key: more.pop(key) for key in ("status", "body", "how", "auth", "headers") if key in more}
    sent = {**LAB, **(dashboard or {}), **({} if version is None else {"version": version})}
    return recorded(number, sent={"dashboard": sent, "folderUid": "ops", **more}, **step)


def do(
    server: Replay,
    monkeypatch: pytest.MonkeyPatch,
    *,
    check: bool = False,
    diff: bool = False,
    show: list[str] | None = None,
    auth: str = EDITOR,
    timeout: float = 60.0,
    **arguments: Any,
) -> Json:
    """Run the task with its arguments checked as Ansible does it, against a server of a script.

    timeout: seconds of the client, short where the server hangs.
    """

    @contextmanager
    def connect(_params: Json) -> Iterator[Any]:
        yield server.client(auth, timeout, deadline=8.0)

    monkeypatch.setattr(task, "connect_token", connect)
    if isinstance(arguments.get("content", LAB), dict) and arguments.get("state", "present") == "present":
        arguments["content"] = json.dumps(arguments.get("content", LAB))
    checked = ArgumentSpecValidator(
        task.SPEC,
        mutually_exclusive=task.VALIDATION["mutually_exclusive"],
        required_if=task.VALIDATION["required_if"],
        required_by=task.VALIDATION["required_by"],
    ).validate(arguments)
    assert checked.error_messages == []
    lines = [] if show is None else show
    return task.run(checked.validated_parameters, Context(check_mode=check, diff=diff, show=lines.append))


def fails(server: Replay, monkeypatch: pytest.MonkeyPatch, **options: Any) -> LabError:
    with pytest.raises(LabError) as raised:
        do(server, monkeypatch, **options)
    text = raised.value.msg
    assert text.endswith(".")
    # Grafana's own words may be two sentences.
    assert ". " not in text.replace("this action. Permissions needed", "")
    for secret in TOKENS.values():
        assert secret not in text + repr(raised.value.details)
    return raised.value


# --- present -------------------------------------------------------------------------------------


def test_a_new_dashboard_is_saved_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {**LAB, "id": 99, "version": 12}
    with replay(SOURCES, NO_LAB, "104", "37", "38") as server:
        result = do(server, monkeypatch, diff=True, content=content, folder_uid="ops", version_message="first")
    diff = result.pop("diff")
    assert result == {
        "changed": True,
        "uid": "lab-1",
        "url": "/d/lab-1/lab-one",
        "link": None,
        "version": 1,
        "folder_uid": "ops",
        "folder_created": False,
        "changed_paths": [],
        "altered": [],
        "datasources_mapped": {},
    }
    assert diff["before"] == ""
    assert json.loads(diff["after"])["title"] == "Lab one"


def test_an_unchanged_dashboard_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    for options in ({}, {"folder_uid": "ops"}, {"overwrite": True}, {"folder_uid": "ops", "folder_title": "X"}):
        with replay(SOURCES, "38") as server:
            result = do(server, monkeypatch, diff=True, **options)
        assert (result["changed"], result["version"], result["folder_uid"]) == (False, 1, "ops")
        assert result["diff"]["before"] == result["diff"]["after"] == ""
        assert result["changed_paths"] == []


def test_a_dashboard_as_a_person_left_it_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the browser fills in when it saves, and what was selected."""
    variable = {"name": "pod", "type": "query", "query": "label_values(up, pod)", "datasource": {"uid": "prom"}}
    filled = {
        "editable": True,
        "graphTooltip": 0,
        "schemaVersion": 42,
        "annotations": {"list": []},
        "templating": {"list": [{**variable, "current": {"value": "a"}, "options": [{"value": "a"}]}]},
    }
    with replay(SOURCES, stored(4, dashboard=filled)) as server:
        result = do(server, monkeypatch, content={**LAB, "templating": {"list": [variable]}})
    assert (result["changed"], result["version"]) == (False, 4)


def test_a_changed_dashboard_is_saved_on_top_of_the_version_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    title = {"title": "Lab one changed"}
    with replay(SOURCES, "38", "41", stored(2, dashboard=title)) as server:
        result = do(server, monkeypatch, diff=True, content={**LAB, **title})
    assert (result["changed"], result["version"], result["altered"]) == (True, 2, [])
    assert result["changed_paths"] == ["title"]
    assert result["diff"] == {
        "before_header": "dashboard lab-1",
        "after_header": "dashboard lab-1",
        "before": 'title: "Lab one"\n',
        "after": 'title: "Lab one changed"\n',
    }


def test_check_mode_says_the_same_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    title = {"title": "Lab one changed"}
    with replay(SOURCES, "38") as server:
        result = do(server, monkeypatch, check=True, diff=True, content={**LAB, **title})
    assert (result["changed"], result["version"], result["changed_paths"]) == (True, 1, ["title"])
    assert result["diff"]["after"] == 'title: "Lab one changed"\n'
    with replay(SOURCES, NO_LAB, recorded("105", path="/api/folders/new")) as server:
        result = do(server, monkeypatch, check=True, folder_uid="new", folder_title="New")
    assert (result["changed"], result["version"], result["url"], result["folder_created"]) == (True, None, None, True)
    with replay(SOURCES, "38") as server:
        assert not do(server, monkeypatch, check=True)["changed"]


def test_a_dashboard_in_no_folder_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    title = {"title": "Lab one changed"}
    for options in ({}, {"folder_uid": "general"}, {"folder_uid": ""}):
        with replay(SOURCES, stored(1, ""), saving(1, title, folderUid=""), stored(2, "", dashboard=title)) as server:
            result = do(server, monkeypatch, content={**LAB, **title}, **options)
        assert (result["version"], result["folder_uid"]) == (2, "")


def test_a_dashboard_is_not_moved_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    for check in (False, True):
        with replay(SOURCES, "38") as server:
            error = fails(server, monkeypatch, check=check, folder_uid="ops2", content={**LAB, "title": "Other"})
        assert "is in the folder ops (Ops) of Grafana at" in error.msg
        assert "not in the folder ops2: leave `folder_uid` out to let it stay, or set `move`" in error.msg
        assert error.details["folder_uid"] == "ops"
    with replay(SOURCES, "38") as server:
        assert "not in the folder General" in fails(server, monkeypatch, folder_uid="general").msg


def test_a_dashboard_is_moved_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchange 47 with the version that was read, which was not recorded."""
    folder = answer("GET", "/api/folders/ops2", {**body_of("104"), "uid": "ops2"}, auth=EDITOR)
    moving = recorded("47", sent={"dashboard": {**LAB, "version": 3}, "folderUid": "ops2"})
    with replay(SOURCES, stored(3), folder, moving, stored(5, "ops2")) as server:
        result = do(server, monkeypatch, diff=True, folder_uid="ops2", move=True)
    assert (result["changed"], result["version"], result["folder_uid"]) == (True, 5, "ops2")
    assert result["changed_paths"] == ["folder"]
    assert (result["diff"]["before"], result["diff"]["after"]) == ('folder: "ops"\n', 'folder: "ops2"\n')
    with replay(SOURCES, stored(5, "ops2")) as server:
        assert not do(server, monkeypatch, folder_uid="ops2", move=True)["changed"]


def test_a_dashboard_that_ends_up_elsewhere_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(SOURCES, "38", "41", stored(2, "", dashboard={"title": "Lab one changed"})) as server:
        error = fails(server, monkeypatch, content={**LAB, "title": "Lab one changed"})
    assert "put the dashboard lab-1 into the folder General and not into the folder ops" in error.msg
    assert error.details["changed"] is True


def test_what_grafana_stored_otherwise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    back = stored(2, dashboard={"title": "Lab one changed", "tags": ["lab", "more"], "long": "x" * 1000})
    with replay(SOURCES, "38", "41", back) as server:
        result = do(server, monkeypatch, content={**LAB, "title": "Lab one changed"})
    assert result["altered"] == [f'long was nothing and is "{"x" * 98}…', 'tags[1] was nothing and is "more"']
    assert "did not store the dashboard lab-1 as it was sent" in result["warnings"][0]
    assert 'tags[1] was nothing and is "more"' in result["warnings"][0]


def test_a_dashboard_that_is_gone_after_it_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(SOURCES, "38", "41", NO_LAB) as server:
        error = fails(server, monkeypatch, content={**LAB, "title": "Lab one changed"})
    assert "accepted the dashboard lab-1 and does not have it" in error.msg


def test_a_provisioned_dashboard_is_refused_only_for_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = {"provisioned": True, "provisionedExternalId": "lab.json"}
    with replay(SOURCES, stored(meta=meta)) as server:
        assert not do(server, monkeypatch)["changed"]
    for check in (False, True):
        with replay(SOURCES, stored(meta=meta)) as server:
            error = fails(server, monkeypatch, check=check, content={**LAB, "title": "x"})
        assert "is provisioned from a file lab.json there, which would undo it, and cannot be changed" in error.msg


def test_the_uid_can_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(SOURCES, recorded("91", path="/api/dashboards/uid/mine")) as server:
        assert do(server, monkeypatch, check=True, uid="mine")["uid"] == "mine"


def test_inputs_are_resolved_before_it_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard of exchange 83, which Grafana stores unresolved when it is sent as it is."""
    asked = exchanges()["83"]["request"]["body"]["dashboard"]
    ref = {"type": "prometheus", "uid": "prom"}
    panel = {**asked["panels"][0], "datasource": ref, "targets": [{**asked["panels"][0]["targets"][0]}]}
    panel["targets"][0]["datasource"] = ref
    sent = {"uid": "inp-db", "title": "Imported", "panels": [panel]}
    path = "/api/dashboards/uid/inp-db"
    back = {**body_of("84"), "dashboard": {**sent, "id": 12, "version": 1}}
    with replay(
        SOURCES,
        recorded("91", path=path),
        "104",
        recorded("83", sent={"dashboard": sent, "folderUid": "ops"}),
        recorded("84", body=back),
    ) as server:
        assert do(server, monkeypatch, content=asked, folder_uid="ops")["altered"] == []
    # Exchange 86 is what Grafana's own import made of the same: no difference.
    imported = recorded(
        "86", path=path, body={**body_of("86"), "dashboard": {**body_of("86")["dashboard"], "uid": "inp-db"}}
    )
    with replay(SOURCES, imported) as server:
        assert not do(server, monkeypatch, content=asked)["changed"]
    with replay(SOURCES) as server:
        assert "there is no data source nope" in fails(server, monkeypatch, content=asked, datasource="nope").msg


def test_a_data_source_by_name_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [{**body_of("33")[1], "name": "Prometheus"}]
    panels = [{**LAB["panels"][0], "datasource": "Prometheus"}]
    with replay(recorded("33", body=named), stored(dashboard={"panels": panels})) as server:
        assert not do(server, monkeypatch)["changed"]


def test_selections_stay_when_something_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = {"name": "ds", "type": "datasource", "query": "prometheus"}
    there = [*body_of("33"), {**body_of("33")[1], "uid": "prom2", "name": "prom2", "isDefault": False}]
    kept = {"templating": {"list": [{**variable, "current": {"value": "prom2"}}]}}
    content = {**LAB, "title": "Other", "templating": {"list": [variable]}}
    with replay(
        recorded("33", body=there),
        stored(1, dashboard=kept),
        saving(1, {"title": "Other", **kept}),
        stored(2, dashboard={"title": "Other", **kept}),
    ) as server:
        assert do(server, monkeypatch, content=content)["changed_paths"] == ["title"]
    # Unless it is gone, or another was asked for.
    with replay(SOURCES, stored(dashboard={"title": "Other", **kept})) as server:
        result = do(server, monkeypatch, content=content, check=True)
    assert result["changed_paths"] == ["templating.list[name=ds].current.value"]
    with replay(recorded("33", body=there), stored(dashboard={"title": "Other", **kept})) as server:
        result = do(server, monkeypatch, content=content, check=True, datasource="prom")
    assert result["changed_paths"] == ["templating.list[name=ds].current.value"]


# --- any file ------------------------------------------------------------------------------------

#: The kind of file that the lab hands out: wrapped, without uid, with another Grafana's data source.
LABS_OWN = Path(__file__).resolve().parents[2] / "fixtures" / "grafana" / "like_the_labs_own_file.json"


def test_the_labs_own_kind_of_file_is_imported_and_then_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    options = {"path": str(LABS_OWN), "content": None, "folder_uid": "ops"}
    model = json.loads(LABS_OWN.read_text().replace("PAAAA0000BBBB1111", "prom"))["dashboard"]
    uid = stable_uid(model["title"], "ops")
    assert re.fullmatch(r"[a-z0-9-]{1,40}", uid)
    model["uid"] = uid
    del model["version"]
    path = f"/api/dashboards/uid/{uid}"
    body = body_of("38")
    body["dashboard"] = {**model, "id": 4, "version": 1}
    there = recorded("38", path=path, body=body)
    save = recorded("37", sent={"dashboard": model, "folderUid": "ops"})
    with replay(SOURCES, recorded("91", path=path), "104", save, there) as server:
        result = do(server, monkeypatch, show=lines, **options)
    assert (result["changed"], result["uid"]) == (True, uid)
    assert result["datasources_mapped"] == {"PAAAA0000BBBB1111": "prom"}
    assert ["PAAAA0000BBBB1111" in line for line in lines] == [True]
    with replay(SOURCES, there) as server:
        assert not do(server, monkeypatch, **options)["changed"]
    # Its uid can be given.
    with replay(SOURCES, recorded("91", path=LAB_PATH)) as server:
        assert do(server, monkeypatch, check=True, **{**options, "folder_uid": None}, uid="lab-1")["uid"] == "lab-1"


def test_panels_whose_plugin_is_gone_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {**LAB, "panels": [{"id": 1, "type": "natel-plotly-panel"}, {"id": 2, "type": "graph"}]}
    with replay(SOURCES, NO_LAB) as server:
        (warning,) = do(server, monkeypatch, check=True, content=content)["warnings"]
    assert "panel 1 (panels[0]) is of type natel-plotly-panel" in warning
    assert "graph" not in warning
    with replay(SOURCES, stored(dashboard={"panels": content["panels"]})) as server:
        result = do(server, monkeypatch, content=content)
    assert (result["changed"], result["warnings"]) == (False, [warning])


def test_panels_that_this_grafana_cannot_show_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    panels = [{"id": 1, "type": "acme-wall-panel"}, {"id": 2, "libraryPanel": {"uid": "lib-1", "name": "Load"}}]
    none = {"message": "Plugin not found, no installed plugin with that id"}
    plugin = answer("GET", "/api/plugins/acme-wall-panel/settings", none, 404, auth=EDITOR)
    library = answer("GET", "/api/library-elements/lib-1", {"message": "none"}, 404, auth=EDITOR)
    with replay(SOURCES, NO_LAB, plugin, library) as server:
        (warning,) = do(server, monkeypatch, check=True, content={**LAB, "panels": panels})["warnings"]
    assert "panel 1 (panels[0]) is of type acme-wall-panel, for which no plugin is installed" in warning
    assert "panel 2 (panels[1]) is the library panel lib-1 (Load), which is not there" in warning


@pytest.mark.parametrize(
    ("address", "path", "link"),
    [
        ("https://g.example.org", "/d/x/y", "https://g.example.org/d/x/y"),
        ("https://g.example.org/", "/d/x/y", "https://g.example.org/d/x/y"),
        ("https://g.example.org/grafana/", "/grafana/d/x/y", "https://g.example.org/grafana/d/x/y"),
        # A proxy adds a path that Grafana does not know of.
        ("https://g.example.org/grafana", "/d/x/y", "https://g.example.org/grafana/d/x/y"),
        # Grafana adds a path that its address does not have.
        ("http://127.0.0.1:3000", "/grafana/d/x/y", "http://127.0.0.1:3000/grafana/d/x/y"),
    ],
)
def test_the_link_has_the_path_of_grafana_once(address: str, path: str, link: str) -> None:
    assert page_link(address, path) == link


def test_the_same_dashboard_in_several_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    uids = set()
    for folder in ("ops", "ops2"):
        own = stable_uid(LAB["title"], folder)
        with replay(
            SOURCES, recorded("91", path=f"/api/dashboards/uid/{own}"), recorded("104", path=f"/api/folders/{folder}")
        ) as server:
            uids.add(do(server, monkeypatch, check=True, folder_uid=folder, uid_by_folder=True)["uid"])
    assert len(uids) == 2


def test_a_title_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(SOURCES, stored(1), saving(1, {"title": "Mine"}), stored(2, dashboard={"title": "Mine"})) as server:
        assert do(server, monkeypatch, title="Mine")["changed_paths"] == ["title"]


# --- folders -------------------------------------------------------------------------------------


def new_folder(uid: str = "new", **changes: Any) -> Step:
    return recorded("4", auth=EDITOR, sent={"uid": uid, "title": "New"}, body={**body_of("4"), "uid": uid}, **changes)


def test_a_folder_is_made_with_the_same_token(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = recorded("105", path="/api/folders/new")
    save = recorded("37", sent={"dashboard": LAB, "folderUid": "new"})
    with replay(SOURCES, NO_LAB, hidden, new_folder(), save, stored(1, "new")) as server:
        result = do(server, monkeypatch, folder_uid="new", folder_title="New")
    assert (result["folder_created"], result["folder_uid"]) == (True, "new")
    assert server.slept == []


def test_a_folder_that_was_made_stays_when_the_save_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = recorded("105", path="/api/folders/new")
    refused = recorded("68", sent={"dashboard": LAB, "folderUid": "new"})
    with replay(SOURCES, NO_LAB, hidden, new_folder(), refused) as server:
        error = fails(server, monkeypatch, folder_uid="new", folder_title="New")
    assert "uid too long, max 40 characters" in error.msg
    assert error.details["changed"] is True


def test_a_folder_that_somebody_else_just_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges 121 to 125: 403 for up to a minute."""
    lines: list[str] = []
    hidden = recorded("123")
    taken = recorded("5", auth=EDITOR2, sent={"uid": "late", "title": "Late"})
    late = recorded("124", sent={"dashboard": LAB, "folderUid": "late"})
    saved = recorded("37", auth=EDITOR2, sent={"dashboard": LAB, "folderUid": "late"})
    steps = [recorded(SOURCES, auth=EDITOR2), recorded("91", path=LAB_PATH, auth=EDITOR2)]
    back = stored(1, "late")
    with replay(
        *steps, hidden, taken, hidden, hidden, "125", late, late, saved, recorded("38", auth=EDITOR2, body=back.body)
    ) as server:
        result = do(server, monkeypatch, auth=EDITOR2, show=lines, folder_uid="late", folder_title="Late")
    assert result["folder_created"] is False
    assert result["version"] == 1
    assert sum(server.slept) == 5 * 3
    assert len(lines) == 3
    named = [re.findall("the (?:folder|dashboard) [a-z0-9-]+", line)[0] for line in lines]
    assert named == ["the folder late", "the folder late", "the dashboard lab-1"]


def test_a_folder_that_is_not_there_is_a_failure_after_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = recorded("105")
    with replay(SOURCES, NO_LAB, *[hidden] * 15) as server:
        error = fails(server, monkeypatch, folder_uid="nope")
    assert "There is no folder nope in Grafana at" in error.msg
    assert "give a `folder_title`" in error.msg
    assert 60 < sum(server.slept) < 70
    # An administrator's token is told at once.
    absent = answer("GET", "/api/folders/nope", {"message": "folder not found"}, 404, auth=EDITOR)
    with replay(SOURCES, NO_LAB, absent, absent) as server:
        assert "(404 to GET /api/folders/nope)" in fails(server, monkeypatch, folder_uid="nope").msg
    assert server.slept == []


# --- Grafana 11 beside 12 --------------------------------------------------------------------------


def denied(path: str) -> Step:
    """Grafana 11.6 to an Editor who may not read a dashboard, or none that exists: as it says it of folders."""
    body = json.loads(json.dumps(body_of("11.6-20")).replace("folders:read", "dashboards:read"))
    return answer("GET", path, body, 403, auth=EDITOR)


NOTHING_YET = answer("GET", "/api/search?limit=1", [], auth=EDITOR)
REC = {"dashboard": LAB, "folderUid": "rec-f"}


def first_import(version: str) -> list[Step]:
    """Up to the first save: the folder is made with the same token."""
    made = recorded(f"{version}-41", sent={"uid": "rec-f", "title": "Rec folder"})
    missing = recorded(f"{version}-20", path="/api/folders/rec-f")
    return [recorded(SOURCES), missing, made, recorded(f"{version}-45", sent=REC)]


def test_the_first_import_into_an_empty_grafana_12(monkeypatch: pytest.MonkeyPatch) -> None:
    sources, *steps = first_import("12.3")
    with replay(sources, NO_LAB, *steps, stored(1, "rec-f")) as server:
        result = do(server, monkeypatch, folder_uid="rec-f", folder_title="Rec folder")
    assert (result["changed"], result["folder_created"], server.slept) == (True, True, [])


def test_the_first_import_into_an_empty_grafana_11(monkeypatch: pytest.MonkeyPatch) -> None:
    """403 for a dashboard that does not exist, a folder of its own that is 403, and 500 for saving into it."""
    lines: list[str] = []
    sources, *steps = first_import("11.6")
    late = recorded("11.6-43")
    saved = recorded("12.3-45", sent=REC)
    with replay(
        *[sources, denied(LAB_PATH), NOTHING_YET, *steps],
        *[late, late, late, recorded("12.3-43"), saved, stored(1, "rec-f")],
    ) as server:
        result = do(server, monkeypatch, show=lines, folder_uid="rec-f", folder_title="Rec folder")
    assert (result["changed"], result["folder_created"], result["version"]) == (True, True, 1)
    assert server.slept == [5.0, 5.0]
    assert all("the folder rec-f" in line for line in lines)
    # The dashboard was not waited for, and nothing is waited for in check mode.
    missing = recorded("11.6-20", path="/api/folders/rec-f")
    with replay(sources, denied(LAB_PATH), NOTHING_YET, missing) as server:
        result = do(server, monkeypatch, check=True, folder_uid="rec-f", folder_title="Rec folder")
    assert (result["changed"], result["folder_created"], server.slept) == (True, True, [])


def test_a_folder_that_stays_forbidden_is_a_failure_after_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    sources, *steps = first_import("11.6")
    with replay(sources, NO_LAB, *steps, *[recorded("11.6-43")] * 15) as server:
        error = fails(server, monkeypatch, folder_uid="rec-f", folder_title="Rec folder")
    assert "denied GET /api/folders/rec-f (403)" in error.msg
    assert 60 < sum(server.slept) < 70
    assert error.details["changed"] is True


def test_a_save_that_fails_in_a_folder_of_ours_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words, and the folder is not the reason."""
    sources, *steps = first_import("11.6")
    failed = recorded("11.6-45", sent=REC)
    with replay(sources, NO_LAB, *steps, recorded("12.3-43"), NO_LAB, failed) as server:
        error = fails(server, monkeypatch, folder_uid="rec-f", folder_title="Rec folder")
    assert "failed to answer POST /api/dashboards/db (500): Failed to save dashboard" in error.msg
    assert server.slept == []


def test_a_dashboard_that_is_not_permitted_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    others = answer("GET", "/api/search?limit=1", body_of("92")[:1], auth=EDITOR)
    with replay(SOURCES, denied(LAB_PATH), others, denied(LAB_PATH), "38") as server:
        result = do(server, monkeypatch)
    assert (result["changed"], server.slept) == (False, [5.0, 5.0])


# --- what Grafana refuses ------------------------------------------------------------------------


def test_a_dashboard_that_somebody_saved_in_between_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    conflict = recorded("43", sent={"dashboard": {**LAB, "title": "Mine", "version": 1}, "folderUid": "ops"})
    theirs = stored(2, dashboard={"title": "Theirs"}, meta={"updatedBy": "ann"})
    with replay(SOURCES, "38", conflict, theirs, theirs) as server:
        error = fails(server, monkeypatch, content={**LAB, "title": "Mine"})
    assert "was saved by ann at 2026-11-23T15:27:21Z, after it was read (412)" in error.msg
    assert "or set `overwrite`" in error.msg
    assert (error.details["version"], error.details["changed"]) == (2, False)


def test_a_uid_that_is_a_folders_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = recorded("39", sent={"dashboard": LAB, "folderUid": ""}, status=409)
    folder = recorded("104", path="/api/folders/lab-1")
    with replay(SOURCES, NO_LAB, taken, NO_LAB, NO_LAB, folder) as server:
        error = fails(server, monkeypatch)
    assert "lab-1 is the uid of a folder" in error.msg
    assert "overwrite" not in error.msg


def test_overwrite_is_no_cure_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = {"dashboard": LAB, "folderUid": "", "overwrite": True}
    hidden = recorded("105", path="/api/folders/lab-1")
    with replay(SOURCES, NO_LAB, recorded("39", sent=sent), NO_LAB, NO_LAB, hidden) as server:
        error = fails(server, monkeypatch, overwrite=True)
    assert "(412)" in error.msg
    assert "overwrite" not in error.msg


def test_overwrite_insists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchange 45: a version that is not the present one, with overwrite."""
    with replay(SOURCES, stored(1, dashboard={"title": "Theirs"}), "45", stored(3)) as server:
        result = do(server, monkeypatch, overwrite=True)
    assert (result["changed"], result["version"], result["changed_paths"]) == (True, 3, ["title"])


def test_somebody_else_saves_the_same_new_dashboard_first(monkeypatch: pytest.MonkeyPatch) -> None:
    conflict = recorded("39")
    with replay(SOURCES, NO_LAB, "104", conflict, "38") as server:
        result = do(server, monkeypatch, folder_uid="ops")
    assert (result["changed"], result["version"]) == (True, 1)


REFUSALS = [
    ("401", saving(1, number="75", auth=EDITOR), "rejected the credentials for POST /api/dashboards/db (401)"),
    (
        "403",
        saving(1, number="80", auth=EDITOR),
        "denied POST /api/dashboards/db (403): You'll need additional permissions",
    ),
    ("404", saving(1, number="53"), "has no object for POST /api/dashboards/db (404): Dashboard not found"),
    ("400", saving(1, number="72"), "refused POST /api/dashboards/db (400): folder not found"),
    (
        "400 without JSON",
        saving(1, status=400, body=b"bad request", headers={"Content-Type": "text/plain"}),
        "refused POST /api/dashboards/db (400); correct what was sent",
    ),
    ("413", saving(1, status=413, body={"message": "request body too large"}), "is too large for Grafana at"),
    ("html", saving(1, how="html"), "was answered with a page of HTML instead of JSON"),
    ("half", saving(1, how="half"), "was answered with JSON that breaks off"),
]


@pytest.mark.parametrize(("step", "sentence"), [entry[1:] for entry in REFUSALS], ids=[entry[0] for entry in REFUSALS])
def test_a_refusal_is_one_sentence_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, step: Step, sentence: str
) -> None:
    step.sent["dashboard"]["title"] = "Mine"
    with replay(SOURCES, "38", step) as server:
        error = fails(server, monkeypatch, content={**LAB, "title": "Mine"})
    assert sentence in error.msg
    assert error.details["changed"] is False
    assert server.slept == []


def test_the_role_may_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchange 82: it could be the permission cache, so it is waited for before it is a failure."""
    lines: list[str] = []
    others = answer("GET", "/api/search?limit=1", body_of("92")[:1], auth=VIEWER)
    with replay("34", recorded("82"), others, *[recorded("82")] * 13) as server:
        error = fails(server, monkeypatch, auth=VIEWER, show=lines)
    assert "denied GET /api/dashboards/uid/lab-1 (403)" in error.msg
    assert 60 < sum(server.slept) < 70
    assert len(lines) == 13


@pytest.mark.parametrize("how", ["hang", "cut", "drop"])
def test_a_save_without_an_answer_is_looked_after(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    title = {"title": "Mine"}
    content = {**LAB, **title}
    short = {"timeout": 2.0} if how == "hang" else {}
    # It was saved: nothing is sent again.
    with replay(SOURCES, "38", saving(1, title, how=how), stored(2, dashboard=title)) as server:
        result = do(server, monkeypatch, content=content, **short)
    assert (result["changed"], result["version"], result["altered"]) == (True, 2, [])
    # It was not: it is sent again, on top of the same version.
    with replay(
        SOURCES, "38", saving(1, title, how=how), stored(1), saving(1, title), stored(2, dashboard=title)
    ) as server:
        assert do(server, monkeypatch, content=content, **short)["version"] == 2
    # It was saved after the look, so the second is 412 and the third look finds it.
    late = recorded("43", sent=saving(1, title).sent)
    with replay(SOURCES, "38", saving(1, title, how=how), stored(1), late, stored(2, dashboard=title)) as server:
        assert do(server, monkeypatch, content=content, **short)["version"] == 2


def test_a_move_without_an_answer_is_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is the same: where it is tells whether it was moved."""
    folder = answer("GET", "/api/folders/ops2", {**body_of("104"), "uid": "ops2"}, auth=EDITOR)
    sent = {"dashboard": {**LAB, "version": 3}, "folderUid": "ops2"}
    lost, moved = recorded("47", sent=sent, how="drop"), recorded("47", sent=sent)
    with replay(SOURCES, stored(3), folder, lost, stored(3), moved, stored(5, "ops2")) as server:
        assert do(server, monkeypatch, folder_uid="ops2", move=True)["version"] == 5


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_server_is_tried_once_more(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    title = {"title": "Mine"}
    bad = saving(1, title, status=status, body={"message": "database is locked"})
    with replay(SOURCES, "38", bad, stored(1), saving(1, title), stored(2, dashboard=title)) as server:
        assert do(server, monkeypatch, content={**LAB, **title})["version"] == 2
    with replay(SOURCES, "38", bad, stored(1), bad) as server:
        error = fails(server, monkeypatch, content={**LAB, **title})
    assert f"failed to answer POST /api/dashboards/db ({status}): database is locked" in error.msg


def test_reading_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    down = recorded("38", status=503, body=b"<html>down</html>", headers={"Content-Type": "text/html"})
    with replay(SOURCES, down, recorded("38", how="hang"), "38") as server:
        assert not do(server, monkeypatch, timeout=2.0)["changed"]
    assert len(server.slept) == 2


def test_a_dashboard_that_is_kept_in_the_newer_schema_is_read_as_a_classic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the documentation of Grafana 13: no such answers were recorded."""
    body = {"message": "dashboard api version not supported, use /apis/… instead"}
    newer = answer("GET", LAB_PATH, body, 406, auth=EDITOR)
    versions = {"kind": "APIGroup", "versions": [{"version": "v2"}, {"version": "v1"}]}
    apis = answer("GET", "/apis/dashboard.grafana.app", versions, auth=EDITOR)
    organisation = answer("GET", "/api/org", {"id": 7, "name": "Other"}, auth=EDITOR)
    path = "/apis/dashboard.grafana.app/v1/namespaces/org-7/dashboards/lab-1"
    metadata = {"name": "lab-1", "generation": 4, "annotations": {"grafana.app/folder": "ops"}}
    classic = answer("GET", path, {"metadata": metadata, "spec": {**LAB, "title": "Mine"}}, auth=EDITOR)
    with replay(SOURCES, newer, apis, organisation, classic) as server:
        result = do(server, monkeypatch, check=True)
    assert (result["changed"], result["changed_paths"], result["version"]) == (True, ["title"], 4)
    assert result["folder_uid"] == "ops"
    # A Grafana that cannot convert it.
    older = answer("GET", "/apis/dashboard.grafana.app", {"versions": [{"version": "v2alpha1"}]}, auth=EDITOR)
    with replay(SOURCES, newer, older) as server:
        told = fails(server, monkeypatch).msg
    assert "has no version of its dashboards' API that converts dashboards of the schema v2 (it has v2alpha1)" in told


def test_what_is_wrong_with_the_file_is_said_before_grafana_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    cases = [
        ('{"title": "x",\n}', f"{file}:2:1: this is not JSON"),
        ('{"title": "x", "uid": "a b"}', "has characters other than letters"),
        (
            '{"title": "x", "uid": "a", "panels": [{"id": 1, "type": "natel-plotly-panel"}]}',
            "panel 1 (panels[0]) is of type natel-plotly-panel",
        ),
    ]
    for text, sentence in cases:
        file.write_text(text)
        with replay() as server:
            told = fails(server, monkeypatch, path=str(file), content=None, angular_panels="refuse").msg
            assert sentence in told
    file.write_bytes(b"\xff")
    with replay() as server:
        assert "it is not UTF-8 text" in fails(server, monkeypatch, path=str(file), content=None).msg
        assert "There is no dashboard file" in fails(server, monkeypatch, path=f"{file}.no", content=None).msg
        assert "cannot be read: Is a directory" in fails(server, monkeypatch, path=str(tmp_path), content=None).msg
        assert "of the option `uid`" in fails(server, monkeypatch, uid="a.b").msg


# --- absent --------------------------------------------------------------------------------------


def test_a_dashboard_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    delete = recorded("99", path=LAB_PATH)
    with replay("38", delete) as server:
        result = do(server, monkeypatch, diff=True, state="absent", uid="lab-1")
    assert (result["changed"], result["version"], result["folder_uid"]) == (True, 1, "ops")
    assert json.loads(result["diff"]["before"])["title"] == "Lab one"
    assert result["diff"]["after"] == ""
    with replay(NO_LAB) as server:
        assert do(server, monkeypatch, state="absent", content=json.dumps(LAB)) == {"changed": False, "uid": "lab-1"}
    with replay("38") as server:
        assert do(server, monkeypatch, check=True, state="absent", uid="lab-1")["changed"]
    # The answer to the first try was lost: it is gone, and this task removed it.
    with replay("38", recorded("99", path=LAB_PATH, how="cut"), recorded("100", path=LAB_PATH)) as server:
        assert do(server, monkeypatch, state="absent", uid="lab-1")["changed"]
    with replay("38", recorded("101", auth=EDITOR)) as server:
        assert "denied DELETE" in fails(server, monkeypatch, state="absent", uid="lab-1").msg
    with replay(stored(meta={"provisioned": True})) as server:
        assert "cannot be removed" in fails(server, monkeypatch, state="absent", uid="lab-1").msg


# --- exported ------------------------------------------------------------------------------------


def test_a_dashboard_is_exported_and_can_be_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dest = tmp_path / "lab.json"
    options = {"state": "exported", "uid": "lab-1", "dest": str(dest)}
    with replay("38", SOURCES) as server:
        result = do(server, monkeypatch, check=True, **options)
    assert result["changed"]
    assert not dest.exists()
    with replay("38", SOURCES) as server:
        result = do(server, monkeypatch, diff=True, **options)
    assert (result["changed"], result["dest"], result["changed_paths"]) == (True, str(dest), [])
    written = json.loads(dest.read_text())
    assert written["panels"][0]["datasource"]["uid"] == "${DS_PROM}"
    assert "id" not in written
    inode = dest.stat().st_ino
    # Another version of the same dashboard is the same file.
    with replay(stored(7), SOURCES) as server:
        result = do(server, monkeypatch, **options)
    assert (result["changed"], result["version"]) == (False, 7)
    assert dest.stat().st_ino == inode
    with replay(SOURCES, "38") as server:
        assert not do(server, monkeypatch, path=str(dest), content=None)["changed"]
    with replay(stored(8, dashboard={"title": "New"}), SOURCES) as server:
        result = do(server, monkeypatch, diff=True, **options)
    assert result["changed_paths"] == ["title"]
    assert result["diff"]["after"] == 'title: "New"\n'
    assert [file.name for file in tmp_path.iterdir()] == ["lab.json"]


def test_a_file_that_holds_something_else_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dest = tmp_path / "lab.json"
    for content in (b"", b"[]", b"{", b"\xff"):
        dest.write_bytes(content)
        with replay("38", SOURCES) as server:
            assert do(server, monkeypatch, state="exported", uid="lab-1", dest=str(dest))["changed"]
        assert json.loads(dest.read_text())["title"] == "Lab one"


def test_an_export_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(*steps: str | Step, dest: Path) -> str:
        with replay(*steps) as server:
            return fails(server, monkeypatch, state="exported", uid="lab-1", dest=str(dest)).msg

    assert "has no dashboard lab-1 to export" in failing(NO_LAB, dest=tmp_path / "x.json")
    assert "cannot be written to" in failing("38", SOURCES, dest=tmp_path / "no" / "x.json")
    assert "Is a directory" in failing("38", SOURCES, dest=tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- the plugins ---------------------------------------------------------------------------------


def run_module(capfd: pytest.CaptureFixture[str], **arguments: Any) -> Json:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    return json.loads(capfd.readouterr().out)


def test_the_module_returns_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    with replay(SOURCES, "38") as server:
        # An object, as Jinja makes of a JSON text.
        result = run_module(capfd, url=server.address, token=TOKENS["EDITOR"], content=LAB)
    assert (result["changed"], result["uid"], result["version"]) == (False, "lab-1", 1)
    assert "warnings" not in result


def test_the_module_warns_of_what_grafana_changed(capfd: pytest.CaptureFixture[str]) -> None:
    back = stored(2, dashboard={"title": "Lab one changed", "tags": []})
    with replay(SOURCES, "38", "41", back) as server:
        content = json.dumps({**LAB, "title": "Lab one changed"})
        result = run_module(capfd, url=server.address, token=TOKENS["EDITOR"], content=content)
    assert "did not store the dashboard lab-1 as it was sent" in str(result["warnings"])


def test_the_module_fails_in_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with replay(SOURCES, "38") as server:
        result = run_module(capfd, url=server.address, token=TOKENS["EDITOR"], content=LAB, folder_uid="ops2")
    assert result["failed"]
    assert (result["folder_uid"], result["msg"].count(". ")) == ("ops", 0)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ({}, "path, content"),
        ({"state": "absent"}, "uid, path, content"),
        ({"state": "exported", "uid": "x"}, "dest"),
        ({"state": "exported", "dest": "x"}, "uid, path, content"),
        ({"content": "{}", "folder_title": "x"}, "folder_uid"),
        ({"content": "{}", "url": "http://x", "service": "y"}, "mutually exclusive"),
    ],
)
def test_the_module_says_what_is_missing(capfd: pytest.CaptureFixture[str], arguments: Json, missing: str) -> None:
    result = run_module(capfd, **arguments)
    assert result["failed"]
    assert missing in result["msg"]


def play(folder: Path, tasks: str, *options: str) -> subprocess.CompletedProcess[str]:
    playbook = folder / "play.yml"
    playbook.write_text(f"- hosts: localhost\n  gather_facts: false\n  connection: local\n  tasks:\n{tasks}")
    return run_playbook(folder, "localhost,", *options, playbook)


def test_the_action_shows_the_difference_in_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    file.write_text(json.dumps({**LAB, "title": "Lab one changed"}))
    back = stored(2, dashboard={"title": "Lab one changed"})
    with replay(SOURCES, "38", "41", back) as server:
        done = play(
            tmp_path,
            "    - temporal_lab.benchmarking.grafana_dashboard:\n"
            f"        url: {server.address}\n        token: {TOKENS['EDITOR']}\n        path: {file}\n",
            "--diff",
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '-title: "Lab one"\n+title: "Lab one changed"\n' in done.stdout
    assert "changed=1" in done.stdout
    assert TOKENS["EDITOR"] not in done.stdout + done.stderr


def test_the_file_travels_to_another_host(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    file.write_text(json.dumps(LAB))
    assert module.TASK.elsewhere is not None
    arguments = {"path": str(file), "uid": "x"}
    assert module.TASK.elsewhere(arguments) == {**arguments, "content": json.dumps(LAB)}
    for given in ({"path": str(file), "content": "{}"}, {"state": "absent", "uid": "x"}):
        assert module.TASK.elsewhere(given) == given
    with pytest.raises(LabError, match=r"There is no dashboard file .*\.no"):
        module.TASK.elsewhere({"path": f"{file}.no"})
