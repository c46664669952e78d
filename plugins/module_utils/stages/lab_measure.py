# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_measure: measures the windows of a stage and writes its results.

What was set before is read back, before the wait, while windows run and when they are over: nothing is written of
windows in which something changed it.

One task does it all. Through Ansible, figures would be copied and templated between tasks, which costs a class more
than working them out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..cluster.cluster import Cluster
from ..cluster.held import Holding, read_held
from ..cluster.settled_cluster import check_settled
from ..cluster.temporal_api import ClusterInfo, TemporalApi
from ..cluster.undone import Undone
from ..errors import LabError
from ..findings import Finding, show_faulty
from ..formatting import duration_text
from ..prometheus import prometheus_sample, samples_file
from ..prometheus.connect import (
    PROFILE,
    PROMETHEUS,
    VALIDATION,
    connect,
    profile_text,
    profile_variables,
    read_default,
)
from ..prometheus.kept_samples import Kept, figures
from ..prometheus.load_findings import stage_findings
from ..prometheus.measure import measure
from ..prometheus.question import Question, read_windows
from ..prometheus.server import Clock
from ..results import lab_run, lab_stage
from ..results.attempts import newest_done, next_samples, write_stage
from ..results.lab_run import measured_before, newest_attempts, open_run, values_alone
from ..results.runs import Run
from ..results.stage_file import window_values
from ..results.types import StageAbout, Values, VisibilityAnswer
from ..task import Context, Params, Result, Task
from .completions import counts_completions, witnessed
from .rebalancing import rebalancing
from .stage_record import check_about, stage_record

SPEC: dict[str, Any] = {
    **PROMETHEUS,
    **{name: spec for name, spec in PROFILE.items() if name not in ("server_version", "profile_content")},
    **{name: lab_stage.SPEC[name] for name in ("results_dir", "student", "stage", "started")},
    **{name: lab_stage.SPEC[name] for name in ("events", "settings", "facts", "cluster")},
    **{
        name: prometheus_sample.SPEC[name]
        for name in ("windows", "scrape_interval", "absent_components", "progress_figures")
    },
    "run": lab_run.SPEC["run"],
    "keep_samples": {"type": "bool", "default": True},
    "held": {"type": "list", "elements": "dict", "default": []},
    "changed_at": {"type": "float"},
    "temporal_namespace": {"type": "str", "default": "default"},
}

#: Seconds that times of the cluster's own record are apart at least.
RESOLUTION = 1.0
#: Seconds by which the cluster's clock may be behind that of this machine.
CLOCKS = 5.0


def run(params: Params, context: Context) -> Result:
    """Return ``run``, ``path`` and ``attempt`` of the stage file, ``samples``, ``figures``, ``findings`` and others.

    ``stages`` are those that the run had before. In check mode nothing is asked of Prometheus and nothing is written.
    Raises LabError.
    """
    results_dir, stage = Path(os.path.abspath(params["results_dir"])), params["stage"]
    held = read_held(params["held"])
    found = open_run(
        results_dir, params["student"], params["run"], check_mode=context.check_mode, keep=values_alone
    ).run
    params = {**params, "windows": of_stage(params["windows"], stage, stage_began(params, found))}
    earlier = measured_before(found, stage)
    keep = params["keep_samples"]
    # In check mode the file to come; else it says before the wait whether one can be.
    samples = next_samples(found.path, stage) if keep else None
    result: Result = {
        "changed": True,
        "run": found.name,
        "stages": newest_attempts(found),
        "path": None,
        "attempt": None,
        "samples": str(samples) if samples else None,
        "figures": {},
        "findings": [],
        "notes": [],
        "waited": 0.0,
    }
    with Cluster.from_params(params) as cluster:
        api = TemporalApi(cluster)
        temporal = api.cluster_info()
        about = check_about(read_about(params, temporal))
        question = read_question(params, temporal, earlier)
        question.check()
        if context.check_mode:
            return result
        holding = Holding(cluster, held)
        holding.check_deployments("")
        with connect(params, cluster) as client:
            kept = replace(measure(question, client, Clock(), context.show, holding.glance), about=about)
        noted: list[Finding] = []
        unread = None
        try:
            noted = holding.check("While the windows ran, ")
        except Undone:
            # Not even samples are kept: a stage could be written of them later.
            raise
        except LabError as error:
            unread = error
            kept = replace(kept, about={**about, "facts": {**about["facts"], "not_read_back": error.msg}})
        if about["settings"].get("concurrent_workflows") != 0 and counts_completions(question.bound):
            kept = replace(kept, visibility=ask_visibility(api, params["temporal_namespace"], kept))
    # Before all that can go wrong now: figures can be worked out again, samples do not come back.
    samples = samples_file.save_new(found.path, stage, kept) if keep else None
    if unread is not None:
        raise unread
    if kept.no_course is not None:
        raise kept.no_course
    if params["cluster"]:
        check_settled(params["cluster"])
    windows, told = witnessed(figures(kept), kept.visibility, about["settings"].get("concurrent_workflows"))
    findings = [*stage_findings(windows, earlier, about["settings"]), *told, *noted]
    show_faulty(findings, context.show)
    others = [newest_done(attempts) for name, attempts in found.stages.items() if name != stage]
    record = stage_record(
        kept,
        windows,
        findings,
        student=params["student"],
        run=found.name,
        samples=samples.name if samples else None,
        finished=lab_stage.finished_now(about["started"]),
        ledger=rebalancing(kept, windows, [one for one in others if one is not None]),
        measured=True,
    )
    path, attempt = write_stage(results_dir, record)
    return {
        **result,
        "path": str(path),
        "attempt": attempt,
        "samples": str(samples) if samples else None,
        "figures": window_values(windows),
        "findings": findings,
        "notes": kept.prometheus["notes"],
        "waited": kept.waited,
    }


def ask_visibility(api: TemporalApi, namespace: str, kept: Kept) -> dict[str, VisibilityAnswer]:
    """What Visibility has of the workflows of each window: a request for each. Without an answer, the reason."""
    answers: dict[str, VisibilityAnswer] = {}
    for reading in kept.readings:
        for window in reading.windows:
            # What runs in the cluster has its clock, as the samples have.
            start, end = window.start + reading.skew, window.end + reading.skew
            try:
                answers[window.name] = {"by": api.workflows_by_status(namespace, start, end), "reason": ""}
            except LabError as error:
                answers[window.name] = {"by": {}, "reason": error.msg}
    return answers


def stage_began(params: Params, run: Run) -> float:
    """When the stage began: with an earlier attempt of the same run where that made the change (``changed_at``)."""
    started, changed = float(params["started"]), params["changed_at"]
    first = min((record["started"] for records in run.stages.values() for record in records), default=started)
    if changed is None or changed + CLOCKS < first:
        return started
    attempts = [record["started"] for record in run.stages.get(params["stage"], [])]
    # The cluster's clock has whole seconds, so that the attempt may seem to be later than what it made.
    made: float = max([changed, *(moment for moment in attempts if moment < changed + RESOLUTION)])
    return min(started, made)


def of_stage(windows: Sequence[Mapping[str, Any]], stage: str, began: float) -> list[Mapping[str, Any]]:
    """The windows as they are asked for, none of which begins before the stage. Raises LabError for one that would."""
    found = []
    for window in windows:
        start = window["start"]
        if start is not None and start < began - RESOLUTION:
            raise LabError(
                f"The window {window['name']!r} would begin {duration_text(began - start)} before the stage {stage} "
                f"began, so it would not show what this stage does: what it is to measure was there before. Return to "
                f"the state before it (--tags reset), and run the stages again."
            )
        found.append(window if start is None else {**window, "start": max(start, began)})
    return found


def read_about(params: Params, temporal: ClusterInfo) -> StageAbout:
    """What the arguments and Temporal itself say of the stage."""
    settings = {**params["settings"], "history_shards": temporal.history_shards}
    if params["windows"]:
        settings["window"] = params["windows"][0]["duration"]
    return {
        "stage": params["stage"],
        "started": params["started"],
        "events": params["events"],
        "versions": {"temporal_server": temporal.server_version},
        "settings": settings,
        "facts": {**params["facts"], **lab_stage.server_fact(params["cluster"])},
    }


def read_question(params: Params, temporal: ClusterInfo, earlier: Values) -> Question:
    """What is asked of Prometheus; the course begins with the stage, if not with a window. Raises LabError."""
    windows = read_windows(params["windows"])
    text, name = profile_text(params)
    return Question(
        profile=text,
        profile_name=name,
        namespace=params["namespace"],
        release=params["release"],
        variables=profile_variables(params),
        server_version=temporal.server_version or "",
        windows=windows,
        earlier=earlier,
        absent_components=params["absent_components"],
        scrape_interval=params["scrape_interval"],
        course=(
            min([params["started"], *(window.start for window in windows)]),
            max(window.end for window in windows),
        ),
        progress=params["progress_figures"],
    )


TASK = Task(SPEC, run, VALIDATION, before_fork=read_default)
