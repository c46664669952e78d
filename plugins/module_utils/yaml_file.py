# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that someone else wrote: kubeconfigs, rosters, profiles, answers of servers.

Nothing else in the collection may parse such YAML. libyaml's composer recurses for each level, so that a few hundred
kilobytes of brackets end the process with SIGSEGV; aliases make gigabytes of a few lines; and PyYAML raises a dozen
kinds of errors for scalars with odd tags. Here the parser's events, which come without recursion, are counted first,
and whatever is wrong is a ``NotYaml`` with one sentence.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import LabError
from .files import read_regular_file

try:
    import yaml

    _Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    HAS_YAML = True
except ImportError:
    HAS_YAML = False

#: Bytes of the largest file that is read.
LARGEST = 1024 * 1024
#: Levels of lists and mappings in each other.
DEEPEST = 64
#: Lists, mappings and scalars in all, those that aliases repeat included.
MOST = 100_000
#: Characters of the longest number: Python's arithmetic for those in base 60 takes quadratic time.
LONGEST_NUMBER = 64
#: Keys that may be numbers: those that share a hash, which a number's writer chooses, take quadratic time.
MOST_ODD_KEYS = 1_000
_NUMERIC = re.compile(r"[-+.]?[0-9]")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_:.]*\Z")
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class NotYaml(LabError):
    """Text that is no YAML, or more of it than a person writes.

    reason: why, without a full stop. line: where, from 1 on, or None.
    """

    def __init__(self, what: str, reason: str, cure: str, line: int | None = None) -> None:
        at = f" (line {line})" if line else ""
        super().__init__(f"{what} {reason}{at}: {cure}.")
        self.reason = reason
        self.line = line


class _Fault(Exception):
    """What is wrong, and the line, from 1 on."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_yaml_file(path: str | PathLike[str], what: str, cure: str, largest: int = LARGEST) -> Any:
    """The values in a YAML file.

    what: how messages begin, such as ``The roster class.yml``. cure: how they end, such as ``correct it``.
    largest: bytes that the file may have. Raises NotYaml, also for a file that is too large or is not a regular one,
    and OSError for one that cannot be read.
    """
    return read_yaml(read_file(path, what, cure, largest), what, cure, largest)


def read_file(path: str | PathLike[str], what: str, cure: str, largest: int = LARGEST) -> bytes:
    """The content of a regular file of limited size. Raises NotYaml and OSError."""
    there = read_regular_file(Path(path), largest + 1)
    if there is None:
        raise NotYaml(what, "is not a regular file", cure)
    if len(there[0]) > largest:
        raise NotYaml(what, f"is larger than {_size(largest)}", cure)
    return there[0]


def read_yaml(text: str | bytes, what: str, cure: str, largest: int = LARGEST) -> Any:
    """The values in YAML text; None for a text without any. Arguments as for read_yaml_file. Raises NotYaml."""
    checked = check_yaml(text, what, cure, largest)
    try:
        return yaml.load(checked, Loader=_Loader)
    except Exception as error:  # noqa: BLE001 (PyYAML raises whatever a conversion raised: IndexError, OverflowError …)
        raise NotYaml(what, _said(error), cure, _line(error)) from None


def compose_yaml(text: str | bytes, what: str, cure: str, largest: int = LARGEST) -> tuple[Any, Any]:
    """The values in YAML text, and PyYAML's node of it, which knows lines; both None for a text without any.

    Raises NotYaml.
    """
    loader = _Loader(check_yaml(text, what, cure, largest))
    try:
        node = loader.get_single_node()
        return (None, None) if node is None else (loader.construct_document(node), node)
    except Exception as error:  # noqa: BLE001 (as in read_yaml)
        raise NotYaml(what, _said(error), cure, _line(error)) from None
    finally:
        loader.dispose()


def check_yaml(text: str | bytes, what: str, cure: str, largest: int = LARGEST) -> str:
    """The text, when any parser of YAML can read it without harm. Raises NotYaml.

    For whoever must use another parser, such as Ansible's for its vault.
    """
    if not HAS_YAML:
        raise LabError("The Python package yaml is missing from the Python that runs this task: install PyYAML.")
    try:
        decoded = _decoded(text, largest)
        _count(decoded)
    except _Fault as fault:
        raise NotYaml(what, fault.reason, cure, fault.line) from None
    except yaml.YAMLError as error:
        raise NotYaml(what, _said(error), cure, _line(error)) from None
    return decoded


def _decoded(text: str | bytes, largest: int) -> str:
    if len(text) > largest:
        raise _Fault(f"is larger than {_size(largest)}")
    if isinstance(text, str):
        return text
    try:
        # PowerShell redirects into UTF-16.
        return text.decode("utf-16" if text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        raise _Fault("is not text in UTF-8") from None


def _count(text: str) -> None:
    """Raise _Fault for too many levels, values or digits, and yaml.YAMLError for what is no YAML."""
    nodes = 0
    # Of the collections that are open: their anchor, and how many nodes came before.
    within: list[tuple[str | None, int]] = []
    # Of the same: whether a key is next, None in a list.
    key_next: list[bool | None] = []
    odd_keys = 0
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = within.pop()
            key_next.pop()
            if anchor is not None:
                sizes[anchor] = nodes - before
            continue
        if isinstance(event, yaml.NodeEvent) and key_next and key_next[-1] is not None:
            odd_keys += key_next[-1] and _may_be_no_text(event)
            key_next[-1] = not key_next[-1]
            if odd_keys > MOST_ODD_KEYS:
                raise _Fault(f"has more than {MOST_ODD_KEYS:,} keys that are no plain text", line)
        if isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)
            if name not in sizes:
                raise _Fault(f"has an alias that leads to itself or to nothing, *{name[:40]}", line)
            nodes += sizes[name]
        elif isinstance(event, yaml.CollectionStartEvent):
            within.append((event.anchor, nodes))
            key_next.append(True if isinstance(event, yaml.MappingStartEvent) else None)
            nodes += 1
            if len(within) > DEEPEST:
                raise _Fault(f"is nested deeper than {DEEPEST} levels", line)
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
            if len(event.value) > LONGEST_NUMBER and _may_be_number(event, _NUMBER):
                raise _Fault(f"has a number of {len(event.value)} characters", line)
        if nodes > MOST:
            raise _Fault(f"holds more than {MOST:,} values", line)


def _may_be_number(scalar: Any, pattern: re.Pattern[str]) -> bool:
    """Whether a scalar's tag says that it is a number; or, where it has none and no quotes, whether its text does."""
    if scalar.tag is not None:
        return scalar.tag in NUMBERS
    return not scalar.style and pattern.match(scalar.value) is not None


def _may_be_no_text(key: Any) -> bool:
    return not isinstance(key, yaml.ScalarEvent) or _may_be_number(key, _NUMERIC)


def _said(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        said = error.problem or error.context
    elif isinstance(error, yaml.YAMLError):
        # Of a reader's error the further lines repeat the input.
        said = str(error).partition("\n")[0]
    else:
        said = f"a value that is not of its type, {type(error).__name__}"
    said = "".join(letter if letter.isprintable() else " " for letter in said or "")
    return f"is not YAML, {' '.join(said.split())[:120]}" if said else "is not YAML"


def _line(error: Exception) -> int | None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.line + 1 if mark is not None else None


def _size(count: int) -> str:
    return f"{count // 1024 // 1024} MiB" if count >= 1024 * 1024 else f"{count} bytes"
