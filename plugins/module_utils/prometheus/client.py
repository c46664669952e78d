# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' HTTP API, version 1: https://prometheus.io/docs/prometheus/latest/querying/api/.

Times are Unix seconds; Prometheus counts them to the millisecond.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import LabError
from .series import (
    Labels,
    Series,
    parse,
)
from .transport import Transport, Unreachable

#: Seconds of silence that end a try, and in which a request is tried again.
TIMEOUT = 15.0
DEADLINE = 45.0
#: Statuses after which another try can help.
REPEAT = frozenset({429, 500, 502, 503, 504})

Points = list[tuple[float, float]]


class PrometheusError(LabError):
    """An answer other than the one hoped for. ``status`` is its HTTP status."""

    def __init__(self, msg: str, status: int, **details: object) -> None:
        super().__init__(msg, **details)
        self.status = status


class Prometheus:
    """One Prometheus. ``notes`` collects the warnings and infos of its answers, each once."""

    def __init__(
        self,
        transport: Transport,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = transport.address
        self.notes: list[str] = []
        self._transport = transport
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep

    # -- what is asked ------------------------------------------------------

    def vector(self, query: str, at: float, deadline: float | None = None) -> list[tuple[Labels, float]]:
        """Evaluate a query that gives one value a series, at one time. Values may be NaN or infinite."""
        data = self._post("/api/v1/query", {"query": query, "time": f"{at:.3f}"}, deadline)
        return self._shape(query, lambda: [(row["metric"], float(row["value"][1])) for row in _rows(data, "vector")])

    def samples(self, query: str, at: float) -> list[Series]:
        """Evaluate a range selector: the raw samples."""
        data = self._post("/api/v1/query", {"query": query, "time": f"{at:.3f}"})
        return self._shape(query, lambda: parse(_rows(data, "matrix")))

    def course(self, query: str, start: float, end: float, step: float) -> list[tuple[Labels, Points]]:
        """Evaluate a query at each step from start to end; Prometheus allows 11,000 steps."""
        form = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        data = self._post("/api/v1/query_range", form)
        return self._shape(query, lambda: _matrix(data))

    def now(self) -> float:
        """The time on Prometheus' clock."""
        data = self._post("/api/v1/query", {"query": "time()"})
        return self._shape("time()", lambda: float(_rows(data, "scalar")[1]))

    def metric_names(self, matchers: Sequence[str], start: float, end: float) -> set[str]:
        """Names of the metrics with those labels, of about that time."""
        params = {"match[]": "{" + ",".join(matchers) + "}", "start": f"{start:.3f}", "end": f"{end:.3f}"}
        data = self._get("/api/v1/label/__name__/values", params)
        return self._shape("metric names", lambda: {str(name) for name in data})

    def targets(self) -> list[dict[str, Any]]:
        """Active targets, as Prometheus describes them."""
        data = self._get("/api/v1/targets", {"state": "active"})
        return self._shape("targets", lambda: [dict(target) for target in data["activeTargets"]])

    def config(self) -> str:
        """The configuration, as YAML text. Prometheus hides secrets in it."""
        data = self._get("/api/v1/status/config", {})
        return self._shape("configuration", lambda: str(data["yaml"]))

    def status(self, what: str) -> dict[str, Any]:
        """What Prometheus says about itself: ``buildinfo`` or ``runtimeinfo``."""
        data = self._get(f"/api/v1/status/{what}", {})
        return self._shape(what, lambda: dict(data))

    # -- how it is asked ----------------------------------------------------

    def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        return self._ask("GET", path, params, self._deadline)

    def _post(self, path: str, form: Mapping[str, Any], deadline: float | None = None) -> Any:
        return self._ask("POST", path, form, self._deadline if deadline is None else deadline)

    def _ask(self, method: str, path: str, params: Mapping[str, Any], deadline: float) -> Any:
        """Ask until there is an answer or another try is in vain; begin none after ``deadline`` seconds."""
        until = time.monotonic() + deadline
        tries = 0
        while True:
            delay = min(4.0, 0.25 * 2**tries) * random.uniform(0.5, 1.0)
            failure: LabError
            try:
                status, headers, body = self._transport.request(method, path, params, min(self._timeout, deadline))
            except Unreachable as error:
                failure = error
            else:
                if 200 <= status < 300:
                    return self._data(method, path, headers, body)
                after = _retry_after(headers)
                failure = self._failure(method, path, params, status, headers, body, after)
                if status not in REPEAT:
                    raise failure
                delay = max(delay, after or 0)
            if time.monotonic() + delay >= until:
                raise failure
            self._sleep(delay)
            tries += 1

    def _data(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        answer = _json(body)
        if not isinstance(answer, dict) or answer.get("status") != "success" or "data" not in answer:
            start = body.lstrip()[:1]
            if start == b"<":
                what = "a page of HTML instead of JSON: a proxy or login page stands in between; ask Prometheus itself"
            elif start == b"{" and answer is None:
                what = f"JSON that breaks off after {len(body)} bytes: see what a proxy in between allows; try again"
            else:
                kind = headers.get("Content-Type") or "unnamed"
                what = f"something that is no answer of Prometheus (content type {kind}): see what listens there"
            raise PrometheusError(f"{method} {path} at {self._who()} was answered with {what}.", 200)
        for note in (*(answer.get("warnings") or ()), *(answer.get("infos") or ())):
            # Without its place in the query, which makes one note many.
            note = re.sub(r" \(\d+:\d+\)$", "", str(note))
            if note not in self.notes:
                self.notes.append(note)
        return answer["data"]

    def _failure(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        after: float | None,
    ) -> PrometheusError:
        """The error for a status that is not a success."""
        said = _said(body)
        because = f": {said}" if said else ""
        asked = f"{method} {path}"
        if status in (400, 422):
            question = f"the query {params['query']}" if "query" in params else asked
            msg = f"{self._who()} refused {question} ({status}){because}; correct the figure in the profile"
        elif status == 401:
            msg = (
                f"{self._who()} does not know who asks (401 to {asked}): give `url_username` and `url_password`, or "
                f"`url_token`, that it accepts"
            )
        elif status == 403:
            msg = f"{self._who()} does not permit {asked} (403): give a user or token that may read it"
        elif status == 404:
            msg = f"{self._who()} has no {path} (404): correct `url`, with the path before /api/v1 if there is one"
        elif status == 429:
            rest = f" and wants {after:.0f} s of rest" if after else ""
            msg = f"{self._who()} is asked too often (429 to {asked}){rest}: try again later, with fewer hosts at once"
        elif 300 <= status < 400:
            place = headers.get("Location", "").split("?")[0] or "another place"
            msg = f"{self._who()} sends {asked} to {place} ({status}): give the address of Prometheus itself as `url`"
        else:
            msg = (
                f"{self._who()} could not answer {asked} ({status}){because}; see whether it is starting, overloaded "
                f"or out of disk, and try again"
            )
        return PrometheusError(f"{msg}.", status, prometheus={"address": self.address, "path": path, "status": status})

    def _shape(self, what: str, take: Callable[[], Any]) -> Any:
        """Take values out of an answer that may be of another shape than the API says."""
        try:
            return take()
        except (KeyError, IndexError, TypeError, ValueError):
            raise LabError(
                f"{self._who()} answered {what} with JSON of a shape that the API of Prometheus does not have: see "
                f"whether it is a Prometheus of version 2 or 3."
            ) from None

    def _who(self) -> str:
        return f"Prometheus at {self.address}"


def _rows(data: Any, kind: str) -> Any:
    if data["resultType"] != kind:
        raise ValueError(kind)
    return data["result"]


def _matrix(data: Any) -> list[tuple[Labels, Points]]:
    return [
        (row["metric"], [(float(when), float(value)) for when, value in row["values"]]) for row in _rows(data, "matrix")
    ]


def _json(body: bytes) -> Any:
    """The value in a JSON text, None when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _said(body: bytes) -> str:
    """What Prometheus, or the API server before it, gives as the reason. Never the text of another page."""
    answer = _json(body)
    if not isinstance(answer, dict):
        return ""
    said = str(answer.get("error") or (answer.get("message") if answer.get("kind") == "Status" else "") or "")
    return " ".join(said.split())[:300].rstrip(".")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks to wait, from a number or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time()) if text else None
    except (TypeError, ValueError):  # before Python 3.10 it is a TypeError
        return None
