# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_status: what there is in a student's cluster, and whether a stage was done right.

Judged by the cluster, not by results: a student may have done a stage by hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from ..errors import LabError
from ..foreign_text import plain
from ..task import Context, Params, Result, Task
from .cluster import Cluster
from .connect import CLUSTER
from .lab_in_cluster import describe, look
from .stage_criteria import CRITERIA, StageVerdict, Wanted, criteria_lines, judge

SPEC: dict[str, Any] = {
    **CLUSTER,
    "temporal_namespace": {"type": "str", "default": "default"},
    "concurrent_workflows": {"type": "int", "default": 3},
    "raised_concurrent_workflows": {"type": "int", "default": 6},
    "history_replicas": {"type": "int", "default": 2},
    "check": {"type": "bool", "default": False},
    "stage": {"type": "str", "default": ""},
    "recorded": {"type": "list", "elements": "str", "default": []},
}


def run(params: Params, context: Context) -> Result:
    """Return ``found`` and ``stages``; nothing is changed.

    Raises LabError, and with ``check`` also for a stage that is not done right, once its criteria are shown.
    """
    wanted = Wanted(
        params["temporal_namespace"],
        params["concurrent_workflows"],
        params["raised_concurrent_workflows"],
        params["history_replicas"],
    )
    stage = known_stage(params["stage"])
    checked = (stage or latest(params["recorded"])) if params["check"] else ""
    with Cluster.from_params(params) as cluster:
        found = look(cluster)
        place = f"namespace {cluster.namespace} of {cluster.server}"
    for line in describe(found, place):
        context.show(line)
    verdicts = {stage: judge(stage, found, wanted) for stage in CRITERIA}
    if checked:
        for line in criteria_lines(verdicts[checked]):
            context.show(line)
        refuse_undone(verdicts[checked], place)
        context.show(f"stage {checked} is done right")
    return {"changed": False, "found": asdict(found), "stages": [asdict(one) for one in verdicts.values()]}


def known_stage(asked: str) -> str:
    """The stage that was asked for, empty for none. Raises LabError."""
    if not asked or asked in CRITERIA:
        return asked
    near = difflib.get_close_matches(asked, CRITERIA, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise LabError(
        f"{plain(asked)!r} is none of the stages that leave something in the cluster{meant}: set lab_stage to one of "
        f"{', '.join(CRITERIA)}, as in -e lab_stage=scale."
    )


def latest(recorded: Collection[str]) -> str:
    """The latest stage that the results have. Raises LabError."""
    stages = [stage for stage in CRITERIA if stage in recorded]
    if not stages:
        raise LabError(
            f"There are no results yet that name the stage to check: set lab_stage to one of {', '.join(CRITERIA)}, as "
            f"in --tags check -e lab_stage=scale."
        )
    return stages[-1]


def refuse_undone(judged: StageVerdict, place: str) -> None:
    """Raise LabError for a stage that is not done right, or may not be."""
    if judged.done:
        return
    state = "not done right" if judged.done is False else "not known to be done right"
    raise LabError(f"Stage {judged.stage} in {place} is {state}: {judged.why}; {judged.hint}.")


TASK = Task(SPEC, run)
