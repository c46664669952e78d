# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's HTTP API: https://grafana.com/docs/grafana/latest/developers/http_api/.

Times are Unix milliseconds, as in Grafana. What its answers look like is recorded in
tests/fixtures/grafana.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from ..errors import LabError
from ..foreign_text import plain, secrets_of
from ..http import status
from ..http.errors import RequestFailed, UnexpectedAnswer
from ..http.message import CONNECT, IDEMPOTENT, Answer, Request
from ..http.retry import Patience, ask
from ..http.shape import Shape, each, fault, flag, record, text, whole
from ..http.transport import Sender
from ..task import silent

#: Seconds of silence that end a try, and in which a request is tried again.
TIMEOUT = 15.0
DEADLINE = 45.0
#: Seconds a little over the life of an entry in Grafana's permission cache, and between two looks.
PERMISSION_CACHE = 65.0
PERMISSION_LOOK = 5.0
#: The uid of the folder "Shared with me", which Grafana lists although nobody made it.
SHARED = "sharedwithme"
#: What Go's server answers (400) to plain HTTP on a port for TLS.
TLS_SPOKEN = b"HTTP request to an HTTPS server"
#: The new API of dashboards.
DASHBOARDS = "/apis/dashboard.grafana.app"
#: Service accounts a page, and pages of them.
PAGE = 100
MOST_PAGES = 100

Json = dict[str, Any]
T = TypeVar("T")


# What is read of Grafana's answers.
HEALTH = record({"database": text}, version=text)
USER = record(uid=text, login=text)
WITH_UID = record({"uid": text})
WITH_ID = record({"id": whole})
DATA_SOURCE = record(
    {"uid": text}, name=text, type=text, access=text, url=text, jsonData=record(), secureJsonFields=record()
)
DATA_SOURCES = each(record(uid=text, name=text, type=text, isDefault=flag))
PERMISSIONS = each(record({"permission": whole}, userId=whole, userLogin=text, teamId=whole, team=text, role=text))
USERS = each(record({"userId": whole, "login": text}))
TEAMS = record({"teams": each(record({"id": whole, "name": text}))})
FOUND = each(record(uid=text))
ANNOTATIONS = each(record())
ORGANISATION = record({"id": whole})
RESOURCE = record({"metadata": record(), "spec": record()})
API_GROUP = record({"versions": each(record({"version": text}))})
DASHBOARD = record({"meta": record(), "dashboard": record()})
ACCOUNT = record({"id": whole}, name=text, login=text, role=text, isDisabled=flag)
ACCOUNTS = record({"serviceAccounts": each(ACCOUNT), "totalCount": whole})
TOKENS = each(record({"id": whole}, name=text, expiration=text))
MADE_TOKEN = record({"id": whole, "key": text})


class Grafana:
    """One Grafana, asked as one user.

    sender: the way to it. address: what messages call it, without a secret.
    authorization: the header that says who asks (``basic``, ``bearer``); None asks anonymously.
    timeout: the longest silence in seconds. deadline: seconds after which no further try begins.
    organisation: number of the organisation to act in; None is the user's current one. A token has only one.
    cures: what to do about answers to this user, by status, before those of the way to Grafana.
    """

    def __init__(
        self,
        sender: Sender,
        address: str,
        authorization: str | None,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        organisation: int | None = None,
        cures: Mapping[int | str, str] | None = None,
    ) -> None:
        self.address = address
        self._sender = sender
        self._service = replace(
            sender.service,
            secrets=tuple(secrets_of(authorization)),
            cures={**sender.service.cures, **(cures or {})},
        )
        self._authorization = authorization
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._organisation = organisation
        self._version: tuple[int, int] | None = None

    def as_user(self, authorization: str | None) -> Grafana:
        """The same Grafana, by the same way, asked as somebody else."""
        return Grafana(
            self._sender, self.address, authorization, self._timeout, self._deadline, self._sleep, self._clock
        )

    def pause(self, seconds: float) -> None:
        """Wait, with the clock that the client was given."""
        self._sleep(seconds)

    # -- one request --------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        allowed: Iterable[int] = (),
        idempotent: bool | None = None,
        anonymous: bool = False,
    ) -> tuple[int, Any]:
        """Make one request: the status, and the JSON of the answer (None when it has no body).

        params: the query; a list is a parameter that is given several times. body: sent as JSON.
        allowed: statuses from 400 on that are returned instead of raised.
        idempotent: whether it may be repeated though it may have been received; by default all but POST and PATCH
        may. Any request is repeated that was not received, or answered with 429.
        Raises RequestFailed for an answer, and Unreachable or another LabError without one.
        """
        accepted = frozenset(allowed)
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            content = _encoded(body)
            headers["Content-Type"] = "application/json"
        if self._authorization and not anonymous:
            headers["Authorization"] = self._authorization
            if self._organisation is not None:
                headers["X-Grafana-Org-Id"] = str(self._organisation)
        silence = min(self._timeout, self._deadline)
        request = Request(
            method,
            path,
            params or {},
            content,
            headers,
            min(CONNECT, silence),
            silence,
            idempotent=method in IDEMPOTENT if idempotent is None else idempotent,
            # To what changes something, 500 is what Grafana thinks of it.
            repeat_500=method == "GET",
        )
        answer = ask(
            request,
            self._sender.send,
            lambda answer: None if 200 <= answer.status < 300 or answer.status in accepted else self._failure(answer),
            Patience(self._deadline, silence, self._clock, self._sleep),
        )
        return answer.status, self._decoded(answer)

    def patient_403(
        self,
        call: Callable[[], T],
        seconds: float = PERMISSION_CACHE,
        show: Callable[[str], None] = silent,
        what: str = "it",
    ) -> T:
        """Repeat a call while Grafana answers 403, for about as long as it keeps permissions in its cache.

        A folder or dashboard that somebody else has just made is 403 to a token until then; before Grafana 12, so is
        a folder that the token itself has made. Only for calls that the token's role should permit.
        what: what is not permitted yet, for ``show``. Raises the last RequestFailed.
        """
        left = seconds
        while True:
            try:
                return call()
            except RequestFailed as error:
                if error.status != 403 or left <= 0:
                    raise
            minute = "it caches permissions for a minute"
            show(f"Grafana does not allow {what} yet ({minute}): up to {left:.0f} s left")
            pause = min(PERMISSION_LOOK, left)
            self._sleep(pause)
            left -= pause

    def read_or_missing(self, read: Callable[[], T | None], show: Callable[[str], None], what: str) -> T | None:
        """Read what need not exist, patiently while Grafana answers 403.

        Where the token sees nothing at all, Grafana 11 answers 403 for whatever does not exist: then it is taken for
        missing at once. what: is being read, for ``show``. Raises RequestFailed.
        """
        asked = False

        def look() -> T | None:
            nonlocal asked
            try:
                return read()
            except RequestFailed as error:
                if error.status == 403 and not asked:
                    asked = True
                    if not self.sees_anything():
                        return None
                raise

        return self.patient_403(look, show=show, what=what)

    # -- Grafana itself -----------------------------------------------------

    def health(self) -> Json:
        """``version`` and ``database`` of Grafana, asked without credentials."""
        _status, answer = self.request("GET", "/api/health", anonymous=True)
        return self._checked("/api/health", answer, HEALTH)

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) when it hides its version."""
        if self._version is None:
            found = re.match(r"([0-9]{1,6})\.([0-9]{1,6})", self.health().get("version") or "")
            self._version = (int(found[1]), int(found[2])) if found else (0, 0)
        return self._version

    def user(self) -> Json:
        """Who asks; ``uid`` of a service account's token is ``service-account:<id>``."""
        _status, answer = self.request("GET", "/api/user")
        return self._checked("/api/user", answer, USER)

    def datasources(self) -> list[Json]:
        """All data sources."""
        _status, answer = self.request("GET", "/api/datasources")
        return self._rows("/api/datasources", answer, DATA_SOURCES)

    def datasource(self, uid: str) -> Json | None:
        """One data source, or None when there is none. Secrets in it are only named, in ``secureJsonFields``."""
        path = _datasource_path(uid)
        status, answer = self.request("GET", path, allowed=(404,))
        return None if status == 404 else self._checked(path, answer, DATA_SOURCE)

    def create_datasource(self, body: Json) -> None:
        """Create a data source. 409 when its uid or its name is taken."""
        self.request("POST", "/api/datasources", body=body)

    def update_datasource(self, uid: str, body: Json) -> None:
        """Put another one in the place of a data source. Secrets that the body does not have stay."""
        self.request("PUT", _datasource_path(uid), body=body)

    def delete_datasource(self, uid: str) -> bool:
        """Delete a data source; False when there was none."""
        status, _answer = self.request("DELETE", _datasource_path(uid), allowed=(404,))
        return status != 404

    # -- folders and dashboards ---------------------------------------------

    def get_folder(self, uid: str) -> Json | None:
        """One folder, or None when there is none. To an Editor, Grafana answers 403 for a folder it does not know."""
        path = _folder_path(uid)
        status, answer = self.request("GET", path, allowed=(403, 404))
        return None if status in (403, 404) else self._checked(path, answer, WITH_UID)

    def create_folder(self, uid: str, title: str) -> Json:
        """Create a folder. 412 (409 before Grafana 12) when there is one of that uid."""
        _status, answer = self.request("POST", "/api/folders", body={"uid": uid, "title": title})
        return self._checked("/api/folders", answer, WITH_UID)

    def rename_folder(self, uid: str, title: str) -> None:
        """Give a folder another title, whatever its version."""
        self.request("PUT", _folder_path(uid), body={"title": title, "overwrite": True})

    def delete_folder(self, uid: str) -> bool:
        """Delete a folder with all that is in it; False when there was none."""
        status, _answer = self.request("DELETE", _folder_path(uid), allowed=(404,))
        return status != 404

    def folder_permissions(self, uid: str) -> list[Json]:
        """Who may do what in a folder, besides administrators; what it has of the folder above it is ``inherited``."""
        path = f"{_folder_path(uid)}/permissions"
        _status, answer = self.request("GET", path)
        return self._rows(path, answer, PERMISSIONS)

    def set_folder_permissions(self, uid: str, items: list[Json]) -> None:
        """Put other permissions in the place of all that a folder has."""
        self.request("POST", f"{_folder_path(uid)}/permissions", body={"items": items}, idempotent=True)

    def find_user(self, login: str) -> int | None:
        """The number of the user of the organisation with exactly that login, or None."""
        path = "/api/org/users/lookup"
        _status, answer = self.request("GET", path, params={"query": login, "limit": PAGE})
        users = self._rows(path, answer, USERS)
        return next((one["userId"] for one in users if one["login"].lower() == login.lower()), None)

    def find_team(self, name: str) -> int | None:
        """The number of the team of exactly that name, or None."""
        path = "/api/teams/search"
        _status, answer = self.request("GET", path, params={"name": name})
        teams = self._checked(path, answer, TEAMS)["teams"]
        return next((one["id"] for one in teams if one["name"] == name), None)

    def dashboard(self, uid: str) -> Json | None:
        """``meta`` and ``dashboard`` of one dashboard, or None when there is none."""
        path = f"/api/dashboards/uid/{quote(uid, safe='')}"
        status, answer = self.request("GET", path, allowed=(404,))
        return None if status == 404 else self._checked(path, answer, DASHBOARD)

    def sees_anything(self) -> bool:
        """Whether there is a folder or dashboard that the token may read.

        If there is none, Grafana 11 answers 403 instead of 404 for every dashboard, even one that does not exist.
        """
        _status, answer = self.request("GET", "/api/search", params={"limit": 1})
        return any(row.get("uid") != SHARED for row in self._rows("/api/search", answer, FOUND))

    def save_dashboard(self, dashboard: Json, folder_uid: str, message: str = "", overwrite: bool = False) -> Json:
        """Create or change a dashboard: ``uid``, ``version`` and ``url``, among others.

        folder_uid: always sent, empty for the root: without it an existing dashboard is moved there.
        overwrite: save whatever the ``version`` in the dashboard; else 412 unless it is the present one.
        """
        body: Json = {"dashboard": dashboard, "folderUid": folder_uid}
        if message:
            body["message"] = message
        if overwrite:
            body["overwrite"] = True
        # To save the same again raises no version, unless the version is asked for.
        _status, answer = self.request("POST", "/api/dashboards/db", body=body, idempotent=overwrite)
        return self._checked("/api/dashboards/db", answer, WITH_UID)

    def delete_dashboard(self, uid: str) -> bool:
        """Delete a dashboard and its annotations; False when there was none."""
        status, _answer = self.request("DELETE", f"/api/dashboards/uid/{quote(uid, safe='')}", allowed=(404,))
        return status != 404

    # -- dashboards by the new API --------------------------------------------

    def organisation_number(self) -> int:
        """The number of the organisation that is asked."""
        _status, answer = self.request("GET", "/api/org")
        number: int = self._checked("/api/org", answer, ORGANISATION)["id"]
        return number

    def dashboard_api_versions(self) -> tuple[str, ...]:
        """The versions that the dashboards' new API has; none before Grafana 12."""
        status, answer = self.request("GET", DASHBOARDS, allowed=(403, 404))
        if status != 200:
            return ()
        return tuple(one["version"] for one in self._checked(DASHBOARDS, answer, API_GROUP)["versions"])

    def dashboard_resource(self, version: str, namespace: str, uid: str) -> Json | None:
        """``metadata`` and ``spec`` of one dashboard in the schema of that version, or None when there is none."""
        path = f"{_dashboards_in(version, namespace)}/{quote(uid, safe='')}"
        status, answer = self.request("GET", path, allowed=(404,))
        return None if status == 404 else self._checked(path, answer, RESOURCE)

    def create_dashboard_resource(self, version: str, namespace: str, resource: Json) -> None:
        """Create a dashboard. 409 when there is one of that uid."""
        self.request("POST", _dashboards_in(version, namespace), body=resource)

    def update_dashboard_resource(self, version: str, namespace: str, uid: str, resource: Json) -> None:
        """Put another dashboard in its place. 409 when ``resourceVersion`` is not the present one."""
        self.request("PUT", f"{_dashboards_in(version, namespace)}/{quote(uid, safe='')}", body=resource)

    # -- what panels need -----------------------------------------------------

    def has_plugin(self, plugin: str) -> bool:
        """Whether a plugin is installed, as far as the user may know; any user may for panels."""
        path = f"/api/plugins/{quote(plugin, safe='')}/settings"
        status, _answer = self.request("GET", path, allowed=(403, 404))
        return status != 404

    def has_library_panel(self, uid: str) -> bool:
        """Whether there is a library panel that the user may see."""
        path = f"/api/library-elements/{quote(uid, safe='')}"
        status, _answer = self.request("GET", path, allowed=(403, 404))
        return status not in (403, 404)

    # -- annotations --------------------------------------------------------

    def annotations(self, params: Mapping[str, Any]) -> list[Json]:
        """Annotations that match, such as ``{"tags": ["a", "b"], "dashboardUID": "x", "limit": 100}``."""
        _status, answer = self.request("GET", "/api/annotations", params=params)
        return self._rows("/api/annotations", answer, ANNOTATIONS)

    def create_annotation(self, body: Json) -> int:
        """Make an annotation and return its id. The same one twice is two: look first."""
        _status, answer = self.request("POST", "/api/annotations", body=body)
        made: int = self._checked("/api/annotations", answer, WITH_ID)["id"]
        return made

    def update_annotation(self, annotation_id: int, body: Json) -> None:
        """Change the given parts of an annotation."""
        self.request("PATCH", f"/api/annotations/{int(annotation_id)}", body=body, idempotent=True)

    def delete_annotation(self, annotation_id: int) -> None:
        """Delete an annotation; one that is gone already is as good to Grafana."""
        self.request("DELETE", f"/api/annotations/{int(annotation_id)}", allowed=(404,))

    # -- service accounts ---------------------------------------------------

    def find_account(self, name: str) -> Json | None:
        """The service account of exactly that name, or None."""
        path = "/api/serviceaccounts/search"
        seen = 0
        for page in range(1, MOST_PAGES + 1):
            _status, answer = self.request("GET", path, params={"query": name, "perpage": PAGE, "page": page})
            found: list[Json] = self._checked(path, answer, ACCOUNTS)["serviceAccounts"]
            for account in found:
                if account.get("name") == name:
                    return account
            seen += len(found)
            if not found or seen >= answer["totalCount"]:
                return None
        raise self._strange(path, f"more than {MOST_PAGES} pages")

    def create_account(self, name: str, role: str, disabled: bool = False) -> Json:
        """Create a service account; 400 (409 before Grafana 12) when the name is taken."""
        body = {"name": name, "role": role, "isDisabled": disabled}
        _status, answer = self.request("POST", "/api/serviceaccounts", body=body)
        return self._checked("/api/serviceaccounts", answer, ACCOUNT)

    def update_account(self, account_id: int, changes: Json) -> None:
        """Set ``role`` or ``isDisabled`` of a service account."""
        self.request("PATCH", f"/api/serviceaccounts/{int(account_id)}", body=changes, idempotent=True)

    def delete_account(self, account_id: int) -> bool:
        """Delete a service account with its tokens; False when there was none."""
        status, _answer = self.request("DELETE", f"/api/serviceaccounts/{int(account_id)}", allowed=(404,))
        return status != 404

    def tokens(self, account_id: int) -> list[Json]:
        """The tokens of a service account, without their text."""
        path = f"/api/serviceaccounts/{int(account_id)}/tokens"
        _status, answer = self.request("GET", path)
        return self._rows(path, answer, TOKENS)

    def create_token(self, account_id: int, name: str, seconds: int = 0) -> Json:
        """Make a token: ``id``, ``name`` and ``key``, its text, which Grafana shows this once.

        seconds: how long it lives; 0 is for ever, where Grafana allows it.
        """
        path = f"/api/serviceaccounts/{int(account_id)}/tokens"
        body: Json = {"name": name}
        if seconds:
            body["secondsToLive"] = seconds
        _status, answer = self.request("POST", path, body=body)
        return self._checked(path, answer, MADE_TOKEN)

    def delete_token(self, account_id: int, token_id: int) -> bool:
        """Delete a token; False when there was none."""
        path = f"/api/serviceaccounts/{int(account_id)}/tokens/{int(token_id)}"
        status, _answer = self.request("DELETE", path, allowed=(404,))
        return status != 404

    # -- reading answers ----------------------------------------------------

    def _decoded(self, answer: Answer) -> Any:
        value = answer.json()
        if value is None and answer.body.strip() and answer.status < 300:
            raise status.unexpected(self._service, answer, "Grafana", {"grafana": self._details(answer)})
        return value

    def _checked(self, path: str, answer: Any, shape: Shape) -> Json:
        """An answer that must be an object of that shape."""
        wrong = fault(shape, answer)
        if wrong:
            raise self._strange(path, wrong)
        found: Json = answer
        return found

    def _rows(self, path: str, answer: Any, shape: Shape) -> list[Json]:
        """An answer that must be a list of that shape."""
        wrong = fault(shape, answer)
        if wrong:
            raise self._strange(path, wrong)
        rows: list[Json] = answer
        return rows

    def _strange(self, path: str, wrong: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self._service.who} answered {path} with something unexpected ({plain(wrong, self._service.secrets)}): "
            f"check whether it is a Grafana of version 9 or later.",
            200,
            grafana={"address": self.address, "path": path, "status": 200},
        )

    # -- what went wrong ----------------------------------------------------

    def _failure(self, answer: Answer) -> RequestFailed:
        """The error for a status that is not a success."""
        value = answer.json()
        known = value if isinstance(value, dict) else {}
        secrets = self._service.secrets
        said = plain(known.get("message"), secrets) or plain(known.get("error"), secrets)
        code = plain(known.get("messageId"), secrets)
        page = not said and answer.body.lstrip()[:1] == b"<"
        service = self._service
        if answer.status == 400 and TLS_SPOKEN in answer.body:
            service = replace(service, cures={400: "begin its address with https, which it speaks on this port"})
        failure = status.failure(
            service,
            answer,
            said=said,
            because=", with a page of HTML, as a proxy in between would send" if page else "",
            code=code,
            # Grafana's own 404 is JSON.
            no_path=not known,
        )
        failure.details["grafana"] = {**self._details(answer), "message": said, "message_id": code}
        return failure

    def _details(self, answer: Answer) -> Json:
        request = answer.request
        return {"address": self.address, "method": request.method, "path": request.path, "status": answer.status}


def _dashboards_in(version: str, namespace: str) -> str:
    return f"{DASHBOARDS}/{quote(version, safe='')}/namespaces/{quote(namespace, safe='')}/dashboards"


def _folder_path(uid: str) -> str:
    return f"/api/folders/{quote(uid, safe='')}"


def _datasource_path(uid: str) -> str:
    return f"/api/datasources/uid/{quote(uid, safe='')}"


def _encoded(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise LabError(
            "The data for Grafana cannot be written as JSON (for example an infinite number or a date): correct it."
        ) from None
