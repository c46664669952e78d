# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' HTTP API, version 1: https://prometheus.io/docs/prometheus/latest/querying/api/.

Times are Unix seconds; Prometheus counts them to the millisecond.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from ..errors import LabError
from ..foreign_text import SHORTEST_SECRET, plain, secrets_of
from ..http import status
from ..http.errors import RequestFailed, UnexpectedAnswer
from ..http.message import CONNECT, Answer, Made, Request
from ..http.retry import Patience, ask
from ..http.service import Service
from ..http.shape import Shape, each, fault, flag, mapping, record, text
from ..http.transport import Sender
from ..results.types import Labels
from .native_histogram import NO_NATIVES, Natives
from .series import Parsed, Pool, labels_of, parse

#: Seconds of silence that end a try, and in which a request is tried again.
TIMEOUT = 15.0
DEADLINE = 45.0
#: How PromQL's own remarks begin. Any other warning tells that data is missing.
REMARKS = ("PromQL warning", "PromQL info")
#: What to do where something refuses a request that Prometheus itself would answer.
MORE = (
    "it may not be Prometheus itself, and want more with each request: give that as `url_parameters` or `url_headers`"
)
#: Bytes of the largest answer: fifty thousand series of a window of some minutes.
LARGEST = 128 * 1024 * 1024

# What is read of answers that have no values.
NAMES = each(text)
TARGETS = record({"activeTargets": each(record(labels=mapping(text), health=text, lastError=text, scrapeUrl=text))})
CONFIG = record({"yaml": text})
STATUS = record(version=text, revision=text, storageRetention=text)
FEATURES = mapping(mapping(flag))

Points = list[tuple[float, float]]
T = TypeVar("T")


class Prometheus:
    """One Prometheus. ``notes`` collects the warnings and infos of its answers, each once.

    sender: the way to it. address: what messages call it, without a secret.
    authorization: the header that says who asks; None asks anonymously.
    headers, parameters: what each request carries besides; a list is a parameter that is given several times.
    timeout: the longest silence in seconds. deadline: seconds of ``clock`` after which no further try begins.
    """

    def __init__(
        self,
        sender: Sender,
        address: str,
        authorization: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.address = address
        self.notes: list[str] = []
        self._lacking: list[str] = []
        self._sender = sender
        self._headers = {**(headers or {}), **({"Authorization": authorization} if authorization else {})}
        self._parameters = dict(parameters or {})
        self._service = replace(sender.service, secrets=tuple(_secrets(self._headers)))
        self._timeout = timeout
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock

    def close(self) -> None:
        """Close the connections to it."""
        self._sender.close()

    @contextmanager
    def lacking(self) -> Iterator[list[str]]:
        """Collect why the answers to what is asked meanwhile are not whole, each reason once."""
        outside, self._lacking = self._lacking, []
        try:
            yield self._lacking
        finally:
            self._lacking = outside

    # -- what is asked ------------------------------------------------------

    def vector(self, query: str, at: float, deadline: float | None = None) -> list[tuple[Labels, float]]:
        """Evaluate a query that gives one value a series, at one time. Values may be NaN or infinite."""
        data = self._post("/api/v1/query", {"query": query, "time": f"{at:.3f}"}, deadline)
        return self._shape(query, lambda: [(labels_of(row), float(row["value"][1])) for row in _rows(data, "vector")])

    def samples(self, query: str, at: float, natives: Natives = NO_NATIVES) -> Parsed:
        """Evaluate a range selector: the raw samples, and what is wrong with those of some metrics.

        natives: native histograms in it, which are read as classic ones.
        """
        pool = Pool()
        data = self._post("/api/v1/query", {"query": query, "time": f"{at:.3f}"}, made=pool.slim)

        def parsed() -> Parsed:
            rows, faults = natives.classic(_rows(data, "matrix"))
            found = parse(rows, pool)
            return Parsed(found.series, {**found.faults, **faults})

        return self._shape(query, parsed)

    def course(self, query: str, start: float, end: float, step: float) -> list[tuple[Labels, Points]]:
        """Evaluate a query at each step from start to end; Prometheus allows 11,000 steps."""
        form = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        data = self._post("/api/v1/query_range", form)
        return self._shape(query, lambda: _matrix(data))

    def now(self) -> float:
        """The time on Prometheus' clock."""
        data = self._post("/api/v1/query", {"query": "time()"})
        if isinstance(data, dict) and data.get("resultType") == "vector":
            raise LabError(
                f"{self._service.who} answers time() with a vector, as VictoriaMetrics does, which cannot be measured "
                f"exactly (it shows samples 30 s late and evaluates queries by rules of its own): give the address of "
                f"a Prometheus that scrapes the pods."
            )
        return self._shape("time()", lambda: _finite(_rows(data, "scalar")[1]))

    def metric_names(self, matchers: Sequence[Sequence[str]], start: float, end: float) -> set[str]:
        """Names of the metrics with the labels of any of those groups of matchers, of about that time."""
        asked = ["{" + ",".join(group) + "}" for group in matchers]
        params = {"match[]": asked, "start": f"{start:.3f}", "end": f"{end:.3f}"}
        data = self._get("/api/v1/label/__name__/values", params)
        return set(self._checked("metric names", data, NAMES))

    def targets(self) -> list[dict[str, Any]]:
        """Active targets, as Prometheus describes them."""
        data = self._get("/api/v1/targets", {"state": "active"})
        found: list[dict[str, Any]] = self._checked("targets", data, TARGETS)["activeTargets"]
        return found

    def config(self) -> str:
        """The configuration, as YAML text. Prometheus hides secrets in it."""
        data = self._get("/api/v1/status/config", {})
        return str(self._checked("configuration", data, CONFIG)["yaml"])

    def status(self, what: str) -> dict[str, Any]:
        """What Prometheus says about itself: ``buildinfo`` or ``runtimeinfo``."""
        data = self._get(f"/api/v1/status/{what}", {})
        found: dict[str, Any] = self._checked(what, data, STATUS)
        return found

    def features(self) -> dict[str, dict[str, bool]]:
        """What Prometheus says that it can, by area; since 3.9."""
        data = self._get("/api/v1/features", {})
        found: dict[str, dict[str, bool]] = self._checked("features", data, FEATURES)
        return found

    # -- how it is asked ----------------------------------------------------

    def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        return self._ask("GET", path, params, self._deadline)

    def _post(self, path: str, form: Mapping[str, Any], deadline: float | None = None, made: Made | None = None) -> Any:
        return self._ask("POST", path, form, self._deadline if deadline is None else deadline, made)

    def _ask(self, method: str, path: str, params: Mapping[str, Any], deadline: float, made: Made | None = None) -> Any:
        """Ask until there is an answer or another try is in vain; begin none after ``deadline`` seconds.

        made: see ``json_value``.
        """
        silence = min(self._timeout, deadline)
        headers = {**self._headers, "Accept": "application/json"}
        body = None
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(params, doseq=True).encode()
        request = Request(
            method,
            path,
            {**self._parameters, **(params if body is None else {})},
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
            Patience(deadline, silence, self._clock, self._sleep),
        )
        return self._data(answer, made)

    def _data(self, answer: Answer, made: Made | None) -> Any:
        # Values are taken out one by one, so that the depth of the rest does not matter.
        value = answer.json(deepest=None, made=made)
        if not isinstance(value, dict) or value.get("status") != "success" or "data" not in value:
            raise status.unexpected(self._service, answer, "Prometheus")
        warnings, infos = self._shape("warnings", lambda: (self._notes(value, "warnings"), self._notes(value, "infos")))
        lacking = [note for note in warnings if not note.startswith(REMARKS)]
        if value.get("isPartial"):
            lacking.append("the answer says of itself that it is partial (isPartial)")
        for kept, notes in ((self.notes, [*warnings, *infos, *lacking]), (self._lacking, lacking)):
            kept.extend(note for note in dict.fromkeys(notes) if note not in kept)
        return value["data"]

    def _notes(self, answer: Mapping[str, Any], kind: str) -> list[str]:
        # Without their place in the query, which makes one note many.
        notes = (plain(note, self._service.secrets) for note in answer.get(kind) or ())
        texts = (re.sub(r" \(\d+:\d+\)$", "", note) for note in notes)
        return [text for text in texts if text]

    def _failure(self, path: str, params: Mapping[str, Any], answer: Answer) -> RequestFailed:
        """The error for a status that is not a success."""
        details = {"address": self.address, "path": path, "status": answer.status}
        said = _said(answer, self._service)
        asked = ""
        service = self._service
        if answer.status in (400, 422) and "query" in params:
            asked = f"the query {params['query']}"
            service = replace(service, cures={**service.cures, answer.status: _cure(answer.status, said)})
        return status.failure(service, answer, asked=asked, said=said, no_path=True, details={"prometheus": details})

    def _shape(self, what: str, take: Callable[[], T]) -> T:
        """Take values out of an answer that may be of another shape than the API says."""
        try:
            return take()
        except (
            KeyError,
            IndexError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            RecursionError,
            MemoryError,
        ):
            raise self._strange(what, "JSON of a shape that the API of Prometheus does not have") from None

    def _checked(self, what: str, value: Any, shape: Shape) -> Any:
        wrong = fault(shape, value)
        if wrong:
            raise self._strange(what, f"something unexpected ({plain(wrong, self._service.secrets)})")
        return value

    def _strange(self, what: str, answered: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self._service.who} answered {what} with {answered}: check whether it is a Prometheus of version 2 or 3."
        )


def _rows(data: Any, kind: str) -> Any:
    if data["resultType"] != kind:
        raise ValueError(kind)
    return data["result"]


def _matrix(data: Any) -> list[tuple[Labels, Points]]:
    return [
        (labels_of(row), [(_finite(when), float(value)) for when, value in row["values"]])
        for row in _rows(data, "matrix")
    ]


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _cure(code: int, said: str) -> str:
    """What to do about a query that is refused with those words."""
    if "too many samples" in said:
        return "measure shorter windows, or fewer at once, or raise --query.max-samples of Prometheus"
    if code == 422 or "parse error" in said:
        return "correct the figure in the profile"
    return MORE


def _secrets(headers: Mapping[str, str]) -> list[str]:
    """What of the headers may never be shown, longest first."""
    found = {secret for name, value in headers.items() for secret in _secret(name, value)}
    return sorted((secret for secret in found if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)


def _secret(name: str, value: str) -> list[str]:
    return [value, *secrets_of(value)] if name.lower() == "authorization" else [value]


def _said(answer: Answer, service: Service) -> str:
    """What Prometheus, or what stands before it, gives as the reason. Never the text of a page of HTML."""
    value = answer.json()
    refused = 400 <= answer.status < 500 and answer.status != 404
    own = refused or (isinstance(value, dict) and value.get("kind") == "Status")
    said = status.words(answer, service, "error", *(("message",) if own else ()))
    if said or not refused or answer.body.lstrip()[:1] in (b"", b"<", b"{", b"["):
        return said
    return plain(answer.body[:4096].decode("utf-8", "replace"), service.secrets)
