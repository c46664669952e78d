# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a check failed, by its output: the tests that failed with their assertions, or the task that did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

#: Lines of a check's reason: who shows the end of a run shows few.
MOST_LINES = 40
#: Lines of the output's end, where it names neither a test nor a task.
TAIL = 15
#: Characters of a line.
WIDTH = 200

#: In pytest's summary, and above what it says of a test.
FAILED = re.compile(r"(?:FAILED|ERROR) (\S+\.py(?:::[^\[\s]+(?:\[.*?\])?)?)(?: - (.*))?$")
HEADING = re.compile(r"_{2,} (?:ERROR at \w+ of |ERROR collecting )?(\S.*?) _{2,}$")
SECTION = re.compile(r"=+ .* =+$")
#: Lines that say why: where, what was asserted, and what was found.
WHY = re.compile(r"> |E |\S+\.py:\d+: \w")


def reasons(output: str) -> list[str]:
    """Why a check failed, in at most MOST_LINES lines.

    Of pytest, also where Ansible quotes it, each test that failed with its assertion; of Ansible the last task that
    failed; of anything else the last lines.
    """
    lines = output.splitlines()
    return (_of_tests([line.strip() for line in lines]) or _of_task(lines) or _tail(lines))[:MOST_LINES]


def _of_tests(lines: Sequence[str]) -> list[str]:
    """The tests in pytest's summary, each with as many lines as it has room for."""
    failed = {found[1]: found[2] for line in lines if (found := FAILED.match(line))}
    if not failed:
        return []
    why = _why(lines)
    room = max(1, MOST_LINES // len(failed))
    told = []
    for test, message in failed.items():
        name = test.partition(".py::")[2].replace("::", ".") or test
        said = why.get(name) or [message or "no reason is shown"]
        told += [f"FAILED {test}"[:WIDTH], *(f"  {line}"[:WIDTH] for line in said)][:room]
    if len(told) > MOST_LINES:
        told[MOST_LINES - 1 :] = [f"and {len(failed) - MOST_LINES + 1} more"]
    return told


def _why(lines: Sequence[str]) -> dict[str, list[str]]:
    """What pytest says of each test, by its name: the line that failed, what was found, and where."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if heading := HEADING.match(line):
            # The same may be quoted twice.
            current = found[heading[1]] = []
        elif SECTION.match(line):
            current = []
        elif WHY.match(line):
            current.append(line)
    return {name: list(_innermost(said)) for name, said in found.items()}


def _innermost(said: Sequence[str]) -> Iterator[str]:
    """Without the lines of callers: the place, the last line with a mark, and what follows it."""
    marked = max((index for index, line in enumerate(said) if line.startswith("> ")), default=0)
    places = [line for line in said[marked:] if not line.startswith(("> ", "E "))]
    yield from places[-1:]
    yield from (line for line in said[marked:] if line.startswith(("> ", "E ")))


def _of_task(lines: Sequence[str]) -> list[str]:
    """The last task that failed, and what Ansible says of it."""
    fatal = max((index for index, line in enumerate(lines) if line.startswith("fatal: ")), default=None)
    if fatal is None:
        return []
    task = max((index for index in range(fatal) if lines[index].startswith("TASK [")), default=fatal)
    end = next((index for index in range(fatal, len(lines)) if lines[index].startswith(("TASK [", "PLAY "))), None)
    told = [line for line in lines[fatal:end] if line.strip()]
    return [line[:WIDTH] for line in ([lines[task]] if task != fatal else []) + told]


def _tail(lines: Sequence[str]) -> list[str]:
    return [line[:WIDTH] for line in lines if line.strip()][-TAIL:]
