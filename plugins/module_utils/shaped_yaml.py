# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML files of a fixed shape, such as profiles and questions: what is wrong in one is told with its line.

The functions for mappings, lists, texts and numbers raise a Fault with the place; read_shaped makes one sentence of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, Union

from .bounded_json import MOST_NUMBER, Unfit, fit_text
from .errors import LabError
from .yaml_file import NotYaml, compose_yaml, read_file

try:
    import yaml
except ImportError:
    # compose_yaml names the missing package.
    pass

#: A name of the file's own.
ID = re.compile(r"[a-z][a-z0-9_]*")

Choice = TypeVar("Choice", bound=str)
Made = TypeVar("Made")
#: Where something stands in a file: the keys and indices that lead there.
Place = tuple[Union[str, int], ...]


class Fault(Exception):
    """What is wrong in a file, and where."""

    def __init__(self, path: Place, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def mapping(value: Any, path: Place, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault(path, "must be a mapping of keys to values")
    known = (*required, *optional)
    for key in value:
        if key not in known:
            raise Fault((*path, key), f"is no key at this place{meant(key, known)}")
    for key in required:
        if key not in value:
            raise Fault(path, f"the key `{key}` is missing")
    return value


def named(value: Any, path: Place) -> Iterator[tuple[Place, str, str]]:
    """Entries of a mapping from free names to texts: where it is, name, text."""
    if not isinstance(value, dict):
        raise Fault(path, "must be a mapping of names to texts")
    for name, words in value.items():
        at = (*path, name)
        yield at, text(name, at, ID, "a name (small letters, digits and _)"), text(words, at)


def items(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    if not isinstance(value, list) or not value:
        raise Fault(path, "must be a list with at least one entry")
    for index, item in enumerate(value):
        yield (*path, index), item


def text(value: Any, path: Place, pattern: re.Pattern[str] | None = None, what: str = "text") -> str:
    """A text on one line, of characters that are seen: it is shown in terminals and pages, and may be a stranger's.

    pattern: what a text must match that programs read, such as a matcher; it is refused rather than changed.
    """
    if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
        raise Fault(path, f"{value!r} is not {what}")
    try:
        seen = fit_text(value)
    except Unfit as fault:
        raise Fault(path, fault.reason) from None
    if not seen.strip() or (pattern is not None and seen != value):
        raise Fault(path, f"{value!r} is not {what}")
    return value if pattern is not None else " ".join(seen.split())


def choice(value: Any, path: Place, choices: tuple[Choice, ...]) -> Choice:
    for one in choices:
        if value == one:
            return one
    raise Fault(path, f"{value!r} is none of: {', '.join(choices)}")


def number(value: Any, path: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Fault(path, f"{value!r} is not a number")
    # Of NaN, every comparison is false.
    if not abs(value) <= MOST_NUMBER:
        raise Fault(path, f"{value!r} is not a number within ±{MOST_NUMBER:.0e}")
    return float(value)


def meant(word: object, known: Iterable[str]) -> str:
    """What is there in place of a word that is not, to stand in an error."""
    names = list(known)
    close = difflib.get_close_matches(str(word), names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (it has: {', '.join(sorted(names))})"


def read_text(path: str | Path, kind: str, otherwise: str) -> str:
    """Text of a file of that kind. Raises LabError when it cannot be read.

    otherwise: what to do where there is none, such as ``give its path``.
    """
    try:
        return read_file(Path(path).expanduser(), f"The {kind} {path}", "correct its path").decode("utf-8")
    except FileNotFoundError:
        raise LabError(f"There is no {kind} {path}: {otherwise}.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LabError(f"The {kind} {path} cannot be read: {reason}.") from None


def read_shaped(content: str, name: str, kind: str, entries: tuple[str, str], make: Callable[[Any], Made]) -> Made:
    """What ``make`` makes of the values in YAML text.

    name: what errors call the text, such as its path. kind: what it is, such as ``profile``. entries: the key of its
    list, and what one entry is called, such as ``("figures", "figure")``; an entry with an ``id`` is named by it.
    make: raises a Fault for what is wrong. Raises LabError with name, line and reason.
    """
    try:
        data, node = compose_yaml(content, name, "correct it")
    except NotYaml as error:
        raise LabError(f"{name}:{error.line or 1}: the {kind} {error.reason}.") from None
    try:
        _no_duplicates(node, ())
        return make(data)
    except Fault as fault:
        place = _place(data, fault.path, entries)
        raise LabError(f"{name}:{_line(node, fault.path)}: {place}{fault.reason}.") from None


def _line(node: Any, path: Place) -> int:
    """Line of the deepest node of the path that is in the document."""
    line = node.start_mark.line if node is not None else 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == step]
            if not pairs:
                break
            line, node = pairs[-1][0].start_mark.line, pairs[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _place(data: Any, path: Place, entries: tuple[str, str]) -> str:
    """Where a fault is, in words: the entry's id when it has one, then the keys."""
    key, called = entries
    words = []
    if path[:1] == (key,) and len(path) > 1:
        entry = data[key][path[1]]
        named = isinstance(entry, dict) and isinstance(entry.get("id"), str)
        words.append(f"{called} {entry['id']!r}" if named else f"{called} number {int(path[1]) + 1}")
        path = path[2:]
    keys = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    if keys:
        words.append(f"`{keys}`")
    return ", ".join(words) + (": " if words else "")


def _no_duplicates(node: Any, path: Place) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise Fault((*path, key.value), "is there twice; keep one of them")
            seen.add(key.value)
            _no_duplicates(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _no_duplicates(value, (*path, index))
