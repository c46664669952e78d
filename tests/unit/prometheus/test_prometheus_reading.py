# SPDX-License-Identifier: GPL-3.0-or-later
"""When samples are read again, because it was too early to tell what became of a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    measure,
    query,
    reading,
    series,
)

#: The window (100, 120], scraped every five seconds.
WINDOW = reading.Window("w", "W", 100.0, 20.0)


def read(*lasts: float, skew: float = 0.0) -> reading.Reading:
    """What was read of targets whose last scrapes were at those times."""
    up = [
        series.Pool().series({"pod": f"app-{number}"}, (last - 10, last - 5, last), ["1", "1", "1"])
        for number, last in enumerate(lasts)
    ]
    nothing = reading.Samples("", (), [])
    return reading.Reading(
        [WINDOW], 5.0, skew, 87.5, 132.5, query.FoundMetrics(), reading.Samples("up", (), up), nothing, {}, {}
    )


@dataclass
class Lab:
    """A clock that goes on only while somebody sleeps, and a reader that notes when it was asked."""

    time: float
    what: reading.Reading
    answers: int = 9
    asked: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def skew(self) -> float:
        return self.what.skew

    def read(self, _windows: Any) -> list[reading.Reading]:
        self.asked.append(self.time)
        if len(self.asked) > self.answers:
            raise LabError("Prometheus does not answer.")
        return [self.what]

    def run(self) -> list[float]:
        assert measure.read_decided(self, [WINDOW], self, self.lines.append) == [self.what]
        return self.asked


def test_targets_that_go_on_are_read_once() -> None:
    assert Lab(126.0, read(124.5, 121.0)).run() == [126.0]


@pytest.mark.parametrize(("last", "again"), [(119.5, 130.5), (120.0, 131.0), (116.0, 127.0)])
def test_a_target_without_a_scrape_after_the_end_is_waited_for(last: float, again: float) -> None:
    """It may be gone, or its scrape not have failed yet: an interval until it is due, another until it has failed."""
    lab = Lab(126.0, read(124.5, last))
    assert lab.run() == [126.0, again]
    (line,) = lab.lines
    assert line.endswith(f"just before the end: {again - 126:.0f} s more will tell whether it is gone")


def test_a_target_that_ended_long_ago_is_not_waited_for() -> None:
    assert Lab(126.0, read(124.5, 110.0)).run() == [126.0]
    assert Lab(9000.0, read(119.5)).run() == [9000.0]


def test_what_was_read_first_is_not_lost_when_nobody_answers_the_second_time() -> None:
    assert len(Lab(126.0, read(124.5, 119.5), answers=1).run()) == 2
    with pytest.raises(LabError):
        Lab(126.0, read(124.5), answers=0).run()


def test_times_of_samples_are_on_the_clock_of_prometheus() -> None:
    assert Lab(126.0, read(224.5, 219.5, skew=100.0)).run() == [126.0, 130.5]
    assert Lab(126.0, read(224.5, 221.0, skew=100.0)).run() == [126.0]
