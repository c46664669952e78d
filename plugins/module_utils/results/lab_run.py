# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_run: which run of a student the stages belong to, and what it holds."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..task import (
    Context,
    Params,
    Result,
)
from .runs import (
    Record,
    Run,
    check_folder_name,
    create_run,
    latest_run,
    make_run_folder,
    newest_done,
    read_run,
    run_id,
    window_values,
    without_figures,
)
from .schema import FIGURE

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "new": {"type": "bool", "default": False},
    "stage": {"type": "str"},
}

#: Besides them ``by`` says that a figure without a value is split by a label.
NEEDED = (*FIGURE["required"], "by")


def run(params: Params, context: Context) -> Result:
    """Return ``run``, ``path``, ``new``, ``time``, ``stages``, ``windows`` and ``problems``. Raises LabError.

    The run's folder is made at once, since it is what keeps the name from two
    playbooks that start in the same second.
    """
    began = time.time()
    results_dir = Path(os.path.abspath(params["results_dir"]))
    student = check_folder_name("student", params["student"])
    name, made = _choose(results_dir, student, params["run"], params["new"], context.check_mode)
    # Checking figures is most of what reading costs, and a class reads often.
    found = read_run(results_dir, student, name, keep=values_alone if params["stage"] else without_figures)
    return {
        "changed": made,
        "run": name,
        "path": str(found.path),
        "new": made,
        "time": round(began, 3),
        "stages": newest_attempts(found),
        "windows": measured_before(found, params["stage"]) if params["stage"] else {},
        "problems": [problem.text for problem in found.problems],
    }


def newest_attempts(run: Run) -> dict[str, Result]:
    """Number, state and file of each stage's newest attempt; ``unreadable`` is a state here."""
    newest = {
        stage: {"attempt": records[-1]["attempt"], "state": records[-1]["state"]}
        for stage, records in run.stages.items()
    }
    for stage, attempt in sorted(run.unreadable):
        if stage not in newest or newest[stage]["attempt"] < attempt:
            newest[stage] = {"attempt": attempt, "state": "unreadable"}
    return {
        stage: {**entry, "file": str(run.path / f"{stage}-{entry['attempt']}.json")} for stage, entry in newest.items()
    }


def values_alone(record: Record) -> Record:
    """A stage without its series, and of its figures with what the schema wants at least."""
    windows = record.get("windows")
    if isinstance(windows, list):
        windows = [_values_alone(window) for window in windows]
    return {**record, "windows": windows, "series": []}


def _values_alone(window: Any) -> Any:
    if not isinstance(window, dict) or not isinstance(window.get("figures"), list):
        return window
    return {
        **window,
        "figures": [
            {name: figure[name] for name in NEEDED if name in figure} if isinstance(figure, dict) else figure
            for figure in window["figures"]
        ],
    }


def measured_before(run: Run, stage: str) -> dict[str, dict[str, float | None]]:
    """Values of the windows of each other stage's newest attempt that was done: by window and figure.

    Of windows with the same name the one that began last counts.
    """
    records = [newest_done(attempts) for name, attempts in run.stages.items() if name != stage]
    windows = [window for record in records if record for window in record["windows"]]
    return window_values(sorted(windows, key=lambda window: window["start"]))


def _choose(results_dir: Path, student: str, name: str | None, new: bool, check_mode: bool) -> tuple[str, bool]:
    """The run's name, and whether its folder was made (or would be, in check mode)."""
    if name is not None:
        folder = results_dir / student / check_folder_name("run", name)
        made = not folder.exists() if check_mode else make_run_folder(folder)
        if new and not made:
            raise LabError(
                f"A new run {name} of {student} was asked for, but {folder} is there already; "
                "give another name, or leave new out to go on with that run."
            )
        return name, made
    latest = None if new else latest_run(results_dir, student)
    if latest is not None:
        return latest, False
    if check_mode:
        return run_id(time.time()), True
    return create_run(results_dir, student), True
