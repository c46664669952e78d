# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana that plays scripted conversations, and a small one with a memory; both answer with recorded answers.

tests/fixtures/grafana holds what real servers were asked and answered: exchanges.json a Grafana 12.3.0 (numbers like
"12" and "A10"), exchanges-11.6-and-12.3.json a 11.6.2 and a 12.3.0 that were asked the same (numbers like "11.6-43" and
"12.3-43"; content types were not recorded there). A script is a list of steps: the number of a recorded exchange,
``recorded`` with something changed, or ``answer`` for what was not recorded. The test fails on a request that is not
the next one of the script: other method, path, query, credentials, content type or JSON body.
It also fails when the script is not played to its end::

    with replay("8", recorded("12", sent=ANY), answer("GET", "/api/user", how="cut"), "22") as server:
        grafana = server.client(ADMIN)                      # a Grafana client that sleeps without waiting
        account = grafana.create_account("pusher", "Editor")
        key = grafana.create_token(account["id"], "any name")["key"]
        assert key == TOKENS["EDITOR"]                      # instead of the recorded glsa_<EDITOR>
        server.client(EDITOR).user()                        # cut off once, tried again
    assert server.slept                                     # seconds that its clients would have waited

Ways not to answer well are ``how="hang"``, ``"cut"`` (in the middle of the body), ``"drop"`` (before the answer),
``"html"`` and ``"half"`` (JSON that breaks off). Credentials of a step are ``ADMIN``, ``EDITOR``, ``VIEWER``,
``ANONYMOUS``, or ANY.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import ANY
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.connect import at_url
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.authorization import basic, bearer

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "grafana"
PASSWORD = "s3cret-of-the-admin"
#: What stands for the recorded placeholders, such as glsa_<EDITOR>.
TOKENS = {name: f"glsa_{name}tokenOfTheTest_0badcafe" for name in ("EDITOR", "EDITOR2", "VIEWER", "SHORT")}
ADMIN = basic("admin", PASSWORD)
EDITOR, EDITOR2, VIEWER, SHORT = (bearer(TOKENS[name]) for name in ("EDITOR", "EDITOR2", "VIEWER", "SHORT"))
ANONYMOUS = ""
HTML = b"<!doctype html><title>Sign in to the SSO of Example Inc</title>"
HOWS = frozenset({"", "hang", "cut", "drop", "html", "half"})


@dataclass(frozen=True)
class Step:
    """One request that must come next, and its answer. ``number`` says in a failure which recorded exchange it is."""

    method: str
    path: str
    auth: Any = ADMIN
    sent: Any = None
    content_type: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    how: str = ""
    organisation: str = ""
    number: str = ""

    def __post_init__(self) -> None:
        assert self.how in HOWS, self.how


def answer(method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> Step:
    """A step that was not recorded; ``body`` is the answer's (JSON, or bytes), ``sent`` the request's."""
    more.setdefault("content_type", "application/json" if more.get("sent") is not None else "")
    more.setdefault("headers", {"Content-Type": "application/json"})
    return Step(method, path, body=body, status=status, **more)


def recorded(number: str, **changes: Any) -> Step:
    """A recorded exchange as a step, with fields of Step changed."""
    exchange = exchanges()[number]
    request = exchange["request"]
    step = Step(
        request["method"],
        request["path"],
        _credentials(request["auth"]),
        request["body"],
        request["headers"].get("Content-Type", ""),
        exchange["status"],
        {"Content-Type": exchange["content_type"]},
        _filled(exchange["body"]),
        number=number,
    )
    return dataclasses.replace(step, **changes)


@functools.cache
def exchanges() -> dict[str, Any]:
    """The recorded exchanges by their numbers."""
    files = sorted(FIXTURES.glob("exchanges*.json"))
    rows = [entry for file in files for entry in json.loads(file.read_text(encoding="utf-8"))]
    return {entry["number"]: entry for entry in rows}


def body_of(number: str) -> Any:
    """The body of a recorded answer, to be changed at will."""
    return copy.deepcopy(_filled(exchanges()[number]["body"]))


def _filled(body: Any) -> Any:
    text = json.dumps(body)
    for name, token in TOKENS.items():
        text = text.replace(f"glsa_<{name}>", token)
    return json.loads(text)


def _credentials(auth: str) -> Any:
    known = {"admin, basic auth": ADMIN, "anonymous": ANONYMOUS, "admin:nope": basic("admin", "nope")}
    if auth in known:
        return known[auth]
    for name, token in TOKENS.items():
        if auth.startswith(f"Bearer glsa_<{name}>"):
            return bearer(token)
    return ANY


@dataclass
class Replay:
    """The server of a script. ``asked`` are the requests that came, ``wrong`` what was wrong with them."""

    steps: list[Step]
    address: str = ""
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: Any = field(default_factory=threading.Lock)

    def client(
        self, authorization: str | None, timeout: float | None = None, deadline: float = 5.0, **options: Any
    ) -> Grafana:
        """A client of this server, whose waits take no time but are counted by its clock.

        It is impatient only with a script that lets it hang: a busy machine takes its time to answer.
        """
        if timeout is None:
            timeout = 2.0 if any(step.how == "hang" for step in self.steps) else 60.0
        return Grafana(
            *at_url(self.address, **options), authorization, timeout, deadline, self.slept.append, self._clock
        )

    def _clock(self) -> float:
        return sum(self.slept)

    def next(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Step:
        """The answer to a request: the next step's, or one that says that it was not the next."""
        with self.lock:
            self.asked.append(f"{method} {path}")
            if not self.steps:
                return self._unexpected(f"{method} {path} came after the end of the script")
            step = self.steps[0]
            faults = list(_faults(step, method, path, headers, raw))
            if faults:
                name = f"{step.method} {step.path}" + (f" (recorded as {step.number})" if step.number else "")
                return self._unexpected(f"{method} {path} instead of {name}: {'; '.join(faults)}")
            return self.steps.pop(0)

    def _unexpected(self, what: str) -> Step:
        self.wrong.append(what)
        return Step("", "", status=418, body={"message": "not in the script"})

    def check(self) -> None:
        assert not self.wrong, "\n".join(self.wrong)
        left = [f"{step.method} {step.path}" for step in self.steps]
        assert not left, f"the script was not played to its end: {left} are left"


def _faults(step: Step, method: str, path: str, headers: dict[str, str], raw: bytes) -> Iterator[str]:
    if step.method != method or _address(step.path) != _address(path):
        yield "another request"
        return
    given = headers.get("Authorization", "")
    if step.auth != given:
        # Which scheme at most: a failure of a test is no place for a token either.
        yield f"other credentials ({given.partition(' ')[0] or 'none'})"
    if headers.get("X-Grafana-Org-Id", "") != step.organisation:
        yield "another organisation"
    try:
        sent = json.loads(raw) if raw else None
    except ValueError:
        sent = raw.decode("utf-8", "replace")
    if sent != step.sent:
        yield f"sent {sent!r}, not {step.sent!r}"
    if step.content_type and headers.get("Content-Type") != step.content_type:
        yield f"content type {headers.get('Content-Type')}, not {step.content_type}"


def _address(path: str) -> tuple[str, list[tuple[str, str]]]:
    parts = urlsplit(path)
    return parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))


@contextmanager
def replay(*steps: str | Step, tls: Any = None) -> Iterator[Replay]:
    """Serve a script on loopback; ``tls`` is an SSLContext for https."""
    script = Replay([recorded(step) if isinstance(step, str) else step for step in steps])

    def play(handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        _play(handler, script.next(handler.command, handler.path, dict(handler.headers), raw), script.over)

    with _served(play, tls) as script.address:
        try:
            yield script
        except BaseException as error:
            if script.wrong:
                raise AssertionError("\n".join(script.wrong)) from error
            raise
        finally:
            script.over.set()
    script.check()


def _play(handler: BaseHTTPRequestHandler, step: Step, over: threading.Event) -> None:
    if step.how == "hang":
        over.wait(10)
    if step.how in ("hang", "drop"):
        handler.close_connection = True
        return
    content = (
        step.body if isinstance(step.body, bytes) else b"" if step.body is None else json.dumps(step.body).encode()
    )
    headers = dict(step.headers)
    if step.how == "html":
        content, headers["Content-Type"] = HTML, "text/html; charset=utf-8"
    elif step.how == "half":
        content = (content or b'{"some": "thing"}')[:-3]
    elif step.how == "cut":
        handler.close_connection = True
    handler.send_response_only(step.status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content) + (100 if step.how == "cut" else 0)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def _served(
    play: Callable[[BaseHTTPRequestHandler, bytes], None], tls: Any = None, host: str = "127.0.0.1"
) -> Iterator[str]:
    """Serve at an address of this machine with a function that answers; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for an answer: in two, the second waits for the client's acknowledgement.
        wbufsize = -1

        def handle_one(self) -> None:
            play(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is what the tests are about."""

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Accounts:
    """A Grafana that remembers service accounts and tokens, with answers made of recorded ones.

    Only an administrator may do anything but ask who a token is. ``before`` is called with method and path ahead of
    each answer, to make two tasks meet. ``duplicate`` is the status of a name that is taken.
    """

    def __init__(self) -> None:
        self.accounts: list[dict[str, Any]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.duplicate = 400
        self.address = ""
        self._lock = threading.RLock()
        self._last = 1

    def names(self) -> list[str]:
        """Names of the tokens that there are."""
        return [token["name"] for token in self.keys.values()]

    def answer(self, method: str, path: str, authorization: str, sent: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        self.before(method, parts.path)
        with self._lock:
            self.asked.append(f"{method} {parts.path}")
            if (method, parts.path) == ("GET", "/api/user"):
                return self._user(authorization)
            if authorization != ADMIN:
                return (403, body_of("23")) if authorization else (401, body_of("2"))
            match [method, *parts.path.strip("/").split("/")[2:]]:
                case ["GET", "search"]:
                    return self._search(dict(parse_qsl(parts.query)))
                case ["POST"]:
                    return self._create(sent)
                case [_, account_id, *rest]:
                    account = next((found for found in self.accounts if str(found["id"]) == account_id), None)
                    return (404, body_of("14")) if account is None else self._account(method, account, rest, sent)
        return 404, body_of("102")

    def _user(self, authorization: str) -> tuple[int, Any]:
        token = self.keys.get(authorization.removeprefix("Bearer "))
        account = next((found for found in self.accounts if token and found["id"] == token["account"]), None)
        if token is None or account is None or account["isDisabled"]:
            return 401, body_of("119")
        if token["expires"] and token["expires"] <= datetime.now(timezone.utc):
            return 401, body_of("114")
        name = {"name": account["name"], "login": account["login"], "email": account["login"]}
        return 200, {**body_of("22"), "uid": f"service-account:{account['id']}", **name}

    def _search(self, query: dict[str, str]) -> tuple[int, Any]:
        size, page = int(query["perpage"]), int(query["page"])
        found = [account for account in self.accounts if query["query"].lower() in account["name"].lower()]
        shown = [
            {**account, "tokens": sum(token["account"] == account["id"] for token in self.keys.values())}
            for account in found[size * (page - 1) : size * page]
        ]
        return 200, {"totalCount": len(found), "serviceAccounts": shown, "page": page, "perPage": size}

    def _create(self, sent: Any) -> tuple[int, Any]:
        login = f"sa-1-{sent['name'].lower().replace(' ', '-')}"
        if any(account["login"] == login for account in self.accounts):
            return self.duplicate, {**body_of("9"), "statusCode": self.duplicate}
        self._last += 1
        account = {**body_of("8"), **sent, "id": self._last, "uid": f"uid{self._last}", "login": login}
        self.accounts.append(account)
        return 201, account

    def _account(self, method: str, account: dict[str, Any], rest: list[str], sent: Any) -> tuple[int, Any]:
        tokens = {key: token for key, token in self.keys.items() if token["account"] == account["id"]}
        match [method, *rest]:
            case ["PATCH"]:
                account.update(sent)
                return 200, {**body_of("115"), "id": account["id"], "serviceaccount": account}
            case ["DELETE"]:
                self.accounts.remove(account)
                for key in tokens:
                    del self.keys[key]
                return 200, {"message": "Service account deleted"}
            case ["GET", "tokens"]:
                return 200, [self._listed(token) for token in tokens.values()]
            case ["POST", "tokens"]:
                if any(token["name"] == sent["name"] for token in self.keys.values()):
                    return 400, body_of("13")
                self._last += 1
                life = sent.get("secondsToLive")
                expires = datetime.now(timezone.utc) + timedelta(seconds=life) if life else None
                key = f"glsa_{self._last:08d}madeInTheTest_0badcafe"
                self.keys[key] = {"id": self._last, "account": account["id"], "name": sent["name"], "expires": expires}
                return 200, {"id": self._last, "name": sent["name"], "key": key}
            case ["DELETE", "tokens", token_id]:
                for key, token in tokens.items():
                    if str(token["id"]) == token_id:
                        del self.keys[key]
                        return 200, body_of("118")
                return 404, {"message": "service account token not found"}
        return 404, body_of("102")

    def _listed(self, token: dict[str, Any]) -> dict[str, Any]:
        listed = {**body_of("16")[0], "id": token["id"], "name": token["name"]}
        if token["expires"]:
            left = (token["expires"] - datetime.now(timezone.utc)).total_seconds()
            listed["expiration"] = f"{token['expires']:%Y-%m-%dT%H:%M:%SZ}"
            # Grafana counts the seconds of the last week only.
            seconds = left if 0 < left < 7 * 86400 else 0
            listed |= {"secondsUntilExpiration": seconds, "hasExpired": left <= 0}
        return listed


AnyAccounts = TypeVar("AnyAccounts", bound=Accounts)


@contextmanager
def accounts_served(grafana: AnyAccounts | None = None, host: str = "127.0.0.1") -> Iterator[AnyAccounts]:
    """Serve Accounts, or one that remembers more, at an address of this machine."""
    grafana = grafana or Accounts()

    def play(handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        authorization = handler.headers.get("Authorization", "")
        status, body = grafana.answer(handler.command, handler.path, authorization, json.loads(raw) if raw else None)
        _play(handler, Step("", "", status=status, body=body), threading.Event())

    with _served(play, host=host) as grafana.address:
        yield grafana
