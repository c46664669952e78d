# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a stage that was measured: the same when it is measured and when it is worked out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LabError
from ..findings import Finding
from ..prometheus.kept_samples import Kept
from ..results.schema import SCHEMA_ID, fit_stage
from ..results.stage_file import build_stage
from ..results.types import Ledger, SeriesResult, StageAbout, StageRecord, WindowResult
from ..version import VERSION
from .rebalancing import with_settled


def check_about(about: StageAbout) -> StageAbout:
    """Return what is known of a stage; raise LabError, before any wait, where it could not be written down later."""
    parts = {"student": "-", "run": "-", "attempt": 1, "state": "done", "message": "", "windows": [], "series": []}
    try:
        fit_stage({"schema": SCHEMA_ID, **parts, "finished": about["started"], **about})
    except ValueError as fault:
        raise LabError(f"The stage cannot be written down as it was described: {fault}.") from None
    return about


def _without_distributions(series: Sequence[SeriesResult], windows: Sequence[WindowResult]) -> list[SeriesResult]:
    """Series without those of distributions that windows have step by step: samples of earlier versions hold both."""
    whole = {one["id"] for window in windows for one in window.get("distributions", ())}
    parts = {
        figure["id"] for window in windows for figure in window["figures"] if figure.get("distribution", "") in whole
    }
    return [one for one in series if one["figure"] not in parts]


def stage_record(
    kept: Kept,
    windows: list[WindowResult],
    findings: Sequence[Finding],
    *,
    student: str,
    run: str,
    samples: str | None,
    finished: float,
    facts: Mapping[str, Any] | None = None,
    ledger: Ledger | None = None,
    measured: bool = False,
) -> StageRecord:
    """The stage that samples are of, with these windows and findings, and a ledger of shards that moved.

    Raises LabError.

    samples: name of their file beside the stage file. finished: when the stage was over, in Unix seconds.
    facts: more of them than were known before measuring. measured: see build_stage.
    """
    about = kept.about
    if about is None:
        raise ValueError("the samples do not say which stage they are of")
    known = with_settled(about["facts"], ledger, kept.question.span[0])
    return build_stage(
        student=student,
        run=run,
        stage=about["stage"],
        state="done",
        started=about["started"],
        finished=finished,
        events=about["events"],
        windows=windows,
        series=_without_distributions(kept.series, windows),
        samples=samples,
        versions={"collection": VERSION, **about["versions"], "prometheus": kept.prometheus["prometheus_version"]},
        settings={**about["settings"], "scrape_interval": kept.prometheus["scrape_interval"]},
        facts={**known, "findings": findings, **(facts or {})},
        ledger=ledger,
        measured=measured,
    )
