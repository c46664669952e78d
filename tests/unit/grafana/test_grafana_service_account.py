# SPDX-License-Identifier: GPL-3.0-or-later
"""The task grafana_service_account: the account, its token, and that nobody gets to see the token."""

from __future__ import annotations

import base64
import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    connect as arguments,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    grafana_service_account as service_account,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.grafana_service_account import (
    belongs,
    is_ours,
    seconds_left,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.token_store import FileStore, Token
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import RequestFailed, Unreachable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import Answer, Asked, status
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    HTML,
    PASSWORD,
    TOKENS,
    Accounts,
    accounts_served,
    answer,
    body_of,
    recorded,
    replay,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port, run_playbook

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = f"{SECRETS}/my-temporal-grafana-token"
SEARCH = "/api/serviceaccounts/search?query=pusher&perpage=100&page=1"
NONE = answer("GET", SEARCH, {"totalCount": 0, "serviceAccounts": [], "page": 1, "perPage": 100})
FOUND = recorded("17", path=SEARCH)
NAME = re.compile(r"pusher-\d{8}T\d{6}Z-[0-9a-f]{8}")
DAY = 86400


class Named:
    """Equal to the request for a token with a name of ours."""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, dict) and NAME.fullmatch(other["name"]) is not None and other["secondsToLive"] == 30 * DAY
        )

    __hash__ = None


@dataclass
class Task:
    """Runs the task as Ansible would. ``lines`` is what it showed, ``results`` what it returned."""

    store: Path
    slept: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)

    def __call__(self, url: str | None, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        given = {"url": url, "username": "admin", "password": PASSWORD, "name": "pusher", **options}
        if "token_secret" not in given:
            given["token_file"] = str(self.store)
        checked = ArgumentSpecValidator(service_account.SPEC, **arguments.VALIDATION).validate(given)
        assert not checked.error_messages
        context = Context(check_mode=check, diff=diff, show=self.lines.append)
        self.results.append(None)
        try:
            self.results[-1] = service_account.run(checked.validated_parameters, context)
        except LabError as error:
            self.results[-1] = (error.msg, error.details, repr(error), repr(error.__context__))
            raise
        return self.results[-1]

    def kept(self) -> Token | None:
        return FileStore(str(self.store)).read()

    def keep(self, key: str, name: str = "pusher-token", **more: str) -> None:
        FileStore(str(self.store)).write(Token(key, "pusher", name, **more), self.kept())


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    """The task, with waits that take no time; nothing that it returned, showed or raised may hold a secret."""
    found = Task(tmp_path / "token.json")
    quick = functools.partial(
        Grafana,
        timeout=60.0,
        deadline=5.0,
        sleep=found.slept.append,
        clock=lambda: sum(found.slept),
    )
    monkeypatch.setattr(arguments, "Grafana", quick)
    yield found
    shown = json.dumps([found.lines, found.results], default=str)
    assert "glsa_" not in shown
    assert PASSWORD not in shown


@pytest.fixture
def grafana() -> Iterator[Accounts]:
    with accounts_served() as served:
        yield served


# -- as recorded --------------------------------------------------------------


def test_an_account_and_a_token_are_made(task: Task) -> None:
    create, older = (
        recorded("12", sent=Named()),
        answer("DELETE", "/api/serviceaccounts/2/tokens/0", {"message": "deleted"}),
    )
    listed = [
        {"id": 1, "name": "new"},
        {"id": 0, "name": "pusher-20261101T000000Z-0badcafe"},
        {"id": -1, "name": "pusher-mine"},
    ]
    tokens = recorded("16", body=listed)
    with replay(NONE, "8", create, tokens, older) as server:
        result = task(server.address, diff=True)
    assert result["changed"]
    assert result["account"] == {"id": 2, "name": "pusher", "login": "sa-1-pusher", "role": "Editor", "disabled": False}
    token = result["token"]
    assert NAME.fullmatch(token.pop("name"))
    assert token == {"state": "created", "expires": ANY, "place": f"file {task.store}"}
    left = datetime.fromisoformat(token["expires"].replace("Z", "+00:00")) - datetime.now(timezone.utc)
    assert timedelta(days=29.9) < left < timedelta(days=30)
    assert (task.kept() or Token("")).key == TOKENS["EDITOR"]
    assert result["diff"]["before"] == {"account": None, "token": None}
    assert result["diff"]["after"]["account"]["role"] == "Editor"
    assert set(result["diff"]["after"]["token"]) == {"name", "expires"}
    assert task.lines == ["creating a token of account pusher: no token is stored"]


def test_a_token_that_is_accepted_is_kept(task: Task) -> None:
    task.keep(TOKENS["EDITOR"])
    with replay(FOUND, "22", "16") as server:
        result = task(server.address, diff=True)
    assert not result["changed"]
    # As Grafana says: this one does not expire.
    assert result["token"] == {"state": "kept", "name": "pusher-token", "expires": "", "place": f"file {task.store}"}
    assert result["diff"]["before"] == result["diff"]["after"]
    assert task.lines == []


def test_check_mode_only_looks(task: Task) -> None:
    with replay(NONE) as server:
        result = task(server.address, check=True, diff=True)
    assert result["changed"]
    assert result["account"]["id"] is None
    assert (result["token"]["state"], result["token"]["name"]) == ("created", "a new one")
    assert task.lines == ["would create a token of account pusher: no token is stored"]
    assert task.kept() is None
    task.keep(TOKENS["EDITOR"])
    with replay(FOUND, "22", "16") as server:
        result = task(server.address, check=True, role="Viewer", diff=True)
    assert result["changed"]
    assert result["diff"]["before"]["account"]["role"] == "Editor"
    assert result["diff"]["after"]["account"]["role"] == "Viewer"
    assert result["token"]["state"] == "kept"
    with replay(FOUND) as server:
        result = task(server.address, check=True, state="absent")
    assert result["changed"]
    assert task.kept() is not None


REFUSALS = [
    (
        answer("GET", SEARCH, body_of("3"), 401),
        "rejected the credentials .*Invalid username or password; correct `user",
    ),
    (answer("GET", SEARCH, body_of("23"), 403), "denied GET .*serviceaccounts:read; give the account a role"),
    (
        answer("GET", SEARCH, b"404 page not found", 404),
        "has no /api/serviceaccounts/search .404.; correct the address",
    ),
    (answer("GET", SEARCH, how="html"), "with a page of HTML instead of JSON: a proxy or login page"),
    (answer("GET", SEARCH, {"serviceAccounts": [], "totalCount": 0}, how="half"), "with JSON that breaks off after"),
    (
        answer("GET", SEARCH, status=302, headers={"Location": "/login"}),
        r"to /login \(302\); give the address of Grafana",
    ),
    (answer("GET", SEARCH, HTML, 400), r"refused GET .* \(400\), with a page of HTML"),
    (answer("GET", SEARCH, {"serviceAccounts": {}}), r"something unexpected \(it has no totalCount\)"),
]


@pytest.mark.parametrize(("step", "text"), REFUSALS, ids=[text[:20] for _step, text in REFUSALS])
def test_answers_that_end_the_task(task: Task, step: Any, text: str) -> None:
    with replay(step) as server, pytest.raises(RequestFailed, match=text):
        task(server.address)
    assert task.kept() is None
    assert task.slept == []


@pytest.mark.parametrize("how", ["cut", "hang", "drop"])
def test_a_look_without_an_answer_is_taken_again(task: Task, how: str) -> None:
    task.keep(TOKENS["EDITOR"])
    busy = answer("GET", SEARCH, {"message": "starting"}, 503)
    with replay(answer("GET", SEARCH, {}, how=how), busy, FOUND, recorded("22", status=500), "22", "16") as server:
        assert not task(server.address)["changed"]
    assert len(task.slept) == 3


@pytest.mark.parametrize("how", ["cut", "hang", "drop"])
def test_what_is_made_without_an_answer_is_not_made_again(task: Task, how: str) -> None:
    with replay(NONE, recorded("8", how=how)) as server, pytest.raises(Unreachable, match="POST /api/serviceaccounts"):
        task(server.address)
    with replay(FOUND, recorded("12", sent=Named(), how=how)) as server, pytest.raises(Unreachable):
        task(server.address)
    assert task.slept == []
    assert task.kept() is None


@pytest.mark.parametrize("code", [400, 409, 412, 413, 500, 503])
def test_an_account_that_cannot_be_made(task: Task, code: int) -> None:
    refused = recorded("8", status=code, body={"message": "no room"})
    again = [NONE] if code == 409 else []
    text = "no account named exactly pusher" if code == 409 else "no room"
    with replay(NONE, refused, *again) as server, pytest.raises(LabError, match=rf"\({code}\).*{text}"):
        task(server.address)


def test_a_grafana_that_is_not_there(task: Task) -> None:
    with pytest.raises(Unreachable, match=r"does not answer \(connection refused\): check"):
        task(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "taken", [recorded("9", sent=ANY), recorded("9", sent=ANY, status=409, body={"message": "service account exists"})]
)
def test_somebody_else_made_the_account_meanwhile(task: Task, taken: Any) -> None:
    """400 is what Grafana 12 says, 409 what older ones do. The one that is there is made as it is wanted."""
    change = answer("PATCH", "/api/serviceaccounts/2", body_of("115"), sent={"role": "Viewer"})
    with replay(NONE, taken, FOUND, change, recorded("12", sent=Named()), "16") as server:
        assert task(server.address, role="Viewer")["account"]["role"] == "Viewer"
    assert task.slept == [5.5]


def test_a_name_that_grafana_takes_for_another_one(task: Task, grafana: Accounts) -> None:
    Task(task.store.with_name("other.json"))(grafana.address, name="Pusher")
    with pytest.raises(LabError, match=r"already exists.* no account named exactly pusher, but one"):
        task(grafana.address)


def test_an_account_whose_tokens_are_not_yet_permitted(task: Task) -> None:
    """Only after the account was made in the same task: else a 403 is meant."""
    refused = recorded("12", sent=Named(), status=403, body=body_of("23"))
    with replay(NONE, "8", *[refused] * 3, recorded("12", sent=Named()), "16") as server:
        assert task(server.address)["changed"]
    assert task.slept == [5.0, 5.0, 5.0]
    assert "up to 65 s left" in task.lines[1]
    task.store.unlink()
    with replay(FOUND, refused) as server, pytest.raises(RequestFailed, match="403"):
        task(server.address)
    assert len(task.slept) == 3


# -- the token ----------------------------------------------------------------


def test_role_and_state_are_changed_and_forgotten(task: Task, grafana: Accounts) -> None:
    first = task(grafana.address)
    key = (task.kept() or Token("")).key
    second = task(grafana.address, role="Viewer", diff=True)
    assert second["changed"]
    assert second["token"]["name"] == first["token"]["name"]
    assert second["diff"]["before"]["account"]["role"] == "Editor"
    assert grafana.accounts[0]["role"] == "Viewer"
    assert task.slept == [5.5]
    # A disabled account's token would be refused, so that it is not tried, and kept for later.
    third = task(grafana.address, disabled=True)
    assert (third["changed"], third["account"]["disabled"], third["token"]["state"]) == (True, True, "kept")
    assert not task(grafana.address, disabled=True)["changed"]
    fourth = task(grafana.address)
    assert (fourth["changed"], fourth["token"]["state"]) == (True, "kept")
    assert (task.kept() or Token("")).key == key
    assert not task(grafana.address)["changed"]


def test_a_disabled_account_gets_no_token(task: Task, grafana: Accounts) -> None:
    result = task(grafana.address, disabled=True)
    assert (result["changed"], result["token"]["state"], result["token"]["name"]) == (True, "none", "")
    assert grafana.accounts[0]["isDisabled"]
    assert grafana.names() == []
    assert not task(grafana.address, disabled=True)["changed"]


def lose(task: Task, grafana: Accounts) -> None:
    task.store.unlink()


def delete(task: Task, grafana: Accounts) -> None:
    grafana.keys.clear()


def expire(task: Task, grafana: Accounts) -> None:
    for token in grafana.keys.values():
        token["expires"] = datetime.now(timezone.utc) - timedelta(seconds=1)


def nearly_expire(task: Task, grafana: Accounts) -> None:
    for token in grafana.keys.values():
        token["expires"] = datetime.now(timezone.utc) + timedelta(seconds=DAY - 60)


def swap(task: Task, grafana: Accounts) -> None:
    """The token of another account is kept."""
    other = {**body_of("18"), "id": 77, "name": "viewer"}
    grafana.accounts.append(other)
    grafana.keys["glsa_of_another"] = {"id": 78, "account": 77, "name": "theirs", "expires": None}
    task.keep("glsa_of_another", "theirs")


def damage(task: Task, grafana: Accounts) -> None:
    task.keep("glsa_with\nmore", "pusher-token")


WHY = [
    (lose, "no token is stored", "created"),
    (delete, "Grafana rejected the stored token (401)", "renewed"),
    (expire, "Grafana rejected the stored token (401)", "renewed"),
    (nearly_expire, "the stored token expires in 86", "renewed"),
    (swap, "the stored token belongs to a different account", "renewed"),
    (damage, "the stored token is damaged", "renewed"),
]


@pytest.mark.parametrize(("happen", "why", "state"), WHY)
def test_a_token_that_cannot_stay_is_replaced(
    task: Task, grafana: Accounts, happen: Callable[[Task, Accounts], None], why: str, state: str
) -> None:
    first = task(grafana.address)
    grafana.keys["glsa_by_hand"] = {"id": 0, "account": 2, "name": "pusher-by-hand", "expires": None}
    happen(task, grafana)
    checked = task(grafana.address, check=True)
    assert (checked["changed"], checked["token"]["state"]) == (True, state)
    second = task(grafana.address)
    assert (second["changed"], second["token"]["state"]) == (True, state)
    assert why in task.lines[-1]
    assert second["token"]["name"] != first["token"]["name"]
    kept = task.kept()
    assert kept is not None
    assert (kept.name, grafana.keys[kept.key]["name"]) == (second["token"]["name"], second["token"]["name"])
    # Older ones of ours are gone; what somebody made by hand stays, and so does what is another account's.
    assert first["token"]["name"] not in grafana.names()
    assert ("theirs" in grafana.names()) == (happen is swap)
    assert ("pusher-by-hand" in grafana.names()) == (happen not in (delete,))
    assert not task(grafana.address)["changed"]


def test_a_token_without_an_end(task: Task, grafana: Accounts) -> None:
    assert task(grafana.address, token_lifetime=0)["token"]["expires"] == ""
    assert [token["expires"] for token in grafana.keys.values()] == [None]
    assert not task(grafana.address, token_lifetime=0)["changed"]


def test_the_second_run_with_the_default_lifetime_writes_nothing(task: Task, grafana: Accounts) -> None:
    task(grafana.address)
    asked = len(grafana.asked)
    result = task(grafana.address)
    assert (result["changed"], result["token"]["state"]) == (False, "kept")
    assert {one.partition(" ")[0] for one in grafana.asked[asked:]} == {"GET"}
    assert result["token"]["expires"] == f"{next(iter(grafana.keys.values()))['expires']:%Y-%m-%dT%H:%M:%SZ}"


#: Seconds that the tokens of exchange 9 have left in the minute in which it was recorded.
RECORDED_LEFT = {
    "rec-tok-editor": (30 * DAY, 0.0),
    "rec-tok-eight": (8 * DAY, 0.0),
    "rec-tok-short": (DAY, 60.0),
    "rec-tok-ever": (None, 0.0),
}


@pytest.mark.parametrize("number", ["11.6-9", "12.3-9"])
def test_what_tokens_have_left_on_each_version(number: str) -> None:
    rows = {row["name"]: row for row in body_of(number)}
    assert rows["rec-tok-editor"]["secondsUntilExpiration"] == 0
    for name, (seconds, tolerance) in RECORDED_LEFT.items():
        made = datetime.fromisoformat(rows[name]["created"].replace("Z", "+00:00"))
        left = seconds_left(rows[name], made)
        assert left == (seconds if seconds is None else pytest.approx(seconds, abs=tolerance)), name


def test_what_a_token_has_left_is_by_grafanas_clock_where_it_says() -> None:
    now = datetime(2026, 11, 30, tzinfo=timezone.utc)
    row = {"expiration": "2026-12-01T00:00:00Z", "secondsUntilExpiration": 7.5, "hasExpired": False}
    assert seconds_left(row, now) == 7.5
    assert seconds_left({**row, "secondsUntilExpiration": 0, "hasExpired": True}, now) == 0
    assert seconds_left({**row, "secondsUntilExpiration": 0}, now) == DAY
    assert seconds_left({**row, "secondsUntilExpiration": 0, "expiration": "2026-12-01T01:00:00.25+01:00"}, now) == DAY
    # Grafana has just accepted it, and does not say how long it will.
    assert seconds_left({**row, "secondsUntilExpiration": 0, "expiration": "soon"}, now) is None


def test_an_expiry_that_is_only_noted(task: Task, grafana: Accounts) -> None:
    """The token is in the list by another name: renamed by hand, or the note was."""
    task(grafana.address)
    key = (task.kept() or Token("")).key
    task.keep(key, "another name", expires=f"{datetime.now(timezone.utc) + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}")
    assert not task(grafana.address)["changed"]
    task.keep(key, "another name", expires=f"{datetime.now(timezone.utc) + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}")
    assert task(grafana.address)["token"]["state"] == "renewed"


def test_a_token_that_cannot_be_kept_is_deleted_again(
    task: Task, grafana: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise LabError("The disk is full.")

    monkeypatch.setattr(FileStore, "write", full)
    with pytest.raises(LabError, match=r"^The disk is full\.$"):
        task(grafana.address)
    assert grafana.names() == []
    assert [call for call in grafana.asked if call.startswith("DELETE")] == ["DELETE /api/serviceaccounts/2/tokens/3"]


def test_a_token_is_kept_before_the_older_ones_are_removed(task: Task, grafana: Accounts) -> None:
    first = task(grafana.address)["token"]["name"]
    kept: list[str] = []
    grafana.before = lambda method, path: kept.append((task.kept() or Token("")).name) if method == "DELETE" else None
    nearly_expire(task, grafana)
    second = task(grafana.address)["token"]["name"]
    assert (kept, grafana.names()) == ([second], [second])
    assert first != second


def test_a_place_that_is_someone_elses_is_seen_before_anything_is_made(task: Task, grafana: Accounts) -> None:
    task.store.write_text("important")
    task.store.chmod(0o600)
    with pytest.raises(LabError, match="is left as it is, because it is not a token file of the lab"):
        task(grafana.address)
    assert grafana.asked == []
    assert task.store.read_text() == "important"


def test_a_file_of_another_account_is_refused_before_anything_is_made(task: Task, grafana: Accounts) -> None:
    task(grafana.address)
    kept, asked = task.kept(), list(grafana.asked)
    with pytest.raises(LabError, match=r"keeps the token of the Grafana account pusher, not of other: give each"):
        task(grafana.address, name="other")
    assert (task.kept(), grafana.asked) == (kept, asked)
    # Its own goes on as before.
    assert not task(grafana.address)["changed"]


def test_two_accounts_at_once_with_one_file(task: Task, grafana: Accounts) -> None:
    """The file was not there when both looked: one gets it, the other leaves it alone, in this run and all others."""
    meet(grafana, "POST", "/api/serviceaccounts")
    results: list[Any] = []

    def one(name: str) -> None:
        try:
            results.append(task(grafana.address, name=name)["token"]["name"])
        except LabError as error:
            results.append(error.msg)

    threads = [threading.Thread(target=one, args=(name,)) for name in ("pusher", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (refused,) = (text for text in results if "keeps the token of the Grafana account" in text)
    (made,) = (text for text in results if text != refused)
    assert (task.kept() or Token("")).name == made
    assert grafana.names() == [made]


def test_an_account_in_two_places_is_told(task: Task, grafana: Accounts) -> None:
    assert "warnings" not in task(grafana.address)
    second = Task(task.store.with_name("second.json"))
    (told,) = second(grafana.address)["warnings"]
    assert "pusher" in told
    assert "each run takes it from the other" in told
    # The one that is known, and one that has expired, are no surprise.
    nearly_expire(second, grafana)
    assert "warnings" not in second(grafana.address)


# -- a Secret -----------------------------------------------------------------


def serve_secret(api: Any) -> dict[str, Any]:
    """Let the scripted API server remember the Secret; gives what it remembers."""
    memory: dict[str, Any] = {}

    def get(_asked: Asked) -> Answer:
        return Answer(memory["secret"]) if memory else status(404, "not found", "NotFound")

    def put(asked: Asked) -> Answer:
        if asked.method == "POST" and memory:
            return status(409, "already exists", "AlreadyExists")
        wanted = asked.body["metadata"].get("resourceVersion")
        if asked.method == "PATCH" and wanted != memory["secret"]["metadata"]["resourceVersion"]:
            return status(409, "the object has been modified", "Conflict")
        version = str(int(wanted or "1") + 1)
        memory["secret"] = {**asked.body, "metadata": {**asked.body["metadata"], "resourceVersion": version}}
        return Answer(memory["secret"])

    def delete_(_asked: Asked) -> Answer:
        memory.clear()
        return Answer({})

    api.on("GET", SECRET, get)
    api.on("POST", SECRETS, put)
    api.on("PATCH", SECRET, put)
    api.on("DELETE", SECRET, delete_)
    return memory


def test_a_token_in_a_secret_from_first_to_last(task: Task, grafana: Accounts, api: Any, kubeconfig: Path) -> None:
    memory = serve_secret(api)
    place = {"kubeconfig": str(kubeconfig), "token_secret": None}
    first = task(grafana.address, **place)
    assert first["token"]["place"] == "Secret my-temporal-grafana-token in namespace default"
    key = base64.b64decode(memory["secret"]["data"]["token"]).decode()
    assert grafana.keys[key]["name"] == first["token"]["name"]
    assert not task(grafana.address, **place)["changed"]
    grafana.keys.clear()
    assert task(grafana.address, **place)["token"]["state"] == "renewed"
    removed = task(grafana.address, state="absent", diff=True, **place)
    assert (removed["changed"], removed["token"]["state"], removed["account"]) == (True, "removed", None)
    assert removed["diff"]["after"] == {"account": None, "token": None}
    assert (memory, grafana.accounts, grafana.keys) == ({}, [], {})
    again = task(grafana.address, state="absent", **place)
    assert (again["changed"], again["token"]["state"]) == (False, "none")


def test_a_secret_that_may_not_be_written(task: Task, grafana: Accounts, api: Any, kubeconfig: Path) -> None:
    api.on("POST", SECRETS, status(403, 'secrets is forbidden: User "s" cannot create resource', "Forbidden"))
    with pytest.raises(LabError, match=r"cannot be kept in Secret .* cannot create resource; .* with `token_file`"):
        task(grafana.address, kubeconfig=str(kubeconfig), token_secret=None)
    assert grafana.names() == []


def test_absent_leaves_the_token_of_another_account(task: Task, grafana: Accounts) -> None:
    task(grafana.address)
    result = task(grafana.address, name="other", state="absent")
    assert (result["changed"], result["token"]["state"]) == (False, "none")
    assert "which is of account pusher" in task.lines[-1]
    assert task.kept() is not None


# -- two at once --------------------------------------------------------------


def both(run: Callable[[], Any]) -> list[Any]:
    """What two threads come to."""
    results: list[Any] = []

    def one() -> None:
        try:
            results.append(run())
        except LabError as error:
            results.append(error.msg)

    threads = [threading.Thread(target=one) for _thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def meet(grafana: Accounts, method: str, path: str) -> None:
    """Let the first two requests of a kind be answered together."""
    barrier = threading.Barrier(2)
    left = [2]
    lock = threading.Lock()

    def before(asked: str, at: str) -> None:
        with lock:
            mine = (asked, at) == (method, path) and left[0] > 0
            left[0] -= mine
        if mine:
            barrier.wait(10)

    grafana.before = before


@pytest.mark.parametrize("duplicate", [400, 409])
@pytest.mark.parametrize("kept_in", ["file", "secret"])
def test_two_at_once_make_one_account_and_one_token(
    task: Task, grafana: Accounts, api: Any, kubeconfig: Path, kept_in: str, duplicate: int
) -> None:
    memory = serve_secret(api)
    grafana.duplicate = duplicate
    place = {"kubeconfig": str(kubeconfig), "token_secret": None} if kept_in == "secret" else {}
    meet(grafana, "POST", "/api/serviceaccounts")
    results = both(lambda: task(grafana.address, **place))
    assert [result["account"]["name"] for result in results] == ["pusher", "pusher"], results
    assert len(grafana.accounts) == 1
    assert len(grafana.names()) == 1
    assert {result["token"]["name"] for result in results} == set(grafana.names())
    key = base64.b64decode(memory["secret"]["data"]["token"]).decode() if memory else (task.kept() or Token("")).key
    assert key in grafana.keys
    assert not task(grafana.address, **place)["changed"]


def test_two_at_once_make_one_token_when_it_was_lost(task: Task, grafana: Accounts) -> None:
    task(grafana.address)
    grafana.keys.clear()
    meet(grafana, "POST", "/api/serviceaccounts/2/tokens")
    results = both(lambda: task(grafana.address))
    assert sorted(result["token"]["state"] for result in results) == ["kept", "renewed"], results
    assert [(task.kept() or Token("")).name] == grafana.names() == [results[0]["token"]["name"]]
    assert sum(call.startswith("POST") and call.endswith("/tokens") for call in grafana.asked) == 3
    assert not task(grafana.address)["changed"]


def test_a_place_that_never_comes_to_rest(task: Task, grafana: Accounts) -> None:
    """Others keep tokens there that Grafana does not accept: given up in the end, and nothing is left behind."""

    def before(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/tokens"):
            task.keep(f"glsa_{len(grafana.asked)}", "wrong")

    grafana.before = before
    with pytest.raises(LabError, match="was changed by someone else in the meantime: run the task again"):
        task(grafana.address)
    assert grafana.names() == []


# -- arguments and names ------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"name": " pusher"}, "`name` must be the name of a service account"),
        ({"name": ""}, "`name` must be"),
        ({"name": "x" * 151}, "at most 150 characters"),
        ({"token_lifetime": -1}, "cannot be negative"),
        ({"token_renew": -1}, "cannot be negative"),
        ({"token_lifetime": 3600}, r"`token_renew` \(86400 s\) must be shorter than `token_lifetime` \(3600 s\)"),
    ],
)
def test_arguments_that_make_no_sense(task: Task, options: dict[str, Any], text: str) -> None:
    with pytest.raises(LabError, match=text):
        task("http://127.0.0.1:1", **options)


def test_whose_token_it_is() -> None:
    account = {"id": 2, "login": "sa-1-pusher"}
    assert belongs({"uid": "service-account:2", "login": "x"}, account)
    assert not belongs({"uid": "service-account:22", "login": "sa-1-pusher"}, account)
    assert belongs({"uid": "", "login": "sa-1-pusher"}, account)
    assert not belongs({"login": "admin"}, account)
    assert not belongs({}, {"id": 2})


def test_names_of_tokens_that_are_ours() -> None:
    assert is_ours("a.b-20261123T170102Z-0badcafe", "a.b")
    for name in ("a.b-by-hand", "axb-20261123T170102Z-0badcafe", "a.b-c-20261123T170102Z-0badcafe", "a.b"):
        assert not is_ours(name, "a.b")


# -- nobody sees the token ----------------------------------------------------


@pytest.mark.parametrize("outcome", ["made", "renewed", "refused"])
def test_nothing_of_a_playbook_shows_the_token_or_the_password(tmp_path: Path, outcome: str) -> None:
    """The whole of ansible-playbook -vvvv --diff with tracebacks, its log, and what is registered."""
    store = tmp_path / "token.json"
    options = {"username": "admin", "password": PASSWORD, "token_file": str(store), "name": "pusher"}
    script: list[Any] = [NONE, "8", recorded("12", sent=Named()), "16"]
    if outcome == "renewed":
        FileStore(str(store)).write(Token(TOKENS["SHORT"], "pusher", "old"), None)
        script = [FOUND, recorded("114", path="/api/user"), recorded("12", sent=Named()), "16"]
    elif outcome == "refused":
        FileStore(str(store)).write(Token(TOKENS["SHORT"], "pusher", "old"), None)
        script = [FOUND, recorded("114", path="/api/user", status=400, body={"message": f"bad {TOKENS['SHORT']}"})]
    with replay(*script) as server:
        tasks = [
            {
                "temporal_lab.benchmarking.grafana_service_account": {"url": server.address, **options},
                "register": "done",
            },
        ]
        if outcome == "refused":
            tasks[0]["ignore_errors"] = True
        tasks.append({"ansible.builtin.debug": {"var": "done"}})
        playbook = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(playbook))
        settings = {
            "ANSIBLE_LOG_PATH": str(tmp_path / "log"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "temp"),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
        }
        run = run_playbook(tmp_path, "localhost,", "-vvvv", "--diff", "play.yml", **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "service_account" in run.stdout
    everything = run.stdout + run.stderr + (tmp_path / "log").read_text()
    # The playbook itself holds the password, and no token.
    for secret in (*TOKENS.values(), PASSWORD):
        for form in (
            secret,
            base64.b64encode(secret.encode()).decode(),
            base64.b64encode(f"admin:{secret}".encode()).decode(),
        ):
            assert form not in everything
    if outcome == "refused":
        assert "bad ********" in everything
    else:
        assert (FileStore(str(store)).read() or Token("")).key == TOKENS["EDITOR"]
        assert NAME.search(everything)
