# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether students can be one class: no two share a name, a folder of results or a namespace."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence

from ..errors import LabError
from ..kubernetes_names import LABEL_RULE, is_namespace
from ..results.names import check_folder_name
from .source_file import shown
from .student import Access, Student

#: The namespace of a student for whom none is given, as in the role lab.
DEFAULT_NAMESPACE = "default"
#: Namespaces with these prefixes are the cluster's: the admission policies do not hold who is from there.
SYSTEMS = ("kube-", "openshift-")
#: Ansible gives a host of such a name what it does on the control node itself.
THIS_MACHINE = ("localhost", "127.0.0.1")


def check_students(
    students: Sequence[Student],
    access: Access,
    groups: Collection[str] = (),
    default_namespace: str | None = DEFAULT_NAMESPACE,
    collisions: bool = True,
) -> None:
    """Raise LabError when these cannot be one class.

    groups: names that no student can have.
    default_namespace: of students without one; None if unknown here.
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
                f"The student {student.name} appears twice, in {_both(other, student)}; "
                "give each a name of their own, once.",
                obj=student.origin,
            )
        folder = _folder(student)
        other = folders.setdefault(unicodedata.normalize("NFKC", folder).casefold(), student)
        if other is not student:
            same = _folder(other) == folder
            raise LabError(
                f"The students {other.name} and {student.name} would both keep results as {folder}; "
                "give each a lab_student of their own."
                if same
                else f"The students {other.name} and {student.name} would keep results as {_folder(other)} and "
                f"{folder}, which some file systems take for one folder; give one of them another name.",
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
    if student.name in THIS_MACHINE:
        raise LabError(
            f"The student {student.name} ({student.place}) has the name of the machine that Ansible runs on; give the "
            "student another one.",
            obj=student.origin,
        )
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
    if student.namespace and not is_namespace(student.namespace):
        raise LabError(
            f"The namespace {shown(student.namespace)} of {student.name} ({student.place}) cannot be one of "
            f"Kubernetes; {LABEL_RULE}.",
            obj=student.origin,
        )
    if student.namespace.startswith(SYSTEMS):
        raise LabError(
            f"The namespace {student.namespace} of {student.name} ({student.place}) is one of the cluster's own; give "
            "the student another one.",
            obj=student.origin,
        )
