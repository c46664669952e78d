# SPDX-License-Identifier: GPL-3.0-or-later
"""What every task of the collection has in common, as a module or as an action.

A task's file bears its module's name and ends with ``TASK = Task(SPEC, run, …)``. The module in ``plugins/modules``
documents the task and runs it on the managed host; the one action in ``plugins/action`` runs it in the control node's
process, where progress can be shown.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import LabError

Spec = dict[str, Any]
Params = dict[str, Any]
Result = dict[str, Any]

#: Where a fault of the collection is reported.
ISSUES = "https://github.com/temporal-lab/benchmarking/issues"
#: How many characters of an unexpected error's text a message shows.
LONGEST = 300


def silent(line: str) -> None:
    """Show nothing: a module's output cannot be seen while it runs."""


@dataclass(frozen=True)
class Context:
    """How a task was started.

    check_mode: change nothing, and return what would have changed.
    diff: return a ``diff`` with ``before`` and ``after``.
    show: shows one line to the user at once; does nothing in a module.
    """

    check_mode: bool = False
    diff: bool = False
    show: Callable[[str], None] = silent


def nothing() -> None:
    """Prepare nothing."""


def as_given(arguments: Params) -> Params:
    """Send a task's arguments to another host as they are."""
    return arguments


@dataclass(frozen=True)
class Task:
    """What a module of this collection does.

    spec: the argument spec.
    run: does the task; returns a result dictionary or raises LabError.
    validation: further keywords of the argument validation (required_if, mutually_exclusive ...).
    elsewhere: turns the arguments into those for a host that is not the control node, with what only the control node
        has, such as a file's text; raises LabError. None: the task runs on the control node only.
    before_fork: reads what all hosts share, once, before Ansible forks a worker for each host.
    """

    spec: Spec
    run: Callable[[Params, Context], Result]
    validation: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Callable[[Params], Params] | None = None
    before_fork: Callable[[], None] = nothing


def attempt(task: Task, params: Params, context: Context, trace: Callable[[str], None]) -> Result:
    """Run a task and return its result; an error becomes a failure in one sentence.

    trace: shows the traceback of an unexpected error to whoever asked for it (-vvv).
    """
    try:
        return task.run(params, context)
    except LabError as error:
        return {**error.details, "failed": True, "msg": error.msg}
    except Exception as error:  # noqa: BLE001 (a fault in one student's task must not end the class)
        secrets = [
            text
            for name, option in task.spec.items()
            if option.get("no_log") and params.get(name)
            for text in map(str, params[name].values() if isinstance(params[name], dict) else [params[name]])
            if text
        ]
        trace(_masked(traceback.format_exc(), secrets))
        return {"failed": True, "msg": unexpected(error, secrets)}


def unexpected(error: Exception, secrets: list[str]) -> str:
    """The sentence for an error that no task foresees. secrets: values that it must not show."""
    text = "".join(letter if letter.isprintable() else " " for letter in _masked(str(error), secrets))
    text = " ".join(text.split()).rstrip(".")
    said = f" ({text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'})" if text else ""
    return (
        f"The task ended with an unexpected {type(error).__name__}{said}, which is a fault of this collection: report "
        f"it at {ISSUES} with the output of the same command with -vvv."
    )


def _masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def run_module(task: Task) -> None:
    """Run a task as an Ansible module."""
    module = AnsibleModule(argument_spec=task.spec, supports_check_mode=True, **task.validation)
    context = Context(check_mode=module.check_mode, diff=module._diff)
    traces: list[str] = []
    result = attempt(task, module.params, context, traces.append)
    if result.get("failed"):
        if traces and module._verbosity >= 3:
            result["exception"] = traces[0]
        module.fail_json(**result)
    module.exit_json(**result)
