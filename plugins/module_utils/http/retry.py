# SPDX-License-Identifier: GPL-3.0-or-later
"""The one loop that sends a request again: with jitter, and under one deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import LabError
from .errors import TemporaryFailure, Unreachable
from .message import Answer, Request
from .status import retry_after

#: Seconds before the second try and between later ones, each by a random factor.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 3.0
JITTER = (0.5, 1.0)


@dataclass(frozen=True)
class Patience:
    """How long a request may take.

    deadline: seconds after which no further try begins; 0 tries once.
    total: seconds that a try may take at least, however late it begins; until the deadline it may take longer.
    """

    deadline: float
    total: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def ask(
    request: Request,
    send: Callable[[Request, float], Answer],
    judge: Callable[[Answer], LabError | None],
    patience: Patience,
) -> Answer:
    """Send a request until there is an answer that is good, or another try is in vain.

    send: makes one try that takes at most so many seconds; raises Unreachable, and what needs no second try.
    judge: the error for an answer, None for a good one.
    Raises what the last try came to.
    """
    begin = patience.clock()
    tries = 0
    while True:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries) * random.uniform(*JITTER)
        failure: LabError | None
        try:
            left = begin + patience.deadline - patience.clock()
            answer = send(request, max(patience.total, left))
        except (Unreachable, TemporaryFailure) as error:
            failure = error
        else:
            failure = judge(answer)
            if failure is None:
                return answer
            pause = max(pause, retry_after(answer.headers) or 0.0)
        if not may_repeat(request, failure) or patience.clock() - begin + pause >= patience.deadline:
            raise failure
        patience.sleep(pause)
        tries += 1


def may_repeat(request: Request, failure: LabError) -> bool:
    """Whether a request that failed so may be sent again, and can come to something else."""
    if isinstance(failure, Unreachable):
        return not failure.lasting and (request.idempotent or not failure.received)
    if not isinstance(failure, TemporaryFailure) or failure.lasting:
        return False
    if failure.status == 429:
        # It was turned away before anything was done.
        return True
    return request.repeat_500 if failure.status == 500 else request.idempotent
