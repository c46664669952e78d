# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading questions: a YAML file that docs/questions.md describes. What is wrong in it is told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from .. import shaped_yaml as shape
from .question import (
    CHANGE_TEXTS,
    KNOWN,
    LEDGER,
    PARTS,
    RESOURCE_KINDS,
    UNKNOWN,
    Fact,
    Mention,
    Question,
    Text,
    Verdict,
    Window,
)

SCHEMA = "temporal_lab.benchmarking/questions/1"
#: Stands in a text for the reasons why facts are not known.
REASONS = "reasons"
#: What a fact is read from.
KINDS = ("figure", "noted", "ledger", "resources", "steady")
#: Questions of a file.
MOST = 200


def default_path() -> Path:
    """Path of the lab's own questions."""
    return Path(__file__).resolve().parents[3] / "files" / "questions" / "temporal.yml"


def load(path: str | Path) -> tuple[Question, ...]:
    """Read a file of questions. Raises LabError with path, line and reason."""
    content = shape.read_text(path, "file of questions", "give its path, or none for the lab's own")
    return parse(content, str(path))


@cache
def parse(content: str, name: str) -> tuple[Question, ...]:
    """Make questions of YAML text; ``name`` is what errors call it. Raises LabError with its line."""
    return shape.read_shaped(content, name, "file of questions", ("questions", "question"), _questions)


def _questions(data: Any) -> tuple[Question, ...]:
    data = shape.mapping(data, (), ("schema", "windows", "questions"))
    if data["schema"] != SCHEMA:
        raise shape.Fault(("schema",), f"{data['schema']!r} is not {SCHEMA!r}, the one this version reads")
    windows = _windows(data["windows"])
    found: list[Question] = []
    ids: set[str] = set()
    for at, item in shape.items(data["questions"], ("questions",)):
        question = _question(item, at, windows)
        if question.id in ids:
            raise shape.Fault((*at, "id"), "is the id of an earlier question too")
        ids.add(question.id)
        found.append(question)
        if len(found) > MOST:
            raise shape.Fault(("questions",), f"has more than {MOST} questions")
    return tuple(found)


def _windows(value: Any) -> dict[str, Window]:
    if not isinstance(value, dict):
        raise shape.Fault(("windows",), "must be a mapping of names to windows")
    windows = {}
    for name, entry in value.items():
        at: shape.Place = ("windows", name)
        shape.text(name, at, shape.ID, "a name (small letters, digits and _)")
        entry = shape.mapping(entry, at, ("stage", "window"))
        windows[name] = Window(
            stage=shape.text(entry["stage"], (*at, "stage")), name=shape.text(entry["window"], (*at, "window"))
        )
    return windows


def _question(value: Any, at: shape.Place, windows: Mapping[str, Window]) -> Question:
    keys = ("id", "stage", "question", "facts", "answers", "limits", "why", "source")
    value = shape.mapping(value, at, keys, ("predict",))
    facts = _facts(value["facts"], (*at, "facts"), windows)
    predict, predicts = _predict(value["predict"], (*at, "predict"), facts) if "predict" in value else ("", "")
    return Question(
        id=shape.text(value["id"], (*at, "id"), shape.ID, "an id (small letters, digits and _)"),
        stage=shape.text(value["stage"], (*at, "stage"), shape.ID, "a stage's name (small letters, digits and _)"),
        question=shape.text(value["question"], (*at, "question")),
        facts=tuple(facts.values()),
        verdicts=_verdicts(value["answers"], (*at, "answers"), facts),
        limits=shape.text(value["limits"], (*at, "limits")),
        why=shape.text(value["why"], (*at, "why")),
        source=shape.text(value["source"], (*at, "source")),
        predict=predict,
        predicts=predicts,
    )


def _predict(value: Any, at: shape.Place, facts: Mapping[str, Fact]) -> tuple[str, str]:
    value = shape.mapping(value, at, ("fact", "ask"))
    name = shape.text(value["fact"], (*at, "fact"))
    if name not in facts or not facts[name].against:
        changes = [fact.name for fact in facts.values() if fact.against]
        raise shape.Fault((*at, "fact"), f"{name!r} is no change among the facts{shape.meant(name, changes)}")
    return name, shape.text(value["ask"], (*at, "ask"))


# --- facts ---------------------------------------------------------------------------------------


def _facts(value: Any, at: shape.Place, windows: Mapping[str, Window]) -> dict[str, Fact]:
    if not isinstance(value, dict) or not value:
        raise shape.Fault(at, "must be a mapping of names to facts")
    facts = {}
    for name, entry in value.items():
        place = (*at, name)
        shape.text(name, place, shape.ID, "a name (small letters, digits and _)")
        if name == REASONS:
            raise shape.Fault(place, "stands for the reasons why facts are not known; give this fact another name")
        facts[name] = _fact(name, entry, place, windows)
    return facts


def _fact(name: str, value: Any, at: shape.Place, windows: Mapping[str, Window]) -> Fact:
    value = shape.mapping(value, at, ("window",), (*KINDS, "against", "parts", "unit", "levels"))
    if sum(kind in value for kind in KINDS) != 1:
        raise shape.Fault(at, f"must have one of {', '.join(f'`{kind}`' for kind in KINDS)}")
    if "figure" not in value:
        for key in ("against", "parts", *(["levels"] if "resources" in value or "steady" in value else [])):
            if key in value:
                raise shape.Fault((*at, key), "is not for facts of this kind")
    if "noted" not in value and "unit" in value:
        raise shape.Fault((*at, "unit"), "is for facts that a stage noted: others have their own")
    if "against" in value and ("levels" in value or "parts" in value):
        raise shape.Fault(at, "is a change, which has neither levels nor parts")
    if "parts" in value and "levels" in value and value["parts"] != "count":
        raise shape.Fault((*at, "levels"), "are for a number, such as that of the parts (`parts: count`)")
    return Fact(
        name=name,
        window=_window(value["window"], (*at, "window"), windows),
        figure=shape.text(value["figure"], (*at, "figure")) if "figure" in value else "",
        against=_window(value["against"], (*at, "against"), windows) if "against" in value else None,
        parts=shape.choice(value["parts"], (*at, "parts"), PARTS) if "parts" in value else "",
        noted=shape.text(value["noted"], (*at, "noted")) if "noted" in value else "",
        resources=(
            shape.choice(value["resources"], (*at, "resources"), RESOURCE_KINDS) if "resources" in value else ""
        ),
        steady=shape.text(value["steady"], (*at, "steady")) if "steady" in value else "",
        ledger=shape.choice(value["ledger"], (*at, "ledger"), LEDGER) if "ledger" in value else "",
        unit=shape.text(value["unit"], (*at, "unit")) if "unit" in value else "1",
        levels=_levels(value["levels"], (*at, "levels")) if "levels" in value else (),
    )


def _window(value: Any, at: shape.Place, windows: Mapping[str, Window]) -> Window:
    name = shape.text(value, at)
    if name not in windows:
        raise shape.Fault(at, f"{name!r} is none of `windows`{shape.meant(name, windows)}")
    return windows[name]


def _levels(value: Any, at: shape.Place) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict) or len(value) < 2:
        raise shape.Fault(at, "must be a mapping of at least two names to the lower ends of their ranges")
    levels: list[tuple[str, float]] = []
    for name, end in value.items():
        place = (*at, name)
        shape.text(name, place, shape.ID, "a name (small letters, digits and _)")
        if name in (KNOWN, UNKNOWN):
            raise shape.Fault(place, "is a state that each fact can have; give this level another name")
        end = shape.number(end, place)
        if levels and end <= levels[-1][1]:
            raise shape.Fault(place, "must begin above the level before it")
        levels.append((name, end))
    return tuple(levels)


# --- answers -------------------------------------------------------------------------------------


def _verdicts(value: Any, at: shape.Place, facts: Mapping[str, Fact]) -> tuple[Verdict, ...]:
    found: list[Verdict] = []
    entries = list(shape.items(value, at))
    for place, item in entries:
        verdict = _verdict(item, place, facts)
        if verdict.id in {other.id for other in found}:
            raise shape.Fault((*place, "id"), "is the id of an earlier answer to this question too")
        if not verdict.when and len(found) < len(entries) - 1:
            raise shape.Fault(place, "has no `when`, so that none after it can be reached")
        found.append(verdict)
    if found[-1].when:
        raise shape.Fault(
            (*at, len(found) - 1, "when"), "must not be in the last answer, which holds where no other does"
        )
    return tuple(found)


def _verdict(value: Any, at: shape.Place, facts: Mapping[str, Fact]) -> Verdict:
    value = shape.mapping(value, at, ("id", "text"), ("when", "open"))
    given = value.get("open", False)
    if not isinstance(given, bool):
        raise shape.Fault((*at, "open"), f"{given!r} is neither true nor false")
    return Verdict(
        id=shape.text(value["id"], (*at, "id"), shape.ID, "an id (small letters, digits and _)"),
        text=_text(value["text"], (*at, "text"), facts),
        when=_when(value["when"], (*at, "when"), facts) if "when" in value else {},
        open=given,
    )


def _when(value: Any, at: shape.Place, facts: Mapping[str, Fact]) -> dict[str, frozenset[str]]:
    if not isinstance(value, dict) or not value:
        raise shape.Fault(at, "must be a mapping of facts to states")
    found = {}
    for name, states in value.items():
        place = (*at, name)
        if name not in facts:
            raise shape.Fault(place, f"is no fact of this question{shape.meant(name, facts)}")
        known = facts[name].states
        listed = states if isinstance(states, list) else [states]
        for state in listed:
            # A fact with levels is known whichever it has.
            if state not in known and state != KNOWN:
                raise shape.Fault(place, f"{state!r} is no state of this fact{shape.meant(state, known)}")
        found[name] = frozenset(
            one for state in listed for one in (set(known) - {UNKNOWN} if state == KNOWN else {state})
        )
    return found


def _text(value: Any, at: shape.Place, facts: Mapping[str, Fact]) -> Text:
    parts: list[str | Mention] = []
    try:
        pieces = list(Formatter().parse(" ".join(shape.text(value, at).split())))
    except ValueError as error:
        raise shape.Fault(at, f"has braces that name no fact ({error}); write {{{{ and }}}} for braces") from None
    for words, mention, form, conversion in pieces:
        if words:
            parts.append(words)
        if mention is None:
            continue
        name, _dot, which = mention.partition(".")
        if form or conversion or (name not in facts and name != REASONS):
            raise shape.Fault(at, f"names {{{mention}}}, which is no fact of this question{shape.meant(name, facts)}")
        texts: tuple[str, ...] = CHANGE_TEXTS if name in facts and facts[name].against else ("",)
        if which not in texts:
            there = ", ".join(f"{{{name}.{one}}}" if one else f"{{{name}}}" for one in texts)
            raise shape.Fault(at, f"names {{{mention}}}; of this fact there is {there}")
        parts.append(Mention(name, which))
    return tuple(parts)
