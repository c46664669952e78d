# SPDX-License-Identifier: GPL-3.0-or-later
"""Students from the rows of a roster, in CSV or YAML."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..http.message import json_value
from ..yaml_file import compose_yaml, read_file
from .roster_columns import COLUMNS, Columns
from .source_file import expand_path, shown, text
from .student import Student

#: The most that is read of a roster's file: bytes, students, columns, and characters of a cell.
MOST_BYTES = 8 * 1024 * 1024
MOST_STUDENTS = 20_000
MOST_COLUMNS = 200
LONGEST_CELL = 4_000
#: What to do with one that cannot be read.
CURE = "correct it"


#: Of a roster that the instructor has written, in the source file.
TRUSTED = Columns()


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
            _check_cells(cells, place)
            if not header:
                header = _header(cells, place)
            elif len(rows) == MOST_STUDENTS:
                raise _too_many(f"The roster {name}")
            else:
                rows.append(Row(place, _cells(header, cells, place)))
    except StopIteration:
        return rows
    except csv.Error as error:
        raise LabError(f"{place} is not CSV: {error}; put a value with quotes or separators in quotes.") from None


def _check_cells(cells: list[str], place: str) -> None:
    if len(cells) > MOST_COLUMNS:
        raise LabError(f"{place} has {len(cells):,} cells, and {MOST_COLUMNS} are read at most: take some out.")
    longest = max(map(len, cells))
    if longest > LONGEST_CELL:
        raise LabError(f"{place} has a cell of {longest:,} characters, and {LONGEST_CELL:,} are read at most.")


def _too_many(what: str) -> LabError:
    return LabError(f"{what} has more than {MOST_STUDENTS:,} students: make several classes of it.")


def _header(cells: list[str], place: str) -> list[str]:
    for number, column in enumerate(cells):
        if column and column in cells[:number]:
            raise LabError(f"The header in {place} has the column {shown(column)} twice; keep one.")
    if "name" not in cells:
        raise LabError(
            f"The header in {place} has no column name, it has {shown(', '.join(filter(None, cells)))}; "
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
                f"{place} has the value {shown(cell)} under no column; name its column, or put values that contain "
                "the separator in quotes."
            )
    return values


def read_roster(path: Path, name: str) -> bytes:
    """The content of a roster's file. Raises LabError."""
    try:
        return read_file(path, f"The roster {name}", CURE, MOST_BYTES)
    except OSError as error:
        raise LabError(f"The roster {name} cannot be read ({error.strerror}): correct its access.") from None


def read_yaml_rows(name: str, content: bytes) -> list[Row]:
    """The rows of a YAML file: a list of mappings. Raises LabError."""
    data, node = compose_yaml(content, f"The roster {name}", CURE, MOST_BYTES)
    lines = [entry.start_mark.line + 1 for entry in node.value] if isinstance(data, list) else []
    return _rows(f"The roster {name}", data, [f"{name}:{line}" for line in lines])


def read_json_rows(name: str, content: bytes) -> list[Row]:
    """The rows of a JSON file: a list of mappings. Raises LabError."""
    data = json_value(content.removeprefix(BOM_UTF8))
    if data is None:
        raise LabError(f"The roster {name} is not JSON, or is nested too deeply: {CURE}.")
    return read_rows(name, data)


def read_rows(place: str, data: object) -> list[Row]:
    """The rows of a roster as a list of mappings. Raises LabError."""
    entries = data if isinstance(data, Sequence) and not isinstance(data, (str, bytes)) else ()
    return _rows(place, data, [f"{place}, student {number}" for number in range(1, len(entries) + 1)])


def _rows(what: str, data: object, places: Iterable[str]) -> list[Row]:
    if data is not None and (isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Sequence)):
        raise LabError(f"{what} is no list of students; begin each student with '- name:'.", obj=data)
    entries = data or ()
    if len(entries) > MOST_STUDENTS:
        raise _too_many(what)
    rows = []
    for spot, item in zip(places, entries):
        if not isinstance(item, Mapping):
            raise LabError(f"{spot} is not a mapping; write name: before the student's name.", obj=item)
        if len(item) > MOST_COLUMNS:
            raise LabError(f"{spot} has {len(item):,} keys, and {MOST_COLUMNS} are read at most.", obj=item)
        rows.append(Row(spot, item, item))
    return rows


def students_of_rows(rows: Iterable[Row], folder: Path, allowed: Columns = TRUSTED) -> tuple[list[Student], list[str]]:
    """The students of a roster, and the columns that cannot be variables and are left out.

    folder: that of the roster, which paths are relative to. allowed: what its columns may set. Raises LabError.
    """
    students = []
    left_out: dict[str, None] = {}
    for row in rows:
        columns = {name: text(f"{name} in {row.place}", row.values.get(name), row.origin) for name in COLUMNS}
        if not columns["name"]:
            raise LabError(f"{row.place} has no name; give each student one.", obj=row.origin)
        for column, value in columns.items():
            if not value.isprintable():
                raise LabError(
                    f"The {column} in {row.place} is {shown(value)}, which has characters that cannot be seen: "
                    "take them out.",
                    obj=row.origin,
                )
        allowed.check(row.place, row.values, row.origin)
        what = f"kubeconfig in {row.place}"
        expand = expand_path if allowed.trusted else allowed.path
        kubeconfig = expand(what, columns["kubeconfig"], folder, row.origin)
        further = {}
        for column, value in row.values.items():
            if column in COLUMNS or value is None:
                continue
            if allowed.usable(column):
                further[column] = value
            else:
                left_out[str(column)] = None
        students.append(
            Student(**{**columns, "kubeconfig": kubeconfig}, place=row.place, variables=further, origin=row.origin)
        )
    return students, list(left_out)
