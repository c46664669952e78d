# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a run's report in words and formatted values, the same for every form of it.

The page, the Markdown text and the terminal's table only lay out what stands
here, so that they cannot tell different things.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from ..answers.answer import Answer
from ..formatting import clock_text, duration_text
from ..results.merged_run import LAB_WINDOW, NOT_MISSED
from ..results.report import MergedStage, NamedValues, Report, key_figures
from .answer_view import StageAnswers, answer_view
from .change_words import changes_note
from .columns import Column, columns
from .distribution_course import CourseView, course_view
from .distribution_table import DistributionTable, distribution_tables
from .figure_details import DetailedFigure, about_details, figure_details
from .figure_table import TableRow, bounds_note, figure_row
from .how_known import HowKnown, how_known
from .ledger_view import LedgerView, ledger_view
from .moments import Moment, moments, spans_days
from .problem_list import ProblemGroup, problem_list
from .shard_table import ShardTable, read_shards, shard_table
from .stage_facts import StageFacts, stage_facts
from .used_up import UsedUp, used_up
from .words import NOTHING, STATE_WORDS, counted, setting_text


class StageRow(TypedDict):
    """A stage of the overview. notes: what is to be known of its other attempts."""

    stage: str
    state: str
    word: str
    started: str
    duration: str
    attempts: str
    message: str
    notes: list[str]


class RunView(TypedDict):
    """Everything the report says, section by section, as text. Pairs are a name and a value.

    key, other: rows of figures that are of no distribution.
    """

    student: str
    run: str
    header: list[tuple[str, str]]
    first_look: str
    summary: str
    answers: list[StageAnswers]
    stages: list[StageRow]
    columns: list[Column]
    bounds: str
    changes: str
    used_up: list[UsedUp]
    key: list[TableRow]
    distributions: list[DistributionTable]
    other: list[TableRow]
    courses: list[CourseView]
    shards: list[ShardTable]
    ledgers: list[LedgerView]
    moments: list[Moment]
    facts: list[StageFacts]
    known: HowKnown
    about_queries: str
    queries: list[DetailedFigure]
    versions: list[tuple[str, str]]
    settings: list[tuple[str, str]]
    problems: list[ProblemGroup]


def build_view(report: Report, answers: Sequence[Answer] = ()) -> RunView:
    """Everything the report says, with the answers to the lab's questions."""
    key = key_figures(report["figures"])
    # Those of a distribution stand together in a table of their own.
    alone = [figure for figure in report["figures"] if not figure["distribution"]]
    return {
        "student": report["student"],
        "run": report["run"],
        "header": _header(report),
        "first_look": _first_look(report),
        "summary": _summary(report),
        "answers": answer_view(report, answers),
        "stages": [_stage(report, stage) for stage in report["stages"] if _is_shown(stage)],
        "columns": columns(report),
        "bounds": bounds_note(report),
        "changes": changes_note(report["figures"]),
        "used_up": used_up(report),
        "key": [figure_row(figure) for figure in alone if figure in key],
        "distributions": distribution_tables(report, key),
        "other": [figure_row(figure) for figure in alone if figure not in key],
        "courses": [course_view(report, distribution) for distribution in report["distributions"]],
        "shards": [
            shard_table(stage["stage"], shards)
            for stage in report["stages"]
            if (shards := read_shards(stage["facts"].get("shards")))
        ],
        "ledgers": [
            ledger_view(stage["stage"], stage["ledger"], spans_days(report))
            for stage in report["stages"]
            if stage["ledger"] is not None
        ],
        "moments": moments(report),
        "facts": [facts for stage in report["stages"] if (facts := stage_facts(stage))],
        "known": how_known(report),
        "about_queries": about_details(report),
        "queries": [figure_details(report, figure) for figure in report["figures"]],
        "versions": [_named(item) for item in report["versions"]],
        "settings": [_named(item) for item in report["settings"]],
        "problems": problem_list(report),
    }


def _header(report: Report) -> list[tuple[str, str]]:
    rows = [("Run", report["run"])]
    started, finished = report["started"], report["finished"]
    if started is not None and finished is not None:
        rows += [
            ("Started", f"{clock_text(started, with_date=True)} UTC"),
            ("Took", duration_text(finished - started)),
        ]
    if report["window"] is not None:
        rows.append(("Windows", duration_text(report["window"])))
    rows += [("Scraped every", _named(item)[1]) for item in report["settings"] if item["name"] == "scrape_interval"]
    return rows


def _first_look(report: Report) -> str:
    if not report["first_look"]:
        return ""
    shortest = min(window["end"] - window["start"] for window in report["windows"])
    return (
        f"A first look: the shortest window is {duration_text(shortest)}; the lab's own windows are "
        f"{duration_text(LAB_WINDOW)}. Short windows hold few samples, so expect the figures to vary."
    )


def _summary(report: Report) -> str:
    """One sentence on how the run went."""
    counts: dict[str, int] = {}
    for stage in report["stages"]:
        if stage["state"] != "absent":
            counts[stage["state"]] = counts.get(stage["state"], 0) + 1
    if not counts:
        return "No stage of this run has been recorded yet."
    total = sum(counts.values())
    parts = [f"{counts[state]} {state}" for state in ("done", "failed", "skipped", "unreadable") if state in counts]
    sentence = f"{counted(total, 'stage')} in this run: {', '.join(parts)}."
    if report["absent"]:
        sentence += f" Not in this run: {', '.join(report['absent'])}."
    return sentence


def _is_shown(stage: MergedStage) -> bool:
    return stage["state"] != "absent" or stage["stage"] not in NOT_MISSED


def _stage(report: Report, stage: MergedStage) -> StageRow:
    attempts = stage["attempts"]
    notes = []
    if attempts and stage["shown_attempt"] not in (None, attempts[-1]["attempt"]):
        notes.append(f"the report shows attempt {stage['shown_attempt']}")
    for attempt in attempts[:-1]:
        told = f": {attempt['message']}" if attempt["message"] else ""
        notes.append(f"attempt {attempt['attempt']} {attempt['state']}{told}")
    started = attempts[-1]["started"] if attempts else None
    return {
        "stage": stage["stage"],
        "state": stage["state"],
        "word": STATE_WORDS.get(stage["state"], stage["state"]),
        "started": NOTHING if started is None else clock_text(started, spans_days(report)),
        "duration": NOTHING if stage["duration"] is None else duration_text(stage["duration"]),
        "attempts": str(len(attempts)) if attempts else NOTHING,
        "message": stage["message"],
        "notes": notes,
    }


def _named(item: NamedValues) -> tuple[str, str]:
    """A version or setting: its value, or its values each with the stages that had it."""
    name = item["name"].replace("_", " ")
    texts = [setting_text(item["name"], entry["value"]) for entry in item["values"]]
    if len(texts) == 1:
        return name, texts[0]
    return name, "; ".join(f"{text} ({', '.join(entry['stages'])})" for text, entry in zip(texts, item["values"]))
