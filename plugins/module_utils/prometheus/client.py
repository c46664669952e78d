# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' HTTP API, version 1: https://prometheus.io/docs/prometheus/latest/querying/api/.

Times are Unix seconds; Prometheus counts them to the millisecond.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from ..errors import LabError
from ..http import status
from ..http.errors import RequestFailed
from ..http.message import CONNECT, Answer, Request
from ..http.redaction import secrets_of
from ..http.retry import Patience, ask
from ..http.service import Service
from ..http.transport import Sender
from ..results.types import Labels
from .series import Series, parse

#: Seconds of silence that end a try, and in which a request is tried again.
TIMEOUT = 15.0
DEADLINE = 45.0
#: Bytes of the largest answer: fifty thousand series of a window of some minutes.
LARGEST = 128 * 1024 * 1024

Points = list[tuple[float, float]]
T = TypeVar("T")


class Prometheus:
    """One Prometheus. ``notes`` collects the warnings and infos of its answers, each once.

    sender: the way to it. address: what messages call it, without a secret.
    authorization: the header that says who asks; None asks anonymously.
    timeout: the longest silence in seconds. deadline: seconds after which no further try begins.
    """

    def __init__(
        self,
        sender: Sender,
        address: str,
        authorization: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self.notes: list[str] = []
        self._sender = sender
        self._service = replace(sender.service, secrets=tuple(secrets_of(authorization)))
        self._authorization = authorization
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections to it."""
        self._sender.close()

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
        silence = min(self._timeout, deadline)
        headers = {"Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        body = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(params, doseq=True).encode()
        request = Request(
            method,
            path,
            params if body is None else {},
            body,
            headers,
            min(CONNECT, silence),
            silence,
            # Whatever is asked, nothing is changed.
            idempotent=True,
            repeat_500=True,
        )
        answer = ask(
            request,
            self._sender.send,
            lambda answer: None if 200 <= answer.status < 300 else self._failure(path, params, answer),
            Patience(deadline, silence, sleep=self._sleep),
        )
        return self._data(answer)

    def _data(self, answer: Answer) -> Any:
        # Values are taken out one by one, so that the depth of the rest does not matter.
        value = answer.json(deepest=None)
        if not isinstance(value, dict) or value.get("status") != "success" or "data" not in value:
            raise status.unexpected(self._service, answer, "Prometheus")
        said = self._shape("warnings", lambda: [*(value.get("warnings") or ()), *(value.get("infos") or ())])
        for note in said:
            # Without its place in the query, which makes one note many.
            text = re.sub(r" \(\d+:\d+\)$", "", note) if isinstance(note, str) else ""
            if text and text not in self.notes:
                self.notes.append(text)
        return value["data"]

    def _failure(self, path: str, params: Mapping[str, Any], answer: Answer) -> RequestFailed:
        """The error for a status that is not a success."""
        details = {"address": self.address, "path": path, "status": answer.status}
        asked = f"the query {params['query']}" if answer.status in (400, 422) and "query" in params else ""
        return status.failure(
            self._service,
            answer,
            asked=asked,
            said=_said(answer, self._service),
            no_path=True,
            details={"prometheus": details},
        )

    def _shape(self, what: str, take: Callable[[], T]) -> T:
        """Take values out of an answer that may be of another shape than the API says."""
        try:
            return take()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            raise LabError(
                f"{self._service.who} answered {what} with JSON of a shape that the API of Prometheus does not have: "
                f"see whether it is a Prometheus of version 2 or 3."
            ) from None


def _rows(data: Any, kind: str) -> Any:
    if data["resultType"] != kind:
        raise ValueError(kind)
    return data["result"]


def _matrix(data: Any) -> list[tuple[Labels, Points]]:
    return [
        (row["metric"], [(float(when), float(value)) for when, value in row["values"]]) for row in _rows(data, "matrix")
    ]


def _said(answer: Answer, service: Service) -> str:
    """What Prometheus, or the API server before it, gives as the reason. Never the text of another page."""
    value = answer.json()
    own = isinstance(value, dict) and value.get("kind") == "Status"
    return status.words(answer, service, "error", *(("message",) if own else ()))
