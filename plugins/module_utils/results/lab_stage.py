# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_stage: writes down what a stage did, as its next attempt in the run."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ..cluster.settled_cluster import check_settled
from ..denials import told_plainly
from ..foreign_text import sentence, tidy
from ..task import Context, Params, Result, Task
from ..version import VERSION
from .attempts import write_stage
from .stage_file import build_stage

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str", "required": True},
    "stage": {"type": "str", "required": True},
    "state": {"type": "str", "required": True, "choices": ["done", "failed", "skipped"]},
    # The stage file's ``message``, which is a name that Ansible keeps for itself.
    "reason": {"type": "str", "default": ""},
    "started": {"type": "float", "required": True},
    "finished": {"type": "float"},
    "events": {"type": "list", "elements": "dict", "default": []},
    "windows": {"type": "list", "elements": "dict", "default": []},
    "series": {"type": "list", "elements": "dict", "default": []},
    "samples": {"type": "str"},
    "versions": {"type": "dict", "default": {}},
    "settings": {"type": "dict", "default": {}},
    "facts": {"type": "dict", "default": {}},
    "cluster": {"type": "dict", "default": {}},
}


def finished_now(started: float) -> float:
    """The time, as the end of a stage: not before its start, which may come from a clock that is a little ahead."""
    return max(time.time(), started)


def server_fact(cluster: Mapping[str, Any]) -> dict[str, str]:
    """What a stage file says of the cluster that the stage acted on, as lab_run returned it."""
    return {"server": str(cluster["server"])} if cluster else {}


def run(params: Params, context: Context) -> Result:
    """Return ``path`` and ``attempt`` of the file that was written, or would be in check mode. Raises LabError.

    What others said is written down fit to be shown. The reason for the stage's state is returned as ``msg``, so that a
    task which fails by it shows it.
    """
    cluster = params["cluster"]
    if cluster and params["state"] == "done":
        check_settled(cluster)
    # Decrypting takes time, and what went well repeats no errors.
    secrets = [] if params["state"] == "done" else list(context.secrets())
    message = sentence(told_plainly(params["reason"]), secrets)
    record = build_stage(
        student=params["student"],
        run=params["run"],
        stage=params["stage"],
        state=params["state"],
        message=message,
        started=params["started"],
        finished=finished_now(params["started"]) if params["finished"] is None else params["finished"],
        events=tidy(params["events"], secrets),
        windows=params["windows"],
        series=params["series"],
        samples=params["samples"],
        versions={"collection": VERSION, **tidy(params["versions"], secrets)},
        settings=tidy(params["settings"], secrets),
        facts=tidy({**params["facts"], **server_fact(cluster)}, secrets),
    )
    path, attempt = write_stage(os.path.abspath(params["results_dir"]), record, context.check_mode)
    return {"changed": True, "path": str(path), "attempt": attempt, **({"msg": message} if message else {})}


TASK = Task(SPEC, run)
