# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stage is checked, and what is said of one that is not done right."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import lab_status
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.stage_criteria import Criterion, verdict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError


@pytest.mark.parametrize(
    ("asked", "said"),
    [("scal", "did you mean scale?"), ("baseline", "to one of install, benchmark"), ("a\nb", "'a b'")],
)
def test_a_stage_that_leaves_nothing_is_refused_with_those_that_do(asked, said):
    with pytest.raises(LabError) as error:
        lab_status.known_stage(asked)
    assert said in error.value.msg


def test_without_a_stage_the_latest_of_the_results_is_checked():
    assert lab_status.latest(["baseline", "concurrency", "benchmark", "report"]) == "concurrency"
    with pytest.raises(LabError, match="no results yet that name the stage"):
        lab_status.latest(["preflight", "baseline"])


def test_a_stage_that_may_not_be_done_is_no_success():
    lab_status.refuse_undone(verdict("scale", [Criterion("it is so", True)]), "there")
    with pytest.raises(LabError, match=r"Stage scale in there is not done right: it is not; do it."):
        lab_status.refuse_undone(verdict("scale", [Criterion("it is so", False, "it is not", "do it")]), "there")
    with pytest.raises(LabError, match=r"not known to be done right: nobody says; ask again."):
        lab_status.refuse_undone(verdict("scale", [Criterion("it is so", None, "nobody says", "ask again")]), "there")
