# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_annotations: mark the stages, windows and events of a run on its dashboard."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..http.errors import RequestFailed
from ..results.names import check_folder_name
from ..results.runs import latest_run, read_run
from ..task import Context, Params, Result, Task, as_given
from .client import Grafana
from .connect import GRAFANA, VALIDATION, connect_token
from .dashboard_store import DashboardStore
from .marks import FoundMark, Mark, MarkChanges, as_text, difference, ours, place_tags, run_tags, wanted

SPEC: dict[str, Any] = {
    **GRAFANA,
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "dashboard_uid": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

#: The lab's own dashboard.
LABS_OWN = "temporal-lab-benchmarking"
#: How many annotations to ask Grafana for. Its default is 100, and a run has some 50 marks.
LIMIT = 10_000


def run(params: Params, context: Context) -> Result:
    """Make the marks of a run those that its results say. Raises LabError.

    Returns ``run``, ``dashboard_uid``, ``created``, ``updated``, ``deleted``, ``kept`` and ``problems``.
    """
    results_dir = Path(os.path.abspath(params["results_dir"]))
    student = check_folder_name("student", params["student"])
    name = params["run"] or latest_run(results_dir, student)
    if name is None:
        raise LabError(
            f"There is no run of {student} in {results_dir} to mark: run a stage of the lab first, or correct "
            "results_dir."
        )
    check_folder_name("run", name)
    more = place_tags(params["namespace"], params["release"])
    uid = params["dashboard_uid"] or imported_dashboard(results_dir, student, name)
    marks: list[Mark] | None = None
    problems: list[str] = []
    if params["state"] == "present":
        marks, problems = from_results(results_dir, student, name, more)
    there: list[FoundMark] = []
    done = dict.fromkeys(("created", "updated", "deleted", "kept"), 0)
    with connect_token(params) as client:
        if has_dashboard(client, uid, context):
            there = look(client, uid, student, name, more, marks is None, problems)
            change = difference(marks or [], there)
            if context.check_mode:
                count(done, change)
            else:
                apply(client, change, uid, done)
        elif marks is not None:
            raise LabError(
                f"Grafana at {client.address} has no dashboard with the uid {uid} to put marks on: import it with "
                "grafana_dashboard, or correct dashboard_uid."
            )
    shown = ", ".join(f"{count} {what}" for what, count in done.items())
    context.show_lines([f"marks of run {name} on dashboard {uid}: {shown}", *problems])
    result: Result = {
        "changed": any(done[what] for what in ("created", "updated", "deleted")),
        "run": name,
        "dashboard_uid": uid,
        **done,
        "problems": problems,
    }
    if context.diff:
        result["diff"] = {"before": as_text(one.mark for one in there), "after": as_text(marks or [])}
    return result


def imported_dashboard(results_dir: Path, student: str, name: str) -> str:
    """The uid of the dashboard that the run's stage dashboard imported last, else that of the lab's own."""
    for stage in reversed(read_run(results_dir, student, name).stages.get("dashboard", [])):
        facts = stage.get("facts")
        dashboard = facts.get("dashboard") if isinstance(facts, dict) else None
        uid = dashboard.get("uid") if isinstance(dashboard, dict) else None
        if isinstance(uid, str) and uid:
            return uid
    return LABS_OWN


def from_results(results_dir: Path, student: str, name: str, more: tuple[str, ...]) -> tuple[list[Mark], list[str]]:
    """The marks that a run should have, and a sentence for each unusable file. Raises LabError."""
    found = read_run(results_dir, student, name)
    problems = [problem.text for problem in found.problems]
    if not found.stages:
        # Not the same as a run without marks: all that Grafana has of it would be deleted.
        raise LabError(
            f"The run {name} of {student} has no stage that can be marked in {found.path}: run a stage of the lab "
            "first, or name another run.",
            problems=problems,
        )
    return wanted(found, more), problems


def has_dashboard(client: Grafana, uid: str, context: Context) -> bool:
    """Whether the dashboard exists. An annotation on one that does not would be answered 500 without a reason."""
    return DashboardStore(client, context.show).read(uid) is not None


def look(
    client: Grafana, uid: str, student: str, name: str, more: tuple[str, ...], absent: bool, problems: list[str]
) -> list[FoundMark]:
    """The marks of a run on a dashboard. Raises LabError if there are too many to read them all.

    absent: whether some of them will do; that there are more is then a sentence in ``problems``.
    """
    found = client.annotations({"tags": run_tags(student, name), "dashboardUID": uid, "limit": LIMIT})
    if len(found) >= LIMIT:
        many = (
            f"Dashboard {uid} of Grafana at {client.address} has {len(found)} annotations of the run {name} of "
            f"{student} or more, and no more than {LIMIT} are read at a time"
        )
        if not absent:
            # Those that were not read would be created a second time.
            raise LabError(f"{many}: remove them with state absent, then mark the run again.")
        problems.append(f"{many}: run the task again to remove the rest.")
    return ours(found, student, name, uid, more)


def count(done: dict[str, int], change: MarkChanges) -> None:
    """Count what changes would do."""
    done["created"] += len(change.create)
    done["updated"] += len(change.update)
    done["deleted"] += len(change.delete)
    done["kept"] += len(change.keep)


def apply(client: Grafana, change: MarkChanges, uid: str, done: dict[str, int]) -> None:
    """Make the changes, and count what was done.

    Raises LabError with the counts in its details: what was done stays, and the next run does the rest.
    """
    done["kept"] += len(change.keep)
    try:
        gone = []
        for one, mark in change.update:
            if update(client, one, mark):
                done["updated"] += 1
            else:
                gone.append(mark)
        for mark in [*change.create, *gone]:
            client.create_annotation({"dashboardUID": uid, **mark.body})
            done["created"] += 1
        for one in change.delete:
            # It is no error if it is gone already.
            client.delete_annotation(one.id)
            done["deleted"] += 1
    except LabError as error:
        error.details.update(done, changed=any(done[what] for what in ("created", "updated", "deleted")))
        raise


def update(client: Grafana, one: FoundMark, mark: Mark) -> bool:
    """Put a mark in the place of another; False if that was deleted meanwhile. Raises LabError."""
    try:
        client.update_annotation(one.id, mark.body)
    except RequestFailed as error:
        if error.status == 404:
            return False
        raise
    return True


TASK = Task(SPEC, run, VALIDATION, elsewhere=as_given)
