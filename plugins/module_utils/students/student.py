# SPDX-License-Identifier: GPL-3.0-or-later
"""A student of a class: an inventory host, and how their cluster is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
