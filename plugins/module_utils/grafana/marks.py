# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks: the annotations that a run should have on a dashboard, and the changes that get it there.

Nothing here talks to Grafana. Times are Unix milliseconds, as in Grafana; it would silently accept seconds, or an end
before the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..errors import LabError
from ..results.merged_run import build_report
from ..results.report import Report, StageWindow
from ..results.runs import Run

#: The tag of all marks of the lab.
LAB_TAG = "temporal-lab"
#: What a mark can be of; each is a tag.
KINDS = ("window", "event", "stage")
#: Stages that change the cluster and have no window that shows when.
CHANGING = ("install", "cleanup", "recreate")
#: Characters of a mark's text; the message of a failure can have any length.
LONGEST = 300
#: The last moment that a calendar knows.
LATEST = 253402300799999


@dataclass(frozen=True)
class Mark:
    """One annotation of a student's run: a region, or a point where ``end`` is ``start``."""

    student: str
    run: str
    stage: str
    kind: str
    text: str
    start: int
    end: int
    #: More tags, such as those of ``place_tags``.
    more: tuple[str, ...] = ()

    @property
    def tags(self) -> list[str]:
        return [*run_tags(self.student, self.run), f"stage:{self.stage}", self.kind, *self.more]

    @property
    def body(self) -> dict[str, Any]:
        """The body of a request that creates it, or puts it in the place of another one."""
        return {"time": self.start, "timeEnd": self.end, "tags": self.tags, "text": self.text}


@dataclass(frozen=True)
class FoundMark:
    """A mark that Grafana has. plain: it has the tags of a mark and no others."""

    id: int
    mark: Mark
    plain: bool = True


@dataclass(frozen=True)
class MarkChanges:
    """What turns the marks that Grafana has into those that it should have."""

    create: list[Mark]
    update: list[tuple[FoundMark, Mark]]
    delete: list[FoundMark]
    keep: list[FoundMark]


def run_tags(student: str, run: str) -> list[str]:
    """The tags of all marks of a run, by which they are found."""
    return [LAB_TAG, f"student:{student}", f"run:{run}"]


def place_tags(namespace: str, release: str) -> tuple[str, ...]:
    """The tags by which the dashboard shows the marks of the namespace and release chosen above it."""
    return f"namespace:{namespace}", f"release:{release}"


# --- what should be there ------------------------------------------------------------------------


def wanted(run: Run, more: tuple[str, ...] = ()) -> list[Mark]:
    """The marks that a run should have, in the order of their times. more: further tags of each.

    They are of what the report shows: the newest attempt of each stage that was done. A failure is marked until a newer
    attempt is done.
    """
    report = build_report(run)
    marks = [
        Mark(run.student, run.name, stage, kind, _short(text), start, max(start, end), more)
        for stage, kind, text, start, end in _marks(report)
    ]
    # Two events can differ in name alone; in Grafana they would be the same mark.
    return sorted(dict.fromkeys(marks), key=lambda mark: (mark.start, mark.end, KINDS.index(mark.kind), mark.text))


def _marks(report: Report) -> Iterator[tuple[str, str, str, int, int]]:
    """Stage, kind, text, start and end of each mark."""
    for window in report["windows"]:
        yield window["stage"], "window", _window_text(report, window), _ms(window["start"]), _ms(window["end"])
    for event in report["events"]:
        yield event["stage"], "event", event["title"].strip() or event["name"], _ms(event["time"]), _ms(event["time"])
    for stage in report["stages"]:
        name = stage["stage"]
        failed = None
        for attempt in stage["attempts"]:
            started, finished = attempt["started"], attempt["finished"]
            if started is None or finished is None:
                # Its file cannot be read.
                continue
            failed = _ms(finished)
            if name in CHANGING and attempt["attempt"] == stage["shown_attempt"] and attempt["state"] != "skipped":
                yield name, "stage", name, _ms(started), failed
        if stage["state"] == "failed" and failed is not None:
            yield name, "stage", f"{name} failed: {stage['message']}", failed, failed


def _window_text(report: Report, window: StageWindow) -> str:
    """Such as ``scale: first 120 s (6 in flight, 2 history pods)``, with the settings that the stage recorded."""
    title = window["title"].strip() or window["name"]
    flying = _setting(report, window["stage"], "concurrent_workflows")
    pods = _setting(report, window["stage"], "history_replicas")
    settings = [
        f"{flying} in flight" if flying is not None else "",
        f"{pods} history {'pod' if pods == 1 else 'pods'}" if pods is not None else "",
    ]
    # The title may say it already.
    shown = ", ".join(setting for setting in settings if setting and setting != title)
    return f"{window['stage']}: {title}" + (f" ({shown})" if shown else "")


def _setting(report: Report, stage: str, name: str) -> Any:
    """A stage's effective setting, None where it has none of that name."""
    values = (value for setting in report["settings"] if setting["name"] == name for value in setting["values"])
    return next((value["value"] for value in values if stage in value["stages"]), None)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _short(text: str) -> str:
    """A text on one line, no longer than a tooltip can show."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


# --- what is there -------------------------------------------------------------------------------


def ours(
    annotations: Iterable[Mapping[str, Any]], student: str, run: str, dashboard_uid: str, more: tuple[str, ...] = ()
) -> list[FoundMark]:
    """The marks of this run on this dashboard among the annotations that Grafana found. Raises LabError.

    more: the further tags that they should have; one without them is not plain.

    Grafana's own search cannot be relied on: some of its databases ignore case, and annotations that are not ours must
    never be changed.
    """
    found = []
    for annotation in annotations:
        try:
            tags = [str(tag) for tag in annotation.get("tags") or []]
            kinds = [kind for kind in KINDS if kind in tags]
            stages = [tag.removeprefix("stage:") for tag in tags if tag.startswith("stage:")]
            if annotation.get("dashboardUID", dashboard_uid) != dashboard_uid:
                continue
            if not set(run_tags(student, run)) <= set(tags) or not kinds or not stages:
                continue
            start = int(annotation["time"])
            # A point has no end, or an end equal to its time.
            end = int(annotation.get("timeEnd") or start)
            if not 0 <= start <= end <= LATEST:
                raise ValueError(start)
            mark = Mark(student, run, stages[0], kinds[0], str(annotation["text"]), start, end, more)
            found.append(FoundMark(int(annotation["id"]), mark, sorted(tags) == sorted(mark.tags)))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise LabError(
                "Grafana answered GET /api/annotations with JSON of a shape that its API does not have: check that it "
                "is Grafana 9 or later."
            ) from None
    return found


# --- what to do ----------------------------------------------------------------------------------


def difference(marks: Iterable[Mark], found: Iterable[FoundMark]) -> MarkChanges:
    """Pair each mark that should be there with one that is.

    First with the same one; then with the nearest one of the same stage, kind and text, whose time has moved; then with
    one at the same time, whose text has changed. What is left over is of an older attempt or a duplicate, and is
    deleted.
    """
    left = sorted(found, key=lambda one: one.id)
    keep: list[FoundMark] = []
    update: list[tuple[FoundMark, Mark]] = []

    def paired(
        marks: Iterable[Mark], alike: Callable[[FoundMark, Mark], bool]
    ) -> Iterator[tuple[Mark, FoundMark | None]]:
        for mark in marks:
            candidates = [one for one in left if (one.mark.stage, one.mark.kind) == (mark.stage, mark.kind)]
            one = min(
                (one for one in candidates if alike(one, mark)),
                key=lambda one: abs(one.mark.start - mark.start),
                default=None,
            )
            if one is not None:
                left.remove(one)
            yield mark, one

    create: list[Mark] = []
    for mark, one in paired(marks, lambda one, mark: one.mark == mark and one.plain):
        if one is None:
            create.append(mark)
        else:
            keep.append(one)
    for alike in (
        lambda one, mark: one.mark.text == mark.text,
        lambda one, mark: one.mark.start == mark.start,
    ):
        still: list[Mark] = []
        for mark, one in paired(create, alike):
            if one is None:
                still.append(mark)
            else:
                update.append((one, mark))
        create = still
    return MarkChanges(create, update, left, keep)


def as_text(marks: Iterable[Mark]) -> str:
    """Times and texts of marks, a line each, for Ansible's diff."""
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end, mark.text))
    return "".join(f"{_span(mark)}  {mark.text}\n" for mark in ordered)


def _span(mark: Mark) -> str:
    return _utc(mark.start) if mark.end == mark.start else f"{_utc(mark.start)} to {_utc(mark.end)}"


def _utc(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
