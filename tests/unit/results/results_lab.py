# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of results and reports build results with, and how they run their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import attempts, runs, stage_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_run import build_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context

#: 2026-11-23 17:00:00 UTC
START = 1795453200.0
STUDENT, RUN = "student-01", "20261123T170000Z"
RECORDED = Path(__file__).parents[2] / "fixtures" / "results"


def figure(name: str, value: float | None, **fields: Any) -> dict[str, Any]:
    """A figure that passes, or says why it does not when its value is None."""
    known = value is not None or "by" in fields
    return {
        "id": name,
        "title": name.replace("_", " ").capitalize(),
        "unit": "1/s",
        "direction": "higher",
        "value": value,
        "state": "pass" if known else "inconclusive",
        "reason": "" if known else "no observations",
        "query": f"sum(rate({name}[120s]))",
        "time": START + 120,
        **fields,
    }


def full(name: str, value: float | None, **fields: Any) -> dict[str, Any]:
    """A figure with all that is said beside its value, where nothing happened to the series."""
    beside = {
        "coverage": 1.0,
        "samples": 24,
        "largest_gap": 5.0,
        **dict.fromkeys(("resets", "new_series", "gone_series", "unknown_series", "double_series"), 0),
        "notes": [],
        "metrics": [name],
        "promql": value,
        "promql_difference": 0.0 if value else None,
        "promql_reason": "",
    }
    return figure(name, value, **{**beside, **fields})


def window(name: str, start: float, *figures: dict[str, Any], length: float = 120.0) -> dict[str, Any]:
    return {"name": name, "title": f"the {name} one", "start": start, "end": start + length, "figures": list(figures)}


def distribution(
    name: str, *buckets: tuple[float | None, float | None, list[float | None]], **fields: Any
) -> dict[str, Any]:
    """How a distribution went over a window. buckets: two bounds and the observations in each step."""
    return {
        "id": name,
        "title": name.replace("_", " ").capitalize(),
        "unit": "s",
        "start": START,
        "step": 5.0,
        "buckets": [{"above": above, "to": to, "counts": counts} for above, to, counts in buckets],
        **fields,
    }


def series(name: str, points: list[list[float | None]], **fields: Any) -> dict[str, Any]:
    return {"figure": name, "title": name, "unit": "1/s", "labels": {}, "points": points, **fields}


@dataclass
class Lab:
    """A results folder with one student's run."""

    folder: Path
    student: str = STUDENT
    name: str = RUN

    @property
    def path(self) -> Path:
        return self.folder / self.student / self.name

    def write(self, stage: str, state: str = "done", at: float = 0.0, **fields: Any) -> Path:
        """Write a stage that began ``at`` seconds after the start and took 150 seconds."""
        started = START + at
        record = stage_file.build_stage(
            student=self.student,
            run=self.name,
            stage=stage,
            state=state,
            started=started,
            finished=fields.pop("finished", started + 150),
            **{"message": "" if state == "done" else f"{stage} {state} for a reason.", **fields},
        )
        return attempts.write_stage(self.folder, record)[0]

    def report(self) -> dict[str, Any]:
        return build_report(runs.read_run(self.folder, self.student, self.name))


def write_doubtful(lab: Lab) -> None:
    """Two stages with figures that are not wholly known, and why."""
    low = {
        "unit": "s",
        "direction": "lower",
        "bound": "below",
        "interval": [0.0, 0.001],
        "observations": 368.0,
        "promql_reason": "PromQL interpolates inside the smallest bucket",
        "notes": ["The quantile is at or below the smallest bound."],
    }
    lab.write(
        "baseline",
        windows=[
            window(
                "idle",
                START,
                full("work", 40.0, interval=[40.0, 40.0], key=True),
                full("lock", 0.001, **low, promql=0.00095, promql_difference=-0.05),
            )
        ],
        settings={"scrape_interval": 5},
    )
    lab.write(
        "benchmark",
        at=160,
        windows=[
            window(
                "load",
                START + 170,
                full(
                    "work",
                    145.246086666667,
                    key=True,
                    interval=[139.4, None],
                    coverage=0.833,
                    largest_gap=12.504,
                    new_series=24,
                    gone_series=2,
                    notes=["2 series ended; what was counted after the last scrape is lost."],
                    thresholds={"warn": 100.0, "relative": {"window": "idle", "warn": 0.9}},
                    compared={"window": "idle", "value": 40.0, "ratio": 3.631152166666675},
                    promql=120.5,
                    promql_difference=-0.1704,
                    promql_reason="PromQL leaves out the first value of 24 series that began in the window",
                ),
                full("lock", 0.001, **low, promql=0.0005, promql_difference=-0.5),
            )
        ],
        settings={"scrape_interval": 5},
    )


def write_measured(lab: Lab) -> None:
    """Two stages with a window each, and the same figures in both."""
    lab.write(
        "baseline",
        windows=[window("idle", START + 10, figure("work", 0.0), figure("lock", None, unit="s", direction="lower"))],
        series=[series("work", [[START + second, 0.5] for second in range(10, 131, 5)])],
        events=[{"name": "began", "title": "it began", "time": START + 10}],
        settings={"window": 120, "scrape_interval": 5, "load": 0},
        versions={"temporal_server": "1.31.2"},
    )
    lab.write(
        "benchmark",
        at=160,
        windows=[
            window("load", START + 170, figure("work", 40.0), figure("lock", 0.0042, unit="s", direction="lower"))
        ],
        series=[series("work", [[START + second, 40.0] for second in range(170, 291, 5)])],
        settings={"window": 120, "scrape_interval": 5, "load": 3},
        versions={"temporal_server": "1.31.2"},
    )


def recorded_report() -> dict[str, Any]:
    """The merged run of the recorded results."""
    [student] = [path.name for path in RECORDED.iterdir() if path.is_dir()]
    run = runs.latest_run(RECORDED, student)
    assert run is not None
    return build_report(runs.read_run(RECORDED, student, run))


def do(
    task: Any,
    folder: Path,
    check: bool = False,
    show: list[str] | None = None,
    secrets: Sequence[str] = (),
    **arguments: Any,
) -> dict[str, Any]:
    """Run a task with its arguments checked as Ansible does it. secrets: those that only the context knows."""
    checked = ArgumentSpecValidator(task.SPEC).validate({"results_dir": str(folder), "student": STUDENT, **arguments})
    assert checked.error_messages == []
    shown = [] if show is None else show
    context = Context(check_mode=check, show=shown.append, secrets=lambda: secrets)
    result: dict[str, Any] = task.run(checked.validated_parameters, context)
    return result
