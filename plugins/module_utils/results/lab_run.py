# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_run: which run of a student the stages belong to, and what it holds."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cluster.settled_cluster import settle
from ..errors import LabError
from ..foreign_text import plain
from ..task import Context, Params, Result, Task
from .attempts import newest_done
from .names import check_folder_name, run_id, stage_file_name
from .runs import Run, create_run, latest_run, make_run_folder, read_run
from .stage_file import Keep, window_values, without_figures
from .types import NamedFigure, NamedWindow, Values

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "new": {"type": "bool", "default": False},
    "stage": {"type": "str"},
    "cluster": {"type": "str", "choices": ["unused", "optional", "required"], "default": "unused"},
    "kubeconfig": {"type": "path"},
    "kubeconfig_exec": {"type": "bool", "default": False},
    "context": {"type": "str"},
    "announce": {"type": "str", "default": ""},
}

#: Of a figure, what the schema wants at least. Besides, ``by`` says that one without a value is split by a label.
NEEDED = (*NamedFigure.__annotations__, "by")
#: The same of a window.
WINDOW_NEEDED = tuple(NamedWindow.__annotations__)


@dataclass(frozen=True)
class OpenRun:
    """The run that a stage belongs to. made: whether its folder was made now, or would be in check mode."""

    run: Run
    made: bool


def run(params: Params, context: Context) -> Result:
    """Return ``run``, ``path``, ``new``, ``time``, ``stages``, ``windows``, ``problems`` and ``cluster``.

    Raises LabError; when the cluster is why, with all the rest. The run's folder is made at once, since it is what
    keeps the name from two playbooks that start in the same second.
    """
    began = time.time()
    stage = params["stage"]
    opened = open_run(
        Path(os.path.abspath(params["results_dir"])),
        params["student"],
        params["run"],
        new=params["new"],
        check_mode=context.check_mode,
        # Checking figures is most of what reading costs, and a class reads often.
        keep=values_alone if stage else without_figures,
    )
    found = opened.run
    result: Result = {
        "changed": opened.made,
        "run": found.name,
        "path": str(found.path),
        "new": opened.made,
        "time": round(began, 3),
        "stages": newest_attempts(found),
        "windows": measured_before(found, stage) if stage else {},
        "problems": [problem.text for problem in found.problems],
        "cluster": {},
        "unusable": "",
    }
    if params["cluster"] == "unused" or context.private is None:
        return result
    try:
        cluster = settle(params, context.private, context.show)
    except LabError as error:
        if params["cluster"] == "optional":
            return {**result, "unusable": error.msg}
        raise LabError(error.msg, **result) from None
    before = server_before(found)
    if before and before != cluster["server"]:
        context.show(f"earlier stages of run {found.name} were on {before}, this one is on {cluster['server']}")
    if params["announce"]:
        context.show(
            f"{params['announce']} at {cluster['server']} (context {plain(cluster['context'])} of {cluster['source']})"
        )
    return {**result, "cluster": cluster}


def server_before(run: Run) -> str:
    """The API server that the newest stage of a run acted on, empty where none says it."""
    records = [record for attempts in run.stages.values() for record in attempts]
    newest = sorted(records, key=lambda record: float(record["started"]))
    named = [record["facts"].get("server") for record in newest]
    return next((server for server in reversed(named) if isinstance(server, str)), "")


def open_run(
    results_dir: Path,
    student: str,
    name: str | None,
    *,
    new: bool = False,
    check_mode: bool = False,
    keep: Keep | None = None,
) -> OpenRun:
    """Choose a student's run, make its folder where it is new, and read it.

    name: without it the student's latest, or a new one where there is none. keep: see read_run. Raises LabError.
    """
    check_folder_name("student", student)
    name, made = _choose(results_dir, student, name, new, check_mode)
    return OpenRun(read_run(results_dir, student, name, keep), made)


def newest_attempts(run: Run) -> dict[str, Result]:
    """Number, state and file of each stage's newest attempt; ``unreadable`` is a state here."""
    newest: dict[str, tuple[int, str]] = {
        stage: (records[-1]["attempt"], records[-1]["state"]) for stage, records in run.stages.items()
    }
    for stage, attempt in sorted(run.unreadable):
        if stage not in newest or newest[stage][0] < attempt:
            newest[stage] = attempt, "unreadable"
    return {
        stage: {"attempt": attempt, "state": state, "file": str(run.path / stage_file_name(stage, attempt))}
        for stage, (attempt, state) in newest.items()
    }


def values_alone(record: dict[str, Any]) -> dict[str, Any]:
    """A stage without its series, and of its figures with what the schema wants at least."""
    windows = record.get("windows")
    if isinstance(windows, list):
        windows = [_values_alone(window) for window in windows]
    return {**record, "windows": windows, "series": []}


def _values_alone(window: Any) -> Any:
    if not isinstance(window, dict) or not isinstance(window.get("figures"), list):
        return window
    return {
        **{name: window[name] for name in WINDOW_NEEDED if name in window},
        "figures": [
            {name: figure[name] for name in NEEDED if name in figure} if isinstance(figure, dict) else figure
            for figure in window["figures"]
        ],
    }


def measured_before(run: Run, stage: str) -> Values:
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
        made = not os.path.exists(folder) if check_mode else make_run_folder(folder)
        if new and not made:
            raise LabError(
                f"Cannot create the run {name} of {student}: {folder} already exists; "
                "give another name, or omit `new` to continue that run."
            )
        return name, made
    latest = None if new else latest_run(results_dir, student)
    if latest is not None:
        return latest, False
    if check_mode:
        return run_id(time.time()), True
    return create_run(results_dir, student), True


TASK = Task(SPEC, run)
