# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's HTTP API: https://grafana.com/docs/grafana/latest/developers/http_api/.

Times are Unix milliseconds, as in Grafana. What its answers look like is recorded in
tests/fixtures/grafana/exchanges.json.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

from ..errors import LabError
from ..task import silent
from .transport import Transport, Unreachable

#: Seconds of silence that end a try, and in which a request is tried again.
TIMEOUT = 15.0
DEADLINE = 45.0
#: Seconds a little over the life of an entry in Grafana's permission cache, and between two looks.
PERMISSION_CACHE = 65.0
PERMISSION_LOOK = 5.0
#: Methods of which a second time does no harm.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
#: Statuses after which another try can help; 500 only where nothing is changed.
TEMPORARY = frozenset({429, 502, 503, 504})
#: Service accounts a page.
PAGE = 100

Json = dict[str, Any]
T = TypeVar("T")


class GrafanaError(LabError):
    """An answer other than the one hoped for.

    status: its HTTP status. message_id: Grafana's name of the error, such as
    ``serviceaccounts.ErrAlreadyExists``, else empty. api_message: Grafana's own words, else empty.
    """

    def __init__(self, msg: str, status: int, message_id: str = "", api_message: str = "", **details: object) -> None:
        super().__init__(msg, **details)
        self.status = status
        self.message_id = message_id
        self.api_message = api_message


class TokenDamaged(LabError):
    """A token that none can be."""


def basic(username: str, password: str) -> str:
    """The Authorization header of a user with a password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def bearer(token: str) -> str:
    """The Authorization header of a service account's token. Raises TokenDamaged."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # Said here, because the error of the HTTP library would show the token.
        raise TokenDamaged("The Grafana token is empty or holds characters that no token has: give the token alone.")
    return f"Bearer {token}"


class Grafana:
    """One Grafana, asked as one user.

    authorization: the header that says who asks (``basic``, ``bearer``); None asks anonymously.
    timeout: the longest silence in seconds. deadline: seconds after which no further try begins.
    """

    def __init__(
        self,
        transport: Transport,
        authorization: str | None,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = transport.address
        self._transport = transport
        self._authorization = authorization
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._version: tuple[int, int] | None = None

    def as_user(self, authorization: str | None) -> Grafana:
        """The same Grafana, by the same way, asked as somebody else."""
        return Grafana(self._transport, authorization, self._timeout, self._deadline, self._sleep, self._clock)

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
        Raises GrafanaError for an answer, and Unreachable or another LabError without one.
        """
        accepted = frozenset(allowed)
        repeat = method in IDEMPOTENT if idempotent is None else idempotent
        headers = {"Accept": "application/json", "User-Agent": "temporal-lab-benchmarking"}
        content = None
        if body is not None:
            content = _encoded(body)
            headers["Content-Type"] = "application/json"
        if self._authorization and not anonymous:
            headers["Authorization"] = self._authorization
        until = self._clock() + self._deadline
        tries = 0
        while True:
            delay = min(4.0, 0.25 * 2**tries) * random.uniform(0.5, 1.0)
            failure: LabError
            try:
                status, answered, text = self._transport.request(
                    method, path, params or {}, content, headers, min(self._timeout, self._deadline)
                )
            except Unreachable as error:
                failure, again = error, repeat or not error.received
            else:
                if 200 <= status < 300:
                    return status, self._decoded(method, path, status, answered, text)
                if status in accepted:
                    return status, _json(text)
                after = _retry_after(answered)
                failure = self._failure(method, path, status, answered, text, after)
                again = status == 429 or (repeat and (status in TEMPORARY or (status == 500 and method == "GET")))
                delay = max(delay, after or 0)
            if not again or self._clock() + delay >= until:
                raise failure
            self._sleep(delay)
            tries += 1

    def patient_403(
        self, call: Callable[[], T], seconds: float = PERMISSION_CACHE, show: Callable[[str], None] = silent
    ) -> T:
        """Repeat a call while Grafana answers 403, for about as long as it keeps permissions in its cache.

        A folder or dashboard that somebody else has just made is 403 to a token until then. Only for calls that
        the token's role should permit. Raises the last GrafanaError.
        """
        left = seconds
        while True:
            try:
                return call()
            except GrafanaError as error:
                if error.status != 403 or left <= 0:
                    raise
            show(f"Grafana does not permit it yet (its permissions are renewed every minute): up to {left:.0f} s left")
            pause = min(PERMISSION_LOOK, left)
            self._sleep(pause)
            left -= pause

    # -- Grafana itself -----------------------------------------------------

    def health(self) -> Json:
        """``version`` and ``database`` of Grafana, asked without credentials."""
        _status, answer = self.request("GET", "/api/health", anonymous=True)
        return self._object("/api/health", answer, "database")

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) when it hides its version."""
        if self._version is None:
            found = re.match(r"(\d+)\.(\d+)", str(self.health().get("version") or ""))
            self._version = (int(found[1]), int(found[2])) if found else (0, 0)
        return self._version

    def user(self) -> Json:
        """Who asks; ``uid`` of a service account's token is ``service-account:<id>``."""
        _status, answer = self.request("GET", "/api/user")
        return self._object("/api/user", answer)

    def datasources(self) -> list[Json]:
        """All data sources."""
        _status, answer = self.request("GET", "/api/datasources")
        return self._rows("/api/datasources", answer)

    # -- folders and dashboards ---------------------------------------------

    def get_folder(self, uid: str) -> Json | None:
        """One folder, or None when there is none. To an Editor, Grafana answers 403 for a folder it does not know."""
        path = f"/api/folders/{quote(uid, safe='')}"
        status, answer = self.request("GET", path, allowed=(403, 404))
        return None if status in (403, 404) else self._object(path, answer, "uid")

    def create_folder(self, uid: str, title: str) -> Json:
        """Create a folder. 412 (409 before Grafana 12) when there is one of that uid."""
        _status, answer = self.request("POST", "/api/folders", body={"uid": uid, "title": title})
        return self._object("/api/folders", answer, "uid")

    def dashboard(self, uid: str) -> Json | None:
        """``meta`` and ``dashboard`` of one dashboard, or None when there is none."""
        path = f"/api/dashboards/uid/{quote(uid, safe='')}"
        status, answer = self.request("GET", path, allowed=(404,))
        return None if status == 404 else self._object(path, answer, "meta", "dashboard")

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
        return self._object("/api/dashboards/db", answer, "uid")

    def delete_dashboard(self, uid: str) -> bool:
        """Delete a dashboard and its annotations; False when there was none."""
        status, _answer = self.request("DELETE", f"/api/dashboards/uid/{quote(uid, safe='')}", allowed=(404,))
        return status != 404

    # -- annotations --------------------------------------------------------

    def annotations(self, params: Mapping[str, Any]) -> list[Json]:
        """Annotations that match, such as ``{"tags": ["a", "b"], "dashboardUID": "x", "limit": 100}``."""
        _status, answer = self.request("GET", "/api/annotations", params=params)
        return self._rows("/api/annotations", answer)

    def create_annotation(self, body: Json) -> int:
        """Make an annotation and return its id. The same one twice is two: look first."""
        _status, answer = self.request("POST", "/api/annotations", body=body)
        return int(self._object("/api/annotations", answer, "id")["id"])

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
        page = seen = 0
        while True:
            page += 1
            _status, answer = self.request("GET", path, params={"query": name, "perpage": PAGE, "page": page})
            found = self._rows(path, self._object(path, answer, "serviceAccounts", "totalCount")["serviceAccounts"])
            for account in found:
                if account.get("name") == name:
                    return self._object(path, account, "id")
            seen += len(found)
            if not found or seen >= int(answer["totalCount"]):
                return None

    def create_account(self, name: str, role: str, disabled: bool = False) -> Json:
        """Create a service account; 400 (409 before Grafana 12) when the name is taken."""
        body = {"name": name, "role": role, "isDisabled": disabled}
        _status, answer = self.request("POST", "/api/serviceaccounts", body=body)
        return self._object("/api/serviceaccounts", answer, "id")

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
        return self._rows(path, answer)

    def create_token(self, account_id: int, name: str, seconds: int = 0) -> Json:
        """Make a token: ``id``, ``name`` and ``key``, its text, which Grafana shows this once.

        seconds: how long it lives; 0 is for ever, where Grafana allows it.
        """
        path = f"/api/serviceaccounts/{int(account_id)}/tokens"
        body: Json = {"name": name}
        if seconds:
            body["secondsToLive"] = seconds
        _status, answer = self.request("POST", path, body=body)
        return self._object(path, answer, "id", "key")

    def delete_token(self, account_id: int, token_id: int) -> bool:
        """Delete a token; False when there was none."""
        path = f"/api/serviceaccounts/{int(account_id)}/tokens/{int(token_id)}"
        status, _answer = self.request("DELETE", path, allowed=(404,))
        return status != 404

    # -- reading answers ----------------------------------------------------

    def _decoded(self, method: str, path: str, status: int, headers: Mapping[str, str], text: bytes) -> Any:
        if not text.strip():
            return None
        answer = _json(text)
        if answer is not None:
            return answer
        start = text.lstrip()[:1]
        if start == b"<":
            what = "a page of HTML instead of JSON: a proxy or login page stands in between; ask Grafana itself"
        elif start in (b"{", b"["):
            what = f"JSON that breaks off after {len(text)} bytes: see what a proxy in between allows; try again"
        else:
            kind = headers.get("Content-Type") or "unnamed"
            what = f"something that is no answer of Grafana (content type {kind}): see what listens there"
        raise GrafanaError(
            f"{method} {path} at {self._who()} was answered with {what}.",
            status,
            grafana=self._details(method, path, status),
        )

    def _object(self, path: str, answer: Any, *keys: str) -> Json:
        """An answer that must be an object with those keys."""
        if not isinstance(answer, dict) or any(key not in answer for key in keys):
            raise self._strange(path)
        return answer

    def _rows(self, path: str, answer: Any) -> list[Json]:
        """An answer that must be a list of objects."""
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise self._strange(path)
        return answer

    def _strange(self, path: str) -> GrafanaError:
        return GrafanaError(
            f"{self._who()} answered {path} with JSON of a shape that the API of Grafana does not have: see whether it "
            f"is a Grafana of version 9 or later.",
            200,
            grafana={"address": self.address, "path": path, "status": 200},
        )

    # -- what went wrong ----------------------------------------------------

    def _failure(
        self, method: str, path: str, status: int, headers: Mapping[str, str], text: bytes, after: float | None
    ) -> GrafanaError:
        """The error for a status that is not a success."""
        answer = _json(text)
        known = answer if isinstance(answer, dict) else {}
        said = self._clean(known.get("message") or known.get("error") or "")
        message_id = self._clean(known.get("messageId") or "")
        who, asked = self._who(), f"{method} {path}"
        because = f": {said}" if said else ""
        if not said and text.lstrip()[:1] == b"<":
            because = ", with a page of HTML, as a proxy in between would"
        if status == 400:
            msg = f"{who} refused {asked} (400){because}; correct what was sent"
        elif status == 401:
            msg = (
                f"{who} does not accept the credentials for {asked} (401){because}; give a user and password, or a "
                f"token, that it knows"
            )
        elif status == 403:
            msg = (
                f"{who} does not permit {asked} (403){because}; give the account a role that may do it, and when "
                f"someone else has just made the folder or dashboard, wait the minute that Grafana keeps permissions"
            )
        elif status == 404 and not known:
            msg = f"{who} has no {path} (404){because}; correct the address, with the path before /api if there is one"
        elif status == 404:
            msg = f"{who} has nothing for {asked} (404){because}; see whether it was deleted, and do the task again"
        elif status in (409, 412):
            msg = f"{who} refused {asked} ({status}){because}; someone else has changed it meanwhile: do the task again"
        elif status == 413:
            msg = f"What {asked} sent is too large for {who} (413){because}; make it smaller or raise the limit there"
        elif status == 429:
            rest = f" and wants {after:.0f} s of rest" if after else ""
            msg = f"{who} is asked too often (429 to {asked}){rest}: try again later, with fewer hosts at once"
        elif 300 <= status < 400:
            place = self._clean(headers.get("Location", "").split("?")[0]) or "another place"
            msg = (
                f"{who} sends {asked} to {place} ({status}): give the address of Grafana itself, with the path "
                f"before /api if there is one"
            )
        elif status >= 500:
            msg = (
                f"{who} could not answer {asked} ({status}){because}; see whether it is starting, overloaded or out of "
                f"disk, and try again"
            )
        else:
            msg = f"{who} refused {asked} ({status}){because}; see Grafana's log for the reason"
        details = {**self._details(method, path, status), "message": said, "message_id": message_id}
        return GrafanaError(f"{msg}.", status, message_id, said, grafana=details)

    def _details(self, method: str, path: str, status: int) -> Json:
        return {"address": self.address, "method": method, "path": path, "status": status}

    def _who(self) -> str:
        return f"Grafana at {self.address}"

    def _clean(self, said: object) -> str:
        """Text of an answer on one line, without what we have sent to be let in, should it be repeated there."""
        text = " ".join(str(said).split())
        for secret in _secrets(self._authorization):
            text = text.replace(secret, "********")
        return text[:300].rstrip(".")


def _secrets(authorization: str | None) -> list[str]:
    """What of an Authorization header may never be shown, longest first."""
    _scheme, _space, value = (authorization or "").partition(" ")
    found = {value}
    if _scheme == "Basic":
        try:
            found.add(base64.b64decode(value).decode().partition(":")[2])
        except (binascii.Error, ValueError):
            pass
    return sorted((secret for secret in found if len(secret) >= 4), key=len, reverse=True)


def _encoded(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise LabError(
            "What is to be sent to Grafana cannot be written as JSON, as a number that is not finite or a date cannot: "
            "correct it."
        ) from None


def _json(text: bytes) -> Any:
    """The value in a JSON text, None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks to wait, from a number or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except (TypeError, ValueError):  # before Python 3.10 it is a TypeError
        return None
