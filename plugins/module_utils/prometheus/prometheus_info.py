# SPDX-License-Identifier: GPL-3.0-or-later
"""Task prometheus_info: what a Prometheus is and what it scrapes."""

from __future__ import annotations

from typing import Any

from ..task import Context, Params, Result, Task, as_given
from .connect import PROMETHEUS, VALIDATION, connect
from .server import Clock, clock_skew
from .targets import NoTargets, ScrapeTarget, duplicates, read_targets

SPEC: dict[str, Any] = {**PROMETHEUS, "job": {"type": "str"}}


def run(params: Params, context: Context) -> Result:
    """Ask a Prometheus about itself; it changes nothing, so check mode asks as well. Raises LabError.

    Returns version, revision, retention, clock_skew in seconds, targets
    (those of ``job`` when it is given) and duplicates.
    """
    with connect(params) as client:
        build = client.status("buildinfo")
        runtime = client.status("runtimeinfo")
        skew = clock_skew(client, Clock())
        targets: list[ScrapeTarget] = []
        notes: list[str] = []
        try:
            targets = read_targets(client)
        except NoTargets as error:
            notes.append(error.msg)
    wanted = [target for target in targets if params["job"] in (None, target.job)]
    return {
        "changed": False,
        "version": build.get("version") or None,
        "revision": build.get("revision") or None,
        "retention": runtime.get("storageRetention"),
        "clock_skew": round(skew, 3),
        "targets": [target.as_dict() for target in wanted],
        "duplicates": duplicates(targets),
        "notes": [*client.notes, *notes],
    }


TASK = Task(SPEC, run, VALIDATION, elsewhere=as_given)
