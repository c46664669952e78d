# SPDX-License-Identifier: GPL-3.0-or-later
"""Students from ranges of names such as student-[01:30]."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from ..errors import LabError
from ..foreign_text import plain
from .roster import MOST_STUDENTS
from .source_file import text
from .student import Student

#: A range of numbers in Ansible's notation, with its begin, end and step.
_NUMBERS = re.compile(r"\[([0-9]*):([0-9]+)(?::([0-9]+))?\]")


def students_of_ranges(given: object, expand: Callable[[str], Sequence[str]]) -> list[Student]:
    """A student for each name in ranges such as student-[01:30], in its order; the name is the namespace too.

    expand: gives the names of one range, and raises ValueError with the reason where it is none. Raises LabError.
    """
    ranges = [given] if isinstance(given, str) else given
    if not isinstance(ranges, Sequence):
        raise LabError("The key namespaces is neither a name nor a list of names; write student-[01:30].", obj=given)
    students: list[Student] = []
    for number, item in enumerate(ranges, start=1):
        pattern = text(f"name {number} in namespaces", item, item)
        try:
            # Before they are made: a zero too many would fill the memory.
            if len(students) + _number(pattern) > MOST_STUDENTS:
                raise ValueError(f"a class has {MOST_STUDENTS:,} students at most")
            names = expand(pattern)
        except ValueError as error:
            raise LabError(
                f"The range {pattern!r} in namespaces cannot be read: {error}; write one such as student-[01:30].",
                obj=item,
            ) from None
        if not any(names):
            raise LabError(
                f"The range {pattern!r} in namespaces holds no names; write one such as student-[01:30].", obj=item
            )
        students += [
            Student(name=name, namespace=name, place=f"namespaces {plain(pattern)}", origin=item) for name in names
        ]
    return students


def _number(pattern: str) -> int:
    """How many names the ranges of numbers in a pattern have. Raises ValueError for a number that is none."""
    return math.prod(
        max(0, int(end) - int(begin or 0)) // max(1, int(step or 1)) + 1
        for begin, end, step in _NUMBERS.findall(pattern)
    )
