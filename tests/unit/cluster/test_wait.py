# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import PATIENCE_IN_WAIT, Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.wait import Look, Waiter, wait_for
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import (
    NotFound,
    TemporaryFailure,
    Unreachable,
)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Watched:
    """Looks with the answers given, in turn; the last one stays. Remembers when it was asked."""

    def __init__(self, time: Time, *answers: Any) -> None:
        self.time, self.answers, self.at = time, list(answers), []

    def __call__(self, elapsed: float) -> Look[int]:
        self.at.append(elapsed)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def waiter(time: Time, lines: list[str], timeout: float = 10.0, **options: Any) -> Waiter:
    return Waiter(timeout, show=lines.append, clock=time.clock, sleep=time.sleep, **options)


def test_what_is_there_already_is_not_waited_for_and_not_shown() -> None:
    time, lines = Time(), []
    found = waiter(time, lines).wait(Watched(time, Look(True, 1, "ready")))
    assert (found.done, found.value, found.seconds, found.looks) == (True, 1, 0.0, 1)
    assert lines == []


def test_it_ends_at_the_look_that_finds_it() -> None:
    time, lines = Time(), []
    watched = Watched(time, Look(False, 0, "0 of 1"), Look(False, 0, "0 of 1"), Look(True, 1, "1 of 1"))
    found = waiter(time, lines).wait(watched)
    assert (found.done, found.seconds, found.looks) == (True, 2.0, 3)
    assert watched.at == [0.0, 1.0, 2.0]
    assert lines == ["0 of 1 (0 s)", "1 of 1 (2 s)"]


def test_the_last_look_is_when_the_time_is_over() -> None:
    time, lines = Time(), []
    watched = Watched(time, Look(False, 0, "0 of 1"))
    found = waiter(time, lines, timeout=2.5).wait(watched)
    assert (found.done, found.seconds) == (False, 2.5)
    assert watched.at == [0.0, 1.0, 2.0, 2.5]


def test_no_time_at_all_is_one_look() -> None:
    time, lines = Time(), []
    watched = Watched(time, Look(False, 0, "0 of 1"))
    assert waiter(time, lines, timeout=0.0).wait(watched).looks == 1


def test_an_unchanged_state_is_shown_every_ten_seconds() -> None:
    time, lines = Time(), []
    waiter(time, lines, timeout=25.0).wait(Watched(time, Look(False, 0, "0 of 1")))
    assert lines == ["0 of 1 (0 s)", "0 of 1 (10 s)", "0 of 1 (20 s)", "0 of 1 (25 s)"]


def test_a_slow_look_counts_as_time() -> None:
    time, lines = Time(), []

    def slow(_elapsed: float) -> Look[int]:
        time.sleep(4.0)
        return Look(False, 0)

    found = waiter(time, lines).wait(slow)
    # Looks begin at 0, 5 and 10 s; the last one takes its time.
    assert (found.looks, found.seconds) == (3, 14.0)


def test_an_error_ends_the_wait() -> None:
    time, lines = Time(), []
    with pytest.raises(NotFound):
        waiter(time, lines, forgive=(Unreachable,)).wait(Watched(time, NotFound("gone.")))
    assert time.now == 100.0


def test_a_passing_error_is_shown_and_forgiven() -> None:
    time, lines = Time(), []
    watched = Watched(time, Unreachable("It is silent."), Look(True, 1, "1 of 1"))
    found = waiter(time, lines, forgive=(Unreachable,)).wait(watched)
    assert found.done
    assert lines == ["It is silent (0 s)", "1 of 1 (1 s)"]


def test_an_error_that_does_not_pass_is_raised_when_the_time_is_over() -> None:
    time, lines = Time(), []
    with pytest.raises(Unreachable, match="silent"):
        waiter(time, lines, forgive=(Unreachable,)).wait(Watched(time, Unreachable("It is silent.")))
    assert time.now == 110.0


def test_time_that_is_over_already_counts() -> None:
    time, lines = Time(), []
    watched = Watched(time, Look(False, 0, "0 of 1"))
    found = waiter(time, lines).wait(watched, gone=7.5)
    assert (found.done, found.seconds, found.looks) == (False, 10.0, 4)
    assert watched.at == [7.5, 8.5, 9.5, 10.0]
    assert lines == ["0 of 1 (8 s)", "0 of 1 (10 s)"]


@pytest.mark.parametrize("answer", [Look(False, 0, "0 of 1"), Look(True, 1, "1 of 1")])
def test_when_all_the_time_is_over_there_is_one_look(answer: Look[int]) -> None:
    time, lines = Time(), []
    watched = Watched(time, answer)
    found = waiter(time, lines).wait(watched, gone=25.0)
    assert (found.done, found.value, found.seconds, found.looks) == (answer.done, answer.value, 25.0, 1)
    assert (watched.at, lines, time.now) == ([25.0], [], 100.0)


def test_when_all_the_time_is_over_nothing_is_forgiven() -> None:
    time, lines = Time(), []
    with pytest.raises(Unreachable, match="silent"):
        waiter(time, lines, forgive=(Unreachable,)).wait(Watched(time, Unreachable("It is silent.")), gone=10.0)
    assert time.now == 100.0


def test_a_wait_for_a_cluster_counts_the_time_that_is_over(cluster: Cluster) -> None:
    at = []

    def look(elapsed: float) -> Look[None]:
        at.append(elapsed)
        return Look(False, None, "not yet")

    found = wait_for(cluster, 3.0, [].append, look, gone=40.0)
    assert (found.done, found.looks) == (False, 1)
    assert at == [pytest.approx(40.0, abs=5)]


@pytest.mark.usefixtures("hurry")
def test_a_wait_for_a_cluster_has_a_patience_of_its_own(cluster: Cluster) -> None:
    cluster.patience = 7.0
    answers = iter([Unreachable("It is silent."), TemporaryFailure("It starts.", 503), NotFound("gone.")])
    patience = []

    def look(_elapsed: float) -> Look[int]:
        patience.append(cluster.patience)
        raise next(answers)

    with pytest.raises(NotFound):
        wait_for(cluster, 10.0, [].append, look)
    assert patience == [PATIENCE_IN_WAIT] * 3
    assert cluster.patience == 7.0
