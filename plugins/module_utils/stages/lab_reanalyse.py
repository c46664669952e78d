# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_reanalyse: works a run's figures out again from its kept samples, and writes stages that were cut off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..findings import Finding
from ..prometheus import profile as profiles
from ..prometheus import samples_file as raw
from ..prometheus.connect import read_default
from ..prometheus.load_findings import stage_findings
from ..prometheus.profile import Profile
from ..results.attempts import newest_done, newest_samples, next_attempt, write_stage
from ..results.names import SAMPLES_FILE
from ..results.runs import Record, Run, latest_run, read_run
from ..results.stage_file import build_stage, window_values
from ..task import Context, Params, Result, Task
from ..version import VERSION

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "profile": {"type": "path"},
    "profile_content": {"type": "str"},
    "variables": {"type": "dict", "default": {}},
}

#: What an error calls a profile that came as text.
GIVEN = "the profile given as text"

Values = dict[str, Mapping[str, "float | None"]]


@dataclass(frozen=True)
class Measured:
    """What a stage of the run was measured with.

    file: name of its newest file of samples, and question: what that is an answer to; "" and None where there is
    none for its newest attempt. The samples are read when it is their turn: together they would take much memory.
    attempt: its newest attempt that was done, None without one. again: whether that is of these samples.
    """

    stage: str
    file: str
    question: raw.Question | None
    attempt: Record | None
    again: bool = False

    @property
    def start(self) -> float:
        """When its first window began."""
        if self.question is not None:
            return min(window.start for window in self.question.windows)
        return min(window["start"] for window in self.attempt["windows"]) if self.attempt else 0.0


def run(params: Params, context: Context) -> Result:
    """Return ``run``, ``path``, ``stages`` and ``problems``. Raises LabError.

    All is worked out before the first file is written: an error leaves the run as it was.
    """
    results_dir = Path(os.path.abspath(params["results_dir"]))
    student = params["student"]
    name = params["run"] or latest_run(results_dir, student)
    if name is None:
        raise LabError(
            f"There is no run of {student} in {results_dir} to work out again; measure a stage of the lab first, "
            "or give the right results_dir."
        )
    found = read_run(results_dir, student, name)
    new = read_profile(params)
    problems: list[str] = []
    stages = sorted(measured(found, problems), key=lambda one: (one.start, one.stage))
    if not any(one.question for one in stages):
        if problems:
            raise LabError(problems[0])
        raise LabError(
            f"The run {name} of {student} has no samples to work its figures out from in {found.path}; measure its "
            "stages again with measure_keep_samples true while Prometheus has the time, or give another run."
        )

    results: list[Result] = []
    records: list[Record | None] = []
    known: Values = {}
    for one in stages:
        result, record = worked_out(one, new, params["variables"], known, found)
        results.append(result)
        records.append(record)
    for result, record in zip(results, records):
        if record is None:
            continue
        if context.check_mode:
            attempt = next_attempt(found.path, record["stage"])
            path = found.path / f"{record['stage']}-{attempt}.json"
        else:
            path, attempt = write_stage(results_dir, record)
        result.update(attempt=attempt, file=str(path))
    # One call: lines of students that finish at the same time do not mix.
    context.show("\n".join([f"run {name}", *map(line, results), *problems]))
    return {
        "changed": any(record is not None for record in records),
        "run": name,
        "path": str(found.path),
        "stages": results,
        "problems": problems,
    }


def read_profile(params: Params) -> tuple[Profile, str] | None:
    """The profile that takes the place of the kept ones, before it is bound, and its name. Raises LabError."""
    path, text = params["profile"], params["profile_content"]
    if path is None and text is None:
        return None
    name = path or GIVEN
    return profiles.parse(profiles.read_text(path) if text is None else text, name), name


# --- what there is -------------------------------------------------------------------------------


def measured(run: Run, problems: list[str]) -> Iterator[Measured]:
    """The stages of a run that were measured; a sentence for each file that cannot be used goes to ``problems``."""
    files = newest_samples(run.path)
    for stage in sorted({*files, *run.stages}):
        attempts = run.stages.get(stage, [])
        done = newest_done(attempts)
        path = files.get(stage)
        question = None if path is None else usable(path, problems)
        if path is None or question is None:
            if done is not None and done["windows"]:
                yield Measured(stage, "", None, done)
            continue
        again = done is not None and done.get("samples") == path.name
        if done is not None and not again and done["started"] > round(question.about["started"], 3):
            # Measured anew since, without samples: the old ones must not take the place of that.
            yield Measured(stage, "", None, done)
            continue
        yield Measured(stage, path.name, question, done, again)


def usable(path: Path, problems: list[str]) -> raw.Question | None:
    """What a file of samples is an answer to; None, and a problem, where no stage can be written of it."""
    stage = SAMPLES_FILE.fullmatch(path.name)[1]
    try:
        question = raw.load(path).question
    except LabError as error:
        problems.append(error.msg)
        return None
    about = question.about
    if about is None:
        problems.append(f"{path.name} was written without `about`: it does not say what a stage file is made of.")
        return None
    if about["stage"] != stage:
        problems.append(f"{path.name} says it is of stage {about['stage']}; give it its name back.")
        return None
    return question


# --- what comes of it ----------------------------------------------------------------------------


def worked_out(
    one: Measured, new: tuple[Profile, str] | None, variables: Mapping[str, Any], known: Values, run: Run
) -> tuple[Result, Record | None]:
    """The result of a stage, and the record to write, None where there is nothing new. Raises LabError.

    ``known`` are the values of the windows before; those of this stage are added to it.
    """
    stands: Result = {"attempt": None, "file": None}
    if one.attempt is not None:
        number = one.attempt["attempt"]
        stands = {"attempt": number, "file": str(run.path / f"{one.stage}-{number}.json")}
    if one.question is None:
        known.update(window_values(one.attempt["windows"] if one.attempt else []))
        return {"stage": one.stage, "result": "unkept", "samples": None, **stands}, None

    kept = raw.load(run.path / one.file)
    question = kept.question
    name = question.profile_name
    profile = profiles.parse(question.profile, name) if variables else None
    if new is not None:
        profile, name = new
    if profile is not None:
        profile = question.bind(
            profile,
            {
                # As far as this profile has them: they say how the student's Prometheus names things.
                **{key: value for key, value in question.variables.items() if key in profile.variables},
                **{key: str(value) for key, value in variables.items()},
            },
        )
    earlier = {**question.earlier, **known}
    windows = json.loads(json.dumps(kept.windows(profile, earlier)))
    known.update(window_values(windows))
    if one.again and one.attempt is not None and windows == one.attempt["windows"]:
        return {"stage": one.stage, "result": "same", "samples": one.file, **stands}, None
    findings = stage_findings(windows, earlier, question.about["settings"])
    record = stage_record(one, kept, windows, findings, name, run)
    return {"stage": one.stage, "result": "again" if one.again else "recovered", "samples": one.file}, record


def stage_record(
    one: Measured, kept: raw.Kept, windows: list[Record], findings: list[Finding], profile: str, run: Run
) -> Record:
    """The stage as it was measured, with these windows and findings. Raises LabError."""
    about = kept.question.about
    # Not when this is written, which may be long after: the stage did not take that long.
    finished = one.attempt["finished"] if one.again else max(kept.read, about["started"])
    return build_stage(
        student=run.student,
        run=run.name,
        stage=one.stage,
        state="done",
        started=about["started"],
        finished=finished,
        events=about["events"],
        windows=windows,
        series=list(kept.series),
        samples=one.file,
        versions={"collection": VERSION, **about["versions"], "prometheus": kept.prometheus["prometheus_version"]},
        settings={**about["settings"], "scrape_interval": kept.prometheus["scrape_interval"]},
        facts={**about["facts"], "findings": findings, "reanalysed": {"samples": one.file, "profile": profile}},
    )


def line(result: Result) -> str:
    """What became of a stage, for people."""
    what = {
        "same": "the same figures from {samples}",
        "again": "worked out again from {samples} into attempt {attempt}",
        "recovered": "recovered from {samples} as attempt {attempt}",
        "unkept": "attempt {attempt} kept no samples that can be used",
    }
    return f"{result['stage']}: {what[result['result']].format(**result)}"


TASK = Task(SPEC, run, before_fork=read_default)
