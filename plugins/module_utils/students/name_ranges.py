# SPDX-License-Identifier: GPL-3.0-or-later
"""Students from ranges of names such as student-[01:30]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import LabError
from ..foreign_text import plain
from .source_file import text
from .student import Student


def students_of_ranges(given: object, expand: Callable[[str], Sequence[str]]) -> list[Student]:
    """A student for each name in ranges such as student-[01:30], in its order; the name is the namespace too.

    expand: gives the names of one range, and raises ValueError with the reason where it is none. Raises LabError.
    """
    ranges = [given] if isinstance(given, str) else given
    if not isinstance(ranges, Sequence):
        raise LabError("The key namespaces is neither a name nor a list of names; write student-[01:30].", obj=given)
    students = []
    for number, item in enumerate(ranges, start=1):
        pattern = text(f"name {number} in namespaces", item, item)
        try:
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
