# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_compare: compares two runs by their results, and fails where the later one is worse."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..answers.compared_runs import PRECISION, THRESHOLD, Choices, compare_runs
from ..answers.comparison import Comparison
from ..errors import LabError
from ..files import make_private_folder
from ..prometheus import profile_file
from ..results.chosen_run import chosen_run, run_before
from ..results.derived_file import replace_file
from ..results.links import refuse_links
from ..results.merged_run import build_report
from ..results.names import check_folder_name
from ..results.runs import latest_run
from ..results.stage_file import to_json
from ..task import Context, Params, Result, Task
from .comparison_markdown import to_markdown
from .comparison_page import to_html
from .comparison_terminal import to_terminal
from .comparison_view import worse_figures
from .page_files import page_template

SPEC: dict[str, Any] = {
    "results_dir": {"type": "path", "required": True},
    "student": {"type": "str", "required": True},
    "base": {"type": "str"},
    "other": {"type": "str"},
    "stages": {"type": "list", "elements": "str", "default": []},
    "threshold": {"type": "float", "default": THRESHOLD},
    "thresholds": {"type": "dict", "default": {}},
    "precision": {"type": "float", "default": PRECISION},
    "allowed": {"type": "list", "elements": "str", "default": []},
    "profile": {"type": "path"},
    "dest": {"type": "path"},
    "table": {"type": "bool", "default": True},
    "fail": {"type": "bool", "default": True},
}

FILES = {"html": "comparison.html", "markdown": "comparison.md", "json": "comparison.json"}
#: What ansible-playbook ends with where the callback `exit_code` is on.
EXIT_WORSE = 3
#: How many figures or reasons a sentence names.
NAMED = 2


def run(params: Params, context: Context) -> Result:
    """Write comparison.html, comparison.md and comparison.json. Raises LabError, also where the other run is worse.

    Returns ``outcome``, ``worse``, ``reasons``, ``base``, ``other`` and ``paths``. The error has ``outcome``, ``paths``
    and, where the other run is worse, ``exit_code``.
    """
    choices = Choices(
        threshold=_share("threshold", params["threshold"]),
        thresholds={str(name): _share(str(name), value) for name, value in params["thresholds"].items()},
        precision=_share("precision", params["precision"]),
        stages=params["stages"],
        allowed=params["allowed"],
    )
    # A profile of one's own may be older than the collection's: what is known of a figure's id holds in both.
    profiles = dict.fromkeys([profile_file.default_path(), Path(params["profile"] or profile_file.default_path())])
    changes = [change for path in profiles for change in profile_file.load(path).server_changes]
    results_dir = Path(os.path.abspath(params["results_dir"]))
    student = check_folder_name("student", params["student"])
    newest = params["other"] or latest_run(results_dir, student)
    if newest is None:
        raise LabError(
            f"There is no run of {student} in {results_dir} to compare: measure a stage of the lab first, give the "
            "right results_dir, or give both base and other."
        )
    other = chosen_run(results_dir, student, newest)
    base = chosen_run(results_dir, student, params["base"] or run_before(results_dir, student, other))
    comparison = compare_runs(build_report(base), build_report(other), changes, choices)
    dest = Path(os.path.abspath(params["dest"])) if params["dest"] else results_dir / student
    paths, changed = _write(comparison, dest, context.check_mode)
    if params["table"]:
        lines = to_terminal(comparison, str(paths["html"])).split("\n")
        context.show_lines([f"{base.name} and {other.name}", *lines])
    result: Result = {
        "changed": changed,
        "outcome": comparison["outcome"],
        "worse": worse_figures(comparison),
        "reasons": comparison["reasons"],
        "base": dict(comparison["base"]),
        "other": dict(comparison["other"]),
        "paths": {form: str(path) for form, path in paths.items()},
    }
    if params["fail"] and comparison["outcome"] != "not_worse":
        code = {"exit_code": EXIT_WORSE} if comparison["outcome"] == "worse" else {}
        raise LabError(_sentence(result), outcome=result["outcome"], paths=result["paths"], **code)
    return result


def _share(name: str, given: Any) -> float:
    """A threshold. Raises LabError for what is none."""
    try:
        share = float(given)
    except (TypeError, ValueError, OverflowError):
        share = math.nan
    if isinstance(given, bool) or not 0 <= share <= 100:
        raise LabError(f"The share {name} is {given!r}; it must be a share from 0 to 100, such as 0.05 for 5 %.")
    return share


def _write(comparison: Comparison, dest: Path, check_mode: bool) -> tuple[Mapping[str, Path], bool]:
    texts = {
        "html": to_html(comparison),
        "markdown": to_markdown(comparison),
        "json": to_json(comparison),
    }
    paths = {form: dest / file for form, file in FILES.items()}
    refuse_links(dest)
    if not check_mode:
        try:
            make_private_folder(dest)
        except OSError as error:
            raise LabError(
                f"Making the folder {dest} for the comparison failed: {error.strerror}; give a dest that can be "
                "written to."
            ) from error
    changed = [replace_file(paths[form], text, check_mode) for form, text in texts.items()]
    return paths, any(changed)


def _sentence(result: Result) -> str:
    """Why the task fails."""
    other, base = (f"run {result[side]['run']} of {result[side]['student']}" for side in ("other", "base"))
    if result["outcome"] == "worse":
        return f"R{other[1:]} is worse than {base}: {_some(result['worse'])}; see {result['paths']['html']}."
    return (
        f"Whether {other} is worse than {base} is not known: {_some([one.rstrip('.') for one in result['reasons']])}; "
        f"see {result['paths']['html']}, and measure what is missing or leave it out with compare_stages."
    )


def _some(texts: list[str]) -> str:
    more = f"; and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return "; ".join(texts[:NAMED]) + more


def before_fork() -> None:
    """Read what all students' comparisons need; what is missing is named when one is made."""
    with contextlib.suppress(LabError):
        profile_file.load(profile_file.default_path())
        page_template("comparison.html")


TASK = Task(SPEC, run, before_fork=before_fork)
