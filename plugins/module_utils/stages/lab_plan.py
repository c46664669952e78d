# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_plan: which stages a run will do, about how long they take, and whether its tags and settings are right.

Ansible ends with an empty recap and exit code 0 when no task has a requested tag, and takes ``20s`` for the number 0.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..results import names
from ..settings import refusals, setting
from ..task import Context, Params, Result, Spec, Task
from ..variable_names import no_such_variable

SPEC: Spec = {
    "tags": {"type": "list", "elements": "str", "default": ["all"]},
    "skip_tags": {"type": "list", "elements": "str", "default": []},
    "other_tags": {"type": "list", "elements": "str", "default": []},
    "students": {"type": "int", "default": 1},
    "window": {"type": "raw", "default": 120.0},
    "settings": {
        "type": "dict",
        "options": {
            "play": {"type": "dict"},
            "students": {"type": "dict"},
            "misspelt": {
                "type": "dict",
                "options": {"command_line": {"type": "dict"}, "elsewhere": {"type": "dict"}},
            },
        },
        "default": {},
    },
    "results_dir": {"type": "path"},
    "earlier_results": {"type": "list", "elements": "path", "default": []},
}

#: How many wrong settings a sentence names.
NAMED = 5


@dataclass(frozen=True)
class Stage:
    """What a stage costs, about.

    seconds: for one student, beside the windows; most of it is waiting for the cluster.
    each: seconds of the control node for each further student of a class.
    windows: how many are measured.
    on_request: whether only its own tag selects it.
    """

    seconds: float
    each: float
    windows: int = 0
    on_request: bool = False


#: What the stages of a whole run cost. In sum they are what docs/costs.md has for a whole lab, and scale for a class,
#: on two slow cores. The other values of `each` follow from the number and kind of tasks.
COSTS: Mapping[str, Stage] = {
    "preflight": Stage(5, 0.3),
    "install": Stage(40, 2.5),
    "dashboard": Stage(3, 0.8),
    "baseline": Stage(15, 1.0, windows=1),
    "benchmark": Stage(20, 1.5, windows=1),
    "concurrency": Stage(20, 0.7, windows=1),
    "scale": Stage(15, 0.6, windows=2),
    "report": Stage(2, 0.3),
    "cleanup": Stage(15, 2.0),
    "recreate": Stage(45, 3.5),
}
#: The stages that only their own tag selects, those at the end in the order of playbooks/lab.yml.
ON_REQUEST: Mapping[str, Stage] = {
    "predict": Stage(2, 0.2, on_request=True),
    "students": Stage(3, 0.3, on_request=True),
    "reanalyse": Stage(3, 0.5, on_request=True),
    "compare": Stage(2, 0.3, on_request=True),
    "status": Stage(2, 0.2, on_request=True),
    "check": Stage(2, 0.2, on_request=True),
    "solve": Stage(60, 3.0, on_request=True),
    "reset": Stage(15, 1.5, on_request=True),
    "teardown": Stage(20, 2.0, on_request=True),
    "class": Stage(2, 0.02, on_request=True),
}
_ALL: Mapping[str, Stage] = {**COSTS, **ON_REQUEST}
#: All stages by their tags, in the order of playbooks/lab.yml: those of a whole run are those that results know. The
#: load comes after what is predicted of it.
STAGES: Mapping[str, Stage] = {
    name: _ALL[name]
    for stage in (*names.STAGES, *ON_REQUEST)
    for name in (["predict", stage] if stage == "benchmark" else [stage])
}
#: Tags with a meaning of their own in Ansible.
SPECIAL = frozenset({"all", "always", "never", "tagged", "untagged"})


def unknown_tags(given: Sequence[str], other: Collection[str]) -> list[str]:
    """Tags that neither the lab nor Ansible knows. other: those of the plays around the lab."""
    return [tag for tag in dict.fromkeys(given) if tag not in STAGES and tag not in SPECIAL and tag not in other]


def refusal(unknown: Sequence[str]) -> str:
    """The sentence on tags that do not exist, with the nearest that do."""
    nearest = {tag: difflib.get_close_matches(tag, STAGES, n=1) for tag in unknown}
    each = [f"no tag {tag}{f' (did you mean {near[0]}?)' if near else ''}" for tag, near in nearest.items()]
    return (
        f"The lab has {' and '.join(each)}: its tags are {', '.join(STAGES)}. Tags of other plays in the same playbook "
        f"go into the variable lab_other_tags."
    )


def selected(tags: Collection[str], skip_tags: Collection[str]) -> list[str]:
    """The stages that Ansible will do, as it evaluates tags."""

    def runs(name: str, stage: Stage) -> bool:
        own = {name, "never"} if stage.on_request else {name}
        asked = not own.isdisjoint(tags) or (not stage.on_request and not {"all", "tagged"}.isdisjoint(tags))
        return asked and own.isdisjoint(skip_tags) and {"all", "tagged"}.isdisjoint(skip_tags)

    return [name for name, stage in STAGES.items() if runs(name, stage)]


def duration(stages: Sequence[str], students: int, window: float) -> tuple[float, int]:
    """Seconds that stages take about, windows included; and how many windows they measure. window: its length.

    A class waits for its windows once, however many students it has.
    """
    costs = [STAGES[name] for name in stages]
    windows = sum(cost.windows for cost in costs)
    return sum(cost.seconds + cost.each * (students - 1) for cost in costs) + windows * window, windows


def about(seconds: float) -> str:
    """A length of time in words, as roughly as it is known."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def plan_lines(stages: Sequence[str], students: int, window: float) -> list[str]:
    """What the user reads before the first stage."""
    seconds, windows = duration(stages, students, window)
    of = f" for {students} students" if students > 1 else ""
    many = f"{windows} {'window' if windows == 1 else 'windows'}"
    measured = f": {many} of {window:g} s, and the time that the cluster takes" if windows and window else ""
    return [
        f"{'stage' if len(stages) == 1 else 'stages'}{of}: {', '.join(stages)}",
        f"about {about(seconds)}{measured}",
    ]


def check_settings(given: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise LabError for values that the lab's variables do not take, and for misspelt ones of the command line.

    given: as the lookup given_settings returns it.
    """
    misspelt = (given.get("misspelt") or {}).get("command_line") or {}
    wrong = [
        *(no_such_variable(name, nearest) for name, nearest in misspelt.items()),
        *refusals(given.get("play") or {}, given.get("students") or {}),
    ]
    if wrong:
        more = [f"{len(wrong) - NAMED} more are wrong"] if len(wrong) > NAMED else []
        raise LabError(f"Nothing was done: {'; '.join([*wrong[:NAMED], *more])}.", wrong=wrong)


def ignored(given: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines on variables that are almost the lab's and may belong to something else."""
    found = (given.get("misspelt") or {}).get("elsewhere") or {}
    return [f"{name} is ignored: {no_such_variable(name, nearest)}" for name, nearest in found.items()]


def earlier_results(results_dir: str, places: Sequence[str]) -> list[str]:
    """The places beside results_dir that hold runs of students, where earlier versions wrote them."""
    found = {os.path.realpath(place): place for place in places}
    found.pop(os.path.realpath(results_dir), None)
    return [place for place in found.values() if any(map(names.RUN_ID.fullmatch, _runs(place)))]


def _runs(place: str) -> Iterator[str]:
    return (folder.name for folder in Path(place).glob("*/*"))


def run(params: Params, context: Context) -> Result:
    """Return ``stages`` and about how many ``seconds`` they take.

    Raises LabError for a tag that does not exist, for a setting that is none, and for a misspelt variable.
    """
    unknown = unknown_tags([*params["tags"], *params["skip_tags"]], params["other_tags"])
    if unknown:
        raise LabError(refusal(unknown), unknown=unknown)
    check_settings(params["settings"])
    for line in ignored(params["settings"]):
        context.show(line)
    stages = selected(params["tags"], params["skip_tags"])
    # Nothing is measured in check mode.
    window = 0.0 if context.check_mode else setting("lab_window", params["window"])
    seconds, _windows = duration(stages, params["students"], window)
    if stages:
        for line in plan_lines(stages, params["students"], window):
            context.show(line)
    elif not set(params["tags"]) & set(params["other_tags"]):
        context.show(f"no stage of the lab is selected; its tags are {', '.join(STAGES)}")
    if stages and params["results_dir"]:
        for place in earlier_results(params["results_dir"], params["earlier_results"]):
            context.show(
                f"results go to {os.path.abspath(params['results_dir'])}; those of earlier runs are in {place}: "
                f"move them, or go on there with -e lab_results_dir={place}"
            )
    return {"changed": False, "stages": stages, "seconds": round(seconds, 1)}


TASK = Task(SPEC, run)
