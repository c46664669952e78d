# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_reanalyse: works a run's figures out again from its kept samples, and writes stages that were cut off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bounded_json import fit
from ..errors import LabError
from ..foreign_text import plain
from ..prometheus import profile_file, samples_file
from ..prometheus.connect import read_default
from ..prometheus.kept_samples import Kept, figures
from ..prometheus.load_findings import stage_findings
from ..prometheus.profile import Profile
from ..results.attempts import newest_done, newest_samples, write_stage
from ..results.names import SAMPLES_FILE, stage_file_name
from ..results.runs import Run, latest_run, read_run
from ..results.stage_file import window_values
from ..results.types import Ledger, StageRecord, WindowResult
from ..task import Context, Params, Result, Task
from .completions import witnessed
from .rebalancing import rebalancing
from .stage_record import stage_record

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "run": {"type": "str"},
    "profile": {"type": "path"},
    "variables": {"type": "dict", "default": {}},
}

#: What samples raise that no Prometheus gave: whoever wrote them may be a stranger. It costs their file, and no other
#: stage of the run.
SENSELESS = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)

#: Values of windows that are known so far, which those after them are compared with.
Known = dict[str, Mapping[str, "float | None"]]


@dataclass(frozen=True)
class MeasuredStage:
    """A stage of the run that was measured.

    start: when its first window began, in Unix seconds. samples: its newest file of samples, None where there is none
    for its newest attempt that can be used. It is read again when it is its turn: all of a run would take much memory.
    attempt: its newest attempt that was done, None without one. again: whether that is of these samples.
    """

    stage: str
    start: float
    samples: Path | None
    attempt: StageRecord | None
    again: bool = False


@dataclass(frozen=True)
class Outcome:
    """The outcome for a stage: same, again, recovered or unkept; and the record to write, None where nothing is new."""

    stage: str
    result: str
    samples: str | None
    record: StageRecord | None = None


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
    if not any(one.samples for one in stages):
        if problems:
            raise LabError(problems[0])
        raise LabError(
            f"The run {name} of {student} has no samples in {found.path}: measure its "
            "stages again with measure_keep_samples=true while Prometheus still has the data, or give another run."
        )

    known: Known = {}
    before: list[StageRecord] = []
    outcomes: list[Outcome] = []
    for one in stages:
        outcome = worked_out(one, new, params["variables"], known, found, problems, before)
        outcomes.append(outcome)
        newest = outcome.record or one.attempt
        before += [newest] if newest is not None else []
    results: list[Result] = []
    for one, outcome in zip(stages, outcomes):
        attempt, file = None, None
        if outcome.record is not None:
            file, attempt = write_stage(results_dir, outcome.record, context.check_mode)
        elif one.attempt is not None:
            attempt = one.attempt["attempt"]
            file = found.path / stage_file_name(one.stage, attempt)
        results.append(
            {
                "stage": one.stage,
                "result": outcome.result,
                "samples": outcome.samples,
                "attempt": attempt,
                "file": str(file) if file else None,
            }
        )
    context.show_lines([f"run {name}", *map(line, results), *problems])
    return {
        "changed": any(outcome.record is not None for outcome in outcomes),
        "run": name,
        "path": str(found.path),
        "stages": results,
        "problems": problems,
    }


def read_profile(params: Params) -> tuple[Profile, str] | None:
    """The profile that takes the place of the kept ones, before it is bound, and its name. Raises LabError."""
    path: str | None = params["profile"]
    return None if path is None else (profile_file.load(path), path)


# --- what there is -------------------------------------------------------------------------------


def measured(run: Run, problems: list[str]) -> Iterator[MeasuredStage]:
    """The stages of a run that were measured; a sentence for each file that cannot be used goes to ``problems``."""
    files = newest_samples(run.path)
    for stage in sorted({*files, *run.stages}):
        done = newest_done(run.stages.get(stage, []))
        path = files.get(stage)
        kept = None if path is None else usable(path, problems)
        if path is not None and kept is not None and kept.about is not None:
            again = done is not None and done.get("samples") == path.name
            # Measured again since, without samples: the old samples must not replace that result.
            outdated = done is not None and not again and done["started"] > round(kept.about["started"], 3)
            if not outdated:
                yield MeasuredStage(stage, kept.question.span[0], path, done, again)
                continue
        elif done is None or not done["windows"]:
            continue
        starts = [window["start"] for window in done["windows"]] if done else []
        yield MeasuredStage(stage, min(starts, default=0.0), None, done)


def usable(path: Path, problems: list[str]) -> Kept | None:
    """What is in a file of samples; None, and a problem, where no stage can be written of it."""
    match = SAMPLES_FILE.fullmatch(path.name)
    stage = match[1] if match else ""
    try:
        kept = samples_file.load(path)
        # The profile that is kept with the samples is no better known than they are.
        _bound = kept.question.bound
    except LabError as error:
        problems.append(error.msg)
        return None
    if kept.about is None:
        problems.append(f"{path.name} was written without `about`: it lacks what a stage file needs.")
        return None
    if kept.about["stage"] != stage:
        problems.append(f"{path.name} contains samples of stage {kept.about['stage']}: rename it to match.")
        return None
    return kept


# --- what comes of it ----------------------------------------------------------------------------


def worked_out(
    one: MeasuredStage,
    new: tuple[Profile, str] | None,
    variables: Mapping[str, Any],
    known: Known,
    run: Run,
    problems: list[str],
    before: Sequence[StageRecord] = (),
) -> Outcome:
    """What becomes of a stage; a sentence goes to ``problems`` where its samples make no sense. Raises LabError.

    ``known`` are the values of the windows before; those of this stage are added to it. ``before`` are the stages that
    were measured before it.
    """
    if one.samples is None:
        return as_it_is(one, known)
    file = one.samples.name
    kept = samples_file.load(one.samples)
    about = kept.about
    if about is None:
        # Another file took its place a moment ago.
        return Outcome(one.stage, "unkept", None)
    profile, name = other_profile(kept, new, variables)
    earlier = {**kept.question.earlier, **known}
    # As they will be read back, to be compared with those of before.
    try:
        measured_windows: list[WindowResult] = fit(json.loads(json.dumps(figures(kept, profile, earlier))))
        windows, told = witnessed(measured_windows, kept.visibility, about["settings"].get("concurrent_workflows"))
        ledger = fit(json.loads(json.dumps(rebalancing(kept, windows, before, profile))))
        findings = [*stage_findings(windows, earlier, about["settings"]), *told]
    except SENSELESS as error:
        problems.append(left_out(file, "no figures can be worked out from its samples", error))
        return as_it_is(one, known)
    if one.again and one.attempt is not None and (windows, ledger) == as_written(one.attempt):
        known.update(window_values(windows))
        return Outcome(one.stage, "same", file)
    # Not when this is written, which may be long after: the stage did not take that long.
    finished = max(kept.read, about["started"])
    if one.again and one.attempt is not None:
        finished = one.attempt["finished"]
    try:
        record = stage_record(
            kept,
            windows,
            findings,
            student=run.student,
            run=run.name,
            samples=file,
            finished=finished,
            facts={"reanalysed": {"samples": file, "profile": name}},
            ledger=ledger,
        )
    except (LabError, *SENSELESS) as error:
        problems.append(left_out(file, "no stage can be made of what it says besides its samples", error))
        return as_it_is(one, known)
    known.update(window_values(windows))
    return Outcome(one.stage, "again" if one.again else "recovered", file, record)


def left_out(file: str, why: str, error: Exception) -> str:
    """The sentence for a file of samples that makes no sense."""
    said = (
        error.msg.removesuffix(".") if isinstance(error, LabError) else f"{type(error).__name__}: {plain(str(error))}"
    )
    return f"{file} is left out: {why} ({said})."


def as_written(attempt: StageRecord) -> tuple[list[WindowResult], Ledger | None]:
    """What an attempt has of what is worked out from samples."""
    return attempt["windows"], attempt.get("ledger")


def as_it_is(one: MeasuredStage, known: Known) -> Outcome:
    """A stage that keeps its newest attempt, whose values those after it are compared with."""
    known.update(window_values(one.attempt["windows"] if one.attempt else []))
    return Outcome(one.stage, "unkept", None)


def other_profile(
    kept: Kept, new: tuple[Profile, str] | None, variables: Mapping[str, Any]
) -> tuple[Profile | None, str]:
    """The bound profile that takes the place of the kept one, None where that stays; and its name. Raises LabError."""
    question = kept.question
    name = question.profile_name
    profile = profile_file.parse(question.profile, name) if variables else None
    if new is not None:
        profile, name = new
    if profile is None:
        return None, name
    values = {
        # As far as this profile has them: they say how the student's Prometheus names things.
        **{key: value for key, value in question.variables.items() if key in profile.variables},
        **{key: str(value) for key, value in variables.items()},
    }
    return question.bind(profile, values), name


def line(result: Result) -> str:
    """The outcome for a stage, as text."""
    what = {
        "same": "the same figures from {samples}",
        "again": "calculated again from {samples} into attempt {attempt}",
        "recovered": "recovered from {samples} as attempt {attempt}",
        "unkept": "attempt {attempt} kept no samples that can be used",
    }
    return f"{result['stage']}: {what[result['result']].format(**result)}"


TASK = Task(SPEC, run, before_fork=read_default)
