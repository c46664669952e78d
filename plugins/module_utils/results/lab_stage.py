# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_stage: writes down what a stage did, as its next attempt in the run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ..task import (
    Context,
    Params,
    Result,
)
from ..version import VERSION
from .runs import (
    build_stage,
    next_attempt,
    write_stage,
)

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
}


def run(params: Params, context: Context, measured: bool = False) -> Result:
    """Return ``path`` and ``attempt`` of the file that was written, or would be in check mode. Raises LabError.

    measured: see build_stage.
    """
    results_dir = Path(os.path.abspath(params["results_dir"]))
    fields = {name: value for name, value in params.items() if name in SPEC and name != "results_dir"}
    fields["message"] = fields.pop("reason")
    fields["versions"] = {"collection": VERSION, **fields["versions"]}
    if fields["finished"] is None:
        # Not before the start, which may come from a clock that is a little ahead.
        fields["finished"] = max(time.time(), fields["started"])
    record = build_stage(**fields, measured=measured)
    if context.check_mode:
        folder = results_dir / record["student"] / record["run"]
        attempt = next_attempt(folder, record["stage"])
        path = folder / f"{record['stage']}-{attempt}.json"
    else:
        path, attempt = write_stage(results_dir, record)
    return {"changed": True, "path": str(path), "attempt": attempt}
