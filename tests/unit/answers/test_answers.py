# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's questions: each answer is reached by results that say so, and by no others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers import answer, questions_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.fact_reading import ChangeVerdict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.question import (
    KNOWN,
    UNKNOWN,
    Fact,
    Question,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import figure

ROOT = Path(__file__).parents[3]
QUESTIONS = questions_file.load(questions_file.default_path())
WINDOWS = {
    "idle": Window("baseline", "baseline"),
    "load": Window("benchmark", "benchmark"),
    "more": Window("concurrency", "concurrency"),
    "first": Window("scale", "first"),
    "after": Window("scale", "after"),
}
PLACES = {window: place for place, window in enumerate(WINDOWS.values())}
#: A question with a fact of each kind, for the tests of facts.
KINDS = """\
schema: temporal_lab.benchmarking/questions/1
windows: {one: {stage: benchmark, window: benchmark}, two: {stage: concurrency, window: concurrency}}
questions:
  - id: kinds
    stage: benchmark
    question: What is there?
    facts:
      value: {figure: work, window: one}
      level: {figure: work, window: one, levels: {low: 0, high: 10}}
      change: {figure: work, window: two, against: one}
      largest: {figure: split, window: one, parts: largest}
      every: {figure: split, window: one, parts: all}
      count: {figure: split, window: one, parts: count, levels: {one: 0, several: 2}}
      noted: {noted: shards.settled, window: one, unit: s}
      machine: {resources: cpu, window: one}
      refused: {ledger: requests_refused, window: one}
      lost: {ledger: lost, window: one, levels: {none: 0, some: 0.000001}}
    answers:
      - id: all
        text: >-
          {value}|{change}|{change.before}|{change.after}|{change.size}|{largest}|{every}|{count}|{noted}|{machine}|{refused}|{lost}|{reasons}
    limits: Nothing.
    why: Nothing.
    source: nowhere
"""


NOTHING: Mapping[str, Any] = MappingProxyType({})


def report(
    rows: Mapping[str, Mapping[int, dict[str, Any]]],
    facts: Mapping[str, Any] = NOTHING,
    ledgers: Mapping[str, Any] = NOTHING,
    resources: Mapping[int, str] = MappingProxyType({}),
) -> Any:
    """A run with the lab's windows: readings by figure and the window's place, facts and ledgers by stage.

    resources: state of those of a window, by its place.
    """
    return {
        "windows": [
            {
                "stage": window.stage,
                "name": window.name,
                "title": window.name,
                "start": 0.0,
                "end": 1.0,
                "resources": used(resources[place]) if place in resources else None,
            }
            for place, window in enumerate(WINDOWS.values())
        ],
        "stages": [
            {"stage": window.stage, "facts": facts.get(window.stage, {}), "ledger": ledgers.get(window.stage)}
            for window in WINDOWS.values()
        ],
        "figures": [
            {
                "id": name,
                "title": name,
                "unit": "1",
                "readings": [{"by": {}, **readings[place]} if place in readings else None for place in range(5)],
            }
            for name, readings in rows.items()
        ],
    }


def reading(fact: Fact, state: str) -> dict[str, Any] | None:
    """A reading that gives a value this state."""
    if state == UNKNOWN:
        return figure(fact.figure, None, reason="it was not scraped")
    value = dict(fact.levels).get(state, 1.0)
    if fact.parts:
        pods = {f"pod-{number}": 256.0 for number in range(max(1, int(value)) if fact.levels else 2)}
        return figure(fact.figure, None, state="pass", reason="", by=pods)
    return figure(fact.figure, value)


def used(state: str) -> dict[str, Any]:
    """Resources of a window with this state."""
    machines = [{"name": "node", "used": 1.9, "cores": 2.0}]
    reason = "it was scraped once" if state == UNKNOWN else ""
    saturated = ["machine"] if state == "saturated" else []
    return {"state": state, "reason": reason, "saturated": saturated, "machines": machines, "cpu": {}, "throttled": {}}


def empty_ledger() -> dict[str, Any]:
    return {"entries": [], "none": [], "unknown": [], "lost": {}}


def ledger(found: dict[str, Any], fact: Fact, state: str) -> None:
    """Write into a ledger what gives a fact this state."""
    value = dict(fact.levels).get(state, 3.0)
    if fact.ledger == "lost":
        known = state != UNKNOWN
        seconds = 0.0 if value <= 0 else 5.0
        interval = [seconds - 1, seconds - 0.5] if seconds == 0 else [4.0, 6.0]
        found["lost"] = {
            "workflow_seconds": seconds if known else None,
            "interval": interval if known else [None, None],
            "reason": "" if known else "the load was not scraped.",
        }
    elif state == UNKNOWN:
        found["unknown"].append(fact.ledger)
    else:
        counts = (1.0, 2.0) if value > 0 else ()
        found["entries"] += [{"what": fact.ledger, "count": count} for count in counts]


#: What a figure had in the halves of a window, by whether it was steady.
HALVES = {"steady": [4.0, 4.1], "drifting": [4.0, 6.0], "stopped": [4.0, 0.0]}


def run_with(question: Question, states: Mapping[str, str]) -> tuple[Any, Any] | None:
    """A run in which the facts have these states, with a judge; None where two of them contradict each other."""
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    noted: dict[str, Any] = {}
    changes: dict[tuple[str, int, int], str] = {}
    asked: dict[tuple[str, int], str] = {}
    ledgers: dict[str, Any] = {}
    resources: dict[int, str] = {}
    steady: dict[tuple[str, int], str] = {}
    for fact in question.facts:
        state, place = states[fact.name], PLACES[fact.window]
        if fact.ledger:
            ledger(ledgers.setdefault(fact.window.stage, empty_ledger()), fact, state)
        elif fact.resources:
            resources[place] = state
        elif fact.steady:
            steady[fact.steady, place] = state
        elif fact.noted:
            parent, _dot, name = fact.noted.partition(".")
            noted[fact.window.stage] = {parent: {name: None if state == UNKNOWN else 4.0}}
        elif fact.against:
            changes[fact.figure, PLACES[fact.against], place] = state
            for one in (PLACES[fact.against], place):
                rows.setdefault(fact.figure, {}).setdefault(one, figure(fact.figure, 1.0))
        else:
            # Two facts of one reading are known both, or neither is.
            if (asked.get((fact.figure, place), state) == UNKNOWN) != (state == UNKNOWN):
                return None
            if (fact.figure, place) not in asked or fact.levels:
                rows.setdefault(fact.figure, {})[place] = reading(fact, state)
            asked[fact.figure, place] = state
    for (name, place), state in steady.items():
        found = rows.setdefault(name, {}).setdefault(place, figure(name, 1.0))
        if state != UNKNOWN:
            found["noise"] = {"steady": state == "steady", "halves": HALVES[state]}
    for (name, before, after), state in changes.items():
        if state != UNKNOWN and any(rows[name][place]["state"] != "pass" for place in (before, after)):
            return None

    def judge(row: Any, before: int, after: int) -> ChangeVerdict:
        state = changes[row["id"], before, after]
        return ChangeVerdict(state, "" if state == UNKNOWN else "by 1 to 2", "it is noisy" if state == UNKNOWN else "")

    return report(rows, noted, ledgers, resources), judge


def worlds(question: Question) -> Iterator[tuple[dict[str, str], answer.Answer]]:
    """All states that the facts can have together, with the answer."""
    for combination in itertools.product(*(fact.states for fact in question.facts)):
        states = dict(zip((fact.name for fact in question.facts), combination))
        found = run_with(question, states)
        if found:
            (given,) = answer.answer_questions(found[0], [question], found[1])
            yield states, given


@pytest.mark.parametrize("question", QUESTIONS, ids=[question.id for question in QUESTIONS])
def test_each_answer_is_reached_and_holds_what_it_says(question: Question) -> None:
    reached: dict[str, int] = {}
    for states, given in worlds(question):
        assert given["facts"] == states
        verdict = next(one for one in question.verdicts if one.id == given["verdict"])
        assert all(states[name] in allowed for name, allowed in verdict.when.items())
        reached[given["verdict"]] = reached.get(given["verdict"], 0) + 1
        if given["open"]:
            # An answer that leaves a question open says why.
            assert UNKNOWN in states.values(), states
            assert "no reason is given" not in given["text"]
        assert {one["figure"] for one in given["evidence"]} >= {
            name for part in given["parts"] for name in part["figures"]
        }
    assert set(reached) == {verdict.id for verdict in question.verdicts}


@pytest.mark.parametrize("question", QUESTIONS, ids=[question.id for question in QUESTIONS])
def test_no_answer_that_decides_names_a_fact_that_its_condition_leaves_unknown(question: Question) -> None:
    """What an answer claims must be what it requires: a number in it that is unknown would be a claim on nothing."""
    for states, given in worlds(question):
        if not given["open"] and given["verdict"] != answer.NOT_MEASURED:
            verdict = next(one for one in question.verdicts if one.id == given["verdict"])
            assert any(states[name] != UNKNOWN for name in verdict.when), (states, given["text"])


def test_a_stage_that_was_not_measured_is_no_answer() -> None:
    run = report({})
    run["windows"] = []
    answers = answer.answer_questions(run, QUESTIONS, lambda *_: ChangeVerdict("same"))
    assert {one["verdict"] for one in answers} == {"not_measured"}
    assert all(one["open"] and one["stage"] in one["text"] for one in answers)


def test_the_questions_ask_for_figures_of_the_profile_only() -> None:
    figures = {one.id for one in profile_file.load(profile_file.default_path()).figures}
    for question in QUESTIONS:
        for fact in question.facts:
            for name in filter(None, (fact.figure, fact.steady)):
                assert name in figures, (question.id, fact.name)


def test_the_document_has_each_question_with_each_of_its_answers() -> None:
    document = (ROOT / "docs" / "questions.md").read_text()
    for question in QUESTIONS:
        row = next((line for line in document.splitlines() if line.startswith(f"| `{question.id}`")), "")
        listed = row.removesuffix(" |").rpartition(" | ")[2].replace("`", "")
        assert [verdict.id for verdict in question.verdicts] == listed.split(", "), question.id


# --- facts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "verdict", "said"),
    [
        ({"steady": True, "halves": [4.0, 4.4]}, "measured", "Workflows completed at 1 and"),
        ({"steady": False, "halves": [4.0, 6.0]}, "unsteady", "from 4 to 6"),
        # What is left of a sum of interpolated steps is nothing.
        ({"steady": False, "halves": [77.7, 2.8e-13]}, "stopped", "from 77.7 to 0"),
        ({"steady": False, "halves": [0.0, 4.0]}, "unsteady", "from 0 to 4"),
        ({"steady": False, "halves": [None, 4.0]}, "measured", ""),
        ({"steps": 3, "step": 5.0}, "measured", ""),
    ],
)
def test_a_load_that_was_not_the_same_through_its_window_is_not_called_measured(
    noise: dict[str, Any], verdict: str, said: str
) -> None:
    (question,) = [one for one in QUESTIONS if one.id == "load_transitions"]
    place = PLACES[question.facts[0].window]
    names = ("workflow_successes", "state_transitions", "transitions_per_success")
    rows = {name: {place: {**figure(name, 1.0), "noise": noise}} for name in names}
    (given,) = answer.answer_questions(report(rows), [question], lambda *_: ChangeVerdict("same"))
    assert given["verdict"] == verdict
    assert said in given["text"]


def kinds(rows: Any, facts: Any = NOTHING, verdict: ChangeVerdict | None = None) -> tuple[dict[str, str], list[str]]:
    """The states of the facts of each kind, and their texts."""
    questions = questions_file.parse(KINDS, "kinds.yml")
    (given,) = answer.answer_questions(report(rows, facts), questions, lambda *_: verdict or ChangeVerdict("same"))
    return given["facts"], given["text"].split("|")


def test_facts_of_each_kind() -> None:
    pods = {"a": 100.0, "b": 300.0, "c": 0.0, "d": 200.0, "e": 250.0}
    rows = {
        "work": {1: figure("work", 20.0, interval=[19.0, 21.0]), 2: figure("work", 30.0)},
        "split": {1: figure("split", None, state="pass", reason="", by=pods)},
    }
    states, texts = kinds(rows, {"benchmark": {"shards": {"settled": 4.0}}}, ChangeVerdict("higher", "+50 %"))
    assert states == {
        "value": KNOWN,
        "level": "high",
        "change": "higher",
        "largest": KNOWN,
        "every": KNOWN,
        "count": "several",
        "noted": KNOWN,
        "machine": UNKNOWN,
        "refused": UNKNOWN,
        "lost": UNKNOWN,
    }
    assert texts[:5] == ["20", "from 20 to 30 (+50 %)", "20", "30", "+50 %"]
    assert texts[5] == "b 300, e 250, d 200"
    assert texts[6] == "b 300, e 250, d 200, a 100, c 0"
    assert texts[7:9] == ["4", "4 s"]


def test_a_value_whose_interval_reaches_over_two_levels_has_neither() -> None:
    rows = {"work": {1: figure("work", 10.5, interval=[9.5, 11.5]), 2: figure("work", 1.0)}}
    states, texts = kinds(rows)
    assert (states["value"], states["level"]) == (KNOWN, UNKNOWN)
    assert "work in benchmark: it is not known well enough" in texts[-1]


@pytest.mark.parametrize(
    ("interval", "level"), [([0.0, 9.0], "low"), ([None, 9.0], "low"), ([10.0, None], "high"), ([9.0, None], UNKNOWN)]
)
def test_a_bound_is_enough_for_a_level_if_it_lies_in_it(interval: list[float | None], level: str) -> None:
    value = next(end for end in interval if end is not None)
    states, _texts = kinds({"work": {1: figure("work", value, interval=interval, bound="below")}})
    assert states["level"] == level


def test_what_is_not_known_is_unknown_with_its_reason() -> None:
    states, texts = kinds({"work": {1: figure("work", None, reason="too few scrapes."), 2: figure("work", 3.0)}})
    assert set(states.values()) == {UNKNOWN}
    assert texts[:2] == ["not known", "from an unknown value to 3"]
    assert "work in benchmark: too few scrapes" in texts[-1]
    assert "split in benchmark and the CPU in benchmark: it was not measured" in texts[-1]
    assert "the stage benchmark did not note shards settled" in texts[-1]


@pytest.mark.parametrize(
    ("interval", "state", "text"),
    [
        ([4.0, 6.0], "some", "5 workflow-seconds (between 4 and 6)"),
        ([-6.0, -4.0], "none", "5 workflow-seconds (between −6 and −4)"),
        ([-1.0, 11.0], UNKNOWN, "5 workflow-seconds (between −1 and 11)"),
        ([4.0, None], "some", "5 workflow-seconds"),
    ],
)
def test_facts_of_a_ledger(interval: list[float | None], state: str, text: str) -> None:
    found = empty_ledger()
    found["lost"] = {"workflow_seconds": 5.0, "interval": interval, "reason": ""}
    found["entries"] = [{"what": "requests_refused", "count": 6.0}, {"what": "lock_waits", "count": 9.0}]
    questions = questions_file.parse(KINDS, "kinds.yml")
    run = report({"work": {1: figure("work", 1.0)}}, {}, {"benchmark": found})
    (given,) = answer.answer_questions(run, questions, lambda *_: ChangeVerdict("same"))
    assert (given["facts"]["refused"], given["facts"]["lost"]) == (KNOWN, state)
    assert given["text"].split("|")[10:12] == ["6", text]


@pytest.mark.parametrize("state", ["inconclusive", "error"])
def test_a_value_that_is_not_trusted_is_unknown(state: str) -> None:
    rows = {"work": {1: figure("work", 5.0, state=state, reason="half of it was scraped"), 2: figure("work", 5.0)}}
    states, _texts = kinds(rows, verdict=ChangeVerdict("higher"))
    assert (states["value"], states["level"], states["change"]) == (UNKNOWN, UNKNOWN, UNKNOWN)


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("window: one}", "window: onn}", r":\d+: question 'kinds', `facts.value.window`: 'onn' is none .* 'one'"),
        ("figure: work, window: one}", "window: one}", "one of `figure`, `noted`, `ledger`, `resources`, `steady`"),
        ("{value}|", "{valu}|", r"names \{valu\}, which is no fact .* 'value'"),
        ("{change.size}", "{change.sise}", r"of this fact there is .*\{change.size\}"),
        ("{value}|", "{value.before}|", r"of this fact there is \{value\}"),
        ("{value}|", "{value!r}|", "no fact of this question"),
        ("{value}|", "{value|", "has braces"),
        ("levels: {low: 0, high: 10}", "levels: {low: 10, high: 0}", "must begin above"),
        ("levels: {low: 0, high: 10}", "levels: {unknown: 0, high: 10}", "another name"),
        ("levels: {low: 0, high: 10}", "levels: {low: 0}", "at least two"),
        ("parts: largest", "parts: most", "largest, all, count"),
        ("ledger: lost", "ledger: found", "none of: lost, shards_acquired"),
        ("ledger: lost", "ledger: lost, unit: s", "others have their own"),
        ("parts: largest}", "parts: largest, levels: {a: 0, b: 1}}", "are for a number"),
        ("against: one}", "against: one, levels: {a: 0, b: 1}}", "is a change"),
        ("unit: s}", "unit: s, against: two}", "is not for facts of this kind"),
        ("figure: work, window: one}", "figure: work, window: one, unit: s}", "is for facts that a stage noted"),
        ("- id: all\n", "- id: all\n        when: {value: known}\n", "must not be in the last answer"),
        ("- id: all\n", "- id: first\n        text: a\n      - id: all\n", "none after it can be reached"),
        ("- id: all\n", "- id: all\n        when: {value: high}\n        text: a\n      - id: all\n", "no state"),
        ("- id: all\n", "- id: all\n        open: perhaps\n", "neither true nor false"),
        ("questions/1", "questions/2", "is not 'temporal_lab"),
        ("    limits: Nothing.\n", "", "`limits` is missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(before: str, after: str, fault: str) -> None:
    assert before in KINDS
    with pytest.raises(LabError, match=r"^kinds\.yml:\d+: .*" + fault.removeprefix(r":\d+: ")):
        questions_file.parse(KINDS.replace(before, after, 1), "kinds.yml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"There is no file of questions .*none\.yml: give its path"):
        questions_file.load(tmp_path / "none.yml")
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(LabError, match="cannot be read: it is not UTF-8 text"):
        questions_file.load(tmp_path / "bytes.yml")
