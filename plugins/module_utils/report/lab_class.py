# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_class: makes the report of a class from the results of its students."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import LabError
from ..files import make_private_folder
from ..results.class_report import ClassReport
from ..results.derived_file import replace_file
from ..results.merged_class import build_class, students_to_retry
from ..results.names import check_folder_name, check_stage_name
from ..results.stage_file import to_json
from ..results.student_results import StudentResults, find_students, read_student
from ..task import Context, Params, Result, Task, unexpected
from .class_markdown import to_markdown
from .class_page import to_html
from .class_terminal import to_terminal
from .class_view import names_text
from .sealed_page import KEY_FILE, is_sealed, page_key

SPEC: dict[str, Any] = {
    "results_dirs": {"type": "list", "elements": "path", "required": True, "aliases": ["results_dir"]},
    "students": {"type": "list", "elements": "str", "default": []},
    "also": {"type": "list", "elements": "str", "default": []},
    "run": {"type": "str"},
    "stages": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "dict", "default": {}},
    "dest": {"type": "path"},
    "table": {"type": "bool", "default": True},
}

FILES = {"html": "class.html", "markdown": "class.md", "json": "class.json"}
RETRY = "class.retry"


def run(params: Params, context: Context) -> Result:
    """Write class.html, class.md, class.json and, where someone is to be retried, class.retry. Raises LabError.

    Returns ``paths``, ``students``, ``states``, ``failures``, ``retry``, ``retry_path``, ``outliers`` and ``problems``.
    """
    folders = [Path(os.path.abspath(path)) for path in params["results_dirs"]]
    if not folders:
        raise LabError("A class report needs a folder of results: give at least one in results_dirs.")
    dest = Path(os.path.abspath(params["dest"])) if params["dest"] else folders[0]
    for name in params["stages"]:
        check_stage_name(name)
    expected = {check_folder_name("student", name) for name in params["students"]}
    found, problems = find_students(folders)
    known = dict.fromkeys([*params["also"], *params["students"]])
    names = [name for name in known if name in expected or name in found] if known else found
    if not names:
        raise LabError(
            f"There is no student with a run in {', '.join(map(str, folders))}; run a stage of the lab first, give the "
            f"right results_dirs, or name the students that are expected. {' '.join(problems)}".rstrip()
        )
    # One after the other, so that only what is used of each student is kept.
    students = [_read(folders, name, params["run"]) for name in names]
    report = build_class(students, params["stages"], problems, sorted(set(found).difference(names)))
    key = page_key(make=False)
    unlinked = _link_reports(report, students, dest, key)
    if unlinked:
        report["problems"].append({"source": "", "text": _not_linked(unlinked, bool(key))})
    retry = [params["hosts"].get(name, name) for name in students_to_retry(report)]
    return {**_write(report, retry, dest, context, params["table"]), **_summary(report, retry)}


def _read(folders: list[Path], name: str, run_name: str | None) -> StudentResults:
    """A student's results. Whatever is wrong with them costs this student and not the class."""
    try:
        return read_student(folders, name, run_name)
    except LabError:
        # Of a wrong argument, or of this machine: the same for all.
        raise
    except Exception as error:  # noqa: BLE001 (results of others: nobody has thought of everything)
        return StudentResults(name, problems=[f"The results of {name} are left out: {unexpected(error, ())}"])


def _link_reports(report: ClassReport, students: list[StudentResults], dest: Path, key: bytes) -> list[str]:
    """Give each student the address of the own report, seen from the class report, where this user's lab wrote it.

    Returns the students who have another one: whose page that is, and what is in it, nobody knows.
    """
    unlinked = []
    for entry, student in zip(report["students"], students):
        if student.folder is None or student.run is None:
            continue
        page = student.folder / "report.html"
        if is_sealed(page, student.name, student.run, key):
            entry["report"] = quote(os.path.relpath(page, dest))
        elif os.path.lexists(page):
            unlinked.append(student.name)
    return unlinked


def _not_linked(students: list[str], has_key: bool) -> str:
    if not has_key:
        return (
            f"report.html of {names_text(students)} is not linked, because this user has no key that nobody else can "
            f"read ({KEY_FILE} in $XDG_STATE_HOME/temporal_lab): make the reports with --tags report, which makes one, "
            "and let nobody else write to that folder or to those above it."
        )
    return (
        f"report.html of {names_text(students)} was not written by this user's lab, or was changed since, so it is not "
        "linked: make it again from the results with --tags report before you open it."
    )


def _write(report: ClassReport, retry: list[str], dest: Path, context: Context, table: bool) -> Result:
    retry_path = dest / RETRY
    shown = str(retry_path) if retry else ""
    texts = {
        "html": to_html(report, shown),
        "markdown": to_markdown(report, shown),
        "json": to_json(report),
    }
    paths = {form: dest / file for form, file in FILES.items()}
    if not context.check_mode:
        try:
            make_private_folder(dest)
        except OSError as error:
            raise LabError(
                f"Making the folder {dest} for the class report failed: {error.strerror}; give a dest that can be "
                "written to."
            ) from error
    changed = [replace_file(paths[form], text, context.check_mode) for form, text in texts.items()]
    if retry:
        changed.append(replace_file(retry_path, "".join(f"{host}\n" for host in retry), context.check_mode))
    else:
        changed.append(_remove(retry_path, context.check_mode))
    if table:
        context.show_lines(["class report", *to_terminal(report, str(paths["html"]), shown).split("\n")])
    return {
        "changed": any(changed),
        "paths": {form: str(path) for form, path in paths.items()},
        "retry_path": shown,
    }


def _remove(path: Path, check_mode: bool) -> bool:
    """Remove the file of an earlier time; an empty one in its place would be no limit at all for Ansible."""
    if not os.path.lexists(path):
        return False
    if not check_mode:
        try:
            path.unlink()
        except OSError as error:
            raise LabError(f"Removing {path}, which is out of date, failed: {error.strerror}; remove it.") from error
    return True


def _summary(report: ClassReport, retry: list[str]) -> Result:
    """What a playbook may want to go on with, without the figures."""
    return {
        "states": report["states"],
        "counts": report["counts"],
        "students": {entry["student"]: entry["state"] for entry in report["students"]},
        "failures": {entry["student"]: entry["reason"] for entry in report["students"] if entry["state"] == "failed"},
        "retry": retry,
        "outliers": [
            {
                "student": entry["student"],
                "stage": entry["stage"],
                "window": entry["window"],
                "figure": entry["figure"],
                "value": entry["value"],
                "median": entry["median"],
                "ratio": entry["ratio"],
            }
            for entry in report["outliers"]
        ],
        "problems": [{"source": problem["source"], "text": problem["text"]} for problem in report["problems"]],
    }


TASK = Task(SPEC, run)
