# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the students of a class are, and where each one's Temporal is.

Students come from the rows of a roster, from a folder of kubeconfigs or from ranges of
names. Each becomes an inventory host; ``host_variables`` says with which variables.
"""

from __future__ import annotations

import csv
import difflib
import io
import keyword
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..results.names import check_folder_name

#: The options that say who the students are; a source file has one of them.
SOURCES = ("roster", "kubeconfigs", "namespaces")
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
#: What the file of a student's kubeconfig ends with. Others are left alone: backups, locks of kubectl, notes.
KUBECONFIG_ENDINGS = (".kubeconfig", ".config", ".conf", ".yaml", ".yml")
#: The namespace of a student for whom none is given, as in the role lab.
DEFAULT_NAMESPACE = "default"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


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


@dataclass(frozen=True)
class Student:
    """One student: an inventory host.

    kubeconfig: absolute path. Empty text where the class's is meant, as for context; an empty namespace is the
    default of the roles.
    variables: further host variables.
    place, origin: as in Row.
    """

    name: str
    place: str
    namespace: str = ""
    kubeconfig: str = ""
    context: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    origin: object = None


@dataclass(frozen=True)
class Access:
    """What students have in common: the instructor's kubeconfig and context, and the folder of the students' own.

    Paths are absolute; empty text stands for none.
    """

    kubeconfig: str = ""
    context: str = ""
    student_kubeconfigs: str = ""

    def of(self, student: Student) -> tuple[str, str]:
        """The instructor's kubeconfig and context of a student's cluster.

        A context belongs to its kubeconfig: the class's does not go with a student's own kubeconfig.
        """
        if student.kubeconfig:
            return student.kubeconfig, student.context
        return self.kubeconfig, student.context or self.context

    def own(self, student: Student) -> str:
        """The path of the student's own kubeconfig, or empty text where there is no folder of them."""
        return self.student_kubeconfigs and str(Path(self.student_kubeconfigs, f"{student.name}.kubeconfig"))


# --- the source file -----------------------------------------------------------------------------


def check_keys(keys: Iterable[Any], known: Collection[str]) -> None:
    """Raise LabError for a key that the source file cannot have."""
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"is {near[0]} meant?" if near else f"there are {', '.join(sorted(known))}."
            raise LabError(f"There is no key {str(key)!r} in an inventory of students; {hint}", obj=key)


def check_variables(names: Iterable[Any]) -> None:
    """Raise LabError for a name that no variable can have."""
    for name in names:
        if not _is_variable(name):
            raise LabError(
                f"The key vars has {str(name)!r}, which cannot be a variable's name; use letters, digits and _.",
                obj=name,
            )


def source(config: Mapping[str, Any]) -> str:
    """The one option that says who the students are; raises LabError where there is none, or more than one."""
    given = [name for name in SOURCES if config.get(name) is not None]
    if len(given) != 1:
        raise LabError(
            f"An inventory of students takes one of {', '.join(SOURCES)}, and this has "
            f"{' and '.join(given) or 'none of them'}; {'keep' if given else 'add'} one."
        )
    return given[0]


def text(what: str, value: object, origin: object = None) -> str:
    """Return text without spaces around it, empty for None; raise LabError for what is no text.

    A name such as 007 would be another one as a number.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LabError(f"The {what} is not text: write it in quotes if it is a number.", obj=origin)
    return value.strip()


def expand_path(what: str, given: str, folder: Path, origin: object = None) -> str:
    """An absolute path of what was given: ~ and environment variables are replaced, the rest is relative to folder."""
    if "{{" in given:
        raise LabError(
            f"The {what} {given!r} is a template, and paths in an inventory of students are none; "
            "give it relative to its file, or with ~ or environment variables.",
            obj=origin,
        )
    return given and os.path.normpath(folder / os.path.expandvars(os.path.expanduser(given)))


# --- a roster ------------------------------------------------------------------------------------


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
            if _is_variable(column):
                further[column] = value
            else:
                left_out[str(column)] = None
        students.append(
            Student(**{**columns, "kubeconfig": kubeconfig}, place=row.place, variables=further, origin=row.origin)
        )
    return students, list(left_out)


def _is_variable(name: object) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        return False
    return not keyword.iskeyword(name) and name not in ("true", "false", "none")


# --- kubeconfigs and ranges ----------------------------------------------------------------------


def students_of_folder(folder: Path) -> tuple[list[Student], list[str]]:
    """The students of a folder with a kubeconfig for each, by name, and the files that are none. Raises LabError."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())
    except OSError as error:
        raise LabError(
            f"The folder of kubeconfigs {folder} cannot be read: {error.strerror}; correct the key kubeconfigs."
        ) from None
    students = [
        Student(name=path.stem, place=str(path), kubeconfig=str(path))
        for path in files
        if path.suffix in KUBECONFIG_ENDINGS
    ]
    if not students:
        holds = f"none of its {len(files)} files is one" if files else "it is empty"
        raise LabError(
            f"The folder {folder} holds no kubeconfig, {holds}: put one there for each student, "
            f"with a name that ends in {', '.join(KUBECONFIG_ENDINGS)}."
        )
    return sorted(students, key=lambda student: student.name), [
        path.name for path in files if path.suffix not in KUBECONFIG_ENDINGS
    ]


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
        students += [Student(name=name, namespace=name, place=f"namespaces {pattern}", origin=item) for name in names]
    return students


# --- the class -----------------------------------------------------------------------------------


def check_students(
    students: Sequence[Student],
    access: Access,
    groups: Collection[str] = (),
    default_namespace: str | None = DEFAULT_NAMESPACE,
    collisions: bool = True,
) -> None:
    """Raise LabError when these cannot be one class.

    groups: names that no student can have.
    default_namespace: of students without one; None when it is not known here.
    collisions: whether to look for two students in one namespace.
    """
    if not students:
        raise LabError("There are no students in the roster; write one at least.")
    names: dict[str, Student] = {}
    folders: dict[str, Student] = {}
    spots: dict[tuple[str, str, str], Student] = {}
    instructors = {os.path.realpath(access.of(student)[0]) for student in students if access.of(student)[0]}
    for student in students:
        _check_names(student, groups)
        other = names.setdefault(student.name, student)
        if other is not student:
            raise LabError(
                f"The student {student.name} is there twice, in {_both(other, student)}; "
                "give each a name of their own, once.",
                obj=student.origin,
            )
        folder = _folder(student)
        other = folders.setdefault(folder, student)
        if other is not student:
            raise LabError(
                f"The students {other.name} and {student.name} would both keep results as {folder}; "
                "give each a lab_student of their own.",
                obj=student.origin,
            )
        own = access.own(student)
        if own and os.path.realpath(own) in instructors:
            raise LabError(
                f"The kubeconfig of {student.name} would be written over the instructor's, {own}; "
                "let student_kubeconfigs be another folder.",
                obj=student.origin,
            )
        namespace = student.namespace or default_namespace
        if not collisions or namespace is None:
            continue
        kubeconfig, context = access.of(student)
        other = spots.setdefault((kubeconfig and os.path.realpath(kubeconfig), context, namespace), student)
        if other is not student:
            raise LabError(
                f"The students {other.name} and {student.name} ({_both(other, student)}) are both in the namespace "
                f"{namespace} of one cluster, where their releases would collide; give each a namespace.",
                obj=student.origin,
            )


def _both(one: Student, other: Student) -> str:
    return one.place if one.place == other.place else f"{one.place} and {other.place}"


def _folder(student: Student) -> str:
    """What the student is called in results, as far as it is known before templates are."""
    called = student.variables.get("lab_student")
    return called if isinstance(called, str) and "{{" not in called else student.name


def _check_names(student: Student, groups: Collection[str]) -> None:
    if student.name in groups:
        raise LabError(
            f"The student {student.name} ({student.place}) has the name of a group; rename one of them.",
            obj=student.origin,
        )
    try:
        check_folder_name("student", student.name)
        check_folder_name("student", _folder(student))
    except LabError as error:
        raise LabError(f"{student.place}: {error.msg}", obj=student.origin) from None
    if student.namespace and not _LABEL.fullmatch(student.namespace):
        raise LabError(
            f"The namespace {student.namespace!r} of {student.name} ({student.place}) cannot be one of Kubernetes; "
            "use up to 63 lower-case letters, digits and -, and begin and end with a letter or digit.",
            obj=student.origin,
        )


def host_variables(student: Student, access: Access) -> dict[str, str]:
    """The variables that the roles read, for one student."""
    kubeconfig, context = access.of(student)
    variables = {"lab_namespace": student.namespace} if student.namespace else {}
    if kubeconfig or context:
        variables |= {"lab_kubeconfig": kubeconfig, "lab_context": context}
        variables |= {"students_kubeconfig": kubeconfig, "students_context": context}
    if access.student_kubeconfigs:
        variables |= {"lab_kubeconfig": access.own(student), "lab_context": ""}
    return variables
