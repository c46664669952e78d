# SPDX-License-Identifier: GPL-3.0-or-later
"""The record that is made of kept samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.stage_record import stage_record
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    distribution,
    figure,
    series,
    window,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.stages.test_lab_reanalyse import kept


@pytest.mark.parametrize(("whole", "left"), [(True, ["work"]), (False, ["work", "wait_p99"])])
def test_samples_of_an_earlier_version_do_not_say_a_distribution_twice(whole: bool, left: list[str]) -> None:
    """They hold a series for each quantile; the window has all of the distribution, where it could be worked out."""
    course: Any = [series("work", [[START, 1.0]]), series("wait_p99", [[START, 0.1]])]
    samples = replace(kept("baseline"), series=course)
    worked: Any = window("baseline", START, figure("work", 1.0), figure("wait_p99", 0.1, distribution="wait"))
    worked["distributions"] = [distribution("wait", (0.0, 0.1, [1]))] if whole else []
    record = stage_record(samples, [worked], [], student=STUDENT, run=RUN, samples=None, finished=START + 70)
    assert [one["figure"] for one in record["series"]] == left
