# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_namespace: make a Temporal namespace and wait until it is usable."""

from __future__ import annotations

import re

from ..durations import duration_seconds
from ..errors import LabError
from ..task import Context, Params, Result, Spec, Task
from .cluster import Cluster
from .connect import CLUSTER
from .temporal_api import TemporalApi, wait_for_frontend
from .wait import Look, wait_for

SPEC: Spec = {
    **CLUSTER,
    "name": {"type": "str", "default": "default"},
    "retention": {"type": "str"},
    "state": {"type": "str", "choices": ["present"], "default": "present"},
    "timeout": {"type": "float", "default": 60.0},
    "missing_hint": {"type": "str", "default": ""},
}

#: Retention of a new Temporal namespace in seconds, when none is requested.
RETENTION = 24 * 3600


def retention_seconds(text: str) -> int:
    """Whole seconds of a retention such as ``24h``, ``7d`` or ``1h30m``. Raises LabError."""
    try:
        seconds = round(duration_seconds(text, "dhms"))
    except ValueError:
        raise LabError(f"{text!r} is not a duration: give one such as 24h, 7d or 1h30m.") from None
    if seconds == 0:
        raise LabError(f"{text!r} is zero: give a duration such as 24h.")
    return seconds


def run(params: Params, context: Context) -> Result:
    """Make the Temporal namespace, wait until it is usable; return ``name``, ``retention``, ``before``, ``waited``."""
    name = params["name"]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise LabError(f"{name!r} is no name for a Temporal namespace: take letters, digits, dots, dashes and _.")
    asked = None if params["retention"] is None else retention_seconds(params["retention"])
    with Cluster.from_params(params) as cluster:
        api = TemporalApi(cluster, params["missing_hint"])
        wait_for_frontend(api, params["timeout"], context)
        before = api.retention(name)
        after = asked or before or RETENTION
        result: Result = {
            "changed": before != after,
            "name": name,
            "retention": after,
            "before": before,
            "waited": 0.0,
        }
        if context.diff:
            result["diff"] = {
                "before": {} if before is None else {"name": name, "retention": before},
                "after": {"name": name, "retention": after},
            }
        if context.check_mode:
            return result
        if before is None:
            api.create_namespace(name, after)
        elif before != after:
            api.set_retention(name, after)

        def look(_elapsed: float) -> Look[None]:
            usable = api.usable(name)
            state = "is usable" if usable else "is not known to all servers yet"
            return Look(usable, None, f"Temporal namespace {name} {state}")

        waited = wait_for(cluster, params["timeout"], context.show, look)
        if not waited.done:
            raise LabError(
                f"Temporal namespace {name} exists but is still not usable after {params['timeout']:g} s: "
                f"check the logs of the frontend and history pods in namespace {cluster.namespace}."
            )
        result["waited"] = round(waited.seconds, 3)
        return result


TASK = Task(SPEC, run)
