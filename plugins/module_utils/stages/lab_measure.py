# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_measure: reads the windows of a stage and writes its results.

It is made of the tasks temporal_cluster_info, lab_run, prometheus_sample and lab_stage. Through Ansible, figures would
be copied and templated between them, which costs a class more than working them out.
"""

from __future__ import annotations

import os
from typing import Any

from ..cluster.connection import Cluster
from ..cluster.temporal import TemporalApi
from ..prometheus import prometheus_sample as sample
from ..prometheus.connect import PROFILE, PROMETHEUS, VALIDATION, read_default
from ..results import (
    lab_run,
    lab_stage,
)
from ..results.attempts import write_stage
from ..results.stage_file import build_stage, window_values
from ..task import Context, Params, Result, Task, defaults
from ..version import VERSION

SPEC: dict[str, Any] = {
    **PROMETHEUS,
    **{name: spec for name, spec in PROFILE.items() if name != "server_version"},
    **{name: lab_stage.SPEC[name] for name in ("results_dir", "student", "stage", "started")},
    **{name: lab_stage.SPEC[name] for name in ("events", "settings", "facts")},
    **{name: sample.SPEC[name] for name in ("windows", "absent_components", "progress_figures")},
    "run": lab_run.SPEC["run"],
    "keep_samples": {"type": "bool", "default": True},
}


def run(params: Params, context: Context) -> Result:
    """Return ``run``, ``path`` and ``attempt`` of the stage file, ``samples``, ``figures``, ``findings`` and others.

    ``stages`` are those that the run had before. In check mode nothing is asked of Prometheus and nothing is written.
    Raises LabError.
    """
    student_run = {name: params[name] for name in ("results_dir", "student", "run", "stage")}
    opened = lab_run.run({**student_run, "new": False}, context)
    with Cluster.from_params(params) as cluster:
        temporal = TemporalApi(cluster).cluster_info()
        stage = {name: params[name] for name in ("stage", "started", "events", "facts")}
        versions = {"temporal_server": temporal.server_version}
        settings = {**params["settings"], "history_shards": temporal.history_shards}
        if params["windows"]:
            settings["window"] = params["windows"][0]["duration"]
        found = sample.run(
            {
                **defaults(sample.SPEC),
                **{name: value for name, value in params.items() if name in sample.SPEC},
                "server_version": temporal.server_version or None,
                "compare": opened["windows"],
                "series": True,
                "series_start": min([params["started"], *(one["start"] for one in params["windows"] if one["start"])]),
                "samples_dir": opened["path"] if params["keep_samples"] else None,
                "about": {**stage, "versions": versions, "settings": settings},
            },
            context,
            cluster,
        )
    result: Result = {
        "changed": True,
        "run": opened["run"],
        "stages": opened["stages"],
        "path": None,
        "attempt": None,
        "samples": found["raw_path"],
        "figures": window_values(found["windows"]),
        "findings": found["findings"],
        "notes": found["notes"],
        "waited": found["waited"],
    }
    if context.check_mode:
        return result
    record = build_stage(
        student=params["student"],
        run=opened["run"],
        stage=params["stage"],
        state="done",
        started=params["started"],
        finished=lab_stage.finished_now(params["started"]),
        events=params["events"],
        windows=found["windows"],
        series=found["series"],
        samples=found["raw_path"] and os.path.basename(found["raw_path"]),
        # lab_reanalyse puts the same together when it has to.
        versions={"collection": VERSION, **versions, "prometheus": found["prometheus_version"]},
        settings={**settings, "scrape_interval": found["scrape_interval"]},
        facts={**params["facts"], "findings": found["findings"]},
        measured=True,
    )
    path, attempt = write_stage(os.path.abspath(params["results_dir"]), record)
    return {**result, "path": str(path), "attempt": attempt}


TASK = Task(SPEC, run, VALIDATION, before_fork=read_default)
