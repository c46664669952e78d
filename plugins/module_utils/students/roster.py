# SPDX-License-Identifier: GPL-3.0-or-later
"""Students from the rows of a roster, in CSV or YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..errors import LabError
from .source_file import expand_path, is_variable, text
from .student import Student

#: Columns of a roster that are no variables of the same name.
COLUMNS = ("name", "namespace", "kubeconfig", "context")
#: Variables that are worked out, and the column that each is worked out from.
WORKED_OUT = {
    "lab_namespace": "namespace",
    "lab_kubeconfig": "kubeconfig",
    "lab_context": "context",
    "students_kubeconfig": "kubeconfig",
    "students_context": "context",
}


@dataclass(frozen=True)
class Row:
    """What a roster says of one student.

    place: where that is, for messages.
    values: by column or key, None where there is none.
    origin: the object whose place in a file Ansible knows and can show, or None.
    """

    place: str
    values: Mapping[Any, Any]
    origin: object = None


def read_csv(name: str, content: bytes) -> list[Row]:
    """The rows of a CSV file: a header line first, UTF-8, with commas or semicolons.

    Cells without content are None, rows without content are left out. Raises LabError.
    """
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LabError(f"The roster {name} is not in UTF-8: save it as CSV in UTF-8.") from None
    first = next((line for line in decoded.splitlines() if line.strip("\t ,;")), "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    lines = list(io.StringIO(decoded, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    header: list[str] = []
    rows: list[Row] = []
    place = ""
    try:
        while True:
            before = reader.line_num
            place = f"{name}:{before + 1}"
            cells = [cell.strip() for cell in next(reader)]
            read = lines[before : reader.line_num]
            if len(read) > 1 and "".join(read).count('"') % 2:  # else it would swallow the students after it
                raise LabError(f"{place} has a quote that is not closed; add the other one, or take it out.")
            if not any(cells):
                continue
            if header:
                rows.append(Row(place, _cells(header, cells, place)))
            else:
                header = _header(cells, place)
    except StopIteration:
        return rows
    except csv.Error as error:
        raise LabError(f"{place} is not CSV: {error}; put a value with quotes or separators in quotes.") from None


def _header(cells: list[str], place: str) -> list[str]:
    for number, column in enumerate(cells):
        if column and column in cells[:number]:
            raise LabError(f"The header in {place} has the column {column} twice; keep one.")
    if "name" not in cells:
        raise LabError(
            f"The header in {place} has no column name, it has {', '.join(filter(None, cells))}; "
            "call the column with the students' names so."
        )
    return cells


def _cells(header: list[str], cells: list[str], place: str) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for column, cell in zip_longest(header, cells, fillvalue=""):
        if column:
            values[column] = cell or None
        elif cell:
            raise LabError(
                f"{place} has the value {cell!r} under no column; name its column, or put values that contain "
                "the separator in quotes."
            )
    return values


def read_rows(place: str, data: object) -> list[Row]:
    """The rows of a roster in YAML: a list of mappings. Raises LabError."""
    if data is not None and (isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Sequence)):
        raise LabError(f"{place} is no list of students; begin each student with '- name:'.", obj=data)
    rows = []
    for number, item in enumerate(data or (), start=1):
        spot = f"{place}, student {number}"
        if not isinstance(item, Mapping):
            raise LabError(f"{spot} is not a mapping; write name: before the student's name.", obj=item)
        rows.append(Row(spot, item, item))
    return rows


def students_of_rows(rows: Iterable[Row], folder: Path) -> tuple[list[Student], list[str]]:
    """The students of a roster, and the columns that cannot be variables and are left out.

    folder: that of the roster, which paths are relative to. Raises LabError.
    """
    students = []
    left_out: dict[str, None] = {}
    for row in rows:
        columns = {name: text(f"{name} in {row.place}", row.values.get(name), row.origin) for name in COLUMNS}
        if not columns["name"]:
            raise LabError(f"{row.place} has no name; give each student one.", obj=row.origin)
        kubeconfig = expand_path(f"kubeconfig in {row.place}", columns["kubeconfig"], folder, row.origin)
        further = {}
        for column, value in row.values.items():
            if column in WORKED_OUT:
                raise LabError(
                    f"{row.place} has {column}, which is worked out; call it {WORKED_OUT[column]}.", obj=row.origin
                )
            if column in COLUMNS or value is None:
                continue
            if is_variable(column):
                further[column] = value
            else:
                left_out[str(column)] = None
        students.append(
            Student(**{**columns, "kubeconfig": kubeconfig}, place=row.place, variables=further, origin=row.origin)
        )
    return students, list(left_out)
