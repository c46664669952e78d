# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent again, when, and for how long; no request is made and no time passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http import status as statuses
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    RequestFailed,
    TemporaryFailure,
    Unreachable,
    Untrusted,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import Answer, Request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.retry import Patience, ask
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service

READ = Request("GET", "/x", idempotent=True, repeat_500=True)
WRITE = Request("POST", "/x")
#: A write of which a second time does no harm.
SAFE = Request("PATCH", "/x", idempotent=True)


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever: a status, an answer or an error; its time is the sleep."""

    answers: list[Any]
    slept: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    takes: float = 0.0
    now: float = 0.0

    def send(self, request: Request, seconds: float) -> Answer:
        self.limits.append(seconds)
        self.now += self.takes
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(request, answer, {}, b"{}")

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def ask(self, request: Request, deadline: float = 10.0, total: float = 4.0) -> Answer:
        def judge(answer: Answer) -> LabError | None:
            return None if answer.status < 300 else statuses.failure(Service("The server"), answer)

        return ask(request, self.send, judge, Patience(deadline, total, lambda: self.now, self.sleep))


CASES = [
    # what came, and whether a read, a write and a safe write are sent again
    (Unreachable("silent", received=False), True, True, True),
    (Unreachable("cut"), True, False, True),
    (Unreachable("barred", received=False, lasting=True), False, False, False),
    (Untrusted("another authority"), False, False, False),
    (429, True, True, True),
    (500, True, False, False),
    (502, True, False, True),
    (503, True, False, True),
    (504, True, False, True),
    (501, False, False, False),
    (400, False, False, False),
    (401, False, False, False),
    (403, False, False, False),
    (404, False, False, False),
    (409, False, False, False),
    (302, False, False, False),
    (LabError("no address"), False, False, False),
]


@pytest.mark.parametrize(("came", "read", "write", "safe"), CASES, ids=[str(case[0]) for case in CASES])
def test_what_is_sent_again(came: Any, read: bool, write: bool, safe: bool) -> None:
    for request, again in ((READ, read), (WRITE, write), (SAFE, safe)):
        server = Server([came, 200])
        if again:
            assert server.ask(request).status == 200
        else:
            with pytest.raises(LabError):
                server.ask(request)
        assert len(server.slept) == again


def test_an_error_of_the_way_itself_is_sent_again_when_it_is_temporary() -> None:
    """As of an API server in between, which answers for a pod that is just starting."""
    lasting = TemporaryFailure("no such port", 503)
    lasting.lasting = True
    assert Server([TemporaryFailure("starting", 503), 200]).ask(READ).status == 200
    with pytest.raises(TemporaryFailure):
        Server([lasting, 200]).ask(READ)


def test_the_deadline_ends_the_tries_with_the_last_failure() -> None:
    server = Server([Unreachable("silent", received=False), 503])
    with pytest.raises(RequestFailed) as failed:
        server.ask(READ)
    assert failed.value.status == 503
    assert 7 < sum(server.slept) < 10
    with pytest.raises(RequestFailed):
        (once := Server([503])).ask(READ, deadline=0)
    assert once.slept == []


def test_pauses_grow_and_are_not_the_same_for_everybody() -> None:
    seen = set()
    for _time in range(20):
        server = Server([503])
        with pytest.raises(RequestFailed):
            server.ask(READ, deadline=30)
        for number, pause in enumerate(server.slept):
            longest = min(3.0, 0.25 * 2**number)
            assert longest / 2 <= pause <= longest
        seen.add(server.slept[0])
    assert len(seen) > 15


@pytest.mark.parametrize(("asked", "slept"), [("4", [4.0]), ("0", None), ("soon", None)])
def test_the_wait_that_a_server_asks_for_is_kept(asked: str, slept: list[float] | None) -> None:
    server = Server([Answer(READ, 429, {"Retry-After": asked}, b""), 200])
    server.ask(WRITE)
    assert server.slept == slept or (slept is None and server.slept[0] <= 0.25)


def test_a_wait_beyond_the_deadline_is_none() -> None:
    server = Server([Answer(READ, 503, {"Retry-After": "11"}, b""), 200])
    with pytest.raises(TemporaryFailure):
        server.ask(READ)
    assert server.slept == []


def test_a_try_may_take_until_the_deadline_and_a_late_one_its_least_time() -> None:
    server = Server([503, 503, 200], takes=4.0)
    server.ask(READ)
    first, second = server.limits[:2]
    assert first == 10.0
    assert 5.5 < second < 6
    # The third begins with less than a second left.
    assert server.limits[2:] in ([4.0], [])
