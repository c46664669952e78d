# SPDX-License-Identifier: GPL-3.0-or-later
"""The task grafana_annotations in conversations with recorded answers of a Grafana."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import grafana_annotations as task
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.connect import (
    GRAFANA,
    VALIDATION,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import bearer
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.plugins.modules import grafana_annotations as module
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    EDITOR,
    TOKENS,
    VIEWER,
    Replay,
    Step,
    answer,
    body_of,
    recorded,
    replay,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RECORDED,
    RUN,
    START,
    STUDENT,
    Lab,
    window,
)

UID = "marks-1"
TAGS = ["temporal-lab", f"student:{STUDENT}", f"run:{RUN}"]
PLACE = ["namespace:default", "release:my-temporal"]
IDLE = {
    "time": 1795453210000,
    "timeEnd": 1795453330000,
    "tags": [*TAGS, "stage:baseline", "window", *PLACE],
    "text": "baseline: the idle one (1 history pod)",
}
BEGAN = {
    "time": 1795453205000,
    "timeEnd": 1795453205000,
    "tags": [*TAGS, "stage:baseline", "event", *PLACE],
    "text": "it began",
}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A run with one window and one event, which make the marks IDLE and BEGAN."""
    lab = Lab(tmp_path)
    write_baseline(lab)
    return lab


def write_baseline(lab: Lab, later: float = 0.0) -> None:
    """The stage baseline, measured some seconds later than at first; the event is where it was."""
    lab.write(
        "baseline",
        windows=[window("idle", START + 10 + later)],
        events=[{"name": "began", "title": "it began", "time": START + 5}],
        settings={"history_replicas": 1},
    )


def do(
    server: Replay, lab: Lab, *, check: bool = False, diff: bool = False, shown: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    """Run the task with its arguments checked as Ansible does it, with a client whose waits take no time."""
    given = {
        "results_dir": str(lab.folder),
        "student": STUDENT,
        "dashboard_uid": UID,
        "url": server.address,
        "token": TOKENS["EDITOR"],
        **more,
    }
    checked = ArgumentSpecValidator(task.SPEC, **VALIDATION).validate(given)
    assert checked.error_messages == []

    @contextmanager
    def connect(params: dict[str, Any]) -> Iterator[Grafana]:
        yield server.client(bearer(params["token"]))

    context = Context(check_mode=check, diff=diff, show=(shown if shown is not None else []).append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "connect_token", connect)
        result: dict[str, Any] = task.run(checked.validated_parameters, context)
    return result


def counts(result: dict[str, Any]) -> tuple[Any, ...]:
    """Changed, created, updated, deleted and kept."""
    return tuple(result[name] for name in ("changed", "created", "updated", "deleted", "kept"))


# --- steps of conversations ----------------------------------------------------------------------


def dashboard(**changes: Any) -> Step:
    return recorded("38", **{"path": f"/api/dashboards/uid/{UID}", "auth": EDITOR, **changes})


def find(*found: dict[str, Any], limit: int = 10_000, **changes: Any) -> Step:
    """The search for the run's marks on the dashboard, and what it finds."""
    tags = "&".join(f"tags={tag}" for tag in TAGS)
    return recorded(
        "A18", **{"path": f"/api/annotations?{tags}&dashboardUID={UID}&limit={limit}", "body": list(found), **changes}
    )


def there(number: int, mark: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A mark as Grafana gives it."""
    return {**body_of("A18")[0], "id": number, **mark, **fields}


def make(mark: dict[str, Any], number: int = 1, **changes: Any) -> Step:
    body = {"id": number, "message": "Annotation added"}
    return recorded("A14", **{"sent": {"dashboardUID": UID, **mark}, "body": body, **changes})


def change(number: int, mark: dict[str, Any], **changes: Any) -> Step:
    return recorded("A20", **{"path": f"/api/annotations/{number}", "sent": mark, **changes})


def remove(number: int, **changes: Any) -> Step:
    return recorded("A23", **{"path": f"/api/annotations/{number}", **changes})


# --- what is done --------------------------------------------------------------------------------


def test_marks_are_made_and_the_second_time_found(lab: Lab) -> None:
    shown: list[str] = []
    with replay(dashboard(), find(), make(BEGAN, 5), make(IDLE, 6)) as server:
        first = do(server, lab, shown=shown)
    assert first == {
        "changed": True,
        "run": RUN,
        "dashboard_uid": UID,
        "created": 2,
        "updated": 0,
        "deleted": 0,
        "kept": 0,
        "problems": [],
    }
    assert shown == [f"marks of run {RUN} on dashboard {UID}: 2 created, 0 updated, 0 deleted, 0 kept"]
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert counts(do(server, lab)) == (False, 0, 0, 0, 2)


def test_a_window_that_moved_is_moved(lab: Lab) -> None:
    write_baseline(lab, later=300)
    moved = {**IDLE, "time": IDLE["time"] + 300_000, "timeEnd": IDLE["timeEnd"] + 300_000}
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE)), change(6, moved)) as server:
        assert counts(do(server, lab)) == (True, 0, 1, 0, 1)
    with replay(dashboard(), find(there(5, BEGAN), there(6, moved))) as server:
        assert counts(do(server, lab)) == (False, 0, 0, 0, 2)


def test_doubles_and_marks_of_older_attempts_go(lab: Lab) -> None:
    old = {**BEGAN, "text": "it ended", "time": 1, "timeEnd": 1}
    found = find(there(5, BEGAN), there(8, IDLE), there(6, IDLE), there(9, old))
    with replay(dashboard(), found, remove(8), remove(9)) as server:
        assert counts(do(server, lab)) == (True, 0, 0, 2, 2)


def test_marks_of_others_stay(lab: Lab) -> None:
    # As a database that does not tell capitals from small letters finds them, and one that does not know the uid.
    capital = {**IDLE, "tags": [tag.replace("student-01", "Student-01") for tag in IDLE["tags"]]}
    own = {**IDLE, "tags": TAGS}
    found = find(there(1, capital), there(2, own), there(3, IDLE, dashboardUID="x"), there(5, BEGAN), there(6, IDLE))
    with replay(dashboard(), found) as server:
        assert counts(do(server, lab)) == (False, 0, 0, 0, 2)
    with replay(dashboard(), found, remove(5), remove(6)) as server:
        assert counts(do(server, lab, state="absent")) == (True, 0, 0, 2, 0)


def test_check_mode_asks_and_changes_nothing(lab: Lab) -> None:
    wrong = {**IDLE, "text": "another"}
    old = {**BEGAN, "text": "it ended", "time": 1, "timeEnd": 1}
    with replay(dashboard(), find(there(6, wrong), there(9, old))) as server:
        assert counts(do(server, lab, check=True)) == (True, 1, 1, 1, 0)
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert counts(do(server, lab, check=True)) == (False, 0, 0, 0, 2)
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert counts(do(server, lab, check=True, state="absent")) == (True, 0, 0, 2, 0)


def test_the_difference_is_times_and_texts(lab: Lab) -> None:
    longer = {**IDLE, "timeEnd": IDLE["timeEnd"] + 1500}
    with replay(dashboard(), find(there(6, longer)), change(6, IDLE), make(BEGAN)) as server:
        result = do(server, lab, diff=True)
    line = "2026-11-23T17:00:10.000Z to 2026-11-23T17:02:1{}Z  baseline: the idle one (1 history pod)\n"
    assert result["diff"] == {
        "before": line.format("1.500"),
        "after": "2026-11-23T17:00:05.000Z  it began\n" + line.format("0.000"),
    }
    with replay(dashboard(), find(there(5, BEGAN))) as server:
        removed = do(server, lab, diff=True, check=True, state="absent")
    assert removed["diff"] == {"before": "2026-11-23T17:00:05.000Z  it began\n", "after": ""}


def test_all_marks_of_a_run_can_be_removed_without_its_results(lab: Lab) -> None:
    shutil.rmtree(lab.folder)
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE)), remove(5), remove(6)) as server:
        assert counts(do(server, lab, run=RUN, state="absent")) == (True, 0, 0, 2, 0)
    with replay(dashboard(), find()) as server:
        assert counts(do(server, lab, run=RUN, state="absent")) == (False, 0, 0, 0, 0)


def test_what_somebody_deleted_in_between_is_made_again_or_no_error(lab: Lab) -> None:
    wrong = {**IDLE, "text": "another"}
    gone = {"status": 404, "body": body_of("A25")}
    found = find(there(6, wrong), there(9, {**BEGAN, "text": "it ended", "time": 1, "timeEnd": 1}))
    with replay(dashboard(), found, change(6, IDLE, **gone), make(BEGAN), make(IDLE), remove(9, **gone)) as server:
        assert counts(do(server, lab)) == (True, 2, 0, 1, 0)


def test_more_marks_than_are_read_are_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "LIMIT", 2)
    two = find(there(5, BEGAN), there(6, IDLE), limit=2)
    with replay(dashboard(), two) as server, pytest.raises(LabError, match=r"2 annotations .* with state absent"):
        do(server, lab)
    with replay(dashboard(), two, remove(5), remove(6)) as server:
        result = do(server, lab, state="absent")
    assert counts(result) == (True, 0, 0, 2, 0)
    (problem,) = result["problems"]
    assert "2 annotations" in problem
    assert "run the task again" in problem
    with replay(dashboard(), find(there(6, IDLE), limit=2), make(BEGAN)) as server:
        assert do(server, lab)["problems"] == []


# --- what cannot be done -------------------------------------------------------------------------


def test_an_unknown_dashboard_is_told_in_a_sentence(lab: Lab) -> None:
    unknown = dashboard(status=404, body=body_of("91"))
    with replay(unknown) as server, pytest.raises(LabError, match="has no dashboard with the uid marks-1") as failed:
        do(server, lab)
    assert "grafana_dashboard" in failed.value.msg
    # Its marks went with it.
    with replay(unknown) as server:
        assert counts(do(server, lab, state="absent")) == (False, 0, 0, 0, 0)


def test_a_token_that_grafana_does_not_know(lab: Lab) -> None:
    with replay(dashboard(status=401, body=body_of("A38"))) as server, pytest.raises(LabError, match="401") as failed:
        do(server, lab)
    assert TOKENS["EDITOR"] not in f"{failed.value.msg}{failed.value.details}"


def test_a_viewer_may_not_mark(lab: Lab) -> None:
    seen = dashboard(auth=VIEWER), find(there(6, IDLE), auth=VIEWER)
    refused = make(BEGAN, auth=VIEWER, status=403, body=body_of("A30"))
    with replay(*seen, refused) as server, pytest.raises(LabError, match=r"403.*Access denied") as failed:
        do(server, lab, token=TOKENS["VIEWER"])
    assert counts(failed.value.details) == (False, 0, 0, 0, 1)
    assert server.slept == []


def test_a_dashboard_that_was_just_made_is_waited_for(lab: Lab) -> None:
    shown: list[str] = []
    refused = dashboard(status=403, body=body_of("82"))
    others = answer("GET", "/api/search?limit=1", body_of("92")[:1], auth=EDITOR)
    with replay(refused, others, refused, dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert counts(do(server, lab, shown=shown)) == (False, 0, 0, 0, 2)
    assert sum(server.slept) == 10
    assert len(shown) == 3
    # Where the token sees nothing at all, Grafana 11 answers so for what does not exist.
    nothing = answer("GET", "/api/search?limit=1", [], auth=EDITOR)
    with replay(refused, nothing) as server, pytest.raises(LabError, match="has no dashboard with the uid"):
        do(server, lab)
    assert server.slept == []


def test_the_dashboard_that_the_run_imported_is_marked(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "student-01" / "20261123T183840Z", tmp_path / "student-01" / "20261123T183840Z")
    given = (tmp_path, "student-01", "20261123T183840Z")
    assert task.imported_dashboard(*given) == "temporal-lab-benchmarking"
    last = tmp_path / "student-01" / "20261123T183840Z" / "dashboard-2.json"
    stage = json.loads(last.read_text())
    stage["facts"] = {"dashboard": {"uid": "mine"}}
    last.write_text(json.dumps(stage))
    assert task.imported_dashboard(*given) == "mine"
    for path in last.parent.glob("dashboard-*.json"):
        path.unlink()
    assert task.imported_dashboard(*given) == "temporal-lab-benchmarking"


def test_all_but_making_is_tried_again(lab: Lab) -> None:
    busy = {"status": 503, "body": {"message": "busy"}}
    wrong, old = {**IDLE, "text": "another"}, {**BEGAN, "text": "it ended", "time": 1, "timeEnd": 1}
    steps = [
        dashboard(**busy),
        dashboard(),
        find(status=500, body=body_of("A26")),
        find(how="hang"),
        find(there(6, wrong), there(9, old)),
        change(6, IDLE, **busy),
        change(6, IDLE),
        make(BEGAN),
        remove(9, how="cut"),
        remove(9),
    ]
    with replay(*steps) as server:
        assert counts(do(server, lab)) == (True, 1, 1, 1, 0)
    assert len(server.slept) == 5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 500, "body": body_of("A26")}, "Error while checking annotation permissions"),
        ({"status": 503, "body": {"message": "busy"}}, "busy"),
        ({"how": "hang"}, "did not answer POST /api/annotations within"),
    ],
)
def test_a_mark_is_never_made_twice(lab: Lab, fault: dict[str, Any], message: str) -> None:
    wrong = {**BEGAN, "text": "another"}
    # It may have been made: the next time it is looked for.
    steps = [dashboard(), find(there(5, wrong)), change(5, BEGAN), make(IDLE, **fault)]
    with replay(*steps) as server, pytest.raises(LabError, match=message) as failed:
        do(server, lab)
    assert counts(failed.value.details) == (True, 0, 1, 0, 0)
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert counts(do(server, lab)) == (False, 0, 0, 0, 2)


def test_a_mark_that_cannot_be_changed_is_not_made_anew(lab: Lab) -> None:
    found = find(there(5, BEGAN), there(6, {**IDLE, "text": "another"}))
    refused = change(6, IDLE, status=403, body=body_of("A30"))
    with replay(dashboard(), found, refused) as server, pytest.raises(LabError, match="403") as failed:
        do(server, lab)
    assert counts(failed.value.details) == (False, 0, 0, 0, 1)
    with replay(dashboard(), found, *[change(6, IDLE, how="drop")] * 30) as server:
        with pytest.raises(LabError, match="PATCH /api/annotations/6"):
            do(server, lab)
        server.steps.clear()


def test_a_grafana_that_stays_silent(lab: Lab) -> None:
    with replay(*[dashboard(how="hang")] * 30) as server:
        with pytest.raises(LabError, match=f"did not answer GET /api/dashboards/uid/{UID} within"):
            do(server, lab)
        assert 2 <= len(server.asked) < 30
        # How often it is asked in its time is a matter of chance.
        server.steps.clear()


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    with replay() as server:
        for state in ("present", "absent"):
            with pytest.raises(LabError, match="There is no run of student-01"):
                do(server, Lab(tmp_path), state=state)
        with pytest.raises(LabError, match="has no stage that can be marked"):
            do(server, Lab(tmp_path), run="another")


@pytest.mark.parametrize(
    "names",
    [
        {"student": "../x"},
        {"run": "a/b"},
        {"run": "a/b", "state": "absent"},
        {"student": "../x", "run": RUN, "state": "absent"},
    ],
)
def test_names_that_are_none(lab: Lab, names: dict[str, str]) -> None:
    with replay() as server, pytest.raises(LabError, match="cannot be a folder's name"):
        do(server, lab, **names)


def test_results_that_cannot_be_read_are_told_and_remove_nothing(lab: Lab) -> None:
    [file] = lab.path.iterdir()
    file.write_text("{")
    with replay() as server, pytest.raises(LabError, match="no stage that can be marked") as failed:
        do(server, lab)
    [problem] = failed.value.details["problems"]
    assert "baseline-1.json is not whole JSON" in problem
    write_baseline(lab)
    shown: list[str] = []
    with replay(dashboard(), find(there(5, BEGAN), there(6, IDLE))) as server:
        assert do(server, lab, shown=shown)["problems"] == [problem]
    assert shown[0].endswith(problem)


# --- as a module and as an action ----------------------------------------------------------------


def test_the_module_marks_by_the_options_that_it_is_given(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"results_dir": str(lab.folder), "student": STUDENT, "dashboard_uid": UID, "_ansible_diff": True}
    with replay(dashboard(), find(there(5, BEGAN)), make(IDLE)) as server:
        options = {**given, "url": server.address, "token": TOKENS["EDITOR"]}
        with patch_module_args(options), pytest.raises(SystemExit) as ended:
            module.main()
    out = capsys.readouterr().out
    result = json.loads(out)
    assert ended.value.code == 0
    assert counts(result) == (True, 1, 0, 0, 1)
    assert result["diff"]["after"].count("\n") == 2
    assert TOKENS["EDITOR"] not in out


def test_the_module_refuses_options_that_contradict_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"results_dir": "/x", "student": STUDENT, "url": "http://127.0.0.1:9", "service": "also"}
    with patch_module_args(options), pytest.raises(SystemExit):
        module.main()
    assert "mutually exclusive: url|service" in json.loads(capsys.readouterr().out)["msg"]


def test_the_module_fails_with_the_counts_so_far(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"results_dir": str(lab.folder), "student": STUDENT, "dashboard_uid": UID, "token": TOKENS["EDITOR"]}
    with replay(dashboard(), find(), make(BEGAN), make(IDLE, status=403, body=body_of("A30"))) as server:
        options = {**given, "url": server.address}
        with patch_module_args(options), pytest.raises(SystemExit) as ended:
            module.main()
    result = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert result["failed"]
    assert counts(result) == (True, 1, 0, 0, 0)


def test_its_documentation_is_its_argument_spec() -> None:
    assert task.TASK.validation == VALIDATION
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    own = {name: option for name, option in task.SPEC.items() if name not in GRAFANA}
    assert set(documented) == set(own)
    for name, option in own.items():
        assert {key: documented[name].get(key) for key in ("type", "default", "choices", "required")} == {
            key: option.get(key) for key in ("type", "default", "choices", "required")
        }, name
    groups = yaml.safe_load((Path(__file__).resolve().parents[3] / "meta" / "runtime.yml").read_text())["action_groups"]
    assert all("grafana_annotations" in groups[name] for name in ("cluster", "grafana", "results"))
