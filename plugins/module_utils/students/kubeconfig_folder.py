# SPDX-License-Identifier: GPL-3.0-or-later
"""Students from a folder with a kubeconfig for each."""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import LabError
from .student import Student

#: What the file of a student's kubeconfig ends with. Others are left alone: backups, locks of kubectl, notes.
KUBECONFIG_ENDINGS = (".kubeconfig", ".config", ".conf", ".yaml", ".yml")


def students_of_folder(folder: Path) -> tuple[list[Student], list[str]]:
    """The students of a folder with a kubeconfig for each, by name, and the files that are none. Raises LabError.

    A link is none, because it can lead to the instructor's own kubeconfig, and neither is what is no regular file.
    """
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        modes = {path: path.lstat().st_mode for path in files}
    except OSError as error:
        raise LabError(
            f"The folder of kubeconfigs {folder} cannot be read: {error.strerror}; correct the key kubeconfigs."
        ) from None
    files = [path for path in files if not stat.S_ISDIR(modes[path])]
    named = [path for path in files if path.suffix in KUBECONFIG_ENDINGS]
    students = [
        Student(name=path.stem, place=str(path), kubeconfig=str(path)) for path in named if stat.S_ISREG(modes[path])
    ]
    if not students:
        holds = f"none of its {len(files)} files is one" if files else "it is empty"
        raise LabError(
            f"The folder {folder} holds no kubeconfig ({holds}): add one for each student, "
            f"with a name that ends in {', '.join(KUBECONFIG_ENDINGS)}."
        )
    counted = {student.place for student in students}
    return sorted(students, key=lambda student: student.name), [path.name for path in files if str(path) not in counted]
