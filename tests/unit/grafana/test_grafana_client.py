# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client asks, and what it makes of answers, good and bad."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.connect import at_url
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import (
    TokenDamaged,
    basic,
    bearer,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import RequestFailed, Unreachable
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    ADMIN,
    ANONYMOUS,
    EDITOR,
    EDITOR2,
    HTML,
    PASSWORD,
    TOKENS,
    VIEWER,
    answer,
    body_of,
    exchanges,
    recorded,
    replay,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port


def said(error: LabError) -> str:
    """All that a user gets to see of an error."""
    return f"{error.msg} {error.details} {error!r}"


def test_each_helper_asks_as_recorded() -> None:
    dashboard = exchanges()["37"]["request"]["body"]["dashboard"]
    mark = exchanges()["A14"]["request"]["body"]
    script = ["1", "4", "8", recorded("12", sent={"name": "pusher-token"}), "16", "115", "118", "22", "33", "37", "38"]
    script += ["46", "A14", recorded("A18", auth=EDITOR), "A20", "A23", "99", "100", "104", "91", "105"]
    with replay(*script) as server:
        admin, editor = server.client(ADMIN), server.client(EDITOR)
        assert admin.version == (12, 3)
        assert admin.version == (12, 3)  # asked once
        assert admin.create_folder("ops", "Ops")["uid"] == "ops"
        assert admin.create_account("pusher", "Editor")["id"] == 2
        assert admin.create_token(2, "pusher-token")["key"] == TOKENS["EDITOR"]
        assert [token["name"] for token in admin.tokens(2)] == ["pusher-token"]
        admin.update_account(2, {"isDisabled": True})
        assert admin.delete_token(2, 1)
        assert editor.user()["uid"] == "service-account:2"
        assert {source["uid"] for source in editor.datasources()} == {"p3", "prom"}
        assert editor.save_dashboard(dashboard, "ops", "first")["version"] == 1
        assert set(editor.dashboard("lab-1") or {}) == {"meta", "dashboard"}
        assert editor.save_dashboard(dashboard, "ops", overwrite=True)["version"] == 3
        assert editor.create_annotation(mark) == 1
        found = editor.annotations({"tags": ["temporal-lab", "run:1"], "dashboardUID": "marks-1"})
        assert [row["id"] for row in found] == [2, 1]
        editor.update_annotation(1, {"text": "baseline, idle", "timeEnd": 1795440121000})
        editor.delete_annotation(1)
        assert editor.delete_dashboard("lab-2")
        assert not editor.delete_dashboard("lab-2")
        assert (editor.get_folder("ops") or {})["title"] == "Ops"
        assert editor.dashboard("nope") is None
        assert editor.get_folder("nope") is None  # 403, as Grafana answers an Editor
    assert server.slept == []


def test_an_account_is_found_by_its_exact_name_on_any_page() -> None:
    def page(number: int, names: list[str]) -> Any:
        accounts = [{"id": 100 * number + place, "name": name} for place, name in enumerate(names)]
        found = {"totalCount": 3, "serviceAccounts": accounts, "page": number, "perPage": 2}
        return answer("GET", f"/api/serviceaccounts/search?query=lab&perpage=100&page={number}", found)

    with replay(page(1, ["lab-2", "my lab"]), page(2, ["lab"])) as server:
        assert server.client(ADMIN).find_account("lab") == {"id": 200, "name": "lab"}
    with replay(page(1, ["lab-2", "my lab"]), page(2, ["Lab"])) as server:
        assert server.client(ADMIN).find_account("lab") is None
    # Fewer than were counted: one was removed meanwhile.
    with replay(page(1, ["lab-2", "my lab"]), page(2, [])) as server:
        assert server.client(ADMIN).find_account("lab") is None


def test_a_lifetime_of_no_end_is_not_sent() -> None:
    with replay("113", recorded("12")) as server:
        admin = server.client(ADMIN)
        assert admin.create_token(2, "short", 1)["id"] == 3
        assert admin.create_token(2, "pusher-token", 0)["id"] == 1


def test_a_version_that_is_hidden() -> None:
    with replay(answer("GET", "/api/health", {"database": "ok"}, auth=ANONYMOUS)) as server:
        assert server.client(ADMIN).version == (0, 0)


ERRORS = [
    (recorded("2"), None, 401, "auth.unauthorized", "for GET /api/org (401): Unauthorized; give a valid user"),
    (
        recorded("3", auth=ADMIN),
        ADMIN,
        401,
        "password-auth.failed",
        "(401): Invalid username or password; give a valid user",
    ),
    (recorded("23"), EDITOR, 403, "", "Permissions needed: serviceaccounts:read; give the account a role"),
    (
        recorded("14"),
        ADMIN,
        404,
        "serviceaccounts.ErrNotFound",
        "(404): service account not found; check whether it was",
    ),
    (recorded("102"), EDITOR, 404, "", "has no object for GET /api/no-such-thing (404): Not found"),
    (answer("GET", "/api/x", b"404 page not found", 404), ADMIN, 404, "", "has no /api/x (404); correct the address"),
    (recorded("27"), ADMIN, 409, "", "(409): data source with the same name already exists; someone else changed"),
    (recorded("39"), EDITOR, 412, "", "(412): The dashboard has been changed by someone else; someone else changed"),
    (recorded("62"), EDITOR, 400, "", "(400): Dashboard title cannot be empty; correct what was sent."),
    (answer("GET", "/api/x", b"nope", 400), ADMIN, 400, "", "refused GET /api/x (400); correct what was sent."),
    (
        answer("GET", "/api/x", b"Client sent an HTTP request to an HTTPS server.\n", 400),
        ADMIN,
        400,
        "",
        "refused GET /api/x (400); begin its address with https",
    ),
    (answer("GET", "/api/x", HTML, 413), ADMIN, 413, "", "What GET /api/x sent is too large for Grafana at"),
    (
        answer("GET", "/api/x", HTML, 403),
        ADMIN,
        403,
        "",
        "(403), with a page of HTML, as a proxy in between would send; give",
    ),
    (
        answer("GET", "/api/x", status=302, headers={"Location": f"/login?redirect={PASSWORD}"}),
        ADMIN,
        302,
        "",
        "redirects GET /api/x to /login (302); give the address of Grafana itself",
    ),
    (recorded("22", how="html"), EDITOR, 200, "", "was answered with a page of HTML instead of JSON: a proxy or login"),
    (recorded("22", how="half"), EDITOR, 200, "", "was answered with JSON that breaks off after"),
    (answer("GET", "/api/x", b"OK", headers={}), ADMIN, 200, "", "no answer of Grafana (content type unnamed)"),
    (
        answer("GET", "/api/x", {"message": "no"}, 422),
        ADMIN,
        422,
        "",
        "refused GET /api/x (422): no; check Grafana's log",
    ),
]


@pytest.mark.parametrize(("step", "auth", "status", "message_id", "text"), ERRORS, ids=lambda value: str(value)[:30])
def test_errors_say_what_was_asked_of_whom_what_came_and_what_to_do(
    step: Any, auth: str | None, status: int, message_id: str, text: str
) -> None:
    with replay(step) as server:
        body = step.sent if step.method == "POST" else None
        with pytest.raises(RequestFailed, match=re.escape(text)) as caught:
            server.client(auth).request(step.method, step.path, body=body or None)
    error = caught.value
    assert (error.status, error.code) == (status, message_id)
    assert f"Grafana at {server.address}" in error.msg
    assert error.details["grafana"]["status"] == status
    assert "SSO of Example" not in said(error)
    for secret in (PASSWORD, *TOKENS.values(), ADMIN.split()[1]):
        assert secret not in said(error)


def test_what_is_allowed_is_returned() -> None:
    with replay("14", answer("GET", "/api/x", HTML, 404)) as server:
        admin = server.client(ADMIN)
        body = exchanges()["14"]["request"]["body"]
        assert admin.request("POST", "/api/serviceaccounts/4242/tokens", body=body, allowed=(404,))[0] == 404
        assert admin.request("GET", "/api/x", allowed=(404,)) == (404, None)


def test_a_secret_that_is_repeated_by_the_answer_is_not_shown() -> None:
    echo = {"message": f"bad header {ADMIN} with {PASSWORD}", "messageId": PASSWORD}
    with replay(
        answer("GET", "/api/x", echo, 400), answer("GET", "/api/x", {"message": EDITOR}, 400, auth=EDITOR)
    ) as s:
        with pytest.raises(RequestFailed, match=r"bad header Basic \*{8} with \*{8}") as caught:
            s.client(ADMIN).request("GET", "/api/x")
        assert PASSWORD not in said(caught.value)
        with pytest.raises(RequestFailed, match=r"Bearer \*{8}; correct") as caught:
            s.client(EDITOR).request("GET", "/api/x")
        assert TOKENS["EDITOR"] not in said(caught.value)


@pytest.mark.parametrize("how", ["cut", "drop", "hang"])
def test_a_read_without_a_whole_answer_is_made_again(how: str) -> None:
    with replay(recorded("22", how=how), recorded("22", how=how), "22") as server:
        assert server.client(EDITOR).user()["name"] == "pusher"
    assert len(server.slept) == 2


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("cut", "closed the connection while answering POST /api/annotations: check whether it restarts"),
        ("drop", "closed the connection while answering POST /api/annotations"),
        ("hang", "did not answer POST /api/annotations within 2 s: check that it runs"),
    ],
)
def test_a_write_that_may_have_been_received_is_not_made_again(how: str, text: str) -> None:
    step = answer("POST", "/api/annotations", sent={"text": "x"}, auth=EDITOR, how=how)
    with replay(step) as server, pytest.raises(Unreachable, match=re.escape(text)):
        server.client(EDITOR).create_annotation({"text": "x"})
    assert server.slept == []


def test_a_write_of_which_a_second_time_does_no_harm_is_made_again() -> None:
    body = exchanges()["46"]["request"]["body"]
    with replay(recorded("46", how="cut"), recorded("46", status=503), "46") as server:
        assert server.client(EDITOR).save_dashboard(body["dashboard"], "ops", overwrite=True)["version"] == 3
    with replay(recorded("A20", how="drop"), "A20") as server:
        server.client(EDITOR).update_annotation(1, exchanges()["A20"]["request"]["body"])


def test_a_write_that_was_not_received_is_made_again() -> None:
    slept: list[float] = []
    address = f"http://127.0.0.1:{free_port()}"
    grafana = Grafana(*at_url(address), EDITOR, sleep=slept.append, clock=lambda: sum(slept))
    with pytest.raises(Unreachable, match=re.escape(f"Grafana at {address} does not answer (connection refused)")):
        grafana.create_annotation({"text": "x"})
    assert len(slept) > 5
    assert 40 < sum(slept) < 45


@pytest.mark.parametrize(("status", "tries"), [(502, 2), (503, 2), (504, 2), (500, 2), (501, 1), (404, 1)])
def test_reads_are_made_again_after_temporary_answers(status: int, tries: int) -> None:
    bad = answer("GET", "/api/user", {"message": "not now"}, status, auth=EDITOR)
    with replay(*[bad] * (tries - 1), "22" if tries > 1 else bad) as server:
        if tries > 1:
            server.client(EDITOR).user()
        else:
            with pytest.raises(RequestFailed):
                server.client(EDITOR).user()


def test_writes_are_not_made_again_after_5xx() -> None:
    change = recorded("A20", status=500, body={"message": "no"})
    with replay("A26", recorded("A14", status=503, body={"message": "busy"}), change) as server:
        editor = server.client(EDITOR)
        with pytest.raises(RequestFailed, match="Error while checking annotation permissions") as caught:
            editor.create_annotation(exchanges()["A26"]["request"]["body"])
        assert caught.value.status == 500
        with pytest.raises(RequestFailed, match="503"):
            editor.create_annotation(exchanges()["A14"]["request"]["body"])
        # Nor one of which a second time would do no harm: 500 says what Grafana thinks of it.
        with pytest.raises(RequestFailed, match="500"):
            editor.update_annotation(1, exchanges()["A20"]["request"]["body"])
    assert server.slept == []


def test_the_rest_that_grafana_asks_for_is_given_also_before_writes() -> None:
    busy = recorded("A14", status=429, headers={"Retry-After": "3"}, body=None)
    with replay(busy, "A14") as server:
        assert server.client(EDITOR).create_annotation(exchanges()["A14"]["request"]["body"]) == 1
    assert server.slept == [3.0]


def test_a_rest_beyond_the_deadline_is_not_waited_for() -> None:
    busy = answer("GET", "/api/user", status=429, headers={"Retry-After": "120"}, auth=EDITOR)
    text = r"\(429 to GET /api/user\), retry after 120 s"
    with replay(busy) as server, pytest.raises(RequestFailed, match=text):
        server.client(EDITOR).user()


def test_the_deadline_ends_the_tries() -> None:
    bad = answer("GET", "/api/user", status=502, auth=EDITOR)
    with replay(*[bad] * 30) as server:
        with pytest.raises(RequestFailed, match=r"failed to answer GET /api/user \(502\); check whether"):
            server.client(EDITOR, deadline=5).user()
        del server.steps[:]
    assert 2 < sum(server.slept) < 5


def test_the_permission_cache_is_waited_for_by_those_who_ask() -> None:
    lines: list[str] = []
    with replay("124", "124", recorded("124", status=200, body=body_of("37"))) as server:
        editor = server.client(EDITOR2)
        saved = exchanges()["124"]["request"]["body"]
        answered = editor.patient_403(lambda: editor.save_dashboard(saved["dashboard"], "late"), show=lines.append)
        assert answered["uid"] == "lab-1"
    assert server.slept == [5.0, 5.0]
    assert lines[0].endswith("): up to 65 s left")


def test_the_permission_cache_is_waited_for_no_longer_than_it_lasts() -> None:
    with replay(*["123"] * 14) as server:
        editor = server.client(EDITOR2)
        with pytest.raises(RequestFailed, match=r"folders:read; give the account a role .* wait a minute"):
            editor.patient_403(lambda: editor.request("GET", "/api/folders/late"))
    assert sum(server.slept) == 65
    with replay("101") as server:
        viewer = server.client(VIEWER)
        with pytest.raises(RequestFailed, match="403"):
            viewer.delete_dashboard("lab-1")
    assert server.slept == []
    with replay("2") as server:
        anonymous = server.client(None)
        with pytest.raises(RequestFailed, match="401"):
            anonymous.patient_403(lambda: anonymous.request("GET", "/api/org"))
    assert server.slept == []


SHAPES = [
    ("/api/datasources", "datasources", (), {"a": 1}),
    ("/api/datasources", "datasources", (), ["a"]),
    ("/api/user", "user", (), [1]),
    ("/api/folders/x", "get_folder", ("x",), {"title": "no uid"}),
    ("/api/dashboards/uid/x", "dashboard", ("x",), {"dashboard": {}}),
    ("/api/serviceaccounts/1/tokens", "tokens", (1,), None),
]


@pytest.mark.parametrize(("path", "helper", "arguments", "body"), SHAPES)
def test_an_answer_of_another_shape(path: str, helper: str, arguments: tuple[Any, ...], body: Any) -> None:
    text = r"with something unexpected \(.*\): check whether it is a Grafana"
    with replay(answer("GET", path, body)) as server, pytest.raises(RequestFailed, match=text):
        getattr(server.client(ADMIN), helper)(*arguments)


def test_names_in_paths_are_quoted() -> None:
    with replay(answer("GET", "/api/folders/a%2F..%2Fb%3Fc", status=404)) as server:
        assert server.client(ADMIN).get_folder("a/../b?c") is None


def test_what_cannot_be_json() -> None:
    grafana = Grafana(*at_url("http://127.0.0.1:1"), None)
    with pytest.raises(LabError, match="cannot be written as JSON"):
        grafana.create_annotation({"time": float("nan")})


def test_headers_that_say_who_asks() -> None:
    assert basic("admin", "pä:ss") == "Basic YWRtaW46cMOkOnNz"
    assert bearer(" glsa_x\n") == "Bearer glsa_x"
    for token in ("", " ", "glsa_x\nX-Other: 1", "glsa_ü", "two words"):
        with pytest.raises(TokenDamaged) as caught:
            bearer(token)
        assert not token.strip() or token not in caught.value.msg
